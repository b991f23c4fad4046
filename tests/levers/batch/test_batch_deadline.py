"""What a workload's answers may take: a person's word first, then a short guess with its reason, then nothing."""

from __future__ import annotations

import pytest

from baseload.levers.batch.deadline import Deadline, deadline_of
from baseload.project import WorkloadRule
from baseload.values import HOUR_US, Workload

MINUTE_US = HOUR_US // 60


def workload(**changes: object) -> Workload:
    plain = {"id": "w1", "name": "reports", "stage": "tag", "why": "", "latency": "tolerant"}
    return Workload(**(plain | changes))  # type: ignore[arg-type]


def test_a_declared_deadline_beats_what_the_traffic_shows() -> None:
    rules = [WorkloadRule(name="other", id="w2", deadline="24h"), WorkloadRule(name="x", id="w1", deadline="15m")]
    found = deadline_of(workload(latency_evidence="99% of its calls start between 01:00 and 04:00 UTC."), rules)
    assert found == Deadline(us=15 * MINUTE_US, source="declared", reason='deadline = "15m" in baseload.toml')


def test_a_declared_deadline_counts_even_where_somebody_seems_to_wait() -> None:
    found = deadline_of(workload(latency="interactive"), [WorkloadRule(name="x", id="w1", deadline="4h")])
    assert (found.us, found.potential) == (4 * HOUR_US, False)


def test_a_rule_without_an_id_is_about_the_group_it_made_only() -> None:
    rule = WorkloadRule(name="reports", deadline="24h", api_key="k")
    assert deadline_of(workload(stage="rule"), [rule]).us == 24 * HOUR_US
    assert deadline_of(workload(stage="tag"), [rule]).us == 4 * HOUR_US  # another group that happens to be called so


def test_an_unreadable_deadline_is_no_deadline() -> None:
    found = deadline_of(workload(), [WorkloadRule(name="x", id="w1", deadline="soon")])
    assert (found.us, found.source) == (4 * HOUR_US, "inferred")


@pytest.mark.parametrize(
    ("changes", "us", "potential", "reason"),
    [
        ({"latency_evidence": 'Its name says "cron".'}, 4 * HOUR_US, False, "4 hours supposed because nobody waits"),
        ({"name": "hourly-digest"}, HOUR_US, False, "1 hour supposed"),
        ({"latency": "unknown"}, 4 * HOUR_US, True, "nothing shows whether anybody waits"),
        ({"latency": "interactive", "latency_evidence": "96% of its calls stream."}, 0, False, "somebody waits: 96%"),
    ],
)  # fmt: skip
def test_an_inferred_deadline_is_short_and_says_why(
    changes: dict[str, str], us: int, potential: bool, reason: str
) -> None:
    found = deadline_of(workload(**changes))
    assert (found.us, found.source, found.potential) == (us, "inferred", potential)
    assert reason in found.reason
