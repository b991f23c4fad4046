"""The online planner: nothing for what never comes again, marks for what does, and always legal ones."""

from __future__ import annotations

import json
from typing import Any

from decide_made import BOOK, HAIKU, KEY, NOW_US, OPUS, body_of, inbound, plain

from baseload.gateway.decide.apply import Applied, apply
from baseload.gateway.decide.decide import Decision
from baseload.gateway.decide.facts import facts_of
from baseload.gateway.decide.fit import Capabilities
from baseload.gateway.decide.memo import Memo
from baseload.gateway.decide.online import OnlineMarks

CAPABILITIES = Capabilities(BOOK.models)
MEMO = Memo(KEY)
MINUTE_US = 60_000_000
ONLINE = Decision(reason="leave", workload="w-1", asked=OPUS, online=True)


def sent(online: OnlineMarks, request: dict[str, Any], us: int, decision: Decision = ONLINE) -> Applied:
    body = body_of(request)
    return apply(body, facts_of(inbound(body, us=us), MEMO), decision, CAPABILITIES, online)


def conversation(turns: int) -> dict[str, Any]:
    """A tool loop that grows by two messages a turn, behind long instructions."""
    talk: list[dict[str, Any]] = [{"role": "user", "content": "Mend it. " + "context " * 2000}]
    for number in range(turns):
        talk.append(
            {"role": "assistant", "content": [{"type": "tool_use", "id": f"t{number}", "name": "a", "input": {}}]}
        )
        talk.append({"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": f"t{number}", "content": "line " * 500}]})  # fmt: skip
    return plain(system=[{"type": "text", "text": "Rules. " * 3000}], tools=[{"name": "a", "input_schema": {}}],
                 messages=talk, metadata={"user_id": "one"})  # fmt: skip


def test_a_growing_conversation_is_marked_at_its_end_and_read_from_there() -> None:
    online = OnlineMarks(BOOK)
    for turn in range(8):
        found = sent(online, conversation(turn), NOW_US + turn * MINUTE_US)
        assert 1 <= len(found.marks) <= 4
        assert found.marks[-1].after == f"message:{2 * turn}"
        assert found.ticket is not None
        online.answered(found.ticket, NOW_US + turn * MINUTE_US + 1, "tool_use", 0)
        assert json.loads(found.body)["messages"][-1]["content"][-1]["cache_control"]["type"] == "ephemeral"


def test_a_caller_with_marks_a_model_without_a_price_and_short_prompts_are_left_alone() -> None:
    online = OnlineMarks(BOOK)
    marked = plain(cache_control={"type": "ephemeral"})
    assert sent(online, marked, NOW_US).is_original
    assert sent(online, plain(), NOW_US).is_original
    unpriced = Decision(reason="leave", workload="w-1", asked="claude-opus-99", online=True)
    assert sent(online, conversation(1), NOW_US, unpriced).is_original


def test_a_model_that_is_moved_has_a_cache_of_its_own() -> None:
    online = OnlineMarks(BOOK)
    sent(online, conversation(1), NOW_US)
    moved = Decision(reason="candidate", workload="w-1", asked=OPUS, model=HAIKU, online=True)
    found = sent(online, conversation(2), NOW_US + MINUTE_US, moved)
    assert json.loads(found.body)["model"] == HAIKU
    assert found.marks
    assert repr(online) == "OnlineMarks()"
