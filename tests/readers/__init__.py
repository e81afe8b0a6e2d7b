"""Tests of lipverify.readers."""
