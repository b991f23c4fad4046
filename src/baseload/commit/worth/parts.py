"""Why two offers differ in cost: their terms swapped one at a time from the one to the other.

A few terms that differ are averaged over all orders (Shapley); more are swapped in their order and in the reverse one,
and averaged. Either way the parts sum to the whole difference exactly.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import Any, Final, NamedTuple

from baseload.commit.contract import Contract
from baseload.commit.refusal import CommitError
from baseload.commit.worth.draft import replaced
from baseload.commit.worth.shapley import shapley

MOST_EXACT: Final = 6
_RIGHTS: Final = ("step_down", "step_down_band", "step_up", "termination")
TERMS: Final[dict[str, tuple[str, ...]]] = {
    "discounts": ("bands", "band_key", "band_mode", "overage_retro", "commit_basis"),
    "size": ("commit_usd_by_year",),
    "term": ("term_months",),
    "overage": ("overage",),
    "unused": ("unused", "roll_condition", "roll_order"),
    "test period": ("period",),
    "carry-forward": ("carry_forward",),
    "prices and metering": (
        "price_rule", "hold_months", "list_decrease_passthrough", "new_model_rule", "metering_freeze",
    ),
    "payment": ("payment", "payment_lag_days", "prepay_discount", "shortfall_rate"),
    "rights": _RIGHTS,
    "true-forward": ("true_forward",),
    "fees and credits": ("seats_usd_per_month", "support_usd_per_year", "credits_usd", "credits_months"),
    "channel": ("channel",),
    "carve-outs": ("carve_outs",),
}  # fmt: skip
"""Term -> the fields of a contract it is made of."""

_FIELDS: Final = {name: frozenset(fields) for name, fields in TERMS.items()}


class Part(NamedTuple):
    """What one term (or several that cannot stand apart) adds to the cost of the dearer offer over the other."""

    name: str
    fields: tuple[str, ...]
    usd: float


def parts_between(
    from_offer: Contract, to_offer: Contract, cost: Callable[[Contract], float], *, exact: int = MOST_EXACT
) -> tuple[Part, ...]:
    """Cost of `to_offer` less cost of `from_offer`, by term, the largest first; they sum to it exactly.

    Up to `exact` terms are averaged over all orders: 2^n mixtures are priced.
    """
    groups = _groups(from_offer, to_offer)
    if not groups:
        return ()
    priced: dict[frozenset[int], float] = {}

    def at(chosen: frozenset[int]) -> float:
        if chosen not in priced:
            priced[chosen] = cost(_swapped(from_offer, to_offer, groups, chosen))
        return priced[chosen]

    swings = shapley(len(groups), at) if len(groups) <= exact else _both_ways(len(groups), at)
    found = [Part(name, fields, usd) for (name, fields), usd in zip(groups, swings, strict=True)]
    return tuple(sorted(found, key=lambda part: -abs(part.usd)))


def _groups(from_offer: Contract, to_offer: Contract) -> list[tuple[str, tuple[str, ...]]]:
    """Terms that differ and move cash; where their mixtures contradict themselves, those of them that do are one."""
    found = [
        (name, fields)
        for name, fields in TERMS.items()
        if any(_get(from_offer, f) != _get(to_offer, f) for f in fields)
    ]
    if all(one.prepay_discount == 0 and one.shortfall_rate == "net" for one in (from_offer, to_offer)):
        found = [group for group in found if group[0] != "payment"]  # when cash is due moves present value alone
    if from_offer.commit_basis != to_offer.commit_basis:  # dollars of one basis mean nothing in the other
        found = _merged(found, {"discounts", "size", "fees and credits"})
    for partner in ("term", "discounts"):
        while clash := _clash(from_offer, to_offer, found):
            joined = _merged(found, {clash, *(name for name, fields in found if _FIELDS[partner] & {*fields})})
            if joined == found:
                break
            found = joined
    return found if not _clash(from_offer, to_offer, found) else _merged(found, {name for name, _ in found})


def _clash(from_offer: Contract, to_offer: Contract, groups: list[tuple[str, tuple[str, ...]]]) -> str:
    """The group named by the first mixture of the two offers that contradicts itself; "" where all hold."""
    every = range(len(groups))
    sizes = every if len(groups) <= MOST_EXACT else (1, 2, len(groups) - 2, len(groups) - 1)
    for chosen in (frozenset(one) for size in sizes for one in combinations(every, size)):
        try:
            _swapped(from_offer, to_offer, groups, chosen)
        except CommitError as error:
            field = error.field.partition(".")[0]
            return next((name for name, fields in groups if field in fields), groups[0][0])
    return ""


def _get(contract: Contract, field: str) -> Any:
    return getattr(contract, field)


def _merged(groups: list[tuple[str, tuple[str, ...]]], names: set[str]) -> list[tuple[str, tuple[str, ...]]]:
    joined = [group for group in groups if group[0] in names]
    if len(joined) < 2:
        return groups
    one = (" and ".join(name for name, _ in joined), tuple(field for _, fields in joined for field in fields))
    return [one, *(group for group in groups if group[0] not in names)]


def _swapped(
    from_offer: Contract, to_offer: Contract, groups: list[tuple[str, tuple[str, ...]]], chosen: frozenset[int]
) -> Contract:
    if len(chosen) == len(groups):
        return to_offer
    fields = [field for place in sorted(chosen) for field in groups[place][1]]
    return replaced(from_offer, {field: _get(to_offer, field) for field in fields}) if fields else from_offer


def _both_ways(count: int, at: Callable[[frozenset[int]], float]) -> list[float]:
    """Swapped from the first to the last and from the last to the first, averaged."""
    found = [0.0] * count
    for order in (range(count), range(count - 1, -1, -1)):
        chosen: frozenset[int] = frozenset()
        for place in order:
            after = chosen | {place}
            found[place] += (at(after) - at(chosen)) / 2
            chosen = after
    return found
