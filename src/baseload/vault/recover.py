"""Find the request and the response in a source's record, whatever the source wrapped them in.

The request is the part of the record whose keyed hash is the call's own: what does not verify is not returned, so that
looking everywhere is safe. The response is looked for under the names that sources use and taken for verified where it
carries the id the call is known by.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from baseload.usage.bedrock_body import answer_of, request_of
from baseload.usage.exchanges import RESPONSE_NAMES
from baseload.usage.features import request_hash
from baseload.usage.fields import BadRecord, decode_json
from baseload.usage.normal import call_id
from baseload.usage.openai_shape import messages_request, stop_reason_of
from baseload.usage.otel_content import request_of as content_of
from baseload.usage.streams import events_in, is_stream, messages_in
from baseload.values import Call, OrgKey
from baseload.vault.body import Body

DEEPEST: Final = 6
MOST_PARTS: Final = 200
_RESPONSES: Final = (*RESPONSE_NAMES, "full_response", "output", "outputBodyJson", "result")
_SHAPES: Final = (lambda body: body, messages_request, request_of)


def body_in(record: Mapping[str, Any], call: Call, org_key: OrgKey) -> Body | None:
    """The call's body in its record; None where no part of it hashes to the call's request."""
    request = next(
        (
            shaped
            for part in _parts(record)
            for shape in _SHAPES
            if (shaped := shape(part)) and request_hash(shaped, org_key) == call.request_hash
        ),
        None,
    )
    if request is None:
        return None
    response = next((found for part in _responses(record) if (found := _message(part))), {})
    named = response.get("id")
    return Body(
        request=request,
        response=response,
        response_verified=isinstance(named, str) and bool(named) and call_id(message_id=named) == call.call_id,
    )


def _parts(record: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Objects of the record that could be a request, nearest first, and what exports keep in columns as one."""
    level: list[object] = [record]
    looked = 0
    for _ in range(DEEPEST):
        below: list[object] = []
        for value in level:
            looked += 1
            if looked > MOST_PARTS:
                return
            value = _decoded(value)
            if isinstance(value, Mapping):
                yield from _requests_of(value)
                below.extend(inner for inner in value.values() if isinstance(inner, (Mapping, list, str)))
            elif isinstance(value, list):
                yield {"messages": value}
        level = below


def _requests_of(value: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield value
    messages = _decoded(value.get("messages"))
    if isinstance(messages, list):
        settings = value.get("model_parameters")
        yield {**(settings if isinstance(settings, Mapping) else {}), "messages": messages}
    payload = value.get("request_payload")
    if isinstance(payload, list):
        joined = _decoded("".join(part for part in payload if isinstance(part, str)))
        if isinstance(joined, Mapping):
            yield joined


def _responses(record: Mapping[str, Any]) -> Iterator[object]:
    """What stands under the names of responses, outermost first; at last the record itself."""
    for name in _RESPONSES:
        value = _decoded(record.get(name))
        if isinstance(value, Mapping):
            inner = next((found for name in _RESPONSES[-3:] if (found := _decoded(value.get(name)))), None)
            yield from (value.get("body"), inner, value)
        elif name == "output" and isinstance(value, str) and value.strip() and not is_stream(value):
            yield {"role": "assistant", "content": value}  # a tracer that keeps the text alone
        else:
            yield value
    yield record


def _message(part: object) -> Mapping[str, Any]:
    """A response in the Messages shape: a message, a stream of one, a Bedrock answer, a chat completion; else {}."""
    if isinstance(part, str):
        streamed = next(messages_in(events_in(part)), None) if is_stream(part) else None
        return streamed.message if streamed else {}
    if isinstance(part, Mapping):
        choices = part.get("choices")
        if isinstance(choices, list) and choices and isinstance(choices[0], Mapping):
            return _completed(part, choices[0])
        if "role" in part and any(name in part for name in ("parts", "tool_calls", "additional_kwargs")):
            return _turn(part)
        if isinstance(part.get("content"), (list, str)) and part.get("role", "assistant") == "assistant":
            return part
    if isinstance(part, list) and part and all(isinstance(turn, Mapping) and "role" in turn for turn in part):
        return _turn(part[-1])
    if isinstance(part, list) or (isinstance(part, Mapping) and "output" in part):
        answer = answer_of(part)
        return {**answer.message, "stop_reason": answer.stop_reason} if answer.message.get("content") else {}
    return {}


def _completed(part: Mapping[str, Any], choice: Mapping[str, Any]) -> Mapping[str, Any]:
    turn = choice.get("message")
    if not isinstance(turn, Mapping):
        return {}
    said = {"content": [], **_turn({"role": "assistant", "finish_reason": choice.get("finish_reason"), **turn})}
    return {**said, "id": part.get("id"), "stop_reason": stop_reason_of(choice.get("finish_reason"))}


def _turn(turn: Mapping[str, Any]) -> Mapping[str, Any]:
    """An assistant's turn of a chat completion, of LangChain or of a GenAI span; {} where it says nothing."""
    if turn.get("role") != "assistant":
        return {}
    more = turn.get("additional_kwargs")
    if isinstance(more, Mapping) and isinstance(more.get("tool_calls"), list):
        turn = {**turn, "tool_calls": more["tool_calls"]}
    if isinstance(turn.get("parts"), list):
        [shaped] = content_of({"gen_ai.input.messages": [turn]})["messages"]
    else:
        [shaped] = messages_request({"messages": [{"role": "system", "content": ""}, turn]})["messages"]
    content = shaped.get("content")
    if not isinstance(content, (str, list)) or not content:
        return {}
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else [_block(one) for one in content]
    return {"role": "assistant", "content": blocks, "stop_reason": stop_reason_of(turn.get("finish_reason"))}


def _block(block: Any) -> Any:
    """A block; arguments that a chat completion keeps as JSON text as what they are: graders compare values."""
    if isinstance(block, Mapping) and block.get("type") == "tool_use":
        return {**block, "input": _decoded(block.get("input"))}
    return block


def _decoded(value: object) -> object:
    """JSON text of an object or a list as that; anything else as it is."""
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            return decode_json(value)
        except BadRecord:
            return value
    return value
