"""Contracts one after the other on the same paths: bridge then sign, route first then sign, renew.

Months that no contract covers are paid on demand at list. What an earlier contract lets roll into a renewal opens the
balance of the one that follows it without a gap.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import msgspec
import numpy as np

from baseload.commit.arrays import Array
from baseload.commit.clauses import ONE, ZERO, Band, Unused
from baseload.commit.contract import Contract
from baseload.commit.exercise import Exercise
from baseload.commit.outcome import Outcome, ratio
from baseload.commit.paths import Paths
from baseload.commit.refusal import CommitError
from baseload.commit.simulate import NO_RIGHT_USED, Opening, simulate


class Leg(msgspec.Struct, frozen=True, kw_only=True):
    """A contract that starts in month `start` of the paths."""

    contract: Contract
    start: int
    exercise: Exercise = NO_RIGHT_USED
    opening: Opening | None = None
    signed_then: bool = True  # false: signed before, so that held prices count from the first month of the paths


class Journey(msgspec.Struct, frozen=True, kw_only=True):
    """Contracts and the months between them: arrays (paths,) and (paths, months), as in `Outcome`."""

    cash_usd: Array
    cost_usd: Array
    npv_usd: Array
    list_usd: Array
    effective_rate: Array
    legs: tuple[Outcome, ...]


def simulate_legs(legs: Sequence[Leg], paths: Paths, wacc: float = 0.0) -> Journey:
    """Cash over all months of the paths; `npv_usd` at signature of the first month, at this cost of capital.

    Raises CommitError where legs overlap or reach beyond the paths.
    """
    cash = paths.list_usd.copy()
    due = np.ones_like(cash)  # months after the start of its month that cash is due
    shadow = np.zeros(paths.count)
    found: list[Outcome] = []
    npv, before = np.zeros(paths.count), 0
    for leg in legs:
        end = leg.start + leg.contract.term_months
        if leg.start < before or end > paths.months:
            raise CommitError("legs", f"months {leg.start} to {end}", f"inside {before} to {paths.months}, in order")
        contract = msgspec.structs.replace(leg.contract, wacc=Decimal(repr(wacc)))
        opening = leg.opening or _opening(legs, found, leg)
        used = paths.between(leg.start, end, signed_then=leg.signed_then)
        outcome = simulate(contract, used, leg.exercise, opening)
        cash[:, leg.start : end], due[:, leg.start : end] = outcome.cash_usd, 0
        npv += outcome.npv_usd * (1 + wacc) ** (-leg.start / 12)
        shadow += outcome.shadow_usd
        found.append(outcome)
        before = end
    later = (1 + wacc) ** (-(np.arange(paths.months) + 1) / 12)
    cost = cash.sum(axis=1) - shadow
    listed = paths.list_usd.sum(axis=1)
    return Journey(
        cash_usd=cash,
        cost_usd=cost,
        npv_usd=npv + (cash * due) @ later,
        list_usd=listed,
        effective_rate=ratio(cost, listed),
        legs=tuple(found),
    )


def _opening(legs: Sequence[Leg], found: Sequence[Outcome], leg: Leg) -> Opening | None:
    """What the leg before lets roll into this one: it follows at once, and commits enough."""
    if not found:
        return None
    last = legs[len(found) - 1].contract
    follows = legs[len(found) - 1].start + last.term_months == leg.start
    least = last.roll_condition.renew_at_least * last.commit_usd_by_year[-1] if last.roll_condition else ZERO
    if not follows or last.unused.rule not in ("roll", "extend") or leg.contract.commit_usd_by_year[0] < least:
        return None
    return Opening(rolled_usd=found[-1].left, rolled_months=last.unused.months)


def bridge_of(contract: Contract) -> Contract:
    """The short contract of clause [33]: its own flat discount and commitment, this contract's other terms.

    Raises CommitError where there is none.
    """
    bridge = contract.bridge
    if bridge is None:
        raise CommitError("bridge", "missing", "a bridge in the offer")
    return msgspec.structs.replace(
        contract,
        name=f"{contract.name} bridge".strip(),
        term_months=bridge.term_months,
        commit_usd_by_year=(bridge.commit_usd,),
        bands=(Band(from_usd=ZERO, discount=bridge.discount),),
        prepay_discount=ZERO,
        hold_months=None,
        step_down=None,
        step_down_band="keep",
        step_up=None,
        termination=None,
        true_forward=None,
        credits_usd=ZERO,
        bridge=None,
    )


def renewed(contract: Contract) -> Contract:
    """The worst next term that clause [29] allows: the rate risen by its cap, the least commitment.

    Without a cap the discount may end: the next term is at list.
    """
    renewal, last = contract.renewal, contract.commit_usd_by_year[-1]
    bands = tuple(
        Band(from_usd=band.from_usd, discount=_risen(band.discount, renewal.rate_cap)) for band in contract.bands
    )
    return msgspec.structs.replace(
        contract,
        name=f"{contract.name} renewed".strip(),
        commit_usd_by_year=(renewal.commit_floor * last,) * contract.years,
        bands=bands,
        credits_usd=ZERO,
        bridge=None,
    )


def _risen(discount: Decimal, cap: Decimal | None) -> Decimal:
    return ZERO if cap is None else max(ZERO, ONE - (ONE - discount) * (ONE + cap))


def forfeits(contract: Contract) -> Contract:
    """The same contract with what is unused lost: the base every unused clause is compared with."""
    return msgspec.structs.replace(contract, unused=Unused(rule="forfeit"), roll_condition=None)
