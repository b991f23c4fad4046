"""Log lines: JSON, one an event, without anything that looks like a secret."""

from __future__ import annotations

import io
import json
import logging

import pytest

from baseload.gateway.telemetry.logs import MOST_REFUSED, log_to, without_secrets


@pytest.mark.parametrize(
    "text",
    [
        "key sk-ant-api03-AbC_9 refused",
        "virtual blk_0123abc refused",
        "Authorization: Bearer abc.def",
        "x-api-key=abc",
        "cannot reach postgresql://user:hunter2@db/x",
        "AKIAABCDEFGHIJKLMNOP is not valid",
    ],
)
def test_what_looks_like_a_secret_is_taken_out(text: str) -> None:
    shown = without_secrets(text)
    assert "…" in shown
    for secret in ("sk-ant", "blk_0", "abc.def", "=abc", "hunter2", "AKIA"):
        assert secret not in shown


def test_an_event_is_one_json_line_and_an_exception_only_its_type() -> None:
    stream = io.StringIO()
    handler = log_to(stream, "info", "baseload.test")
    log = logging.getLogger("baseload.test.part")
    try:
        raise ValueError("a prompt nobody may read")
    except ValueError:
        log.exception("a fault\nwith a line feed in %s", "sk-ant-x")
    log.debug("too fine")
    logging.getLogger("baseload.test").removeHandler(handler)
    (line,) = stream.getvalue().splitlines()
    found = json.loads(line)
    assert found["says"] == "a fault with a line feed in …"
    assert (found["level"], found["part"], found["fault"]) == ("error", "baseload.test.part", "ValueError")
    assert "prompt" not in line


def test_a_fault_that_was_caught_is_told_by_its_type_too() -> None:
    stream = io.StringIO()
    handler = log_to(stream, "info", "baseload.caught")
    logging.getLogger("baseload.caught").error("a fault in %s", "enter", extra={"error": "RecursionError"})
    logging.getLogger("baseload.caught").removeHandler(handler)
    assert json.loads(stream.getvalue())["fault"] == "RecursionError"


def test_logging_again_replaces_the_handler() -> None:
    first, second = io.StringIO(), io.StringIO()
    log_to(first, "warning", "baseload.twice")
    handler = log_to(second, "warning", "baseload.twice")
    logging.getLogger("baseload.twice").warning("once")
    logging.getLogger("baseload.twice").removeHandler(handler)
    assert first.getvalue() == ""
    assert len(second.getvalue().splitlines()) == 1


def test_a_refusal_is_found_by_its_id_and_a_storm_of_them_fills_no_disk() -> None:
    stream = io.StringIO()
    handler = log_to(stream, "info", "baseload.refusals")
    log = logging.getLogger("baseload.refusals")

    def told(number: int, second: int) -> None:
        record = log.makeRecord(log.name, logging.INFO, "", 0, "refused with %d", (401,), None)
        record.created, record.status, record.request_id = float(second), 401, f"req_{number}"
        log.handle(record)

    for number in range(MOST_REFUSED + 3):
        told(number, 7)
    log.info("a line without an id is never left out")
    told(99, 8)
    log.removeHandler(handler)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert len(lines) == MOST_REFUSED + 2
    assert (lines[0]["says"], lines[0]["status"], lines[0]["request_id"]) == ("refused with 401", 401, "req_0")
    assert (lines[-1]["request_id"], lines[-1]["left_out"]) == ("req_99", 3)
    assert "left_out" not in lines[0]
