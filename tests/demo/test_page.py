"""The notebook runs without a browser, and the command says what it needs."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

import lipverify as lv
from lipverify.cli import demo as command
from tests.cli.conftest import lipverify  # noqa: F401 a fixture


def test_the_notebook_runs() -> None:
    pytest.importorskip("marimo", reason="the page needs marimo: pip install 'lipverify[demo]'")
    pytest.importorskip("anywidget", reason="the page needs anywidget: pip install 'lipverify[demo]'")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # other people's
        from lipverify.demo.page import app

        _, found = app.run()
    tabs = [found[name].widget for name in ("cuts_tab", "regions_tab", "reductions_tab")]
    assert all(tab.request == {} for tab in tabs)
    for text in (tab._esm + tab._css for tab in tabs):
        for outside in ("http://", "https://", "//cdn", "@import"):
            assert outside not in text.replace("http://www.w3.org/2000/svg", ""), "the page asks nobody"


def test_a_missing_package_is_named_with_the_way_to_install_it(
    lipverify: Any,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(command, "find_spec", lambda name: None)
    answer = lipverify("demo")
    assert answer.code == 2
    assert "pip install 'lipverify[demo]'" in answer.err


def test_a_port_is_a_port(lipverify: Any, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.setattr(command, "find_spec", lambda name: object())
    assert lipverify("demo", "--port", "70000").code == 2


def test_the_command_starts_marimo_on_this_machine_only(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[str]] = []

    class Done:
        returncode = 0

    def run(argv: list[str], **_: object) -> Done:
        seen.append(argv)
        return Done()

    monkeypatch.setattr(command, "find_spec", lambda name: object())
    monkeypatch.setattr(command.subprocess, "run", run)
    assert command.demo(browser=False) == 0
    assert {"127.0.0.1", "--headless"} <= set(seen[0])
    assert lv.__file__.rpartition("/")[0] in seen[0][4]
