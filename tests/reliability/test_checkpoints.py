"""A search that is stopped, killed and gone on with ends at the same constant; what is no checkpoint is refused."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import lipverify as lv
from lipverify.catalogue import METHODS
from lipverify.norms import norm_pair
from lipverify.problem import Budget, Problem
from lipverify.solvers.branch_and_bound import search
from lipverify.solvers.branch_and_bound.by_layers import CompiledEngines
from lipverify.solvers.branch_and_bound.checkpoint import Checkpoint
from lipverify.solvers.branch_and_bound.search import BranchAndBound
from lipverify.testing import domains, networks
from lipverify.testing.suite import random_network
from tests.conftest import examples

NET = random_network((3, 8, 8, 1), 3)


BOX = lv.Box([-1] * 3, [1] * 3)


def alone(path: Path, engines: CompiledEngines | None = None) -> BranchAndBound:
    """Branch and bound without an attack: nothing but the search finds the constant. With engines by layers."""
    method = METHODS["branch-and-bound"]()
    assert isinstance(method, BranchAndBound)
    checkpoint = Checkpoint(path, resume=True)
    return replace(method, incumbent=None, ceiling=None, checkpoint=checkpoint, engines=engines)


@pytest.fixture
def engines(monkeypatch: pytest.MonkeyPatch) -> CompiledEngines:
    """The search by layers, at once, in dives that come a step or two far, and find points in regions alone."""
    from lipverify.solvers.branch_and_bound import compiled_engine, layers

    for name in ("_LEAST", "_BEGIN", "_MOST"):
        monkeypatch.setattr(layers, name, 4)
    for name in ("_ASCENTS", "_FEW"):
        monkeypatch.setattr(compiled_engine, name, 0)
    found = CompiledEngines()
    found.wait()
    return found


def in_pieces(
    problem: Problem, path: Path, pieces: list[int], *engines: CompiledEngines | None
) -> tuple[lv.Bound, int]:
    """The last bound of a search that is stopped after so many reports, again and again; and how often that was.

    With several kinds of engines the search goes on with one after the other.
    """
    rest, stops = list(pieces), 0
    kinds = cycle(engines or (None,))
    while True:
        steps = alone(path, next(kinds)).run(problem, Budget())
        left = rest.pop() if rest else math.inf
        before = lv.Bound(method="", status=lv.Status.INTERRUPTED)
        for bound in steps:
            assert bound.lower <= bound.upper
            if bound.status is not lv.Status.INTERRUPTED:
                return bound, stops
            left -= 1
            before = bound
            if left <= 0:
                break
        steps.close()
        stops += 1
        if path.exists():  # what was known is known to the next one
            first = next(steps := alone(path, engines[0] if engines else None).run(problem, Budget()))
            assert first.lower == before.lower
            assert first.upper <= before.upper * (1 + 1e-12)
            steps.close()


@pytest.fixture(autouse=True)
def reports_at_every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """A search can be stopped wherever it reports, and a file is written there."""
    monkeypatch.setattr(search, "_REPORT", -1.0)


@pytest.mark.parametrize(("p", "domain"), [(2, None), (math.inf, BOX)])
def test_pieces_make_the_whole(tmp_path: Path, p: Any, domain: Any) -> None:
    problem = Problem(NET, norm_pair(p), lv.Everywhere() if domain is None else domain)
    whole = lv.exact(NET, "enumeration", p=p, domain=domain)
    found, stops = in_pieces(problem, tmp_path / "search", [9, 4, 17, 1, 5])
    assert stops == 5
    assert found.status is lv.Status.EXACT
    assert found.enclosure == whole.enclosure
    again = list(alone(tmp_path / "search").run(problem, Budget()))  # it is over, and says so again
    assert again[-1].enclosure == whole.enclosure
    assert again[-1].nodes == found.nodes


@settings(max_examples=examples(12))
@given(net=networks(slopes=True), pieces=st.lists(st.integers(1, 6), max_size=6), p=st.sampled_from([1, 2, math.inf]))
def test_pieces_make_the_whole_of_any_network(
    tmp_path_factory: pytest.TempPathFactory, net: lv.Network, pieces: list[int], p: Any
) -> None:
    path = tmp_path_factory.mktemp("pieces") / "search"
    found, _ = in_pieces(Problem(net, norm_pair(p)), path, pieces)
    assert found.enclosure == lv.exact(net, "enumeration", p=p).enclosure


@pytest.mark.parametrize("domain", [BOX, lv.Everywhere()], ids=["box", "whole"])
def test_pieces_make_the_whole_by_layers(
    tmp_path: Path, engines: CompiledEngines, domain: lv.Box | lv.Everywhere
) -> None:
    """And in turns with the general search, which goes on with what the other one has left."""
    net = random_network((3, 8, 8, 2), 3)
    whole = lv.exact(net, "enumeration", p=math.inf, domain=domain)
    problem = Problem(net, norm_pair(math.inf), domain)
    for kinds in ([engines], [engines, None], [None, engines]):
        path = tmp_path / f"search {len(kinds)} {kinds[0]}"
        found, stops = in_pieces(problem, path, [3, 2, 4, 1, 5], *kinds)
        assert stops == 5
        assert found.status is lv.Status.EXACT
        assert found.enclosure == whole.enclosure
        again = list(alone(path, engines).run(problem, Budget()))
        assert again[-1].enclosure == whole.enclosure
        assert again[-1].nodes == found.nodes


@settings(max_examples=examples(12), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    net=networks(slopes=True),
    data=st.data(),
    pieces=st.lists(st.integers(1, 4), max_size=6),
    p=st.sampled_from([1, math.inf, (1, math.inf)]),
)
def test_pieces_make_the_whole_of_any_network_by_layers(
    tmp_path_factory: pytest.TempPathFactory,
    engines: CompiledEngines,
    net: lv.Network,
    data: st.DataObject,
    pieces: list[int],
    p: Any,
) -> None:
    domain = data.draw(domains(net.input_dim).filter(lambda domain: domain.bounded))
    kinds = data.draw(st.lists(st.sampled_from([engines, None]), min_size=1, max_size=4))
    path = tmp_path_factory.mktemp("pieces") / "search"
    found, _ = in_pieces(Problem(net, norm_pair(p), domain), path, pieces, *kinds)
    assert found.enclosure == lv.exact(net, "enumeration", p=p, domain=domain).enclosure


def test_these_tests_would_notice_a_lost_node_by_layers(tmp_path: Path, engines: CompiledEngines) -> None:
    path, problem = tmp_path / "search", Problem(NET, norm_pair(math.inf), BOX)
    steps = alone(path, engines).run(problem, Budget())
    while (next(steps).nodes or 0) < 4:
        pass
    steps.close()
    opened = json.loads(path.read_text())["open"]
    assert len(opened) > 1
    assert all(head == 0 for _, _, head in opened)
    rewrite(path, open=[])
    found, _ = in_pieces(problem, path, [], engines)
    assert found.enclosure != lv.exact(NET, "enumeration", p=math.inf, domain=BOX).enclosure


def test_these_tests_would_notice_a_lost_node(tmp_path: Path) -> None:
    path, problem = tmp_path / "search", Problem(NET, norm_pair(2))
    steps = alone(path).run(problem, Budget())
    while (next(steps).nodes or 0) < 4:
        pass
    steps.close()
    assert len(json.loads(path.read_text())["open"]) > 1
    rewrite(path, open=[])
    found, _ = in_pieces(problem, path, [])
    assert found.enclosure != lv.exact(NET, "enumeration").enclosure


PROGRAM = """
import sys, lipverify as lv
from lipverify.testing.suite import random_network
bound = lv.exact(random_network((3, 8, 8, 1), 3), checkpoint=sys.argv[1], resume=True,
                 on_progress=lambda b: print(b.lower, b.upper, flush=True))
print(bound.status.name, *bound.enclosure)
"""


def killed_and_resumed(program: str, path: Path) -> None:
    """The solve, killed as soon as there is a file, again and again."""
    for _ in range(examples(1, long=20)):
        process = subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE, text=True)
        limit = time.monotonic() + 60
        while not path.exists() and process.poll() is None and time.monotonic() < limit:
            time.sleep(0.02)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()


def test_kill_9_in_the_middle_of_a_solve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    path, net = tmp_path / "search", random_network((3, 8, 8, 1), 3)
    killed_and_resumed(PROGRAM, path)
    bound = lv.exact(net, checkpoint=path, resume=True)
    assert bound.status is lv.Status.EXACT
    assert bound.enclosure == lv.exact(net).enclosure
    assert [found.name for found in tmp_path.iterdir()] == ["search"]


BY_LAYERS = """
import sys, lipverify as lv
from lipverify.solvers.branch_and_bound.by_layers import CompiledEngines
from lipverify.testing.suite import random_network
CompiledEngines().wait()
lv.exact(random_network((6, 20, 20, 2), 3), "branch-and-bound", p="inf", domain=lv.Box([-1] * 6, [1] * 6),
         checkpoint=sys.argv[1], resume=True)
"""


def test_kill_9_in_the_middle_of_a_search_by_layers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    path, net, box = tmp_path / "search", random_network((6, 20, 20, 2), 3), lv.Box([-1] * 6, [1] * 6)
    killed_and_resumed(BY_LAYERS, path)
    left = json.loads(path.read_text())["open"]
    assert {head for _, _, head in left} == {0, 1}  # it is the search by layers that was under way
    options: dict[str, Any] = {"p": math.inf, "domain": box}
    bound = lv.exact(net, "branch-and-bound", checkpoint=path, resume=True, **options)
    assert bound.status is lv.Status.EXACT
    assert bound.stats["dives"] > 0
    assert bound.enclosure == lv.exact(net, "branch-and-bound", **options).enclosure
    assert [found.name for found in tmp_path.iterdir()] == ["search"]


@pytest.mark.parametrize(("p", "domain"), [(2, None), (math.inf, BOX)])
def test_a_certificate_is_complete_after_a_resume(
    tmp_path: Path, engines: CompiledEngines, p: Any, domain: lv.Box | None
) -> None:
    path = tmp_path / "search"
    steps = alone(path, engines).run(Problem(NET, norm_pair(p), domain or lv.Everywhere()), Budget())
    while (next(steps).nodes or 0) < 4:
        pass
    steps.close()
    assert len(json.loads(path.read_text())["open"]) > 1
    options: dict[str, Any] = {"p": p, "domain": domain}
    bound = lv.exact(NET, checkpoint=path, resume=True, certify=True, **options)
    assert bound.status is lv.Status.EXACT
    verdict = lv.check(NET, bound.certificate, lower=bound.lower, upper=bound.upper, **options)
    assert verdict.lower
    assert verdict.upper


# Files ---------------------------------------------------------------------------------------------


def rewrite(path: Path, **changes: Any) -> None:
    """Change a checkpoint, with a checksum that fits."""
    from lipverify.solvers.branch_and_bound.checkpoint import _checksum

    data = json.loads(path.read_text()) | changes
    data.pop("sha256")
    path.write_text(json.dumps(data | {"sha256": _checksum(data)}))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def flipped(path: Path) -> None:
    path.write_text(path.read_text().replace("+", "-", 1))


@pytest.mark.parametrize(
    ("harm", "why"),
    [
        (cut, "cut short"),
        (flipped, "checksum"),
        (lambda path: path.write_bytes(b""), "no JSON"),
        (lambda path: path.write_bytes(b"\x80\x04\x95"), "no JSON"),
        (lambda path: path.write_text("[" * 10**5), "no JSON"),
        (lambda path: path.write_text("{}"), "it is not 'lipverify checkpoint 2'"),
        (lambda path: rewrite(path, format="lipverify checkpoint 1"), "it is not"),
        (lambda path: rewrite(path, open=[["+", "0x1p+0", None]]), "a node of another size"),
        (lambda path: rewrite(path, open=[["+" * 16, "nan", None]]), "a bound that is no number"),
        (lambda path: rewrite(path, open=[["+" * 16]]), "it is damaged"),
        (lambda path: rewrite(path, open=[["+" * 16, "0x1p+0", 9]]), "a node for a head that there is none of"),
        (lambda path: rewrite(path, incumbent=["1/0"] * 3), "it is damaged"),
        (lambda path: rewrite(path, incumbent=["1", "1"]), "a point of another size"),
    ],
    ids=["cut", "flip", "empty", "pickle", "deep", "object", "format", "size", "nan", "shape", "head", "zero", "point"],
)
def test_a_damaged_checkpoint_is_refused_and_left_as_it_is(
    tmp_path: Path, harm: Callable[[Path], Any], why: str
) -> None:
    path = tmp_path / "search"
    steps = alone(path).run(Problem(NET, norm_pair(2)), Budget())
    for _ in range(6):
        next(steps)
    steps.close()
    harm(path)
    before = path.read_bytes()
    with pytest.raises(lv.InvalidArgument, match=why):
        lv.exact(NET, checkpoint=path, resume=True)
    assert path.read_bytes() == before


def test_another_question_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "search"
    lv.exact(NET, checkpoint=path)
    others: list[tuple[lv.Network, Any, Any]] = [
        (random_network((3, 8, 8, 1), 4), 2, None),
        (NET, 1, None),
        (NET, (1, 2), None),
        (NET, 2, lv.Box([-1] * 3, [1] * 3)),
    ]
    for net, p, domain in others:
        with pytest.raises(lv.InvalidArgument, match="another network, norm or domain"):
            lv.exact(net, p=p, domain=domain, checkpoint=path, resume=True)


def test_a_file_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(lv.InvalidArgument, match="is there already"):
        lv.exact(NET, checkpoint=tmp_path / "mine")
    with pytest.raises(lv.InvalidArgument, match="there is no folder"):
        lv.exact(NET, checkpoint=tmp_path / "nowhere" / "search")
    with pytest.raises(lv.InvalidArgument, match="name the file"):
        lv.exact(NET, resume=True)
    with pytest.raises(lv.InvalidArgument, match="written by 'branch-and-bound'"):
        lv.exact(NET, "milp", checkpoint=tmp_path / "search")
    with pytest.raises(lv.InvalidArgument, match="that of one search"):
        lv.exact(NET, domain=[lv.Everywhere()], checkpoint=tmp_path / "search")
    assert (tmp_path / "mine").read_text() == "mine"


def test_a_checkpoint_that_cannot_be_written_does_not_cost_the_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lipverify.solvers.branch_and_bound import checkpoint

    def full(path: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint, "write_whole", full)
    bound = lv.exact(NET, checkpoint=tmp_path / "search")
    assert bound.status is lv.Status.EXACT
    assert "No space left" in bound.stats["checkpoint"]
