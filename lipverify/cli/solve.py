"""What exact, upper and lower have in common: one verb, one method, one bound."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import lipverify as lv
from lipverify.cli import options
from lipverify.cli.exits import exit_code
from lipverify.cli.printing import say_bound
from lipverify.cli.progress import progress
from lipverify.cli.signals import working


def solve(
    verb: Callable[..., lv.Bound],
    model: str | None,
    method: str,
    p: str,
    reading: options.Reading,
    common: options.Common,
    certificate: Path | None = None,
    **more: Any,
) -> int:
    """Run a verb, print its bound, write its certificate if one is wanted, and return the exit code."""
    net = options.network(model, reading)
    domain, norm = options.domain(common.box, net, common.ball), options.norm(p)
    with working(), progress() as show:
        try:
            bound = verb(
                net,
                method,
                p=norm,
                domain=domain,
                time_limit=common.time_limit,
                seed=common.seed,
                on_progress=None if show is None else lambda b: show(b.method, b),
                **more,
            )
        except lv.Interrupted as stop:
            bound = stop.bound
    if certificate is not None and bound.certificate is not None:
        bound.certificate.save(certificate)
    say_bound(bound, net, domain, p, as_json=common.json)
    return exit_code(bound)
