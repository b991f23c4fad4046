"""What every command shares: JSON or tables, problems, progress, exit codes."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from baseload.values import Problem

if TYPE_CHECKING:
    from rich.console import Console

EXIT_DONE = 0
EXIT_PROBLEMS = 1
EXIT_USAGE = 2
EXIT_NOTHING = 3


class Progress(Protocol):
    """What long work calls now and then."""

    def advance(self, done: int, total: int | None, label: str) -> None:
        """`done` of `total` units so far (None = unknown)."""


def stdout() -> Console:
    from rich.console import Console

    return Console(soft_wrap=not sys.stdout.isatty(), highlight=False)


def stderr() -> Console:
    from rich.console import Console

    return Console(stderr=True, soft_wrap=not sys.stderr.isatty(), highlight=False)


def print_json(document: Any) -> None:
    """One JSON document on standard output, with a final newline."""
    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")
    sys.stdout.flush()


def numbered(count: int, one: str, many: str = "") -> str:
    """A count with its noun.

    >>> numbered(1, "row"), numbered(1200, "row"), numbered(2, "copy", "copies")
    ('1 row', '1,200 rows', '2 copies')
    """
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def print_problems(problems: Sequence[Problem], *, most: int = 10) -> None:
    """Problems on standard error: counts by code, then the first few in full."""
    if not problems:
        return
    from baseload.report.names import PROSE, clean

    console = stderr()
    counts = Counter(problem.code for problem in problems)
    listed = ", ".join(f"{code} × {count}" for code, count in counts.most_common())
    console.print(f"[yellow]{numbered(len(problems), 'problem')}[/]: {listed}")
    for problem in problems[:most]:
        where = f"{problem.file}:{problem.row}" if problem.row else problem.file or problem.source
        value = f" [{problem.value}]" if problem.value else ""
        console.print(
            f"  {clean(where + (': ' if where else '') + problem.message + value, PROSE)}", markup=False, emoji=False
        )
        if problem.expected:
            console.print(f"      expected {clean(problem.expected, PROSE)}", markup=False, emoji=False)
        if problem.next_step:
            console.print(f"      next: {clean(problem.next_step, PROSE)}", markup=False, emoji=False)
    if len(problems) > most:
        console.print(f"  … and {len(problems) - most} more; --json lists them all", markup=False)


def exit_code(problems: Sequence[Problem]) -> int:
    """0 when every record was used, 1 when some had problems and the result was still written."""
    return EXIT_PROBLEMS if problems else EXIT_DONE


@contextmanager
def progress(title: str) -> Iterator[Progress]:
    """A progress bar on a terminal's standard error; silent elsewhere, so that pipes stay clean."""
    if not sys.stderr.isatty():
        yield _Silent()
        return
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    with Bar(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
        console=stderr(),
        transient=True,
    ) as bar:
        yield _Rich(bar, bar.add_task(title, total=None))


class _Silent:
    def advance(self, done: int, total: int | None, label: str) -> None:
        """Nothing to show."""


class _Rich:
    def __init__(self, bar: Any, task: Any) -> None:
        self._bar = bar
        self._task = task

    def advance(self, done: int, total: int | None, label: str) -> None:
        self._bar.update(self._task, completed=done, total=total, description=label)
