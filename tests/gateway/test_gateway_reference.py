"""docs/reference/gateway.md has every key with its default, every header, reason and error; so has the example."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from baseload.gateway import config as module
from baseload.gateway.batch.unbatched import SAYS as NOT_BATCHED
from baseload.gateway.config import GatewayConfig, parse_config
from baseload.gateway.decide.decide import SAYS

TABLES = {
    "listen": ("[listen]", module.Listen),
    "upstream": ("[[upstream]]", module.UpstreamSettings),
    "retry": ("[retry]", module.Retry),
    "policy": ("[policy]", module.PolicySettings),
    "log": ("[log]", module.LogSettings),
    "state": ("[state]", module.StateSettings),
    "budget": ("[[budget]]", module.BudgetSettings),
    "sample": ("[sample]", module.SampleSettings),
    "batch": ("[batch]", module.BatchSettings),
    "shadow": ("[shadow]", module.ShadowSettings),
    "telemetry": ("[telemetry]", module.TelemetrySettings),
    "limits": ("[limits]", module.LimitSettings),
}


@pytest.fixture(scope="module")
def page(root: Path) -> str:
    return (root / "docs" / "reference" / "gateway.md").read_text(encoding="utf-8")


def shown(value: Any) -> str:
    """A default as the page writes it."""
    if value is None:
        return "unset"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, str):
        return f'`"{value}"`'
    return f"`{list(value)}`" if isinstance(value, tuple) else f"`{value}`"


def keys(struct: type[msgspec.Struct]) -> Iterator[tuple[str, str]]:
    """(key, its default as shown)."""
    for field in msgspec.structs.fields(struct):
        if field.default_factory is not msgspec.NODEFAULT:
            yield field.name, shown(field.default_factory())
        else:
            yield field.name, "required" if field.default is msgspec.NODEFAULT else shown(field.default)


def rows(page: str, heading: str) -> list[tuple[str, str]]:
    """(first cell, second cell) of a section's table, without backticks around the first."""
    section = page.partition(f"### {heading}\n")[2].partition("\n##")[0]
    cells = [line.split("|")[1:3] for line in section.splitlines() if line.startswith("| `")]
    return [(key.strip(" `"), default.strip()) for key, default in cells]


def test_no_table_is_missing_here() -> None:
    single = {"schema", "virtual_keys", "org_key_env"}
    assert {field.name for field in msgspec.structs.fields(GatewayConfig)} == {*TABLES, *single}


@pytest.mark.parametrize("name", TABLES)
def test_every_key_is_listed_with_its_default_and_no_other(name: str, page: str) -> None:
    heading, struct = TABLES[name]
    assert rows(page, f"`{heading}`") == list(keys(struct))


def test_the_top_level_is_listed_too(page: str) -> None:
    defaults = dict(keys(GatewayConfig))
    assert [(key, default) for key, default in rows(page, "Top level")] == [
        (key, defaults[key]) for key in ("schema", "virtual_keys", "org_key_env")
    ]


def test_every_header_of_ours_is_listed(page: str, root: Path) -> None:
    source = "\n".join(
        path.read_text(encoding="utf-8")
        for path in (root / "src" / "baseload" / "gateway").rglob("*.py")
        if "export" not in path.parts and path.name != "sdk.py"  # other gateways' and the transport's own
    )
    named = set(re.findall(r"\bb\"(x-baseload-[a-z]+-?)\"", source)) - {"x-baseload-"}
    assert len(named) > 6
    assert {name for name in named if f"`{name}" not in page} == set()


def test_every_reason_is_listed(page: str) -> None:
    assert {name for name, says in SAYS.items() if f"| `{name}` | {says} |" not in page} == set()


def test_every_reason_for_not_batching_is_listed(page: str) -> None:
    assert {why for why, says in NOT_BATCHED.items() if f"| `{why}` | {says} |" not in page} == set()


def test_every_error_of_ours_is_listed(page: str, root: Path) -> None:
    """By the beginning of its message, of the door and the upstreams; each status of the wire once."""
    for name in ("door.py", "upstreams/pool.py", "batch/carry.py"):
        source = (root / "src" / "baseload" / "gateway" / name).read_text(encoding="utf-8")
        for status, message in re.findall(r'error_answer\((\d+), "([^"]+)"', source):
            row = next((line for line in page.splitlines() if f"| {message[:24]}" in line), "")
            assert status in row, message


def test_the_example_says_what_it_says_and_starts(root: Path) -> None:
    found = parse_config((root / "examples" / "gateway" / "gateway.toml").read_text(encoding="utf-8"))
    assert [one.usd for one in found.budget] == ["5000", "300"]
    assert msgspec.structs.replace(found, budget=()) == GatewayConfig(), "everything but the budgets is a default"


@pytest.mark.parametrize("path", ["deploy/compose/gateway.toml", "examples/gateway/gateway.toml"])
def test_every_file_we_ship_is_taken(path: str, root: Path) -> None:
    parse_config((root / path).read_text(encoding="utf-8"))
