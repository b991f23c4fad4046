"""`baseload.commit.compare/1`: offers on equal terms as a document, and the one sentence that says why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec
import numpy as np

from baseload.commit.audit import in_cents
from baseload.commit.offer import Offer
from baseload.commit.outcome import ratio
from baseload.commit.size.amounts import rounded, share, step_of, usd
from baseload.commit.worth.draft import NOT_PRICED, stated
from baseload.commit.worth.interval import Range
from baseload.commit.worth.offers import Compared, Comparison, Priced
from baseload.commit.worth.parts import Part
from baseload.values import Problem

SCHEMA: Final = "baseload.commit.compare/1"
_LONGEST: Final = 90
_SMALL: Final = 0.1
"""A part below this share of the largest is not worth a word in a sentence."""


class PricedRow(msgspec.Struct, frozen=True, kw_only=True):
    """One offer at one size, over the common months. `commit_usd_by_year` is in the offer's basis.

    `effective_rate` is expected cost for a list dollar; `saving_usd` against on demand.
    """

    commit_usd_by_year: tuple[str, ...]
    expected_cost_usd: str
    npv_usd: str
    p10_usd: str
    p90_usd: str
    saving_usd: str
    effective_rate: float | None


class PartRow(msgspec.Struct, frozen=True, kw_only=True):
    """What one term adds to this offer's cost over the first's, and how both word it."""

    term: str
    more_usd: str
    here: str
    first: str


class OfferRow(msgspec.Struct, frozen=True, kw_only=True):
    """One offer. `best` is at the size that suits it, `stated` at its own. The rest is at the sizes ranked by.

    `more_usd` to `more_high_usd`: expected cost over the first offer's with its 90 % interval on paired paths, the sum
    of `parts`. `discount_points`: how far every discount here must rise to cost as little as the first;
    `points_beyond` where that is more than was looked at.
    """

    rank: int
    name: str
    term_months: int
    commit_basis: str
    best: PricedRow
    stated: PricedRow | None
    more_usd: str
    more_low_usd: str
    more_high_usd: str
    discount_points: float
    points_beyond: bool
    parts: tuple[PartRow, ...]
    assumed: tuple[str, ...]


class CompareDocument(msgspec.Struct, frozen=True, kw_only=True):
    """`baseload commit compare`. `months` is the longest term: shorter ones are followed by on demand."""

    schema: str
    seed: int
    paths: int
    months: int
    wacc: str
    ranked_by: str
    on_demand_usd: str
    list_usd: str
    offers: tuple[OfferRow, ...]
    why: str
    notes: tuple[str, ...]
    problems: tuple[Problem, ...] = ()


def compare_document(
    found: Comparison,
    offers: Mapping[str, Offer],
    *,
    seed: int,
    notes: Sequence[str] = (),
    problems: Sequence[Problem] = (),
) -> CompareDocument:
    """`offers` by the names they were compared under."""
    first = found.offers[0]
    return CompareDocument(
        schema=SCHEMA,
        seed=seed,
        paths=len(found.list_usd),
        months=found.months,
        wacc=f"{found.wacc:f}",
        ranked_by=first.ranked,
        on_demand_usd=usd(float(found.on_demand_usd.mean())),
        list_usd=usd(float(found.list_usd.mean())),
        offers=tuple(
            _offer_row(place + 1, one, first, found, offers[one.name].assumed) for place, one in enumerate(found.offers)
        ),
        why=why(found),
        notes=(*_notes(found), *notes),
        problems=tuple(problems),
    )


def why(found: Comparison) -> str:
    """One sentence: the first against the second, with what explains most; against on demand where there is one."""
    first = found.offers[0]
    if len(found.offers) == 1:
        return _alone(first, found)
    second = found.offers[1]
    more = second.more_usd
    if abs(more.value) < 0.005 and more.high - more.low < 0.01:
        return f"{first.name} and {second.name} cost the same on every path over {found.months} months."
    step = step_of(more.low, more.high)
    known = more.low > 0
    said = f"{first.name} costs {rounded(more.value, step)} less than {second.name} over {found.months} months"
    span = f"(90 %: {rounded(more.low, step)} to {rounded(more.high, step)})"
    doubt = "" if known else ", which these paths cannot tell from nothing"
    return f"{said} {span}{doubt}{_because(second, first, step)}."


def _alone(offer: Compared, found: Comparison) -> str:
    saved = found.on_demand_usd - offer.priced.cost_usd
    low, high = (float(end) for end in np.quantile(saved, (0.1, 0.9)))
    step, mean = step_of(low, high), float(saved.mean())
    way = "less" if mean >= 0 else "more"
    said = f"{offer.name} costs {rounded(abs(mean), step)} {way} than on demand over {found.months} months"
    return f"{said} (80 % of paths, less: {rounded(low, step)} to {rounded(high, step)})."


def _because(offer: Compared, first: Compared, step: float) -> str:
    """The terms that make the difference, and the largest that goes against it."""
    with_it = [part for part in offer.parts if part.usd > 0]
    against = [part for part in offer.parts if part.usd < 0]
    if not with_it:
        return ""
    large = [part for part in with_it if part.usd >= _SMALL * with_it[0].usd][:2]
    said = " and ".join(_worded(part, offer, first, step) for part in large)
    back = ""
    if against and -against[0].usd >= _SMALL * with_it[0].usd:
        back = f", although {against[0].name} alone speaks for {offer.name} by {rounded(-against[0].usd, step)}"
    return f", chiefly for {said}{back}"


def _worded(part: Part, offer: Compared, first: Compared, step: float) -> str:
    here, there = (_short(stated(one.contract, part.fields)) for one in (offer, first))
    return f"{part.name} worth {rounded(part.usd, step)} ({there} against {here})"


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1].rstrip()}…"


def _notes(found: Comparison) -> tuple[str, ...]:
    notes = []
    shorter = [one.name for one in found.offers if one.contract.term_months < found.months]
    if shorter:
        notes.append(f"On demand at list after the shorter term of {', '.join(shorter)}, up to month {found.months}.")
    if found.wacc:
        notes.append(f"Present values at {float(found.wacc) * 100:g} % a year for every offer.")
    later = [one.name for one in sorted(found.offers, key=lambda one: float(one.priced.npv_usd.mean()))]
    if later != [one.name for one in found.offers]:
        notes.append(f"By present value the order is {', '.join(later)}.")
    left_out = {one.name: _not_priced(one) for one in found.offers}
    notes += [f"Not in these figures, of {name}: {', '.join(terms)}." for name, terms in left_out.items() if terms]
    if any(one.stated is None for one in found.offers) and any(one.stated for one in found.offers):
        notes.append("Some offers state no size: they are ranked at the size that suits each best.")
    return tuple(notes)


def _not_priced(offer: Compared) -> list[str]:
    plain = {field.name: field.default for field in msgspec.structs.fields(offer.contract)}
    factories = {field.name: field.default_factory for field in msgspec.structs.fields(offer.contract)}
    return [name for name in NOT_PRICED if getattr(offer.contract, name) not in (plain[name], _made(factories[name]))]


def _made(factory: Any) -> Any:
    return factory() if callable(factory) else factory


def _offer_row(rank: int, offer: Compared, first: Compared, found: Comparison, assumed: tuple[str, ...]) -> OfferRow:
    more: Range = offer.more_usd
    cents = in_cents([Decimal(repr(part.usd)) for part in offer.parts])
    return OfferRow(
        rank=rank,
        name=offer.name,
        term_months=offer.contract.term_months,
        commit_basis=offer.contract.commit_basis,
        best=_priced_row(offer.best, found),
        stated=None if offer.stated is None else _priced_row(offer.stated, found),
        more_usd=usd(more.value),
        more_low_usd=usd(more.low),
        more_high_usd=usd(more.high),
        discount_points=round(offer.points.points, 2) + 0.0,
        points_beyond=offer.points.beyond,
        parts=tuple(
            PartRow(
                term=part.name,
                more_usd=usd(amount),
                here=stated(offer.contract, part.fields),
                first=stated(first.contract, part.fields),
            )
            for part, amount in zip(offer.parts, cents, strict=True)
        ),
        assumed=assumed,
    )


def _priced_row(priced: Priced, found: Comparison) -> PricedRow:
    mean = priced.mean_usd
    p10, p90 = (float(end) for end in np.quantile(priced.cost_usd, (0.1, 0.9)))
    return PricedRow(
        commit_usd_by_year=tuple(usd(amount) for amount in priced.commit_usd_by_year),
        expected_cost_usd=usd(mean),
        npv_usd=usd(float(priced.npv_usd.mean())),
        p10_usd=usd(p10),
        p90_usd=usd(p90),
        saving_usd=usd(float(found.on_demand_usd.mean()) - mean),
        effective_rate=share(float(ratio(np.array([mean]), np.array([found.list_usd.mean()]))[0])),
    )
