"""lipverify exact"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

import lipverify as lv
from lipverify.cli import options
from lipverify.cli.options import AS_IT_IS, DEFAULTS, ONE, Common, Many, MethodName, Model, Norm, Reading
from lipverify.cli.solve import solve

EXAMPLES = """Examples:

lipverify exact

lipverify exact model.onnx --p inf --box -1:1

lipverify exact model.json --p 1:inf --method milp --time-limit 60 --json

lipverify exact model.json --p inf --box -1:1 --method milp --write-model program.lp

lipverify exact model.json --certificate proof.json.gz

lipverify exact model.json --checkpoint search.json --resume

lipverify exact model.json --jobs 2

lipverify exact model.json --memory 2G --time-limit 3600

lipverify exact model.json --boxes boxes.txt --jobs 2 --json
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
    write_model: Annotated[
        Path | None,
        Parameter(help="With --method milp: write its program to this .lp or .mps file first."),
    ] = None,
    certificate: Annotated[
        Path | None,
        Parameter(help="Prove both sides, and write the proof to this file (.json or .json.gz) for lipverify check."),
    ] = None,
    checkpoint: Annotated[
        Path | None,
        Parameter(help="Write the search of branch and bound to this file now and then, and at the end."),
    ] = None,
    resume: Annotated[
        bool, Parameter(negative="", help="Go on from the checkpoint; from the beginning where it is not there.")
    ] = False,
    memory: Annotated[
        str | None,
        Parameter(help="Memory that the search may have, 2G or 500M: beyond it it keeps less, and takes longer."),
    ] = None,
    many: Many = ONE,
    reading: Reading = AS_IT_IS,
    common: Common = DEFAULTS,
) -> int:
    """Compute the Lipschitz constant exactly, or the interval proved within the time limit."""
    if write_model is not None:
        if method != "milp":
            raise lv.InvalidArgument(f"--write-model needs --method milp; got --method {method}")
        net = options.network(model, reading)
        lv.write_model(net, write_model, p=options.norm(p), domain=options.domain(common.box, net, common.ball))
    more: dict[str, Any] = {"rel_gap": rel_gap, "checkpoint": checkpoint, "resume": resume}
    more |= {"memory": options.size(memory)}
    if certificate is None:
        return solve(lv.exact, model, method, p, reading, common, many=many, **more)
    if not certificate.name.endswith((".json", ".json.gz")):
        raise lv.InvalidArgument(f"--certificate {certificate}: expected a name that ends in .json or .json.gz")
    more |= {"certify": True, "certificate": certificate}
    return solve(lv.exact, model, method, p, reading, common, many=many, **more)
