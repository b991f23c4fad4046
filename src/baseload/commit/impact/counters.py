"""Lower-of, reforecast, substitution, re-open: which of them the signed contract allows after a move of list prices.

One flat path of usage from the month under way to the contract's end; tokens stay as they are. Prices before the move
count as those at signature. What a clause keeps is the cash without it less the cash with it; what an ask is worth, the
cash as signed less the cash with it granted. While a prepaid balance lasts a lower list price is no cash, which is why
every counter is run through the contract's ledger.
"""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np

from baseload.commit.bands import discounts_at, key_of_year
from baseload.commit.clauses import ZERO, PriceRule
from baseload.commit.current import CurrentContract, legs_of, midterm_options
from baseload.commit.impact.document import ContractImpact, Counter, CounterName
from baseload.commit.legs import Journey, simulate_legs
from baseload.commit.mid_term.build import step_down_ahead
from baseload.commit.mid_term.rest import from_now, months_left
from baseload.commit.paths import Paths, paths_of
from baseload.commit.size.amounts import percent, usd
from baseload.commit.worth.asks import BY_NAME

MOST_CHANGE: Final = 100.0
"""A list price over that before, and its inverse: beyond it is no price move."""
STEPS: Final = 20
"""Shares of a step-down that are tried."""


class Move(NamedTuple):
    """List dollars of a year inside and outside of the contract before the move, and what the move does to them.

    `price_index`: list price after over before, of usage inside. `new_model_share`: of usage inside, on models released
    after signature.
    """

    covered_usd: float
    left_out_usd: float
    price_index: float
    new_model_share: float = 0.0


def contract_impact(current: CurrentContract, move: Move) -> ContractImpact:
    """The move on the rest of the contract, and the four counters. Raises CommitError."""
    before, after = (_paths(current, move, index) for index in (1.0, move.price_index))
    was, now = (simulate_legs(legs_of(current), paths) for paths in (before, after))
    due = float(current.due_usd)
    counters = (
        _lower_of(current, after, move),
        _reforecast(current, after),
        _substitution(current, after, move),
        _re_open(current, now),
    )
    return ContractImpact(
        contract=current.terms.name,
        as_of=current.as_of.isoformat(),
        end=current.end.isoformat(),
        months_left=months_left(current),
        covered_usd=usd(move.covered_usd),
        left_out_usd=usd(move.left_out_usd),
        list_change=round(move.price_index - 1, 6),
        new_model_share=round(move.new_model_share, 6),
        cash_before_usd=usd(float(was.cost_usd.mean()) + due),
        cash_after_usd=usd(float(now.cost_usd.mean()) + due),
        lost_before_usd=usd(_lost(was)),
        lost_after_usd=usd(_lost(now)),
        counters=tuple(sorted(counters, key=lambda one: (not one.allowed, -Decimal(one.saves_usd)))),
        notes=_notes(current, move),
    )


def _paths(current: CurrentContract, move: Move, index: float) -> Paths:
    index = min(max(index, 1 / MOST_CHANGE), MOST_CHANGE)
    flat = np.full((1, months_left(current)), 1.0)
    moved = None if index == 1 else flat * index
    share = flat * move.new_model_share if move.new_model_share else None
    paths = paths_of(flat * move.covered_usd / 12 * index, price_index=moved, new_model_share=share)
    return from_now(current, paths)


def _lower_of(current: CurrentContract, after: Paths, move: Move) -> Counter:
    rule, fell = current.terms.price_rule_name, move.price_index <= 1
    held = current.terms.held_months > current.months_gone
    allowed = rule in ("lower_of", "disc_off_current_list") if fell else held and rule != "disc_off_current_list"
    other = {"rule": "fixed_price" if fell else "disc_off_current_list"} if allowed else {"rule": "lower_of"}
    bare = _with(
        current, price_rule=msgspec.convert(other, PriceRule), hold_months=None, list_decrease_passthrough=None
    )
    what = "a fall reaches you" if fell else "a rise does not reach you"
    held_until = f", held for {current.terms.held_months} months" if rule != "disc_off_current_list" else ""
    gained = _cash(bare, after) - _cash(current, after)
    return _counter(
        "lower_of",
        allowed,
        f"price_rule {rule}{held_until}",
        gained if allowed else -gained,
        f"The discount is off the price that makes this true: {what}." if allowed else f"Ask, so that {what}.",
        BY_NAME["lower_of"].wording,
    )


def _reforecast(current: CurrentContract, after: Paths) -> Counter:
    right = step_down_ahead(current)
    clause = current.terms.step_down
    if right and clause is not None:
        shares = [right * step / STEPS for step in range(1, STEPS + 1)]
        best = max(_taken_back(current, after, share) for share in shares)
        said = f"step_down by up to {percent(float(right))} in months {', '.join(map(str, clause.windows))}"
        return _counter("reforecast", True, said, max(0.0, best), "Lower what remains to what you will use.")
    share = _never_used(current, after)
    if not share:
        says = "Nothing to ask for: nothing would be left unused."
        return _counter("reforecast", False, "no step_down is left", 0.0, says)
    asked = percent(float(share), 1)
    return _counter(
        "reforecast",
        False,
        "no step_down is left",
        _taken_back(current, after, share),
        f"Ask to have {asked} of the remaining balance taken back: all that would never be used.",
        f"Once, with effect from {current.as_of.isoformat()}, Customer may reduce the part of the Committed Amount "
        f"that is not drawn yet by up to {asked}. The discount of the original Committed Amount continues to apply.",
    )


def _never_used(current: CurrentContract, after: Paths) -> Decimal:
    """The part of the remaining balance that usage will not reach, to a tenth of a percent: what is asked is priced."""
    first = legs_of(current)[:1]
    lost = _lost(simulate_legs(first, after.first(first[0].contract.term_months)))
    remaining = float(current.remaining_usd)
    share = min(1.0, lost / remaining) if remaining else 0.0
    return Decimal(repr(share)).quantize(Decimal("0.001"), ROUND_DOWN)


def _substitution(current: CurrentContract, after: Paths, move: Move) -> Counter:
    rule = current.terms.new_model_rule
    allowed = rule == "family_substitution"
    other = _with(current, new_model_rule="same_discount" if allowed else "family_substitution")
    gained = _cash(other, after) - _cash(current, after)
    share = percent(move.new_model_share)
    return _counter(
        "substitution",
        allowed,
        f"new_model_rule {rule}",
        gained if allowed else -gained,
        f"{share} of the usage is on models newer than the contract"
        + (
            ": they cost what those they replace cost."
            if allowed
            else "; ask that they cost what those they replace do."
        ),
    )


def _re_open(current: CurrentContract, now: Journey) -> Counter:
    leave = current.terms.termination
    ahead = leave is not None and leave.month >= current.months_gone
    said = (
        f"termination in month {leave.month} for {percent(float(leave.share))} of the rest"
        if ahead and leave
        else ("nothing re-opens it before its end")
    )
    if current.notice_by and current.notice_by >= current.as_of:
        said += f"; renews by itself unless stopped by {current.notice_by}"
    return _counter(
        "re_open",
        ahead,
        said,
        _misfit(current, now),
        "The most that signing the rest again can be worth: overage at the committed rate, nothing unused"
        + (", before the price of leaving." if ahead else "."),
    )


def _misfit(current: CurrentContract, now: Journey) -> float:
    """Cash that a commitment of just the right size would not cost: overage beyond its rate, and what is never used."""
    total = 0.0
    for leg, outcome in zip(legs_of(current), now.legs, strict=True):
        rate = 1 - float(discounts_at(leg.contract, key_of_year(leg.contract, 0)).committed)
        unit = rate if leg.contract.commit_basis == "list" else 1.0
        over = float(outcome.overage_usd.mean()) - float(outcome.excess.mean()) * unit
        total += max(0.0, over) + float(outcome.lost.mean()) * unit
    return total


def _taken_back(current: CurrentContract, after: Paths, share: Decimal) -> float:
    """Cash saved if this share of the remaining balance is taken back today."""
    options = midterm_options(current, after, after, reforecast_share=share, pull_months=0)
    cost = {one.name: one.cost_usd for one in options}
    return cost["ship now"] - cost["ship now, reforecast"]


def _cash(current: CurrentContract, paths: Paths) -> float:
    return float(simulate_legs(legs_of(current), paths).cost_usd.mean())


def _lost(found: Journey) -> float:
    return sum(float(leg.lost.mean()) for leg in found.legs)


def _with(current: CurrentContract, **terms: Any) -> CurrentContract:
    return msgspec.structs.replace(current, terms=msgspec.structs.replace(current.terms, **terms))


def _counter(name: CounterName, allowed: bool, clause: str, saves: float, says: str, wording: str = "") -> Counter:
    """`wording` is of the ask; a right needs none."""
    wording = "" if allowed else wording
    return Counter(
        counter=name, allowed=allowed, clause=clause, saves_usd=usd(max(0.0, saves)), says=says, wording=wording
    )


def _notes(current: CurrentContract, move: Move) -> tuple[str, ...]:
    found = ["Prices before the move count as those at signature; usage stays at today's rate until the end."]
    if current.due_usd > ZERO:
        found.append("Cash includes what is committed until now and not paid yet.")
    if move.left_out_usd:
        found.append("Usage outside of the contract pays the new list price in full and is not in these figures.")
    return tuple(found)
