"""What a reader of the close must know besides the figures, and what of it is a problem."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from baseload.plan.close.bills import Account, Invoices
from baseload.plan.close.bridge import Bridge
from baseload.plan.close.document import Check, RestatementPart
from baseload.plan.close.months import Covered, Owner, straddling
from baseload.values import Problem, Table, iso_day

_SHOWN = 2


def notes(bridge: Bridge, invoices: Invoices, as_of_day: int, *, alone: bool) -> Iterator[str]:
    """Sentences for both months; `alone` where there is no month to compare with."""
    if bridge.after.window.end_day_exclusive > as_of_day:
        yield f"{bridge.after.month} is not over: its bill is what the data hold so far."
    if alone:
        yield f"No month before {bridge.after.month} has data: there is no bridge."
    spans = (bridge.after,) if alone else (bridge.before, bridge.after)
    for span in spans:
        yield from _cover(span, as_of_day)
    if not alone:
        yield from _bases(bridge, invoices)
    for account in bridge.accounts_after.values():
        yield from _paid(account)
    tokens = sum(bridge.unpriced_tokens[1:] if alone else bridge.unpriced_tokens)
    if tokens:
        yield f"{tokens:,} tokens have no price and are in no figure."
    if invoices.stray_overages:
        yield f"Overage without an invoice, left out: {', '.join(' '.join(key) for key in invoices.stray_overages)}."


def _cover(span: Covered, as_of_day: int) -> Iterator[str]:
    over = [day for day in span.missing if day < as_of_day]
    if over:
        yield f"{span.month}: {len(span.days)} of {span.window.days} days have data; none on {_days(over)}."
    for (channel, account), days in span.owners.items():
        if len(days) < len(span.days):
            name = " ".join(filter(None, (channel, account)))
            yield f"{span.month}, {name}: {len(days)} days, {iso_day(days[0])} to {iso_day(days[-1])}."


def _days(days: Sequence[int]) -> str:
    """Days in words, neighbours as one run; the runs after the first few are counted."""
    runs: list[list[int]] = []
    for day in days:
        if runs and day - runs[-1][-1] == 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    shown = [iso_day(run[0]) if len(run) == 1 else f"{iso_day(run[0])} to {iso_day(run[-1])}" for run in runs[:_SHOWN]]
    rest = sum(map(len, runs[_SHOWN:]))
    return ", ".join(shown) + (f" and {rest} more" if rest else "")


def _bases(bridge: Bridge, invoices: Invoices) -> Iterator[str]:
    """Accounts that have an invoice in one of the two months only: both are then bridged by the ledger."""
    before, after = (set(invoices.of(span.month)) for span in (bridge.before, bridge.after))
    for month, owners, other in (
        (bridge.before.month, before - after, bridge.after.month),
        (bridge.after.month, after - before, bridge.before.month),
    ):
        if owners:
            yield f"{_owners(owners)}: an invoice of {month} and none of {other}, so both are compared by the ledger."
    for span in (bridge.before, bridge.after):
        if foreign := invoices.foreign.get(span.month):
            yield f"{span.month}, {_owners(foreign)}: the invoice is not in USD and is not compared."


def _owners(owners: Sequence[Owner] | set[Owner]) -> str:
    return ", ".join(" ".join(filter(None, owner)) for owner in sorted(owners))


def _paid(account: Account) -> Iterator[str]:
    name = " ".join(filter(None, account.owner))
    if account.paid_from == "invoice":
        yield f"{name}: no cost report; the discount is the invoice over list price, and hides any missing usage."
    elif account.list_nano and account.paid_from.startswith("list price,"):
        known = account.billed_nano or account.usage_nano + account.parts["uncovered"] + account.parts["unexplained"]
        ratio = Decimal(known) / account.list_nano
        yield f"{name}: {ratio:.1%} of list price was charged, which is no discount: bill and usage do not match."


# problems


def cover_problems(rows: Table, spans: Sequence[Covered], as_of_day: int) -> Iterator[Problem]:
    """Days of a month that are over and have no data, and buckets that reach over a month's edge.

    In a month that is not over, days after the last with data are no problem: they were not exported yet.
    """
    for span in spans:
        until = as_of_day if span.window.end_day_exclusive <= as_of_day else span.days[-1]
        missing = [day for day in span.missing if day < until]
        if missing:
            yield _problem(
                "month-incomplete",
                span.month,
                "Days of the month have no data: its bill may be too low",
                value=_days(missing),
                expected="a row on every day, or a day on which nothing was called",
                next_step="Import the usage of these days, or close the month knowing that nothing was called.",
            )
        if edge := straddling(rows, span.month):
            yield _problem(
                "month-straddled",
                span.month,
                "Reports of a longer period reach over the month's edge; they count in the month they begin in",
                value=f"{edge} rows",
                expected="reports by day or by calendar month",
                next_step="Export the period by day.",
            )


def late(part: RestatementPart) -> Problem:
    return _problem(
        "close-restated",
        part.month,
        f"Today's data differ from the frozen month ({', '.join(part.changed)})",
        value=f"{part.difference_usd} USD",
        expected=f"{part.frozen_usd} USD, as frozen",
        next_step=f"Read the restatement; `baseload close {part.month} --refreeze` keeps the old file as a revision.",
    )


def damaged(month: str, check: Check) -> Problem:
    return _problem(
        "close-damaged",
        month,
        "The frozen month was changed after it was sealed; these are today's figures",
        value=check.sha256[:16],
        expected="the hash of its own figures",
        next_step="Restore the file from a backup, or run again with --refreeze: the old file is kept as a revision.",
    )


def _problem(code: str, month: str, message: str, *, value: str, expected: str, next_step: str) -> Problem:
    return Problem(
        source="close", file=month, row=0, code=code, message=message, value=value[:60], expected=expected,
        next_step=next_step,
    )  # fmt: skip
