"""The meter sees the usage of any answer, however it is cut, and keeps nothing else."""

from __future__ import annotations

import gzip
import itertools
import tracemalloc

import pytest
from answer_bytes import TEXT, body, event, stream
from hypothesis import given
from hypothesis import strategies as st

from baseload.gateway.calllog import meter as meter_module
from baseload.gateway.calllog.meter import Meter, Metered

SSE = b"text/event-stream; charset=utf-8"
START = {"input_tokens": 10, "cache_read_input_tokens": 5, "output_tokens": 1}
DELTA = {"output_tokens": 25}
WHOLE = {"input_tokens": 10, "cache_read_input_tokens": 5, "output_tokens": 25}
SEEN = Metered(usage=WHOLE, settled=True, message_id="msg_1", model="claude-x", stop_reason="end_turn")


def metered(*chunks: bytes, kind: bytes = SSE, encoding: bytes = b"") -> Metered:
    meter = Meter(kind, encoding)
    for chunk in chunks:
        meter.data(chunk)
    return meter.metered()


def cut(data: bytes, places: list[int]) -> list[bytes]:
    marks = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[a:b] for a, b in itertools.pairwise(marks)]


def test_a_stream_in_one_piece_or_by_events_is_metered() -> None:
    data = stream(START, [DELTA])
    assert metered(data) == SEEN
    assert metered(*[part + b"\n\n" for part in data.split(b"\n\n")[:-1]]) == SEEN


@given(st.lists(st.integers(0, 5_000), max_size=30), st.booleans())
def test_it_does_not_matter_where_a_stream_is_cut(places: list[int], carriage_returns: bool) -> None:
    data = stream(START, [DELTA])
    data = data.replace(b"\n", b"\r\n") if carriage_returns else data
    assert metered(*cut(data, places)) == SEEN


@given(st.lists(st.integers(0, 5_000), max_size=10), st.booleans())
def test_nor_a_body_or_gzip(places: list[int], streamed: bool) -> None:
    data = stream(START, [DELTA]) if streamed else body(WHOLE, indent=2)
    kind = SSE if streamed else b"application/json"
    assert metered(*cut(data, places), kind=kind) == SEEN
    assert metered(*cut(gzip.compress(data), places), kind=kind, encoding=b"gzip") == SEEN


def test_byte_by_byte() -> None:
    data = stream(START, [DELTA])
    assert metered(*[data[n : n + 1] for n in range(len(data))]) == SEEN


def test_without_event_names_and_with_spaces_it_is_the_same() -> None:
    data = stream(START, [DELTA]).replace(b'"type":"message_', b'"type" : "message_')
    lines = [line for line in data.split(b"\n") if not line.startswith(b"event:")]
    assert metered(b"\n".join(lines)) == SEEN


def test_a_last_line_without_its_end_counts() -> None:
    assert metered(stream(START, [DELTA], ended=False).rstrip(b"\n")) == SEEN


def test_a_stream_that_broke_off_is_not_settled() -> None:
    seen = metered(stream(START, [], ended=False))
    assert (seen.usage, seen.settled, seen.stop_reason) == (START, False, "")


def test_an_error_in_a_stream_is_named_by_its_type_alone() -> None:
    broken = event("error", error={"type": "overloaded_error", "message": "secret words"})
    seen = metered(stream(START, [], ended=False) + broken)
    assert (seen.error, seen.settled) == ("overloaded_error", False)
    assert "secret" not in repr(seen)
    odd = metered(event("error", error={"type": "Words of a prompt"}))
    assert odd.error == "error"


def test_an_error_body_has_no_usage() -> None:
    error = b'{"type":"error","error":{"type":"rate_limit_error","message":"secret words"},"request_id":"req_1"}'
    assert metered(error, kind=b"application/json") == Metered(error="rate_limit_error")


def test_a_count_that_falls_is_flagged_and_the_later_used() -> None:
    seen = metered(stream(START, [{"input_tokens": 0, "output_tokens": 3}]))
    assert seen.usage is not None
    assert (seen.usage["input_tokens"], seen.flags) == (0, ("usage_fell",))


def test_an_encoding_nobody_reads_is_said_and_not_guessed() -> None:
    assert metered(b"\x1b\x03\x00", kind=b"application/json", encoding=b"br") == Metered(flags=("encoded",))
    assert metered(b"not gzip", encoding=b"gzip") == Metered(flags=("encoded",))


@pytest.mark.parametrize(
    "data", [b"", b"\x00\xff\n", b"data: {\n", b'data: {"type":"message_delta","usage":7}\n', b"[" * 5_000]
)
@pytest.mark.parametrize("kind", [SSE, b"application/json", b""])
def test_nonsense_is_never_an_exception(data: bytes, kind: bytes) -> None:
    assert metered(data, kind=kind).usage is None


@given(st.binary(max_size=300), st.sampled_from([b"", b"gzip", b"br"]), st.sampled_from([SSE, b"application/json"]))
def test_no_bytes_at_all_are_an_exception(data: bytes, encoding: bytes, kind: bytes) -> None:
    metered(data, kind=kind, encoding=encoding)
    metered(stream(START, [DELTA]) + data, kind=kind, encoding=encoding)


def test_one_malformed_event_costs_only_itself() -> None:
    seen = metered(stream(START, [], ended=False) + b'data: {"type":"message_delta",\n\n' + stream({}, [DELTA])[-200:])
    assert seen.flags == ("unreadable",)
    assert seen.settled


def test_an_answer_too_long_is_given_up_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meter_module, "MOST_KEPT_BYTES", 1_000)
    seen = metered(b'data: {"type":"x', *[b"a" * 100] * 20, b'"}\n', stream(START, [DELTA]))
    assert seen == Metered(flags=("too_long",))
    monkeypatch.setattr(meter_module, "MOST_INFLATED_BYTES", 100_000)
    bomb = gzip.compress(b"data: 1\n" * 1_000_000)
    assert metered(bomb, encoding=b"gzip").flags == ("too_long",)


def test_memory_does_not_grow_with_a_stream() -> None:
    part = event("content_block_delta", index=0, delta={"type": "text_delta", "text": TEXT * 20})
    meter = Meter(SSE)
    meter.data(stream(START, [], ended=False))
    tracemalloc.start()
    try:
        for _ in range(2_000):
            meter.data(part[:700])
            meter.data(part[700:])
        grown, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert grown < 50_000
