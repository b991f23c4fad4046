"""An upstream that fails in every way it can: callers get what the API itself would have given, or a correct error."""

from __future__ import annotations

import asyncio
import random
from collections import Counter, deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anthropic
import pytest
from faults_world import HAIKU, SECRET, WORDS, Caller, asked, books, check, reached, request_bytes, tagged, told_events
from served import Served, serving, settings

from baseload.demo.upstream.faults import Fault, FaultKind
from baseload.demo.upstream.server import Upstream
from baseload.usage.gateway_records import booked_nano

ONCE = "timeout_s = 0.4\n[retry]\ntries = 1\n"
"""The gateway asks once, so that each fault is seen as it is."""

TABLE: list[tuple[str, Fault, bool]] = [
    (f"{kind} {'stream' if stream else 'json'}{f' after {after}' if after else ''}", fault, stream)
    for stream in (False, True)
    for kind, after, fault in (
        ("reset_before", 0, Fault(kind="reset_before")),
        ("answer_lost", 0, Fault(kind="answer_lost")),
        ("reset_after", 1, Fault(kind="reset_after", after=1)),
        ("reset_after", 300, Fault(kind="reset_after", after=300)),
        ("truncate", 100, Fault(kind="truncate", after=100)),
        ("hang", 0, Fault(kind="hang")),
        ("stall", 0, Fault(kind="stall")),
        ("stall", 200, Fault(kind="stall", after=200)),
        ("dribble", 0, Fault(kind="dribble")),
        ("529", 0, Fault(kind="status", status=529)),
        ("500", 0, Fault(kind="status", status=500)),
        ("429", 0, Fault(kind="status", status=429, retry_after_s=3)),
    )
] + [
    (f"{kind} after {after}", Fault(kind=kind, after=after), True)
    for kind in ("error_event", "malformed")
    for after in (0, 1, 3)
]
_OURS: dict[str, int] = {"reset_before": 502, "answer_lost": 502, "hang": 504}
"""What the gateway says where the API says nothing at all."""


@pytest.fixture
def many(upstream: Upstream) -> Upstream:
    upstream.requests = deque()
    return upstream


@pytest.fixture
def gateway(many: Upstream, tmp_path: Path) -> Iterator[Served]:
    with serving(settings(many.base_url, ONCE, folder=tmp_path)) as served:
        yield served


def client(base_url: str, retries: int = 0, timeout_s: float = 5) -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=base_url, api_key=SECRET, max_retries=retries, timeout=timeout_s)


def said(ask: anthropic.Anthropic, number: int, *, stream: bool) -> tuple[str, Any]:
    """How a call ended for a program that uses the SDK: ("message", its text) or (class of the error, what it says)."""
    given: dict[str, Any] = {**asked(number), "extra_headers": tagged(number)}
    del given["stream"]
    events = 0
    try:
        if not stream:
            message = ask.messages.create(**given)
            return "message", (message.content, message.stop_reason, message.usage.output_tokens)
        with ask.messages.stream(**given) as found:
            for _ in found:
                events += 1
            message = found.get_final_message()
        return "message", (message.content, message.stop_reason, message.usage.output_tokens)
    except anthropic.APIStatusError as error:
        return "status", (error.status_code, error_type(error.body))
    except anthropic.APIConnectionError:
        return "connection", None
    except Exception as error:  # noqa: BLE001 - the SDK passes on what httpx and its own accumulator raise
        return type(error).__name__, None


def error_type(body: Any) -> str:
    """Of an event that was cut inside its lines the error is what the event ends with: no byte can be taken back."""
    if isinstance(body, dict):
        kind: str = body["error"]["type"]
        return kind
    return "api_error" if str(body).endswith('end of its answer"}}') and '"type":"api_error"' in body else str(body)


def expected(fault: Fault, direct: tuple[str, Any], *, stream: bool) -> tuple[str, Any]:
    """What a caller is told through the gateway, beside what it is told without it."""
    kind: FaultKind = fault.kind
    if kind in _OURS:
        return "status", (_OURS[kind], "timeout_error" if _OURS[kind] == 504 else "api_error")
    if kind in ("reset_after", "stall", "truncate") and stream:  # an error event in place of a broken connection
        return "status", (200, "api_error")
    return direct


@pytest.mark.parametrize(("name", "fault", "stream"), TABLE, ids=[name for name, *_ in TABLE])
def test_a_fault_is_told_as_the_api_tells_it_or_as_an_error_of_its_shape(
    many: Upstream, gateway: Served, tmp_path: Path, name: str, fault: Fault, stream: bool
) -> None:
    with client(many.base_url, timeout_s=1) as direct, client(gateway.base_url) as ours:
        many.faults.add(fault)
        without = said(direct, 1, stream=stream)
        many.requests.clear()
        many.faults.add(fault)
        with_gateway = said(ours, 1, stream=stream)
        assert with_gateway == expected(fault, without, stream=stream), name
        assert said(ours, 2, stream=stream)[0] == "message"  # the next call is as good as ever
    figures = check(tmp_path, reached(many), {2})
    assert figures["starts"] == figures["ends"] == 2


def test_a_429_keeps_its_headers_and_its_body(many: Upstream, gateway: Served) -> None:
    many.faults.add(Fault(kind="status", status=429, retry_after_s=7, error_code="enforced_spend_limit_reached"))
    with client(gateway.base_url) as ours, pytest.raises(anthropic.RateLimitError) as raised:
        ours.messages.create(model=HAIKU, max_tokens=5, messages=[{"role": "user", "content": "Question 1: hello"}])
    body: Any = raised.value.body
    assert raised.value.response.headers["retry-after"] == "7"
    assert raised.value.response.headers["request-id"] == body["request_id"]
    assert body["error"]["type"] == "rate_limit_error"


def test_the_sdks_own_retries_find_the_answer(many: Upstream, gateway: Served, tmp_path: Path) -> None:
    """Two resets before an answer: the program never knows, as with the API itself."""
    many.faults.add(Fault(kind="reset_before", times=2))
    with client(gateway.base_url, retries=2) as ours:
        assert said(ours, 1, stream=False)[0] == "message"
    assert reached(many) == Counter({1: 3})
    found = books(tmp_path)
    assert [end.outcome for _, end in found.ends] == ["failed", "failed", "ok"]
    assert len({end.message_id for _, end in found.ends if end.message_id}) == 1


def test_a_stream_that_breaks_off_ends_in_an_error_event_after_all_that_came(many: Upstream, gateway: Served) -> None:
    with Caller(gateway.gateway.port) as caller:
        for after in (1, 150, 400, 700):
            many.faults.add(Fault(kind="reset_after", after=after))
            with Caller(gateway.gateway.port) as one:
                one.send(request_bytes(after, stream=True))
                told = one.told()
                assert told.status == 200
                assert told.whole
                assert told_events(told.body)[-1] == "error"
        caller.send(request_bytes(9, stream=True))
        assert told_events(caller.told().body)[-1] == "message_stop"


# --- many at once


async def crowd(
    base_url: str, numbers: range, *, retries: int = 0, at_once: int = 60
) -> tuple[Counter[str], set[int], set[int]]:
    """Calls by the asynchronous SDK, every other one a stream: how they ended, and which have their answer whole."""
    ended: Counter[str] = Counter()
    answered: set[int] = set()
    overloaded: set[int] = set()
    turn = asyncio.Semaphore(at_once)

    async def one(ask: anthropic.AsyncAnthropic, number: int) -> None:
        given: dict[str, Any] = {**asked(number), "extra_headers": tagged(number)}
        del given["stream"]
        async with turn:
            try:
                if number % 2:
                    async with ask.messages.stream(**given) as found:
                        await found.get_final_message()
                else:
                    await ask.messages.create(**given)
                answered.add(number)
                ended["answered"] += 1
            except anthropic.APIStatusError as error:
                ended[str(error.status_code)] += 1
                if error.status_code in (429, 529):
                    overloaded.add(number)
            except anthropic.APIConnectionError:
                ended["connection"] += 1
            except Exception as error:  # noqa: BLE001 - as above
                ended[type(error).__name__] += 1

    async with anthropic.AsyncAnthropic(
        base_url=base_url, api_key=SECRET, max_retries=retries, timeout=30
    ) as ask, asyncio.TaskGroup() as group:  # fmt: skip
        for number in numbers:
            group.create_task(one(ask, number))
    return ended, answered, overloaded


def storm(many: Upstream, folder: Path, count: int) -> dict[str, Any]:
    """A third of the calls meet 529, a third 429, then all is well."""
    text = 'timeout_s = 5\n[retry]\ntries = 1\n[[budget]]\nusd = "50"\n'
    with serving(settings(many.base_url, text, folder=folder)) as gateway:
        many.faults.add(Fault(kind="status", status=529, times=count // 3))
        many.faults.add(Fault(kind="status", status=429, retry_after_s=1, times=count // 3))
        ended, answered, refused = asyncio.run(crowd(gateway.base_url, range(count)))
        spent = gateway.call(lambda: sum(sum(by.values()) for by in gateway.gateway.budgets.spent.values()))
        reserved = gateway.call(lambda: [lease.reserved for lease in gateway.gateway.budgets._leases.values()])
    assert ended["529"] == ended["429"] == count // 3
    assert len(answered) == count - 2 * (count // 3)
    assert len(refused) == 2 * (count // 3)
    figures = check(folder, reached(many), answered)
    found = books(folder)
    assert spent == found.spent_nano
    assert reserved == [0]
    assert all(end.cost_nano == 0 for _, end in found.ends if end.status != 200)
    return {**figures, "529": ended["529"], "429": ended["429"]}


def test_a_storm_of_529_and_429_passes_through_and_costs_nothing(many: Upstream, tmp_path: Path) -> None:
    storm(many, tmp_path, 90)


MIXED: tuple[Fault, ...] = (
    Fault(kind="reset_before"),
    Fault(kind="answer_lost"),
    Fault(kind="reset_after", after=1),
    Fault(kind="reset_after", after=400),
    Fault(kind="truncate", after=100),
    Fault(kind="hang"),
    Fault(kind="stall"),
    Fault(kind="stall", after=300),
    Fault(kind="dribble"),
    Fault(kind="status"),
    Fault(kind="status", status=429),
    Fault(kind="status", status=500),
    Fault(kind="error_event", after=2),
    Fault(kind="malformed", after=3),
)


def mixture(many: Upstream, folder: Path, count: int, seed: int, tries: int = 1) -> dict[str, Any]:
    """Every second call meets a fault drawn at random, many at once, half of them streams."""
    text = f'timeout_s = 1.0\n[retry]\ntries = {tries}\n[[budget]]\nusd = "50"\n'
    chance = random.Random(seed)
    for _ in range(count // 2):
        fault = chance.choice(MIXED)
        many.faults.add(Fault(kind=fault.kind, after=fault.after, status=fault.status, skip=chance.randrange(2)))
    with serving(settings(many.base_url, text, folder=folder)) as gateway:
        ended, answered, _ = asyncio.run(crowd(gateway.base_url, range(count)))
        spent = gateway.call(lambda: sum(sum(by.values()) for by in gateway.gateway.budgets.spent.values()))
        held = gateway.call(lambda: sum(lease.reserved for lease in gateway.gateway.budgets._leases.values()))
    assert sum(ended.values()) == count
    figures = check(folder, reached(many), answered)
    found = books(folder)
    held_for_good = sum(
        booked_nano(start, end)
        for number, start in found.starts
        for other, end in found.ends
        if number == other and start.seq == end.seq and end.cost_nano is None
    )
    assert spent == found.spent_nano + held_for_good  # what is not known is taken to have cost what was reserved
    assert held == 0
    assert figures["starts"] == figures["ends"]
    return {**figures, **{f"told {name}": times for name, times in sorted(ended.items())}}


def test_faults_drawn_at_random_lose_nothing(many: Upstream, tmp_path: Path) -> None:
    mixture(many, tmp_path, 120, seed=3)


@pytest.mark.prove
def test_a_storm_of_thousands_costs_nothing(
    many: Upstream, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    for name, value in storm(many, tmp_path, 3_000).items():
        record_property(name, value)


@pytest.mark.prove
def test_thousands_of_faults_drawn_at_random_lose_nothing(
    many: Upstream, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    for name, value in mixture(many, tmp_path, 4_000, seed=4).items():
        record_property(name, value)


def test_the_words_of_these_tests_are_those_looked_for() -> None:
    """The look for secrets would find them: they are what was sent."""
    assert WORDS in request_bytes(1).decode()
    assert SECRET in request_bytes(1).decode()
