"""The published figures on recorded Claude Code prefixes, and what the plan must reach on real traces."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from baseload.levers.cache.blanket import cache_all, cache_nothing
from baseload.levers.cache.clairvoyant import clairvoyant
from baseload.levers.cache.evaluate import judged_part
from baseload.levers.cache.paths import Memory, fold
from baseload.levers.cache.price import InputPrices, prices_of
from baseload.levers.cache.replay import learn, replay
from baseload.levers.cache.touches import touches
from baseload.levers.cache.trace import Trace
from baseload.levers.cache.traces import build_trace, select
from baseload.prices.load import load_book
from baseload.usage.prefix_traces import read_traces

DAY = 20_779  # 2026-11-22
SESSIONS = "traces/claude-code-prefixes/requests_v6_global.parquet"
TIMED = "traces/mooncake/synthetic_trace.jsonl"
OPUS = "claude-opus-4-5-20251101"


def real(file: Path, model: str) -> tuple[Trace, InputPrices]:
    """A real trace as one model, reads at a tenth of plain input, no minimum: the reference's assumptions."""
    rows, problems = read_traces([file])
    book = load_book()
    trace, faults = build_trace(rows, book.resolve, model=model)
    assert trace is not None
    assert (problems, faults) == ([], [])
    return trace, prices_of(book, trace.models, DAY, read_multiplier=Decimal("0.1"), minimum=False)


def rules(trace: Trace, prices: InputPrices, memory: Memory | None = None) -> dict[str, float]:
    """Cost over no cache of the blanket rules and the bound."""
    touched = touches(trace, fold(trace, memory), prices)
    results = (
        cache_all("all_5m", trace, prices, touched),
        cache_all("all_1h", trace, prices, touched),
        clairvoyant("clairvoyant", trace, prices, touched),
    )
    uncached = cache_nothing(trace, prices).femto_usd
    return {result.name: result.femto_usd / uncached for result in results}


@pytest.mark.parametrize(
    ("memory", "figures"),
    [(None, [0.2332, 0.2460, 0.1941]), ("all", [0.2061, 0.1948, 0.1694])],
    ids=["as judged", "all alive"],
)
def test_the_reference_figures_are_those_of_lanes_that_know_their_last_request(
    shared_data: Path, memory: Memory | None, figures: list[float]
) -> None:
    """Published for these recordings: .233, .246, .194. A tree of all that is alive gives other figures."""
    said = rules(*real(shared_data / SESSIONS, OPUS), memory)
    assert [round(ratio, 4) for ratio in said.values()] == figures


@pytest.mark.parametrize("exchanged", [False, True])
@pytest.mark.parametrize(("name", "closed"), [(SESSIONS, 0.5), (TIMED, None)], ids=["sessions", "many callers"])
def test_the_plan_reaches_its_targets_on_whole_traces(
    shared_data: Path, name: str, closed: float | None, *, exchanged: bool
) -> None:
    """At most 0.5 % above the cheapest rule, and on coding sessions half of the way from it to the bound."""
    trace, prices = real(shared_data / name, OPUS)
    part = judged_part(trace, Decimal("0.5"))
    train, judged = (
        (select(trace, part), select(trace, ~part)) if exchanged else (select(trace, ~part), select(trace, part))
    )
    said = rules(judged, prices)
    plan = replay(learn(train, prices), judged, prices).femto_usd / cache_nothing(judged, prices).femto_usd
    rule = min(1.0, said["all_5m"], said["all_1h"])
    assert plan <= rule * 1.005
    assert plan <= 1.0
    if closed is not None:
        assert plan <= rule - closed * (rule - said["clairvoyant"])
