"""lipverify exact"""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

import lipverify as lv
from lipverify.cli.options import DEFAULTS, Common, MethodName, Model, Norm
from lipverify.cli.solve import solve

EXAMPLES = """Examples:

lipverify exact

lipverify exact model.onnx --p inf --box -1:1

lipverify exact model.json --p 1:inf --method milp --time-limit 60 --json
"""


def exact(
    model: Model = None,
    /,
    *,
    p: Norm = "2",
    method: MethodName = "auto",
    rel_gap: Annotated[
        float,
        Parameter(
            allow_leading_hyphen=True,
            help="Stop once upper / lower − 1 is this small; 0 for the exact value.",
        ),
    ] = 0.0,
    common: Common = DEFAULTS,
) -> int:
    """Compute the Lipschitz constant exactly, or the interval proved within the time limit."""
    return solve(lv.exact, model, method, p, common, rel_gap=rel_gap)
