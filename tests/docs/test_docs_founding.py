"""The founding example's page and picture are what the contract's ledger computes."""

from __future__ import annotations

import importlib.util
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def tool(root: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("founding_picture", root / "tools" / "founding_picture.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_picture_in_the_docs_is_the_one_computed(tool: ModuleType) -> None:
    assert tool.PICTURE.read_text(encoding="utf-8") == tool.picture()
    assert tool.main(["--check"]) == 0


def test_every_table_of_the_page_is_computed(tool: ModuleType, root: Path) -> None:
    page = (root / "docs" / "concepts" / "founding-example.md").read_text(encoding="utf-8")
    for title, rows in tool.tables().items():
        section = page.partition(f"## {title}\n")[2].partition("\n## ")[0]
        shown = [line for line in section.splitlines() if line.startswith("|")]
        assert shown == tool.markdown(rows), title


def test_the_numbers_the_issue_names(tool: ModuleType) -> None:
    """2M list at 20 % is 1.6M cash a year; on 0.8M of usage that is 2.00 for a list dollar, over 1, 2 and 3 years."""
    rows = {(row.years, row.order): row for row in tool.tables()["As the example is told"]}
    for years in (1, 2, 3):
        assert rows[years, "commit first"].cost_usd == 1_600_000 * years
        assert rows[years, "commit first"].effective_rate == 2.0


def test_the_picture_says_its_figures_in_words_and_draws_three_lines(tool: ModuleType) -> None:
    drawn = ET.fromstring(tool.picture())
    name = "{http://www.w3.org/2000/svg}"
    described = drawn.findtext(f"{name}desc") or ""
    assert "Over 3 years: commit first $4.80M, 1.85 per list dollar; route first $2.16M, 0.83" in described
    assert len(drawn.findall(f"{name}polyline")) == 3
    shown = {text.text for text in drawn.findall(f"{name}text")}
    assert {"1.60", "0.88", "1.78", "0.84", "1.85", "0.83"} <= shown


def test_nothing_is_drawn_outside_the_picture(tool: ModuleType) -> None:
    for x, y in re.findall(r"(-?[\d.]+),(-?[\d.]+)", " ".join(re.findall(r'points="([^"]*)"', tool.picture()))):
        assert 0 <= float(x) <= tool.WIDTH
        assert 0 <= float(y) <= tool.HEIGHT
