"""What the tests of the call log share: a clock, records, and what stands in a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from baseload.gateway.calllog.records import End, LogRecord, Start
from baseload.gateway.calllog.segment import CallLog
from baseload.usage.fields import BadRecord
from baseload.usage.gateway_pairs import records_in

NOON_US = 1_795_003_200_000_000  # 2026-11-18T12:00:00Z


class Clock:
    """UTC microseconds that stand still until they are moved."""

    def __init__(self, us: int = NOON_US) -> None:
        self.us = us

    def __call__(self) -> int:
        return self.us


def started(seq: int, **changes: Any) -> Start:
    return Start(**({"seq": seq, "us": NOON_US + seq, "model": "claude-sonnet-4-5", "api_key": "key_1"} | changes))


def ended(seq: int, **changes: Any) -> End:
    fields = {"seq": seq, "us": NOON_US + seq + 900, "status": 200, "settled": True, "message_id": f"msg_{seq}"}
    return End(**(fields | {"usage": {"input_tokens": 10, "output_tokens": 20}} | changes))


def one_call(log: CallLog, **changes: Any) -> int:
    """A start and its end; the number."""
    seq = log.next_seq()
    log.append(started(seq))
    log.append(ended(seq, **changes))
    return seq


def segments(folder: Path) -> list[Path]:
    return sorted(folder.glob("calls-*.log"))


def records(path: Path) -> list[LogRecord]:
    """Every record of a segment, which has no faults."""
    found = [placed.record for placed in records_in(path.read_bytes().split(b"\n"))]
    assert not [record for record in found if isinstance(record, BadRecord)]
    return [record for record in found if not isinstance(record, BadRecord)]


def kinds(path: Path) -> list[str]:
    return [type(record).__name__ for record in records(path)]
