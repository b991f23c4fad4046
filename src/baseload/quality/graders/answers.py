"""What was asked and what was answered, as graders see them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

MOST_CHARS: Final = 400_000
"""A longer answer is not parsed: no grader here is linear in every input."""
_FENCE: Final = re.compile(r"```[\w+-]*[ \t]*\r?\n(.*?)\r?\n?[ \t]*```", re.DOTALL)


class Unparsable(Exception):
    """An answer is not what its grader reads; it scores 0."""


class ToolUse(msgspec.Struct, frozen=True, kw_only=True):
    """One tool the model asked for."""

    name: str
    input: Any = None  # an object; anything else is what a malformed call carried


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One call of the sample: what the model was asked."""

    call_id: str
    request: Mapping[str, Any] = {}


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """One arm's answer. `error` says why there is none: transport, refusal by the API, time-out; "" = there is one."""

    text: str = ""
    tool_calls: tuple[ToolUse, ...] = ()
    stop_reason: str = ""
    output_tokens: int | None = None
    error: str = ""

    @property
    def failure(self) -> str:
        """Why this answer scores 0 whatever its grader: an error, a refusal, nothing said, cut off; "" for an answer.

        A stop at `max_tokens` is a failure even where the text parses: the customer got half an answer.
        """
        if self.error:
            return "no answer"
        if self.stop_reason == "refusal":
            return "refused"
        if self.stop_reason in ("max_tokens", "model_context_window_exceeded"):
            return "cut off"
        if not self.text.strip() and not self.tool_calls:
            return "empty"
        return "" if len(self.text) <= MOST_CHARS else "too long to grade"


def answer_of(response: Mapping[str, Any]) -> Answer:
    """The answer in a Messages response; what is no response is an error."""
    content = response.get("content")
    if isinstance(content, str):
        content = [{"type": "text", "text": content}]
    if not isinstance(content, list):
        return Answer(error="the response has no content")
    blocks = [block for block in content if isinstance(block, Mapping)]
    usage = response.get("usage")
    tokens = usage.get("output_tokens") if isinstance(usage, Mapping) else None
    stop = response.get("stop_reason")
    return Answer(
        text="".join(text for block in blocks if isinstance(text := block.get("text"), str)),
        tool_calls=tuple(
            ToolUse(name=str(block.get("name", "")), input=block.get("input"))
            for block in blocks
            if block.get("type") == "tool_use"
        ),
        stop_reason=stop if isinstance(stop, str) else "",
        output_tokens=tokens if type(tokens) is int else None,
    )


def unfenced(text: str) -> str:
    """The answer without a Markdown fence: the fenced part where there is exactly one, else the text itself.

    >>> unfenced('Here you are:\\n```json\\n{"a": 1}\\n```')
    '{"a": 1}'
    """
    fenced = _FENCE.findall(text)
    return (fenced[0] if len(fenced) == 1 else text).strip()


def json_in(text: str) -> Any:
    """The JSON value an answer is, a fence taken off.

    Raises Unparsable on prose around it, torn text, a key that stands twice, NaN.
    """
    try:
        return json.loads(unfenced(text), object_pairs_hook=_object, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise Unparsable("the answer is not JSON") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _refuse(name: str) -> Any:
    raise ValueError(name)
