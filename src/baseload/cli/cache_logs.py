"""`baseload cache` on request logs and ledgers, for people: what was missed and why, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from baseload.cli.cache_traces import KNOWN

if TYPE_CHECKING:
    from rich.table import Table

    from baseload.levers.cache.evaluate import PolicyFigures
    from baseload.levers.cache.report import CacheReport, WorkloadCache

LABELS = {
    "none": "no cache",
    "as_billed": "as billed",
    "all_5m": "all, 5 minutes",
    "all_1h": "all, 1 hour",
    "plan": "plan",
    "per_request": "plan, request by request",
}
MOST_WORKLOADS = 10
"""So many are shown one by one; --json has all."""
MOST_MISSES = 4


def print_report(report: CacheReport) -> None:
    """The report as tables and text on standard output."""
    from rich.text import Text

    from baseload.cli.output import numbered, stdout

    console = stdout()
    if report.policies:
        title = f"Input cost of {report.requests:,} judged calls, prices of {report.price_day}"
        console.print(_policies(title, report.policies))
    if report.policies or report.workloads:
        console.print(Text(KNOWN))
    if report.left_out:
        console.print(
            Text(f"{numbered(report.left_out, 'workload')} not in these sums; each says below what it lacks.")
        )
    for part in report.workloads[:MOST_WORKLOADS]:
        console.print()
        for line, style in _lines(part):
            console.print(Text(line, style=style))
        if part.policies:
            console.print(_policies("", part.policies))
    if len(report.workloads) > MOST_WORKLOADS:
        console.print(Text(f"… and {len(report.workloads) - MOST_WORKLOADS} more workloads; --json has all."))


def _lines(part: WorkloadCache) -> Iterator[tuple[str, str]]:
    from baseload.report.names import clean

    yield f"{clean(part.name)}: {part.calls:,} calls, missed reads {_usd(part.missed_usd)}", "bold"
    for miss in part.misses[:MOST_MISSES]:
        why = miss.reason.replace("_", " ") + (f" ({miss.detail})" if miss.detail else "")
        yield f"  {_usd(miss.usd):>12}  {why}: {miss.tokens:,} tokens in {miss.calls:,} calls", ""
    if part.policies:
        marks = ", ".join(f"{mark.after} {mark.ttl}" for mark in part.marks) or "none"
        yield f"  Plan on {part.model}: marks at {marks}.", ""
        if part.move_after_prefix:
            yield f"  Move behind all that is marked: {'; '.join(part.move_after_prefix)}.", ""
            yield from ((f"    {line}", _style(line)) for line in part.request.diff)
    if part.note:
        yield f"  {part.note[0].upper()}{part.note[1:]}.", "dim"


def _style(line: str) -> str:
    return {"-": "red", "+": "green"}.get(line[:1], "")


def _policies(title: str, policies: Sequence[PolicyFigures]) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    from baseload.report import numbers

    table = Table(
        title=Text(title, style="bold") if title else None, title_justify="left", box=SIMPLE_HEAD, pad_edge=False
    )
    for name in ("policy", "USD", "of uncached", "hit rate"):
        table.add_column(name, justify="left" if name == "policy" else "right", no_wrap=True)
    for policy in policies:
        table.add_row(
            LABELS.get(policy.name, policy.name),
            f"{Decimal(policy.usd):,.2f}",
            f"{policy.ratio:.3f}",
            numbers.share(policy.hit_rate),
            style="bold" if policy.name == "plan" else "",
        )
    return table


def _usd(text: str) -> str:
    return f"${Decimal(text):,.0f}"
