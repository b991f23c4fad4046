"""The three numbers: hand-worked sums, bounds and grade mixes."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from planned_cases import USD, plan, usd, workload

from baseload.ledger.run_rate import RunRate
from baseload.plan.baseline import Baseline, baseline, percents
from baseload.plan.choice import Choice
from baseload.plan.planned import Planned
from baseload.values import Window


def rate(annual: int | None, low: int | None = None, high: int | None = None) -> RunRate:
    """A run rate in whole dollars a year."""
    nano = [None if dollars is None else dollars * USD for dollars in (annual, low, high)]
    return RunRate(
        annual_nano=nano[0],
        low_nano=nano[1],
        high_nano=nano[2],
        window=Window(start_day=20_000, end_day_exclusive=20_028),
        complete_days=28,
        observed_nano=0,
        gaps=(),
        outlier_days=(),
        alternatives=(),
        why_null="" if annual is not None else "3 complete days",
    )


def made(
    annual: RunRate,
    planned: list[Planned],
    proven: list[Planned] | None = None,
    deployable: list[Planned] | None = None,
) -> Baseline:
    found = baseline(annual, planned, proven or [], planned if deployable is None else deployable)
    assert found is not None
    return found


ROUTED = plan(("route", usd(200, 400, 500), "assumed"), choice=Choice(route=1), cost={"assumed": 600})


def test_without_a_run_rate_there_is_no_baseline() -> None:
    assert baseline(rate(None), [ROUTED], [], []) is None


def test_the_optimized_number_is_the_run_rate_less_the_likely_savings() -> None:
    assert made(rate(1_000), [ROUTED]).optimized.nano == 600 * USD


def test_the_bounds_move_weeks_and_savings_to_their_bad_ends_together() -> None:
    """Low: (1,000 - 500) at 90 % of the volume. High: (1,000 - 200) at 120 % of it."""
    found = made(rate(1_000, 900, 1_200), [ROUTED]).optimized
    assert (found.low_nano, found.high_nano) == (450 * USD, 960 * USD)
    assert "lowest weeks" in found.note


def test_at_its_high_end_every_trial_fails_and_only_what_needs_none_is_left() -> None:
    """High: (1,000 - 50) at 120 % of the volume, because 50 is less than the 200 of the routed plan's low end."""
    ready = plan(("cache", usd(50, 60, 70), "simulated"), cost={"simulated": 940})
    assert made(rate(1_000, 900, 1_200), [ROUTED], deployable=[ready]).optimized.high_nano == 1_140 * USD


def test_without_four_weeks_only_the_savings_bound_the_optimized_number() -> None:
    found = made(rate(1_000), [ROUTED])
    assert (found.optimized.low_nano, found.optimized.high_nano) == (500 * USD, 800 * USD)
    assert (found.as_billed.low_nano, found.as_billed.high_nano) == (None, None)
    assert (found.conservative.low_nano, found.conservative.high_nano) == (None, None)
    assert "under four whole weeks" in found.as_billed.note


def test_a_number_says_how_its_dollars_are_known() -> None:
    """1,000 run rate, three workloads of 300, 310 and 210 as billed: 180 belong to none of them.

    After savings of 0, 30 and 100: 300 measured, 280 replayed, 110 assumed and the 180: 870 in all.
    480 / 870 = 55.2 %, 280 / 870 = 32.2 %, 110 / 870 = 12.6 %: 55 + 32 + 12, and one more where .6 is left.
    """
    still = plan(of=workload("a"), billed=300)
    held = plan(("route", usd(20, 30, 40), "replayed"), of=workload("b"), billed=310, cost={"replayed": 280})
    hoped = plan(("batch", usd(0, 100, 150), "assumed"), of=workload("c"), billed=210, cost={"assumed": 110})
    found = made(rate(1_000), [still, held, hoped]).optimized
    assert found.mix_text == "55 % measured, 32 % replayed, 13 % assumed"
    assert [part.nano // USD for part in found.mix] == [480, 280, 110]
    assert found.grade == "assumed"


def test_the_savings_have_a_mix_of_their_own() -> None:
    one = plan(("fix", usd(30, 30, 30), "measured"), ("cache", usd(40, 70, 90), "simulated"))
    found = made(rate(1_000), [one])
    assert [(part.grade, part.percent) for part in found.savings_mix] == [("measured", 30), ("simulated", 70)]


def test_the_conservative_number_counts_only_the_proven_plan_and_its_low_end() -> None:
    """The full plan saves 400 (assumed). The proven plan fixes waste for 50, at least 45: 1,000 - 45."""
    proven = plan(("fix", usd(45, 50, 60), "measured"), choice=Choice(fixes=(0,)))
    found = made(rate(1_000, 900, 1_200), [ROUTED], [proven])
    assert found.conservative.nano == 955 * USD
    assert (found.conservative.low_nano, found.conservative.high_nano) == (859_500_000_000, 1_146 * USD)
    assert found.conservative.mix_text == "100 % measured"


def test_nothing_proven_leaves_the_run_rate() -> None:
    assert made(rate(1_000), [ROUTED]).conservative.nano == 1_000 * USD


def test_a_plan_without_levers_is_the_bill() -> None:
    found = made(rate(1_000, 900, 1_100), [plan()])
    assert found.optimized.nano == found.as_billed.nano
    assert (found.optimized.low_nano, found.optimized.high_nano) == (900 * USD, 1_100 * USD)


@settings(max_examples=60)
@given(st.lists(st.integers(-(10**15), 10**15), min_size=1, max_size=6))
def test_percents_add_to_a_hundred_wherever_there_is_anything(parts: list[int]) -> None:
    assert sum(percents(parts)) == (100 if any(part > 0 for part in parts) else 0)


@settings(max_examples=60)
@given(
    st.integers(0, 10**15),
    st.lists(st.tuples(st.integers(0, 10**14), st.integers(0, 10**14), st.integers(0, 10**14)), max_size=4),
)
def test_every_mix_adds_to_its_figure(annual: int, spans: list[tuple[int, int, int]]) -> None:
    planned = []
    for index, span in enumerate(spans):
        low, likely, high = sorted(span)
        saved = usd(0, 0, 0).each(lambda _: 0)
        saved = msgspec.structs.replace(saved, low=low, likely=likely, high=high)
        planned.append(plan(("cache", saved, "simulated"), of=workload(str(index)), billed=10**6))
    found = baseline(msgspec.structs.replace(rate(1), annual_nano=annual), planned, planned, planned)
    assert found is not None
    for figure in (found.as_billed, found.optimized, found.conservative):
        assert sum(part.nano for part in figure.mix) == figure.nano
        assert figure.low_nano is None or figure.high_nano is None or figure.low_nano <= figure.high_nano
