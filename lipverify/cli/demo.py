"""lipverify demo"""

from __future__ import annotations

import os
import socket
import sys
from importlib.util import find_spec
from typing import Annotated

from cyclopts import Parameter

import lipverify as lv

INSTALL = "pip install 'lipverify[demo]' (in a checkout: pip install '.[demo]')"
_TRIES = 50  # ports


def demo(
    *,
    port: Annotated[int, Parameter(help="The port on this machine; if it is busy, the next free one.")] = 2718,
    browser: Annotated[bool, Parameter(help="Open a browser.")] = True,
) -> int:
    """Open the page: draw a graph, see its network, its constant and its cut. Ctrl-C ends it."""
    missing = [name for name in ("marimo", "anywidget") if find_spec(name) is None]
    if missing:
        raise lv.InvalidArgument(f"the page needs {' and '.join(missing)}: {INSTALL}")
    if not 1 <= port <= 65535:
        raise lv.InvalidArgument(f"--port {port}: expected 1 … 65535")
    taken = _free_port(port)
    if taken != port:
        sys.stderr.write(f"lipverify: port {port} is busy; the page is at http://127.0.0.1:{taken}\n")
    code = (
        f"import sys; sys.path[:] = {sys.path!r}; from lipverify.demo.server import serve; "
        f"serve({taken}, browser={browser})"
    )
    sys.stdout.flush()
    sys.stderr.flush()
    # This process becomes the server: whatever ends the one has ended the other.
    os.execv(sys.executable, [sys.executable, "-c", code])


def _free_port(port: int) -> int:
    """The port, or the next one that nobody listens at."""
    for trial in range(port, min(port + _TRIES, 65536)):
        with socket.socket() as there:
            there.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                there.bind(("127.0.0.1", trial))
            except PermissionError as error:
                raise lv.InvalidArgument(f"--port {trial}: {error.strerror}; take one above 1023") from error
            except OSError:
                continue
            return trial
    raise lv.InvalidArgument(f"--port {port}: this port and the next {_TRIES - 1} are busy; take another one")
