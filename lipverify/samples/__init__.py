"""Networks that come with the package, and the scripts that made them.

iris: 4-8-8-3, relu, trained on Fisher's iris flowers by train_iris.py; inputs in centimetres.
"""

from __future__ import annotations

from pathlib import Path

from lipverify.errors import InvalidArgument

NAMES = ("iris",)


def path(name: str) -> Path:
    """The file of a sample network, for `lipverify.load`.

    Raises
    ------
    InvalidArgument
        For a name that is not in `NAMES`.
    """
    if name not in NAMES:
        raise InvalidArgument(f"there is no sample {name!r}; there are: {', '.join(NAMES)}")
    return Path(__file__).with_name(f"{name}.json")
