"""What a domain is, as plain numbers: for keys that are the same on every machine."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from lipverify.domain import Ball, Box, Domain, Polytope

if TYPE_CHECKING:
    from lipverify.problem import Problem


def domain_numbers(domain: Domain) -> list[Any]:
    """Its kind and all its numbers, as text that gives every float back."""
    if isinstance(domain, Box):
        return ["box", _exactly(domain.lower.tolist()), _exactly(domain.upper.tolist())]
    if isinstance(domain, Polytope):
        return ["polytope", [_exactly(row) for row in domain.A.tolist()], _exactly(domain.b.tolist())]
    if isinstance(domain, Ball):
        return ["ball", _exactly(domain.center.tolist()), _exactly([domain.radius])]
    return ["everywhere"]


def problem_key(problem: Problem) -> str:
    """A SHA-256 over network, norm and domain."""
    norm = [repr(problem.norm.p), repr(problem.norm.q)]
    asked = json.dumps([problem.network.digest, norm, domain_numbers(problem.domain)])
    return hashlib.sha256(asked.encode()).hexdigest()


def _exactly(values: list[float]) -> list[str]:
    return [repr(value + 0.0) for value in values]  # + 0.0: −0 and 0 are the same limit
