"""lipverify upper"""

from __future__ import annotations

import lipverify as lv
from lipverify.cli.options import AS_IT_IS, DEFAULTS, ONE, Common, Many, MethodName, Model, Norm, Reading
from lipverify.cli.solve import solve

EXAMPLES = """Examples:

lipverify upper model.onnx --method seqlip

lipverify upper model.json --p inf --box prop.vnnlib --json

lipverify upper model.json --boxes boxes.txt --jobs 2 --json
"""


def upper(
    model: Model = None,
    /,
    *,
    p: Norm = "2",
    method: MethodName = "auto",
    many: Many = ONE,
    reading: Reading = AS_IT_IS,
    common: Common = DEFAULTS,
) -> int:
    """Bound the Lipschitz constant from above."""
    return solve(lv.upper, model, method, p, reading, common, many=many)
