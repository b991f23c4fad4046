"""The `baseload` command: names and help here, each command's code loaded only when it runs."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cyclopts import App

from baseload import __version__
from baseload.cli.help import show_docstrings
from baseload.errors import BaseloadError, UsageError

if TYPE_CHECKING:
    from cyclopts import CycloptsError
    from rich.panel import Panel

app = App(
    name="baseload",
    version=__version__,
    help="The honest number of a Claude bill, before anybody signs a commitment on it.",
    help_epilogue=(
        "Start here: `baseload demo`, then `baseload map ~/.claude/projects`.\n\n"
        "Exit codes: 0 done, 1 some records had problems and the result was still written, 2 usage, 3 nothing could "
        "be computed."
    ),
    result_action="return_value",
)

COMMANDS = {
    "demo": ("baseload.cli.demo:app", "The whole story on a built-in company; writes the report."),
    "map": ("baseload.cli.map:map_paths", "Real usage in, ranked spend and opportunity out: the main job."),
    "usage": ("baseload.cli.usage:usage", "The quick look: totals by day, model, key or session."),
    "cache": (
        "baseload.cli.cache:cache",
        "What every way of caching costs on real prefixes, and how far the plan gets.",
    ),
    "rank": ("baseload.cli.rank:rank", "Workloads by total cost = cost per inference x volume."),
    "plan": ("baseload.cli.plan:app", "The optimized baseline: every lever composed, the policy, the change sheets."),
    "init": ("baseload.cli.decisions:init", "Write a commented baseload.toml from the ledger."),
    "next": ("baseload.cli.decisions:next_decisions", "The decisions only a person can make, dearest first."),
    "close": ("baseload.cli.close:close", "Why the bill moved since last month; a month kept as it was closed."),
    "commit": (
        "baseload.cli.commit:app",
        "How large a commitment should be, what each clause is worth, when to sign.",
    ),
    "brief": (
        "baseload.cli.brief:brief",
        "What to take to the table: asks, answers, and where every figure comes from.",
    ),
    "trial": ("baseload.cli.trial:app", "Does the cheaper model hold the bar? Paired scores in, a verdict out."),
    "route": ("baseload.cli.route:app", "Which prompts of a workload a cheaper model may answer, with a promise."),
    "gateway": ("baseload.cli.gateway:app", "Send each call where the plan says, and measure it."),
    "status": (
        "baseload.cli.status:status",
        "What the gateway's calls cost, what its routes really saved, where they stand.",
    ),
    "import": ("baseload.cli.ledger:import_paths", "Read usage into the project's ledger."),
    "pull": ("baseload.cli.pull:app", "Fetch usage and cost reports with an admin key."),
    "forget": ("baseload.cli.forget:forget", "Take recorded prompts and answers off the disk."),
    "ledger": ("baseload.cli.ledger:app", "Compact, migrate or look at the ledger."),
    "prices": ("baseload.cli.prices:app", "Check, compare, extend the price book."),
    "export": ("baseload.cli.export:app", "The policy as files for another gateway: LiteLLM, Envoy."),
    "completion": (
        "baseload.cli.completion:completion",
        "Print, or with --install set up, shell completion for bash, zsh or fish.",
    ),
}
"""Command name -> (where its function lives, one line of help); code is loaded only when the command runs."""

for _name, (_path, _help) in COMMANDS.items():
    app.command(_path, name=_name, help=_help)


EXIT_NOTHING = 3
LONGEST_REFUSAL = 4_000
_NO_PERMISSION = ". Run this as somebody who may read or write it, have its permissions changed, or name another path."


def main(tokens: Sequence[str] | None = None) -> None:
    """Run one command and exit with its code; an expected failure is one plain sentence on standard error."""
    given = sys.argv[1:] if tokens is None else tokens
    try:
        _refuse_empty(given)
        if not set(app.help_flags).isdisjoint(given):
            show_docstrings(app, given)
        result = app(given, error_formatter=_panel)
        sys.stdout.flush()
    except BaseloadError as error:
        print(f"baseload: {_shown(error)}", file=sys.stderr)  # noqa: T201 - rich is not loaded on the failure path
        sys.exit(error.exit_code)
    except BrokenPipeError:
        _close_stdout()
        sys.exit(0)
    except OSError as error:
        _close_stdout()
        where = f"{error.filename}: " if error.filename else ""
        step = _NO_PERMISSION if isinstance(error, PermissionError) else ""
        print(f"baseload: {_shown(f'{where}{error.strerror or error}{step}')}", file=sys.stderr)  # noqa: T201 - as above
        sys.exit(EXIT_NOTHING)
    sys.exit(result if isinstance(result, int) else 0)


def _refuse_empty(given: Sequence[str]) -> None:
    """Raises UsageError: an empty path would be the current folder, an empty name everybody's."""
    for number, token in enumerate(given):
        if not token or (token.startswith("--") and token.endswith("=")):
            after = f" after {given[number - 1]}" if number and not token else f": {token}" if token else ""
            raise UsageError(f"an empty argument{after}. Is a variable unset?")


def _panel(error: CycloptsError) -> Panel:
    """A wrong argument as it is shown; of a day it is said how a day is written."""
    import datetime as dt

    from cyclopts.exceptions import CoercionError
    from cyclopts.panel import CycloptsPanel
    from rich.text import Text

    if isinstance(error, CoercionError) and error.target_type is dt.date and error.token is not None:
        error.msg = Text(f'"{_shown(error.token.value[:60])}" is no day; expected YYYY-MM-DD, such as 2026-10-31.')
    return CycloptsPanel(error)


def _shown(said: object) -> str:
    """A refusal quotes paths and values as they came: control and direction characters in them are not printed."""
    from baseload.report.names import legible

    return "\n".join(legible(line, LONGEST_REFUSAL) for line in str(said).split("\n"))


def _close_stdout() -> None:
    """What is still buffered goes nowhere, so that the interpreter does not complain of it at its end."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
