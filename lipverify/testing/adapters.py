"""Other people's estimators as estimators here; each needs its own package, imported when it is asked.

eclipse-nn (PyPI; Xu & Sivaranjani, NeurIPS 2024): ECLipsE and ECLipsE-Fast, global ℓ2, ReLU.
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
