"""Runs the full-size proofs and writes what they found to docs/proofs.md; fails when one fails.

    python tools/prove.py                       all of them
    python tools/prove.py tests/workloads       some: the page keeps what it says of the others

Each test's recorded properties (`record_property`) are its figures; a test without any shows its result and its time.
"""

from __future__ import annotations

import datetime as dt
import os
import re
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
        kept = PAGE.read_text(encoding="utf-8") if sys.argv[1:] else ""
        today = dt.datetime.now(dt.UTC).date()
        PAGE.write_text(page(ET.parse(RESULT).getroot(), today, kept), encoding="utf-8")
        print(f"written to {PAGE.relative_to(ROOT)}")
    return code


def page(result: ET.Element, today: dt.date, kept: str = "") -> str:
    """The proofs as a page: one table per test file, and of `kept` the tables of files that did not run."""
    files: dict[str, list[ET.Element]] = {}
    for case in result.iter("testcase"):
        files.setdefault(case.get("classname", ""), []).append(case)
    sections = dict(re.findall(r"^## `([^`]+)`\n\n(.+?)(?=\n+## |\n*\Z)", kept, re.MULTILINE | re.DOTALL))
    made = f"{today}, {os.cpu_count()} cores:"
    sections |= {name: "\n".join([made, "", *table(cases)]) for name, cases in files.items()}
    head = ["# Proofs", "", "Suites at full size, by `make prove`. Every row passed."]
    body = [line for name, text in sorted(sections.items()) for line in ("", f"## `{name}`", "", text)]
    return "\n".join([*head, *body]) + "\n"


def table(cases: list[ET.Element]) -> list[str]:
    """One row a test; a column for every figure that some test of the file recorded."""
    figures = list(dict.fromkeys(p.get("name", "") for case in cases for p in case.iter("property")))
    lines = ["| " + " | ".join(["test", *figures, "s"]) + " |", "|---" * (len(figures) + 2) + "|"]
    for case in cases:
        said = {p.get("name", ""): p.get("value", "") for p in case.iter("property")}
        title = case.get("name", "").removeprefix("test_").replace("_", " ")
        row = [title, *(said.get(figure, "") for figure in figures), f"{float(case.get('time', '0')):.0f}"]
        lines.append("| " + " | ".join(row) + " |")
    return lines


if __name__ == "__main__":
    sys.exit(main())
