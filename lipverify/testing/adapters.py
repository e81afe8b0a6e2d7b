"""Other people's estimators as estimators here; each needs its own package, imported when it is asked.

eclipse-nn (PyPI; Xu & Sivaranjani, NeurIPS 2024): ECLipsE and ECLipsE-Fast, global ℓ2, ReLU.
deel-torchlip (PyPI): the spectral norm by which its layers are normalised, found by power iteration.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from lipverify.domain import Domain
from lipverify.network import RELU, Network


def eclipse(net: Network, *, p: Any, domain: Domain | None) -> float:
    """ECLipsE: a small semidefinite program per layer."""
    return _eclipse(net, p, "ECLipsE")


def eclipse_fast(net: Network, *, p: Any, domain: Domain | None) -> float:
    """ECLipsE-Fast: the closed form."""
    return _eclipse(net, p, "ECLipsE_Fast")


def _eclipse(net: Network, p: Any, method: str) -> float:
    """A global bound, which is one on every domain too."""
    if p != 2:
        raise NotImplementedError("eclipse-nn bounds the ℓ2 constant")
    if not all((s == RELU).all() for s in net.slopes):
        raise NotImplementedError("this adapter passes relu networks on")
    torch: Any = import_module("torch")
    package: Any = import_module("eclipse_nn.LipConstEstimator")
    weights = [torch.tensor(w.copy(), dtype=torch.float64) for w in net.weights]
    return float(package.LipConstEstimator(weights=weights).estimate(method))


def deel_spectral(net: Network, *, p: Any, domain: Domain | None) -> float:
    """The product of the layers' spectral norms, as deel-torchlip computes them to normalise its layers."""
    if p != 2:
        raise NotImplementedError("deel-torchlip normalises ℓ2 norms")
    if any(abs(s).max() > 1 for s in net.slopes):
        raise NotImplementedError("a neuron with a slope beyond 1 is not 1-Lipschitz")
    torch: Any = import_module("torch")
    normalizers: Any = import_module("deel.torchlip.normalizers")
    random = torch.Generator().manual_seed(0)
    product = 1.0
    for w in net.weights:
        start = torch.randn((1, w.shape[1]), generator=random, dtype=torch.float64)
        product *= float(normalizers.spectral_normalization(torch.tensor(w.copy()), start)[2])
    return product
