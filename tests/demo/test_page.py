"""The notebook runs without a browser, and the command says what it needs."""

from __future__ import annotations

import http.client
import signal
import socket
import subprocess
import sys
import time
import warnings
from typing import Any

import pytest

from lipverify.cli import demo as command
from lipverify.demo.server import is_own
from tests.cli.conftest import lipverify  # noqa: F401 a fixture


def test_the_notebook_runs() -> None:
    pytest.importorskip("marimo", reason="the page needs marimo: pip install 'lipverify[demo]'")
    pytest.importorskip("anywidget", reason="the page needs anywidget: pip install 'lipverify[demo]'")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # other people's
        from lipverify.demo.page import app

        _, found = app.run()
    tabs = [found[name].widget for name in ("cuts_tab", "race_part", "regions_tab", "reductions_tab", "colours_tab")]
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


def test_the_command_becomes_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    monkeypatch.setattr(command, "find_spec", lambda name: object())
    monkeypatch.setattr(command.os, "execv", lambda path, argv: seen.extend([path, *argv]))
    port = free_port()
    command.demo(port=port, browser=False)
    assert seen[:3] == [sys.executable, sys.executable, "-c"]
    assert seen[3].endswith(f"serve({port}, browser=False)")


def test_a_busy_port_is_said_and_the_next_free_one_taken(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[str] = []
    monkeypatch.setattr(command, "find_spec", lambda name: object())
    monkeypatch.setattr(command.os, "execv", lambda path, argv: seen.extend(argv))
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        command.demo(port=port)
    said = capsys.readouterr().err
    assert f"port {port} is busy; the page is at http://127.0.0.1:" in said
    assert f"serve({port}," not in seen[-1]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_the_server_is_for_its_own_pages_and_ends_with_the_command(number: signal.Signals) -> None:
    pytest.importorskip("marimo", reason="the page needs marimo: pip install 'lipverify[demo]'")
    pytest.importorskip("anywidget", reason="the page needs anywidget: pip install 'lipverify[demo]'")
    port = free_port()
    code = f"import sys; from lipverify.cli import main; sys.exit(main(['demo', '--port', '{port}', '--no-browser']))"
    code = f"import signal; signal.signal(signal.SIGHUP, signal.SIG_DFL); {code}"  # nohup hands on that it is ignored
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        assert status(port, f"127.0.0.1:{port}") == 200
        own, foreign = f"http://127.0.0.1:{port}", "https://evil.example"
        assert status(port, f"localhost:{port}", own.replace("127.0.0.1", "localhost")) == 200
        assert status(port, f"127.0.0.1:{port}", foreign) == 403
        assert status(port, f"evil.example:{port}") == 403
        assert status(port, f"127.0.0.1:{port}", own, socket=True) == 101
        assert status(port, f"127.0.0.1:{port}", foreign, socket=True) == 403
        assert status(port, f"evil.example:{port}", f"http://evil.example:{port}", socket=True) == 403
        server.send_signal(number)
        server.wait(timeout=30)
    with pytest.raises(OSError, match="refused"):
        http.client.HTTPConnection("127.0.0.1", port).request("GET", "/")


@pytest.mark.parametrize(
    ("headers", "own"),
    [
        ({"host": "127.0.0.1:2718"}, True),
        ({"host": "localhost:2718", "origin": "http://localhost:2718"}, True),
        ({"host": "[::1]:2718"}, True),
        ({"host": "127.0.0.1:2718", "origin": "http://127.0.0.1:2719"}, False),
        ({"host": "127.0.0.1:2718", "origin": "null"}, False),
        ({"host": "127.0.0.1.evil.example"}, False),
        ({"host": "evil.example", "origin": "http://evil.example"}, False),
        ({"host": "[::1"}, False),
        ({"host": ""}, False),
        ({}, False),
    ],
)
def test_what_comes_from_the_page_itself(headers: dict[str, str], own: bool) -> None:
    assert is_own([(name.encode(), value.encode()) for name, value in headers.items()]) is own


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as there:
        there.bind(("127.0.0.1", 0))
        return there.getsockname()[1]


def status(port: int, host: str, origin: str | None = None, *, socket: bool = False) -> int:
    """The server's answer to a request, or to the beginning of a WebSocket; it may still be starting."""
    headers = {"Host": host} | ({"Origin": origin} if origin else {})
    if socket:
        headers |= {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
        headers |= {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
    for _ in range(300):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        try:
            connection.request("GET", "/ws?session_id=x" if socket else "/", headers=headers)
            return connection.getresponse().status
        except ConnectionRefusedError:
            time.sleep(0.1)
        finally:
            connection.close()
    raise TimeoutError(port)
