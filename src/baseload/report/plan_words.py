"""How the plan's pages and its terminal summary say levers, choices and the next thing to do."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from baseload.plan.document import BatchPart, ChangePart, ChoicePart, PlanDocument, PlanWorkload
from baseload.report.numbers import share

_SECOND_US = 1_000_000

LEVERS: Mapping[str, str] = {
    "fix": "Waste removed",
    "effort": "Less effort",
    "route": "A cheaper model",
    "cache": "Prompt caching",
    "batch": "Batch processing",
}
SCENARIOS: Mapping[str, str] = {
    "expected": "Expected",
    "edited": "Once prompts are edited",
    "deployable": "Deployable today",
    "conservative": "Proven only",
}
CACHES: Mapping[str, str] = {
    "as_billed": "as today",
    "none": "no cache",
    "all_5m": "mark everything, 5 minutes",
    "all_1h": "mark everything, 1 hour",
    "plan": "the planned marks",
    "edited": "the planned marks, once the prompt is edited",
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
    "prompt": "edit of the prompt",
    "trial": "trial",
}


VERDICTS: Mapping[str, str] = {
    "holds": "shown to hold",
    "simulated": "tried against a stand-in: of the model itself nothing is known",
    "assumed": "none yet: whether answers stay as good is an assumption",
    "not_shown": "could not show that answers stay as good",
    "breaks": "shows that answers get worse",
    "invalid": "failed: nothing is known",
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


def batch_text(batch: BatchPart) -> str:
    """What batching would do, chosen or not."""
    if batch.blocked_by:
        return f"Not possible: {batch.note or ', '.join(name.replace('_', ' ') for name in batch.blocked_by)}."
    deadline = lasting(batch.deadline_us // _SECOND_US)
    shares = f"{share(batch.share_low)} to {share(batch.share_high)}, likely {share(batch.share_likely)}"
    added = (
        f"{lasting(batch.added_p50_us // _SECOND_US)} later at the median, {lasting(batch.added_p95_us // _SECOND_US)}"
    )
    return (
        f"{shares} of its calls are answered from a batch inside the {batch.deadline_source} deadline of {deadline}; "
        f"{share(batch.met_share, 2)} of all calls in time, {added} for one in twenty; "
        f"{share(batch.double_paid_share)} paid twice. Of the cache hits {share(batch.hits_low, 0)} to "
        f"{share(batch.hits_high, 0)} remain."
    )


def lasting(seconds: int) -> str:
    """A length of time in words.

    >>> lasting(45), lasting(300), lasting(5400), lasting(86400), lasting(0)
    ('45 s', '5 min', '1 h 30 min', '1 day', '0 s')
    """
    for size, unit, smaller, name in ((86_400, "day", 3_600, "h"), (3_600, "h", 60, "min"), (60, "min", 1, "s")):
        if seconds >= size:
            whole, rest = divmod(seconds, size)
            plural = "s" if unit == "day" and whole > 1 else ""
            return f"{whole} {unit}{plural}" + (f" {rest // smaller} {name}" if rest // smaller else "")
    return f"{seconds} s"


def clock_time(second: int) -> str:
    """A moment after a day's midnight.

    >>> clock_time(3_700), clock_time(90_000)
    ('01:01', '01:00 (1 day later)')
    """
    later, rest = divmod(second, 86_400)
    said = f"{rest // 3_600:02d}:{rest % 3_600 // 60:02d}"
    return said if not later else f"{said} ({later} day{'' if later == 1 else 's'} later)"


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
