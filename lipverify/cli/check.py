"""lipverify check"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

import lipverify as lv
from lipverify.cli import options
from lipverify.cli.exits import FAILED, HOLDS
from lipverify.cli.options import AS_IT_IS, Norm, Reading
from lipverify.cli.printing import say, say_json

EXAMPLES = """Examples:

lipverify exact model.onnx --certificate proof.json.gz

lipverify check model.onnx proof.json.gz --lower 1.99 --upper 2

lipverify check model.json proof.json --p inf --box -1:1 --upper 30547005969/1073741824
"""


def check(
    model: Annotated[str, Parameter(help="The network: .onnx, .pt, .npz or .json.")],
    certificate: Annotated[Path, Parameter(help="What lipverify exact --certificate wrote.")],
    /,
    *,
    p: Norm = "2",
    lower: Annotated[
        str | None, Parameter(help="The lower bound to be proved: a decimal, fraction or hex float.")
    ] = None,
    upper: Annotated[str | None, Parameter(help="The upper bound to be proved, likewise.")] = None,
    box: Annotated[str | None, Parameter(allow_leading_hyphen=True, help="As for lipverify exact.")] = None,
    reading: Reading = AS_IT_IS,
    json: Annotated[bool, Parameter(negative="", help="Print one JSON object, and nothing else, on stdout.")] = False,
) -> int:
    """Check a proof that lower ≤ L ≤ upper, in exact arithmetic. The claim is what you write, not what the file says.

    The checker is one file of the standard library alone, lipverify/certificates/checker.py, and runs by itself:
    python -I checker.py network.json certificate.json --p 2 --upper 2. Exit codes: 0 proved, 1 not proved, 2 bad usage.
    """
    net = options.network(model, reading)
    try:
        verdict = lv.check(
            net, certificate, p=options.norm(p), domain=options.domain(box, net), lower=lower, upper=upper
        )
    except lv.CertificateError as error:
        if json:
            say_json({"proved": False, "reason": str(error)})
        else:
            say(f"NOT PROVED: {error}")
        return FAILED
    if json:
        ceiling = None if verdict.upper is None else str(verdict.upper)
        say_json({"proved": True, "lower": str(verdict.lower), "upper": ceiling, "digest": net.digest, "p": p})
    else:
        say(f"PROVED: {lower if lower is not None else 0} ≤ L" + (f" ≤ {upper}" if upper is not None else ""))
    return HOLDS
