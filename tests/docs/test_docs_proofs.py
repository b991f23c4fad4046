"""tools/prove.py: the page of proofs, whole or with some of its tables made again."""

from __future__ import annotations

import datetime as dt
import importlib.util
import xml.etree.ElementTree as ET
from pathlib import Path
from types import ModuleType

import pytest

DAY = dt.date(2026, 11, 22)


@pytest.fixture(scope="module")
def prove(root: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("prove", root / "tools" / "prove.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def ran(name: str, **figures: str) -> ET.Element:
    found = "".join(f'<property name="{key}" value="{value}"/>' for key, value in figures.items())
    case = (
        f'<testcase classname="{name}" name="test_it_holds[7]" time="3.6"><properties>{found}</properties></testcase>'
    )
    return ET.fromstring(f"<testsuites><testsuite>{case}</testsuite></testsuites>")


def test_a_row_has_the_figures_its_test_recorded(prove: ModuleType) -> None:
    lines = prove.page(ran("tests.a", right="64%"), DAY).splitlines()
    assert lines[4] == "## `tests.a`"
    assert lines[6].startswith("2026-11-22, ")
    assert lines[8:] == ["| test | right | s |", "|---|---|---|", "| it holds[7] | 64% | 4 |"]


def test_a_part_replaces_its_own_table_and_keeps_the_others(prove: ModuleType) -> None:
    whole = prove.page(ran("tests.b", right="64%"), DAY, prove.page(ran("tests.a"), DAY))
    assert [line for line in whole.splitlines() if line.startswith("##")] == ["## `tests.a`", "## `tests.b`"]
    again = prove.page(ran("tests.b", right="70%"), DAY, whole)
    assert again == whole.replace("64%", "70%")


def test_the_page_names_every_file_with_a_proof(root: Path) -> None:
    text = (root / "docs" / "proofs.md").read_text(encoding="utf-8")
    marked = [path for path in (root / "tests").rglob("test_*.py") if "@pytest.mark.prove\n" in path.read_text("utf-8")]
    assert len(marked) >= 4
    for path in marked:
        assert f"## `tests.{'.'.join(path.relative_to(root / 'tests').with_suffix('').parts)}`" in text
