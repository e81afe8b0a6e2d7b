"""What each operator means, by ATen's names: one builder per operator, one file per family, and the table of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lipverify.readers.operators.activations import ACTIVATIONS
from lipverify.readers.operators.arithmetic import ARITHMETIC
from lipverify.readers.operators.call import Call
from lipverify.readers.operators.linear import LINEAR
from lipverify.readers.operators.movement import MOVEMENT
from lipverify.readers.operators.normalisation import NORMALISATION
from lipverify.readers.operators.pooling import POOLING
from lipverify.readers.operators.reductions import REDUCTIONS

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
