"""What has nothing to do with quality: surcharges nobody asked for, repeats, and models about to retire."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from baseload.levers.position import Position, by_workload, cost_nano, cost_today
from baseload.levers.routing import (
    IN_WORDS,
    RETIREMENT_HORIZON_DAYS,
    feature_conflicts,
    retires_by,
    successor,
    swap_cost,
)
from baseload.prices.book import Model, PriceBook, PriceKey
from baseload.values import Grade, Opportunity, Workload, decimal_usd


def surcharge_opportunities(positions: Iterable[Position], book: PriceBook, day: int) -> list[Opportunity]:
    """Fast mode, geography, regional endpoints and the 100,000-token band, each against the same call without it."""
    found = []
    for workload, members in by_workload(positions).items():
        for name, applies, without, sentence in _SURCHARGES:
            affected = [position for position in members if applies(position.key)]
            saving = sum(_difference(position, without(position.key), book, day) for position in affected)
            if saving <= 0:
                continue
            found.append(
                Opportunity(
                    workload=workload,
                    lever="surcharge",
                    candidate=name,
                    low_nano=0,
                    high_nano=saving,
                    grade=_grade(affected),
                    assumption=sentence,
                )
            )
    return found


def repeat_opportunities(repeats: Mapping[str, tuple[int, int]], positions: Iterable[Position]) -> list[Opportunity]:
    """Identical requests paid more than once: workload -> (excess calls, their list nano-dollars).

    The answer to an identical request could have been kept; where the caller wants a fresh sample it could not, so
    the range starts at nothing. In a sample of single calls most repeats lose their twin: the figure is then too low.
    """
    sampled = {position.workload for position in positions if position.sampling_rate > 1}
    return [
        Opportunity(
            workload=workload,
            lever="repeat",
            candidate="keep the answer",
            low_nano=0,
            high_nano=nano,
            grade="sampled" if workload in sampled else "measured",
            assumption=f"{calls:,} calls repeated a request byte for byte within a day; some may want a fresh answer",
        )
        for workload, (calls, nano) in sorted(repeats.items())
        if nano > 0
    ]


def retirement_opportunities(
    positions: Iterable[Position], workloads: Mapping[str, Workload], book: PriceBook, day: int
) -> list[Opportunity]:
    """Spend on models that retire within 180 days: it moves anyway, to the newest of its line at today's prices.

    The range is that of any swap (`routing.swap_cost`): another tokenizer, another length of answer. It may be
    negative: moving can cost more, and not moving is no choice.
    """
    found = []
    for workload, members in by_workload(positions).items():
        for model_id in dict.fromkeys(position.key.model for position in members):
            model = book.models.get(model_id)
            target = successor(model, book, day) if model else None
            if model is None or target is None or not retires_by(model, day + RETIREMENT_HORIZON_DAYS):
                continue
            affected = [position for position in members if position.key.model == model_id]
            conflicts = feature_conflicts(workloads[workload].request_features, target, book)
            low, high = _saved_by_moving(affected, target, book, day)
            found.append(
                Opportunity(
                    workload=workload,
                    lever="retirement",
                    candidate=target.id,
                    low_nano=low,
                    high_nano=high,
                    grade="assumed",
                    assumption=_of_retirement(model, affected, conflicts),
                )
            )
    return found


def _saved_by_moving(affected: Sequence[Position], target: Model, book: PriceBook, day: int) -> tuple[int, int]:
    low = high = 0
    for position in affected:
        swap = swap_cost(position, target, book, day)
        today = cost_today(position, book, day)
        if swap is not None:
            low += today[0] - swap[1]
            high += today[1] - swap[0]
    return low, high


def _of_retirement(model: Model, affected: Sequence[Position], conflicts: Sequence[str]) -> str:
    spend = decimal_usd(sum(position.list_nano for position in affected))
    said = (
        f"{model.display_name} retires {model.retires}; {spend:,.2f} USD in this window must move; quality not tested"
    )
    if conflicts:
        said += "; to be rewritten first, because " + "; ".join(IN_WORDS.get(name, name) for name in conflicts)
    return said


def _difference(position: Position, key: PriceKey, book: PriceBook, day: int) -> int:
    rates = book.rates(key, day)
    if rates is None:
        return 0
    return cost_today(position, book, day)[0] - cost_nano(position.tokens, rates.low)


def _grade(positions: Sequence[Position]) -> Grade:
    return "sampled" if any(position.sampling_rate > 1 for position in positions) else "measured"


_Applies = Callable[[PriceKey], bool]
_Without = Callable[[PriceKey], PriceKey]
_SURCHARGES: tuple[tuple[str, _Applies, _Without, str], ...] = (
    (
        "fast mode",
        lambda key: key.speed == "fast",
        lambda key: key._replace(speed="standard"),
        "the same calls at standard speed; whether anybody needs the speed is for their owner to say",
    ),
    (
        "US-only inference",
        lambda key: key.geo == "us",
        lambda key: key._replace(geo="global"),
        "the same calls without the 1.1x geography factor; a residency duty would forbid it",
    ),
    (
        "regional endpoint",
        lambda key: key.geo == "regional",
        lambda key: key._replace(geo="global"),
        "the same calls through a global endpoint, 10 % less; a residency duty would forbid it",
    ),
    (
        "over 100,000 tokens",
        lambda key: key.band in ("100k-200k", "200k+"),
        lambda key: key._replace(band="0-100k"),
        "prompts above 100,000 tokens bill every token at five times the rate; as if trimmed just below it",
    ),
)
