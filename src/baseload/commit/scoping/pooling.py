"""One commitment over everything against one for each part, on the same paths: what pooling is worth in dollars.

Parts that do not rise and fall together fill each other's gaps, so that a pooled commitment loses less and sees less
overage; and it may reach a deeper band, which is in the figure. Fees and credits are left out: they are paid once, or
as often as anybody agrees.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

import msgspec
import numpy as np
from msgspec.structs import replace

from baseload.commit.arrays import Array
from baseload.commit.clauses import ZERO
from baseload.commit.contract import Contract
from baseload.commit.paths import Paths
from baseload.commit.refusal import CommitError
from baseload.commit.search.optimum import optimum
from baseload.commit.search.pricing import costs_at
from baseload.commit.size.amounts import usd

SCHEMA: Final = "baseload.commit.pool/1"
MOST_PARTS: Final = 50


class PartRow(msgspec.Struct, frozen=True, kw_only=True):
    """One part with a commitment of its own. `share_usd`: its part of the pooled cost, by its usage at list."""

    name: str
    list_usd: str
    commit_usd_by_year: tuple[str, ...]
    expected_cost_usd: str
    p_shortfall: float
    share_usd: str


class PoolDocument(msgspec.Struct, frozen=True, kw_only=True):
    """`baseload.commit.pool/1`. Commitments in the offer's basis; costs are cash over the term.

    `diversification_usd` = `separate_cost_usd` - `pooled_cost_usd`; `p10_usd` to `p90_usd` is the same difference on
    80 % of paths.
    """

    schema: str = SCHEMA
    offer: str
    paths: int
    seed: int
    pooled_commit_usd_by_year: tuple[str, ...]
    pooled_cost_usd: str
    pooled_p_shortfall: float
    separate_commit_usd_by_year: tuple[str, ...]
    separate_cost_usd: str
    diversification_usd: str
    p10_usd: str
    p90_usd: str
    parts: tuple[PartRow, ...]


def pooling(contract: Contract, parts: Mapping[str, Paths], *, seed: int = 0) -> PoolDocument:
    """`parts` are of the same months, draws, prices and metering. Raises CommitError where they are not."""
    _check(parts)
    plain = replace(
        contract,
        commit_usd_by_year=(),
        seats_usd_per_month=ZERO,
        support_usd_per_year=ZERO,
        credits_usd=ZERO,
        credits_months=0,
    )
    cut = {name: paths.first(contract.term_months) for name, paths in parts.items()}
    whole = pooled_paths(list(cut.values()))
    alone = {name: optimum(plain, paths) for name, paths in cut.items()}
    together = tuple(
        sum(column, ZERO) for column in zip(*(one.commit_usd_by_year for one in alone.values()), strict=True)
    )
    commits = _better(plain, whole, (optimum(plain, whole).commit_usd_by_year, together))
    pooled = costs_at(plain.sized(*commits), whole)
    separate: Array = np.sum([one.cost_usd for one in alone.values()], axis=0)
    gain = separate - pooled.cost_usd
    shares = _shares(cut)
    return PoolDocument(
        offer=contract.name,
        paths=whole.count,
        seed=seed,
        pooled_commit_usd_by_year=tuple(map(usd, commits)),
        pooled_cost_usd=usd(float(pooled.cost_usd.mean())),
        pooled_p_shortfall=_short(pooled.lost),
        separate_commit_usd_by_year=tuple(map(usd, together)),
        separate_cost_usd=usd(float(separate.mean())),
        diversification_usd=usd(float(gain.mean())),
        p10_usd=usd(float(np.quantile(gain, 0.1))),
        p90_usd=usd(float(np.quantile(gain, 0.9))),
        parts=tuple(
            PartRow(
                name=name,
                list_usd=usd(float(cut[name].list_usd.sum(axis=1).mean())),
                commit_usd_by_year=tuple(map(usd, one.commit_usd_by_year)),
                expected_cost_usd=usd(one.mean_usd),
                p_shortfall=_short(costs_at(plain.sized(*one.commit_usd_by_year), cut[name]).lost),
                share_usd=usd(float(pooled.cost_usd.mean()) * shares[name]),
            )
            for name, one in alone.items()
        ),
    )


def pooled_paths(parts: Sequence[Paths]) -> Paths:
    """All usage together; prices, metering and the share of new models are those of the first."""
    outside = [one.outside_usd for one in parts]
    summed = (
        None if all(one is None for one in outside) else sum(np.zeros(1) if one is None else one for one in outside)
    )
    listed: Array = np.sum([one.list_usd for one in parts], axis=0)
    return replace(parts[0], list_usd=listed, outside_usd=None if summed is None else np.asarray(summed))


def _check(parts: Mapping[str, Paths]) -> None:
    if not 2 <= len(parts) <= MOST_PARTS:
        said = f"{len(parts)} {'part' if len(parts) == 1 else 'parts'}"
        raise CommitError("workload", said, f"2 to {MOST_PARTS} parts to pool, a workload each")
    shapes = {paths.list_usd.shape for paths in parts.values()}
    if len(shapes) != 1:
        raise CommitError("usage", "parts of different paths or months", "the same draws in every part")


def _better(contract: Contract, paths: Paths, sizes: Sequence[tuple[Decimal, ...]]) -> tuple[Decimal, ...]:
    """The size of least expected cost; the sum of the separate ones is among them, so that pooling never costs more."""
    means = [float(costs_at(contract.sized(*size), paths).cost_usd.mean()) for size in sizes]
    return sizes[int(np.argmin(means))]


def _shares(parts: Mapping[str, Paths]) -> dict[str, float]:
    listed = {name: float(paths.list_usd.sum()) for name, paths in parts.items()}
    total = sum(listed.values())
    return {name: value / total if total else 0.0 for name, value in listed.items()}


def _short(lost: Array) -> float:
    return round(float((lost > 0.005).mean()), 4)
