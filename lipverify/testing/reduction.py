"""Make a network that shows a defect smaller: fewer neurons, inputs and outputs, smaller integers.

Hypothesis shrinks the choices that a strategy made; this works on the network itself, so it also serves
those that nobody drew, and it removes a neuron together with the weights that read it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from lipverify.arrays import Array
from lipverify.domain import Domain, Everywhere
from lipverify.network import Network

_ASKED = 400  # questions at most


def reduced(net: Network, domain: Domain, shows: Callable[[Network], bool]) -> Network:
    """The last of a chain of ever smaller networks that all show the defect, the domain staying as it is."""
    asked = 0
    going = True
    while going:
        going = False
        for candidate in _smaller(net, domain):
            asked += 1
            if asked > _ASKED:
                return net
            if shows(candidate):
                net, going = candidate, True
                break
    return net


def _smaller(net: Network, domain: Domain) -> Iterator[Network]:
    """Networks with a part less, boldest first."""
    weights, biases, slopes = list(net.weights), list(net.biases), list(net.slopes)
    for k, n in enumerate(net.hidden):
        for i in range(n if n > 1 else 0):
            yield Network(
                [*weights[:k], np.delete(weights[k], i, 0), np.delete(weights[k + 1], i, 1), *weights[k + 2 :]],
                [*biases[:k], np.delete(biases[k], i), *biases[k + 1 :]],
                [*slopes[:k], np.delete(slopes[k], i, 0), *slopes[k + 1 :]],
            )
    for i in range(net.output_dim if net.output_dim > 1 else 0):
        yield Network([*weights[:-1], np.delete(weights[-1], i, 0)], [*biases[:-1], np.delete(biases[-1], i)], slopes)
    if isinstance(domain, Everywhere):
        for j in range(net.input_dim if net.input_dim > 1 else 0):
            yield Network([np.delete(weights[0], j, 1), *weights[1:]], biases, slopes)
    for group in (weights, biases):
        for k, array in enumerate(group):
            for simpler in _simpler(array):
                changed = [*group[:k], simpler, *group[k + 1 :]]
                yield Network(changed, biases, slopes) if group is weights else Network(weights, changed, slopes)


def _simpler(array: Array) -> Iterator[Array]:
    """The array with one entry replaced by 0, by its sign, or by the nearest integer."""
    for index, value in np.ndenumerate(array):
        rounded = float(np.round(value))
        for replacement in dict.fromkeys((0.0, float(np.sign(value)), rounded)):
            if value not in (0.0, replacement) and (replacement == 0 or abs(value) != 1):
                changed = np.array(array)
                changed[index] = replacement
                yield changed
