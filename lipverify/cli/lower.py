"""lipverify lower"""

from __future__ import annotations

import lipverify as lv
from lipverify.cli.options import AS_IT_IS, DEFAULTS, ONE, Common, Many, MethodName, Model, Norm, Reading
from lipverify.cli.solve import solve

EXAMPLES = """Examples:

lipverify lower model.onnx --method annealing --seed 1

lipverify lower model.json --p inf --box prop.vnnlib --json

lipverify lower model.json --boxes boxes.txt --jobs 2 --json
"""


def lower(
    model: Model = None,
    /,
    *,
    p: Norm = "2",
    method: MethodName = "auto",
    many: Many = ONE,
    reading: Reading = AS_IT_IS,
    common: Common = DEFAULTS,
) -> int:
    """Bound the Lipschitz constant from below."""
    return solve(lv.lower, model, method, p, reading, common, many=many)
