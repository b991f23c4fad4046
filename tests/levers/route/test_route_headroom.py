"""Head-room in rate-limit pools, at the limits of August 2026 (anthropic-facts section 7)."""

from __future__ import annotations

from decimal import Decimal

import pytest
from route_hands import HAIKU, OPUS, options, plain

from baseload.ledger.peaks import Peak
from baseload.levers.options import RouteOption
from baseload.levers.route.headroom import (
    Limits,
    PoolLimit,
    headroom,
    limit_of,
    pool_load,
    pool_problems,
    unknown_pools,
)
from baseload.levers.route.shape import RouteShape
from baseload.prices.book import PriceBook

PEAK = Peak(minutes=10, requests=500, input_tokens=1_000_000, output_tokens=200_000)
TO_HAIKU = RouteOption(
    model="claude-haiku-5-5", growth_likely=Decimal("1.3"), output_likely=Decimal("1.1"), pool="haiku-5-5"
)
STAYS = RouteOption(model=OPUS, pool="opus-4", today=True)


@pytest.mark.parametrize(
    ("tier", "filled"),
    [
        ("start", 0.715),  # requests 500/1,000; input 1.3M/2M; output 0.286M/0.4M is the tightest
        ("build", 0.286),  # 0.286M/1M
        ("scale", 0.143),
    ],
)
def test_the_tightest_of_three_limits_counts(book: PriceBook, tier: str, filled: float) -> None:
    assert headroom(PEAK, TO_HAIKU, Limits(tier=tier), book) == pytest.approx(filled)


def test_nothing_is_claimed_without_limits_or_peak(book: PriceBook) -> None:
    assert headroom(PEAK, TO_HAIKU, None, book) is None
    assert headroom(PEAK, TO_HAIKU, Limits(), book) is None
    assert headroom(None, TO_HAIKU, Limits(tier="start"), book) is None


def test_a_pool_nobody_publishes_has_no_limit_but_a_declared_one(book: PriceBook) -> None:
    assert limit_of("sonnet-5-5", Limits(tier="scale"), book) is None
    own = PoolLimit(requests=100, input_tokens=0, output_tokens=0)
    assert limit_of("sonnet-5-5", Limits(tier="scale", pools={"sonnet-5-5": own}), book) == own
    # 0 = no limit: only requests are counted, 500 of 100
    mine = Limits(pools={"haiku-5-5": own})
    assert headroom(PEAK, TO_HAIKU, mine, book) == 5.0


def test_a_pool_no_model_draws_on_is_a_problem(book: PriceBook) -> None:
    own = PoolLimit(requests=1, input_tokens=0, output_tokens=0)
    assert unknown_pools(None, book) == unknown_pools(Limits(tier="start", pools={"opus-5-5": own}), book) == []
    [problem] = unknown_pools(Limits(pools={"opus-5.5": own, "opus-5-5": own}), book)
    assert (problem.code, problem.value) == ("pool-unknown", "limits.pool.opus-5.5")
    assert "haiku-5-5" in problem.expected
    assert "opus-5-5" in problem.expected


def test_workloads_that_move_to_one_pool_are_added(book: PriceBook) -> None:
    chosen = {"a": TO_HAIKU, "b": TO_HAIKU, "c": STAYS, "unseen": TO_HAIKU}
    loads = pool_load(chosen, {"a": PEAK, "b": PEAK, "c": PEAK}, Limits(tier="start"), book)
    assert [(load.pool, load.workloads, load.arriving) for load in loads] == [
        ("haiku-5-5", ("a", "b"), ("a", "b")),
        ("opus-4", ("c",), ()),
    ]
    assert [load.share for load in loads] == pytest.approx([1.43, 0.5])
    (problem,) = pool_problems(loads, book, {"a": "triage", "b": "reports"})
    assert problem.code == "pool-overfull"
    assert problem.message.startswith(
        "Moving these 2 workloads fills 143% of the rate limits of Claude Haiku 5.5, if their busiest minutes"
    )
    assert "triage, reports" in problem.message


def test_a_pool_that_is_full_without_any_move_is_no_problem_of_the_plan(book: PriceBook) -> None:
    busy = Peak(minutes=1, requests=5_000)
    loads = pool_load({"c": STAYS}, {"c": busy}, Limits(tier="start"), book)
    assert loads[0].share == 5.0
    assert pool_problems(loads, book, {}) == []


def test_options_carry_their_pools_headroom_and_say_when_it_is_an_estimate(book: PriceBook) -> None:
    peak = Peak(minutes=60, requests=100, is_sampled=True)
    found = options(book, plain(book, HAIKU), shape=RouteShape(peak=peak), limits=Limits(tier="start"))
    assert found["today", ""].headroom == 0.1
    option = found["claude-haiku-5-5", ""]
    assert (option.pool, option.headroom) == ("haiku-5-5", 0.1)
    assert "head-room from a sample" in option.note


def test_limits_grow_with_the_tier_and_every_pool_of_them_has_a_model(book: PriceBook) -> None:
    pools = {model.pool for model in book.models.values()}
    for pool in {pool for pool, _ in book.rate_limits}:
        rows = [book.rate_limits[pool, tier] for tier in ("start", "build", "scale")]
        for name in ("requests", "input_tokens", "output_tokens"):
            amounts = [getattr(row, name) for row in rows]
            assert amounts == sorted(amounts)
        assert pool in pools
    haiku = {tier: book.rate_limits["haiku-5-5", tier].input_tokens for tier in ("start", "build", "scale")}
    assert haiku == {"start": 2_000_000, "build": 5_000_000, "scale": 10_000_000}
