"""What the levers found, as the plan document draws it: nothing added, nothing lost, cents that add up."""

from __future__ import annotations

from plan_documents import facts, run_rate

from baseload.levers.batch.clock import BatchClock, DrawnBatch
from baseload.levers.cache.anatomy import Anatomy, RequestPart
from baseload.levers.cache.evaluate import PolicyFigures
from baseload.levers.cache.gaps import GapCount, Gaps
from baseload.levers.cache.report import MissFigures, WorkloadCache
from baseload.plan.assemble import build
from baseload.plan.pictures import anatomy_part, clock_part

DAY = 20_779  # 2026-11-22
NOON_US = DAY * 86_400_000_000 + 43_200_000_000


def found_cache() -> WorkloadCache:
    stamp = RequestPart(
        section="system", name="system block 1", tokens=40, said="time stamp change", repeat_share=0.01, volatile=True
    )
    steady = RequestPart(
        section="system",
        name="system block 2",
        tokens=2_000,
        said="the same in every call",
        mark="5m",
        repeat_share=1.0,
    )
    return WorkloadCache(
        workload="big",
        name="The big job",
        model="claude-opus-4-8",
        calls=80,
        judged_calls=40,
        uncached_usd="0.50",
        policies=(
            PolicyFigures(
                name="plan",
                usd="0.1849",
                ratio=0.37,
                write_tokens=2_000,
                read_tokens=78_000,
                hit_rate=0.78,
                write_5m_tokens=2_000,
                write_1h_tokens=0,
                uncached_tokens=20_000,
                keep_alive_tokens=0,
            ),
        ),
        marks=(),
        move_after_prefix=(),
        request=Anatomy(before=(stamp, steady), after=(steady, stamp), diff=("- system block 1",)),
        misses=(
            MissFigures(reason="system_changed", detail="time stamp", calls=79, tokens=158_000, usd="0.9085", logged=0),
            MissFigures(reason="gap_over_ttl", detail="", calls=1, tokens=900, usd="0.0049", logged=0),
        ),
        missed_usd="0.9134",
        note="",
        gaps=(
            Gaps(
                since="start",
                first_calls=1,
                counts=(
                    GapCount(up_to_us=300_000_000, calls=70, prompt_tokens=175_000),
                    GapCount(up_to_us=None, calls=9, prompt_tokens=22_500),
                ),
            ),
        ),
    )


def found_clock() -> BatchClock:
    return BatchClock(
        weeks=2.0,
        arrivals=(1.5,) * 168,
        answers_batch=(1.0,) * 168,
        answers_sync=(0.5,) * 168,
        closings=(7.0,) * 24,
        day=DAY,
        batches=(
            DrawnBatch(
                opened_us=NOON_US, submitted_us=NOON_US + 3_600_000_000, ended_us=NOON_US + 50_000_000_000, requests=12
            ),
        ),
    )


def test_an_anatomy_keeps_its_parts_and_its_misses_add_up_in_cents() -> None:
    part = anatomy_part(found_cache())

    assert part is not None
    assert [(block.name, block.volatile, block.repeat_share) for block in part.before] == [
        ("system block 1", True, 0.01),
        ("system block 2", False, 1.0),
    ]
    assert [block.name for block in part.after] == ["system block 2", "system block 1"]
    assert [(miss.reason, miss.usd) for miss in part.misses] == [("system_changed", "0.91"), ("gap_over_ttl", "0.00")]
    assert part.missed_usd == "0.91"  # the cents shown, not 0.9134 rounded on its own
    assert part.policies[0].usd == "0.18"
    assert not part.gaps[0].estimated
    assert [(one.up_to_seconds, one.calls) for one in part.gaps[0].buckets] == [(300, 70), (None, 9)]


def test_a_clock_tells_moments_after_midnight() -> None:
    part = clock_part(found_clock())

    assert part is not None
    assert part.day == "2026-11-22"
    # noon; an hour later; 50,000 seconds after noon, which is tomorrow
    (batch,) = part.batches
    assert (batch.opened_second, batch.submitted_second, batch.ended_second) == (43_200, 46_800, 93_200)


def test_pictures_stand_on_the_rows_that_have_them_alone() -> None:
    given = facts(run_rate())._replace(anatomies={"big": found_cache()}, clocks={"mid": found_clock()})
    rows = {row.id: row for row in build(given).workloads}

    assert rows["big"].cache is not None
    assert rows["big"].clock is None
    assert rows["mid"].clock is not None
    assert (rows["low"].cache, rows["low"].clock) == (None, None)
