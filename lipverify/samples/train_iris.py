"""Train the embedded iris network again: `python -m lipverify.samples.train_iris [OUT.json]`.

A 4-8-8-3 relu classifier of Fisher's iris flowers, trained on all 150 with full-batch Adam in plain
numpy. The standardisation of the inputs is folded into the first layer, so the network takes the four
measurements in centimetres. Every parameter is rounded to a multiple of 2⁻¹⁰ at the end: the file
stays readable, its rationals short, and another BLAS's last bits do not change it. Needs scikit-learn.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

import lipverify as lv
from lipverify.arrays import Array

WIDTHS = (4, 8, 8, 3)
STEPS = 2000
RATE = 0.01
DECAY = 2e-3
GRID = 2.0**-10
SEED = 0

Classes: TypeAlias = "npt.NDArray[np.intp]"


def train(X: Array, labels: Classes) -> lv.Network:
    """A classifier of the rows of X, shape (N, 4), into the classes 0, 1, 2."""
    mean, scale = X.mean(axis=0), X.std(axis=0)
    Z, targets = (X - mean) / scale, np.eye(WIDTHS[-1])[labels]
    rng = np.random.default_rng(SEED)
    parameters = [part for n, m in pairwise(WIDTHS) for part in (rng.normal(size=(m, n)) * np.sqrt(2 / n), np.zeros(m))]
    momentum, square = [np.zeros_like(p) for p in parameters], [np.zeros_like(p) for p in parameters]
    for step in range(1, STEPS + 1):
        for k, gradient in enumerate(_gradients(parameters, Z, targets)):
            momentum[k] = 0.9 * momentum[k] + 0.1 * gradient
            square[k] = 0.999 * square[k] + 0.001 * gradient**2
            size = np.sqrt(square[k] / (1 - 0.999**step)) + 1e-8
            parameters[k] = parameters[k] - RATE * momentum[k] / (1 - 0.9**step) / size
    weights, biases = parameters[::2], parameters[1::2]
    biases[0] = biases[0] - weights[0] @ (mean / scale)
    weights[0] = weights[0] / scale
    return lv.Network([_round(W) for W in weights], [_round(b) for b in biases], source="iris")


def _gradients(parameters: list[Array], Z: Array, targets: Array) -> list[Array]:
    """The gradient of the mean cross-entropy plus half the squared weights times DECAY."""
    weights, biases = parameters[::2], parameters[1::2]
    inputs = [Z]
    for W, b in zip(weights[:-1], biases[:-1], strict=True):
        inputs.append(np.maximum(inputs[-1] @ W.T + b, 0))
    logits = inputs[-1] @ weights[-1].T + biases[-1]
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    error = (odds / odds.sum(axis=1, keepdims=True) - targets) / len(Z)
    gradients: list[Array] = []
    for W, x in zip(weights[::-1], inputs[::-1], strict=True):
        gradients[:0] = [error.T @ x + DECAY * W, error.sum(axis=0)]
        error = (error @ W) * (x > 0)
    return gradients


def _round(values: Array) -> Array:
    return np.round(values / GRID) * GRID + 0.0


def accuracy(net: lv.Network, X: Array, labels: Classes) -> float:
    """The fraction of rows of X whose largest output is their label's."""
    return float((net(X).argmax(axis=-1) == labels).mean())


def main(argv: Sequence[str] | None = None) -> None:
    """Train and write the file (by default the one in this package)."""
    from sklearn.datasets import load_iris

    parser = argparse.ArgumentParser(description="train the embedded iris network again")
    parser.add_argument("out", nargs="?", type=Path, default=Path(__file__).with_name("iris.json"))
    out = parser.parse_args(argv).out
    X, labels = load_iris(return_X_y=True)
    net = train(X, labels)
    net.save(out)
    print(f"{out}: {net}, accuracy {accuracy(net, X, labels):.3f}")  # noqa: T201


if __name__ == "__main__":
    main()
