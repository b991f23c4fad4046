"""Scope: aggregates are control totals, calls are attributed inside them, and no dollar is counted twice.

A cell is (platform, account, day, model), and workspace or key where both sides say them. Where a report covers a
cell it is the total; calls keep what they say as far as the total has room for it; the rest stays with the report's
own rows. Reports enclose each other from the inside out, with the same arithmetic at every step
(`attribution.enclose`): calls, a report of one product, a report that names owners, the control total, a report of a
month or range. Sources of different accounts add.

- **More calls than the total** (a report that is not complete yet, a clock, a copy under another id): the total stays
  the total. The cell's calls are scaled down in proportion, the rest is 0 and never negative, and the reconciliation
  shows the difference as it was (docs/decisions/aggregates-are-control-totals.md).
- **Tokens and money of the same cell** are never added: tokens give list dollars, money gives billed dollars and the
  provider's own list price. Where no report says tokens, the provider's list price is the control total.
- **Sampled calls** arrive scaled by their rate and are calibrated to the total (`attribution.enclose`).
- **An unknown price band or cache lifetime** of a report is narrowed by the calls inside it before dollars are
  compared (`narrowing`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from baseload.ledger.bands import close_bands
from baseload.ledger.frame import CLAUDE_CODE_SOURCES, SAY_ACCOUNT, Frame, frame_of, ints, known
from baseload.ledger.price_checks import PriceCheck, price_checks
from baseload.ledger.reconciliation import Reconciliation, reconcile
from baseload.ledger.statements import Flags, Roles, choose
from baseload.ledger.working import LISTED, SETTLED, Claim, Work
from baseload.values import Problem, Table

STATED: Final = ("billed_nano_usd", "reported_list_nano_usd")
"""Columns that only the chosen report of money fills on its days."""


class Settled(NamedTuple):
    """The rows that count, and how they were checked.

    `rows` has the columns of the spend table, and every one of them now adds up to the total; `account` is the one the
    row was reconciled with (an unsaid account is the only one known). More columns: `part`
    ("call"; "control", a report's bucket without calls inside it; "rest", what calls leave of one; "money", dollars
    alone), `attributed` (1 where the row says who: calls, and buckets that name a workspace, key or product),
    `scaled` (1 where figures come from a sample or were fitted to a total), `claimed_nano` (list dollars before
    settling), `other_nano` (list dollars of no token class: code execution, sessions, dollars that no token report
    explains; inside list_nano).
    """

    rows: Table
    reconciliation: tuple[Reconciliation, ...]
    checks: tuple[PriceCheck, ...]
    problems: tuple[Problem, ...]


def settle(spend: Table, *, solve_bands: bool = True) -> Settled:
    """Settle a priced spend table.

    Its rows are those of `spend_sql`, already scaled by their sampling rate, with `workspace` and `api_key` of their
    signature (and `agent`, where known) and the nano-dollar columns of `price_table`. With `solve_bands` the dollars
    that an unknown prompt-length band leaves open are closed where the provider's list price tells (`bands`).
    """
    frame, problems = frame_of(spend)
    roles = choose(spend, frame)
    work = Work(spend, frame, roles)
    claims = _enclose(work)
    checks = price_checks(spend, frame, roles)
    if solve_bands:
        close_bands(work, checks)
    return Settled(
        rows=_rows(work),
        reconciliation=reconcile(frame, claims),
        checks=checks,
        problems=(*problems, *roles.problems, *_apart(frame)),
    )


def _apart(frame: Frame) -> Iterator[Problem]:
    """Accounts of one platform of which one has calls alone and another totals alone: likely one under two names."""
    calls = frame.grain.where({"call"})
    logged, totalled = set(frame.owner[calls].tolist()), set(frame.owner[~calls].tolist())
    for platform in dict.fromkeys(platform for platform, _ in frame.owners):
        bare = [account for place, (on, account) in enumerate(frame.owners) if on == platform and place not in totalled]
        told = [account for place, (on, account) in enumerate(frame.owners) if on == platform and place not in logged]
        if any(bare) and any(told):
            yield Problem(
                source="scope",
                file="",
                row=0,
                code="accounts-apart",
                message=f"Some {platform} accounts have only calls and others only totals: they are added",
                value=f"{next(filter(None, bare))} and {next(filter(None, told))}",
                expected="one name, if they are one organisation",
                next_step=SAY_ACCOUNT,
            )


def _enclose(work: Work) -> list[Claim]:
    """Every step from the inside out; the claims are what each total and its calls said before."""
    frame, roles = work.frame, work.roles
    claude_code = work.calls & frame.source.where(CLAUDE_CODE_SOURCES)
    work.tokens(claude_code, roles.partial, frame.cell)
    work.tokens(work.calls | roles.partial, roles.owners, frame.cell)
    inside = work.calls | roles.partial | roles.owners
    daily_money = roles.money_is_control & (work.span_cell(roles.money_spans) < 0)
    claims = [
        work.tokens(inside, roles.control, frame.cell),
        work.money(inside, daily_money, work.money_cell(daily_money)),
    ]
    reports = roles.control | roles.owners | roles.partial
    alone = [span for span in roles.token_spans if not (reports & (work.span_cell([span]) >= 0)).any()]
    around = [span for span in roles.token_spans if span not in alone]
    for spans, cut in ((alone, True), (around, False)):
        cell = work.span_cell(spans)
        within = (inside | roles.control) & (cell >= 0)
        claims.append(work.tokens(within, roles.period & (cell >= 0), cell, cut=cut, period=True))
    cell = work.span_cell(roles.money_spans)
    claims.append(work.money(inside & (cell >= 0), roles.money_is_control & (cell >= 0), cell, period=True))
    return claims


def _rows(work: Work) -> Table:
    """The rows that count. What is left of a report's bucket without a token, a request or a dollar is dropped."""
    roles, spend = work.roles, work.spend
    tokens = work.calls | roles.control | roles.owners | roles.partial | roles.period
    left = np.zeros(work.frame.size, dtype=bool)
    for name in (*SETTLED, "other_nano"):
        left |= work.values[name] != 0
    keep = (tokens & (left | ~work.enclosing)) | roles.money
    return {name: column[keep] for name, column in {**dict(spend), **_columns(work)}.items()}


def _columns(work: Work) -> dict[str, NDArray[Any]]:
    values, calls = work.values, work.calls
    total = work.sum_of(LISTED)
    changed = np.zeros(work.frame.size, dtype=bool)
    for name in (*SETTLED, "other_nano"):
        changed |= calls & (values[name] != work.original[name])
    columns: dict[str, NDArray[Any]] = {name: values[name] for name in SETTLED if name != "high_extra"}
    columns["requests"] = np.ma.array(values["requests"], mask=work.unknown_requests)
    columns |= {"other_nano": values["other_nano"], "list_nano": total, "claimed_nano": work.claimed}
    columns["list_high_nano"] = total + values["high_extra"]
    columns["scaled"] = (work.sampled | changed).astype(np.int64)
    columns["attributed"] = work.frame.named.astype(np.int64)
    columns["part"] = _parts(work)
    columns["account"] = np.array([account for _, account in work.frame.owners] or [""], dtype=object)[work.frame.owner]
    columns |= _stated(work.spend, work.frame, work.roles)
    cost = "reported_cost_nano_usd"
    columns[cost] = np.ma.array(ints(work.spend, cost), mask=~known(work.spend, cost) | work.enclosing)
    return columns


def _parts(work: Work) -> NDArray[Any]:
    """Which part each row is; see Settled."""
    roles = work.roles
    counts = roles.control | roles.owners | roles.partial | roles.period | roles.money_is_control
    part = np.full(work.frame.size, "money", dtype=object)
    part[counts] = "control"
    part[work.enclosing] = "rest"
    part[work.calls] = "call"
    return part


def _stated(spend: Table, frame: Frame, roles: Roles) -> dict[str, NDArray[Any]]:
    """Billed and reported list dollars: of the chosen report alone, and of calls only on days without one."""
    days = np.zeros(frame.account_days, dtype=bool)
    days[frame.account_day[roles.money]] = True
    told: Flags = days[frame.account_day]
    for span in roles.money_spans:
        told |= (frame.owner == span.owner) & (frame.day >= span.start_day) & (frame.day < span.end_day_exclusive)
    speaks = roles.money | (frame.grain.where({"call"}) & ~told)
    columns: dict[str, NDArray[Any]] = {
        name: np.ma.array(ints(spend, name), mask=~known(spend, name) | ~speaks) for name in STATED
    }
    columns["billed_rows"] = np.where(speaks, ints(spend, "billed_rows"), 0)
    return columns
