"""What exact, upper and lower have in common: one verb, one method, one bound."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import lipverify as lv
from lipverify.cli import options
from lipverify.cli.exits import FAILED, HOLDS, LIMIT, exit_code
from lipverify.cli.printing import say, say_bound, say_json
from lipverify.cli.signals import working
from lipverify.progress import interval, status


def solve(
    verb: Callable[..., Any],
    model: str | None,
    method: str,
    p: str,
    reading: options.Reading,
    common: options.Common,
    certificate: Path | None = None,
    many: options.Many = options.ONE,
    **more: Any,
) -> int:
    """Run a verb, print its bound, write its certificate if one is wanted, and return the exit code."""
    net = options.network(model, reading)
    if many.boxes is not None:
        if certificate is not None or common.box is not None or common.ball is not None:
            raise lv.InvalidArgument("--boxes stands alone: not with --box, --ball or --certificate")
        more |= {"jobs": many.jobs, "cluster": many.cluster}
        return solve_all(verb, net, method, options.boxes(many.boxes, net), p, common, **more)
    if verb is lv.exact:
        more |= {"jobs": many.jobs, "cluster": many.cluster}
    elif many != options.ONE:
        raise lv.InvalidArgument("--jobs and --cluster share out the boxes of --boxes FILE; this is one question")
    domain, norm = options.domain(common.box, net, common.ball), options.norm(p)
    with working(), status() as show:
        try:
            bound = verb(
                net,
                method,
                p=norm,
                domain=domain,
                time_limit=common.time_limit,
                seed=common.seed,
                on_progress=lambda bound: show(interval(bound)),
                **more,
            )
        except lv.Interrupted as stop:
            bound = stop.bound
    if certificate is not None and bound.certificate is not None:
        bound.certificate.save(certificate)
    say_bound(bound, net, domain, p, as_json=common.json)
    return exit_code(bound)


def solve_all(
    verb: Callable[..., Any],
    net: lv.Network,
    method: str,
    domains: list[Any],
    p: str,
    common: options.Common,
    **more: Any,
) -> int:
    """Run a verb on every domain, print a row for each, and return the exit code: that of the worst row."""
    stopped = False
    with working(), status() as show:
        try:
            batch = verb(
                net,
                method,
                p=options.norm(p),
                domain=domains,
                time_limit=common.time_limit,
                seed=common.seed,
                on_progress=lambda bound: show(interval(bound)),
                **more,
            )
        except lv.InterruptedBatch as stop:
            batch, stopped = stop.batch, True
    if common.json:
        say_json({"network": repr(net), "digest": net.digest, "p": p, **batch.to_dict()})
    else:
        say(batch.to_csv().rstrip("\n"))
    if any(row.bound is None for row in batch):
        return FAILED
    codes = [exit_code(row.bound) for row in batch if row.bound is not None]
    if FAILED in codes:
        return FAILED
    return LIMIT if stopped or LIMIT in codes else HOLDS
