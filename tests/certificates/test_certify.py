"""Proofs that the program writes: of every exact result, by every method; and lies that no proof may support."""

from __future__ import annotations

import itertools
import json
import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lipverify as lv
from lipverify.certificates import checker, writer
from lipverify.certificates.writer import exact_domain, exact_network, exact_pair
from lipverify.norms import norm_pair
from lipverify.testing import domains, networks
from tests import oracle
from tests.conftest import examples

INF = math.inf
PAIRS = tuple(itertools.product((1, 2, INF), repeat=2))
METHODS = ("enumeration", "milp", "branch-and-bound")
SMALL: dict[str, Any] = {"width": (1, 3), "outputs": (1, 2), "slopes": True}


def sides(bound: lv.Bound) -> tuple[Fraction, Fraction]:
    """The tightest claim that a result makes."""
    exact = bound.exact_value
    return (exact, exact) if exact is not None else (Fraction(bound.lower), Fraction(bound.upper))


@settings(max_examples=examples(60))
@given(st.data(), st.sampled_from(PAIRS), st.sampled_from(METHODS))
def test_every_exact_result_is_proved_on_both_sides(data: st.DataObject, p: Any, method: str) -> None:
    net = data.draw(networks(**SMALL))
    domain = data.draw(domains(net.input_dim))
    bound = lv.exact(net, method, p=p, domain=domain, certify=True)
    assert bound.status is lv.Status.EXACT
    assert (bound.lower_rigor, bound.upper_rigor) == (lv.Rigor.PROVED, lv.Rigor.PROVED)
    jacobians = [region.jacobian for region in oracle.regions(net, domain)]
    assert oracle.encloses(jacobians, bound.lower, bound.upper, *p)
    lower, upper = sides(bound)
    verdict = lv.check(net, bound.certificate, p=p, domain=domain, lower=lower, upper=upper)
    assert verdict == lv.Verdict(lower, upper)


@pytest.mark.parametrize("p", [1, 2, "inf"])
def test_a_facet_that_says_nothing_is_not_named_in_a_proof(p: Any) -> None:
    """0·x ≤ 1 is a constant row, which the checker refuses; nowhere is relu(−relu(2 − x) − 1) > 0."""
    weights = [[[-1.0]], [[-1.0], [0.0]], [[0.0, 0.0], [1.0, 0.0]]]
    net = lv.Network(tuple(map(np.array, weights)), (np.array([2.0]), np.array([-1.0, 0.0]), np.array([0.0, 0.0])))
    domain = lv.Polytope(np.zeros((1, 1)), np.ones(1))
    bound = lv.exact(net, p=p, domain=domain, certify=True)
    assert lv.check(net, bound.certificate, p=p, domain=domain, upper=0) == lv.Verdict(Fraction(0), Fraction(0))


@settings(max_examples=examples(40))
@given(st.data(), st.sampled_from(PAIRS), st.randoms(use_true_random=False))
def test_no_lie_is_proved(data: st.DataObject, p: Any, random: Any) -> None:
    """Ten false claims about a network, each with a damaged proof of it or a proof of another network or domain."""
    net, other = data.draw(networks(**SMALL)), data.draw(networks(**SMALL))
    domain = data.draw(domains(net.input_dim))
    bound = lv.exact(net, p=p, domain=domain, certify=True)
    foreign = lv.exact(other, p=p, certify=True)
    lower, upper = sides(bound)
    judged = exact_network(net), exact_domain(domain), exact_pair(norm_pair(p))
    for _ in range(10):
        record = (foreign if random.random() < 0.3 else bound).certificate.record()
        record = json.loads(json.dumps(record))
        for _ in range(random.randrange(4)):
            damage(record, random)
        step = upper / 10 ** random.randrange(1, 10) + Fraction(1, 10**12)
        low, high = (upper + step, None) if random.random() < 0.5 else (Fraction(0), lower - step)
        with pytest.raises(checker.Refused):
            checker.check(*judged[:1], record, *judged[1:], low, high)


def damage(record: dict[str, Any], random: Any) -> None:
    """One change to a certificate that keeps it well formed."""
    tree = record["tree"]
    if not tree:
        return
    kind = random.randrange(7)
    at = random.randrange(len(tree))
    if kind == 0:
        del tree[at]
    elif kind == 1:
        tree[at] = tree[random.randrange(len(tree))]
    elif kind == 2:
        tree[at] = ["slopes"]
    elif kind == 3 and tree[at][0] == "empty":
        pair = random.choice(tree[at][-1])
        pair[random.randrange(2)] += random.choice((-1, 1))
    elif kind == 4 and tree[at][0] == "split":
        tree[at][1] += random.choice((-1, 1))
    elif kind == 5 and tree[at][0] == "sdp" and tree[at][2]:
        k = random.randrange(len(tree[at][2]))
        tree[at][2][k] += random.choice((-1, 1)) * 2 ** random.randrange(50)
    else:
        record["witness"] = [str(Fraction(x) + random.choice((-1, 0, 1))) for x in record["witness"]]


@pytest.mark.parametrize("p", [1, 2, INF])
def test_a_stopped_run_leaves_a_proof_of_the_interval_it_has(p: Any) -> None:
    rng = np.random.default_rng(3)
    shape = (4, 12, 12, 2)
    net = lv.Network([rng.normal(size=(b, a)) for a, b in itertools.pairwise(shape)])
    bound = lv.exact(net, p=p, time_limit=0.2, certify=True)
    assert bound.status is lv.Status.TIME_LIMIT
    assert bound.upper < INF
    assert bound.upper_rigor is lv.Rigor.PROVED
    lv.check(net, bound.certificate, p=p, lower=bound.lower, upper=bound.upper)
    with pytest.raises(lv.CertificateError):
        lv.check(net, bound.certificate, p=p, upper=bound.lower * (1 - 1e-9))


def test_an_interrupted_run_leaves_a_proof_too() -> None:
    rng = np.random.default_rng(3)
    net = lv.Network([rng.normal(size=(b, a)) for a, b in itertools.pairwise((4, 12, 12, 2))])

    def interrupt(_: lv.Bound) -> None:
        raise KeyboardInterrupt

    with pytest.raises(lv.Interrupted) as stop:
        lv.exact(net, certify=True, on_progress=interrupt)
    bound = stop.value.bound
    lv.check(net, bound.certificate, lower=bound.lower, upper=bound.upper)


@pytest.mark.parametrize("p", [1, INF])
def test_what_can_be_proved_at_once_is_no_float_and_is_rounded_up(p: Any) -> None:
    """Stopped at its first node, the proof of an exact constant ends above it, at a rational."""
    rng = np.random.default_rng(5)
    net = lv.Network([rng.normal(size=(b, a)) / 3 for a, b in itertools.pairwise((3, 5, 4, 2))])
    exact = lv.exact(net, "enumeration", p=p)
    found = writer.certify(writer.Problem(net, norm_pair(p)), exact, 0, lambda: True)
    assert found.status is lv.Status.TIME_LIMIT
    assert found.upper > exact.upper
    lv.check(net, found.certificate, p=p, upper=found.upper)
    with pytest.raises(lv.CertificateError):
        lv.check(net, found.certificate, p=p, upper=found.upper * (1 - 2.0**-17))


@pytest.mark.parametrize("graph_size", [5, 8])
def test_a_maximum_cut_is_proved_by_its_grid(graph_size: int) -> None:
    import networkx as nx

    net = lv.hardness.maxcut(nx.gnp_random_graph(graph_size, 0.7, seed=2)).network
    bound = lv.exact(net, certify=True)
    assert bound.certificate.enough is not None
    lv.check(net, bound.certificate, lower=bound.lower, upper=bound.upper)


def test_proofs_are_files(tmp_path: Path) -> None:
    net = lv.Network([[[1, 2], [-1, 0.5]], [[1, 3]]])
    bound = lv.exact(net, certify=True)
    for name in ("proof.json", "proof.json.gz"):
        bound.certificate.save(tmp_path / name)
        assert lv.check(net, tmp_path / name, upper=bound.upper).upper == Fraction(bound.upper)
    assert lv.check(net, bound.certificate.record(), upper=str(Fraction(bound.upper))).lower == 0


def test_claims_are_numbers() -> None:
    net = lv.Network([[[1.0]]])
    certificate = lv.exact(net, certify=True).certificate
    for claim in ({}, {"upper": "one"}, {"upper": math.nan}, {"lower": math.inf}, {"upper": None}, {"lower": [1]}):
        with pytest.raises(lv.InvalidArgument):
            lv.check(net, certificate, **claim)
    with pytest.raises(lv.CertificateError, match="not readable as JSON"):
        lv.check(net, "no-such-file.json", upper=2)


# Writers that lie ----------------------------------------------------------------------------------


def test_a_false_claim_cannot_be_written() -> None:
    net = lv.Network([[[1], [-1]], [[1, 2]]])
    bound = lv.exact(net, method="enumeration")
    problem = writer.Problem(net, norm_pair(1))
    false = lv.Bound(
        method="liar",
        status=lv.Status.INTERRUPTED,
        lower=1.0,
        upper=2.0 - 1e-9,
        witness=bound.witness,
        lower_rigor=lv.Rigor.ROUNDED,
        upper_rigor=lv.Rigor.ROUNDED,
    )
    with pytest.raises(lv.CertificateError, match="exceed the upper bound"):
        writer.certify(problem, false, 0, lambda: False)


def test_a_lower_side_without_a_region_cannot_be_written() -> None:
    net = lv.Network([[[1], [-1]], [[1, -1]]])
    witness = lv.Witness((Fraction(0),), ((True, True),))
    false = lv.Bound(
        method="liar",
        status=lv.Status.INTERRUPTED,
        lower=2.0,
        witness=witness,
        lower_rigor=lv.Rigor.PROVED,
        upper_rigor=lv.Rigor.PROVED,
    )
    with pytest.raises(lv.CertificateError, match="on the boundary of neuron 0"):
        writer.certify(writer.Problem(net, norm_pair(1)), false, 0, lambda: False)


def test_a_domain_that_fixes_inputs_is_folded_before_it_is_proved() -> None:
    net = lv.Network([[[1, 2], [-1, 0.1]], [[1, 3]]], [[0.5, 0.25], None])
    box = lv.Box([-1, 0.3], [1, 0.3])
    bound = lv.exact(net, p=INF, domain=box, certify=True)
    assert bound.exact_value == 2  # -3 + 1 left of x[0] = 0.28, 1 right of it
    assert "x[1] = 0.3" in bound.subject
    assert bound.witness is not None
    assert len(bound.witness.point) == 2
    lv.check(net, bound.certificate, p=INF, domain=box, lower=2, upper=2)


def test_a_comparison_proves_its_exact_value() -> None:
    comparison = lv.compare(lv.Network([[[1], [-1]], [[1, 2]]]), ["autolip"], certify=True)
    assert comparison.exact.upper_rigor is lv.Rigor.PROVED
    lv.check(comparison.network, comparison.exact.certificate, lower=2, upper=2)


@settings(max_examples=examples(10))
@given(st.data(), st.sampled_from((1, 2, INF)), st.sampled_from(METHODS))
def test_constants_on_balls_are_proved(data: st.DataObject, p: Any, method: str) -> None:
    net = data.draw(networks(**SMALL))
    center = data.draw(st.lists(st.integers(-2, 2), min_size=net.input_dim, max_size=net.input_dim))
    ball = lv.Ball(center, data.draw(st.sampled_from((2.0**-40, 0.5, 1.0, 3.0))))
    bound = lv.exact(net, method, p=p, domain=ball, certify=True)
    lower, upper = sides(bound)
    lv.check(net, bound.certificate, p=p, domain=ball, lower=lower, upper=upper)
    beyond = upper * (1 + Fraction(1, 10**9)) + Fraction(1, 10**6)  # more than any rounding
    with pytest.raises(lv.CertificateError):
        lv.check(net, bound.certificate, p=p, domain=ball, lower=beyond)


def test_a_ball_is_proved_where_no_half_space_is_far_enough() -> None:
    """Both neurons are active beyond x = 1 only, which the unit ball touches but does not meet."""
    net = lv.Network([[[1, 1], [1, -1]], [[1, 1]]], [[-1, -1], [0]])
    bound = lv.exact(net, domain=lv.Ball([0, 0], 1), certify=True)
    assert bound.exact_square == 2
    assert lv.exact(net, domain=lv.Box([-1, -1], [1, 1])).exact_square == 2
    lv.check(net, bound.certificate, domain=lv.Ball([0, 0], 1), upper=bound.upper)
    beyond = lv.Ball([0, 0], 1.1)
    assert lv.exact(net, domain=beyond).exact_square == 4
    with pytest.raises(lv.CertificateError):
        lv.check(net, bound.certificate, domain=beyond, upper=bound.upper)
