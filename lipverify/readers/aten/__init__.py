"""What each ATen operator means: one builder per operator, one file per family, and the table of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lipverify.readers.aten.activations import ACTIVATIONS
from lipverify.readers.aten.arithmetic import ARITHMETIC
from lipverify.readers.aten.call import Call
from lipverify.readers.aten.linear import LINEAR
from lipverify.readers.aten.movement import MOVEMENT
from lipverify.readers.aten.normalisation import NORMALISATION
from lipverify.readers.aten.pooling import POOLING
from lipverify.readers.aten.reductions import REDUCTIONS

BUILDERS: dict[str, Callable[[Call], Any]] = {
    **MOVEMENT,
    **ARITHMETIC,
    **REDUCTIONS,
    **LINEAR,
    **POOLING,
    **NORMALISATION,
    **ACTIVATIONS,
}
"""By the name of the operator without its overload: `aten.add.Tensor` is "add"."""
