"""docs/reference/project.md lists every key, and its examples are what the product reads."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from baseload.project import Invoice, OwnerRule, Project, WorkloadRule, parse_project
from baseload.workloads.rules import rule_problems
from baseload.workloads.tags import OWNER, PART, PLACE, WHOLE, tag_name


def page(root: Path, name: str) -> str:
    return (root / "docs" / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("record", [Project, Invoice, OwnerRule, WorkloadRule])
def test_every_key_of_the_file_is_on_the_page(root: Path, record: type) -> None:
    text = page(root, "reference/project.md")
    tables = {"invoice", "owner", "workload", "model_alias"}
    fields = set(record.__struct_fields__)  # type: ignore[attr-defined]
    assert {name for name in fields if f"`{name}`" not in text and name not in tables} == set()
    assert all(f"[[{name}]]" in text or f"[{name}]" in text for name in tables)


@pytest.mark.parametrize("name", ["reference/project.md", "how-to/owners.md"])
def test_every_toml_example_is_read(root: Path, name: str) -> None:
    examples = re.findall(r"```toml\n(.*?)```", page(root, name), re.DOTALL)
    assert examples
    for example in examples:
        assert rule_problems(parse_project(example).workload) == []


def test_the_tags_on_the_page_are_tags_that_count(root: Path) -> None:
    rows = [line for line in page(root, "concepts-workloads.md").splitlines() if line.startswith("| tag |")]
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert named <= {*WHOLE, *PLACE, *PART, *OWNER}
    assert all(tag_name(name) == name for name in (*WHOLE, *PLACE, *PART, *OWNER))
