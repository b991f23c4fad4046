"""Request and response bodies of the Messages API (anthropic-facts section 5.2) for simulated calls."""

from __future__ import annotations

from typing import Any

import msgspec

from baseload.demo.answers.cases import KINDS, text_of
from baseload.demo.company import Dialogue, Era, Service, Single
from baseload.demo.scripts import Wording, wording
from baseload.values import date_of_day

EPHEMERAL = {"type": "ephemeral"}
NO_GEO_MODELS = ("claude-sonnet-4-5", "claude-haiku-4-5")
_HEADER = "It is {date}, {hour:02d}:{minute:02d}:{second:02d} UTC. The customer is user {user}."


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """What one call consumed, as its usage object says."""

    uncached: int
    read: int = 0
    write_5m: int = 0
    output: int
    thinking: int = 0
    searches: int = 0


def words_of(service: Service) -> Wording:
    """The wording of a service, in proportion to its fixed prompt."""
    shape = service.shape
    return wording(service.name, shape.shared if isinstance(shape, Dialogue) else shape.static)


def single_request(service: Service, era: Era, tokens: int, number: int, start_us: int) -> dict[str, Any]:
    """The request of a `Single` call whose variable text stands for `tokens`; one number, one request."""
    words = words_of(service)
    system: Any = words.system
    if isinstance(service.shape, Single) and service.shape.cached:
        system = [_text(_header(start_us, number)), {**_text(words.system), "cache_control": EPHEMERAL}]
    messages = [{"role": "user", "content": words.opening(number) + _record(service, words, tokens, number)}]
    if words.script.prefill:
        messages.append({"role": "assistant", "content": words.script.prefill})
    return {**_frame(service, era, words), "system": system, "messages": messages}


def _record(service: Service, words: Wording, tokens: int, number: int) -> str:
    """The variable text: of a gradeable workload one that holds its true answer."""
    if service.name in KINDS:
        return text_of(service.name, number, words.sentences, words.chars_of(tokens))
    return words.passage(tokens, number)


def stream_request(service: Service, era: Era, tokens: int, number: int, prefix: int) -> dict[str, Any]:
    """The request of a `Streams` call on one of the long prefixes."""
    words = words_of(service)
    system = [{**_text(words.system_of(prefix)), "cache_control": EPHEMERAL}]
    text = words.opening(number) + words.passage(tokens, number)
    return {**_frame(service, era, words), "system": system, "messages": [{"role": "user", "content": text}]}


def dialogue_request(
    service: Service, era: Era, own: str, history: list[msgspec.Raw], last: dict[str, Any]
) -> dict[str, Any]:
    """The request of one turn: shared instructions, the session's own context, all turns so far, the new message."""
    words = words_of(service)
    system = [{**_text(words.system), "cache_control": EPHEMERAL}, _text(own)]
    blocks = [*last["content"][:-1], {**last["content"][-1], "cache_control": EPHEMERAL}]
    messages: list[Any] = [*history, {**last, "content": blocks}]
    return {**_frame(service, era, words), "system": system, "messages": messages}


def message(
    message_id: str, model: str, content: list[dict[str, Any]], counted: Counted, service: Service, era: Era
) -> dict[str, Any]:
    """The response body."""
    tool = content[-1]["type"] == "tool_use"
    return {
        "id": message_id,
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": content,
        "stop_reason": "tool_use" if tool else "end_turn",
        "stop_sequence": None,
        "usage": usage(counted, service.tier, era, model),
    }


def usage(counted: Counted, tier: str, era: Era, model: str) -> dict[str, Any]:
    """The usage object: `input_tokens` is what no breakpoint covers (anthropic-facts section 3)."""
    found: dict[str, Any] = {
        "input_tokens": counted.uncached,
        "cache_creation_input_tokens": counted.write_5m,
        "cache_read_input_tokens": counted.read,
        "cache_creation": {"ephemeral_5m_input_tokens": counted.write_5m, "ephemeral_1h_input_tokens": 0},
        "output_tokens": counted.output,
        "service_tier": tier,
        "inference_geo": "not_available" if model.startswith(NO_GEO_MODELS) else era.geo,
    }
    if counted.thinking:
        found["output_tokens_details"] = {"thinking_tokens": counted.thinking}
    if counted.searches:
        found["server_tool_use"] = {"web_search_requests": counted.searches, "web_fetch_requests": 0}
    if era.speed == "fast":
        found["speed"] = "fast"
    return found


def answer(words: Wording, number: int, counted: Counted, text: str = "") -> list[dict[str, Any]]:
    """Content blocks of a plain answer: thinking (its text withheld, as newer models do), a search if any, text.

    `text` "" = any of the service's replies.
    """
    blocks: list[dict[str, Any]] = []
    if counted.thinking:
        blocks.append({"type": "thinking", "thinking": "", "signature": f"EqoB{number:012x}"})
    for search in range(counted.searches):
        blocks += _search(f"srvtoolu_01{number:014x}{search}")
    return [*blocks, _text(text or words.reply(number))]


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _frame(service: Service, era: Era, words: Wording) -> dict[str, Any]:
    """What every request of a service has, whatever it asks."""
    frame: dict[str, Any] = {"model": era.model, "max_tokens": service.max_tokens, **words.script.request}
    if words.script.tools:
        frame["tools"] = words.script.tools
    if service.stream:
        frame["stream"] = True
    if era.speed == "fast":
        frame["speed"] = "fast"
    if era.geo == "us":
        frame["inference_geo"] = "us"
    return frame


def _header(start_us: int, number: int) -> str:
    day, rest = divmod(start_us // 1_000_000, 86_400)
    return _HEADER.format(
        date=f"{date_of_day(day):%A %d %B %Y}",
        hour=rest // 3600,
        minute=rest // 60 % 60,
        second=rest % 60,
        user=10_000 + number * 7919 % 90_000,
    )


def _search(tool_id: str) -> list[dict[str, Any]]:
    found = {
        "type": "web_search_result",
        "url": "https://register.example/company",
        "title": "Company register",
        "encrypted_content": "EoYB",
        "page_age": None,
    }
    return [
        {"type": "server_tool_use", "id": tool_id, "name": "web_search", "input": {"query": "company register"}},
        {"type": "web_search_tool_result", "tool_use_id": tool_id, "content": [found]},
    ]
