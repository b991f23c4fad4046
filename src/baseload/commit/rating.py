"""Rating: what a month's usage is worth under the price rule, before the discount.

`rated` are list dollars at the list price the contract refers to (2c.1: fixed, current, the lower, capped) and at the
metering it accepts; `listed` the same usage at that month's list. Without price or metering moves both are the usage.
Usage is list dollars at that month's list P and metering m, so work = usage / (P x m).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from baseload.commit.arrays import Array
from baseload.commit.contract import MONTHS_PER_YEAR, Contract
from baseload.commit.paths import Paths


class Rated(NamedTuple):
    """Month-major arrays (months, paths) in list dollars.

    `undiscounted` (part of `listed`, not of `rated`): usage that the new-model rule leaves at list price, which still
    draws the balance; None where there is none. `outside`: carved out, paid at list beside the contract.
    """

    rated: Array
    listed: Array
    undiscounted: Array | None
    outside: Array | None


def rate(contract: Contract, paths: Paths) -> Rated:
    """Every month of the paths; months after the term are rated at that month's list."""
    usage = np.ascontiguousarray(paths.list_usd.T)
    outside = _outside(contract, paths, usage)
    inside = usage if outside is None else usage - outside
    if paths.price_index is None and paths.metering is None and paths.new_model_share is None:
        return Rated(inside, inside, None, outside)
    index = np.ones((1, 1)) if paths.price_index is None else paths.price_index.T
    metering = np.ones((1, 1)) if paths.metering is None else paths.metering.T
    listed = inside / metering if contract.metering_freeze else inside
    held = listed * (_reference(contract, index, paths.months) / index)
    if paths.new_model_share is None or contract.new_model_rule == "family_substitution":
        return Rated(held, listed, None, outside)
    share = paths.new_model_share.T
    if contract.new_model_rule == "same_discount":
        return Rated(held * (1 - share) + listed * share, listed, None, outside)
    return Rated(held * (1 - share), listed, listed * share, outside)


def _outside(contract: Contract, paths: Paths, usage: Array) -> Array | None:
    if paths.outside_usd is not None:
        return np.broadcast_to(paths.outside_usd.T, usage.shape)
    share = float(contract.eligible_share)
    return None if share == 1 else usage * (1 - share)


def _reference(contract: Contract, index: Array, months: int) -> Array:
    """The list price that the discount is taken off, over that at signature."""
    rule = contract.price_rule_name
    reference = np.broadcast_to(index, (months, index.shape[1])).copy()
    held = slice(0, min(contract.held_months, months))
    if rule == "fixed_price":
        reference[held] = 1
    elif rule in ("lower_of", "capped"):
        growth = 1 + float(contract.price_rule.cap_per_year)  # a cap of 0 is lower_of
        ceiling = growth ** (np.arange(months) // MONTHS_PER_YEAR)[:, None]
        reference[held] = np.minimum(reference, ceiling)[held]
    return reference
