"""Estimators with one defect each, importable as tests.testing.sloppy:NAME."""

from __future__ import annotations

import itertools
import math
import os
import signal
import sys
import threading
import time
from typing import Any

import numpy as np

import lipverify as lv

_COUNTER = itertools.count()


def product(net: lv.Network, *, p: Any, domain: Any) -> float:
    """Sound up to rounding: the product of the Frobenius norms."""
    return float(np.prod([np.linalg.norm(w) for w in net.weights]))


def one_percent_low(net: lv.Network, *, p: Any, domain: Any) -> float:
    """The exact constant, less 1 %."""
    return 0.99 * lv.exact(net, p=p, domain=domain).lower


def one_percent_high(net: lv.Network, *, p: Any, domain: Any) -> float:
    """The exact constant, plus 1 %."""
    return 1.01 * lv.exact(net, p=p, domain=domain).upper


def zero_on_two_inputs(net: lv.Network, *, p: Any, domain: Any) -> float:
    """0 on networks with two inputs, a hair too little on others."""
    return 0.0 if net.input_dim == 2 else 0.9999 * lv.exact(net, p=p, domain=domain).lower


def hair_low(net: lv.Network, *, p: Any, domain: Any) -> float:
    """The exact constant, less a relative 1e-12."""
    return (1 - 1e-12) * lv.exact(net, p=p, domain=domain).lower


def blind_to_kinks(net: lv.Network, *, p: Any, domain: Any) -> float:
    """The slope at 0 of a network with scalar input and output: wrong from one neuron on."""
    print("looking")
    rise = net([[1e-6]])[0, 0] - net([[0.0]])[0, 0]
    return abs(float(rise)) / 1e-6 * (1 + 1e-6) + 1e-6


def crashing(net: lv.Network, *, p: Any, domain: Any) -> float:
    """Two hidden layers are too much for it."""
    if len(net.hidden) == 2:
        raise ZeroDivisionError("two layers")
    return product(net, p=p, domain=domain)


def nan_at_zero(net: lv.Network, *, p: Any, domain: Any) -> float:
    """NaN when a weight matrix is 0."""
    return product(net, p=p, domain=domain) if all(w.any() for w in net.weights) else math.nan


def moody(net: lv.Network, *, p: Any, domain: Any) -> float:
    """Another answer each time."""
    return product(net, p=p, domain=domain) + next(_COUNTER)


def picky(net: lv.Network, *, p: Any, domain: Any) -> float:
    """Refuses everything."""
    raise lv.UnsupportedNorm("not today")


def wordy(net: lv.Network, *, p: Any, domain: Any) -> Any:
    """No number at all."""
    return "large"


def chatty(net: lv.Network, *, p: Any, domain: Any) -> Any:
    """Right, and full of words."""
    print("computing")
    return lv.upper(net, "autolip", p=p, domain=domain)


def a_third(net: lv.Network, *, p: Any, domain: Any) -> float:
    """A third of a bound is none."""
    return lv.upper(net, "autolip", p=p, domain=domain).upper / 3


def suicidal(net: lv.Network, *, p: Any, domain: Any) -> float:
    """A neuron is too much for it, and no Python exception tells."""
    if net.neurons:
        os.kill(os.getpid(), signal.SIGSEGV)
    return product(net, p=p, domain=domain)


def fleeting(net: lv.Network, *, p: Any, domain: Any) -> float:
    """Answers, and is gone a moment later."""
    threading.Timer(0.1, os._exit, [3]).start()
    return product(net, p=p, domain=domain)


def quitting(net: lv.Network, *, p: Any, domain: Any) -> float:
    """Leaves with two outputs."""
    if net.output_dim == 2:
        sys.exit(7)
    return product(net, p=p, domain=domain)


def dozing(net: lv.Network, *, p: Any, domain: Any) -> float:
    """Sleeps on two hidden layers."""
    if len(net.hidden) == 2:
        time.sleep(3600)
    return product(net, p=p, domain=domain)


class OddError(Exception):
    """Cannot be pickled: it wants two arguments."""

    def __init__(self, one: int, two: int) -> None:
        super().__init__(f"{one} and {two}")


def odd(net: lv.Network, *, p: Any, domain: Any) -> float:
    """Raises what does not travel."""
    raise OddError(1, 2)
