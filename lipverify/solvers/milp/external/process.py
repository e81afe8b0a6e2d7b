"""A program and its solver in a process of their own, which is asked and heard without waiting."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from multiprocessing.connection import Connection

from lipverify.child import Child
from lipverify.problem import Budget
from lipverify.solvers.milp.encode.model import Model
from lipverify.solvers.milp.external.backends import Backend, Progress, Report, Verdict
from lipverify.solvers.milp.external.pulp import Program


class SolverProcess:
    """A solver beside this process; however its process ends, that is a report.

    Parameters
    ----------
    model
        The program. A solve is one of all rows that the model has when the solver gets to it.
    backend
        Which solver, with how many threads.
    budget
        What a solve has: the time that is left, and the gap.

    Raises
    ------
    OSError
        When no process can be started.
    """

    def __init__(self, model: Model, backend: Backend, budget: Budget) -> None:
        self._model, self._backend, self._budget = model, backend, budget
        self._sent: int | None = None  # how many of the model's rows
        self._question: Sequence[float] | None = None
        self._waits = False  # it has nothing to do, so that what is sent is read at once
        # Solvers that are given files leave them there when they are killed.
        self._folder = tempfile.TemporaryDirectory(prefix="lipverify-", ignore_cleanup_errors=True)
        try:
            self._child = Child(_serve, {"TMPDIR": self._folder.name})
        except OSError:
            self._folder.cleanup()
            raise

    def ask(self, start: Sequence[float] = ()) -> None:
        """Have the program solved; `start` is the value of every variable in a known solution, or nothing."""
        self._question = start

    def poll(self) -> list[Progress | Report]:
        """What it has said since the last look; a Report ends a solve."""
        pipe, heard = self._child.pipe, []
        try:
            while pipe.poll():
                said = pipe.recv()
                self._waits = not isinstance(said, Progress)
                heard += [] if said is None else [said]
            if self._waits and self._question is not None:
                self._send(self._question)
        except (EOFError, OSError):
            heard.append(Report(Verdict.CRASHED, message=f"the solver's process ended: {self._child.last_words()}"))
        return heard

    def _send(self, start: Sequence[float]) -> None:
        rows = self._model.rows
        if self._sent is None:
            self._child.pipe.send((self._model, self._backend))
            self._sent = len(rows)
        self._child.pipe.send((rows[self._sent :], self._budget.remaining, self._budget.rel_gap, start))
        self._sent, self._question, self._waits = len(rows), None, False

    def close(self) -> None:
        """End the process at once, with whatever solver it has started."""
        self._child.end()
        self._folder.cleanup()


def _serve(pipe: Connection) -> None:
    """What the process does."""
    pipe.send(None)  # all is imported: the model may come, which is more than a pipe holds
    model, backend = pipe.recv()
    program = Program(model)
    while True:
        rows, seconds, gap, start = pipe.recv()
        for row in rows:
            program.add(row)
        pipe.send(program.solve(backend, seconds, gap, start, pipe.send))
