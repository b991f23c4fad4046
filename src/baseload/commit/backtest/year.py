"""One year of an offer, priced from yearly totals: what a back-test can look up in a history of a few years."""

from __future__ import annotations

from decimal import Decimal
from typing import Final, NamedTuple

import msgspec
import numpy as np

from baseload.commit.annual import year_cost
from baseload.commit.arrays import Array
from baseload.commit.bands import discount_arrays_at, ladder
from baseload.commit.clauses import Unused
from baseload.commit.contract import MONTHS_PER_YEAR, Contract
from baseload.commit.paths import MOST_USD_PER_MONTH, Paths, paths_of

_HALVINGS: Final = 60
_LEFT_OUT: Final = (
    "roll_condition", "true_forward", "step_down", "step_up", "termination", "bridge", "credits_usd",
)  # fmt: skip


class YearOffer(NamedTuple):
    """The offer's first contract year: bands, basis, overage, and what is refunded of the unused.

    `left_out` names the clauses whose worth a yearly total cannot show; every rule is tested without them.
    """

    contract: Contract
    left_out: tuple[str, ...]

    @property
    def months(self) -> int:
        return self.contract.term_months


def first_year(contract: Contract) -> YearOffer:
    """An offer cut to its first contract year, unsized; bands keyed on more than that year are scaled to it."""
    months = min(contract.term_months, MONTHS_PER_YEAR)
    whole = {"annual_commit": months, "average_annual": MONTHS_PER_YEAR, "tcv": contract.term_months}
    share = Decimal(months) / whole[contract.band_key]
    return YearOffer(
        Contract(
            name=contract.name,
            term_months=months,
            commit_basis=contract.commit_basis,
            bands=tuple(msgspec.structs.replace(band, from_usd=band.from_usd * share) for band in contract.bands),
            band_mode=contract.band_mode,
            overage=contract.overage,
            overage_retro=contract.overage_retro,
            unused=contract.unused if contract.unused.rule == "refund" else Unused(rule="forfeit"),
            shortfall_rate=contract.shortfall_rate,
            payment=contract.payment,
            prepay_discount=contract.prepay_discount,
            carve_outs=contract.carve_outs,
        ),
        tuple(_left_out(contract)),
    )


def _left_out(contract: Contract) -> list[str]:
    found = [name for name in _LEFT_OUT if getattr(contract, name)]
    if contract.unused.rule not in ("forfeit", "refund"):
        found.append(f"unused {contract.unused.rule}")
    if contract.period in ("month", "quarter"):
        found.append(f"period {contract.period}")
    if contract.carry_forward.share:
        found.append("carry_forward")
    return found


def cost_usd(offer: YearOffer, usage_usd: Array, commit_usd: Array) -> Array:
    """Cash of the year, size by usage: both (n,), dollars; the commitment in the offer's basis."""
    paid: Array = year_cost(offer.contract, usage_usd[:, None], commit_usd)[:, 0]
    return paid


def in_basis(offer: YearOffer, list_usd: Array) -> Array:
    """The commitment, in the offer's basis, that this usage at list just uses up; (n,)."""
    eligible = list_usd * float(offer.contract.eligible_share)
    if offer.contract.commit_basis == "list":
        return eligible
    low, high = np.zeros_like(eligible), eligible.copy()
    for _ in range(_HALVINGS):  # what a net commitment is worth at list only rises with it
        middle = (low + high) / 2
        fits = middle / (1 - discount_arrays_at(offer.contract, middle).committed) <= eligible
        low, high = np.where(fits, middle, low), np.where(fits, high, middle)
    return high


def least_cost_usd(offer: YearOffer, usage_usd: Array) -> Array:
    """The cheapest commitment of a buyer who knows the total: none, a band floor, or just that total; (n,)."""
    floors = np.array([0.0, *(float(band.from_usd) for band in ladder(offer.contract))])
    at_floors = year_cost(offer.contract, usage_usd, floors).min(axis=0)
    found: Array = np.minimum(at_floors, cost_usd(offer, usage_usd, in_basis(offer, usage_usd)))
    return found


def year_paths(totals_usd: Array, months: int) -> Paths:
    """Totals as paths, spread evenly: a contract tested once a year asks for no more."""
    monthly = np.minimum(totals_usd / months, MOST_USD_PER_MONTH)
    return paths_of(np.repeat(monthly[:, None], months, axis=1))
