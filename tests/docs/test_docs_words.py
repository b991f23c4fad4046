"""The glossary and the JSON pages know every word the report and the documents use."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, get_args

import pytest

from baseload.levers.summary import LEVERS
from baseload.usage.detect import READERS
from baseload.values import AGGREGATE_GRAINS, BANDS, Grade
from baseload.workloads.rules import LATENCIES, TASKS

SETS = {
    "grade": get_args(Grade),
    "lever": LEVERS,
    "task": TASKS,
    "latency": LATENCIES,
    "grain": ("call", *AGGREGATE_GRAINS),
    "band": BANDS,
    "stage": ("rule", "tag", "agent", "owner", "structure", "template", "near_duplicate", "unattributed"),
    "status": ("reconciled", "PARTIAL", "not reconciled"),
    "verdict": ("agrees", "differs", "calls-missing", "control-missing"),
    "platform": ("anthropic", "anthropic_aws", "bedrock", "vertex", "google_anthropic", "foundry", "openrouter"),
    "geo": ("global", "us", "regional", "us_gov"),
    "tier": ("standard", "batch", "priority", "flex"),
    "readiness": ("rank", "cache", "batch", "trial"),
}  # fmt: skip


def page(root: Path, name: str) -> str:
    return (root / "docs" / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", SETS)
def test_the_glossary_names_every_value_of_a_set(kind: str, root: Path) -> None:
    text = page(root, "glossary.md")
    assert [word for word in SETS[kind] if not re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", text)] == []


def test_every_field_of_the_map_is_in_its_reference(root: Path) -> None:
    schema = json.loads((root / "docs" / "reference" / "map.schema.json").read_bytes())
    text = page(root, "reference/json.md")
    missing = {name for name in fields(schema) if not re.search(rf"`([a-z]+\.)?{name}(\[\])?`", text)}
    assert missing == set()


def fields(schema: Any) -> set[str]:
    """Names of all properties anywhere in a JSON Schema."""
    if isinstance(schema, list):
        return {name for part in schema for name in fields(part)}
    if not isinstance(schema, dict):
        return set()
    inner = {name for part in schema.values() for name in fields(part)}
    return inner | set(schema.get("properties", {}))


def test_every_schema_of_the_source_is_in_the_list_of_documents(root: Path) -> None:
    text = page(root, "reference/json-others.md")
    source = "\n".join(path.read_text(encoding="utf-8") for path in (root / "src" / "baseload").rglob("*.py"))
    schemas = set(re.findall(r"baseload\.[a-z.-]+/\d+", source)) | {"baseload.source/1"}
    assert len(schemas) > 12
    assert {name for name in schemas if f"`{name}`" not in text} == set()


def test_every_reader_is_in_the_list_of_sources(root: Path) -> None:
    lists = page(root, "reference/sources/index.md"), page(root, "how-to/sources.md")
    assert {reader.name for reader in READERS for text in lists if f"`{reader.name}`" not in text} == set()


def test_every_variable_that_is_read_is_documented(root: Path) -> None:
    text = page(root, "reference/environment.md")
    for name in (
        "BASELOAD_ORG_KEY", "BASELOAD_VAULT_KEY", "BASELOAD_ADMIN_TOKEN", "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL",
        "ANTHROPIC_ADMIN_KEY", "CLAUDE_CONFIG_DIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME",
    ):  # fmt: skip
        assert f"`{name}`" in text
