"""Tool calls, by their syntax alone: the right tools, the required arguments, of the right types, and no others.

After the AST check of the Berkeley Function-Calling Leaderboard. Whether to call a tool at all is a class of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

from baseload.errors import UsageError
from baseload.quality.bar import Tier
from baseload.quality.graders.answers import Answer, Asked, ToolUse
from baseload.quality.graders.grader import Grade
from baseload.quality.graders.matching import MOST, best_total
from baseload.quality.graders.normal import plain, same_value

Outcome = Literal["right", "no call", "needless call", "wrong number", "wrong call"]


class RightCall(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One call that must be made. `input` is its arguments; `allowed` other values of one; `optional` may be left out.

    An argument of neither `input` nor `optional` is wrong. An `optional` one that is given must be right where `input`
    or `allowed` has it, and may be anything where they do not.
    """

    name: str
    input: Mapping[str, Any] = {}
    allowed: Mapping[str, Sequence[Any]] = {}
    optional: tuple[str, ...] = ()


class ToolCallGrader(msgspec.Struct, frozen=True, kw_only=True):
    """1 where exactly the right calls were made, in any order unless `in_order`; else 0."""

    in_order: bool = False
    id: str = "tool_call"
    version: str = "1"
    tier: Tier = "truth"

    def grade(self, call: Asked, output: Answer, reference: Any) -> Grade:
        """`reference` is the list of right calls; an empty one: no tool was to be called. Raises UsageError."""
        del call
        try:
            right = msgspec.convert(reference, tuple[RightCall, ...])
        except msgspec.ValidationError as error:
            raise UsageError(f"a reference is no list of right calls: {error}") from error
        found = outcome(right, output.tool_calls, in_order=self.in_order)
        return Grade(score=float(found == "right"), reason=found, tier=self.tier)

    def same(self, a: Answer, b: Answer) -> bool:
        """The same calls, and where there is none the same text."""
        if not a.tool_calls and not b.tool_calls:
            return plain(a.text) == plain(b.text)
        right = [RightCall(name=call.name, input=_arguments(call)) for call in a.tool_calls]
        return outcome(right, b.tool_calls, in_order=self.in_order) == "right"


def outcome(right: Sequence[RightCall], made: Sequence[ToolUse], *, in_order: bool = False) -> Outcome:
    """What the calls made are against the right ones."""
    if not right or not made:
        return "needless call" if made else "no call" if right else "right"
    if len(right) != len(made) or len(made) > MOST:
        return "wrong number"
    if in_order:
        fits = all(map(is_right, right, made))
    else:
        fits = best_total([[float(is_right(ours, theirs)) for theirs in made] for ours in right]) == len(right)
    return "right" if fits else "wrong call"


def is_right(right: RightCall, made: ToolUse) -> bool:
    """The name, every required argument, and no argument that does not belong."""
    if made.name != right.name or not isinstance(made.input, Mapping):
        return False
    required = right.input.keys() - set(right.optional)
    if not required <= made.input.keys() or not made.input.keys() <= right.input.keys() | set(right.optional):
        return False
    return all(_is_allowed(right, name, value) for name, value in made.input.items())


def _is_allowed(right: RightCall, name: str, value: Any) -> bool:
    values = [*([right.input[name]] if name in right.input else ()), *right.allowed.get(name, ())]
    return not values or any(same_argument(each, value) for each in values)


def same_argument(right: Any, value: Any) -> bool:
    """Equal with the same type: "5" is not 5, true is not 1; 5 is 5.0; text by its plain form; lists in order."""
    if isinstance(right, str) and isinstance(value, str):
        return plain(right) == plain(value)
    if isinstance(right, Mapping) and isinstance(value, Mapping):
        return right.keys() == value.keys() and all(same_argument(right[name], value[name]) for name in right)
    if isinstance(right, list) and isinstance(value, list):
        return len(right) == len(value) and all(map(same_argument, right, value))
    return same_value(right, value)


def _arguments(call: ToolUse) -> Mapping[str, Any]:
    return call.input if isinstance(call.input, Mapping) else {"": call.input}
