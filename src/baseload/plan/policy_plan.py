"""From the plan to the policy: what may run unattended is decided, the rest is left alone with what would unlock it.

A model or an effort changes only where a trial says that it holds the workload's bar. Everything else the plan hopes
for stands as a comment above the entry.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, cast

from baseload.plan.choice import Lever
from baseload.plan.planned import Planned
from baseload.plan.policy import Batch, Cache, Duration, Effort, Entry, Match, Policy, WorkloadRef, policy
from baseload.plan.span import Span
from baseload.plan.words import span_dollars
from baseload.workloads.key import UNATTRIBUTED
from baseload.workloads.rules import deadline_seconds

WINDOW: Final[Duration] = "10m"
"""How long requests are gathered before a batch is sent, where nobody says otherwise."""
_SECOND_US: Final = 1_000_000


def policy_of(
    planned: Sequence[Planned],
    places: Mapping[str, Match],
    *,
    created: str,
    prices_checked: str,
    hoped: Sequence[Planned] = (),
    edited: Sequence[Planned] = (),
    batch_window: Duration = WINDOW,
) -> tuple[Policy, dict[str, list[str]]]:
    """The policy and the comments to write above its entries, by workload id.

    `planned` is the plan composed of what may be deployed (`rules.DEPLOYABLE`); `hoped` the full plan and `edited` the
    one of edited prompts (`rules.EDITED`), whose further steps become comments. `places` are match conditions
    (`policy_places.places`): a workload without any is left alone. Days are `YYYY-MM-DD`.
    """
    entries, comments = [], {}
    full = {one.workload.id: one for one in hoped}
    rewritten = {one.workload.id: one for one in edited}
    for one in planned:
        if one.workload.id == UNATTRIBUTED.id:
            continue
        match = places.get(one.workload.id, Match())
        entry = _entry(one, match, batch_window)
        entries.append(entry)
        name = one.workload.id
        comments[name] = list(_comments(one, entry, full.get(name, one), rewritten.get(name, one)))
    return policy(tuple(entries), created=created, prices_checked=prices_checked), comments


def may_pin(one: Planned) -> bool:
    """Whether the chosen model and effort may be served unattended: a trial of the model itself says they hold."""
    return bool(one.choice.route) and one.route.proven and not one.route.excluded_by


def _entry(one: Planned, match: Match, window: Duration) -> Entry:
    workload = WorkloadRef(id=one.workload.id, name=one.workload.name, owner=one.workload.owner)
    if match == Match() or (one.choice.route and not may_pin(one)) or _waits_for_edit(one):
        # Without its model, or its prompt, the rest of the choice is void: it was priced together.
        return Entry(workload=workload, match=match)
    moved = may_pin(one)
    return Entry(
        workload=workload,
        match=match,
        decision="pin" if moved else "leave",
        model=one.route.model if moved else "",
        effort=cast("Effort", one.route.effort) if moved else "",
        from_models=one.moves_from if moved else (),
        cache=_cache(one),
        batch=_batch(one, window),
        verdict_id=one.route.verdict_id if moved else "",
    )


def _waits_for_edit(one: Planned) -> bool:
    """Whether its marks are of a prompt that nobody has edited yet: set today, they would save nothing."""
    return one.cache is not None and bool(one.cache.move_after_prefix)


def _cache(one: Planned) -> Cache | None:
    outcome = one.cache
    if outcome is None or not outcome.marks:
        return None
    return Cache(marks=outcome.marks, keep_alive=outcome.keep_alive_share > 0)


def _batch(one: Planned, window: Duration) -> Batch | None:
    if not one.choice.batch or one.menu.batch is None:
        return None
    deadline_us = one.menu.batch.deadline_us
    if (deadline_seconds(window) or 0) * _SECOND_US >= deadline_us:
        window = duration(max(_SECOND_US, deadline_us // 4))
    return Batch(deadline=duration(deadline_us), window=window)


def duration(microseconds: int) -> Duration:
    """A deadline in the largest unit that says it exactly; a fraction of a second is dropped.

    >>> duration(14_400_000_000), duration(5_400_000_000)
    ('4h', '90m')
    """
    seconds = microseconds // _SECOND_US
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds >= size and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def _comments(one: Planned, entry: Entry, full: Planned, edited: Planned) -> Iterator[str]:
    """What a reader of the entry asks: what is it worth, what was it before, what is not in it and why."""
    if entry.match == Match():
        yield "Left alone: nothing a gateway sees tells these requests from others. Let the caller send a tag."
        return
    effort = f" at effort {one.today.effort}" if one.today.effort else ""
    runs_on = f"Runs on {one.today.model or 'an unknown model'}{effort}."
    if entry.decision == "pin" or entry.cache or entry.batch:
        yield f"{runs_on} The entry saves {span_dollars(one.saving)} a year at list price."
    else:
        yield f"{runs_on} {_waits(full, edited)}".rstrip()
    for rewrite in one.route.rewrites if entry.decision == "pin" else ():
        yield f"Rewritten on the way: {rewrite.action} ({rewrite.feature})."
    if full.choice.route and not may_pin(full) and full.route != one.route:
        effort = f" at effort {full.route.effort}" if full.route.effort else ""
        yield (
            f"{_known(full)}: {full.route.model}{effort} and what goes with it would save "
            f"{span_dollars(full.saving)} a year (assumed). A quality trial of it on this workload's own calls unlocks "
            "it."
        )
    cache = one.cache
    if cache is not None and not cache.marks:
        yield (
            f"Cache policy {cache.policy} is for the caller's code: it gives no marks that a gateway could set. "
            f"There it saves {span_dollars(_saved(one, 'cache'))} a year."
        )
    if edited.cache is not None and _waits_for_edit(edited):
        parts = ", ".join(edited.cache.move_after_prefix)
        yield (
            f"Not in this entry: an edit of the prompt by its owner, who moves {parts} behind the static part and "
            "checks that the answers stay as good. With it the entry would save "
            f"{span_dollars(edited.saving)} a year in all: plan again on calls sent after the edit."
        )


def _known(full: Planned) -> str:
    """What nobody has tested, what only a stand-in was asked, what a trial left open."""
    return "Tried against a stand-in alone" if full.route.verdict == "holds" else "Not tested"


def _saved(one: Planned, lever: Lever) -> Span:
    return next((step.saving for step in one.steps if step.lever == lever), Span())


def _waits(full: Planned, edited: Planned) -> str:
    """What keeps an entry empty."""
    wanted = [
        *(["a trial"] if full.choice.route else []),
        *(["an edit of the prompt"] if _waits_for_edit(edited) else []),
    ]
    return f"Nothing to change without {' or '.join(wanted)}." if wanted else ""
