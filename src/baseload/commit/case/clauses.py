"""Asks as a bundle, and what each right is worth when it is used by what is known then."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Final, Literal, NamedTuple

from msgspec.structs import replace

from baseload.commit.audit import in_cents
from baseload.commit.case.document import BundlePricing, Missing
from baseload.commit.case.priced import Priced
from baseload.commit.case.records import BundlePart, RightRow
from baseload.commit.case.terms import CaseRequest
from baseload.commit.contract import MONTHS_PER_YEAR, Contract
from baseload.commit.options.choices import RIGHTS, Right
from baseload.commit.options.worth import RightWorth, right_worth, step_down_worth
from baseload.commit.refusal import CommitError
from baseload.commit.size.amounts import usd
from baseload.commit.worth.asks import apply, ask_named, why_not
from baseload.commit.worth.draft import stated
from baseload.commit.worth.options import Measure
from baseload.commit.worth.shapley import bundle
from baseload.commit.worth.values import ASSUMED_WACC, DEFAULT_ASKS, ClauseWorth, clause_values

DEAREST: Final = 3
AS_ASK: Final[dict[Right, str]] = {
    "step_down": "step_down_20_keep",
    "step_up": "step_up_6",
    "termination": "leave_12",
}
"""The usual ask of each right, where the offer does not hold it."""
_FIELDS: Final[dict[Right, tuple[str, ...]]] = {
    "step_down": ("step_down", "step_down_band"),
    "step_up": ("step_up",),
    "termination": ("termination",),
}


class Bundled(NamedTuple):
    pricing: BundlePricing | None
    missing: tuple[Missing, ...]


def bundle_part(request: CaseRequest, case: Priced) -> Bundled:
    """The asks named, else the three dearest in cash that are surely worth something. Raises CommitError."""
    seed, names = request.demand.seed, request.given.bundle
    if names is None:
        chosen: Literal["asked", "dearest"] = "dearest"
        worths = _dearest(case, seed)
    else:
        chosen = "asked"
        worths = _asked(case, names, seed)
    if not worths:
        says = "No ask that can be priced here is surely worth something: no bundle."
        return Bundled(None, (Missing(part="bundle", needs="--bundle NAME,NAME", says=says),))
    measure: Measure = "npv" if any(one.measure == "npv" for one in worths) else "cost"
    offer = case.contract
    if measure == "npv" and not offer.wacc:
        offer = replace(offer, wacc=ASSUMED_WACC)
    found = bundle(offer, case.clauses, [one.clause for one in worths], measure=measure)
    cents = in_cents([Decimal(repr(found.parts_usd[one.clause])) for one in worths])
    parts = tuple(
        BundlePart(
            ask=one.clause,
            says=one.says,
            part_usd=usd(part),
            alone_usd=usd(one.value_usd),
            alone_low_usd=usd(one.low_usd),
            alone_high_usd=usd(one.high_usd),
        )
        for one, part in zip(worths, cents, strict=True)
    )
    pricing = BundlePricing(
        chosen=chosen,
        measure=measure,
        value_usd=usd(sum(cents, Decimal(0))),
        alone_sum_usd=usd(sum((Decimal(one.alone_usd) for one in parts), Decimal(0))),
        parts=parts,
    )
    return Bundled(pricing, ())


def _asked(case: Priced, names: tuple[str, ...], seed: int) -> tuple[ClauseWorth, ...]:
    for name in names:
        why = why_not(ask_named(name), case.contract, case.clauses)
        if why:
            raise CommitError("--bundle", name, f"an ask that this offer can hold and these paths can price: {why}")
    return clause_values(case.contract, case.clauses, seed=seed, clauses=names)


def _dearest(case: Priced, seed: int) -> tuple[ClauseWorth, ...]:
    """Of each clause one, the dearest first."""
    asks = [
        name
        for name in DEFAULT_ASKS
        if ask_named(name).measure == "cost" and not why_not(ask_named(name), case.contract, case.clauses)
    ]
    found: dict[str, ClauseWorth] = {}
    for one in clause_values(case.contract, case.clauses, seed=seed, clauses=asks) if asks else ():
        if one.low_usd > 0:
            found.setdefault(ask_named(one.clause).clause, one)
    return tuple(found.values())[:DEAREST]


def right_rows(request: CaseRequest, case: Priced) -> tuple[RightRow, ...]:
    """Rights the offer holds, and the usual ask of each that it does not; what cannot be asked for is left out."""
    return tuple(row for right in RIGHTS for row in _right(request, case, right))


def _right(request: CaseRequest, case: Priced, right: Right) -> Iterator[RightRow]:
    held = getattr(case.contract, right) is not None
    ask = None if held else AS_ASK[right]
    if ask is not None and _not_as_ask(case, ask):
        return
    offer = case.contract if ask is None else apply(ask_named(ask), case.contract)
    seed = request.demand.seed
    if right == "step_down":
        keep, retier = step_down_worth(offer, case.rights, seed=seed)
        yield _row(offer, right, "keep", ask, keep)
        yield _row(offer, right, "retier", ask, retier)
    else:
        yield _row(offer, right, None, ask, right_worth(offer, case.rights, right, seed=seed))


def _not_as_ask(case: Priced, ask: str) -> str:
    """Why a right that the offer does not hold is not priced; "" where it is."""
    if not case.yearly and case.contract.term_months > MONTHS_PER_YEAR:
        return "several years that must be run month by month take minutes; `commit size` has it among its clauses"
    return why_not(ask_named(ask), case.contract, case.rights)


def _row(
    offer: Contract, right: Right, band: Literal["keep", "retier"] | None, ask: str | None, one: RightWorth
) -> RightRow:
    terms = offer if band is None else replace(offer, step_down_band=band)
    return RightRow(
        right=right,
        band=band,
        held=ask is None,
        ask=ask,
        says=stated(terms, _FIELDS[right]),
        one_stage_commit_usd_by_year=tuple(map(usd, one.one_stage_commit_usd)),
        two_stage_commit_usd_by_year=tuple(map(usd, one.two_stage_commit_usd)),
        one_stage_usd=usd(one.one_stage_usd),
        two_stage_usd=usd(one.two_stage_usd),
        value_usd=usd(one.value_usd),
        fixed_size_usd=usd(one.fixed_size_usd),
        foresight_usd=usd(one.foresight_usd),
        used_share=round(one.used_share, 6) + 0.0,
    )


def rights_missing(case: Priced) -> Iterator[Missing]:
    for right in RIGHTS:
        if getattr(case.contract, right) is not None:
            continue
        why = _not_as_ask(case, AS_ASK[right])
        if why:
            name = right.replace("_", " ")
            says = f"The offer holds no {name}, and the usual ask {AS_ASK[right]} is not priced here: {why}."
            yield Missing(part="rights", needs=f"{right} in the offer", says=says)
