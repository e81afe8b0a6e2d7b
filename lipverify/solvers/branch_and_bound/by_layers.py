"""The search by layers as part of branch and bound: when it takes over, and what it reports."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Protocol, final

import numpy as np

from lipverify.bound import Bound, Rigor, Status
from lipverify.engine.loading import Loading
from lipverify.problem import Budget, Problem
from lipverify.solvers.branch_and_bound.away import stored
from lipverify.solvers.branch_and_bound.checkpoint import Copy, Saved
from lipverify.solvers.branch_and_bound.dives import Engine
from lipverify.solvers.branch_and_bound.heads import heads
from lipverify.solvers.branch_and_bound.setting import Setting
from lipverify.solvers.branch_and_bound.tree import Tree
from lipverify.trusted.evidence import Block, Chain, Space
from lipverify.trusted.evidence_sizes import Sizes

if TYPE_CHECKING:
    from lipverify.solvers.branch_and_bound.layers import LayerSearch
    from lipverify.solvers.branch_and_bound.search import BranchAndBound

_REPORT = 0.05  # seconds between two bounds that are yielded
_PATIENCE = 0.5  # seconds of search before the engine is loaded
_INPUTS = (8, 16)  # with a Euclidean norm, on bounded domains: with one hidden layer, and with more
_OUTPUTS = 32  # each of them costs ranges, and all together passes for every input
_WIDE = 128  # inputs or neurons of a layer: what a sign on a cone is verified by takes milliseconds then
_LOADED, _COMPILED = 1.0, 60.0  # seconds until it is there, from the disk and from its sources


class Engines(Protocol):
    """A source of engines."""

    def able(self, problem: Problem) -> bool:
        """Whether the search by layers can do a problem."""
        ...

    def loaded(self) -> bool:
        """Whether `open` answers at once."""
        ...

    def ready(self) -> bool:
        """The same; the first call starts whatever takes time."""
        ...

    def open(self, chain: Chain, space: Space) -> Engine:
        """An engine for a network on a domain."""
        ...


def able(problem: Problem) -> bool:
    """Whether a problem is one for the search by layers: its norm, its domain, and numbers that floats can multiply."""
    if not heads(problem):
        return False
    setting = Setting.of(problem.network, problem.domain)
    if setting is None:
        return False
    if setting.space.cone and max(len(setting.space.lower), *setting.chain.widths) > _WIDE:
        return False
    sizes = Sizes.of(setting.chain, setting.space)
    return bool(np.isfinite(sizes.value).all() and np.isfinite(sizes.form).all())


def worthwhile(problem: Problem) -> bool:
    """Whether it promises to be faster at a problem than the general search.

    With a Euclidean norm that one has semidefinite bounds: better ones, at a price that does not depend on the inputs.
    They win on the whole space and where inputs are many; passes win where a few inputs meet several layers.
    """
    if not any(isinstance(head, Block) for head in heads(problem)):
        return True
    net = problem.network
    most = _INPUTS[len(net.hidden) > 1]
    return problem.domain.bounded and net.input_dim <= most and net.output_dim <= _OUTPUTS


def _load() -> None:
    from lipverify.solvers.branch_and_bound.compiled_engine import load

    load()


def _stored() -> bool:
    from lipverify.solvers.branch_and_bound.compiled_engine import stored

    return stored()


_LOADING = Loading(_load, _stored)


@final
@dataclass(frozen=True)
class CompiledEngines:
    """The compiled engine, once it is loaded; one per process."""

    def able(self, problem: Problem) -> bool:
        """Every norm that has heads, on bounded domains and on the whole space, where it is worthwhile."""
        return worthwhile(problem) and able(problem)

    def loaded(self) -> bool:
        """Whether it is there."""
        return _LOADING.done

    def ready(self) -> bool:
        """The same; the first call starts loading it."""
        return _LOADING.ready()

    def away(self) -> float:
        """In about how many seconds it can be there: most of a minute where it must be compiled first."""
        if _LOADING.done:
            return 0.0
        there = stored()
        return _LOADED if (_stored() if there is None else there) else _COMPILED

    def wait(self) -> None:
        """Until it is."""
        _LOADING.wait()

    def open(self, chain: Chain, space: Space) -> Engine:
        """The engine for a network on a domain."""
        from lipverify.solvers.branch_and_bound.compiled_engine import CompiledEngine

        return CompiledEngine(chain, space)


@final
class ByLayers:
    """One run: the general search until an engine is there, then the search by layers."""

    def __init__(
        self,
        options: BranchAndBound,
        engines: Engines,
        problem: Problem,
        budget: Budget,
        upper: float,
        saved: Saved | None = None,
    ) -> None:
        self._options = options
        self._engines = engines
        self._problem = problem
        self._budget = budget
        self._upper = upper
        self._saved = saved
        self._copy = Copy(options.checkpoint, problem)

    def run(self) -> Iterator[Bound]:
        """As `BranchAndBound.run`."""
        saved = self._saved
        best = saved.best(self._problem) if saved else None
        if not self._engines.loaded():
            tree = Tree(self._options, self._problem, self._budget, self._upper, saved)
            try:
                over = yield from self._until_loaded(tree)
            except GeneratorExit:
                tree.save(last=True)
                raise
            if over:
                tree.save(last=True)
                yield tree.result()
                return
            self._upper, best = min(self._upper, tree.report(Status.INTERRUPTED).upper), tree.best
            saved = saved and tree.saved  # a search that has only begun begins anew, with the incumbent
        from lipverify.solvers.branch_and_bound.layers import LayerSearch  # loads numba

        setting = Setting.of(self._problem.network, self._problem.domain)
        assert setting is not None
        count = max(self._options.threads, self._options.team.jobs)
        engines = [self._engines.open(setting.chain, setting.space) for _ in range(count)]
        search = LayerSearch(self._problem, self._budget, setting, engines, best, self._upper, saved)
        try:
            yield self._report(search)
            for _ in search.steps():
                self._keep(search)
                yield self._report(search)
        except GeneratorExit:  # stopped between two steps, as in `BranchAndBound.run`
            self._keep(search, last=True)
            raise
        self._keep(search, last=True)
        yield self._result(search)

    def _until_loaded(self, tree: Tree) -> Generator[Bound, None, bool]:
        """The general search until an engine is there; whether it is over before."""
        yield tree.report(Status.INTERRUPTED)
        begun = reported = time.monotonic()
        for _ in tree.steps():
            now = time.monotonic()
            if now - reported > _REPORT:
                tree.save()
                yield tree.report(Status.INTERRUPTED)
                reported = now
                if now - begun > _PATIENCE and self._engines.ready():
                    return False
        return True

    def _keep(self, search: LayerSearch, *, last: bool = False) -> None:
        """Write the search down, if that is wanted and due."""
        if search.begun:
            self._copy.keep(lambda: search.saved, last=last)

    def _report(self, search: LayerSearch) -> Bound:
        best, upper = search.best, search.upper
        return Bound(
            method=self._options.name,
            status=Status.INTERRUPTED,
            lower=best.norm.lower if best else 0.0,
            upper=max(upper, best.norm.upper if best else 0.0),
            lower_rigor=Rigor.PROVED,
            upper_rigor=Rigor.ROUNDED if np.isfinite(upper) else Rigor.PROVED,
            witness=best.witness if best else None,
            stats=self._stats(search),
        )

    def _result(self, search: LayerSearch) -> Bound:
        if not search.exact or search.best is None:
            return replace(self._report(search), status=Status.CLOSED)
        return Bound.exactly(
            search.best.norm,
            upper_rigor=Rigor.ROUNDED,
            method=self._options.name,
            witness=search.best.witness,
            stats=self._stats(search),
        )

    def _stats(self, search: LayerSearch) -> dict[str, int | str]:
        return {**asdict(search.counts), **self._copy.failure}
