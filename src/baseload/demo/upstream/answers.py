"""What the upstream says: recorded answers first, then a seeded answer model, else nothing.

A recorded answer is found by model and by the hash of what was asked: system, messages and tools in one spelling, so
that neither cache marks nor the two ways of writing a text make another question of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Literal

import msgspec

from baseload.errors import UsageError

CHARS_PER_TOKEN: Final[Mapping[str, float]] = {"old": 4.0, "new": 3.2, "": 4.0}
"""The newer tokenizer makes more of the same text; a convention of this server, not of the API."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """One model output. `content` are content blocks of the API; None tokens are counted from the text.

    `prompt_tokens` stands for all four input classes together; cache marks divide it.
    """

    content: tuple[Mapping[str, Any], ...]
    stop_reason: str = "end_turn"
    prompt_tokens: int | None = None
    output_tokens: int | None = None
    thinking_tokens: int = 0


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """The API's error in place of an answer; in a batch an errored (or expired) item."""

    status: int = 500
    type: str = "api_error"
    message: str = "Internal server error"
    expired: bool = False


Said = Answer | Refusal
AnswerModel = Callable[[str, Mapping[str, Any], str], Said | None]
"""(model, request, hash of what was asked) -> what to say, the same every time; None = nothing: 404."""


def text_answer(text: str, **given: Any) -> Answer:
    return Answer(content=({"type": "text", "text": text},), **given)


def asked_hash(request: Mapping[str, Any]) -> str:
    """SHA-256 of system, messages and tools in one spelling."""
    asked = {
        "system": _blocks(request.get("system")),
        "messages": [_message(one) for one in request.get("messages") or ()],
        "tools": [_unmarked(one) for one in request.get("tools") or ()],
    }
    return hashlib.sha256(msgspec.json.encode(asked, order="sorted")).hexdigest()


def _message(message: Any) -> Any:
    if not isinstance(message, Mapping):
        return message
    return {"role": message.get("role"), "content": _blocks(message.get("content"))}


def _blocks(content: Any) -> Any:
    """A text is a list of one text block; cache marks are no content."""
    if content is None:
        return []
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return [_unmarked(block) for block in content] if isinstance(content, list) else content


def _unmarked(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _unmarked(inner) for key, inner in value.items() if key != "cache_control"}
    return [_unmarked(inner) for inner in value] if isinstance(value, list) else value


class Answers:
    """Recorded answers over an optional answer model.

    Several answers to one question are given in turn, from the first again after the last: repeats of a model on a
    prompt. Turns are counted per model and question since the server started.
    """

    def __init__(self, recorded: Iterable[tuple[str, str, Said]] = (), fallback: AnswerModel | None = None) -> None:
        self._recorded: dict[tuple[str, str], list[Said]] = {}
        self._turn: dict[tuple[str, str], int] = {}
        self._fallback = fallback
        self.models: set[str] = set()  # of recorded answers
        for model, asked, said in recorded:
            self.record(model, asked, said)

    def record(self, model: str, asked: str, said: Said) -> None:
        self.models.add(model)
        self._recorded.setdefault((model, asked), []).append(said)

    def say(self, model: str, request: Mapping[str, Any]) -> Said | None:
        asked = asked_hash(request)
        known = self._recorded.get((model, asked))
        if known:
            turn = self._turn.get((model, asked), 0)
            self._turn[model, asked] = turn + 1
            return known[turn % len(known)]
        return None if self._fallback is None else self._fallback(model, request, asked)


class _Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    model: str
    asked: str = ""
    request: dict[str, Any] | None = None
    text: str | None = None
    content: tuple[dict[str, Any], ...] = ()
    stop_reason: Literal[
        "end_turn", "max_tokens", "stop_sequence", "tool_use", "pause_turn", "refusal", "model_context_window_exceeded"
    ] = "end_turn"
    prompt_tokens: int | None = None
    output_tokens: int | None = None
    thinking_tokens: int = 0
    error: Refusal | None = None


def read_answers(lines: Iterable[bytes]) -> Sequence[tuple[str, str, Said]]:
    """Recorded answers of a JSONL file (docs/reference/upstream.md). Raises UsageError, naming the row."""
    found = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = msgspec.json.decode(line, type=_Row)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise UsageError(f"row {number}: {str(error)[:120]}; expected a recorded answer") from error
        if bool(row.asked) == (row.request is not None):
            raise UsageError(f"row {number}: asked and request; expected one of them")
        asked = row.asked or asked_hash(row.request or {})
        found.append((row.model, asked, row.error or _answer(row)))
    return found


def _answer(row: _Row) -> Answer:
    content = row.content if row.text is None else ({"type": "text", "text": row.text},)
    return Answer(
        content=content,
        stop_reason=row.stop_reason,
        prompt_tokens=row.prompt_tokens,
        output_tokens=row.output_tokens,
        thinking_tokens=row.thinking_tokens,
    )
