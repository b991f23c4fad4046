"""A replay sends each item once, within its cap, and says what became of every one."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from replay_world import BOOK, HAIKU, World, echo, item, plan_of, run

from baseload.demo.upstream.answers import Refusal, text_answer
from baseload.demo.upstream.faults import Behaviour
from baseload.errors import UsageError
from baseload.quality.replay.bounds import most_usd, spent_usd
from baseload.quality.replay.errors import JournalBroken, JournalLocked, ReplayError
from baseload.quality.replay.journal import Journal
from baseload.quality.replay.plan import ReplayPlan, parts, sendable
from baseload.quality.replay.state import State
from baseload.quality.replay.transport import Refused, Unsure

DAY = 20_775
BATCH = Decimal("0.000075")  # 1,000 tokens in at $0.10 and 100 out at $0.50 a million, half price
CALL = Decimal("0.00015")


def go(world: World, plan: ReplayPlan, path: Path) -> tuple[list[Any], State]:
    looks, journal = asyncio.run(run(world, plan, path))
    return looks, State(journal.lines)


def test_looks_double_and_answers_come_back_in_the_plan_s_order(tmp_path: Path) -> None:
    world = World()
    looks, state = go(world, plan_of(20), tmp_path / "j")
    assert [len(look.replayed) for look in looks] == [4, 4, 8, 4]
    said = [(one.call, one.message["content"][0]["text"]) for look in looks for one in look.replayed]
    assert said == [(f"call-{place}", f"re: call-{place}") for place in range(20)]
    assert state.spent_usd == 20 * BATCH
    assert state.reserved_usd == 0
    assert set(world.times_sent().values()) == {1}


def test_batches_are_deleted_once_their_results_are_here(tmp_path: Path) -> None:
    world = World()
    _, state = go(world, plan_of(8), tmp_path / "j")
    assert not world.service.batches.list("wrkspc_upstream", world.now)
    assert len(state.deleted) == 2
    kept = World()
    go(kept, plan_of(8, delete=False), tmp_path / "k")
    assert len(kept.service.batches.list("wrkspc_upstream", kept.now)) == 2


def test_synchronous_calls_cost_twice_as_much_and_make_no_batch(tmp_path: Path) -> None:
    world = World()
    looks, state = go(world, plan_of(8, transport="synchronous"), tmp_path / "j")
    assert state.spent_usd == 8 * CALL == world.billed_usd()
    assert not world.service.batches.created
    assert [one.call for look in looks for one in look.replayed] == [f"call-{place}" for place in range(8)]


def test_all_arms_of_a_call_are_in_one_look(tmp_path: Path) -> None:
    items = tuple(item(f"c{place}", arm) for place in range(5) for arm in ("candidate", "incumbent_again"))
    looks, _ = go(World(), plan_of(0, items=items, first_look=2), tmp_path / "j")
    assert [len(look.replayed) for look in looks] == [4, 4, 2]


def test_errors_are_results_with_nothing_to_pay_and_are_never_dropped(tmp_path: Path) -> None:
    def some(model: str, request: Any, asked: str) -> Any:
        words = request["messages"][-1]["content"]
        if words == "call-1":
            return Refusal(status=500)
        return Refusal(expired=True) if words == "call-2" else echo(model, request, asked)

    looks, state = go(World(some), plan_of(4), tmp_path / "j")
    assert [one.outcome for one in looks[0].replayed] == ["succeeded", "errored", "expired", "succeeded"]
    assert [one.failed for one in looks[0].replayed] == [False, True, True, False]
    assert looks[0].replayed[1].error == "api_error"
    assert state.spent_usd == 2 * BATCH


def test_the_cap_is_reserved_before_a_submit_and_never_passed(tmp_path: Path) -> None:
    """The cap has room for four bounds. Four answers cost about half of that: room for two more bounds."""
    bound = most_usd(item("call-0"), plan_of(1), BOOK, DAY)
    assert bound is not None
    world = World()
    looks, state = go(world, plan_of(20, cap_usd=4 * bound), tmp_path / "j")
    assert [(len(look.replayed), look.whole) for look in looks] == [(4, True), (2, False)]
    assert state.spent_usd == 6 * BATCH
    looks, state = go(world, plan_of(20), tmp_path / "j")  # a higher cap goes on from there
    assert sum(len(look.replayed) for look in looks) == 20
    assert set(world.times_sent().values()) == {1}


def test_a_cap_too_small_for_one_call_sends_nothing(tmp_path: Path) -> None:
    world = World()
    looks, state = go(world, plan_of(3, cap_usd=Decimal("0.0000001")), tmp_path / "j")
    assert (looks, state.spent_usd, world.times_sent()) == ([], 0, {})


def test_a_journal_gives_its_looks_again_without_sending_anything(tmp_path: Path) -> None:
    world = World()
    first, _ = go(world, plan_of(10), tmp_path / "j")
    made = len(world.service.batches.created)
    again, _ = go(world, plan_of(10), tmp_path / "j")
    assert again == first
    assert len(world.service.batches.created) == made


@pytest.mark.parametrize("transport", ["batch", "synchronous"])
def test_busy_is_waited_out_as_long_as_the_api_says(tmp_path: Path, transport: Any) -> None:
    world = World()
    what = "create" if transport == "batch" else "message"
    world.faults = [(what, Refused(429, "rate_limit_error", retry_after_s=17.0), False),
                    (what, Refused(529, "overloaded_error", retry_after_s=29.0), False)]  # fmt: skip
    _, state = go(world, plan_of(4, transport=transport, concurrency=1), tmp_path / "j")
    assert {17.0, 29.0} <= set(world.slept)
    assert set(world.times_sent().values() or [1]) == {1}
    assert state.spent_usd == 4 * (BATCH if transport == "batch" else CALL)
    assert (len(state.absent), state.lost) == (2, {})


@pytest.mark.parametrize("transport", ["batch", "synchronous"])
@pytest.mark.parametrize(
    "error",
    [
        Refused(401, "authentication_error"),
        Refused(429, "rate_limit_error", error_code="enforced_spend_limit_reached"),
        Refused(400, "invalid_request_error", own_limit=True),
        Refused(404, "not_found_error"),
    ],
    ids=["key", "tier cap", "own cap", "model"],
)
def test_what_would_fail_for_every_item_stops_the_replay(tmp_path: Path, transport: Any, error: Refused) -> None:
    world = World()
    world.faults = [("create" if transport == "batch" else "message", error, False)]
    with pytest.raises(ReplayError, match="refused"):
        go(world, plan_of(9, transport=transport), tmp_path / "j")
    looks, state = go(world, plan_of(9, transport=transport), tmp_path / "j")
    assert sum(len(look.replayed) for look in looks) == 9
    assert state.reserved_usd == (len(state.lost) * 0)


def test_a_batch_whose_creation_got_no_answer_is_found_and_adopted(tmp_path: Path) -> None:
    world = World()
    world.faults = [("create", Unsure("ReadError"), True)]
    _, state = go(world, plan_of(8), tmp_path / "j")
    assert [one.adopted for one in state.batches.values()] == [True, False]
    assert set(world.times_sent().values()) == {1}


def test_a_creation_that_never_happened_is_made_again_after_it_had_time_to_appear(tmp_path: Path) -> None:
    world = World()
    world.faults = [("create", Unsure("ReadError"), False), ("create", Refused(500, "api_error"), False)]
    _, state = go(world, plan_of(8), tmp_path / "j")
    assert world.now > state.intents[1].at + 2 * 5.0  # settle_s, twice
    assert set(world.times_sent().values()) == {1}
    assert len(state.absent) == 2


def test_another_s_batch_of_the_same_size_is_not_adopted(tmp_path: Path) -> None:
    world = World()

    async def foreign() -> None:
        await world.create_batch([(f"other-1-{place}", item("theirs").params) for place in range(4)])

    asyncio.run(foreign())
    world.faults = [("create", Unsure("ReadError"), False)]
    _, state = go(world, plan_of(4), tmp_path / "j")
    assert "msgbatch_000000000000000000000001" not in {one.batch_id for one in state.batches.values()}
    assert state.spent_usd == 4 * BATCH


def test_a_lost_synchronous_call_is_sent_again_and_its_dollars_stay_reserved(tmp_path: Path) -> None:
    world = World()
    world.faults = [("message", Unsure("ReadError"), True)]
    plan = plan_of(4, transport="synchronous")
    _, state = go(world, plan, tmp_path / "j")
    assert len(state.lost) == 1
    assert state.reserved_usd == state.lost_usd == most_usd(plan.items[0], plan, BOOK, DAY)
    assert state.spent_usd == 4 * CALL
    assert world.billed_usd() == 5 * CALL <= state.spent_usd + state.lost_usd


def test_a_call_that_never_gets_an_answer_fails_after_three(tmp_path: Path) -> None:
    world = World()
    world.faults = [("message", Unsure("ReadError"), True)] * 3
    looks, state = go(world, plan_of(1, transport="synchronous"), tmp_path / "j")
    assert looks[0].replayed[0].outcome == "missing"
    assert len(state.lost) == 3


def test_results_that_are_gone_upstream_count_as_paid_and_failed(tmp_path: Path) -> None:
    world = World()
    world.faults = [("batch", Refused(404, "not_found_error"), False)]
    plan = plan_of(4)
    looks, state = go(world, plan, tmp_path / "j")
    assert {one.outcome for one in looks[0].replayed} == {"gone"}
    assert state.spent_usd == sum(most_usd(one, plan, BOOK, DAY) or 0 for one in plan.items)


def test_shared_prefixes_are_written_by_one_call_before_the_others_are_sent(tmp_path: Path) -> None:
    system = [{"type": "text", "text": "r" * 9000, "cache_control": {"type": "ephemeral", "ttl": "1h"}}]
    world = World(lambda *_: text_answer("yes"))
    items = tuple(item(f"c{place}", system=system) for place in range(6))
    go(world, plan_of(0, items=items, first_look=6), tmp_path / "j")
    assert [len(batch.requests) for batch in world.service.batches.created] == [1, 5]
    usage = [one.usage for one in world.service.billed]
    assert [one["cache_creation_input_tokens"] > 0 for one in usage] == [True] + [False] * 5
    assert all(one["cache_read_input_tokens"] > 2000 for one in usage[1:])


def test_a_journal_belongs_to_one_plan_one_workspace_and_one_process(tmp_path: Path) -> None:
    world = World()
    go(world, plan_of(4), tmp_path / "j")
    with pytest.raises(ReplayError, match="another plan"):
        go(world, plan_of(5), tmp_path / "j")
    other = World()
    other.workspace = lambda: _text("wrkspc_b")  # type: ignore[method-assign]
    with pytest.raises(ReplayError, match="workspace"):
        go(other, plan_of(4), tmp_path / "j")
    held = Journal(tmp_path / "j")
    with pytest.raises(JournalLocked):
        Journal(tmp_path / "j")
    held.close()


async def _text(text: str) -> str:
    return text


def test_a_torn_last_line_is_cut_and_a_broken_one_stops_everything(tmp_path: Path) -> None:
    world, path = World(), tmp_path / "j"
    go(world, plan_of(4), path)
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"kind":"intent","n":9')
    held = Journal(path)
    assert held.torn
    held.close()
    assert path.read_bytes() == whole
    path.write_bytes(b"{}\n" + whole)
    with pytest.raises(JournalBroken, match="line 1"):
        Journal(path)
    Journal(tmp_path / "k").close()  # the lock of a journal that could not be read is free
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("change", ["edited", "left out", "moved", "unchained", "another key"])
def test_a_journal_that_was_changed_anywhere_stops_everything(change: str, tmp_path: Path) -> None:
    path = tmp_path / "j"
    go(World(), plan_of(4), path)
    lines = path.read_bytes().splitlines(keepends=True)
    first = next(place for place, line in enumerate(lines) if b'"kind":"result"' in line)
    if change == "edited":
        lines[first] = lines[first].replace(b'"usd":"', b'"usd":"1')
    elif change == "left out":
        del lines[first]
    elif change == "moved":
        lines[first], lines[first + 1] = lines[first + 1], lines[first]
    elif change == "unchained":
        lines[first] = lines[first].rpartition(b',"chain"')[0] + b"}\n"
    path.write_bytes(b"".join(lines))
    with pytest.raises(JournalBroken, match=f"line {first + 1 if change != 'another key' else 1}: it was changed"):
        Journal(path, key=b"another" if change == "another key" else b"")


def test_lines_cut_from_the_end_are_as_if_they_had_never_been(tmp_path: Path) -> None:
    path = tmp_path / "j"
    go(World(), plan_of(4), path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-1]))
    journal = Journal(path)
    assert len(journal.lines) == len(lines) - 1
    last = journal.lines[-1]
    journal.append(last)  # goes on from the line that is the last now
    journal.close()
    Journal(path).close()


def test_neither_prompts_nor_nonce_guesses_are_in_the_journal_and_answers_are_sealed(tmp_path: Path) -> None:
    class Reversed:
        def seal(self, plain: bytes) -> bytes:
            return plain[::-1]

        def open(self, sealed: bytes) -> bytes:
            return sealed[::-1]

    world, path = World(), tmp_path / "j"
    secret = "the patient is Ada"
    items = tuple(item(f"c{place}", system=secret) for place in range(4))

    async def once() -> list[Any]:
        from baseload.quality.replay.run import replay

        journal = Journal(path, Reversed())
        plan = plan_of(0, items=items)
        asked = replay(plan, journal, world, BOOK, nonce="n0", clock=world.clock, sleep=world.sleep)
        found = [look async for look in asked]
        journal.close()
        return found

    looks = asyncio.run(once())
    assert looks[0].replayed[0].message["content"][0]["text"] == "re: c0"
    assert secret.encode() not in path.read_bytes()
    assert b'"content"' not in path.read_bytes()


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"items": (item("a"), item("a"))}, "twice"),
        ({"cap_usd": Decimal(0)}, "cap"),
        ({"cap_usd": Decimal("NaN")}, "cap"),
        ({"concurrency": 0}, "concurrency"),
    ],
)
def test_a_plan_that_cannot_be_meant_is_refused(given: dict[str, Any], why: str) -> None:
    with pytest.raises(UsageError, match=why):
        plan_of(2, **given)


def test_an_item_without_a_bound_stops_before_anything_is_sent(tmp_path: Path) -> None:
    world = World()
    items = (item("a"), item("b", model="claude-nobody"))
    with pytest.raises(ReplayError, match="no bound"):
        go(world, plan_of(0, items=items), tmp_path / "j")
    assert not world.service.billed


def test_the_bound_is_the_dearest_the_item_could_cost() -> None:
    """The request has 111 bytes: 111 + 2,000 tokens in, 200 out; Haiku 5.5 at half of $0.10 and $0.50."""
    plan = plan_of(1)
    one = item("call-0")
    size = len(b'{"model":"claude-haiku-5-5","max_tokens":200,"messages":[{"role":"user","content":"call-0"}]}')
    expected = (Decimal(size + 2000) * Decimal("0.05") + 200 * Decimal("0.25")) / 1_000_000
    assert most_usd(one, plan, BOOK, DAY) == expected
    marked = item("call-0", cache_control={"type": "ephemeral"})
    assert (most_usd(marked, plan, BOOK, DAY) or 0) > 2 * Decimal(size + 2000) * Decimal("0.05") / 1_000_000
    # above 100,000 tokens a request costs five times as much, whole
    long = item("x" * 100_000)
    assert (most_usd(long, plan, BOOK, DAY) or 0) > Decimal(102_000) * Decimal("0.25") / 1_000_000
    pdf = item("p", messages=[{"role": "user", "content": [{"type": "document", "source": {"type": "base64"}}]}])
    assert (most_usd(pdf, plan, BOOK, DAY) or 0) > Decimal(1_000_000) * Decimal("0.25") / 1_000_000


def test_usage_that_cannot_be_read_or_priced_costs_what_was_reserved(tmp_path: Path) -> None:
    plan = plan_of(1)
    assert spent_usd({"model": HAIKU, "usage": {"input_tokens": -4}}, plan, BOOK, DAY) is None
    assert spent_usd({"model": "claude-nobody", "usage": {"input_tokens": 4}}, plan, BOOK, DAY) is None
    assert spent_usd({"model": HAIKU}, plan, BOOK, DAY) is None
    usage = {"input_tokens": 1000, "output_tokens": 100, "service_tier": "batch"}
    assert spent_usd({"model": HAIKU, "usage": usage, "id": "m"}, plan, BOOK, DAY) == BATCH


def test_what_a_batch_refuses_is_dropped_by_name_and_server_tools_are_not_sent() -> None:
    body = {"model": HAIKU, "max_tokens": 5, "stream": True, "speed": "fast", "messages": []}
    found = sendable(body, "batch")
    assert found.request == {"model": HAIKU, "max_tokens": 5, "messages": []}
    assert [one.action for one in found.changes] == ["dropped stream", "dropped speed"]
    assert [one.action for one in sendable(body, "synchronous").changes] == ["dropped stream"]
    for extra in ({"tools": [{"type": "web_search_20260209"}]}, {"mcp_servers": [{}]}, {"max_tokens": 0},
                  {"system": [{"type": "image", "source": {"type": "url"}}]}):  # fmt: skip
        assert not sendable({**body, **extra}, "batch").replayable
    assert sendable({**body, "tools": [{"name": "look", "type": "custom"}, {"name": "b"}]}, "batch").replayable


def test_a_batch_keeps_below_the_limits_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("baseload.quality.replay.plan.MOST_IN_BATCH", 3)
    assert [len(part) for part in parts([item(f"c{place}") for place in range(8)])] == [3, 3, 2]
    monkeypatch.setattr("baseload.quality.replay.plan.MOST_BATCH_BYTES", 500)
    assert all(len(part) <= 2 for part in parts([item(f"c{place}") for place in range(8)]))


def test_a_slow_batch_is_awaited(tmp_path: Path) -> None:
    world = World()
    world.service.behaviour = Behaviour(batch_s=3600)
    go(world, plan_of(4, poll_s=60.0), tmp_path / "j")
    assert 3600 <= sum(world.slept) <= 3700
