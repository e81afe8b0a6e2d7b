"""What a torch module does with the axes of its input, tried on random samples (proofs/readers.md, "Assumptions").

A trace shows one shape. Whether the first axis holds samples that do not know of each other, and whether a vector
is the only input that the module has a mind for, is seen when other shapes are run. A trial can refute, not prove:
what it finds is refused, never repaired.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import torch
from torch import nn

from lipverify.errors import InvalidNetwork

Value: TypeAlias = Callable[[Any], torch.Tensor]
"""The tensor that is meant among all that a module returns."""

_SCALES = (1.0, 16.0)  # relus that sleep at one size may wake at another
_LONGEST = 4096  # rows that are still tried


def require_samples(module: nn.Module, sample: torch.Tensor, value: Value) -> None:
    """Refuse a module that mixes the samples of a batch, or that wants its input without a batch axis.

    Raises
    ------
    InvalidNetwork
        When a batch of two samples gives other values than each of them alone; and where the module takes no batch of
        two, when it gives for the sample without a batch axis other values than for a batch of one.
    """
    name = type(module).__name__
    for scale in _SCALES:
        first, second = (_drawn(sample.shape, sample, scale, seed) for seed in (0, 1))
        alone = [_run(module, x.unsqueeze(0), value) for x in (first, second)]
        if alone[0] is None or alone[1] is None:
            return  # it runs only as it was traced
        both = _run(module, torch.stack([first, second]), value)
        if both is not None:
            constant = _same(alone[0], alone[1]) and _same(both, alone[0])
            if not constant and not _same(both, torch.stack([a.reshape(-1) for a in alone if a is not None])):
                raise InvalidNetwork(
                    f"{name} mixes the samples of a batch: for a batch of two it gives other values than for each "
                    "alone. The first axis of its input must be a batch; wrap the module so that it treats it as one"
                )
            continue
        bare = _run(module, first, value)
        if bare is not None and not _same(bare, alone[0]):
            raise InvalidNetwork(
                f"{name} takes no batch of two samples of shape {tuple(sample.shape)}, and gives for a sample without "
                "a batch axis other values than for a batch of one. Wrap it so that the first axis is a batch"
            )


def require_vectors(module: nn.Module, features: int, value: Value) -> None:
    """Refuse to guess that a module takes vectors of `features` entries when it also does something else.

    Run on samples of shape (rows, features), it has to fail, or to treat every row alone.

    Raises
    ------
    InvalidNetwork
        Naming a shape for which it computes another function, and what to do.
    """
    tensors = [*module.parameters(), *module.buffers()]
    like = next((t for t in tensors if t.is_floating_point()), torch.zeros(1))
    lengths = sorted({2, 3, *(n for t in tensors for n in t.shape if 2 < n <= _LONGEST)})
    shapes: list[tuple[int, ...]] = [(features + 1,), (2 * features,)]  # an adaptive pooling takes any length
    shapes += [shape for n in lengths for shape in ((n, features), (features, n))]
    for shape in dict.fromkeys([*shapes, (2, 3, features), (features, 2, 3)]):
        x = _drawn(shape, like, 1.0, 2)
        made = _run(module, x.unsqueeze(0), value)
        if made is None:
            continue
        rows = _run(module, x.reshape(-1, features), value) if shape[-1] == features else None
        if rows is None or not _same(made, rows):
            raise InvalidNetwork(
                f"a vector of {features} entries is only a guess: {type(module).__name__} also takes samples of shape "
                f"{shape}, which it does not treat row by row. Read it with "
                f"lipverify.from_torch(module, input_shape=({features},)), or whichever shape a sample has"
            )


def runs(module: nn.Module, x: torch.Tensor) -> bool:
    """Whether a module accepts an input."""
    return _run(module, x, lambda _: torch.zeros(())) is not None


def _drawn(shape: Sequence[int], like: torch.Tensor, scale: float, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return (scale * torch.randn(tuple(shape), generator=generator, dtype=torch.float64)).to(like)


def _run(module: nn.Module, x: torch.Tensor, value: Value) -> torch.Tensor | None:
    """The module's value; None where it refuses to run."""
    try:
        with torch.no_grad():
            return value(module(x.clone())).detach().double()
    except Exception:  # noqa: BLE001 (whatever the module's own code raises on a shape that it does not take)
        return None


def _same(a: torch.Tensor, b: torch.Tensor) -> bool:
    if a.numel() != b.numel():
        return False
    a, b = a.reshape(-1), b.reshape(-1)
    size = float(torch.maximum(a.abs(), b.abs()).max()) if a.numel() else 0.0
    return bool(((a - b).abs() <= 1e-3 * size).all()) or not bool(torch.isfinite(a).all() and torch.isfinite(b).all())
