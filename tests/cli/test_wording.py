"""Errors on the command line speak of flags; the library's, of arguments."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import lipverify as lv
from lipverify.cli.wording import as_flags
from tests.cli.conftest import Answer

Run = Callable[..., Answer]


@pytest.mark.parametrize(
    ("library", "command"),
    [
        ("time_limit must be a number", "--time-limit must be a number"),
        ("seed must be an integer ≥ 0; got -1", "--seed must be an integer ≥ 0; got -1"),
        ("as in lipverify.load(path, key='state_dict', …)", "as in --key state_dict"),
        ("as in lipverify.load(path, layers=['fc1', 'fc2'], …), or", "as in --layers fc1,fc2, or"),
        ("lipverify.load(path, input_shape=(2, 3))", "--input-shape 2,3"),
        ("say transposed=False, or transposed=True", "say --no-transposed, or --transposed"),
        ("output='x': the graph has the outputs 'y'", "--output x: the graph has the outputs 'y'"),
        ("as in lipverify.load_box(path, 0); lipverify.load_boxes(path) gives all", "--box FILE:0; --boxes FILE"),
        ("input 3 has an output of layers", "input 3 has an output of layers"),
        ("the seed of time", "the seed of time"),
    ],
)
def test_arguments_become_flags(library: str, command: str) -> None:
    assert command in as_flags(library)


def test_both_say_what_their_reader_can_do(lipverify: Run, tmp_path: Path) -> None:
    path = tmp_path / "weights.npz"
    np.savez(path, **{"fc1.weight": np.eye(2), "fc2.weight": np.eye(2)})
    with pytest.raises(lv.InvalidNetwork, match="activation='relu'") as caught:
        lv.load(path, layers=["fc1", "fc2"], transposed=False)
    assert "--" not in str(caught.value)
    answer = lipverify("exact", path, "--layers", "fc1,fc2", "--no-transposed")
    assert (answer.code, "--activation relu" in answer.err, "lipverify.load" in answer.err) == (2, True, False)
    answer = lipverify("exact", "--time-limit", "-1")
    assert (answer.code, "--time-limit must be" in answer.err) == (2, True)


def test_methods_are_listed(lipverify: Run) -> None:
    import json

    text = lipverify("methods")
    assert all(f"\n{info.name} " in text.out for info in lv.methods())
    assert [row["name"] for row in json.loads(lipverify("methods", "--json").out)["methods"]] == [
        info.name for info in lv.methods()
    ]
