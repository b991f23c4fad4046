"""The cache plan as an opportunity in dollars, on what a workload really spent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from baseload.levers.options import CacheOutcome
from baseload.levers.position import Position, by_workload, cost_nano
from baseload.prices.book import PriceBook, Rates
from baseload.values import Opportunity, Tokens


def planned_opportunities(
    outcomes: Mapping[str, Sequence[CacheOutcome]], positions: Iterable[Position], book: PriceBook, day: int
) -> list[Opportunity]:
    """What each workload's plan saves on its own positions at the rates of `day`, dearest first.

    `high` is against what was billed, `low` against the cheaper of that and no cache at all: where a cache loses
    money, turning it off is no merit of the plan. Both are widened by the plan's interval. Positions on a model
    without a plan are left out; a workload whose plan saves nothing is too.
    """
    found = []
    for workload, members in by_workload(positions).items():
        plans = _plans(outcomes.get(workload, ()))
        low = high = 0
        used: dict[str, CacheOutcome] = {}
        for position in members:
            plan, rates = plans.get(position.key.model), book.rates(position.key, day)
            if plan is None or rates is None or position.key.tier == "batch":
                continue
            billed, planned = _input(position.tokens, rates.low), _planned(position.tokens, plan, rates.low)
            plain = cost_nano(Tokens(uncached_input_tokens=position.tokens.prompt_tokens), rates.low)
            margin = round(plan.spread * planned)
            low += min(billed, plain) - planned - margin
            high += billed - planned + margin
            used[plan.model] = plan
        if high > 0 and any(plan.marks for plan in used.values()):
            found.append(_opportunity(workload, list(used.values()), low, high))
    return sorted(found, key=lambda row: (-row.high_nano, row.workload))


def _plans(outcomes: Sequence[CacheOutcome]) -> dict[str, CacheOutcome]:
    """The plan on each model: that of edited prompts where there is one."""
    found = {outcome.model: outcome for outcome in outcomes if outcome.policy == "plan"}
    return {**found, **{outcome.model: outcome for outcome in outcomes if outcome.policy == "edited"}}


def _input(tokens: Tokens, rates: Rates) -> int:
    return cost_nano(tokens, rates) - cost_nano(Tokens(output_tokens=tokens.output_tokens), rates)


def _planned(tokens: Tokens, plan: CacheOutcome, rates: Rates) -> int:
    """The same prompt tokens in the plan's shares."""
    prompt = tokens.prompt_tokens
    return cost_nano(
        Tokens(
            uncached_input_tokens=round(prompt * plan.uncached_share),
            cache_read_tokens=round(prompt * (plan.read_share + plan.keep_alive_share)),
            cache_write_5m_tokens=round(prompt * plan.write_5m_share),
            cache_write_1h_tokens=round(prompt * plan.write_1h_share),
        ),
        rates,
    )


def _opportunity(workload: str, plans: Sequence[CacheOutcome], low: int, high: int) -> Opportunity:
    plan = plans[-1]
    marks = ", ".join(f"{mark.after} {mark.ttl}" for mark in plan.marks)
    moved = f"; move {'; '.join(plan.move_after_prefix)} behind it" if plan.move_after_prefix else ""
    edit = "its owner edits the prompt first; " if plan.move_after_prefix else ""
    return Opportunity(
        workload=workload,
        lever="cache",
        candidate=f"cache marks at {marks}{moved}" if marks else "no cache marks",
        low_nano=low,
        high_nano=high,
        grade="simulated",
        assumption=f"exact cache rules on the calls seen; {edit}{plan.note}",
    )
