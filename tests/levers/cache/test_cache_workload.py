"""What the plan makes of a workload, worked out by hand beside each set of calls."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from cache_calls import DAY, MODEL, Sent, rows_of
from hypothesis import given, settings
from hypothesis import strategies as st

from baseload.levers.cache.judge import Judge
from baseload.levers.cache.marking import blanket, cheapest
from baseload.levers.cache.prompts import TAIL, TOOLS, Slot
from baseload.levers.cache.structure import structure_of
from baseload.levers.cache.study import study_of
from baseload.levers.cache.workload import cache_outcomes, input_prices, latest, parts_of, prepared, requests_of
from baseload.levers.options import CacheMark, CacheOutcome
from baseload.prices.book import PriceBook
from baseload.prices.load import load_book


@pytest.fixture(scope="module")
def book() -> PriceBook:
    return load_book()


def outcomes(book: PriceBook, calls: Sequence[Sent], *models: str) -> dict[str, CacheOutcome]:
    found, problems = cache_outcomes(rows_of(*calls), [book.models[name] for name in models or (MODEL,)], book, DAY)
    assert problems == []
    return {outcome.policy: outcome for outcome in found}


def shares(outcome: CacheOutcome) -> tuple[float, ...]:
    return outcome.uncached_share, outcome.read_share, outcome.write_5m_share, outcome.write_1h_share


def steady(every: float, count: int = 80, **changes: object) -> list[Sent]:
    """Calls of 2,000 static and 500 own tokens."""
    return [Sent(every * n, f"5a:2000:s {n:04x}:500:u", (2500, 0, 0, 0))._replace(**changes) for n in range(count)]


def test_a_steady_prefix_is_marked_for_five_minutes(book: PriceBook) -> None:
    found = outcomes(book, steady(60))
    # 40 calls judged, 100,000 tokens: 40 x 500 own, one write of 2,000, 39 reads of 2,000
    assert shares(found["plan"]) == pytest.approx((0.20, 0.78, 0.02, 0))
    assert found["plan"].marks == (CacheMark(section="system", after="system:0", ttl="5m"),)
    assert found["plan"].calls == 40
    assert shares(found["none"]) == (1, 0, 0, 0)
    # everything marked: the own part is written too
    assert shares(found["all_5m"]) == pytest.approx((0, 0.78, 0.22, 0))
    assert shares(found["all_1h"]) == pytest.approx((0, 0.78, 0, 0.22))


def test_gaps_of_ten_minutes_want_the_hour(book: PriceBook) -> None:
    plan = outcomes(book, steady(600))["plan"]
    assert shares(plan) == pytest.approx((0.20, 0.78, 0, 0.02))
    assert [mark.ttl for mark in plan.marks] == ["1h"]


def test_gaps_beyond_the_hour_want_no_mark(book: PriceBook) -> None:
    plan = outcomes(book, steady(4000))["plan"]
    assert (shares(plan), plan.marks, plan.spread) == ((1, 0, 0, 0), (), 0)


def test_a_model_that_caches_longer_prefixes_only_gets_no_mark(book: PriceBook) -> None:
    assert book.models["claude-haiku-4-5-20251001"].min_cacheable_tokens == 4096
    assert outcomes(book, steady(60), "claude-haiku-4-5-20251001")["plan"].marks == ()


def test_conversations_are_marked_at_their_tail(book: PriceBook) -> None:
    calls = []
    for session in range(40):
        turns = ""
        for turn in range(4):
            turns += f" {session:03x}{turn}:1000:u" if turn % 2 == 0 else f" {session:03x}{turn}:1000:a 99:1000:u"
            calls.append(Sent(4000 * session + 30 * turn, f"5a:100:s{turns}", (10, 0, 0, 0), f"s{session}"))
    plan = outcomes(book, calls)["plan"]
    assert plan.marks[-1] == CacheMark(section="messages", after="tail", ttl="5m")
    assert plan.read_share > 0.5


def stamped(count: int = 80) -> list[Sent]:
    """A time stamp of 40 tokens before 2,000 static ones, cached as it stands: nothing is ever read."""
    return [
        Sent(60 * n, f"{n:04x}:40:s:#aaaaaat{n:06x} 5a:2000:s5 {n:05x}:460:u", (460, 0, 2040, 0)) for n in range(count)
    ]


def test_a_time_stamp_before_the_static_part_is_moved_and_named(book: PriceBook) -> None:
    found = outcomes(book, stamped())
    plan = found["edited"]
    assert plan.move_after_prefix == ("time stamp in system block 1 (about 40 tokens)",)
    assert plan.marks == (CacheMark(section="system", after="system:0", ttl="5m"),)  # it is the first block now
    # of 2,500 tokens 2,000 are read; 500 (stamp and own) are plain
    assert shares(plan) == pytest.approx((0.20, 0.78, 0.02, 0))
    assert shares(found["as_billed"]) == pytest.approx((0.184, 0, 0.816, 0))
    assert shares(found["all_5m"]) == (0, 0, 1, 0)


def test_as_the_prompt_is_sent_today_the_plan_reads_nothing_behind_its_time_stamp(book: PriceBook) -> None:
    plan = outcomes(book, stamped())["plan"]
    assert (plan.move_after_prefix, plan.marks, shares(plan)) == ((), (), (1, 0, 0, 0))


def test_where_nothing_is_worth_moving_there_is_no_plan_of_an_edited_prompt(book: PriceBook) -> None:
    assert "edited" not in outcomes(book, steady(60))


def test_a_part_nobody_repeats_more_than_what_follows_it_stays(book: PriceBook) -> None:
    # two customers' prompts, each block as often as the other
    calls = [
        Sent(60 * n, f"{n % 2:02x}:1500:s {n % 2 + 2:02x}:500:s {n:04x}:500:u", (2500, 0, 0, 0)) for n in range(80)
    ]
    plan = outcomes(book, calls)["plan"]
    assert plan.move_after_prefix == ()
    assert plan.read_share == pytest.approx((80_000 - 2 * 2000) / 100_000)


def test_what_comes_later_changes_no_mark(book: PriceBook) -> None:
    first, later = (
        steady(60)[:40],
        [call._replace(prefix=f"ee{n:03x}:2500:u") for n, call in enumerate(steady(60)[40:])],
    )
    assert outcomes(book, first + later)["plan"].marks == outcomes(book, steady(60))["plan"].marks
    # and a prefix nobody shares any more then costs what it costs: no system block is left to mark
    assert shares(outcomes(book, first + later)["plan"]) == (1, 0, 0, 0)


def test_as_billed_is_measured_for_each_model_used(book: PriceBook) -> None:
    calls = [
        Sent(0, billed=(100, 300, 600, 0)),
        Sent(1, billed=(100, 0, 0, 900), model="claude-opus-5-5"),
        Sent(2, billed=(0, 0, 0, 1000), model="claude-opus-5-5", rate=3),
    ]
    found, _ = cache_outcomes(rows_of(*calls), [book.models[MODEL]], book, DAY)
    assert [(one.policy, one.model, one.grade, one.calls) for one in found] == [
        ("as_billed", MODEL, "measured", 1),
        ("as_billed", "claude-opus-5-5", "sampled", 2),
    ]
    assert shares(found[0]) == (0.1, 0.3, 0.6, 0)
    assert shares(found[1]) == pytest.approx((100 / 4000, 0, 0, 3900 / 4000))
    assert "neither request bodies nor whole sessions" in found[0].note


@pytest.mark.parametrize(
    ("calls", "why"),
    [
        (steady(60, tier="batch"), "Batches API"),
        (steady(60, prefix="", session=""), "neither request bodies"),
        (steady(60, count=30), "fewer than 20 calls"),
    ],
)
def test_what_cannot_be_told_is_withheld(book: PriceBook, calls: list[Sent], why: str) -> None:
    found = outcomes(book, calls)
    assert list(found) == ["as_billed"]
    assert why in found["as_billed"].note


def test_of_sampled_turns_no_rule_that_marks_the_tail_is_judged(book: PriceBook) -> None:
    calls = [Sent(60 * n, f"5a:2000:s {n:03x}:9:u 77:9:a 78:9:u", (2027, 0, 0, 0), rate=50) for n in range(80)]
    found = outcomes(book, calls)
    assert set(found) == {"as_billed", "none", "plan"}
    assert [mark.after for mark in found["plan"].marks] == ["system:0"]
    prefilled = [call._replace(prefix=call.prefix.removesuffix(" 78:9:u")) for call in calls]
    assert "all_5m" in outcomes(book, prefilled)


def test_calls_of_the_first_features_version_are_a_problem(book: PriceBook) -> None:
    _, problems = cache_outcomes(rows_of(Sent(0, "3f9a:412 90ab:7")), [], book, DAY)
    assert [(problem.code, problem.value) for problem in problems] == [("prefix-without-positions", "1 calls")]


def test_a_session_is_learnt_on_or_judged_whole() -> None:
    calls = [Sent(0, session="a"), Sent(10, session="b"), Sent(60, session="c"), Sent(99, session="b"), Sent(100)]
    train, judged = parts_of(requests_of(rows_of(*calls)))
    assert (train.start_us - train.start_us[0]).tolist() == [0, 10_000_000, 99_000_000]
    assert len(judged) == 2


def test_of_too_many_calls_the_latest_whole_days_are_followed() -> None:
    requests = requests_of(rows_of(*(Sent(86_400 * day + n) for day in range(3) for n in range(4))))
    assert len(latest(requests, 12)) == 12
    assert len(latest(requests, 11)) == 8
    assert len(latest(requests, 3)) == 4  # one day at least


def test_a_cache_all_rule_marks_tools_system_and_tail() -> None:
    slots = (TOOLS, Slot("system", "system:0"), Slot("system", "system:1"), Slot("messages", "message:0"), TAIL)
    assert [slot.after for slot, _ in blanket(slots, "5m").marks] == ["last_tool", "system:1", "tail"]


PROMPTS = st.tuples(
    st.integers(0, 20_000), st.integers(0, 3), st.integers(0, 2), st.integers(0, 4), st.sampled_from([100, 900, 5000])
)


@settings(max_examples=40, deadline=None)
@given(st.lists(PROMPTS, min_size=50, max_size=60), st.sampled_from([MODEL, "claude-haiku-5-5", "claude-fable-5-2"]))
def test_on_what_it_learnt_from_a_plan_never_costs_more_than_no_cache(
    drawn: list[tuple[int, int, int, int, int]], model: str
) -> None:
    book = load_book()
    calls = [
        Sent(second, f"{header:02x}:30:s {system:02x}:{size}:s {user:02x}:400:u", (size + 430, 0, 0, 0))
        for second, header, system, user, size in drawn
    ]
    ready = prepared(rows_of(*calls), book)
    prices = input_prices(book, model, DAY)
    if ready.learner and prices:
        plan = cheapest(ready.learner, prices)
        none = ready.learner.sums(prices, blanket((), "5m"))
        assert ready.learner.sums(prices, plan).cost <= none.cost
        assert none.read == none.write_5m == none.write_1h == 0


def test_shares_are_of_tokens_as_the_model_counts_them(book: PriceBook) -> None:
    # half of the calls on an older model: the newer one makes about 1.3 tokens of each of its tokens
    old = [call._replace(model="claude-opus-4-6") for call in steady(60)[1::2]]
    mixed = sorted(old + steady(60)[::2], key=lambda call: call.second)
    judge = prepared(rows_of(*mixed), book).judge
    prices = input_prices(book, "claude-opus-5-5", DAY)
    assert isinstance(judge, Judge)
    assert prices is not None
    sums = judge.sums(prices, blanket((), "5m"))
    assert sums.uncached == pytest.approx(20 * 2500 + 20 * 2500 * 1.3)


def test_the_interval_widens_with_what_differs_between_sessions(book: PriceBook) -> None:
    even = outcomes(book, steady(60))["plan"].spread
    uneven = [call._replace(prefix=call.prefix.replace("500:u", f"{9000 * (n % 7 == 0) + 10}:u"))
              for n, call in enumerate(steady(60))]  # fmt: skip
    resized = [call._replace(billed=(2000 + 9000 * (n % 7 == 0) + 10, 0, 0, 0)) for n, call in enumerate(uneven)]
    assert 0 < even < outcomes(book, resized)["plan"].spread


def test_a_study_prices_every_policy_on_one_model(book: PriceBook) -> None:
    study = study_of(rows_of(*stamped()), book, DAY)
    assert list(study.policies) == ["none", "as_billed", "all_5m", "all_1h", "plan"]
    # 40 calls of 2,500 tokens at 5 USD per MTok: 0.50; as billed 460 x 5 + 2,040 x 6.25 USD per MTok a call
    assert study.policies["none"].cost == pytest.approx(0.50e9)
    assert study.policies["as_billed"].cost == pytest.approx(40 * (460 * 5 + 2040 * 6.25) * 1000)
    # plan: 500 plain each, one write of 2,000, 39 reads
    assert study.policies["plan"].cost == pytest.approx((40 * 500 * 5 + 2000 * 6.25 + 39 * 2000 * 0.5) * 1000)
    assert study.model == MODEL


def test_the_structure_of_prompts_without_bodies_is_a_shared_start_and_a_tail() -> None:
    assert [slot.after for slot in structure_of(["", ""], [0, 1]).slots] == ["system:0", "tail"]


def test_the_last_message_many_sessions_share_is_a_place_for_a_mark() -> None:
    texts = [f"5a:9:s 01:9:u 02:9:a {lane:02x}:9:u" for lane in range(16, 26)]
    assert [slot.after for slot in structure_of(texts, range(10)).slots] == ["system:0", "message:1", "tail"]
