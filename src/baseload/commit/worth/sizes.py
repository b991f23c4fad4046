"""The sizes at which contracts are compared: one set of list-dollar ramps, the same for every variant of an offer.

A clause is worth the difference of two minima. Both are taken over the same sizes, so that a right can only lower a
minimum and a clause that does nothing is worth exactly nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations_with_replacement
from typing import Any, Final

import numpy as np

from baseload.commit.arrays import Array
from baseload.commit.bands import discount_arrays_at, ladder
from baseload.commit.contract import MONTHS_PER_YEAR, Contract
from baseload.commit.paths import Paths
from baseload.commit.search.family import yearly_usage as rated_usage

FINE: Final = 80
"""Ramps of a contract that yearly totals price: each costs a tenth of a millisecond."""
COARSE: Final = 28
"""Ramps of a contract that is run month by month."""
FEW: Final = 18
"""Ramps where rights must be used well at each size: several times the work of a month-by-month run."""
_BEYOND: Final = (1.15, 1.35, 1.6, 2.0)
"""Over the highest quantile: where unused dollars are not lost, more than most paths use may be right."""
_MOST_MIXED: Final = 60
_CLOSE: Final = 1e-9
_RATED_POINTS: Final = 8
_RATED_BY: Final = (
    "price_rule", "hold_months", "list_decrease_passthrough", "new_model_rule", "metering_freeze", "carve_outs",
)  # fmt: skip
"""Fields that decide what usage counts as."""


def yearly_usage(paths: Paths, term_months: int) -> Array:
    """List dollars of each contract year, (paths, years); the last may be a part of one."""
    starts = np.arange(0, term_months, MONTHS_PER_YEAR)
    found: Array = np.add.reduceat(paths.list_usd[:, :term_months], starts, axis=1)
    return found


def list_floors(contract: Contract) -> tuple[float, ...]:
    """The band floors above 0 in list dollars."""
    basis_is_list = contract.commit_basis == "list"
    return tuple(
        float(band.from_usd) / (1.0 if basis_is_list else 1 - float(band.discount))
        for band in ladder(contract)
        if band.from_usd > 0
    )


def list_sizes(
    paths: Paths, term_months: int, floors: Sequence[float], points: int, extra: Sequence[Array] = ()
) -> Array:
    """Commitments in list dollars, (sizes, years): 0, ramps at one quantile of every year's usage, flat ones, floors.

    Floors enter as flat commitments, as ramps whose years are moved to the nearest floor and, where `points` is
    `FINE`, as every rising sequence of those within reach. `extra` sizes are added as they are. Sorted, each once.
    """
    usage = yearly_usage(paths, term_months)
    levels = np.linspace(0.02, 0.98, points)
    ramps = np.round(np.quantile(usage, levels, axis=0))
    share = year_shares(term_months)
    rates = usage.sum(axis=1) * (MONTHS_PER_YEAR / term_months)
    flat = np.round(np.quantile(rates, np.linspace(0.05, 0.95, max(points // 2, 8)))[:, None] * share)
    top = ramps[-1] * np.array(_BEYOND)[:, None]
    found = [np.zeros((1, usage.shape[1])), ramps, flat, np.round(top)]
    reach = [floor for floor in sorted(set(floors)) if floor <= float(top.max()) * 1.5]
    found += [np.full((1, usage.shape[1]), floor) for floor in reach]
    if reach:
        found += [_snapped(ramps[:: max(points // 10, 1)], np.array(reach))]
        if points >= FINE:
            found += [np.array(mixed) for mixed in _rising(reach, usage.shape[1])]
    found += [np.atleast_2d(one) for one in extra]
    return np.unique(np.concatenate(found), axis=0)


def year_shares(term_months: int) -> Array:
    """Months of each contract year over twelve."""
    starts = np.arange(0, term_months, MONTHS_PER_YEAR)
    shares: Array = np.minimum(term_months - starts, MONTHS_PER_YEAR) / MONTHS_PER_YEAR
    return shares


def _snapped(ramps: Array, floors: Array) -> Array:
    """Every year moved to the floor nearest to it."""
    near = np.abs(ramps[:, :, None] - floors).argmin(axis=2)
    moved: Array = floors[near]
    return moved


def _rising(floors: Sequence[float], years: int) -> list[Array]:
    """Sequences of floors that never fall, the lowest ones first; none where there is one year."""
    if years == 1:
        return []
    found = [np.array([mixed]) for mixed in combinations_with_replacement(floors, years)]
    return found[:_MOST_MIXED]


def in_basis(contract: Contract, sizes: Array) -> Array:
    """List-dollar sizes in the contract's own basis: the most list dollars that the contract sells for their price.

    Under all-units bands an amount just below a floor costs more than the floor (a dead zone, without a twin in the
    other basis: `commit.basis`): it becomes the floor's. So one offer in either basis is looked at alike.
    """
    bands = ladder(contract)
    floors = np.array([float(band.from_usd) for band in bands])
    rates = 1 - np.array([float(band.discount) for band in bands])
    in_list = contract.commit_basis == "list"
    if contract.band_key != "annual_commit":
        return sizes if in_list else np.array([_whole(contract, size, 1 - rates) for size in sizes])
    if contract.band_mode == "marginal":
        return sizes if in_list else _marginal(sizes, floors, rates)
    net_floors = floors * rates if in_list else floors
    net = sizes[..., None] * rates
    holds = net >= net_floors * (1 - _CLOSE)
    place = len(floors) - 1 - holds[..., ::-1].argmax(axis=-1)
    own = np.take_along_axis(net, place[..., None], axis=-1)[..., 0]
    above = np.minimum(place + 1, len(floors) - 1)
    dead = (above > place) & (own >= net_floors[above] * (1 - _CLOSE))
    amounts = sizes if in_list else own
    return _on_floors(np.where(dead, floors[above], amounts), floors)


def _marginal(sizes: Array, floors: Array, rates: Array) -> Array:
    starts = np.concatenate([[0.0], np.cumsum(np.diff(floors) / rates[:-1])])
    place = np.searchsorted(starts, sizes * (1 + _CLOSE), side="right") - 1
    return _on_floors(floors[place] + (sizes - starts[place]) * rates[place], floors)


def _on_floors(net: Array, floors: Array) -> Array:
    """Amounts that miss a floor by rounding alone are on it."""
    near = floors[np.abs(net[..., None] - floors).argmin(axis=-1)]
    return np.where(np.abs(net - near) <= _CLOSE * np.maximum(near, 1.0), near, net)


def _whole(contract: Contract, size: Array, discounts: Array) -> Array:
    """Where the key is a sum or average over years: the highest band that the net amounts themselves reach."""
    for discount in discounts[::-1]:
        net: Array = size * (1 - discount)
        total = float(net.sum()) * (1.0 if contract.band_key == "tcv" else MONTHS_PER_YEAR / contract.term_months)
        found = discount_arrays_at(contract, np.array([total * (1 + _CLOSE)]))
        if float(found.beyond[0]) >= discount - _CLOSE:
            return net
    return size


def in_list(contract: Contract, amounts: Sequence[float]) -> Array:
    """One size of the contract's own basis in list dollars."""
    sizes = np.array([float(amount) for amount in amounts])
    if contract.commit_basis == "list":
        return sizes
    if contract.band_key == "annual_commit":
        found: Array = sizes / (1 - discount_arrays_at(contract, sizes).committed)
        return found
    total = float(sizes.sum()) * (1.0 if contract.band_key == "tcv" else MONTHS_PER_YEAR / contract.term_months)
    whole: Array = sizes / (1 - discount_arrays_at(contract, np.array([total])).committed)
    return whole


def sizes_for(
    contract: Contract,
    paths: Paths,
    points: int,
    extra: Sequence[Sequence[float]] = (),
    others: Sequence[Contract] = (),
) -> Array:
    """`list_sizes` of one contract; its stated commitment and the `extra` ones (in its basis) among them.

    `others` are contracts it is compared with: what is usage under their terms is looked at too.
    """
    stated = [float(amount) for amount in contract.commit_usd_by_year]
    more = [in_list(contract, size) for size in (*([stated] if stated else []), *extra)]
    more += rated_ramps((contract, *others), paths, contract.term_months)
    return list_sizes(paths, contract.term_months, list_floors(contract), points, more)


def rated_ramps(contracts: Sequence[Contract], paths: Paths, term_months: int) -> list[Array]:
    """Ramps at quantiles of usage as these contracts rate it, where that is not the usage at list itself."""
    found: dict[tuple[Any, ...], Array] = {}
    plain = paths.price_index is None and paths.metering is None and paths.outside_usd is None
    for contract in contracts:
        if contract.term_months != term_months or (plain and not contract.carve_outs):
            continue
        key = tuple(getattr(contract, name) for name in _RATED_BY)
        if key not in found:
            usage = rated_usage(contract, paths)
            found[key] = np.round(np.quantile(usage, np.linspace(0.06, 0.94, _RATED_POINTS), axis=0))
    return list(found.values())
