"""Trees in the language of others: the leaves cover every pattern once."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest

import lipverify as lv
from lipverify.certificates.aptp import leaves, to_aptp

BOX = lv.Box([-1, -1], [1, 1])


def net_of(shape: tuple[int, ...]) -> lv.Network:
    rng = np.random.default_rng(5)
    return lv.Network(
        [rng.normal(size=(b, a)) for a, b in itertools.pairwise(shape)], [rng.normal(size=b) / 4 for b in shape[1:]]
    )


@pytest.mark.parametrize("p", [1, 2])
def test_every_pattern_is_in_one_leaf(p: int) -> None:
    net = net_of((2, 4, 3, 1))
    certificate = lv.exact(net, p=p, domain=BOX, certify=True).certificate
    found = list(leaves(certificate))
    assert len(found) > 3
    for pattern in itertools.product((1, -1), repeat=net.neurons):
        matching = [leaf for leaf in found if all(pattern[abs(i) - 1] == (1 if i > 0 else -1) for i in leaf)]
        assert len(matching) == 1


def test_the_text_says_what_the_tree_says() -> None:
    net = net_of((2, 4, 1))
    certificate = lv.exact(net, p=1, domain=BOX, certify=True).certificate
    text = to_aptp(net, BOX, certificate)
    assert text.count("declare-const") == 3
    assert text.count("declare-pwl") == 4
    assert "(assert (<= X_1 1.0))" in text
    read = [
        tuple(
            int(name) * (1 if relation == ">=" else -1) for relation, name in re.findall(r"\((>=|<) N_(\d+) 0\)", line)
        )
        for line in text.splitlines()
        if line.strip().startswith("(and")
    ]
    assert read == list(leaves(certificate))


def test_what_the_language_cannot_say_is_refused() -> None:
    net = net_of((2, 2, 1))
    certificate = lv.exact(net, p=1, domain=BOX, certify=True).certificate
    leaky = lv.Network(net.weights, net.biases, [[[0.1, 1]] * 2])
    with pytest.raises(lv.InvalidArgument, match="ReLU networks"):
        to_aptp(leaky, BOX, certificate)
    with pytest.raises(lv.InvalidArgument, match="box"):
        to_aptp(net, lv.Everywhere(), certificate)
    with pytest.raises(lv.InvalidArgument, match="no tree"):
        to_aptp(net, BOX, lv.Certificate(None, None, None))
