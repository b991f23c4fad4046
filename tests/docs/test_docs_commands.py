"""docs/reference/commands.md is what the program says of itself."""

from __future__ import annotations

import subprocess
import sys
from types import ModuleType


def test_the_page_is_current(command_reference: ModuleType) -> None:
    asked = [sys.executable, command_reference.__file__ or "", "--print"]
    done = subprocess.run(asked, capture_output=True, check=True, timeout=60)

    assert command_reference.TARGET.read_bytes() == done.stdout, "run `python tools/command_reference.py`"


def test_every_command_has_a_section_with_examples(command_reference: ModuleType) -> None:
    sections = command_reference.reference().split("\n#")
    heads = {section.splitlines()[0].strip("# ") for section in sections if "**Examples**:" in section}

    assert heads == {"baseload " + " ".join(path) for path, _ in command_reference.commands()}


def test_a_command_with_two_names_is_listed_once(command_reference: ModuleType) -> None:
    paths = [path for path, _ in command_reference.commands()]

    assert ("ledger", "show") in paths
    assert ("ledger", "status") not in paths
