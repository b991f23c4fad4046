"""Why a call that might have waited went at once: counted once, by workload and reason, wherever somebody looks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from batch_world import NIGHTLY, asked, notes, waiting
from served import serving, settings

from baseload.demo.upstream.server import Upstream
from baseload.gateway.batch.unbatched import SAYS, NotBatched, among, name_of
from baseload.gateway.runtime import Gateway, Part
from baseload.gateway.telemetry.batch_counts import BatchCounts
from baseload.gateway.telemetry.labels import Labels
from baseload.plan.policy import Policy


def served(upstream: Upstream, folder: Path, calls: list[tuple[dict[str, str], dict[str, Any]]], text: str = "") -> Any:
    """What a gateway without a desk counted of these calls (headers, body)."""
    import anthropic

    loaded = settings(upstream.base_url, text, waiting(), folder)
    made: list[NotBatched] = []

    def parts(gateway: Gateway) -> tuple[Part, ...]:
        made.append(NotBatched(gateway.core, lambda: loaded.policy, has_desk=False))
        gateway.core.watchers = (made[0],)
        return (made[0],)

    with serving(loaded, parts=parts) as running:
        with anthropic.Anthropic(base_url=running.base_url, api_key="sk-ant-own", max_retries=0) as client:
            for headers, more in calls:
                client.messages.create(**asked("x", **more), extra_headers=headers)
        labels = Labels(running.gateway.core, loaded.policy)
        (family,) = BatchCounts(made[0], labels).collect()
        shown = {tuple(one.labels.values()): one.value for one in family.samples}
    return made[0].counts, shown


def test_with_batches_switched_off_each_call_that_may_wait_says_so(upstream: Upstream, tmp_path: Path) -> None:
    calls = [(NIGHTLY, {}), (NIGHTLY, {}), ({}, {})]  # the last is of no entry: nobody said that it may wait
    counts, shown = served(upstream, tmp_path, calls, "[policy]\nholdback = 0.0\n")
    assert counts == {("nightly", "not-enabled"): 2}
    assert shown == {("nightly", "not-enabled"): 2.0}
    assert [(note.workload, note.values) for note in notes(tmp_path)] == [("nightly", {"not-enabled": 2})]


@pytest.mark.parametrize(
    ("headers", "more", "text", "why"),
    [
        ({"x-baseload-pin": "original"}, {}, "[policy]\nholdback = 0.0\n", "pinned-by-header"),
        ({}, {}, "[policy]\nholdback = 1.0\n", "holdback"),
        (
            {"anthropic-beta": "fast-mode-2026-02-01"},
            {"model": "claude-opus-4-8", "extra_body": {"speed": "fast"}},
            "[policy]\nholdback = 0.0\n",
            "fast-mode",
        ),
    ],
)
def test_what_the_decision_withheld_is_counted_by_its_reason(
    headers: dict[str, str], more: dict[str, Any], text: str, why: str, upstream: Upstream, tmp_path: Path
) -> None:
    counts, _ = served(upstream, tmp_path, [({**NIGHTLY, **headers}, more)], text)
    assert counts == {("nightly", why): 1}


def test_a_reason_of_anothers_making_makes_no_series_of_its_own() -> None:
    counts = NotBatched(None, Policy, has_desk=True)  # type: ignore[arg-type]  # nothing is logged here
    for why in ("caller", "fallbacks", "x" * 200):
        counts.add("w", why)
    assert counts.counts == {("w", "caller"): 1, ("w", "batch-field"): 2}
    assert {why for _, why in counts.counts} <= SAYS.keys()


def test_what_the_queue_keeps_reads_back_and_is_added_once() -> None:
    counts = NotBatched(None, Policy, has_desk=True)  # type: ignore[arg-type]  # as above
    counts.add("a workload", "caller")
    fresh = counts.fresh()
    counts.add("a workload", "caller")  # while the first is being written
    counts.stored(fresh)
    assert counts.fresh() == {("a workload", "caller"): 1}
    assert among({name_of(("a workload", "caller")): 7, "spilled": 2}) == {("a workload", "caller"): 7}
