"""Exit codes, and how errors are told."""

from __future__ import annotations

import sys

import lipverify as lv
from lipverify.text import printable

HOLDS, FAILED, BAD_INPUT, LIMIT = 0, 1, 2, 3

_CODES = {
    lv.Status.EXACT: HOLDS,
    lv.Status.CLOSED: HOLDS,
    lv.Status.ONE_SIDED: HOLDS,
    lv.Status.TIME_LIMIT: LIMIT,
    lv.Status.INTERRUPTED: LIMIT,
    lv.Status.FAILED: FAILED,
}


def exit_code(bound: lv.Bound) -> int:
    """The exit code that a bound's status means."""
    return _CODES[bound.status]


def complain(message: str, code: int) -> int:
    """Write one line to stderr and return the code."""
    sys.stderr.write(f"lipverify: error: {printable(' '.join(message.split()))}\n")
    return code
