"""Errors of the library in the words of the command line: a flag where Python has an argument.

The library names its arguments: `time_limit must be …`, `lipverify.load(path, key='state_dict', …)`. Here they are
translated; what is no argument of a command stays as it is.
"""

from __future__ import annotations

import ast
import re

FLAGS = (
    "activation",
    "at_most",
    "call_limit",
    "example_input",
    "input",
    "input_shape",
    "jobs",
    "key",
    "layers",
    "max_examples",
    "normalisation",
    "output",
    "rel_gap",
    "rtol",
    "seed",
    "time_limit",
    "transposed",
)
_NAMES = "|".join(FLAGS)
_VALUE = r"(?:'[^']*'|\[[^\]]*\]|\([^)]*\)|True|False|[\w.+-]+)"
_CALL = re.compile(rf"lipverify\.load(?:_box)?\(path, (?:({_NAMES})=({_VALUE})|(\d+))(?:, …)?\)")
_ARGUMENT = re.compile(rf"(?<![\w.-])({_NAMES})=({_VALUE})")
_NAME = re.compile(rf"(?<![\w.-])({_NAMES})(?= must )|(?<![\w.-])({'|'.join(f for f in FLAGS if '_' in f)})(?![\w=(])")


def as_flags(message: str) -> str:
    """The message, with flags for arguments."""
    text = _CALL.sub(lambda m: _flag(m[1], m[2]) if m[1] else f"--box FILE:{m[3]}", message)
    text = text.replace("lipverify.load_boxes(path) gives all", "--boxes FILE asks about all")
    text = _ARGUMENT.sub(lambda m: _flag(m[1], m[2]), text)
    return _NAME.sub(lambda m: _spelled(m[1] or m[2]), text)


def _flag(name: str, value: str) -> str:
    """An argument and its value, as one would write them on the command line."""
    try:
        meant = ast.literal_eval(value)
    except (SyntaxError, ValueError):
        meant = value
    if meant is True:
        return _spelled(name)
    if meant is False:
        return f"--no-{_spelled(name)[2:]}"
    words = ",".join(map(str, meant)) if isinstance(meant, (list, tuple)) else str(meant)
    return f"{_spelled(name)} {words}"


def _spelled(name: str) -> str:
    return f"--{name.replace('_', '-')}"
