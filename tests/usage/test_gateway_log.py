"""The gateway's own log: one row an attempt, what was decided in its flags, what is not known said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from usage_reading import classes, codes, context, read_all, read_file, split

from baseload.ledger.importing import import_records
from baseload.ledger.store import Ledger
from baseload.usage.gateway_log import READER
from baseload.usage.gateway_records import End, Head, LogRecord, Note, Seal, Start, line_of
from baseload.usage.normal import call_id
from baseload.usage.read import read_paths
from baseload.values import Call, Problem

NOON_US = 1_795_003_200_000_000  # 2026-11-18T12:00:00Z
HEAD = Head(replica_id="one.0", began_us=NOON_US)
SEAL = Seal(us=NOON_US, why="closed")
USAGE = {
    "input_tokens": 10,
    "cache_read_input_tokens": 100,
    "cache_creation_input_tokens": 30,
    "cache_creation": {"ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 10},
    "output_tokens": 40,
    "output_tokens_details": {"thinking_tokens": 15},
    "server_tool_use": {"web_search_requests": 1},
}


def start(seq: int = 1, **changes: Any) -> Start:
    return Start(**({"seq": seq, "us": NOON_US, "model": "claude-opus-5", "stream": True} | changes))


def end(seq: int = 1, **changes: Any) -> End:
    fields: dict[str, Any] = {"seq": seq, "us": NOON_US + 5_000_000, "status": 200, "usage": USAGE, "settled": True}
    return End(**(fields | {"message_id": f"msg_{seq}", "request_id": f"req_{seq}"} | changes))


def segment(folder: Path, *written: LogRecord | bytes) -> Path:
    path = folder / "calls-one.0-000001.log"
    lines = [one if isinstance(one, bytes) else line_of(one) for one in (HEAD, *written)]
    path.write_bytes(b"".join(lines))
    return path


def read(folder: Path, *written: LogRecord | bytes) -> tuple[list[Call], list[Problem]]:
    return read_file(READER, segment(folder, *written))


def test_a_folder_of_segments_is_recognised_and_read(tmp_path: Path) -> None:
    segment(tmp_path, start(), end(), SEAL)
    calls, problems = read_all(tmp_path)
    assert [call.source for call in calls] == ["gateway_log"]
    assert problems == []


def test_a_call_has_its_classes_times_and_owner(tmp_path: Path) -> None:
    who = {"api_key": "key_1", "workspace": "wrk", "user_id": "u", "agent": "bot", "tags": '{"team":"a"}'}
    shape = {"session_id": "s", "tools_fp": "t", "system_fp": "y", "template_id": "p", "effort": "high", "messages": 3}
    first = start(**who, **shape, max_tokens=900, attempt=2)
    (call,), problems = read(tmp_path, first, end(first_us=NOON_US + 1_000_000, cost_nano=77, stop_reason="end_turn"))
    assert problems == []
    assert classes(call) == (10, 100, 20, 10, 40)
    assert (call.thinking_tokens, call.web_search_requests, call.reported_cost_nano_usd) == (15, 1, 77)
    assert (call.start_us, call.first_token_us, call.end_us) == (NOON_US, NOON_US + 1_000_000, NOON_US + 5_000_000)
    assert {name: getattr(call, name) for name in (*who, *shape)} == who | shape
    assert (call.attempt, call.max_tokens, call.stream, call.http_status) == (2, 900, True, 200)
    assert (call.model, call.stop_reason, call.requests, call.source_row) == ("claude-opus-5", "end_turn", 1, 3)


def test_its_id_is_that_of_the_same_call_in_every_other_source(tmp_path: Path) -> None:
    (call,), _ = read(tmp_path, start(), end())
    assert call.call_id == call_id(message_id="msg_1")
    (call,), _ = read(tmp_path, start(), end(message_id=""))
    assert call.call_id == call_id(request_id="req_1")
    (call,), _ = read(tmp_path, start(), end(message_id="", request_id=""))
    assert call.call_id == call_id(source="gateway_log", native_id="one.0:1")


def test_what_was_decided_stands_in_the_flags_not_in_the_callers_tags(tmp_path: Path) -> None:
    decided = start(
        sent_model="claude-haiku-4-5", arm="candidate", reason="policy", changes=("effort", "marks"), tags='{"a":"b"}'
    )
    (call,), _ = read(tmp_path, decided, end(model="claude-haiku-4-5"))
    assert call.model == "claude-haiku-4-5"
    assert call.tags == '{"a":"b"}'
    assert call.flags.split(",") == [
        "arm_candidate", "asked:claude-opus-5", "changed:effort", "changed:marks", "reason:policy",
    ]  # fmt: skip


@pytest.mark.parametrize("purpose", ["shadow", "trial", "spill"])
def test_calls_nobody_asked_for_are_told_apart(tmp_path: Path, purpose: Any) -> None:
    (call,), _ = read(tmp_path, start(purpose=purpose), end())
    assert call.flags == purpose


@pytest.mark.parametrize(
    "changes",
    [
        {"outcome": "error", "status": 529, "error": "overloaded_error"},
        {"outcome": "failed", "status": 0, "error": "connect"},
        {"outcome": "error", "status": 400},
    ],
)
def test_a_failed_attempt_counts_no_request_and_no_tokens(tmp_path: Path, changes: dict[str, Any]) -> None:
    (call,), problems = read(tmp_path, start(), end(usage=None, settled=False, message_id="", **changes))
    assert (call.requests, classes(call), call.flags, problems) == (0, (0, 0, 0, 0, 0), "failed", [])


@pytest.mark.parametrize("error", ["reset", "timeout", "malformed"])
def test_an_attempt_that_was_sent_and_never_answered_may_have_been_a_request(tmp_path: Path, error: str) -> None:
    sent = end(usage=None, settled=False, message_id="", request_id="", outcome="failed", status=0, error=error)
    (call,), problems = read(tmp_path, start(), sent)
    assert (call.requests, classes(call), call.flags) == (1, (0, 0, 0, 0, 0), "failed,unmetered")
    assert [problem.code for problem in problems] == ["no-usage"]


def test_an_attempt_and_its_retry_are_two_rows(tmp_path: Path) -> None:
    calls, _ = read(
        tmp_path,
        start(1, trip="t"),
        end(1, usage=None, outcome="error", status=529, message_id="", request_id="req_a"),
        start(2, trip="t", attempt=2),
        end(2),
    )
    assert [(call.requests, call.attempt) for call in calls] == [(0, 1), (1, 2)]
    assert len({call.call_id for call in calls}) == 2


def test_an_answer_broken_off_is_billed_as_far_as_it_was_seen(tmp_path: Path) -> None:
    cut = end(outcome="client", settled=False, usage={"input_tokens": 10, "output_tokens": 1})
    (call,), problems = read(tmp_path, start(), cut)
    assert (classes(call), call.requests, call.flags) == ((10, 0, 0, 0, 1), 1, "aborted,client_left,not_settled")
    assert [(problem.code, problem.value) for problem in problems] == [("not-settled", "1")]
    (settled,), _ = read(tmp_path, start(), end())
    assert settled.rank > call.rank


def test_an_answer_without_usage_counts_and_is_one_problem(tmp_path: Path) -> None:
    (call,), problems = read(tmp_path, start(), end(usage=None, flags=("encoded",)))
    assert (call.requests, call.flags) == (1, "encoded,unmetered")
    assert [(problem.code, problem.row) for problem in problems] == [("no-usage", 3)]


def test_a_start_without_an_end_is_in_flight_and_its_cost_not_known(tmp_path: Path) -> None:
    calls, problems = read(tmp_path, start(1), end(1), start(2), SEAL)
    assert [(call.flags, call.requests, classes(call)) for call in calls][1] == ("in_flight", 1, (0, 0, 0, 0, 0))
    assert [(problem.code, problem.value) for problem in problems] == [("in-flight", "1")]


def test_while_a_segment_is_written_its_open_calls_are_a_problem_and_no_rows(tmp_path: Path) -> None:
    calls, problems = read(tmp_path, start(1), end(1), start(2))
    assert len(calls) == 1
    assert [(problem.code, problem.value) for problem in problems] == [("in-flight", "1")]
    assert "still written" in problems[0].message


def test_a_start_carried_to_the_next_segment_is_not_in_flight_here(tmp_path: Path) -> None:
    assert read(tmp_path, start(2), Seal(us=NOON_US, carried=(2,))) == ([], [])


def test_a_log_that_grows_is_one_row_a_call_in_the_ledger(tmp_path: Path) -> None:
    seen = []
    for written in ([start(1)], [start(1), end(1), start(2)], [start(1), end(1), start(2), end(2), SEAL]):
        path = segment(tmp_path, *written)
        with Ledger.open(tmp_path / "ledger", create=True) as ledger:
            import_records(ledger, read_paths([path], context(), as_of_us=NOON_US, marks=ledger.file_marks))
            seen.append((ledger.rows, codes(ledger.problems)))
    assert seen == [(0, ["in-flight"]), (1, ["in-flight"]), (2, [])]


def test_a_torn_or_changed_line_costs_one_problem(tmp_path: Path) -> None:
    changed = line_of(start(1)).replace(b"opus", b"opuz")
    calls, problems = read(tmp_path, changed, end(1), start(2), end(2), line_of(start(3))[:40])
    assert [call.call_id for call in calls] == [call_id(message_id="msg_2")]
    assert [(problem.code, problem.row) for problem in problems] == [
        ("torn-record", 2), ("no-start", 3), ("torn-record", 6),
    ]  # fmt: skip
    assert "opuz" not in repr(problems)


def test_records_of_a_newer_version_are_named_and_passed_over(tmp_path: Path) -> None:
    newer = Note(seq=9, us=NOON_US, kind="x")
    body = line_of(newer)[9:-1].replace(b'"note"', b'"nova"')
    from zlib import crc32

    calls, problems = read(tmp_path, b"%08x %b\n" % (crc32(body), body), start(), end())
    assert (len(calls), codes(problems)) == (1, ["unknown-record"])


def test_bad_counts_cost_their_record(tmp_path: Path) -> None:
    calls, problems = read(tmp_path, start(1), end(1, usage={"input_tokens": -4}), start(2), end(2))
    assert (len(calls), [(problem.code, problem.value) for problem in problems]) == (1, [("negative-tokens", "-4")])


def test_what_the_gateway_could_not_write_is_a_problem(tmp_path: Path) -> None:
    notes = [Note(seq=n, us=NOON_US, kind="dropped", values={"dropped": n}) for n in (2, 3)]
    _, problems = read(tmp_path, *notes, SEAL)
    assert [(problem.code, problem.value) for problem in problems] == [("dropped-records", "5")]


def test_where_the_api_fell_back_the_model_that_answered_is_billed(tmp_path: Path) -> None:
    usage = {
        "input_tokens": 10,
        "output_tokens": 40,
        "iterations": [
            {"type": "message", "input_tokens": 10, "output_tokens": 0},
            {"type": "fallback_message", "model": "claude-opus-5", "input_tokens": 10, "output_tokens": 40},
        ],
    }
    calls, _ = read(tmp_path, start(model="claude-fable-5"), end(model="claude-fable-5", usage=usage))
    assert [(call.model, classes(call), call.requests) for call in calls] == [
        ("claude-opus-5", (10, 0, 0, 0, 40), 1),
        ("claude-fable-5", (10, 0, 0, 0, 0), 0),
    ]
    assert "fallback" in calls[0].flags.split(",")


def test_features_may_come_with_the_end(tmp_path: Path) -> None:
    (call,), _ = read(tmp_path, start(task_cues="a"), end(prefix_blocks="aa:5:s", request_hash="h"))
    assert (call.task_cues, call.prefix_blocks, call.request_hash) == ("a", "aa:5:s", "h")


def test_the_account_of_the_answer_wins_over_the_logs(tmp_path: Path) -> None:
    (call,), _ = read(tmp_path, start(), end(account="org_1", workspace="wrk_1"))
    assert (call.account, call.workspace) == ("org_1", "wrk_1")


def test_no_record_before_the_head(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    path.write_bytes(line_of(start()) + line_of(end()))
    records = read_file(READER, path)
    assert codes(records[1]) == ["no-head", "no-head"]
    assert split(records[0]) == ([], [])
