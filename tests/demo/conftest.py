"""A server with the page, and a browser that looks at it; both skip with a word where they cannot be had."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import lipverify as lv

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a browser."""
    for name in ("marimo", "anywidget", "playwright"):
        if find_spec(name) is None:
            pytest.skip(f"no {name}: pip install 'lipverify[browser]'")
    path = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if path is None:
        pytest.skip("no chromium on this machine: apt-get install chromium")
    return path


@pytest.fixture(scope="session")
def address(chromium: str) -> Iterator[str]:
    """A running `lipverify demo`; it needs the browser only to be skipped together with it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    code = f"import sys; from lipverify.cli import main; sys.exit(main(['demo', '--port', '{port}', '--no-browser']))"
    root = str(Path(lv.__file__).parent.parent)
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    server = subprocess.Popen(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": path},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        url = f"http://127.0.0.1:{port}/"
        for _ in range(300):
            try:
                urllib.request.urlopen(url, timeout=5).close()
                break
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        yield url
    finally:
        os.killpg(server.pid, 15)
        server.wait()


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Any]:
    """A browser for the tests of a module; its event loop must not outlive them."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def profile(browser: Any) -> Iterator[Any]:
    """One cache for the tests of a module: a page's 300 scripts are fetched and compiled once, not for every test."""
    context = browser.new_context(viewport={"width": 1280, "height": 1700})
    context.set_default_navigation_timeout(90_000)  # several may share this machine
    yield context
    context.close()


@pytest.fixture
def visit(profile: Any, address: str) -> Iterator[Callable[[str], Any]]:
    """Opens an address of the page, "?tab=…", in a new window; at the end nothing has been asked from outside."""
    page = profile.new_page()
    asked: list[str] = []
    errors: list[str] = []
    page.on("request", lambda r: asked.append(r.url))
    page.on("pageerror", lambda e: errors.append(str(e)))
    page.on("console", lambda m: m.type == "error" and "414" not in m.text and errors.append(m.text))

    def go(query: str) -> Any:
        page.goto(address + query)
        return page

    yield go
    page.close()
    outside = [url for url in asked if not url.startswith((address, "data:", "blob:"))]
    assert outside == []
    assert errors == []


@pytest.fixture
def page(visit: Callable[[str], Any]) -> Any:
    """The page at its first tab, all of it, with the 5-cycle, its first answer given."""
    page = visit("?step=all&g=1-2,2-3,3-4,4-5,5-1")
    page.get_by_test_id("answer").filter(has_text="maximum cut").wait_for(timeout=30_000)
    return page
