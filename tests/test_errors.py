"""The errors a caller may see: one tree, drawn once, an exit code each."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path

import baseload.errors

TREE = baseload.errors.__doc__ or ""


def written(root: Path) -> dict[str, str]:
    """Error class -> its module, of every class whose ancestors end in BaseloadError."""
    found: dict[str, str] = {"BaseloadError": "baseload.errors"}
    classes = {
        node.name: (
            ".".join(path.relative_to(root / "src").with_suffix("").parts),
            [ast.unparse(b) for b in node.bases],
        )
        for path in (root / "src" / "baseload").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
    }
    while more := {name: module for name, (module, bases) in classes.items() if set(bases) & set(found)} | found:
        if more == found:
            break
        found = more
    return found


def parent_in_tree(name: str) -> str:
    """Under whom a name is drawn: the nearest name above it that stands further left."""
    lines = [re.match(r"(\W*)(\w+)", line) for line in TREE.splitlines() if "──" in line or "BaseloadError" in line]
    drawn = [(len(match[1]), match[2]) for match in lines if match]
    place = [child for _, child in drawn].index(name)
    return next(above for depth, above in reversed(drawn[:place]) if depth < drawn[place][0])


def test_every_error_is_drawn_under_its_parent(root: Path) -> None:
    errors = written(root)
    assert len(errors) > 10
    for name, module in errors.items():
        if name != "BaseloadError":
            cls = getattr(importlib.import_module(module), name)
            assert parent_in_tree(name) == cls.__bases__[0].__name__


def test_what_is_drawn_with_an_exit_code_ends_with_it(root: Path) -> None:
    errors = written(root)
    stated = re.findall(r"── (\w+) .*exit (\d)$", TREE, re.MULTILINE)
    assert len(stated) >= 4
    for name, code in stated:
        assert getattr(importlib.import_module(errors[name]), name).exit_code == int(code), name
