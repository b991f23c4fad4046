"""Our side's edition: the answer, the four arguments, asks and trades, where to walk away, and what it all rests on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from baseload.commit.brief.arguments import arguments, saved
from baseload.commit.brief.asks import ask_rows, asks_note, walk_away
from baseload.commit.brief.case import (
    commitments,
    effort_rows,
    leverage_lines,
    move_rows,
    read_case,
    schedule_rows,
    walk_lines,
)
from baseload.commit.brief.document import TAGS, InternalBrief, Line, Row
from baseload.commit.brief.figures import (
    RUN_ID_DIGITS,
    chance,
    cost,
    dollars,
    ends,
    ends_of_cost,
    part,
    run_id,
    stepped,
    usd_of,
    yearly,
)
from baseload.commit.case.document import CaseDocument
from baseload.commit.refusal import CommitError
from baseload.commit.size.amounts import at_unit, unit_of
from baseload.commit.size.document import SizeDocument, TimingRow
from baseload.commit.worth.document import SCHEMA as COMPARE_SCHEMA
from baseload.commit.worth.document import CompareDocument


def internal_brief(
    size: SizeDocument, *, version: str, compare: bytes | None = None, case: bytes | None = None
) -> InternalBrief:
    """`compare` is a document of `commit compare --json`, `case` one of `commit case --json`. Raises CommitError."""
    offers = None if compare is None else _read_compare(compare)
    beside = None if case is None else read_case(case, size.inputs)
    return InternalBrief(
        run_id=run_id(size.inputs, version),
        compare_id=_id(compare),
        case_id=_id(case),
        version=version,
        seed=size.inputs.seed,
        offer=size.inputs.offer,
        answer=tuple(_answer(size)),
        arguments=arguments(size),
        asks=ask_rows(size),
        asks_note=asks_note(size),
        walk_away=(*walk_away(size), *(walk_lines(beside) if beside else ())),
        leverage=(*commitments(beside), *leverage_lines(beside)) if beside else (),
        moves=tuple(move_rows(beside)) if beside else (),
        effort=tuple(effort_rows(beside)) if beside else (),
        schedule=tuple(schedule_rows(beside)) if beside else (),
        bands=tuple(_bands(size)),
        offers=() if offers is None else tuple(_offers(offers)),
        rests_on=tuple(_rests_on(size)),
        scenarios=tuple(_scenarios(size)),
        timing=tuple(_timing(size)),
        cautions=(*size.warnings, *(offers.notes if offers else ()), *(_open(beside) if beside else ())),
        open_terms=size.assumed_terms,
        evidence=tuple(_evidence(size)),
    )


def _id(data: bytes | None) -> str | None:
    """A document beside the size is its own run: the hash of its bytes."""
    return None if data is None else "run-" + hashlib.sha256(data).hexdigest()[:RUN_ID_DIGITS]


def _open(case: CaseDocument) -> Iterator[str]:
    yield from case.warnings
    yield from (f"{one.says} Needs {one.needs}." for one in case.missing)


def _read_compare(data: bytes) -> CompareDocument:
    try:
        found: Any = msgspec.json.decode(data, type=CompareDocument)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CommitError("--compare", str(error), f"{COMPARE_SCHEMA}, as `commit compare --json` prints it") from error
    if found.schema != COMPARE_SCHEMA:
        raise CommitError("--compare", found.schema, COMPARE_SCHEMA)
    document: CompareDocument = found
    return document


def _answer(size: SizeDocument) -> Iterator[Line]:
    best = size.recommended
    yield from _commit(size) if best.decision == "commit" else _none(size)
    yield Line(says=size.guard.says, source="guard")
    yield Line(
        says=f"How these are known: costs, savings and chances simulated on {size.inputs.paths:,} paths; what was "
        "spent measured; which inputs are assumed stands under “What it rests on”.",
        source="inputs.paths, tornado",
    )
    if size.scope is not None:
        least, most = (
            _commits(size, getattr(size.scope, f"commit_{end}_usd_by_year"), f"scope.commit_{end}_usd_by_year")
            for end in ("least", "most")
        )
        yield Line(
            says=f"Scope: {dollars(usd_of(size.scope, 'in_scope_usd'))} in, "
            f"{dollars(usd_of(size.scope, 'out_of_scope_usd'))} out, "
            f"{dollars(usd_of(size.scope, 'unknown_usd'))} unknown; the size is {least} if nothing "
            f"unknown is covered and {most} if all is.",
            source="scope",
        )


def _commit(size: SizeDocument) -> Iterator[Line]:
    """What to sign, what it saves, and how it may go."""
    best = size.recommended
    commits = _commits(size, best.commit_usd_by_year, "recommended.commit_usd_by_year")
    yield Line(
        says=f"Commit {commits} ({size.inputs.commit_basis} basis). {best.reason}",
        source="recommended.commit_usd_by_year, decision, reason",
    )
    yield Line(
        says=f"It saves {saved(size)}, against on demand.",
        source="recommended.expected_cost_usd, saving_usd, on_demand_usd",
    )
    yield Line(
        says=f"Expected cost over {size.inputs.term_months} months "
        f"{cost(size, usd_of(best, 'expected_cost_usd'))} (80 % of paths: {ends_of_cost(size)}) against "
        f"{cost(size, usd_of(size, 'on_demand_usd'))} on demand.",
        source="recommended.expected_cost_usd, p10_cost_usd, p90_cost_usd, on_demand_usd",
    )
    yield Line(
        says=f"Used {chance(best.utilization)}; unused commitment with a chance of {chance(best.p_shortfall)}, overage "
        f"{chance(best.p_overage)}, dearer than on demand {chance(best.p_dearer_than_on_demand)}.",
        source="recommended.utilization, p_shortfall, p_overage, p_dearer_than_on_demand",
    )
    yield Line(
        says=f"Regret {part(size, usd_of(best, 'regret_mean_usd'))} on average and "
        f"{part(size, usd_of(best, 'regret_p95_usd'))} on one path in twenty; cash at risk "
        f"{part(size, usd_of(best, 'cash_at_risk_usd'))}.",
        source="recommended.regret_mean_usd, regret_p95_usd, cash_at_risk_usd",
    )


def _none(size: SizeDocument) -> Iterator[Line]:
    """Nothing to sign: what on demand costs, and how far the kindest commitment is from paying."""
    best = size.recommended
    yield Line(says=f"Do not commit. {best.reason}", source="recommended.decision, reason")
    low, high = usd_of(size, "on_demand_p10_usd"), usd_of(size, "on_demand_p90_usd")
    listed = usd_of(size, "on_demand_usd")
    yield Line(
        says=f"On demand costs {cost(size, listed)} over {size.inputs.term_months} months (80 % of paths: "
        f"{ends(size, low, high)}).",
        source="on_demand_usd, on_demand_p10_usd, on_demand_p90_usd",
    )
    sizes = [
        (usd_of(point, "expected_cost_usd"), place)
        for place, point in enumerate(size.curve)
        if usd_of(point, "commit_usd") > 0
    ]
    if not sizes:
        return
    lowest_cost, place = min(sizes)
    more = lowest_cost - listed
    said = part(size, abs(more))
    against = f"{said} {'more' if more > 0 else 'less'} than" if abs(more) >= 1 else "as much as"
    least = dollars(usd_of(size.curve[place], "commit_usd"))
    yield Line(
        says=f"The least costly commitment looked at, {least} a year, costs {against} on demand"
        f"{'' if more > 0 else ' on the forecast'}.",
        source=f"curve[{place}], on_demand_usd",
    )


def _commits(size: SizeDocument, amounts: Sequence[str], field: str) -> str:
    return yearly(amounts, field, size.inputs.term_months)


def _bands(size: SizeDocument) -> Iterator[Row]:
    if size.bands is None:
        return
    for place, one in enumerate(size.bands.sets):
        yield Row(
            cells=(
                one.name,
                f"{TAGS.get(one.reliability, '')} assumption".strip(),
                _commits(size, one.commit_usd_by_year, "bands.sets.commit_usd_by_year"),
                cost(size, usd_of(one, "expected_cost_usd")),
            ),
            source=f"bands.sets[{place}]",
        )


def _offers(compare: CompareDocument) -> Iterator[Row]:
    """Costs at one unit, and what each is dearer as they show it."""
    ranked = [one.best if compare.ranked_by == "best" or one.stated is None else one.stated for one in compare.offers]
    costs = [usd_of(priced, "expected_cost_usd") for priced in ranked]
    unit = unit_of(*costs)
    for place, (one, priced) in enumerate(zip(compare.offers, ranked, strict=True)):
        yield Row(
            cells=(
                str(one.rank),
                one.name,
                yearly(priced.commit_usd_by_year, "offers.commit_usd_by_year"),
                stepped(at_unit(costs[place], unit), 1.0),
                stepped(at_unit(costs[place], unit) - at_unit(costs[0], unit), 1.0),
            ),
            source=f"compare: offers[{place}]",
        )


def _rests_on(size: SizeDocument) -> Iterator[Row]:
    for place, one in enumerate(size.tornado):
        commits = (usd_of(one, "commit_low_usd"), usd_of(one, "commit_high_usd"))
        yield Row(
            cells=(
                one.input.replace("_", " "),
                one.grade,
                f"{one.low_says} to {one.high_says}",
                " to ".join(map(dollars, commits)),
                part(size, usd_of(one, "cost_swing_usd")),
                one.flips_says,
            ),
            source=f"tornado[{place}]",
        )


def _scenarios(size: SizeDocument) -> Iterator[Row]:
    for place, one in enumerate(size.scenarios):
        yield Row(
            cells=(
                one.scenario,
                one.says,
                _commits(size, one.commit_usd_by_year, "scenarios.commit_usd_by_year"),
                cost(size, usd_of(one, "expected_cost_usd")),
                cost(size, usd_of(one, "recommended_cost_usd")),
            ),
            source=f"scenarios[{place}]",
        )


def _timing(size: SizeDocument) -> Iterator[Row]:
    for place, one in enumerate(size.timing):
        low, high = usd_of(one, "p10_usd"), usd_of(one, "p90_usd")
        months, later = size.inputs.term_months - (one.signs_in_month or 0), bool(one.signs_in_month)
        yield Row(
            cells=(
                one.plan.replace("_", " "),
                yearly(one.commit_usd_by_year, "timing.commit_usd_by_year", months, mean=later),
                cost(size, usd_of(one, "expected_cost_usd")),
                ends(size, low, high),
                _over(size, one),
                one.says,
            ),
            source=f"timing[{place}]",
        )


def _over(size: SizeDocument, one: TimingRow) -> str:
    """Present value beyond the cheapest plan's, with its own interval."""
    if one.cheapest or None in (one.over_cheapest_usd, one.over_cheapest_low_usd, one.over_cheapest_high_usd):
        return ""
    low, high = usd_of(one, "over_cheapest_low_usd"), usd_of(one, "over_cheapest_high_usd")
    return f"{cost(size, usd_of(one, 'over_cheapest_usd'))} ({ends(size, low, high)})"


def _evidence(size: SizeDocument) -> Iterator[Line]:
    inputs = size.inputs
    yield Line(says=f"offer {inputs.offer_sha256 or 'without a file'}", source="inputs.offer_sha256")
    yield Line(says=f"{inputs.demand_source} {inputs.demand_sha256 or 'without a file'}", source="inputs.demand_sha256")
    if inputs.savings:
        yield Line(says=f"savings {inputs.savings_sha256 or inputs.savings}", source="inputs.savings_sha256")
    yield Line(says=f"{inputs.paths:,} paths, seed {inputs.seed}", source="inputs.paths, seed")
