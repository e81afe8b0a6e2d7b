"""lipverify demo"""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

import lipverify as lv

INSTALL = "pip install 'lipverify[demo]' (in a checkout: pip install '.[demo]')"


def demo(
    *,
    port: Annotated[int, Parameter(help="The port on this machine.")] = 2718,
    browser: Annotated[bool, Parameter(help="Open a browser.")] = True,
) -> int:
    """Open the page: draw a graph, see its network, its constant and its cut. Ctrl-C ends it."""
    missing = [name for name in ("marimo", "anywidget") if find_spec(name) is None]
    if missing:
        raise lv.InvalidArgument(f"the page needs {' and '.join(missing)}: {INSTALL}")
    if not 1 <= port <= 65535:
        raise lv.InvalidArgument(f"--port {port}: expected 1 … 65535")
    page = Path(lv.__file__).parent / "demo" / "page.py"
    argv = [sys.executable, "-m", "marimo", "run", str(page), "--host", "127.0.0.1", "--port", str(port), "--no-token"]
    try:
        return subprocess.run([*argv, *([] if browser else ["--headless"])], check=False).returncode
    except KeyboardInterrupt:
        return 0
