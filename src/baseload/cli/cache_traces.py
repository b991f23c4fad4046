"""`baseload cache` on prefix-hash traces: reading, judging, and the table for people."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from baseload.cli.output import Progress
    from baseload.levers.cache.evaluate import CacheDocument
    from baseload.prices.book import PriceBook
    from baseload.usage.prefix_rows import TraceRows
    from baseload.values import Problem

_LABELS = {
    "none": "no cache",
    "as_billed": "as billed",
    "all_5m": "all, 5 minutes",
    "all_1h": "all, 1 hour",
    "plan": "plan",
    "plan_careful": "… if hours do not cover",
    "online": "plan, decided online",
    "clairvoyant": "clairvoyant",
    "clairvoyant_keep_alive": "… with keep-alive",
}
_COLUMNS = ("policy", "USD", "ratio", "hits", "read", "written", "kept")
KNOWN = "All dollars: simulated, a cache's published rules replayed on these requests at list price; nothing is billed."
_LEGEND = (
    "ratio: over no cache. read, written, kept alive: millions of prompt tokens. clairvoyant: every block cached as "
    "cheaply as the future allows, no keep-alive reads, each block living as long as its own write paid for."
)


def build_cache(
    files: Sequence[Path],
    project_dir: Path | None = None,
    *,
    model: str | None,
    share: Decimal,
    minimum: bool,
    reads: Decimal | None,
    as_of: dt.date | None,
    bar: Progress,
) -> CacheDocument:
    """The document for these trace files. Raises NothingToRead where no request could be priced."""
    from baseload.cli.book import open_book
    from baseload.cli.places import find_project, load_project
    from baseload.cli.run import checked_as_of
    from baseload.errors import NothingToRead
    from baseload.levers.cache.evaluate import Question, cache_document
    from baseload.levers.cache.price import is_priced, prices_of
    from baseload.levers.cache.traces import build_trace
    from baseload.values import day_of_date

    folder = project_dir if project_dir is not None else find_project(Path.cwd())
    book = open_book(load_project(folder), folder)
    now = dt.datetime.now(dt.UTC).date()
    day = day_of_date(checked_as_of(as_of, now))
    rows, problems = _read(files, bar)
    priced_as, notes = _model(book, model, rows, day)
    names = {name: book.resolve(name) for file in rows for name in set(file.model.tolist())}
    known = {name: found if is_priced(book, found) else "" for name, found in names.items()}
    bar.advance(len(files), len(files) + 1, "Simulating")
    trace, faults = build_trace(rows, known.__getitem__, model=priced_as)
    if trace is None:
        raise NothingToRead(_nothing([*problems, *faults]))
    prices = prices_of(book, trace.models, day, read_multiplier=reads, minimum=minimum)
    question = Question(
        train_share=share,
        minimum=minimum,
        read_multiplier=reads,
        copies=sum(file.copies for file in rows),
        files=tuple(str(file) for file in files),
        notes=tuple(notes),
    )
    rows.clear()  # the trace holds all that is needed of them
    return cache_document(trace, prices, question, [*problems, *faults])


def _read(files: Sequence[Path], bar: Progress) -> tuple[list[TraceRows], list[Problem]]:
    from baseload.usage.prefix_traces import read_traces

    rows: list[TraceRows] = []
    problems: list[Problem] = []
    for done, file in enumerate(files):
        bar.advance(done, len(files) + 1, "Reading traces")
        found, faults = read_traces([file])
        rows += found
        problems += faults
    return rows, problems


def _model(book: PriceBook, asked: str | None, rows: Sequence[TraceRows], day: int) -> tuple[str, list[str]]:
    """The model everything is priced as, "" where each request is priced as its own, and what to say about it."""
    from baseload.errors import UsageError
    from baseload.levers.cache.price import is_priced

    if asked is not None:
        found = book.resolve(asked)
        if not is_priced(book, found):
            raise UsageError(f"--model {asked[:60]}: the price book has no price for it. `baseload prices` lists them.")
        return found, []
    if any(name for file in rows for name in set(file.model.tolist())) or not rows:
        return "", []
    sonnets = [model for model in book.candidates(day) if model.line == "sonnet"]
    newest = max(sonnets, key=lambda model: model.released).id
    return newest, [f"The trace names no models: priced as {newest}, the newest Sonnet. --model takes another."]


def _nothing(problems: Sequence[Problem]) -> str:
    from baseload.cli.output import numbered

    if not problems:
        return "no request in these traces."
    first = problems[0]
    where = f"{first.file}:{first.row}" if first.row else first.file
    listed = numbered(len(problems), "problem")
    return f"no request could be priced. First of {listed}: {where}: {first.message}. {first.next_step}"


def print_cache(document: CacheDocument) -> None:
    """The policies as a table on standard output, and what a reader of it must know."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    from baseload.cli.output import stdout
    from baseload.report import numbers

    title = f"Input cost of {document.requests:,} judged requests, prices of {document.price_day}"
    table = Table(title=Text(title, style="bold"), title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for name in _COLUMNS:
        table.add_column(name, justify="left" if name == "policy" else "right", no_wrap=True)
    for policy in document.policies:
        table.add_row(
            Text(_LABELS.get(policy.name, policy.name)),
            f"{Decimal(policy.usd):,.2f}",
            f"{policy.ratio:.4f}",
            numbers.share(policy.hit_rate),
            *(f"{tokens / 1e6:,.1f}" for tokens in (policy.read_tokens, policy.write_tokens, policy.keep_alive_tokens)),
            style="bold" if policy.name == "plan" else "",
        )
    console = stdout()
    console.print(table)
    for line in _said(document):
        console.print(Text(line))


def _said(document: CacheDocument) -> list[str]:
    """What a reader of the table must know."""
    from baseload.cli.output import numbered

    lines = [_LEGEND, KNOWN]
    if document.gap_closed is not None:
        lines.append(_gap(document.gap_closed))
    careful = {policy.name: policy.ratio for policy in document.policies}
    if careful.get("plan_careful", 0.0) != careful.get("plan", 0.0):
        lines.append(
            "The plan counts on an hour's mark to keep the prefix read before it for an hour: published billing reads "
            f"so, nobody has measured it. If it does not, the plan costs {careful['plan_careful']:.4f}."
        )
    sessions, lanes = numbered(document.sessions or 0, "session"), numbered(document.lanes, "lane")
    learnt = numbered(document.train_requests, "request")
    lines.append(f"Learnt on {learnt}; judged on {sessions if document.sessions else lanes}.")
    known = "all it sent" if document.sessions is None else "what its last request left, nothing older"
    lines.append(f"Every policy is judged on the same memory: a lane finds again {known}.")
    lines.append(f"Models: {', '.join(document.models)}.")
    if document.copies:
        lines.append(f"{numbered(document.copies, 'request')} recorded twice left out.")
    if not document.minimum:
        lines.append("Every prefix may be cached here; the models' minimums are off.")
    if document.read_multiplier is not None:
        lines.append(f"Reads are priced at {document.read_multiplier} of plain input.")
    return [*lines, *document.notes]


def _gap(closed: float) -> str:
    """Where the plan stands between the best single rule (0) and the bound without keep-alive (1)."""
    if closed < 0:
        return "The plan costs more here than the best single rule, which knows no look-back and no four marks."
    if closed <= 1:
        return f"The plan goes {closed:.0%} of the way from the best single rule to clairvoyant."
    return (
        "The plan costs less than clairvoyant, which has no keep-alive reads and no hour's mark that keeps the prefix "
        "before it."
    )
