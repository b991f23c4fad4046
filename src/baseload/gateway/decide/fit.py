"""What a request needs so that another model takes it, worked out once for every kind of request.

Most requests differ in their text, which no rule of the capability table looks at. So `quality.rewrite` is asked about
a sketch of the request (its parameters, the special ones of its tools, the form of its conversation), and the answer
is kept. A request that a sketch cannot stand for (thinking, media, anything unusual) is rewritten whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple, cast

import msgspec

from baseload.gateway.decide.decide import Decision
from baseload.gateway.decide.facts import Facts
from baseload.gateway.decide.params import NOT_SKETCHED
from baseload.prices.book import Model
from baseload.quality.legality import ApiVersion, Fault
from baseload.quality.rewrite import Rewritten, rewrite
from baseload.quality.rewrite_thinking import Change

_VERSION: Final = b"anthropic-version"
_VERSIONS: Final = frozenset({"2023-06-01", "2026-10-21"})
_LONG_FROM: Final = 200_000
_BYTES_PER_TOKEN_AT_LEAST: Final = 3
"""To tell too long prompts with: rather one that is served by its own model than one that is refused upstream."""
_MOST_SKETCHES: Final = 2048
_MARK: Final = {"type": "ephemeral"}
_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


class Fitted(NamedTuple):
    """Members of the body to set (JSON) or to drop (None), what that does in words, or why it cannot be done."""

    values: Mapping[str, bytes | None]
    changes: tuple[Change, ...] = ()
    refusals: tuple[Fault, ...] = ()

    @property
    def moves_prompt(self) -> bool:
        """Whether tools, system or messages are written anew."""
        return not self.values.keys().isdisjoint(("messages", "tools", "system"))


class Capabilities:
    """What each model takes, and the sketches fitted so far. `zdr`: the organisation keeps no data."""

    __slots__ = ("_sketches", "models", "zdr")

    def __init__(self, models: Mapping[str, Model], *, zdr: bool = False) -> None:
        self.models = models
        self.zdr = zdr
        self._sketches: dict[tuple[object, ...], Fitted | None] = {}

    def __repr__(self) -> str:
        return f"Capabilities({len(self.models)} models)"

    def minimum_tokens(self, model: str) -> int:
        """The least prefix a model caches; 0 = it caches nothing, or nobody knows it."""
        found = self.models.get(model)
        return found.min_cacheable_tokens if found else 0

    def sketched(self, key: tuple[object, ...], facts: Facts, decision: Decision, prompt_tokens: int) -> Fitted | None:
        """The answer for a sketch; None where only the whole request has one."""
        try:
            return self._sketches[key]
        except KeyError:
            if len(self._sketches) >= _MOST_SKETCHES:
                self._sketches.clear()
            sketch = _sketch(facts)
            found = _compared(sketch, self._rewrite(sketch, facts, decision, prompt_tokens), decision)
            made = self._sketches[key] = None if found.moves_prompt else found
            return made

    def whole(self, facts: Facts, decision: Decision, prompt_tokens: int) -> Fitted:
        """The answer for one whole request."""
        try:
            request = {name: _decode(raw) for name, raw in facts.members.items()}
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            return Fitted({}, (), (Fault(feature="body", reason="not every part of it can be read and written again"),))
        return _compared(request, self._rewrite(request, facts, decision, prompt_tokens), decision)

    def _rewrite(self, request: Mapping[str, Any], facts: Facts, decision: Decision, prompt_tokens: int) -> Rewritten:
        version = facts.api_version if facts.api_version in _VERSIONS else "2023-06-01"
        return rewrite(
            request,
            decision.asked,
            decision.model or decision.asked,
            self.models,
            effort=decision.effort,
            api_version=cast("ApiVersion", version),
            prompt_tokens=prompt_tokens,
            zdr=self.zdr,
        )


_AS_IT_IS: Final = Fitted({})


def fitted(facts: Facts, decision: Decision, capabilities: Capabilities) -> Fitted:
    """What changes in a request so that it does what the decision says of model and effort."""
    if not (decision.model or decision.effort):
        return _AS_IT_IS
    estimate = 0 if facts.shape.media else facts.prompt_bytes // _BYTES_PER_TOKEN_AT_LEAST
    prompt_tokens = estimate if estimate > _LONG_FROM else 0
    shape, tools, system = facts.shape, facts.tools, facts.system
    is_usual = not shape.special and system.plain and tools.light is not None
    if is_usual and shape.last_role != "assistant":  # an answer to be continued may have to go: that moves the prompt
        key = (
            decision.asked, decision.model, decision.effort, facts.heads.get(_VERSION), prompt_tokens, tools.special,
            min(shape.messages, 2), bool(shape.turns), shape.last_role, shape.open_loop, shape.system_role,
            facts.has_marks, facts.params.special,
        )  # fmt: skip
        found = capabilities.sketched(key, facts, decision, prompt_tokens)
        if found is not None:
            return found
    return capabilities.whole(facts, decision, prompt_tokens)


def _sketch(facts: Facts) -> dict[str, Any]:
    """A small request that the capability table cannot tell from this one."""
    sketch = {name: _decode(raw) for name, raw in facts.members.items() if name not in NOT_SKETCHED}
    sketch["model"] = facts.model
    sketch["messages"] = _conversation(facts)
    if facts.tools.size:
        sketch["tools"] = _decode(facts.tools.special) or [{"name": "tool"}]
    return sketch


def _conversation(facts: Facts) -> list[dict[str, Any]]:
    """As many turns as it takes: its beginning, a system message, an answer, its end."""
    shape = facts.shape
    opening: dict[str, Any] = {"type": "text", "text": "u"}
    if facts.has_marks:
        opening["cache_control"] = _MARK
    ending = {"type": "tool_result", "tool_use_id": "t", "content": "r"} if shape.open_loop else opening
    if shape.messages == 1:
        return [{"role": shape.last_role, "content": [ending]}]
    turns: list[dict[str, Any]] = [{"role": "user", "content": [opening]}]
    if shape.system_role:
        turns.append({"role": "system", "content": "s"})
    if shape.turns:
        turns.append({"role": "assistant", "content": [{"type": "text", "text": "a"}]})
    return [*turns, {"role": shape.last_role, "content": [ending]}]


def _compared(before: Mapping[str, Any], rewritten: Rewritten, decision: Decision) -> Fitted:
    """The members in which a rewritten request differs."""
    after = rewritten.request
    if after is None:
        return Fitted({}, (), rewritten.refusals)
    values: dict[str, bytes | None] = {
        name: _encode(value)
        for name, value in after.items()
        if name != "model" and (name not in before or before[name] != value)
    }
    values |= {name: None for name in before if name not in after}
    changes = rewritten.changes
    if decision.model:
        values["model"] = _encode(decision.model)
        changes = (Change(feature="model", action=f"{decision.asked} -> {decision.model}"), *changes)
    return Fitted(values, changes, ())
