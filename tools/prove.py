"""Runs the full-size proofs and writes what they found to docs/proofs.md; fails when one fails.

Each test's recorded properties (`record_property`) are its figures; a test without any shows its result and its time.
"""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RESULT = ROOT / "build" / "prove.xml"
PAGE = ROOT / "docs" / "proofs.md"


def main() -> int:
    RESULT.parent.mkdir(exist_ok=True)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-m",
        "prove",
        "-o",
        "junit_family=xunit1",
        f"--junitxml={RESULT}",
        *sys.argv[1:],
    ]
    code = subprocess.run(command, cwd=ROOT, check=False).returncode
    if code == 0:
        PAGE.write_text(page(ET.parse(RESULT).getroot()), encoding="utf-8")
        print(f"written to {PAGE.relative_to(ROOT)}")
    return code


def page(result: ET.Element) -> str:
    """The proofs as a page: one table per test file."""
    files: dict[str, list[ET.Element]] = {}
    for case in result.iter("testcase"):
        files.setdefault(case.get("classname", ""), []).append(case)
    today = dt.datetime.now(dt.UTC).date()
    made = f"Made by `make prove` on {today} ({os.cpu_count()} cores): suites at full size. Every row passed."
    lines = ["# Proofs", "", made]
    for name, cases in sorted(files.items()):
        figures = list(dict.fromkeys(p.get("name", "") for case in cases for p in case.iter("property")))
        lines += ["", f"## `{name}`", "", "| " + " | ".join(["test", *figures, "s"]) + " |"]
        lines.append("|---" * (len(figures) + 2) + "|")
        for case in cases:
            said = {p.get("name", ""): p.get("value", "") for p in case.iter("property")}
            title = case.get("name", "").removeprefix("test_").replace("_", " ")
            row = [title, *(said.get(figure, "") for figure in figures), f"{float(case.get('time', '0')):.0f}"]
            lines.append("| " + " | ".join(row) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
