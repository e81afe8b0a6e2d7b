"""The page's networks; its MLPs are kept beside this file: python -m lipverify.bench.paper.networks trains them again.

Training in floats gives other last bits on another processor, and so other constants. Those of the page are of
the networks that are kept: integers over 2^8, so that they are short, and so are the proofs of what is said of them.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from lipverify.arrays import Array
from lipverify.bench.paper import ideal
from lipverify.bench.paper.mlp import BITS, LAYERS, SAMPLES, SEED, STEPS, WIDTH, sample, train
from lipverify.network import Network

FILE = Path(__file__).with_name("networks.json")


def named() -> dict[str, Network]:
    """The networks of the ideal case, the products of their factors rounded, and the MLPs: ideal-0.5, …, mlp-4, …."""
    chains = {r: ideal.layers(ideal.COUNT, ideal.WIDTH, r, np.random.default_rng(SEED)) for r in ideal.PAPER}
    found = {f"ideal-{r:g}": Network([w.left * w.values @ w.right.T for w in chain]) for r, chain in chains.items()}
    return found | {f"mlp-{layers}": net for layers, net in kept().items()}


def kept() -> dict[int, Network]:
    """The networks, by their numbers of layers."""
    record = json.loads(FILE.read_text(encoding="utf-8"))
    return {
        int(layers): Network(*([np.array(a) / 2.0**BITS for a in net[key]] for key in ("weights", "biases")))
        for layers, net in record.items()
    }


def _integers(arrays: tuple[Array, ...]) -> list[object]:
    return [(a * 2.0**BITS).astype(int).tolist() for a in arrays]


def main() -> None:
    """Train them all."""
    points, values = sample(SAMPLES, SEED)
    networks = {k: train(points, values, k, WIDTH, STEPS, SEED) for k in LAYERS}
    record = {k: {"weights": _integers(net.weights), "biases": _integers(net.biases)} for k, net in networks.items()}
    FILE.write_text(json.dumps(record, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
