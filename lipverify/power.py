"""The power method through automatic differentiation: lower bounds of the norm of any affine map, matrix-free.

Scaman & Virmaux, NeurIPS 2018, arXiv:1805.10965, Algorithm 2: v ← ∇ ½‖f(v) − f(0)‖², normalised, so v ← AᵀAv/‖AᵀAv‖
for f(x) = Ax + b. ‖Av‖ does not decrease, and is never above ‖A‖: a lower bound, however long it runs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

Affine = Callable[[torch.Tensor], torch.Tensor]


def power_lower(
    function: Affine, shape: Sequence[int], *, iterations: int = 100, starts: int = 4, seed: int = 0
) -> float:
    """A lower bound of the spectral norm of an affine map, NUMERICAL: a theorem in real arithmetic.

    Parameters
    ----------
    function
        Takes batches of inputs, shape (batch, *shape), in float64; must be affine and differentiable by torch.
    iterations, starts
        How often, and from how many random directions at once.

    Returns
    -------
    float
        The largest ‖f(v) − f(0)‖ over the directions; below ‖A‖ by as much as the iteration has not converged.
    """
    directions = top_directions(function, shape, iterations=iterations, starts=starts, seed=seed)
    with torch.no_grad():
        return float(_stretch(function, directions).max())


def top_directions(
    function: Affine,
    shape: Sequence[int],
    *,
    iterations: int,
    starts: int,
    seed: int = 0,
    dtype: torch.dtype = torch.float64,
) -> torch.Tensor:
    """Unit vectors near the leading right singular vectors, shape (starts, *shape)."""
    generator = torch.Generator().manual_seed(seed)
    v = _unit(torch.randn(starts, *shape, generator=generator, dtype=dtype))
    for _ in range(iterations):
        with torch.enable_grad():
            v = v.detach().requires_grad_()
            (image,) = torch.autograd.grad(0.5 * _stretch(function, v).square().sum(), v)
        v = _unit(image, v.detach())
    return v.detach()


def _stretch(function: Affine, v: torch.Tensor) -> torch.Tensor:
    """‖f(v) − f(0)‖ for every direction, shape (starts,)."""
    origin = function(torch.zeros_like(v[:1]))
    return (function(v) - origin).flatten(1).norm(dim=1)


def _unit(v: torch.Tensor, instead: torch.Tensor | None = None) -> torch.Tensor:
    """Rows scaled to length 1; a row of zeros, which a map of norm 0 sends back, is replaced."""
    size = v.flatten(1).norm(dim=1).reshape(-1, *[1] * (v.ndim - 1))
    return torch.where(size > 0, v / size.clamp_min(torch.finfo(v.dtype).tiny), v if instead is None else instead)
