"""How the plan's pages and its terminal summary say levers, choices and the next thing to do."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from baseload.plan.document import ChangePart, ChoicePart, PlanDocument, PlanWorkload

LEVERS: Mapping[str, str] = {
    "fix": "Waste removed",
    "effort": "Less effort",
    "route": "A cheaper model",
    "cache": "Prompt caching",
    "batch": "Batch processing",
}
SCENARIOS: Mapping[str, str] = {"expected": "Expected", "deployable": "Deployable today", "conservative": "Proven only"}
CACHES: Mapping[str, str] = {
    "as_billed": "as billed",
    "none": "no cache",
    "all_5m": "mark everything, 5 minutes",
    "all_1h": "mark everything, 1 hour",
    "plan": "the planned marks",
}
REASONS: Mapping[str, str] = {
    "model_switched": "model switched",
    "tools_changed": "tools changed",
    "system_changed": "system prompt changed",
    "messages_changed": "earlier messages changed",
    "settings_changed": "settings changed",
    "gap_over_ttl": "the entry had expired",
    "parallel_requests": "sent in parallel, so each wrote",
    "look_back": "more than 20 positions before the mark",
    "below_minimum": "below the minimum length",
    "never_marked": "never marked for the cache",
    "unknown": "not known",
}
KINDS: Mapping[str, str] = {
    "config": "configuration",
    "gateway_policy": "gateway policy",
    "code": "code",
    "prompt": "prompt",
    "trial": "trial",
}


class Shift(msgspec.Struct, frozen=True, kw_only=True):
    """One thing a workload changes: what it is called, how it is today, how it will be."""

    what: str
    today: str
    chosen: str


def lever(name: str) -> str:
    """A lever's name for a reader; one this page does not know is said as it is."""
    return LEVERS.get(name, name.replace("_", " "))


def choice_text(choice: ChoicePart) -> str:
    """A choice in a line: "Claude Opus 5 at effort low, cache: the planned marks, in batches"."""
    parts = [_model(choice)]
    parts += [] if choice.cache == "as_billed" else [f"cache: {CACHES.get(choice.cache, choice.cache)}"]
    return ", ".join([*parts, *(["in batches"] if choice.batch else []), *choice.fixes])


def shifts(part: PlanWorkload) -> tuple[Shift, ...]:
    """Today and the choice side by side, the lines that differ; empty where nothing changes."""
    today, chosen = part.today, part.choice
    lines = (
        ("Model and effort", _model(today), _model(chosen)),
        ("Cache", CACHES.get(today.cache, today.cache), CACHES.get(chosen.cache, chosen.cache)),
        ("Batch", _batch(today), _batch(chosen)),
        ("Waste removed", ", ".join(today.fixes) or "none", ", ".join(chosen.fixes) or "none"),
    )
    return tuple(Shift(what=what, today=before, chosen=after) for what, before, after in lines if before != after)


def next_steps(document: PlanDocument) -> list[tuple[str, str]]:
    """(What, in words): the best change to ship without a trial, and the best that needs one."""
    changes = document.adoption.changes if document.adoption else ()
    found = []
    for title, needs_trial in (("Ship first", False), ("Try first", True)):
        change = next((one for one in changes if one.needs_trial == needs_trial), None)
        if change:
            found.append((title, _step(change)))
    return found


def _step(change: ChangePart) -> str:
    owner = f" ({change.owner})" if change.owner else ""
    work = ", ".join(KINDS.get(kind, kind) for kind in change.kinds)
    days = f"{change.person_days} person-day{'' if change.person_days == '1' else 's'}"
    what = f"{lever(change.lever).lower()} for {change.workload_name}{owner}"
    return f"{what}: {work}, {days}, ships in week {change.ships_in_week}"


def _model(choice: ChoicePart) -> str:
    model = choice.model_name or choice.model or "as today"
    return f"{model} at effort {choice.effort}" if choice.effort else model


def _batch(choice: ChoicePart) -> str:
    return "in batches" if choice.batch else "one by one"
