"""docs/reference/problems.md lists every problem code the source can give, and no other."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from baseload.prices.reasons import NEXT_STEPS

NOT_PROBLEMS = ("prices/faults.py",)
"""Codes of `prices check`: faults of another price list."""

Places = dict[str, set[tuple[Path, int]]]
"""Function or class name -> (file, position of its parameter `code`)."""


def trees(package: Path) -> dict[Path, ast.Module]:
    files = (path for path in sorted(package.rglob("*.py")) if not path.as_posix().endswith(NOT_PROBLEMS))
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in files}


def takers(parsed: dict[Path, ast.Module]) -> Places:
    """Everything that takes a `code`: records by their fields, functions by their parameters."""
    found: Places = {}
    for path, tree in parsed.items():
        for node in ast.walk(tree):
            for name, names in _parameters(node):
                if "code" in names:
                    found.setdefault(name, set()).add((path, names.index("code")))
    return found


def _parameters(node: ast.AST) -> Iterator[tuple[str, list[str]]]:
    if isinstance(node, ast.FunctionDef):
        yield node.name, [argument.arg for argument in (*node.args.posonlyargs, *node.args.args)]
    if isinstance(node, ast.ClassDef):
        yield node.name, [part.target.id for part in node.body if _is_field(part)]
        for part in node.body:
            if isinstance(part, ast.FunctionDef) and part.name == "__init__":
                yield node.name, [argument.arg for argument in part.args.args][1:]


def _is_field(part: ast.stmt) -> bool:
    return isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name)


def codes_in(parsed: dict[Path, ast.Module]) -> set[str]:
    """Every literal that is handed over as a `code`; local helpers count in their own file only."""
    places = takers(parsed)
    found: set[str] = set()
    for path, tree in parsed.items():
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            name = getattr(call.func, "id", getattr(call.func, "attr", ""))
            given = [keyword.value for keyword in call.keywords if keyword.arg == "code"]
            for home, position in places.get(name, ()):
                if len(call.args) > position and (not name.startswith("_") or home == path):
                    given.append(call.args[position])
            found.update(text for value in given for text in _literals(value))
    return found


def _literals(value: ast.expr) -> Iterator[str]:
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        yield value.value
    if isinstance(value, ast.IfExp):
        yield from _literals(value.body)
        yield from _literals(value.orelse)


@pytest.fixture(scope="module")
def in_source(root: Path) -> set[str]:
    return codes_in(trees(root / "src" / "baseload")) | set(NEXT_STEPS)


@pytest.fixture(scope="module")
def in_docs(root: Path) -> set[str]:
    text = (root / "docs" / "reference" / "problems.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    return {code for row in rows for code in re.findall(r"`([a-z0-9-]+)`", row)}


def test_the_search_sees_codes_wherever_they_are_written(in_source: set[str]) -> None:
    # a keyword, a positional argument, a helper of the same file, a conditional, a record of reasons
    assert {"account-unknown", "total-differs", "owner-csv-secret", "empty-file", "no-such-geo"} <= in_source
    assert len(in_source) > 70


def test_every_code_of_the_source_is_documented(in_source: set[str], in_docs: set[str]) -> None:
    assert in_source - in_docs == set()


def test_no_code_is_documented_that_nothing_gives(in_source: set[str], in_docs: set[str]) -> None:
    assert in_docs - in_source == set()
