"""The network record: validation, read-outs, equality, hash, repr, pickling."""

from __future__ import annotations

import pickle
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import lipverify as lv
from lipverify.testing import networks
from tests import oracle

ONE = lv.Network([[[1.0]]])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([],), "at least one weight matrix; got none"),
        (([[1.0, 2.0]],), r"weights\[0\] has shape \(2,\); expected 2 non-empty axes"),
        (([np.zeros((0, 2))],), r"weights\[0\] has shape \(0, 2\); expected 2 non-empty axes"),
        (([np.eye(2), np.eye(3)],), r"weights\[1\] has shape \(3, 3\).*expected 2 columns"),
        (([[[1.0, np.nan]]],), r"weights\[0\]\[0, 1\] is nan; weights must be finite"),
        (([[[np.inf]]],), r"weights\[0\]\[0, 0\] is inf"),
        (([[["one"]]],), r"weights\[0\] is not an array of real numbers"),
        (([[[1j]]],), r"weights\[0\] is not an array of real numbers"),
        (([[[2**53 + 1]]],), r"beyond 2\*\*53"),
        (([[[Fraction(1, 3)]]],), "1/3, which is no float64"),
        (([[[10**400]]],), "which is no float64"),
        (([np.eye(2)], [[1.0]]), r"biases\[0\] has shape \(1,\); expected \(2,\)"),
        (([np.eye(2)], [None, None]), "biases has 2 entries; expected 1"),
        (([np.eye(2)], [[1.0, np.inf]]), r"biases\[0\]\[1\] is inf"),
        (([np.eye(2)], None, [[(0, 1)]]), "slopes has 1 entries; expected 0"),
        (([np.eye(2), np.eye(2)], None, [[(0, 1)]]), r"slopes\[0\] has shape \(1, 2\); expected \(2, 2\)"),
    ],
)
def test_what_is_no_network_is_refused(arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(lv.InvalidNetwork, match=message) as caught:
        lv.Network(*arguments)
    assert isinstance(caught.value, (lv.LipverifyError, ValueError))


def test_defaults_and_shapes() -> None:
    net = lv.Network([np.ones((3, 2)), np.ones((1, 3))], [None, [4.0]])
    assert (net.input_dim, net.hidden, net.output_dim, net.neurons) == (2, (3,), 1, 3)
    assert net.is_scalar
    assert net.biases[0].tolist() == [0, 0, 0]
    assert net.slopes[0].tolist() == [[0, 1]] * 3
    assert net.lowering is lv.Lowering.EXACT


def test_arrays_are_copied_and_frozen() -> None:
    weight = np.eye(2)
    net = lv.Network([weight])
    weight[0, 0] = 5
    assert net.weights[0][0, 0] == 1
    with pytest.raises(ValueError, match="read-only"):
        net.weights[0][0, 0] = 7
    with pytest.raises(AttributeError):
        setattr(net, "weights", ())  # noqa: B010 (a plain assignment does not type-check)


def test_exact_numbers_are_taken_and_float32_means_itself() -> None:
    assert lv.Network([[[Fraction(1, 4), 3]]]).weights[0].tolist() == [[0.25, 3.0]]
    third = np.float32(1 / 3)
    assert lv.Network([np.array([[third]])]).fractions()[0][0][0][0] == Fraction(float(third))


@given(networks(slopes=True))
def test_equal_networks_are_interchangeable(net: lv.Network) -> None:
    same = lv.Network([w + 0.0 for w in net.weights], [b + 0.0 for b in net.biases], net.slopes)
    assert same == net
    assert hash(same) == hash(net)
    assert same.digest == net.digest
    again = pickle.loads(pickle.dumps(net))
    assert again == net
    assert repr(again) == repr(net)
    assert not again.weights[0].flags.writeable


def test_minus_zero_is_zero() -> None:
    first, second = lv.Network([[[0.0]]]), lv.Network([[[-0.0]]])
    assert first == second
    assert hash(first) == hash(second)


def test_different_networks_differ() -> None:
    others = [
        lv.Network([[[2.0]]]),
        lv.Network([[[1.0]]], [[1.0]]),
        lv.Network([[[1.0]], [[1.0]]]),
        lv.Network([[[1.0]], [[1.0]]], None, [[(0, 0.5)]]),
    ]
    assert len({ONE, *others}) == 5
    assert ONE != "network"


@given(networks(slopes=True, weights="mixed"), st.data())
def test_a_read_out_is_exactly_that(net: lv.Network, data: st.DataObject) -> None:
    row = st.lists(st.sampled_from((0.0, 1.0, -1.0, 0.1, 2.0**-30)), min_size=net.output_dim, max_size=net.output_dim)
    C = data.draw(st.lists(row, min_size=1, max_size=2))
    x = [Fraction(data.draw(st.integers(-3, 3))) for _ in range(net.input_dim)]
    image = oracle.evaluate(net, x)
    truth = tuple(oracle.dot([Fraction(c) for c in row], image) for row in C)
    assert oracle.evaluate(net.output(C), x) == truth


def test_read_outs_by_index_and_vector() -> None:
    net = lv.Network([[[1.0], [2.0], [4.0]]], source="a file")
    assert net.output(1) == lv.Network([[[2.0]]])
    assert net.output([1, 0, -1]) == lv.Network([[[-3.0]]])
    assert net.output(1).source == "a file"
    assert lv.Network([[[0.1]]]).output([0.1]).hidden == (1,)  # float64 does not hold the product


@pytest.mark.parametrize("C", [3, -1, [1, 2], np.eye(2), [[np.nan, 0, 0]], np.zeros((0, 3))])
def test_read_outs_that_do_not_fit_are_refused(C: Any) -> None:
    with pytest.raises(lv.InvalidArgument, match=r"output index|C must be"):
        lv.Network([np.ones((3, 1))]).output(C)


def test_repr() -> None:
    assert repr(ONE) == "<Network 1 → 1, affine>"
    assert repr(lv.Network([[[1.0]], [[1.0]]])) == "<Network 1 → 1 → 1, relu>"
    leaky = lv.Network([[[1.0]], [[1.0]]], None, [[(0.5, 1)]], lowering=lv.Lowering.ROUNDED, source="m.onnx")
    assert repr(leaky) == "<Network 1 → 1 → 1, two-slope, rounded, read from m.onnx>"
