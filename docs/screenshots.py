"""Draws docs/demo-*.png: `lipverify demo` in Chromium. Run from the checkout: python docs/screenshots.py"""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

HERE = Path(__file__).parent
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]


def main() -> None:
    """Start the page, take the pictures, end it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    code = f"import sys; from lipverify.cli import main; sys.exit(main(['demo', '--port', '{port}', '--no-browser']))"
    server = subprocess.Popen([sys.executable, "-c", code], cwd=HERE.parent)
    try:
        address = f"http://127.0.0.1:{port}/"
        _wait(address)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
            _lesson(browser.new_page(viewport={"width": 1280, "height": 900}), address)
            _race(browser.new_page(viewport={"width": 1280, "height": 900}), address)
            _petersen(browser.new_page(viewport={"width": 1200, "height": 800}), address)
            _enumeration(browser.new_page(viewport={"width": 390, "height": 780}, color_scheme="dark"), address)
            _regions(browser.new_page(viewport={"width": 1200, "height": 1080}), address)
            _formula(browser.new_page(viewport={"width": 1200, "height": 800}, color_scheme="dark"), address)
            browser.close()
    finally:
        server.send_signal(2)
        server.wait()


def _lesson(page: Page, address: str) -> None:
    page.goto(f"{address}?step=network")
    page.locator("svg.draw .e.cut").first.wait_for(timeout=60_000)
    page.locator(".entries button").nth(3).focus()
    page.wait_for_timeout(500)
    page.screenshot(path=HERE / "demo-lesson.png")


def _race(page: Page, address: str) -> None:
    page.goto(f"{address}?step=explosion")
    page.get_by_test_id("race-moral").filter(has_text="branch and bound").wait_for(timeout=120_000)
    page.screenshot(path=HERE / "demo-race.png")


def _petersen(page: Page, address: str) -> None:
    page.goto(f"{address}?step=all")
    _settle(page)
    for name in ("random, 12", "random, 30", "Petersen"):
        page.get_by_role("button", name=name).click()
        _settle(page)
    page.screenshot(path=HERE / "demo-petersen.png")


def _enumeration(page: Page, address: str) -> None:
    page.goto(f"{address}?step=all&g=1-2,2-3,3-4,4-5,5-1")
    _settle(page)
    page.get_by_test_id("net").scroll_into_view_if_needed()
    for _ in range(5):
        page.get_by_test_id("forward").click()
    page.get_by_role("heading", name="The network it becomes").evaluate("e => e.scrollIntoView()")
    page.screenshot(path=HERE / "demo-enumeration.png")


def _regions(page: Page, address: str) -> None:
    page.goto(f"{address}?tab=regions")
    page.get_by_role("button", name="random 8–8", exact=True).click()
    page.get_by_text("has just this norm").wait_for(timeout=60_000)
    page.wait_for_timeout(1500)
    page.screenshot(path=HERE / "demo-regions.png")


def _formula(page: Page, address: str) -> None:
    page.goto(f"{address}?tab=reductions")
    page.get_by_role("button", name="3-SAT, 4 variables").click()
    page.get_by_text(": satisfiable").wait_for(timeout=60_000)
    page.wait_for_timeout(4000)
    page.screenshot(path=HERE / "demo-satisfiability.png")


def _settle(page: Page) -> None:
    page.get_by_test_id("step").filter(has_text="are ready").wait_for(timeout=90_000)
    page.wait_for_timeout(500)


def _wait(address: str) -> None:
    for _ in range(300):
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except OSError:
            time.sleep(0.1)


if __name__ == "__main__":
    main()
