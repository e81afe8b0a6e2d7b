"""lipverify claim"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

import lipverify as lv
from lipverify.cli import options
from lipverify.cli.exits import FAILED, HOLDS, LIMIT
from lipverify.cli.options import DEFAULTS, Common, Model, Norm
from lipverify.cli.printing import say, say_bound, say_json
from lipverify.progress import interval, status

EXAMPLES = """Examples:

lipverify claim model.onnx --at-most 1

lipverify claim model.json --at-most 3/2 --p inf --box -1:1 --snippet two_points.py
"""

_CODES = {lv.Answer.HOLDS: HOLDS, lv.Answer.REFUTED: FAILED, lv.Answer.UNDECIDED: LIMIT}


def claim(
    model: Model = None,
    /,
    *,
    at_most: Annotated[str, Parameter(help="The claim: a decimal, or a fraction such as 3/2; taken exactly.")],
    p: Norm = "2",
    snippet: Annotated[
        Path | None, Parameter(help="If the claim is refuted, write a Python program that shows it to this file.")
    ] = None,
    common: Common = DEFAULTS,
) -> int:
    """Decide whether the Lipschitz constant is at most a number, and stop the moment that is known.

    Exit codes: 0 it holds, proved; 1 it is refuted, by two points; 2 bad usage or input; 3 undecided within the limit.
    """
    try:
        number = Fraction(at_most)
    except (ValueError, ZeroDivisionError):
        raise lv.InvalidArgument(f"--at-most {at_most!r} is no number: a decimal, or a fraction such as 3/2") from None
    net = options.network(model)
    domain = options.domain(common.box, net, common.ball)
    with status() as show:
        try:
            found = lv.decide(
                net,
                at_most=number,
                p=options.norm(p),
                domain=domain,
                time_limit=common.time_limit,
                seed=common.seed,
                on_progress=lambda bound: show(interval(bound)),
            )
        except lv.Interrupted as stop:
            say_bound(stop.bound, net, domain, p, as_json=common.json)
            return LIMIT
    if snippet is not None and found.snippet:
        snippet.write_text(found.snippet, encoding="utf-8")
    if common.json:
        say_json({"network": repr(net), "digest": net.digest, "domain": str(domain), "p": p, **found.to_dict()})
        return _CODES[found.status]
    say(f"L ≤ {at_most}: {found.status.name}, {found.status.value}")
    say_bound(found.bound, net, domain, p, as_json=False)
    if found.points is not None:
        for name, point in zip("xy", found.points, strict=True):
            say(f"{name} = ({', '.join(map(str, point))})")
    return _CODES[found.status]
