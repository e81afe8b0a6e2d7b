"""The strategies keep their ranges, reach what breaks estimators, and shrink."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

import lipverify as lv
from lipverify.testing import domains, networks
from lipverify.testing.strategies import LEAST, MOST
from tests import oracle


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"inputs": 0}, "inputs must satisfy 1 ≤"),
        ({"hidden": -1}, "hidden must satisfy 0 ≤"),
        ({"width": (3, 2)}, r"width must satisfy .* got \(3, 2\)"),
        ({"outputs": (1, 2, 3)}, "an integer or a pair"),
        ({"inputs": (1.0, 2.0)}, "an integer or a pair"),
        ({"inputs": True}, "an integer or a pair"),
        ({"weights": "huge"}, "weights must be one of .* got 'huge'"),
        ({"slopes": 1}, "slopes must be True or False"),
        ({"bias": None}, "bias must be True or False"),
    ],
)
def test_bad_arguments_are_refused_at_once(options: dict[str, Any], message: str) -> None:
    with pytest.raises(lv.InvalidArgument, match=message):
        networks(**options)


@pytest.mark.parametrize(
    "options",
    [
        {"dimension": 2, "kinds": ()},
        {"dimension": 2, "kinds": "box"},
        {"dimension": 2, "kinds": ["sphere"]},
        {"dimension": 0},
    ],
)
def test_bad_domains_are_refused_at_once(options: dict[str, Any]) -> None:
    with pytest.raises(lv.InvalidArgument, match="must be"):
        domains(**options)


@given(networks(inputs=2, outputs=(2, 3), hidden=(1, 3), width=(2, 5), slopes=True))
def test_ranges_are_kept(net: lv.Network) -> None:
    assert net.input_dim == 2
    assert 2 <= net.output_dim <= 3
    assert 1 <= len(net.hidden) <= 3
    assert all(2 <= n <= 5 for n in net.hidden)
    for array in (*net.weights, *net.biases):
        size = np.abs(array[array != 0])
        assert ((size >= LEAST) & (size <= MOST)).all()


@given(networks(bias=False))
def test_plain_relu_and_no_bias_when_asked(net: lv.Network) -> None:
    assert all((s == (0, 1)).all() for s in net.slopes)
    assert not any(b.any() for b in net.biases)


@given(st.integers(1, 3).flatmap(lambda d: domains(d, kinds=("polytope",))))
def test_polytopes_have_interior(domain: lv.Polytope) -> None:
    assert oracle.point_inside(oracle.domain_rows(domain, domain.dimension), domain.dimension) is not None


def rows_of(net: lv.Network) -> list[tuple[float, ...]]:
    """The first layer's rows."""
    return [tuple(row) for row in net.weights[0].tolist()]


@pytest.mark.parametrize(
    "wanted",
    [
        lambda net: not net.hidden,
        lambda net: net.input_dim == 1 and net.neurons > 2,
        lambda net: net.hidden and not net.weights[0].any(axis=1).all(),
        lambda net: net.hidden and len(set(rows_of(net))) < len(rows_of(net)) > 1 and net.weights[0].all(),
        lambda net: net.hidden and any(any(r) and tuple(-v for v in r) in rows_of(net) for r in rows_of(net)),
        lambda net: len(net.hidden) == 2 and net.neurons > 2 and np.array_equal(*net.weights[:2]),
        lambda net: net.neurons > 1 and any(b.any() for b in net.biases),
        lambda net: any(0 < abs(w) < 2.0**-10 for w in net.weights[0].ravel()),
        lambda net: any(abs(w) > 2.0**10 for w in net.weights[0].ravel()),
        lambda net: len(oracle.regions(net)) > 6,
    ],
)
def test_degenerate_structure_occurs(wanted: Any) -> None:
    search = settings(max_examples=5000, phases=(Phase.generate,))  # found is enough: do not shrink
    find(networks(), lambda net: bool(wanted(net)), settings=search)


def test_examples_shrink_to_few_neurons_and_weights_0_and_1() -> None:
    net = find(networks(slopes=True), lambda net: len(oracle.regions(net)) >= 3)
    assert net.neurons == 2
    assert net.input_dim <= 2
    assert net.output_dim == 1
    assert {abs(w) for array in (*net.weights, *net.biases) for w in array.ravel().tolist()} <= {0.0, 1.0}
    steep = find(networks(), lambda net: oracle.largest_square([r.jacobian for r in oracle.regions(net)], 1, 1) != 0)
    assert steep.neurons == 0
    assert steep == lv.Network([[[1.0]]])
