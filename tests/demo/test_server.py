"""The page's server ends with what ends its command, frees its port, and says so when a port is busy."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from importlib.util import find_spec
from pathlib import Path

import pytest

import lipverify as lv

pytestmark = pytest.mark.skipif(
    any(find_spec(name) is None for name in ("marimo", "anywidget")), reason="no marimo: pip install 'lipverify[demo]'"
)
CODE = """
import signal, sys
signal.signal(signal.SIGHUP, signal.SIG_DFL)
from lipverify.cli import main
sys.exit(main(["demo", "--port", sys.argv[1], "--no-browser"]))
"""


def taken() -> socket.socket:
    """A port that somebody listens at, with a free one behind it."""
    while True:
        here, behind = socket.socket(), socket.socket()
        here.bind(("127.0.0.1", 0))
        try:
            behind.bind(("127.0.0.1", here.getsockname()[1] + 1))
        except (OSError, OverflowError):
            here.close()
            continue
        finally:
            behind.close()
        here.listen()
        return here


def listens(port: int) -> bool:
    with socket.socket() as there:
        there.settimeout(1)
        return there.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_busy_port_is_named_another_taken_and_a_signal_ends_the_server(number: signal.Signals) -> None:
    root = str(Path(lv.__file__).parent.parent)
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    with taken() as busy:
        port = busy.getsockname()[1]
        server = subprocess.Popen(
            [sys.executable, "-c", CODE, str(port)],
            env=os.environ | {"PYTHONPATH": path},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            assert server.stderr is not None
            assert f"port {port} is busy; the page is at http://127.0.0.1:{port + 1}" in server.stderr.readline()
            deadline = time.monotonic() + 120
            while not listens(port + 1) and time.monotonic() < deadline:
                time.sleep(0.1)
            with urllib.request.urlopen(f"http://127.0.0.1:{port + 1}/", timeout=60) as page:
                assert page.status == 200
            server.send_signal(number)
            server.wait(30)
            assert not listens(port + 1)
            with pytest.raises(ProcessLookupError):  # nobody of its session is left
                os.killpg(server.pid, 0)
        finally:
            if server.poll() is None:
                os.killpg(server.pid, signal.SIGKILL)
            server.communicate()
