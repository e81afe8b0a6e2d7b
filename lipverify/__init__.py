"""Exact Lipschitz constants of ReLU networks, and every estimator held to them.

    lipverify/
      network.py evaluate.py    the frozen chain of two-slope neurons; forward pass, pattern, Jacobian
      domain.py norms.py        where, and in which norms
      identity.py               keys of problems: the same on every machine
      bound.py problem.py       the result record; the question, the budget, and what a method is
      arrays.py errors.py text.py  the types of arrays; what is raised; words for messages
      rationals.py              exact linear algebra; threads.py kernels.py memory.py: BLAS, numba, RAM; power.py: norms
      trusted/                  what every rigorous number rests on: rounding, norms from above, definiteness, circuits
      watch.py writing.py       where a call may be stopped; files that appear whole or not at all
      child.py                  a process beside this one, for a solver or a stranger's estimator
      readers/                  torch, onnx, npz/json, vnnlib; graph.py, operators/: what models become;
                                passes/: one rewriting pass per file
      contract.py               what a method promises, and a check of what it yields
      engine/                   compiled searches that only propose: what they say is verified elsewhere
      search/                   one tree search: nodes and their fates, frontier, incumbent, effort
      geometry/                 activation regions: cone, LP, walk, witnesses
      relaxations/              bounds on a box or a partial pattern: intervals, CROWN, passes, the SDP
      estimators/ attacks/      upper bounds; lower bounds: one per file; graph/: AutoLip on any graph
      solvers/                  exact methods: a file or a package each; the choice among them
      hardness/                 combinatorial problems as networks: apply and decode
      certificates/             proofs of bounds: format, writer, and a checker that stands alone
      catalogue.py listing.py   the table of methods, and how they are listed
      verbs.py driver.py        exact, upper, lower; one method driven within a budget
      region.py                 the activation regions themselves
      company.py                cheap bounds beside an exact method
      batches.py                one network on many domains
      campaigns/                many questions about many networks, and one store of their answers
      fanout/                   independent tasks for many processes, here or on a cluster
      decision.py               is L at most this number?
      fixed_inputs.py           inputs that the domain fixes, folded into the network
      radii.py                  how far an input may move
      forward_errors.py         how far a float forward pass may be from f
      modules.py penalty.py     AutoLip on torch modules, and its differentiable form
      comparing.py comparison.py plots.py  methods side by side, and the record of that; figures
      report.py records.py tables.py html.py frames.py progress.py
                                how results are shown: digits, JSON, text, notebooks, pandas; what is going on
      testing/                  strategies, audits of estimators, mutants, tightness and its pytest plugin
      bench/ cli/ samples/      benchmarks; one command per file; an embedded trained network
      demo/                     the page of `lipverify demo`

Names below are loaded on first use, so that `import lipverify` is quick and free of heavy libraries.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lipverify import hardness as hardness
    from lipverify.batches import Batch, BatchRow, InterruptedBatch
    from lipverify.bound import Bound, Rigor, Status, Witness
    from lipverify.campaigns.results import Campaign, CampaignRow, InterruptedCampaign
    from lipverify.campaigns.running import campaign
    from lipverify.catalogue import methods
    from lipverify.certificates.verdict import Verdict, check
    from lipverify.certificates.writer import Certificate
    from lipverify.comparing import compare
    from lipverify.comparison import Comparison
    from lipverify.decision import Answer, Decision, decide
    from lipverify.domain import Ball, Box, Everywhere, Polytope
    from lipverify.errors import (
        CertificateError,
        Interrupted,
        InvalidArgument,
        InvalidDomain,
        InvalidNetwork,
        LipverifyError,
        OutOfRange,
        UnsupportedDomain,
        UnsupportedLayer,
        UnsupportedNorm,
    )
    from lipverify.forward_errors import rounding_error
    from lipverify.modules import autolip
    from lipverify.network import Lowering, Network
    from lipverify.penalty import autolip_penalty
    from lipverify.radii import CertifiedRadius, certified_radius
    from lipverify.readers import load
    from lipverify.readers.arrays import from_arrays, from_sklearn
    from lipverify.readers.torch import from_torch
    from lipverify.readers.vnnlib import load_box, load_boxes
    from lipverify.region import Region, regions
    from lipverify.verbs import exact, lower, upper, write_model

__version__ = "0.2.0"

__all__ = [
    "Answer",
    "Ball",
    "Batch",
    "BatchRow",
    "Bound",
    "Box",
    "Campaign",
    "CampaignRow",
    "Certificate",
    "CertificateError",
    "CertifiedRadius",
    "Comparison",
    "Decision",
    "Everywhere",
    "Interrupted",
    "InterruptedBatch",
    "InterruptedCampaign",
    "InvalidArgument",
    "InvalidDomain",
    "InvalidNetwork",
    "LipverifyError",
    "Lowering",
    "Network",
    "OutOfRange",
    "Polytope",
    "Region",
    "Rigor",
    "Status",
    "UnsupportedDomain",
    "UnsupportedLayer",
    "UnsupportedNorm",
    "Verdict",
    "Witness",
    "autolip",
    "autolip_penalty",
    "campaign",
    "certified_radius",
    "check",
    "compare",
    "decide",
    "exact",
    "from_arrays",
    "from_sklearn",
    "from_torch",
    "load",
    "load_box",
    "load_boxes",
    "lower",
    "methods",
    "regions",
    "rounding_error",
    "upper",
    "write_model",
]

_HOMES = {
    "Answer": "decision",
    "Ball": "domain",
    "Batch": "batches",
    "BatchRow": "batches",
    "Bound": "bound",
    "Box": "domain",
    "Campaign": "campaigns.results",
    "CampaignRow": "campaigns.results",
    "Certificate": "certificates.writer",
    "CertificateError": "errors",
    "CertifiedRadius": "radii",
    "Comparison": "comparison",
    "Decision": "decision",
    "Everywhere": "domain",
    "Interrupted": "errors",
    "InterruptedBatch": "batches",
    "InterruptedCampaign": "campaigns.results",
    "InvalidArgument": "errors",
    "InvalidDomain": "errors",
    "InvalidNetwork": "errors",
    "LipverifyError": "errors",
    "Lowering": "network",
    "Network": "network",
    "OutOfRange": "errors",
    "Polytope": "domain",
    "Region": "region",
    "Rigor": "bound",
    "Status": "bound",
    "UnsupportedDomain": "errors",
    "UnsupportedLayer": "errors",
    "UnsupportedNorm": "errors",
    "Verdict": "certificates.verdict",
    "Witness": "bound",
    "autolip": "modules",
    "autolip_penalty": "penalty",
    "campaign": "campaigns.running",
    "certified_radius": "radii",
    "check": "certificates.verdict",
    "compare": "comparing",
    "decide": "decision",
    "exact": "verbs",
    "from_arrays": "readers.arrays",
    "from_sklearn": "readers.arrays",
    "from_torch": "readers.torch",
    "load": "readers",
    "load_box": "readers.vnnlib",
    "load_boxes": "readers.vnnlib",
    "lower": "verbs",
    "methods": "catalogue",
    "regions": "region",
    "rounding_error": "forward_errors",
    "upper": "verbs",
    "write_model": "verbs",
}


_PACKAGES = frozenset({"hardness"})


def __getattr__(name: str) -> Any:
    if name in _PACKAGES:
        return import_module(f"lipverify.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'lipverify' has no attribute {name!r}")
    value = getattr(import_module(f"lipverify.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*__all__, *_PACKAGES, "__version__"})
