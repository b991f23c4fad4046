"""The tools that write and check the documentation, as modules."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def tools(root: Path) -> Iterator[Path]:
    """The folder of tools, importable by name."""
    folder = root / "tools"
    sys.path.insert(0, str(folder))
    yield folder
    sys.path.remove(str(folder))


@pytest.fixture(scope="session")
def command_reference(tools: Path) -> ModuleType:
    """tools/command_reference.py"""
    return importlib.import_module("command_reference")


@pytest.fixture(scope="session")
def check_docs(tools: Path) -> ModuleType:
    """tools/check_docs.py"""
    return importlib.import_module("check_docs")
