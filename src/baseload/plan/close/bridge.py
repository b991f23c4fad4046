"""The bridge from one month's bill to the next: lines that add up to the difference exactly."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Final

import msgspec

from baseload.ledger.month_usage import Key, MonthUsage, month_usage
from baseload.plan.close.bills import PARTS, Account, Invoices, accounts
from baseload.plan.close.cells import MonthCells, WorkloadMonth, month_cells
from baseload.plan.close.effects import STEPS, Pair, cost, effects, unit_of
from baseload.plan.close.months import Covered, Owner, covered, inside, month_window
from baseload.plan.close.prices import End, Paid, families, rates_of
from baseload.plan.rounding import largest_remainder
from baseload.prices.book import PriceBook
from baseload.values import Table, Window, Workload
from baseload.workloads.key import UNATTRIBUTED

LINES: Final = (
    *("restatement", "retired", "new"),
    *("days", "volume", "prompt", "output", "model", "tokenizer", "cache", "batch", "options", "other", "price"),
    *("discount", "unattributed", *PARTS),
)
"""Every line there can be, in the order of the bridge; docs/decisions/close-effects.md defines them."""

NOISE: Final = Decimal("1e-9")
"""Nano-dollars that are no effect: what is left of two equal costs computed in another order."""

_NOWHERE = WorkloadMonth((), 0)


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """One workload in both months: usage nano-dollars as paid; its effects add up to the difference."""

    workload: Workload
    state: str  # continuing | new | retired
    unit: str  # what volume is counted in: calls | text | ""
    before_nano: int
    after_nano: int
    list_before_nano: int
    list_after_nano: int
    calls_before: int | None
    calls_after: int | None
    effects: Mapping[str, int]  # by LINES
    tokenizer_low_nano: int
    tokenizer_high_nano: int


class Bridge(msgspec.Struct, frozen=True, kw_only=True):
    """Two months and what lies between their bills; `lines` holds every one of LINES but the restatement."""

    before: Covered
    after: Covered
    accounts_before: Mapping[Owner, Account]
    accounts_after: Mapping[Owner, Account]
    moves: tuple[Move, ...]  # largest difference first
    lines: Mapping[str, int]
    unpriced_tokens: tuple[int, int]

    @property
    def from_nano(self) -> int:
        return sum(account.bill_nano for account in self.accounts_before.values())

    @property
    def to_nano(self) -> int:
        return sum(account.bill_nano for account in self.accounts_after.values())


class Months(msgspec.Struct, frozen=True, kw_only=True):
    """What every month of a ledger is bridged from."""

    rows: Table
    workload_of: Mapping[str, Workload]
    book: PriceBook
    invoices: Invoices
    usage: Mapping[Key, MonthUsage]

    @classmethod
    def of(cls, rows: Table, workload_of: Mapping[str, Workload], book: PriceBook, invoices: Invoices) -> Months:
        """`rows` are settled rows (`ledger.scope.Settled.rows`) of any span of days."""
        return cls(rows=rows, workload_of=workload_of, book=book, invoices=invoices, usage=month_usage(rows))


def bridge(months: Months, against: str, month: str) -> Bridge:
    """The bridge between the bills of two months."""
    both = (against, month)
    before, after = (accounts(months.usage, one, months.invoices, both) for one in both)
    paid = _paid(before, after)
    owner_of = months.invoices.owner_of(both)
    cells = [month_cells(inside(months.rows, month_window(one)), months.workload_of, owner_of) for one in both]
    spans = covered(months.rows, against), covered(months.rows, month)
    moves = _moves((cells[0], cells[1]), spans, paid, months.book, (before, after))
    lines = _lines(moves) | {
        name: sum(one.parts[name] for one in after.values()) - sum(one.parts[name] for one in before.values())
        for name in PARTS
    }
    return Bridge(
        before=spans[0],
        after=spans[1],
        accounts_before=before,
        accounts_after=after,
        moves=moves,
        lines={name: lines.get(name, 0) for name in LINES if name != "restatement"},
        unpriced_tokens=(cells[0].unpriced_tokens, cells[1].unpriced_tokens),
    )


def _paid(before: Mapping[Owner, Account], after: Mapping[Owner, Account]) -> Paid:
    """What was paid of a list dollar; an account of one month only is paid for as in that month."""
    first = {owner: account.paid for owner, account in before.items() if account.list_nano}
    last = {owner: account.paid for owner, account in after.items() if account.list_nano}
    return {**last, **first}, {**first, **last}


def _moves(
    cells: tuple[MonthCells, MonthCells],
    spans: tuple[Covered, Covered],
    paid: Paid,
    book: PriceBook,
    bills: tuple[Mapping[Owner, Account], Mapping[Owner, Account]],
) -> tuple[Move, ...]:
    ids = sorted({*cells[0].workloads, *cells[1].workloads})
    names = {**cells[0].names, **cells[1].names}
    pairs = {
        one: Pair(
            cells[0].workloads.get(one, _NOWHERE),
            cells[1].workloads.get(one, _NOWHERE),
            (len(spans[0].days), len(spans[1].days)),
        )
        for one in ids
    }
    charges = [
        _parts_of(
            sum(account.usage_nano for account in bills[place].values()),
            {one: cost(pair.months[place], paid[place]) for one, pair in pairs.items()},
        )
        for place in (0, 1)
    ]
    mover = _Mover(book, (spans[0].window, spans[1].window), paid)
    moves = [mover.move(names[one], pairs[one], charges[0][one], charges[1][one]) for one in ids]
    return tuple(sorted(moves, key=lambda move: (-abs(move.after_nano - move.before_nano), move.workload.id)))


class _Mover:
    def __init__(self, book: PriceBook, windows: tuple[Window, Window], paid: Paid) -> None:
        ends: tuple[End, ...] = ("typical", "low", "high")
        self._rates = [rates_of(book, windows, paid, end) for end in ends]
        self._book, self._paid = book, paid

    def move(self, workload: Workload, pair: Pair, before: int, after: int) -> Move:
        state = "new" if not pair.before.cells else "retired" if not pair.after.cells else "continuing"
        low, high = 0, 0
        if state == "continuing":
            amounts = effects(pair, self._rates[0])
            if self._crosses(pair):
                low, high = sorted(int(effects(pair, rates)["tokenizer"]) for rates in self._rates[1:])
        else:
            amounts = self._whole(state, pair)
        return Move(
            workload=workload,
            state=state,
            unit=unit_of(pair) if state == "continuing" else "",
            before_nano=before,
            after_nano=after,
            list_before_nano=pair.before.list_nano,
            list_after_nano=pair.after.list_nano,
            calls_before=pair.before.calls,
            calls_after=pair.after.calls,
            effects={name: nano for name, nano in _parts_of(after - before, amounts).items() if nano},
            tokenizer_low_nano=low,
            tokenizer_high_nano=high,
        )

    def _whole(self, state: str, pair: Pair) -> dict[str, Decimal]:
        """A workload of one month only: all of it at last month's ratio of payment, its change apart."""
        if state == "retired":
            return {"retired": -cost(pair.before, self._paid[0])}
        first = cost(pair.after, self._paid[0])
        return {"new": first, "discount": cost(pair.after, self._paid[1]) - first}

    def _crosses(self, pair: Pair) -> bool:
        """Whether both tokenizer families occur: only then does their ratio matter."""
        models = frozenset(cell.model for month in (pair.before, pair.after) for cell in month.cells)
        return len(families(self._book, models)) > 1


def _parts_of(whole: int, amounts: Mapping[str, Decimal]) -> dict[str, int]:
    """Integers next to the amounts that add up to `whole`; what only the last of 40 digits says is 0."""
    exact = [Fraction(amount) if abs(amount) > NOISE else Fraction(0) for amount in amounts.values()]
    return dict(zip(amounts, largest_remainder(exact, whole), strict=True))


def _lines(moves: tuple[Move, ...]) -> dict[str, int]:
    """Effects of all workloads. What nobody is named for grows on its own line, where others are named."""
    found = dict.fromkeys(("retired", "new", *STEPS, "unattributed"), 0)
    named = any(move.workload.id != UNATTRIBUTED.id for move in moves)
    for move in moves:
        nobody = named and move.workload.id == UNATTRIBUTED.id
        for name, nano in move.effects.items():
            moved = nobody and name in ("retired", "new", "days", "volume")
            found["unattributed" if moved else name] += nano
    return found
