"""When a call may wait, when batches are formed, when waiting ends: expectations worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baseload.gateway.batch import rules
from baseload.gateway.batch.rules import Queued, Times
from baseload.gateway.decide.facts import Facts
from baseload.gateway.decide.notes import NO_PARAMS
from baseload.gateway.exchange import Inbound
from baseload.plan.policy import Batch

S = 1_000_000


def inbound(*headers: tuple[bytes, bytes]) -> Inbound:
    return Inbound(b"POST", b"/v1/messages", headers, b"", us=0)


@pytest.mark.parametrize(
    ("headers", "stream", "expected"),
    [
        ((), True, "stream"),
        ((), False, "hold"),
        (((b"X-Baseload-Batch", b" Ticket "),), True, "ticket"),
        (((b"Prefer", b"wait=10, respond-async"),), False, "ticket"),
        (((b"x-baseload-batch", b"off"), (b"prefer", b"respond-async")), True, "off"),
    ],
)
def test_how_a_caller_waits_is_what_it_asks_for_else_by_its_stream(
    headers: tuple[tuple[bytes, bytes], ...], stream: bool, expected: str
) -> None:
    facts = Facts(params=NO_PARAMS._replace(stream=stream))
    assert rules.mode_of(inbound(*headers), facts) == expected


@pytest.mark.parametrize(
    ("mode", "client_s", "total_s", "expected"),
    [
        ("hold", 600.0, None, 600.0),  # the SDK's timeout
        ("hold", None, None, 300.0),  # none declared: the setting
        ("hold", 600.0, 50.0, 50.0),  # what it says of the whole answer is nearer
        ("hold", 1.0, 7_200.0, 3_600.0),  # it said it waits longer than the deadline
        ("stream", 600.0, None, 3_600.0),  # pings keep a stream's timeout from passing
        ("stream", 600.0, 100.0, 100.0),
        ("ticket", 600.0, None, 3_600.0),
    ],
)
def test_patience_ends_at_the_deadline_or_where_the_caller_gives_up(
    mode: Any, client_s: float | None, total_s: float | None, expected: float
) -> None:
    assert rules.patience_s(mode, 3_600.0, client_s, total_s, 300.0) == expected


@pytest.mark.parametrize(
    ("batch", "patience", "max_tokens", "expected"),
    [
        # spare 10 s + 1,000 tokens / 50 a second = 30 s
        (Batch(deadline="1h", window="10m"), 3_600.0, 1_000, Times(600 * S, 3_570 * S, 3_600 * S)),
        # 600 - 30 = 570 s to wait, and at most half of it for company
        (Batch(deadline="1h", window="10m"), 600.0, 1_000, Times(285 * S, 570 * S, 600 * S)),
        # never more than half of it in reserve
        (Batch(deadline="1h", window="10m"), 20.0, 1_000, Times(5 * S, 10 * S, 20 * S)),
    ],
)
def test_a_call_has_time_for_company_for_its_batch_and_for_going_alone(
    batch: Batch, patience: float, max_tokens: int, expected: Times
) -> None:
    assert rules.times(batch, 0, patience, max_tokens) == expected


PLAIN = {"model": "m", "max_tokens": 10, "messages": [{"role": "user", "content": "x"}]}


@pytest.mark.parametrize(
    ("more", "size", "expected"),
    [
        ({}, 100, ""),
        ({"stream": True}, 100, ""),
        ({"stream": False, "speed": None}, 100, ""),
        ({"speed": "fast"}, 100, "speed"),
        ({"fallbacks": [{"model": "n"}]}, 100, "fallbacks"),
        ({"store": True}, 100, "store"),
        ({"max_tokens": 0}, 100, "max_tokens"),
        ({"max_tokens": None}, 100, "max_tokens"),
        ({"mcp_servers": [{"url": "u"}]}, 100, "server_tools"),
        ({}, 8 * 1024 * 1024 + 1, "too-large"),
    ],
)
def test_nothing_but_stream_is_taken_out_of_a_request(more: dict[str, Any], size: int, expected: str) -> None:
    assert rules.refusal({**PLAIN, **more}, size) == expected


def test_waiting_pays_where_half_of_the_last_batches_were_in_time() -> None:
    assert rules.pays(10.0, [60.0] * 7)  # too few to say
    assert rules.pays(10.0, [60.0] * 4 + [9.0] * 4)
    assert not rules.pays(10.0, [60.0] * 5 + [9.0] * 4)


def queued(name: str, created_s: float, *, group: str = "g", window_s: float = 10.0, size: int = 1) -> Queued:
    workload = name[0]
    return Queued(name, group, workload, size, int(created_s * S), int((created_s + window_s) * S))


def formed(items: list[Queued], now_s: float, most: int = 100) -> list[str]:
    return ["".join(one.item_id for one in part) for part in rules.to_form(items, int(now_s * S), most)]


MIB = 1024 * 1024


@pytest.mark.parametrize(
    ("items", "now_s", "most", "expected"),
    [
        ([queued("a", 0), queued("b", 5)], 9.9, 100, []),
        ([queued("a", 0), queued("b", 5)], 10.0, 100, ["ab"]),  # the oldest's window is over: all go
        ([queued("b", 0), queued("a", 1)], 10.0, 100, ["ab"]),  # one workload beside the other
        ([queued("a", 0), queued("b", 0, group="h")], 10.0, 100, ["a", "b"]),
        ([queued("a", 0), queued("b", 1), queued("c", 2)], 3.0, 2, ["ab"]),  # full: at once; the rest waits
        ([queued("a", 0), queued("b", 1)], 3.0, 2, ["ab"]),
        ([queued("a", 0, size=20 * MIB), queued("b", 1, size=5 * MIB)], 3.0, 100, ["a"]),  # 24 MiB a batch
        ([queued("a", 9), queued("b", 0, window_s=20)], 19.0, 100, ["ab"]),  # the window of any counts
    ],
)
def test_batches_are_formed(items: list[Queued], now_s: float, most: int, expected: list[str]) -> None:
    assert formed(items, now_s, most) == expected


@given(
    st.lists(st.tuples(st.integers(0, 50), st.sampled_from("gh"), st.integers(1, 30 * MIB)), max_size=30),
    st.integers(0, 60),
    st.integers(1, 5),
)
def test_every_call_is_in_one_batch_at_most_and_every_ripe_one_in_one(
    made: list[tuple[int, str, int]], now_s: int, most: int
) -> None:
    items = [queued(f"{n}", at, group=group, size=size) for n, (at, group, size) in enumerate(made)]
    found = rules.to_form(items, now_s * S, most)
    ids = [one.item_id for part in found for one in part]
    assert len(ids) == len(set(ids))
    assert {one.item_id for one in items if one.form_us <= now_s * S} <= set(ids)
    for part in found:
        assert len({one.group for one in part}) == 1
        assert len(part) <= most
        assert len(part) == 1 or sum(one.size for one in part) <= rules.MOST_BATCH_BYTES


@pytest.mark.parametrize(
    ("error", "now_s", "expected", "status"),
    [
        ("invalid_request_error", 0, "error", 400),
        ("permission_error", 0, "error", 403),
        ("overloaded_error", 0, "spill", 529),
        ("api_error", 0, "spill", 500),
        ("", 0, "spill", 504),  # expired, cancelled or gone
        ("", 10, "error", 504),  # and no time is left
        ("overloaded_error", 11, "error", 529),
    ],
)
def test_a_failed_item_is_sent_again_only_where_that_may_help_in_time(
    error: str, now_s: int, expected: str, status: int
) -> None:
    assert rules.after_failure(error, now_s * S, 10 * S) == expected
    assert rules.status_of(error) == status


@pytest.mark.parametrize(("text", "expected"), [(b"30", 30.0), (b"0", None), (b"", None), (b"nan", None), (b"x", None)])
def test_a_declared_timeout_is_a_positive_number(text: bytes, expected: float | None) -> None:
    assert rules.declared_s(inbound((b"X-Baseload-Timeout", text))) == expected
