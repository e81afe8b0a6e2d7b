"""What holds an estimator to the truth.

strategies.py              Hypothesis strategies: random networks and domains, degenerate ones included
estimators.py adapters.py  what an estimator is, and what it claims; other people's packages as estimators
isolation.py               an estimator in a process of its own
verdicts.py witness.py     a claim against the exact constant; two points that disprove it
campaign.py reduction.py   one Hypothesis run; a network made smaller
shards.py                  many runs, over processes
soundness.py findings.py   the report on them; snippets.py writes counterexamples as programs
families.py mutants.py     networks that are known to be hard; known mistakes, for auditing the audit
suite.py tightness.py      named networks with their exact constants; bounds held to a baseline
plugin.py pictures.py      the pytest fixture; ratios drawn

Names below are loaded on first use: the pytest plugin imports this package in every test run.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lipverify.testing.campaign import Cube, Round
    from lipverify.testing.findings import Counterexample, Failure, InterruptedAudit, Report, Unsound
    from lipverify.testing.isolation import Isolated
    from lipverify.testing.soundness import assert_sound, audit
    from lipverify.testing.strategies import domains, networks

__all__ = [
    "Counterexample",
    "Cube",
    "Failure",
    "InterruptedAudit",
    "Isolated",
    "Report",
    "Round",
    "Unsound",
    "assert_sound",
    "audit",
    "domains",
    "networks",
]

_HOMES = {
    "Counterexample": "findings",
    "Cube": "campaign",
    "Failure": "findings",
    "InterruptedAudit": "findings",
    "Isolated": "isolation",
    "Report": "findings",
    "Round": "campaign",
    "Unsound": "findings",
    "assert_sound": "soundness",
    "audit": "soundness",
    "domains": "strategies",
    "networks": "strategies",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'lipverify.testing' has no attribute {name!r}")
    value = getattr(import_module(f"lipverify.testing.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
