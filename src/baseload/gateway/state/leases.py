"""Budgets by lease: a replica takes a slice, spends it in memory, reports what it spent, gives back the rest.

For every budget and month, at every moment: spent + leased + held = what may have been spent at most. A lease is only
granted within the cap, so with leases alone the cap is never passed. Rows are locked in one order: budget, then lease.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

import msgspec

from baseload.gateway.state.database import Database, Row, Transaction
from baseload.gateway.state.records import BudgetRow, LeaseRow, Release

SLICES: Final = 100
"""A lease is at least this part of what is left: the nearer the cap, the smaller."""

_BUDGET: Final = "budget, period, cap_nano, spent_nano, leased_nano, held_nano"
_RELEASE: Final = "budget, period, at_us, held_nano, spent_nano, who, why"
_LEASE: Final = "replica_id, budget, period, granted_nano, spent_nano, held_nano, state, renewed_us"


class Place(NamedTuple):
    """One budget of one month."""

    budget: str
    period: str


class Used(NamedTuple):
    """What a log says of one budget: settled, and held for calls in flight."""

    spent_nano: int
    held_nano: int


class LeaseStore:
    """The part of the state store that budgets live in."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def budgets(self, period: str) -> list[BudgetRow]:
        with self.database.transaction() as run:
            found = run.rows(f"SELECT {_BUDGET} FROM budgets WHERE period = ? ORDER BY budget", (period,))
            return [_budget(row) for row in found]

    def leases(self, replica_id: str = "") -> list[LeaseRow]:
        """Of one replica, or of all: those not closed."""
        with self.database.transaction() as run:
            found = run.rows(
                f"SELECT {_LEASE} FROM leases WHERE state <> 'closed' AND (? = '' OR replica_id = ?)"
                " ORDER BY replica_id, budget, period",
                (replica_id, replica_id),
            )
            return [_lease(row) for row in found]

    def lost_nano(self, place: Place) -> int:
        """What is held for calls that a dead replica left in flight, its log read: no more will be heard of them."""
        with self.database.transaction() as run:
            found = run.rows(
                "SELECT COALESCE(SUM(held_nano), 0) FROM leases WHERE state = 'closed' AND budget = ? AND period = ?",
                place,
            )
            return int(found[0][0])

    def release(self, place: Place, *, spent_nano: int, who: str, why: str, at_us: int) -> Release | None:
        """Let go what is held for lost calls, `spent_nano` of it booked as spent; None where nothing is held.

        What calls of running replicas hold, and of ones whose log was not read yet, stays. Raises ValueError where more
        would be booked than is held.
        """
        with self.database.transaction() as run:
            if not run.rows("SELECT budget FROM budgets WHERE budget = ? AND period = ?", place):
                return None
            budget = _locked(run, place, None)
            rows = run.rows(
                f"SELECT {_LEASE} FROM leases WHERE state = 'closed' AND held_nano > 0 AND budget = ? AND period = ?"
                " ORDER BY replica_id",
                place,
            )
            leases = [_lease(row) for row in rows]
            held = sum(lease.held_nano for lease in leases)
            if not held:
                return None
            if not 0 <= spent_nano <= held:
                raise ValueError(f"{spent_nano} of {held} nano-dollars held")
            left = spent_nano
            for lease in leases:
                part = min(left, lease.held_nano)
                left -= part
                spent = lease.spent_nano + part
                after = msgspec.structs.replace(lease, spent_nano=spent, granted_nano=spent, held_nano=0)
                budget = _moved(run, budget, lease, after)
            done = Release(
                budget=place.budget, period=place.period, at_us=at_us, held_nano=held, spent_nano=spent_nano, who=who,
                why=why,
            )  # fmt: skip
            run.run(
                f"INSERT INTO budget_releases ({_RELEASE}) VALUES (?, ?, ?, ?, ?, ?, ?)", msgspec.structs.astuple(done)
            )
            return done

    def releases(self, period: str) -> list[Release]:
        """What people let go in a month, in order."""
        with self.database.transaction() as run:
            rows = run.rows(
                f"SELECT {_RELEASE} FROM budget_releases WHERE period = ? ORDER BY at_us, budget", (period,)
            )
            return [msgspec.convert(dict(zip(Release.__struct_fields__, row, strict=True)), Release) for row in rows]

    def take(self, replica_id: str, place: Place, *, need_nano: int, cap_nano: int, at_us: int) -> LeaseRow:
        """The replica's lease after asking for at least `need_nano` more; unchanged where that is not free.

        It gets the need or 1/100 of what is left, whichever is more. The cap is the caller's: the newest one holds.
        """
        with self.database.transaction() as run:
            budget = _locked(run, place, cap_nano)
            lease = _found(run, replica_id, place, at_us)
            grant = max(need_nano, budget.free_nano // SLICES) if 0 < need_nano <= budget.free_nano else 0
            return _kept(run, budget, lease, lease.spent_nano, lease.granted_nano + grant, at_us)

    def report(
        self,
        replica_id: str,
        place: Place,
        *,
        spent_nano: int,
        cap_nano: int | None,
        at_us: int,
        keep_nano: int | None = None,
    ) -> LeaseRow:
        """Says what the replica has spent in all, and, with `keep_nano`, that it needs no more than that in all.

        Absolute, so that saying it twice is saying it once; `cap_nano` None leaves the cap as it is. An expired lease
        is open again: its replica lives.
        """
        with self.database.transaction() as run:
            budget = _locked(run, place, cap_nano)
            lease = _found(run, replica_id, place, at_us)
            spent = max(spent_nano, lease.spent_nano)
            granted = lease.granted_nano if keep_nano is None else min(lease.granted_nano, keep_nano)
            return _kept(run, budget, lease, spent, max(granted, spent), at_us)

    def expire(self, before_us: int) -> list[LeaseRow]:
        """Leases of replicas not heard of since: what they have is held until their log was read or they report."""
        with self.database.transaction() as run:
            places = run.rows(
                "SELECT DISTINCT budget, period FROM leases WHERE state = 'open' AND renewed_us < ?"
                " ORDER BY budget, period",
                (before_us,),
            )
            expired: list[LeaseRow] = []
            for place in map(Place._make, places):
                budget = _locked(run, place, None)
                found = run.rows(
                    f"SELECT {_LEASE} FROM leases WHERE state = 'open' AND renewed_us < ? AND budget = ?"
                    " AND period = ? ORDER BY replica_id",
                    (before_us, *place),
                )
                for lease in map(_lease, found):
                    gone = msgspec.structs.replace(lease, held_nano=_rest(lease), state="expired")
                    budget = _moved(run, budget, lease, gone)
                    expired.append(gone)
            return expired

    def reclaim(self, replica_id: str, used: Mapping[Place, Used], caps: Mapping[str, int], at_us: int) -> list[Place]:
        """Close what a dead replica had, by what its log says; returns the budgets that were closed now.

        Once: a second time nothing is open, and nothing changes. Only for a replica that surely runs no more. A place
        of the log without a lease was spent while the store was down, and counts where `caps` names its budget.
        """
        with self.database.transaction() as run:
            rows = run.rows(f"SELECT {_LEASE} FROM leases WHERE replica_id = ? ORDER BY budget, period", (replica_id,))
            known = {Place(lease.budget, lease.period): lease for lease in map(_lease, rows)}
            wanted = {place for place, lease in known.items() if lease.state != "closed"}
            wanted |= {place for place in used if place not in known and place.budget in caps}
            closed = []
            for place in sorted(wanted):
                budget = _locked(run, place, caps.get(place.budget))
                lease = _found(run, replica_id, place, at_us)
                if lease.state == "closed":
                    continue  # another replica closed it while this one waited for the lock
                spent, held = used.get(place, Used(lease.spent_nano, 0))
                spent = max(spent, lease.spent_nano)
                after = msgspec.structs.replace(
                    lease, spent_nano=spent, granted_nano=spent, held_nano=held, state="closed", renewed_us=at_us
                )
                _moved(run, budget, lease, after)
                closed.append(place)
            return closed


def _locked(run: Transaction, place: Place, cap_nano: int | None) -> BudgetRow:
    """The budget's row, which nobody else changes before this transaction ends; made where there is none."""
    changed = "budgets.cap_nano" if cap_nano is None else "excluded.cap_nano"
    found = run.rows(
        "INSERT INTO budgets (budget, period, cap_nano, spent_nano, leased_nano, held_nano) VALUES (?, ?, ?, 0, 0, 0)"
        f" ON CONFLICT (budget, period) DO UPDATE SET cap_nano = {changed} RETURNING {_BUDGET}",
        (*place, cap_nano or 0),
    )
    return _budget(found[0])


def _found(run: Transaction, replica_id: str, place: Place, at_us: int) -> LeaseRow:
    """The replica's lease as stored; an empty open one, stored as well, where there is none."""
    found = run.rows(
        f"SELECT {_LEASE} FROM leases WHERE replica_id = ? AND budget = ? AND period = ?", (replica_id, *place)
    )
    if found:
        return _lease(found[0])
    run.run(f"INSERT INTO leases ({_LEASE}) VALUES (?, ?, ?, 0, 0, 0, 'open', ?)", (replica_id, *place, at_us))
    return LeaseRow(
        replica_id=replica_id,
        budget=place.budget,
        period=place.period,
        granted_nano=0,
        spent_nano=0,
        held_nano=0,
        state="open",
        renewed_us=at_us,
    )


def _kept(run: Transaction, budget: BudgetRow, lease: LeaseRow, spent: int, granted: int, at_us: int) -> LeaseRow:
    """The lease with new totals, open: what its owner says of it."""
    after = msgspec.structs.replace(
        lease, spent_nano=spent, granted_nano=granted, held_nano=0, state="open", renewed_us=at_us
    )
    _moved(run, budget, lease, after)
    return after


def _rest(lease: LeaseRow) -> int:
    """What an open lease takes from the cap beyond what it spent; 0 where a call cost more than was reserved."""
    return max(0, lease.rest_nano)


def _moved(run: Transaction, budget: BudgetRow, before: LeaseRow, after: LeaseRow) -> BudgetRow:
    """Both rows rewritten so that the budget's three sums stay those of its leases."""
    leased = (_rest(after) if after.state == "open" else 0) - (_rest(before) if before.state == "open" else 0)
    spent = after.spent_nano - before.spent_nano
    held = after.held_nano - before.held_nano
    run.run(
        "UPDATE budgets SET spent_nano = spent_nano + ?, leased_nano = leased_nano + ?, held_nano = held_nano + ?"
        " WHERE budget = ? AND period = ?",
        (spent, leased, held, budget.budget, budget.period),
    )
    run.run(
        "UPDATE leases SET granted_nano = ?, spent_nano = ?, held_nano = ?, state = ?, renewed_us = ?"
        " WHERE replica_id = ? AND budget = ? AND period = ?",
        (after.granted_nano, after.spent_nano, after.held_nano, after.state, after.renewed_us, after.replica_id,
         after.budget, after.period),
    )  # fmt: skip
    return msgspec.structs.replace(
        budget,
        spent_nano=budget.spent_nano + spent,
        leased_nano=budget.leased_nano + leased,
        held_nano=budget.held_nano + held,
    )


def _budget(row: Row) -> BudgetRow:
    return msgspec.convert(dict(zip(BudgetRow.__struct_fields__, row, strict=True)), BudgetRow)


def _lease(row: Row) -> LeaseRow:
    return msgspec.convert(dict(zip(LeaseRow.__struct_fields__, row, strict=True)), LeaseRow)
