"""A request as another model takes it, by the capability table: every change recorded, or a refusal with its reason.

    rewrite(request, "claude-opus-4-5", "claude-sonnet-5-5", book.models) -> Rewritten

Replay and gateway use this one function. What it emits has been held against `legality.faults` for the target, so a
rule that is missing here ends in a refusal and not in an error of the API. Changes name fields, numbers and levels,
never text of the request.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from baseload.prices.book import Model
from baseload.prices.capabilities import takes
from baseload.quality.legality import SAMPLING, ApiVersion, Fault, faults, is_default, is_prefilled, thinking_type
from baseload.quality.rewrite_thinking import Change, fit_effort, fit_thinking, strip_thoughts
from baseload.quality.rewrite_tools import fit_tools

ANOTHER_TURN: Final = "the request ends in an assistant turn to be continued, and no output format replaces it"


class Rewritten(msgspec.Struct, frozen=True, kw_only=True):
    """`request` is None where the target refuses what no change can help: then `refusals` say why, and nothing is sent.

    `changes` are what was done to the request, in order; () where it goes as it is but for the model's name.
    """

    request: dict[str, Any] | None
    changes: tuple[Change, ...]
    refusals: tuple[Fault, ...]

    @property
    def replayable(self) -> bool:
        return self.request is not None


class Draft(msgspec.Struct, kw_only=True):
    """A copy of the request on its way to `after`; steps change `body` and note what they did."""

    body: dict[str, Any]
    before: Model | None  # None where nobody knows the model it ran on
    after: Model
    api_version: ApiVersion
    effort: str
    changes: list[Change] = msgspec.field(default_factory=list)

    @property
    def moved(self) -> bool:
        return self.before is None or self.before.id != self.after.id

    def note(self, feature: str, action: str) -> None:
        self.changes.append(Change(feature=feature, action=action))


def rewrite(
    request: Mapping[str, Any],
    from_model: str,
    to_model: str,
    models: Mapping[str, Model],
    *,
    effort: str = "",
    api_version: ApiVersion = "2023-06-01",
    prompt_tokens: int = 0,
    zdr: bool = False,
) -> Rewritten:
    """`request` (a Messages body written for `from_model`) as `to_model` takes it; ids are those of `models`.

    `effort` is the level the trial asks of the candidate, "" = as the request has it. `prompt_tokens` as billed on
    `from_model`, 0 = not known. A target without a row in the capability table is refused: nothing is known of it.
    """
    after, before = models.get(to_model), models.get(from_model)
    if after is None or not after.capabilities:
        why = Fault(feature="model", reason=f"{to_model[:60]}: no row in the capability table")
        return Rewritten(request=None, changes=(), refusals=(why,))
    draft = Draft(body=copy.deepcopy(dict(request)), before=before, after=after, api_version=api_version, effort=effort)
    draft.body["model"] = after.id
    for step in _STEPS:
        step(draft)
    left = faults(draft.body, after, api_version=api_version, prompt_tokens=prompt_tokens, zdr=zdr)
    if not draft.body.get("messages"):
        left = (*left, Fault(feature="messages", reason="nothing is left to send"))
    return Rewritten(request=None if left else draft.body, changes=tuple(draft.changes), refusals=left)


def _sampling(draft: Draft) -> None:
    """temperature=0 on a classifier is the most common breaker (anthropic-facts 5.4, note 1)."""
    body, given = draft.body, [name for name in SAMPLING if draft.body.get(name) is not None]
    for name in SAMPLING:
        if name in body and body[name] is None:
            del body[name]
    if draft.api_version == "2026-10-21" or not takes(draft.after, "sampling"):
        if draft.api_version != "2026-10-21" and all(is_default(name, body[name]) for name in given):
            return
        for name in given:
            del body[name]
        if given:
            draft.note("sampling", f"dropped {', '.join(given)}")
    elif "temperature" in given and "top_p" in given:
        dropped = "temperature" if is_default("temperature", body["temperature"]) else "top_p"
        del body[dropped]
        draft.note("sampling", f"dropped {dropped}: only one of temperature and top_p is taken")


def _prefill(draft: Draft) -> None:
    """An answer begun for the model is given up only where an output format says the same (quality.md 4)."""
    if not is_prefilled(draft.body) or takes(draft.after, "prefill"):
        return
    config = draft.body.get("output_config")
    if isinstance(config, Mapping) and config.get("format") is not None and len(draft.body["messages"]) > 1:
        draft.body["messages"] = draft.body["messages"][:-1]
        draft.note("prefill", "dropped the assistant turn to be continued: an output format is enforced")


def _limits(draft: Draft) -> None:
    most, ceiling = draft.body.get("max_tokens"), draft.after.max_output_tokens
    if isinstance(most, int) and ceiling and most > ceiling:
        draft.body["max_tokens"] = ceiling
        draft.note("max_tokens_ceiling", f"max_tokens {most} -> {ceiling}")
    if draft.body.get("inference_geo") in (None, "global") and not takes(draft.after, "inference_geo"):
        _drop(draft, "inference_geo", "inference_geo")


def _options(draft: Draft) -> None:
    """Parameters that can go without changing what is asked."""
    refused = {"fast": "speed", "fallbacks": "fallbacks"}
    for feature, field in refused.items():
        conditional = draft.moved and "(" in draft.after.capabilities.get(feature, "")  # a beta or access, unknown here
        if not takes(draft.after, feature) or conditional:
            _drop(draft, feature, field)
    config = draft.body.get("output_config")
    if isinstance(config, dict) and "task_budget" in config and not takes(draft.after, "task_budget"):
        del config["task_budget"]
        draft.note("task_budget", "dropped output_config.task_budget")
        _tidy(draft)


def _drop(draft: Draft, feature: str, field: str) -> None:
    if field in draft.body and not (field == "speed" and draft.body[field] != "fast"):
        given = draft.body.pop(field)
        if given is not None:
            draft.note(feature, f"dropped {field}")


def _tidy(draft: Draft) -> None:
    if draft.body.get("output_config") == {}:
        del draft.body["output_config"]


def _thinking(draft: Draft) -> None:
    found = fit_thinking(draft.body, draft.before, draft.after)
    draft.changes.extend(found)


def _effort(draft: Draft) -> None:
    found = fit_effort(draft.body, draft.after, draft.effort)
    draft.changes.extend(found)
    if found:
        _tidy(draft)


def _thoughts(draft: Draft) -> None:
    """Thinking blocks are bound to the model that wrote them: another drops them unseen or refuses the history."""
    if draft.moved:
        draft.changes.extend(strip_thoughts(draft.body))


def _thinking_beside(draft: Draft) -> None:
    """Manual thinking takes no sampling but its own: what is left of it goes."""
    if thinking_type(draft.body) != "enabled":
        return
    beside = [fault for fault in faults(draft.body, draft.after) if fault.feature == "sampling"]
    if beside:
        given = [name for name in SAMPLING if draft.body.pop(name, None) is not None]
        draft.note("sampling", f"dropped {', '.join(given)}: not beside manual thinking")


def _tools(draft: Draft) -> None:
    draft.changes.extend(fit_tools(draft.body, draft.after))


_STEPS: Final[tuple[Callable[[Draft], None], ...]] = (
    _sampling, _thoughts, _prefill, _limits, _options, _thinking, _effort, _thinking_beside, _tools,
)  # fmt: skip
