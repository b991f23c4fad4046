"""Help texts: a command's docstring is its help, and what all commands have in common is worded once.

cyclopts shows a lazily loaded command under the one line its parent lists it with, and leaves a docstring's Examples
section out. `show_docstrings` brings both back for the command that `--help` was asked of.
"""

from __future__ import annotations

import datetime as dt
import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

Json = Annotated[
    bool, Parameter(name="--json", negative=(), show_default=False, help="One JSON document on standard output.")
]
Paths = Annotated[
    Path,
    Parameter(
        help="Files, folders, a LiteLLM database as postgresql://…, or one ledger; the project's own ledger when none."
    ),
]
Source = Annotated[
    str | None,
    Parameter(help="Read every PATH as this source instead of detecting it; a wrong name lists them all."),
]
ProjectFolder = Annotated[
    Path | None, Parameter(help="Project folder; else the nearest with baseload.toml, else this one.")
]
AsOf = Annotated[
    dt.date | None, Parameter(help="Take this UTC day for today: days from it on are not complete. YYYY-MM-DD.")
]

_EXAMPLES = "Examples"


def show_docstrings(app: App, tokens: Sequence[str]) -> None:
    """Give the command these tokens name its own docstring as help, with the Examples section at the foot."""
    _, chain, _ = app.parse_commands([token for token in tokens if token not in app.help_flags])
    command = chain[-1]
    if command.default_command is None:
        return
    text = inspect.getdoc(command.default_command) or ""
    command.help = text
    command.help_epilogue = epilogue(examples(text)) or command.help_epilogue


def examples(docstring: str) -> list[str]:
    """The command lines of a docstring's Examples section; none where it has no such section.

    >>> examples("What it does.\\n\\nExamples\\n--------\\nbaseload rank\\nbaseload rank --top 5\\n")
    ['baseload rank', 'baseload rank --top 5']
    """
    _, _, section = docstring.partition(f"\n{_EXAMPLES}\n{'-' * len(_EXAMPLES)}\n")
    return [line for line in section.splitlines() if line.strip()]


def epilogue(lines: Sequence[str]) -> str:
    """The foot of a help page: example command lines, one under the other."""
    return "\n".join([f"{_EXAMPLES}:", "", "```", *lines, "```"]) if lines else ""
