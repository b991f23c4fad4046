"""The audit of one path as a document: cents by month, totals, and what the offer leaves open."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

import msgspec

from baseload.commit.audit import AuditRow, UsageMonth, in_cents
from baseload.commit.clauses import ONE, ZERO
from baseload.commit.contract import Contract
from baseload.commit.offer import Offer
from baseload.commit.single_path import audit

SCHEMA: Final = "baseload.commit.simulate/1"
_CASH: Final = (
    "commitment_usd", "resettled_usd", "support_usd", "drawn_bill_usd", "true_up_usd", "overage_usd", "outside_usd",
    "seats_usd", "credit_note_usd",
)  # fmt: skip
_USAGE: Final = ("credits_drawn", "rolled_drawn", "commit_drawn", "excess")
RECORDED: Final = ("mfn", "capacity_usd_per_year")
"""Terms that are printed and never simulated."""
RIGHTS: Final = ("step_down", "step_up", "termination")
"""Rights that this ledger leaves unused."""


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """`baseload commit simulate`. Dollars are decimal strings; a column is rounded to cents so that its running total
    is right to the cent in every row.

    `rows` has a row per month with `month` and the dollars of `AuditRow`. `npv_usd` is at signature; `effective_rate`
    is cash per list dollar, `utilization` drawn over committed (None where there is nothing to divide by).
    """

    schema: str
    offer: str
    rows: tuple[dict[str, str], ...]
    cost_usd: str
    npv_usd: str
    list_usd: str
    committed_usd: str
    drawn_usd: str
    overage_usd: str
    expired_usd: str
    effective_rate: float | None
    utilization: float | None
    assumed: tuple[str, ...]
    recorded: tuple[str, ...]
    notes: tuple[str, ...]


def statement_of(offer: Offer, months: Sequence[str], usage: Sequence[UsageMonth]) -> Statement:
    """The ledger of one path. Raises CommitError as `audit` does."""
    contract = offer.contract
    rows = audit(contract, usage)
    names = ("list_usd", *_USAGE, "expired", "returned", *_CASH)
    columns = {name: in_cents([getattr(row, name) for row in rows]) for name in names}
    columns["usage"] = [sum((columns[name][row.month] for name in _USAGE), ZERO) for row in rows]
    columns["balance"] = [row.balance.quantize(Decimal("0.01")) for row in rows]
    columns["cash_usd"] = [sum((columns[name][row.month] for name in _CASH), ZERO) for row in rows]
    cost, listed = sum((row.cash_usd for row in rows), ZERO), sum((row.list_usd for row in rows), ZERO)
    drawn = sum((row.rolled_drawn + row.commit_drawn for row in rows), ZERO)
    committed = drawn + sum((row.expired for row in rows), ZERO) + rows[-1].balance + _returned(contract, rows)
    return Statement(
        schema=SCHEMA,
        offer=contract.name,
        rows=tuple(
            {"month": month, **{_in_usd(name): f"{values[place]:.2f}" for name, values in columns.items()}}
            for place, month in enumerate(months[: len(rows)])
        ),
        cost_usd=f"{cost:.2f}",
        npv_usd=f"{present_value(contract, rows):.2f}",
        list_usd=f"{listed:.2f}",
        committed_usd=f"{committed:.2f}",
        drawn_usd=f"{drawn:.2f}",
        overage_usd=f"{sum((row.overage_usd for row in rows), ZERO):.2f}",
        expired_usd=f"{sum((row.expired for row in rows), ZERO):.2f}",
        effective_rate=round(float(cost / listed), 6) if listed else None,
        utilization=round(float(drawn / committed), 6) if committed else None,
        assumed=offer.assumed,
        recorded=tuple(name for name in RECORDED if getattr(contract, name)),
        notes=tuple(_notes(contract, len(usage))),
    )


def _in_usd(name: str) -> str:
    return name if name.endswith("_usd") else f"{name}_usd"


def present_value(contract: Contract, rows: Sequence[AuditRow]) -> Decimal:
    """2c.8: what is due at the start of month t is discounted t months, what is due at its end t + 1."""
    growth, lag = ONE + contract.wacc, Decimal(contract.payment_lag_days) / 365
    total = ZERO
    for row in rows:
        start = row.start_cash_usd
        total += start * growth ** -(Decimal(row.month) / 12 + lag)
        total += (row.cash_usd - start) * growth ** -(Decimal(row.month + 1) / 12 + lag)
    return total


def _returned(contract: Contract, rows: Sequence[AuditRow]) -> Decimal:
    """Commitment that was neither drawn nor lost: refunded, or turned into a credit."""
    if contract.unused.rule not in ("refund", "credit"):
        return ZERO
    return sum((row.returned for row in rows), ZERO)


def _notes(contract: Contract, months: int) -> list[str]:
    notes = []
    if months > contract.term_months:
        notes.append(f"The file has {months} months; the term is {contract.term_months}, later ones are left out.")
    unused = [name for name in RIGHTS if getattr(contract, name)]
    if unused:
        notes.append(f"Rights in the offer that are not exercised here: {', '.join(unused)}.")
    if contract.channel.shadow_value:
        notes.append("Cash as invoiced: what it burns down of a cloud commitment is not taken off.")
    return notes
