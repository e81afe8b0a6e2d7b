"""Rows as a pandas DataFrame, for those who have pandas: lipverify needs none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Any

from lipverify.errors import LipverifyError


def frame(rows: Iterable[Mapping[str, Any]]) -> Any:
    """A DataFrame with one row per mapping.

    Raises
    ------
    LipverifyError
        Where pandas is not installed.
    """
    try:
        pandas = import_module("pandas")
    except ImportError as error:
        raise LipverifyError("to_frame() needs pandas, which is not installed: pip install pandas") from error
    return pandas.DataFrame([dict(row) for row in rows])
