"""docs/reference/project.md lists every key, and its examples are what the product reads."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from baseload.project import (
    CommitmentLeft,
    CommitSettings,
    DeclaredLimits,
    Invoice,
    OwnerRule,
    PersonDaysKind,
    PlanSettings,
    PoolLimits,
    Project,
    ScopeRow,
    WorkloadRule,
    parse_project,
)
from baseload.project_bars import GRADER_TABLES, BarTable, FieldTable, VaultSettings
from baseload.workloads.rules import rule_problems
from baseload.workloads.tags import OWNER, PART, PLACE, WHOLE, tag_name


def page(root: Path, name: str) -> str:
    return (root / "docs" / name).read_text(encoding="utf-8")


RECORDS: dict[type, str] = {
    Project: "## Top level",
    Invoice: "## `[[invoice]]`",
    OwnerRule: "## `[[owner]]`",
    WorkloadRule: "## `[[workload]]`",
    DeclaredLimits: "## `[limits]`",
    PoolLimits: "### `[limits.pool.NAME]`",
    PlanSettings: "## `[plan]`",
    CommitmentLeft: "## `[commitment]`",
    CommitSettings: "## `[commit]`",
    ScopeRow: "### `[[commit.scope]]`",
    BarTable: "## `[[bar]]`",
    FieldTable: "### `[bar.grader.fields.PATH]`",
    VaultSettings: "## `[vault]`",
}
TABLES = {
    "invoice", "owner", "workload", "model_alias", "key_name", "limits", "plan", "commitment", "commit", "bar", "vault",
}  # fmt: skip


def section(text: str, heading: str) -> str:
    """From one heading to the next of the same or a higher level."""
    level = heading.split(maxsplit=1)[0]
    rest = text.partition(f"\n{heading}\n")[2]
    assert rest, heading
    return re.split(rf"\n#{{1,{len(level)}}} ", rest)[0]


@pytest.mark.parametrize("record", RECORDS)
def test_every_key_of_a_table_is_in_its_section(root: Path, record: type) -> None:
    text = page(root, "reference/project.md")
    fields = set(record.__struct_fields__)  # type: ignore[attr-defined]
    fields -= TABLES if record is Project else {"grader"} if record is BarTable else set()
    found = section(text, RECORDS[record])
    assert {name for name in fields if f"`{name}`" not in found and f".{name}" not in found} == set()


@pytest.mark.parametrize("table", GRADER_TABLES)
def test_every_kind_of_grader_and_its_keys_are_listed(root: Path, table: type) -> None:
    found = section(page(root, "reference/project.md"), "### `[bar.grader]`")
    config = table.__struct_config__  # type: ignore[attr-defined]
    [row] = [line for line in found.splitlines() if line.startswith(f'| `"{config.tag}"` |')]
    assert [name for name in table.__struct_fields__ if f"`{name}`" not in row] == []  # type: ignore[attr-defined]
    unknown = set(re.findall(r"`([a-z_]+)`", row)) - {*table.__struct_fields__, "true", "false"}  # type: ignore[attr-defined]
    assert unknown == set()


def test_every_table_of_the_file_has_a_heading(root: Path) -> None:
    text = page(root, "reference/project.md")
    assert set(Project.__struct_fields__) >= TABLES
    assert [name for name in TABLES if f"## `[[{name}]]`" not in text and f"## `[{name}]`" not in text] == []


def test_every_kind_of_work_is_listed(root: Path) -> None:
    found = section(page(root, "reference/project.md"), "### `[plan.person_days]`")
    assert [kind for kind in get_args(PersonDaysKind) if f"`{kind}`" not in found] == []


def test_the_complete_example_has_every_table(root: Path) -> None:
    found = section(page(root, "reference/project.md"), "## A complete example")
    assert [name for name in TABLES - {"key_name"} if f"[{name}" not in found] == []


@pytest.mark.parametrize("name", ["reference/project.md", "how-to/owners.md", "how-to/plan.md"])
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
