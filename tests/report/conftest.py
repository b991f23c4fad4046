"""Chromium for the tests that look at the page as a reader's browser does."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from map_fixture import MAPS
from plan_fixture import PLANS
from playwright.sync_api import Browser, Error, Page, sync_playwright
from trial_fixture import TRIALS

from baseload.report.evidence_html import render_evidence_html
from baseload.report.plan_write import write_plan
from baseload.report.write import write_report

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WHAT_TO_DO = (
    "no Chromium to look at the report with. Install one (Debian: `apt-get install chromium`; elsewhere: "
    "`python -m playwright install chromium`) or set CHROMIUM to its path. These tests are never skipped, because "
    "a report nobody opened is not tested."
)


def system_chromium() -> str:
    """Path of a Chromium that is already there, "" when there is none."""
    named = os.environ.get("CHROMIUM", "")
    return named or next((path for path in map(shutil.which, NAMES) if path), "")


def installed_chromium() -> str:
    """Install one: Debian's as root (waiting for another worker's apt), else Playwright's own; "" when both fail."""
    if shutil.which("apt-get") and os.geteuid() == 0:
        apt = ["apt-get", "-q", "-o", "DPkg::Lock::Timeout=300"]
        subprocess.run([*apt, "update"], check=False, capture_output=True)
        subprocess.run(
            [*apt, "install", "-y", "--no-install-recommends", "chromium"],
            check=False,
            capture_output=True,
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        )
        if path := system_chromium():
            return path
    subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False, capture_output=True)
    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    return own if Path(own).exists() else ""


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """A Chromium; without one the test fails and says what to do."""
    path = system_chromium() or installed_chromium()
    if not path:
        pytest.fail(WHAT_TO_DO)
    return path


@pytest.fixture(scope="module")
def browser(chromium_path: str) -> Iterator[Browser]:
    """One browser per module: Playwright's loop must not outlive it, or other modules cannot run theirs."""
    with sync_playwright() as playwright:
        try:
            running = playwright.chromium.launch(executable_path=chromium_path, args=list(ARGS))
        except Error as error:
            pytest.fail(f"{chromium_path} does not start: {error}. {WHAT_TO_DO}")
        yield running
        running.close()


@pytest.fixture(scope="session")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Name of a fixture map, or "plan/" or "trial/" and that of a fixture of those -> its page, written once."""
    folder = tmp_path_factory.mktemp("reports")

    def report(name: str) -> Path:
        if name.startswith("trial/"):
            page = folder / f"{name}.html"
            page.parent.mkdir(exist_ok=True)
            page.write_bytes(render_evidence_html(TRIALS[name.removeprefix("trial/")]()))
            return page
        if name.startswith("plan/"):
            if not (folder / name).exists():
                write_plan(PLANS[name.removeprefix("plan/")](), folder / name)
            return folder / name / "plan.html"
        if not (folder / name).exists():
            write_report(MAPS[name](), folder / name)
        return folder / name / "index.html"

    return report


class Visit:
    """An open page with everything it complained about and everything it asked for."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.requests: list[str] = []
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))

    def _console(self, message: object) -> None:
        kind = getattr(message, "type", "")
        if kind in {"error", "warning"}:
            self.complaints.append(getattr(message, "text", ""))


@pytest.fixture
def visit(browser: Browser, reports: Callable[[str], Path]) -> Iterator[Callable[..., Visit]]:
    """`visit("company", scheme="dark", width=390, script=False)` -> the opened page."""
    contexts = []

    def open_page(name: str, *, scheme: str = "light", width: int = 1280, script: bool = True) -> Visit:
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if scheme == "dark" else "light",
            java_script_enabled=script,
        )
        contexts.append(context)
        opened = Visit(context.new_page())
        opened.page.goto(reports(name).as_uri())
        return opened

    yield open_page
    for context in contexts:
        context.close()
