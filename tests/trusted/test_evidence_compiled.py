"""The compiled loops of the float reader do what the interpreter does with the same source, bit by bit."""

from __future__ import annotations

import itertools
import os
import pickle
import subprocess
import sys
from typing import Any

import numpy as np

from lipverify.trusted.evidence import Block, Chain, Empty, Head, Implied, Pruned, Space
from lipverify.trusted.evidence_floats import FloatReader
from lipverify.trusted.evidence_moves import Moves
from lipverify.trusted.evidence_replay import replay

SHAPES = ((3, 5, 4, 2), (2, 4, 3, 3, 2), (2, 4, 1))


def homogeneous(chain: Chain) -> tuple[Chain, Space]:
    """The chain without biases, on the cone that is everything."""
    d = chain.weights[0].shape[1]
    space = Space(-np.ones(d), np.ones(d), np.zeros((0, d)), np.zeros(0), cone=True)
    return Chain(chain.weights, tuple(np.zeros_like(b) for b in chain.biases), chain.slopes), space


def answers() -> list[bytes]:
    """What the reader says, and every float that it came across."""
    found: list[bytes] = []
    for seed, sizes in enumerate(SHAPES):
        rng = np.random.default_rng(seed)
        pairs = list(itertools.pairwise(sizes))
        slopes = tuple(rng.choice([[0.0, 1.0], [1.0, -0.5], [0.3, 0.3]], size=n) for n in sizes[1:-1])
        chain = Chain(
            tuple(rng.normal(size=(m, n)) for n, m in pairs), tuple(rng.normal(size=m) for _, m in pairs), slopes
        )
        d, n = sizes[0], sum(sizes[1:-1])
        space = Space(-np.ones(d), np.ones(d), rng.normal(size=(1, d)), np.ones(1))
        reader = FloatReader(chain, space)
        states = rng.choice([-1, 1], size=(12, n)).astype(np.int8)
        states[np.arange(n) >= rng.integers(0, n + 1, size=(12, 1))] = 0
        states[:, chain.linear] = 1
        index = np.repeat(np.arange(12), n)
        multipliers = rng.exponential(size=(12 * n, n + 1)) * rng.integers(0, 2, size=(12 * n, 1))
        multipliers[:, 1:] *= (states != 0)[index] & ~chain.linear
        signs = rng.choice([-1, 1], size=12 * n).astype(np.int8)
        said: list[Any] = [
            reader.implied(Implied(states, index, np.tile(np.arange(n), 12), signs, multipliers)),
            reader.empty(Empty(states, index, multipliers)),
            FloatReader(*homogeneous(chain)).implied(
                Implied(states, index, np.tile(np.arange(n), 12), signs, multipliers[:, 1:])
            ),
        ]
        for head in (Head(True, 0, tuple(range(d))), Head(False, 0, tuple(range(sizes[-1])))):
            bounds = reader.upper(states, head)
            said += [bounds, *(reader.pruned(Pruned(states, head, x, 500)) for x in (bounds * 0.9).tolist())]
            trees = rng.integers(-1, 2 * d + n, size=60)
            begins = np.sort(rng.integers(0, 60, size=13))
            said += [reader.pruned(Pruned(states, head, x, 500, trees, begins)) for x in (bounds * 0.9).tolist()]
            said += list(reader._head(head)[2])
        for outputs, inputs in ((sizes[-1], d), (sizes[-1], 1), (1, d)):
            block = Block(tuple(range(outputs)), tuple(range(inputs)))
            turns = (np.linalg.qr(rng.normal(size=(12, side, side)))[0] for side in (outputs, inputs))
            said.append(reader.upper_of_block(states, block, *turns))
            said += list(reader._block(block)[2])
        said += list(reader._memory)
        parents = np.array([-1, 0, 0, 1, 1, 4, 4, 2, 2, 9])
        moves = Moves(
            parents,
            rng.integers(-1, n, size=10),
            np.array([0, 1, -1, 1, -1, 1, -1, 1, 1, 1]),
            np.sort(rng.integers(0, 10, size=8)),
            rng.integers(0, 3, size=8),
            rng.integers(0, n, size=8),
            rng.choice([-1, 1], size=8),
        )
        said += list(vars(replay(np.zeros(n, dtype=np.int8), moves)).values())
        found += [np.asarray(x).tobytes() for x in said]
    return found


def test_compiled_loops_are_the_interpreters() -> None:
    code = "import pickle, sys; from tests.trusted.test_evidence_compiled import answers; "
    code += "sys.stdout.buffer.write(pickle.dumps(answers()))"
    interpreted = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=interpreted, stdout=subprocess.PIPE, check=True)
    theirs, ours = pickle.loads(done.stdout), answers()
    assert len(ours) == len(theirs) > 100
    assert ours == theirs
    assert len({x for x in ours if len(x) == 12}) > 10  # verdicts that differ
