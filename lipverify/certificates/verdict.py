"""Check a certificate against a network, a domain, norms and a claim, by the stand-alone checker's rules."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from numbers import Rational
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, final

from lipverify.certificates import checker
from lipverify.certificates.writer import Certificate, exact_domain, exact_network, exact_pair
from lipverify.domain import Domain, Everywhere
from lipverify.errors import CertificateError, InvalidArgument
from lipverify.fixed_inputs import restrict
from lipverify.norms import norm_pair
from lipverify.problem import Problem
from lipverify.readers import as_network

if TYPE_CHECKING:
    from lipverify.readers import Model

Number: TypeAlias = float | Fraction | str
"""A float is the rational that it is; a string is a decimal, a fraction or a hexadecimal float."""


@final
@dataclass(frozen=True)
class Verdict:
    """lower ≤ L ≤ upper is proved; 0 and None for a side that was not claimed.

    Attributes
    ----------
    lower, upper
        The claim, exactly.
    """

    lower: Fraction
    upper: Fraction | None

    def __str__(self) -> str:
        ceiling = "" if self.upper is None else f" ≤ {self.upper}"
        return f"proved: {self.lower} ≤ L{ceiling}"


def check(
    net: Model,
    certificate: Certificate | Mapping[str, Any] | str | Path,
    *,
    p: Any = 2,
    domain: Domain | None = None,
    lower: Number | None = None,
    upper: Number | None = None,
) -> Verdict:
    """Whether a certificate proves lower ≤ L ≤ upper. Network, domain, norms and claim are never read from it.

    Parameters
    ----------
    net
        A Network, a torch module, or the path of a model file.
    certificate
        What `exact(…, certify=True)` leaves in `bound.certificate`, its JSON object, or a path.
    p, domain
        As for `lipverify.exact`; inputs that the domain fixes are folded into the network first.
    lower, upper
        The claim: floats, Fractions, or strings as the stand-alone checker takes them; at least one.

    Returns
    -------
    Verdict
        When every step of the proof holds.

    Raises
    ------
    CertificateError
        When it does not; the message names the rule and the place.
    InvalidArgument
        When nothing is claimed, or something that is no number.
    """
    if lower is None and upper is None:
        raise InvalidArgument("nothing is claimed: pass lower=, upper=, or both")
    where = restrict(as_network(net), Everywhere() if domain is None else domain)
    problem = Problem(where.network, norm_pair(p), where.domain)
    floor = Fraction(0) if lower is None else _number(lower, "lower")
    ceiling = None if upper is None or upper == math.inf else _number(upper, "upper")
    try:
        if isinstance(certificate, Certificate):
            record: Any = certificate.record()
        else:
            record = checker.read_json(str(certificate)) if isinstance(certificate, (str, Path)) else certificate
        pair = exact_pair(problem.norm)
        checker.check(exact_network(problem.network), record, exact_domain(problem.domain), pair, floor, ceiling)
    except checker.Refused as error:
        raise CertificateError(str(error)) from error
    return Verdict(floor, ceiling)


def _number(value: Number, name: str) -> Fraction:
    try:
        if isinstance(value, str):
            return checker.number(value, name)
        if isinstance(value, (Rational, float)) and not isinstance(value, bool):
            return Fraction(value)
    except (checker.Refused, ValueError, OverflowError) as error:
        raise InvalidArgument(f"{name} = {value!r} is no finite number: {error}") from error
    raise InvalidArgument(f"{name} must be a float, a Fraction or a string; got {value!r}")
