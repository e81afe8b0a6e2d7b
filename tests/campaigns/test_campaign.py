"""Specifications, rows, summaries: every question once, each answer that of the verb."""

from __future__ import annotations

import csv
import gc
import io
import json
import math
import os
import signal
import sqlite3
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lipverify as lv
from lipverify.campaigns.jobs import Answer, Job, Outcome
from lipverify.campaigns.results import rows_of
from lipverify.campaigns.spec import SPECS, read_spec, shipped
from lipverify.campaigns.store import Store
from lipverify.norms import norm_pair
from lipverify.testing.campaign import drawn
from lipverify.testing.suite import suite
from lipverify.testing.tightness import upper_methods
from tests.cli.conftest import Answer as Said
from tests.cli.conftest import lipverify
from tests.conftest import long_only

__all__ = ["lipverify"]  # fixture

ROOT = Path(__file__).resolve().parent.parent.parent

NET = lv.Network([[[1, 0], [-1, 0], [0, 1], [0, -1]], [[1, 1, 2, -2]]])  # |x| + 2y: L = √5, and 3 for p = inf
SMALL: dict[str, Any] = {
    "networks": [NET, "suite:cut-triangle"],
    "domains": ["everywhere", "-1:1"],
    "norms": [2, "inf"],
    "methods": ["enumeration", "autolip", "lipsdp"],
}


def facts(found: lv.Campaign) -> list[Any]:
    rows = [row.to_dict() for row in found]
    return [{k: v for k, v in row.items() if k not in ("seconds", "stats")} for row in rows]


def test_rows_are_what_the_verbs_say(tmp_path: Path) -> None:
    found = lv.campaign(SMALL, store=tmp_path / "a")
    assert found.complete
    assert len(found) == 2 * 2 * 2 * 3
    for row in found:
        verb = {"exact": lv.exact, "upper": lv.upper, "lower": lv.lower}[row.job.side]
        try:
            alone = verb(row.job.network, row.job.method, p=row.job.norm, domain=row.job.domain)
        except lv.UnsupportedNorm as error:
            refusal = str(error)
        else:
            refusal = ""
        if refusal:
            assert (row.outcome, row.error, row.bound, row.failed) == (Outcome.REFUSED, refusal, None, False)
            continue
        assert row.bound is not None
        assert (row.bound.lower, row.bound.upper, row.bound.status) == (alone.lower, alone.upper, alone.status)
    three = [row for row in found if row.job.network == NET and row.job.norm.p == math.inf and row.bound is not None]
    assert {row.bound.exact_value for row in three if row.job.method == "enumeration" and row.bound} == {3}
    assert all(row.ratio is None or row.ratio >= 1 for row in found)
    assert {row.outcome for row in found if row.job.method == "lipsdp"} == {Outcome.ANSWERED, Outcome.REFUSED}


@pytest.mark.parametrize("jobs", [1, pytest.param(2, marks=long_only)])
def test_what_the_store_knows_is_not_asked_again(tmp_path: Path, jobs: int) -> None:
    whole = lv.campaign(SMALL, store=tmp_path / "whole")
    seen: list[int] = []

    def stop(progress: Any) -> bool:
        seen.append(progress.done)
        return progress.done >= 7

    part = lv.campaign(SMALL, store=tmp_path / "part", on_progress=stop)
    assert seen == list(range(1, 8))
    assert (len(part), part.complete, part.found) == (7, False, 0)
    seen.clear()
    rest = lv.campaign(
        SMALL, store=tmp_path / "part", jobs=jobs, on_progress=lambda progress: seen.append(progress.done)
    )
    assert seen == list(range(8, 25))
    assert (rest.found, rest.complete) == (7, True)
    assert facts(rest) == facts(whole)
    again = lv.campaign(SMALL, store=tmp_path / "part", on_progress=lambda progress: pytest.fail("asked again"))
    assert again.found == again.total == 24
    assert facts(again) == facts(whole)


def test_ctrl_c_keeps_the_rows(tmp_path: Path) -> None:
    def stop(progress: Any) -> None:
        if progress.done == 5:
            raise KeyboardInterrupt

    with pytest.raises(lv.InterruptedCampaign) as caught:
        lv.campaign(SMALL, store=tmp_path / "a", on_progress=stop)
    assert len(caught.value.campaign) == 5
    assert lv.campaign(SMALL, store=tmp_path / "a").found == 5


def test_a_row_that_fails_is_a_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lipverify.campaigns import jobs

    def broken(*args: Any, **options: Any) -> lv.Bound:
        raise ZeroDivisionError("by a bug")

    monkeypatch.setitem(jobs.VERBS, "upper", broken)
    found = lv.campaign(SMALL, store=tmp_path / "a")
    assert {row.error for row in found.failures} == {"ZeroDivisionError: by a bug"}
    assert len(found.failures) == 16
    assert found.table().count("FAILED") == 10
    assert "… and 6 more" in found.table()
    monkeypatch.undo()
    assert len(lv.campaign(SMALL, store=tmp_path / "a").failures) == 16  # a failure is an answer


def test_a_question_that_ends_its_process_is_a_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lipverify.campaigns import running

    def deadly(tasks: Any, *, jobs: int, cluster: Any, lost: Any) -> Any:
        for place, task in enumerate(tasks):
            yield place, lost(place, lv.errors.WorkerLost(f"task {place} ended")) if place == 3 else task()

    monkeypatch.setattr(running, "fan_out", deadly)
    found = lv.campaign(SMALL, store=tmp_path / "a")
    assert [row.error for row in found.failures] == ["task 3 ended"]


def test_rows_that_contradict_each_other_fail() -> None:
    """An upper bound below a proved constant, whatever its method is called; a heuristic has promised nothing."""
    true = lv.exact(NET)

    def job(method: str) -> Job:
        return Job("net", NET, "everywhere", lv.Everywhere(), norm_pair(2), method, 0, None)

    def said(upper: float, rigor: lv.Rigor) -> Answer:
        bound = lv.Bound(method="x", status=lv.Status.ONE_SIDED, upper=upper, upper_rigor=rigor)
        return Answer(Outcome.ANSWERED, bound.to_dict())

    low = true.lower * (1 - 1e-9)
    rows = rows_of(
        [
            (job("exact"), Answer(Outcome.ANSWERED, true.to_dict())),
            (job("autolip"), said(low, lv.Rigor.ROUNDED)),
            (job("seqlip-greedy"), said(low, lv.Rigor.HEURISTIC)),
            (job("liplt"), said(true.upper, lv.Rigor.ROUNDED)),
        ]
    )
    assert [row.failed for row in rows] == [False, True, False, False]
    assert "UNSOUND" in rows[1].wrong
    assert rows[1].ratio is not None
    assert rows[1].ratio < 1


def test_exports(tmp_path: Path) -> None:
    found = lv.campaign(SMALL, store=tmp_path / "a")
    table = list(csv.DictReader(io.StringIO(found.to_csv())))
    assert len(table) == 24
    assert float(table[0]["upper"]) == lv.exact(NET).upper
    found.save(tmp_path / "rows.json")
    data = json.loads((tmp_path / "rows.json").read_text())
    assert data["complete"]
    assert data["rows"][0]["witness"] == found[0].to_dict()["witness"]
    with pytest.raises(lv.InvalidArgument, match="csv or"):
        found.save(tmp_path / "rows.xlsx")
    with pytest.raises(lv.LipverifyError, match="needs pandas"):
        found.to_frame()


def test_a_store_is_only_added_to(tmp_path: Path) -> None:
    lv.campaign(SMALL, store=tmp_path / "a")
    connection = sqlite3.connect(tmp_path / "a")
    for statement in ("DELETE FROM results", "UPDATE results SET error = 'x'"):
        with pytest.raises(sqlite3.IntegrityError, match="only added to"):
            connection.execute(statement)
    connection.close()


def test_one_store_holds_many_campaigns(tmp_path: Path) -> None:
    """The question is the key, not what it is called nor who asked."""
    lv.campaign({"networks": [NET], "methods": ["autolip"]}, store=tmp_path / "a")
    second = lv.campaign({"networks": [NET], "methods": ["autolip", "liplt"], "norms": ["2"]}, store=tmp_path / "a")
    assert (second.found, second.total) == (1, 2)
    third = lv.campaign({"networks": [NET], "methods": ["autolip"], "time_limit": 9}, store=tmp_path / "a")
    assert third.found == 0
    assert len(Store(tmp_path / "a").answers()) == 3


# Specifications ------------------------------------------------------------------------------------


def test_entries_of_every_kind(tmp_path: Path) -> None:
    NET.save(tmp_path / "a.json")
    lv.Network([[[1, 2], [3, 4]]]).save(tmp_path / "b.json")
    (tmp_path / "box.vnnlib").write_text(
        "(declare-const X_0 Real)(declare-const X_1 Real)(declare-const Y_0 Real)"
        "(assert (>= X_0 -1))(assert (<= X_0 1))(assert (>= X_1 0))(assert (<= X_1 2))"
    )
    (tmp_path / "spec.toml").write_text(
        """
        name = "all"
        seed = 3
        time_limit = 2
        networks = ["*.json", "sample:iris", "suite:cut-c*", "maxcut:petersen", {random = [2, 4, 1], seeds = [5, 6]},
                    {file = "b.json", margin = [0, 1]}, {drawn = 5, seed = 1}]
        methods = ["upper"]
        [[grid]]
        networks = ["a.json"]
        domains = ["-1:1", "-1:1,0:2", "box.vnnlib", {radius = 2, center = [1, 1]}, {radius = 2, p = "inf"}]
        norms = [1, 2, "1:inf"]
        methods = ["exact", "lower", "sample"]
        """
    )
    spec = read_spec(tmp_path / "spec.toml")
    assert spec.name == "all"
    assert all((job.seed, job.time_limit) == (3, 2.0) for job in spec.jobs)
    first = [job for job in spec.jobs if job.method == "upper"]
    names = [job.network_name for job in first]
    assert names[:3] == ["a.json", "b.json", "iris"]
    assert "cut-cycle-5" in names
    assert "random 2-4-1 #6" in names
    assert {job.network for job in first} >= {lv.Network([[[-2, -2]]]), *drawn(5, 1)}
    rest = [job for job in spec.jobs if job.method != "upper"]
    assert len(rest) == 4 * 3 * 3  # two of the five domains are the same box
    assert {job.domain for job in rest} == {
        lv.Box([-1, -1], [1, 1]),
        lv.Box([-1, 0], [1, 2]),
        lv.Ball([1, 1], 2),
        lv.Box([-2, -2], [2, 2]),
    }
    assert len({job.key for job in spec.jobs}) == len(spec.jobs)


GOOD: dict[str, Any] = {"networks": ["sample:iris"], "methods": ["autolip"]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"netwroks": []}, "unknown key 'netwroks'"),
        ({"networks": []}, "networks must be a list that is not empty"),
        ({"networks": "sample:iris"}, "networks must be a list"),
        ({"networks": ["nothing.onnx"]}, r"networks\[0\]: there is no file"),
        ({"networks": ["sample:iris", "sample:rose"]}, r"networks\[1\]: there is no sample 'rose'"),
        ({"networks": ["suite:nobody*"]}, r"networks\[0\]: no network of the tightness suite"),
        ({"networks": ["paper:cnn-4"]}, r"networks\[0\]: no network of the paper's experiments"),
        ({"networks": ["$LIPVERIFY_NOT_SET/a.onnx"]}, r"networks\[0\]: .*LIPVERIFY_NOT_SET, which is not set"),
        ({"networks": [3]}, r"networks\[0\]: expected a path"),
        ({"networks": [{"random": [2]}]}, r"networks\[0\]: 'random' must be two or more"),
        ({"networks": [{"random": [2, 0]}]}, r"networks\[0\]: 'random' must be two or more"),
        ({"networks": [{"random": [10**6, 10**6]}]}, r"networks\[0\]: 'random' needs an array of .* stop at"),
        ({"networks": [{"random": [2, 1], "seed": 1}]}, r"networks\[0\]: unknown key 'seed'"),
        ({"networks": [{"random": [2, 1], "seeds": 1}]}, r"networks\[0\]: 'seeds' must be some integers"),
        ({"networks": [{"file": 3}]}, r"networks\[0\]: 'file' must be a path"),
        ({"networks": [{"drawn": -1}]}, r"networks\[0\]: count must be"),
        ({"domains": ["1:-1"]}, r"domains\[0\]: the box is empty"),
        ({"domains": ["everywhere", "-1:1,0:1"]}, r"domains\[1\]: -1:1,0:1 has 2 coordinates; iris has 4 inputs"),
        ({"domains": ["a:b"]}, r"domains\[0\]: 'a:b' is not LO:HI"),
        ({"domains": ["nowhere"]}, r"domains\[0\]: expected 'everywhere'"),
        ({"domains": [{"radius": 0}]}, r"domains\[0\]: the radius must be"),
        ({"norms": [3]}, r"norms\[0\]: p = 3 is not supported"),
        ({"norms": 2}, "norms must be a list"),
        ({"methods": ["autolip", "nobody"]}, r"methods\[1\]: there is no method 'nobody'"),
        ({"methods": None}, "methods must be a list"),
        ({"seed": -1}, "seed must be"),
        ({"seed": True}, "seed must be"),
        ({"time_limit": "1"}, "time_limit must be"),
        ({"time_limit": math.nan}, "time_limit must be"),
        ({"name": 3}, "name must be"),
        ({"grid": 3}, "grid must be tables"),
        ({"grid": [{"networks": ["sample:iris"]}]}, r"grid\[0\].methods is missing"),
        ({"grid": [{"network": ["sample:iris"]}]}, r"unknown key 'grid\[0\].network'"),
    ],
)
def test_errors_name_the_key(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(lv.InvalidArgument, match=message):
        lv.campaign(GOOD | change, store=tmp_path / "a")
    assert not (tmp_path / "a").exists()


def test_files_that_are_no_specification(tmp_path: Path) -> None:
    path = tmp_path / "spec.toml"
    with pytest.raises(
        lv.InvalidArgument, match="no specification of this name; there are: audit, paper, published, tightness"
    ):
        read_spec(path)
    path.write_text("networks = [")
    with pytest.raises(lv.InvalidArgument, match="is no TOML file"):
        read_spec(path)
    for hostile in (b"\xff\xfe", b"a = " + b"[" * 10**5, b"seed = " + b"9" * 10**5, b"\x80\x04\x95"):
        path.write_bytes(hostile)
        with pytest.raises(lv.InvalidArgument, match="is no TOML file"):
            read_spec(path)
    path.write_text("")
    with pytest.raises(lv.InvalidArgument, match=r"spec.toml: nothing is asked"):
        read_spec(path)
    with pytest.raises(lv.InvalidArgument, match="cannot be read"):
        read_spec(tmp_path)


def test_the_tightness_suite_is_a_specification() -> None:
    asked = {(job.network.digest, job.place) for job in read_spec("tightness").jobs if job.method == "enumeration"}
    cases = [Job(c.name, c.network, "", c.domain, c.norm, "enumeration", 0, None) for c in suite()]
    assert asked == {(job.network.digest, job.place) for job in cases}
    assert {job.method for job in read_spec("tightness").jobs} == {"enumeration", *upper_methods()}


def test_the_networks_of_an_audit_are_drawn_again() -> None:
    from lipverify.testing import audit

    seen: list[lv.Network] = []

    def estimator(net: lv.Network, *, p: Any, domain: Any) -> float:
        seen.append(net)
        return math.inf

    audit(estimator, max_examples=30, seed=7, jobs=1)
    asked = {net.digest for net in drawn(30, 7)}
    assert asked <= {net.digest for net in seen}
    assert len(asked) > 15


def test_shipped_specifications(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert shipped() == ["audit", "paper", "published", "tightness"]
    monkeypatch.setenv("LIPVERIFY_DATA", str(data))
    jobs = read_spec("published").jobs
    assert len({job.network.digest for job in jobs}) == 10 + 1 + 2 + 17 + 6 + 5 + 8 + 2 + 8
    assert {job.time_limit for job in jobs} == {30.0}


def test_ctrl_c_is_heard_while_networks_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hypothesis' callbacks of the garbage collector would lose it: it waits for the next network."""
    from lipverify.testing import campaign

    sent: list[int] = []
    run = campaign._run

    def interrupted(plan: Any, shard: int, *rest: Any) -> None:
        sent.append(shard)
        if shard == 1:
            os.kill(os.getpid(), signal.SIGINT)
            gc.collect()
        run(plan, shard, *rest)

    monkeypatch.setattr(campaign, "_run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        drawn(10_000, 0)
    assert sent == [0, 1]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_the_papers_networks_are_those_of_the_page() -> None:
    found = {job.network_name: job.network for job in read_spec("paper").jobs}
    assert [net.hidden for net in found.values()] == [(100,) * 9] * 3 + [(20,) * n for n in (3, 4, 6, 9)]
    values = np.linalg.svd(found["ideal-0.1"].weights[4], compute_uv=False)
    assert values == pytest.approx([1.0, *[0.1] * 99])
    page = (ROOT / "docs" / "paper.md").read_text()
    constant = lv.exact(found["mlp-4"], domain=lv.Box([-1] * 2, [1] * 2), method="enumeration")
    assert f"**{constant.lower:.4g}**" in page


SMALLER: dict[str, list[list[Any]]] = {
    "audit": [[{"drawn": 5, "seed": 0}]],
    "paper": [["paper:ideal-0.01"], ["paper:mlp-4"], ["paper:mlp-4"]],
    "published": [
        ["$LIPVERIFY_DATA/glipsdp/fnn2_seed1.npz"],
        [{"file": "$LIPVERIFY_DATA/local_lipsdp/compare_2x100x100x2.npz", "margin": [0, 1]}],
        ["$LIPVERIFY_DATA/lipsdp/*.onnx"],
        ["$LIPVERIFY_DATA/eclipse/uniform_*w20.npz"],
        ["$LIPVERIFY_DATA/eclipse/tmlr_l5_w10.npz"],
        ["$LIPVERIFY_DATA/exlipbab/iris*.onnx"],
        ["$LIPVERIFY_DATA/glipsdp/cnn2_seed1.onnx"],
        ["$LIPVERIFY_DATA/glipsdp_mnist/mlp_L3_W16_folded.onnx"],
        [{"file": "$LIPVERIFY_DATA/maxmin/weights_2_16.npz", "layers": ["W0", "W1"], "activation": "groupsort:2"}],
    ],
    "tightness": [["suite:cut-triangle"], ["suite:cut-triangle"], ["suite:random-2-8-1"]],
}


@pytest.mark.parametrize("name", shipped())
def test_shipped_specifications_run(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """Every grid with all of its methods, on fewer networks and domains, and for less time."""
    if name == "published":
        monkeypatch.setenv("LIPVERIFY_DATA", str(request.getfixturevalue("data")))
    spec = tomllib.loads((SPECS / f"{name}.toml").read_text())
    grids = spec.get("grid", [spec])
    for grid, fewer in zip(grids, SMALLER[name], strict=True):
        grid |= {"networks": fewer, "domains": grid.get("domains", ["everywhere"])[:2]}
    found = lv.campaign(spec | {"time_limit": 0.15}, store=tmp_path / "store")
    assert found.complete
    assert not found.failures
    asked = {row.job.method for row in found if row.bound is not None}
    named = {method for grid in grids for method in grid["methods"] if ":" not in method}
    assert named <= asked


Run = Callable[..., Said]


def test_the_command(lipverify: Run, tmp_path: Path) -> None:
    path, store = tmp_path / "spec.toml", tmp_path / "store.sqlite"
    path.write_text('networks = ["suite:cut-triangle"]\nmethods = ["enumeration", "autolip", "geolip"]\n')
    options = ("--store", store, "--export", tmp_path / "rows.csv", "--plot", tmp_path / "ratios.svg")
    answer = lipverify("campaign", path, *options)
    assert answer.code == 0, answer.err
    assert "3 of 3 rows, 0 of them from the store" in answer.out
    assert "autolip" in answer.out
    assert len((tmp_path / "rows.csv").read_text().splitlines()) == 4
    assert (tmp_path / "ratios.svg").exists()
    again = lipverify("campaign", path, "--store", store, "--json")
    assert (again.code, json.loads(again.out)["complete"]) == (0, True)
    assert lipverify("campaign", path, "--store", store, "--export", "rows.xlsx").code == 2
    assert lipverify("campaign", path).code == 2
    path.write_text('networks = ["suite:random-2-10-10-3"]\nmethods = ["enumeration"]\ntime_limit = 0\n')
    assert lipverify("campaign", path, "--store", store).code == 3
    path.write_text('networks = ["suite:cut-triangle"]\nmethods = ["nobody"]\n')
    answer = lipverify("campaign", path, "--store", store)
    assert answer.code == 2
    assert "methods[0]" in answer.err
