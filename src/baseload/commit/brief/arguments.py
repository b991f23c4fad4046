"""The account team's four arguments, each answered with this customer's figures and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from baseload.commit.brief.document import Argument, Line
from baseload.commit.brief.figures import (
    chance,
    cost,
    dollars,
    ends,
    ends_of_cost,
    less,
    mean_yearly,
    outward,
    part,
    saves,
    usd_of,
)
from baseload.commit.size.document import ClauseRow, CurvePoint, SizeDocument
from baseload.commit.size.shown import saving_share

DEEPER, LOCK, OVERAGE, ONE_NUMBER = (
    "Commit more, for a deeper discount.",
    "Lock the price now.",
    "Commit more, and avoid overage.",
    "One number for finance.",
)


def arguments(size: SizeDocument) -> tuple[Argument, ...]:
    """The four, in the order in which they are usually made."""
    return tuple(
        Argument(claim=claim, answers=tuple(answer(size)))
        for claim, answer in ((DEEPER, _deeper), (LOCK, _lock), (OVERAGE, _overage), (ONE_NUMBER, _one_number))
    )


def clause_line(size: SizeDocument, name: str) -> Line | None:
    """What one clause is worth here; None where it was not priced, or would be shown as nothing."""
    for place, row in enumerate(size.clauses):
        if row.clause == name and shows(row):
            return Line(says=f"{row.says}: {worth_of(row)}.", source=f"clauses[{place}]")
    return None


def shows(row: ClauseRow) -> bool:
    """Is it worth a dollar as it is rounded?"""
    return dollars(usd_of(row, "value_usd"), usd_of(row, "low_usd"), usd_of(row, "high_usd")) != "$0"


def worth_of(row: ClauseRow) -> str:
    """Its dollars, rounded to their interval, with both ends."""
    low, high = usd_of(row, "low_usd"), usd_of(row, "high_usd")
    value = dollars(usd_of(row, "value_usd"), low, high)
    return f"worth {value} (90 %: {outward(low, high)}{', present value' if row.measure == 'npv' else ''})"


def _deeper(size: SizeDocument) -> Iterator[Line]:
    best = size.recommended
    now = mean_yearly(best.commit_usd_by_year, "recommended.commit_usd_by_year")
    larger = _point_above(size.curve, 1.5 * now if now else 0.0)
    if larger is not None:
        place, point = larger
        more = less(size, usd_of(best, "expected_cost_usd"), usd_of(point, "expected_cost_usd"))
        instead = f" instead of {dollars(now)}" if now else ""
        yield Line(
            says=f"At {dollars(usd_of(point, 'commit_usd'))} a year{instead}, its deeper "
            f"discount included, the expected cost over the term is {dollars(abs(more))} "
            f"{'higher' if more > 0 else 'lower'}{'' if now else ' than on demand'}.",
            source=f"curve[{place}], recommended",
        )
    if best.break_even_utilization is not None:
        yield Line(
            says=f"The recommended size pays only above {chance(best.break_even_utilization)} use; "
            f"{chance(best.utilization)} is expected, and it falls short with a chance of {chance(best.p_shortfall)}.",
            source="recommended.break_even_utilization, utilization, p_shortfall",
        )
    for name in ("one_point", "next_band"):
        if line := clause_line(size, name):
            yield line


def _lock(size: SizeDocument) -> Iterator[Line]:
    found = [line for name in LOCK_CLAUSES if (line := clause_line(size, name))]
    yield from found
    if not found:
        yield Line(
            says="No price move is in the demand, so that a lock is worth nothing on it: say which moves you expect.",
            source="clauses",
        )
    for place, row in enumerate(size.tornado):
        if row.input == "price_cut":
            base = usd_of(size.recommended, "expected_cost_usd")
            cut = usd_of(row, "held_cost_high_usd")
            free = usd_of(row, "cost_high_usd")
            held = "the recommended size" if any(map(float, size.recommended.commit_usd_by_year)) else "on demand"
            yield Line(
                says=f"If list prices fall ({row.high_says}), {held} costs {cost(size, cut)} against "
                f"{cost(size, base)}; the size that would suit that costs {cost(size, free)}. A lock keeps "
                "rises out, and falls too, unless it is the lower of both.",
                source=f"tornado[{place}] ({row.grade})",
            )


LOCK_CLAUSES: Sequence[str] = ("lower_of", "fixed_price", "price_hold_12", "price_rule", "metering_freeze")


def _overage(size: SizeDocument) -> Iterator[Line]:
    best = size.recommended
    if best.decision == "do_not_commit":
        yield Line(
            says="Without a commitment nothing is beyond it: usage is paid at list, and no dollar is paid that was not "
            "used.",
            source="recommended.decision",
        )
        return
    yield Line(
        says=f"At the recommended size overage has a chance of {chance(best.p_overage)}, unused commitment one of "
        f"{chance(best.p_shortfall)}.",
        source="recommended.p_overage, p_shortfall",
    )
    if best.buffer is not None:
        yield Line(says=best.buffer.says, source="recommended.buffer")
    if line := clause_line(size, "overage_committed"):
        yield Line(says=f"Overage is a price, not a size: {line.says[0].lower()}{line.says[1:]}", source=line.source)
    if size.curve:
        last = len(size.curve) - 1
        point = size.curve[last]
        more = less(size, usd_of(best, "expected_cost_usd"), usd_of(point, "expected_cost_usd"))
        yield Line(
            says=f"Never to see overage would take about {dollars(usd_of(point, 'commit_usd'))} a year and "
            f"cost {dollars(more)} more than the recommended size.",
            source=f"curve[{last}]",
        )


def _one_number(size: SizeDocument) -> Iterator[Line]:
    best = size.recommended
    low, high = (
        usd_of(best, "p10_cost_usd"),
        usd_of(best, "p90_cost_usd"),
    )
    number = (
        f"The number is {cost(size, usd_of(best, 'expected_cost_usd'))} over the term, 80 % of paths "
        f"{ends_of_cost(size)}"
    )
    fields = "recommended.expected_cost_usd, p10_cost_usd, p90_cost_usd"
    if best.decision == "do_not_commit":
        yield Line(says=f"{number}, all of it paid for what is used: a floor would not make it smaller.", source=fields)
        return
    yield Line(
        says=f"{number}; of it {part(size, usd_of(best, 'cash_at_risk_usd'))} is paid for what low demand would not "
        f"need. Against on demand it saves {saved(size)}.",
        source=f"{fields}, cash_at_risk_usd, saving_usd",
    )
    before = usd_of(size, "on_demand_p90_usd") - usd_of(size, "on_demand_p10_usd")
    if before > 0:
        share = 1 - (high - low) / before
        yield Line(
            says=f"A commitment is a floor and no ceiling: it makes the range {abs(100 * share):.0f} % "
            f"{'narrower' if share >= 0 else 'wider'} than on demand, and what exceeds it is still paid.",
            source="recommended.p10_cost_usd, p90_cost_usd, on_demand_p10_usd, on_demand_p90_usd",
        )


def saved(size: SizeDocument) -> str:
    """The saving with its own interval: cost with and without move alike, so that their distance is known better."""
    best = size.recommended
    share = f"{100 * saving_share(size):.1f} %"
    if best.saving_p10_usd is None or best.saving_p90_usd is None:
        return f"{saves(size)}, {share}"
    low, high = usd_of(best, "saving_p10_usd"), usd_of(best, "saving_p90_usd")
    return f"{saves(size)} (80 % of paths: {ends(size, low, high)}), {share}"


def _point_above(curve: Sequence[CurvePoint], least: float) -> tuple[int, CurvePoint] | None:
    """The first point of the curve beyond a commitment."""
    found = [(place, one) for place, one in enumerate(curve) if usd_of(one, "commit_usd") > least]
    return found[0] if found else None
