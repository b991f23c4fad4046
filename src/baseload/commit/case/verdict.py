"""The answer in lines: what each part comes to, the ones that decide first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from baseload.commit.case.document import BundlePricing, EffortPart, LeveragePart, Said, SchedulePart
from baseload.commit.case.records import BreakEvenRow, OrderRow, RightRow, WalkRow
from baseload.commit.size.amounts import rounded, step_of
from baseload.commit.size.document import TimingRow
from baseload.commit.timing.leverage import Phase
from baseload.commit.timing.words import about

_BEST_FIRST = ("both", "engineering", "signature")


def timing_said(timing: Sequence[TimingRow], breaks: Sequence[BreakEvenRow]) -> Iterator[Said]:
    """The cheapest plan by present value, the next one, and what would change that."""
    ranked = sorted(timing, key=lambda one: float(one.npv_usd))
    best, second = ranked[0], ranked[1]
    what = best.says.rpartition(":")[0]
    low, high = float(best.p10_usd), float(best.p90_usd)
    step = step_of(low, high)
    cost = rounded(float(best.expected_cost_usd), max(1.0, step / 10))
    span = f" ({rounded(low, step)} to {rounded(high, step)} in eight cases of ten)" if low < high else ""
    yield Said(
        part="timing",
        says=f"{what}: the cheapest of five plans, about ${cost} over the term{span}; "
        f"{_plan(second.plan)} comes next, {_dearer(second)}.",
    )
    for one in breaks:
        yield Said(part="break_evens", says=one.says)


def _dearer(one: TimingRow) -> str:
    """By how much, with its 90 % interval where paths differ."""
    more, low, high = (
        float(value or 0) for value in (one.over_cheapest_usd, one.over_cheapest_low_usd, one.over_cheapest_high_usd)
    )
    said = f"{about(more)} dearer in present value"
    if high - low < 0.01:
        return said
    close = ": too close to call" if one.too_close else ""
    return f"{said} (90 %: {about(low)} to {about(high)}){close}"


def orders_said(orders: Sequence[OrderRow]) -> Iterator[Said]:
    """Commit first against route first over the whole term, said either way."""
    last = {one.order: one for one in orders if one.months == orders[-1].months}
    if "commit_first" not in last:
        return
    first, routed = (float(last[order].expected_cost_usd) for order in ("commit_first", "route_first"))
    way = "saves" if routed < first else "costs"
    yield Said(
        part="orders",
        says=f"Route first, then commit {way} {about(abs(first - routed))} over {last['route_first'].months} months "
        f"against committing to the trend of the last six months first (which leaves "
        f"{about(float(last['commit_first'].unused_usd))} unused).",
    )


def effort_said(effort: EffortPart) -> Iterator[Said]:
    rows = {one.way: one for one in effort.rows}
    for way in _BEST_FIRST:
        if way in rows:
            yield Said(part="effort", says=rows[way].says)


def schedule_said(schedule: SchedulePart | None) -> Iterator[Said]:
    if schedule is None:
        return
    counts = {name: sum(one.verdict == name for one in schedule.rows) for name in ("proven", "shipped", "bridge")}
    plural = "" if len(schedule.rows) == 1 else "s"
    yield Said(
        part="schedule",
        says=f"By {schedule.signing}, of {len(schedule.rows)} change{plural}: {counts['proven']} proven by a bill, "
        f"{counts['shipped']} shipped without that proof, {counts['bridge']} left to the bridge.",
    )


def leverage_said(leverage: LeveragePart) -> Iterator[Said]:
    """Walking away before and after the plan; a cheaper move than signing; claims that fail."""
    moves = {(one.move, one.phase): float(one.extra_usd) for one in leverage.moves}
    phase: Phase = "after" if ("walk", "after") in moves else "before"
    walks = _over(moves["walk", phase])
    if phase == "after":
        walks = f"{walks} after the plan ({_over(moves['walk', 'before'])} before it)"
    yield Said(part="leverage", says=f"Walking away to on demand costs {walks} than signing now.")
    cheaper = [one for one in leverage.moves if one.phase == phase and float(one.extra_usd) < -0.5]
    for one in cheaper:
        if one.move in ("other_cloud", "wait"):
            name = "Another cloud" if one.move == "other_cloud" else "Waiting a quarter"
            says = f"{name} is {about(-float(one.extra_usd))} cheaper than signing now, in {one.lead_months} months."
            yield Said(part="leverage", says=says)
    for claim in leverage.claims:
        if not claim.holds:
            yield Said(part="leverage", says=f"Not so here: “{claim.claim}”: {claim.says}")


def _over(extra: float) -> str:
    return f"{about(abs(extra))} {'less' if extra < 0 else 'more'}"


def walk_said(rows: Sequence[WalkRow]) -> Iterator[Said]:
    for one in rows:
        yield Said(part="walk_away", says=one.says)


def bundle_said(bundle: BundlePricing | None) -> Iterator[Said]:
    if bundle is None:
        return
    names = ", ".join(one.ask for one in bundle.parts)
    worth, alone = float(bundle.value_usd), float(bundle.alone_sum_usd)
    single = len(bundle.parts) == 1
    rest = "." if single else f", where one by one they sum to {about(alone)}."
    unit = " in present value" if bundle.measure == "npv" else ""
    yield Said(part="bundle", says=f"{names}{'' if single else ' together'}: worth {about(worth)}{unit}{rest}")


def rights_said(rows: Sequence[RightRow]) -> Iterator[Said]:
    """Those that are worth something; the table has all."""
    for one in rows:
        if float(one.value_usd) < 0.5:
            continue
        name = (
            one.right.replace("_", " ")
            + {"keep": ", band kept", "retier": ", band looked up again", None: ""}[one.band]
        )
        who = "held" if one.held else f"as the ask {one.ask}"
        yield Said(
            part="rights",
            says=f"{name[:1].upper()}{name[1:]} ({who}): worth {about(float(one.value_usd))}, "
            f"at most {about(float(one.foresight_usd))} to somebody who knew the future.",
        )


def _plan(plan: str) -> str:
    return {
        "sign_now": "signing now on today's demand",
        "bridge": "a bridge",
        "route_first": "routing first",
        "day_0": "signing now on what the plan leaves",
        "on_demand": "staying on demand",
    }[plan]
