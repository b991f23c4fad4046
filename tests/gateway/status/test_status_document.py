"""What `status` says of attempts whose every figure is known by hand."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from baseload.cli.status import _against
from baseload.gateway.calllog.records import Note
from baseload.gateway.calllog.segment import CallLog
from baseload.gateway.state.records import Rollback
from baseload.gateway.status import PlanFigures, session_costs, status
from baseload.gateway.status_rows import Attempt, Read, read_log
from baseload.plan.policy import Entry, Match, WorkloadRef, policy
from baseload.prices.load import load_book
from baseload.usage.reader import ReadContext
from baseload.values import OrgKey


def attempt(**more: Any) -> Attempt:
    fields: dict[str, Any] = {
        "start_us": 1, "workload": "w", "policy_id": "p", "stage": "canary 50 %", "arm": "candidate", "session": "s",
        "trip": "", "attempt": 1, "purpose": "serve", "answered": True, "done": True, "in_flight": False,
        "fell_back": False, "usd": Decimal("0.02"), "original_usd": Decimal("0.10"),
    }  # fmt: skip
    return Attempt(**{**fields, **more})


def sessions(arm: str, count: int, usd: str, **more: Any) -> list[Attempt]:
    return [attempt(arm=arm, session=f"{arm}-{n}", usd=Decimal(usd), **more) for n in range(count)]


def of(attempts: list[Attempt], **more: Any) -> Any:
    return status(Read(attempts=attempts), source="call log", **more)


def test_savings_are_those_of_sessions_against_sessions_held_back() -> None:
    found = of([*sessions("candidate", 40, "0.02"), *sessions("holdback", 20, "0.10")])
    realised = found.workloads[0].realised
    assert realised.saved_usd == "3.2"  # 40 x (0.10 - 0.02)
    assert realised.share == pytest.approx(0.8)
    assert (realised.sessions, realised.reference) == (40, 20)
    assert (realised.candidate_per_session_usd, realised.reference_per_session_usd) == ("0.02", "0.1")


def test_without_a_holdback_nothing_is_identified_and_repriced_says_it_is_assumed() -> None:
    found = of(sessions("candidate", 40, "0.02"))
    assert found.saved_usd is None
    assert found.workloads[0].realised.reason.startswith("not identified: no session was held back")
    assert found.spend.repriced_usd == "4"  # 40 x 0.10
    assert found.spend.repriced_saved_usd == "3.2"


def test_sessions_on_the_incumbent_outside_the_holdback_are_on_no_side() -> None:
    assert session_costs(sessions("incumbent", 5, "0.10")) == []


def test_a_session_counts_on_the_side_it_began_on_with_all_it_cost() -> None:
    began = attempt(start_us=1, arm="candidate", usd=Decimal("0.02"))
    after = attempt(start_us=2, arm="incumbent", stage="rolled back", usd=Decimal("0.10"), done=False)
    found = session_costs([after, began])
    assert [(one.period, one.side, one.usd, one.completed) for one in found] == [
        ("p canary 50 %", "candidate", 0.12, 1)
    ]


def test_net_takes_off_shadow_calls_and_trials_and_not_retries_twice() -> None:
    rows = [*sessions("candidate", 10, "0.02"), *sessions("holdback", 10, "0.10")]
    rows += [attempt(purpose="shadow", usd=Decimal("0.05"), arm="candidate", session="x")]
    rows += [attempt(purpose="trial", usd=Decimal("0.03"), session="y")]
    rows += [
        attempt(session="candidate-0", trip="t", attempt=1, usd=Decimal("0.01"), start_us=2),
        attempt(session="candidate-0", trip="t", attempt=2, usd=Decimal("0.04"), start_us=3),
    ]
    found = of(rows).workloads[0]
    assert found.spend.actual_usd == "1.25"  # 0.20 + 1.00 + 0.05
    assert found.spend.retries_usd == "0.01"
    assert found.spend.shadow_usd == "0.05"
    assert found.spend.trial_usd == "0.03"
    assert found.realised.saved_usd == "0.75"  # 10 x 0.10 - (0.20 + 0.05)
    assert found.realised.net_usd == "0.67"


def test_calls_in_flight_have_no_cost_and_say_what_is_reserved() -> None:
    rows = [attempt(), attempt(in_flight=True, usd=None, original_usd=None, reserved_usd=Decimal("0.5"))]
    spend = of([*rows, attempt(usd=None, original_usd=None)]).spend
    assert (spend.in_flight, spend.in_flight_reserved_usd, spend.unknown_calls) == (1, "0.5", 1)
    assert spend.actual_usd == "0.02"


def test_answers_that_ended_before_their_final_usage_are_beside_the_cost_with_the_least_they_cost() -> None:
    """Of four that ended, two broke off (0.01 and 0.03 seen, 0.5 held each), one was never answered (0.5 held)."""
    held = Decimal("0.5")
    cut = {"usd": None, "original_usd": None, "reserved_usd": held, "done": False}
    rows = [attempt(), attempt(**cut), *(attempt(**cut, seen_usd=Decimal(usd)) for usd in ("0.01", "0.03"))]
    rows += [attempt(in_flight=True, usd=None, original_usd=None, reserved_usd=held)]
    spend = of(rows).spend
    assert (spend.actual_usd, spend.unknown_calls, spend.in_flight) == ("0.02", 3, 1)
    assert (spend.not_settled, spend.not_settled_share) == (2, 0.5)
    assert (spend.unknown_least_usd, spend.unknown_reserved_usd) == ("0.04", "1.5")


def test_what_a_session_is_known_to_have_cost_holds_what_was_seen_of_a_broken_answer() -> None:
    (found,) = session_costs([attempt(), attempt(start_us=2, usd=None, seen_usd=Decimal("0.01"), done=False)])
    assert found.usd == pytest.approx(0.03)


def test_a_session_of_which_no_cost_is_known_is_on_no_side() -> None:
    """Taken for free, ten calls that a killed process left open would have the candidate cost half of what it does."""
    rows = [*sessions("candidate", 10, "0.02"), *sessions("holdback", 10, "0.10")]
    rows += [attempt(session=f"cut-{n}", usd=None, original_usd=None, in_flight=True) for n in range(10)]
    rows += [attempt(session="candidate-0", usd=None, original_usd=None, in_flight=True, start_us=2)]
    realised = of(rows).workloads[0].realised
    assert (realised.sessions, realised.candidate_per_session_usd, realised.saved_usd) == (10, "0.02", "0.8")


def test_a_workload_stands_beside_what_the_plan_expects_of_it() -> None:
    plan = msgspec.json.decode(
        b'{"basis":{"unit":"a year"},"more":1,"workloads":[{"id":"w","name":"tickets","saving_share":0.75,'
        b'"saving":{"low_usd":"100.00","likely_usd":"120.00","high_usd":"130.00"}}]}',
        type=PlanFigures,
    )
    found = of(sessions("candidate", 2, "0.02"), plan=plan).workloads[0]
    assert found.name == "tickets"
    assert found.planned is not None
    assert (found.planned.saving_usd, found.planned.per, found.planned.saving_share) == ("120.00", "a year", 0.75)


def test_a_ledger_without_stages_identifies_nothing() -> None:
    read = Read(attempts=[*sessions("candidate", 20, "0.02"), *sessions("holdback", 20, "0.1")], has_stages=False)
    found = status(read, source="ledger")
    assert found.workloads[0].realised.saved_usd is None
    assert "ledger" in found.workloads[0].realised.reason


def test_rollbacks_are_listed() -> None:
    back = Rollback(workload="w", candidate="m", policy_id="p", reason="ordered", says="ann: no", at_us=1)
    assert of([attempt()], rollbacks=(back,)).rollbacks == (back,)


def test_a_workload_without_a_route_says_what_the_policy_wants_of_it_and_why_its_calls_were_not_batched(
    tmp_path: Path,
) -> None:
    """Counts of several notes add up; a log that was cut off in between says nothing twice."""
    entries = (
        Entry(workload=WorkloadRef(id="w"), match=Match(tag={"a": "b"})),
        Entry(workload=WorkloadRef(id="p"), match=Match(tag={"a": "c"}), pin_original=True),
    )
    log = CallLog(tmp_path, "a.1", clock_us=lambda: 1_000)
    for values in ({"caller": 2}, {"caller": 1, "holdback": 4}):
        log.append(Note(seq=log.next_seq(), us=1_000, kind="not-batched", workload="w", values=dict(values)))
    log.append(Note(seq=log.next_seq(), us=1_000, kind="another", workload="w", values={"caller": 9}))
    log.close()
    read = read_log(tmp_path, ReadContext(org_key=OrgKey(b"k" * 32), resolve_model=lambda raw: raw), load_book())
    read.attempts += [attempt(), attempt(workload="p"), attempt(workload="")]
    found = status(read, source="call log", policy=policy(entries, created="2026-11-22", prices_checked="2026-11-21"))
    by_name = {one.workload: one for one in found.workloads}
    assert {name: one.entry for name, one in by_name.items()} == {"w": "left alone", "p": "pinned", "": ""}
    assert by_name["w"].not_batched == {"caller": 3, "holdback": 4}
    assert by_name["p"].not_batched == {}


def test_a_workload_says_why_its_route_stays_in_shadow() -> None:
    read = Read(attempts=[attempt()])
    found = status(read, source="call log", no_shadow={"w": "no shadow calls: [shadow] usd_per_day is 0"})
    assert [one.no_shadow for one in found.workloads] == ["no shadow calls: [shadow] usd_per_day is 0"]


def test_what_served_is_compared_with_what_was_asked_for_in_words() -> None:
    assert _against("1.41") == "what served costs $1.41 less than asked for"
    assert _against("-1.41") == "what served costs $1.41 more than asked for"
    assert _against("0") == "what served costs the same"
