"""Upper-bound trees in the language of activation pattern tree proofs (APTP), to compare trees of different tools.

The language ("Generating and Checking DNN Verification Proofs", https://github.com/dynaroars/APTPchecker) names ReLU
neurons N_1, N_2, … layer by layer and writes a tree as the disjunction of its leaves. Its leaves carry no evidence, and
a bound on a derivative is not a property of outputs that it could state: what is written is the tree alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lipverify.certificates.writer import Certificate
from lipverify.domain import Box
from lipverify.errors import InvalidArgument
from lipverify.network import RELU, Network


def leaves(certificate: Certificate) -> Iterator[tuple[int, ...]]:
    """The splits on the way to every leaf: i + 1 where neuron i is active, −i − 1 where it is not.

    Raises
    ------
    InvalidArgument
        For a certificate without a tree.
    """
    if certificate.tree is None:
        raise InvalidArgument("the certificate proves no upper bound, so it has no tree")
    waiting: list[tuple[int, ...]] = [()]
    for rule, *rest in certificate.tree:
        at = waiting.pop()
        if rule == "split":
            waiting += [(*at, -rest[0] - 1), (*at, rest[0] + 1)]
        else:
            yield at


def to_aptp(net: Network, domain: Box, certificate: Certificate) -> str:
    """The tree of a certificate as an APTP file for a ReLU network on a box, without a property of the outputs.

    Raises
    ------
    InvalidArgument
        For neurons that are no ReLUs, another domain than a box, or a certificate without a tree.
    """
    for k, pairs in enumerate(net.slopes):
        if not (pairs == RELU).all():
            raise InvalidArgument(f"APTP knows ReLU networks; slopes[{k}] has other slopes than (0, 1)")
    if not isinstance(domain, Box):
        raise InvalidArgument(f"APTP states its input constraints as a box; the domain is {domain}")
    declared = [f"(declare-const X_{j} Real)" for j in range(net.input_dim)]
    declared += [f"(declare-const Y_{j} Real)" for j in range(net.output_dim)]
    declared += [f"(declare-pwl N_{i + 1} ReLU)" for i in range(net.neurons)]
    limits = [
        f"(assert ({relation} X_{j} {limit!r}))"
        for j, ends in enumerate(zip(domain.lower.tolist(), domain.upper.tolist(), strict=True))
        for relation, limit in zip((">=", "<="), ends, strict=True)
    ]
    found = list(leaves(certificate))
    hidden = ["(assert (or", *(f"    {_conjunction(leaf)}" for leaf in found), "))"] if found != [()] else []
    return "\n".join([*declared, *limits, *hidden]) + "\n"


def _conjunction(leaf: Sequence[int]) -> str:
    literals = " ".join(f"({'>=' if sign > 0 else '<'} N_{abs(sign)} 0)" for sign in leaf)
    return f"(and {literals})"
