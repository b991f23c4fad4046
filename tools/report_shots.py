"""Pictures of a report page, to be looked at by a person: light, dark, phone, and paper as a PDF.

    python tools/report_shots.py REPORT/index.html FOLDER

Needs Playwright's Python package and a Chromium (`apt-get install chromium`, or set CHROMIUM to its path).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

ARGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync")  # fmt: skip
SCREENS = {"light": (1280, 900, "light"), "dark": (1280, 900, "dark"), "phone": (390, 844, "light")}
SLICE = 1500  # pixels of height per picture: taller ones are unreadable when looked at


def shoot(page_file: Path, out: Path) -> list[Path]:
    """PNG slices per screen and one PDF; messages of the page's console go to standard error."""
    out.mkdir(parents=True, exist_ok=True)
    written = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=list(ARGS)
        )
        for name, (width, height, scheme) in SCREENS.items():
            page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)  # type: ignore[arg-type] # a Literal
            page.on("console", lambda message: print(message.type, message.text, file=sys.stderr))
            page.on("pageerror", lambda error: print("pageerror", error, file=sys.stderr))
            page.goto(page_file.resolve().as_uri())
            page.wait_for_timeout(300)
            if name == "light":
                page.evaluate("document.querySelector('.toggle')?.click()")
            full = page.evaluate("document.documentElement.scrollHeight")
            page.set_viewport_size({"width": width, "height": min(full, 16_000)})
            page.wait_for_timeout(300)
            for at, top in enumerate(range(0, min(full, 16_000), SLICE)):
                path = out / f"{name}-{at:02d}.png"
                clip = {"x": 0, "y": top, "width": width, "height": min(SLICE, full - top)}
                page.screenshot(path=path, clip=clip)  # type: ignore[arg-type] # a TypedDict
                written.append(path)
            if name == "light":
                page.set_viewport_size({"width": width, "height": height})
                page.pdf(path=out / "paper.pdf", prefer_css_page_size=True)
                written.append(out / "paper.pdf")
            page.close()
        browser.close()
    return written


if __name__ == "__main__":
    print(*shoot(Path(sys.argv[1]), Path(sys.argv[2])), sep="\n")
