"""Affine forms of a layer on a region: balls that contain the truth, and exact answers where they are in doubt."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lipverify as lv
from lipverify.geometry.affine import LayerForms
from lipverify.rationals import fraction
from tests import oracle
from tests.conftest import examples
from tests.geometry.test_cone import Case, cases


def forms_and_truth(net: lv.Network, states: list[list[bool]]) -> list[tuple[LayerForms, oracle.Matrix]]:
    """Every layer's forms below these states, and what they are in Fractions."""
    weights, biases, slopes = net.fractions()
    d = net.input_dim
    rows: oracle.Matrix = tuple(tuple(Fraction(int(i == j)) for j in range(d + 1)) for i in range(d))
    forms, found = LayerForms.first(net), []
    for k, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
        rows = oracle.affine(weight, bias, rows)
        found.append((forms, rows))
        if k < len(slopes):
            forms = forms.above(states[k])
            rows = oracle.scaled(rows, slopes[k], states[k])
    return found


@settings(max_examples=examples(60))
@given(cases(), st.data())
def test_forms_are_those_of_fractions(case: Case, data: st.DataObject) -> None:
    net = case.net
    states = [data.draw(st.lists(st.booleans(), min_size=n, max_size=n)) for n in net.hidden]
    for forms, truth in forms_and_truth(net, states):
        assert [[fraction(x) for x in row] for row in forms.exact.tolist()] == [list(row) for row in truth]
        for row, mid, rad in zip(truth, forms.ball.mid.tolist(), forms.ball.rad.tolist(), strict=True):
            for x, m, r in zip(row, mid, rad, strict=True):
                assert r == np.inf or abs(x - Fraction(m)) <= Fraction(r)
        assert forms.vanishing().tolist() == [not any(row[:-1]) for row in truth]
        if forms.k < len(net.slopes):
            decided, variable = forms.classified()
            for i, (row, (left, right)) in enumerate(zip(truth, net.slopes[forms.k].tolist(), strict=True)):
                assert (i in variable) == (left != right and any(row[:-1]))
                if i not in variable:
                    assert decided[i] == (left == right or row[-1] > 0)


@pytest.mark.parametrize("shift", [2.0**-160, 0.0, -(2.0**-160)])
def test_constants_that_floats_lose_are_decided_exactly(shift: float) -> None:
    """(x + 1/3) − (x + 1/3) + shift is constant; of its value floats see no sign, and of its slope not that it is 0."""
    net = lv.Network([[[0.1], [0.1]], [[3.0, -3.0]], [[1.0]]], [[1 / 3, 1 / 3], [shift], [0.0]])
    forms = LayerForms.first(net).above([True, True])
    assert (np.abs(forms.ball.mid) <= forms.ball.rad).all()
    states, variable = forms.classified()
    assert not len(variable)
    assert states.tolist() == [shift > 0]
