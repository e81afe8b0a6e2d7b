"""The compiled loops of the general search: loaded from the disk in a moment, or compiled in a process of their own.

A compiler looks neither at the clock nor at Ctrl-C, and takes some ten seconds, once per machine. The search goes on as
it is meanwhile.
"""

from __future__ import annotations

import time

import numpy as np

from lipverify.engine.loading import Loading
from lipverify.network import Network
from lipverify.relaxations.sdp import Relaxation
from lipverify.relaxations.split import Oriented
from lipverify.watch import tick

_GLANCE = 0.02  # seconds between two looks


def ready(*, begin: bool = True) -> bool:
    """Whether they can be had in a moment; where they cannot, to compile them is begun, if that is wanted."""
    if not _LOADING.begun and _on_disk():
        return True
    return (begin or _LOADING.begun) and _LOADING.ready()


def wait() -> None:
    """Until they can; a deadline or Ctrl-C ends it."""
    while not ready():
        tick()
        time.sleep(_GLANCE)


def _on_disk() -> bool:
    from lipverify.relaxations.compiled import on_disk  # loads numba

    return on_disk()


def _stored() -> bool:
    """Whether another process would be of no use: they are on the disk, or cannot be put there."""
    from lipverify.geometry.simplex import climb
    from lipverify.kernels import on_disk, place
    from lipverify.relaxations.compiled import descend

    return all(place(function) is None or on_disk(function) for function in (climb, descend))


def load() -> None:
    """Compile what is not on the disk, and load the rest: both are called as the search calls them."""
    from lipverify.geometry.simplex import climb
    from lipverify.kernels import alone
    from lipverify.relaxations.compiled import descend

    with alone(descend):
        climb(np.eye(2), np.ones(2), np.ones(2), 1)
        chain = Oriented.of(Network([[[1.0], [0.5]], [[1.0, -1.0]]]))
        Relaxation.root(chain, chain.settled).descend(chain, 0.0, 1e-7, 1, descend)


_LOADING = Loading(load, _stored)
