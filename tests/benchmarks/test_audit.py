"""An audit of a cheap estimator asks a hundred networks a second on two cores: `pytest -m benchmark`."""

from __future__ import annotations

import time

import pytest

from lipverify.testing import audit


@pytest.mark.benchmark
def test_fifty_networks_per_second_of_one_core() -> None:
    audit("frobenius", max_examples=20, jobs=1)  # imports
    start = time.process_time()
    report = audit("frobenius", max_examples=1000, jobs=1)
    assert report.ok
    assert report.examples / (time.process_time() - start) > 50
