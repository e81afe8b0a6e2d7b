"""The embedded network is what its script makes, and good at what it does."""

from __future__ import annotations

from pathlib import Path

import pytest

import lipverify as lv
from lipverify import samples
from lipverify.samples import train_iris


def test_it_classifies_iris() -> None:
    datasets = pytest.importorskip("sklearn.datasets")
    X, labels = datasets.load_iris(return_X_y=True)
    assert train_iris.accuracy(lv.load(samples.path("iris")), X, labels) >= 0.95


def test_training_again_gives_a_classifier_as_good(tmp_path: Path) -> None:
    datasets = pytest.importorskip("sklearn.datasets")
    X, labels = datasets.load_iris(return_X_y=True)
    train_iris.main([str(tmp_path / "iris.json")])
    again = lv.load(tmp_path / "iris.json")
    assert again.hidden == lv.load(samples.path("iris")).hidden
    assert train_iris.accuracy(again, X, labels) >= 0.95


def test_an_unknown_sample() -> None:
    with pytest.raises(lv.InvalidArgument, match="iris"):
        samples.path("nothing")
