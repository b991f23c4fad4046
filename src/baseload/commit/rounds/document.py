"""The log as a document: every round, what it changed, and where the negotiation stands against its first offer."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import msgspec

from baseload.commit.paths import Paths
from baseload.commit.rounds.log import SCHEMA, Round, Side
from baseload.commit.rounds.move import Change, Move, changes, move
from baseload.values import Problem


class RoundRow(msgspec.Struct, frozen=True, kw_only=True):
    """One round. `changes` against the round before it; `move` in dollars where they were priced."""

    number: int
    date: str
    side: Side
    by: str
    note: str
    offer: str
    commit_usd_by_year: tuple[str, ...]
    changes: tuple[Change, ...]
    move: Move | None
    says: str
    hash: str


class LogDocument(msgspec.Struct, frozen=True, kw_only=True):
    """`since_first`: the last round against the first one, priced on today's demand where one was given."""

    schema: str
    rounds: tuple[RoundRow, ...]
    since_first: Move | None
    problems: tuple[Problem, ...] = ()


def log_document(
    rounds: Sequence[Round],
    paths: Paths | None = None,
    *,
    demand: str = "",
    seed: int = 0,
    problems: Sequence[Problem] = (),
) -> LogDocument:
    """Rounds as they were priced when they were written, or all of them anew on `paths`."""
    rows = [_row(None, rounds[0], None)] if rounds else []
    for before, entry in pairwise(rounds):
        priced = entry.move if paths is None else move(before.offer, entry.offer, paths, demand=demand, seed=seed)
        rows.append(_row(before, entry, priced))
    whole = len(rounds) > 1 and paths is not None
    since = move(rounds[0].offer, rounds[-1].offer, paths, demand=demand, seed=seed) if whole and paths else None
    return LogDocument(schema=SCHEMA, rounds=tuple(rows), since_first=since, problems=tuple(problems))


def _row(before: Round | None, entry: Round, priced: Move | None) -> RoundRow:
    found = changes(before.offer, entry.offer) if before else ()
    return RoundRow(
        number=entry.number,
        date=entry.date.isoformat(),
        side=entry.side,
        by=entry.by,
        note=entry.note,
        offer=entry.offer.name,
        commit_usd_by_year=tuple(f"{amount:.2f}" for amount in entry.offer.commit_usd_by_year),
        changes=found,
        move=priced,
        says=_says(entry.side, found, priced) if before else "the first offer",
        hash=entry.hash,
    )


def _says(side: Side, found: Sequence[Change], priced: Move | None) -> str:
    """Who gave: of a vendor's offer what it earned, of a buyer's counter what it asks for or gives."""
    if not found:
        return "no term changed"
    terms = ", ".join(change.term for change in found)
    if priced is None:
        return f"changed: {terms}"
    earned = float(priced.earned_usd)
    asked = {("vendor", True): "the vendor gave", ("vendor", False): "the vendor took back"}
    asked |= {("buyer", True): "the buyer asks for", ("buyer", False): "the buyer gives"}
    return f"{asked[side, earned >= 0]} {float(f'{abs(earned):.3g}'):,.0f} dollars: {terms}"
