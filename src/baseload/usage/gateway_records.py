"""The records of the gateway's own call log, and the lines they are written as. The gateway writes them, readers read.

One record a line: eight hex digits of the CRC-32 of the JSON, a space, the JSON, a line feed. A line that was cut or
changed is told by its checksum, and costs nothing but itself:

    5d0c1f7e {"type":"head","schema":"baseload.gateway_log/1","replica_id":"a.9f31c2d4","began_us":1795392000000000}
    …        {"type":"start","seq":1,…}     before a byte goes upstream
    …        {"type":"end","seq":1,…}       before the last byte goes to the client
    …        {"type":"seal",…}              the segment is complete

No text of a prompt or an answer, no key and no address is in any of them: names, counts, times and keyed fingerprints.
"""

from __future__ import annotations

from typing import Any, Final, Literal
from zlib import crc32

import msgspec

SCHEMA: Final = "baseload.gateway_log/1"
CRC_CHARS: Final = 9  # eight digits and the space

Purpose = Literal["serve", "shadow", "trial", "spill"]
"""Why a call was made. `spill`: a call whose batch item took too long; both are paid."""

Outcome = Literal["ok", "error", "failed", "client", "upstream", "gateway"]
"""How an attempt ended: answered; answered with an error status; not answered (connect, reset, timeout); broken off
after its first byte because the client left, the upstream did, or the gateway stopped."""


class Head(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="head"):
    """The first record of every segment: who writes it. `replica_id` is of one process start, never used again.

    `spent`: what the replica had spent before this segment, in nano-dollars by month and budget.
    """

    schema: str = SCHEMA
    replica_id: str
    began_us: int
    segment: int = 1
    account: str = ""
    spent: dict[str, dict[str, int]] = msgspec.field(default_factory=dict)


class Start(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag="start", gc=False):
    """One attempt about to go upstream. Names and meanings are those of `values.Call` where it has them.

    `seq` counts the records of one replica; (replica_id, seq) never repeats. `us`: UTC microseconds. `model` is what
    the caller asked for, `sent_model` what went upstream ("" = the same). `held_nano`: reserved in each of `budgets`.
    """

    seq: int
    us: int
    model: str = ""
    sent_model: str = ""
    trip: str = ""  # names the caller's request: the attempts of one have the same
    attempt: int = 1
    purpose: Purpose = "serve"
    # who
    account: str = ""
    workspace: str = ""
    api_key: str = ""  # id of a virtual key or a keyed fingerprint of the caller's; never a key
    user_id: str = ""
    agent: str = ""
    tags: str = ""  # canonical JSON object
    session_id: str = ""
    parent_id: str = ""
    # what
    platform: str = "anthropic"
    upstream: str = ""
    geo: str = "global"
    tier: str = "standard"
    speed: str = "standard"
    effort: str = ""
    stream: bool = False
    max_tokens: int | None = None
    # shape
    features_version: int = 0
    tools_fp: str = ""
    system_fp: str = ""
    template_id: str = ""
    request_hash: str = ""
    request_features: str = ""
    task_cues: str = ""
    messages: int | None = None
    prefix_blocks: str = ""
    body_ref: str = ""
    # decision
    workload: str = ""
    policy_id: str = ""
    stage: str = ""
    arm: str = ""
    reason: str = ""
    changes: tuple[str, ...] = ()
    # money
    budgets: tuple[str, ...] = ()
    period: str = ""  # the month whose budgets it is, "2026-11"
    held_nano: int = 0


class End(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag="end", gc=False):
    """How that attempt ended. `usage` is the provider's object, merged over a stream's events; None = not metered.

    `cost_nano`: what the gateway's price book says it cost, never a bill; None = unknown, and then its budgets keep
    what the start held. `settled`: the final usage came; where it did not, `seen_nano` is the price of what had been
    used by then, the least that it cost, and `most_nano` the price of that prompt and of all it was allowed to write,
    which its budgets keep instead of the hold (None = the hold). `prefix_blocks` and `request_hash` where they were
    computed after the start.
    """

    seq: int
    us: int
    outcome: Outcome = "ok"
    status: int = 0
    first_us: int | None = None
    usage: dict[str, Any] | None = None
    settled: bool = False
    message_id: str = ""
    request_id: str = ""
    model: str = ""  # that answered
    stop_reason: str = ""
    error: str = ""  # the API's error type, never its message
    flags: tuple[str, ...] = ()
    cost_nano: int | None = None
    seen_nano: int | None = None
    most_nano: int | None = None
    workspace: str = ""
    account: str = ""
    prefix_blocks: str = ""
    request_hash: str = ""
    request_features: str = ""
    task_cues: str = ""


class Note(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag="note"):
    """Something else that must not be forgotten: dropped records, a refused rewrite, a rollback. Structural only."""

    seq: int
    us: int
    kind: str
    of: int = 0  # seq of the start it belongs to; 0 = none
    workload: str = ""
    values: dict[str, str | int] = msgspec.field(default_factory=dict)


class Seal(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag="seal"):
    """The last record of a segment. The starts `carried` are open and stand again at the head of the next segment;
    any other start without an end is in flight for ever: its cost is unknown."""

    us: int
    why: Literal["full", "closed", "recovered"] = "full"
    carried: tuple[int, ...] = ()


LogRecord = Head | Start | End | Note | Seal

_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(LogRecord).decode


def booked_nano(start: Start, end: End) -> int:
    """What an attempt counts for in its budgets: its cost; where that is not known, the most it can have been."""
    if end.cost_nano is not None:
        return end.cost_nano
    return start.held_nano if end.most_nano is None else end.most_nano


def line_of(record: LogRecord) -> bytes:
    """The record as it stands in the file, its line feed included."""
    body = _encode(record)
    return b"%08x %b\n" % (crc32(body), body)


def json_of(line: bytes) -> bytes | None:
    """The JSON of a line without its line feed; None where the checksum does not hold."""
    body = line[CRC_CHARS:]
    return body if line[:CRC_CHARS] == b"%08x " % crc32(body) else None


def record_of(body: bytes) -> LogRecord:
    """The record of a line's JSON. Raises `msgspec.MsgspecError` on what this version does not know."""
    found: LogRecord = _decode(body)
    return found
