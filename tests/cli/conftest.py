"""Networks in files, and the command line run in this process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import lipverify as lv
from lipverify.cli import main


@dataclass(frozen=True)
class Answer:
    """What a command left behind."""

    code: int
    out: str
    err: str


@pytest.fixture
def lipverify(capsys: pytest.CaptureFixture[str]) -> Callable[..., Answer]:
    """`lipverify ARGS`, in this process."""

    def run(*argv: object) -> Answer:
        capsys.readouterr()
        code = main([str(a) for a in argv])
        text = capsys.readouterr()
        return Answer(code, text.out, text.err)

    return run


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """|x| + y, up to scale: 2 inputs, 1 output, L = 3 for p = inf."""
    path = tmp_path / "small.json"
    lv.Network([[[1, 0], [-1, 0], [0, 1], [0, -1]], [[1, 1, 2, -2]]]).save(path)
    return path


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A network that no exact method finishes in a test's time."""
    path, rng = tmp_path / "large.json", np.random.default_rng(0)
    weights = [rng.normal(size=shape) for shape in ((40, 6), (40, 40), (1, 40))]
    lv.Network(weights, [rng.normal(size=40), rng.normal(size=40), None]).save(path)
    return path
