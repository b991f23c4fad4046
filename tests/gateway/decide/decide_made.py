"""Requests, entries and states the decide tests are made of."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from hypothesis import strategies as st

from baseload.gateway.decide.facts import Facts, facts_of
from baseload.gateway.decide.memo import Memo
from baseload.gateway.exchange import Inbound
from baseload.levers.options import CacheMark
from baseload.plan.policy import Entry, Match, Policy, WorkloadRef, policy
from baseload.prices.load import load_book
from baseload.values import OrgKey

BOOK = load_book()
KEY = OrgKey(b"k" * 32)
NOW_US = 1_795_000_000_000_000  # 2026-11-18
OPUS, HAIKU = "claude-opus-4-8", "claude-haiku-5-5"


def body_of(request: dict[str, Any], **how: Any) -> bytes:
    return json.dumps(request, ensure_ascii=False, **how).encode()


def inbound(body: bytes, *headers: tuple[bytes, bytes], us: int = NOW_US) -> Inbound:
    return Inbound(b"POST", b"/v1/messages?beta=true", headers, body, us=us)


def facts_from(request: dict[str, Any] | bytes, *headers: tuple[bytes, bytes], memo: Memo | None = None) -> Facts:
    body = request if isinstance(request, bytes) else body_of(request)
    return facts_of(inbound(body, *headers), memo or Memo(KEY))


def plain(**more: Any) -> dict[str, Any]:
    return {"model": OPUS, "max_tokens": 1024, "messages": [{"role": "user", "content": "Sort this ticket."}], **more}


def made_facts(**more: Any) -> Facts:
    """Facts of a plain request, with some of them changed."""
    return msgspec.structs.replace(facts_from(plain()), **more)


def made_entry(**more: Any) -> Entry:
    fields: dict[str, Any] = {
        "workload": WorkloadRef(id="w-1", name="tickets"),
        "match": Match(api_key=("*",)),
        "decision": "pin",
        "model": HAIKU,
        "verdict_id": "v-1",
    }
    return Entry(**{**fields, **more})


def made_policy(*entries: Entry) -> Policy:
    return policy(entries, created="2026-11-22", prices_checked="2026-11-21")


def mark(after: str, ttl: Any = "5m") -> CacheMark:
    sections: dict[str, Any] = {"last_tool": "tools", "tail": "messages"}
    name = after.partition(":")[0]
    return CacheMark(
        section=sections.get(after) or ("system" if name == "system" else "messages"), after=after, ttl=ttl
    )


# requests of any kind

words = st.text('ab #9é"\\\n\u2028', max_size=12)
_text_block = st.builds(lambda text: {"type": "text", "text": text}, words)
_use = st.just({"type": "tool_use", "id": "t1", "name": "look", "input": {"q": 1}})
_result = st.builds(lambda text: {"type": "tool_result", "tool_use_id": "t1", "content": text}, words)
_image = st.just({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}})
_thought = st.just({"type": "thinking", "thinking": "hm", "signature": "c2ln"})
_content = words | st.lists(_text_block | _use | _result, min_size=1, max_size=3)
_rich = st.lists(_text_block | _use | _result | _image | _thought, min_size=1, max_size=3)
_turn = st.fixed_dictionaries({"role": st.sampled_from(["user", "assistant"]), "content": _content})
_rich_turn = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "assistant", "system"]), "content": _rich},
    optional={"effort": st.sampled_from(["low", "high"])},
)
_tool = st.builds(
    lambda name, more: {"name": name, "input_schema": {"type": "object"}, **more},
    st.sampled_from(["look", "send"]),
    st.sampled_from([{}, {"type": "custom"}, {"type": "web_search_20260209"}, {"type": "computer_20251124"}]),
)
PARAMETERS: dict[str, st.SearchStrategy[Any]] = {
    "system": words | st.lists(_text_block, max_size=3),
    "tools": st.lists(_tool, max_size=3),
    "temperature": st.sampled_from([0, 0.5, 1, None]),
    "top_p": st.sampled_from([0.9, 1]),
    "thinking": st.sampled_from(
        [{"type": "disabled"}, {"type": "adaptive"}, {"type": "between_tools"},
         {"type": "enabled", "budget_tokens": 2048}, None]
    ),
    "output_config": st.sampled_from(
        [{"effort": "max"}, {"effort": "low", "task_budget": {"type": "tokens", "total": 20_000}},
         {"format": {"type": "json_schema", "schema": {}}}, {}]
    ),
    "tool_choice": st.sampled_from([{"type": "auto"}, {"type": "any"}]),
    "inference_geo": st.sampled_from(["us", "global", None]),
    "fallbacks": st.sampled_from([[{"model": OPUS}], []]),
    "metadata": st.sampled_from([{"user_id": "u"}, {}]),
    "stream": st.booleans(),
    "stop_sequences": st.just(["END"]),
    "unheard_of": st.sampled_from([1.50, "x", {"a": [None, 1e3]}]),
}  # fmt: skip


def requests(*, rich: bool = True) -> st.SearchStrategy[dict[str, Any]]:
    """Messages requests, legal or not for some model; members in any order."""
    turns = st.lists(_turn | _rich_turn if rich else _turn, min_size=1, max_size=4)
    needed = {"model": st.just(OPUS), "max_tokens": st.sampled_from([50, 4096, 200_000]), "messages": turns}
    whole = st.fixed_dictionaries(needed, optional=PARAMETERS)
    return whole.flatmap(lambda found: st.permutations(list(found)).map(lambda names: {n: found[n] for n in names}))


bodies = st.builds(
    lambda request, how: body_of(request, **how),
    requests(),
    st.sampled_from([{}, {"separators": (",", ":")}, {"indent": 1}]),
)
