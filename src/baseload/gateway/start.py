"""The record of an attempt about to go upstream, from what is known of its request."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from baseload.gateway.calllog.records import Start
from baseload.gateway.state.budgets import Hold
from baseload.levers.options import CacheMark
from baseload.quality.legality import Fault
from baseload.quality.rewrite_thinking import Change
from baseload.usage.features import FEATURES_VERSION
from baseload.usage.normal import tags_text

if TYPE_CHECKING:
    from baseload.gateway.trip import Metering

_MOST_RULES: Final = 4
_MOST_RULE: Final = 160


@lru_cache(maxsize=1024)
def _tags(tags: tuple[tuple[str, str], ...]) -> str:
    return tags_text(dict(tags))


@lru_cache(maxsize=1024)
def _changes(changes: tuple[Change, ...], marks: tuple[CacheMark, ...]) -> tuple[str, ...]:
    """What was done, in the words of the record."""
    return (*[change.action for change in changes], *[f"mark {mark.section}" for mark in marks])


@lru_cache(maxsize=1024)
def _refused(refusals: tuple[Fault, ...]) -> tuple[str, ...]:
    """Why nothing was done, in the words of the record: the rules of the capability table that the request breaks."""
    return tuple([f"refused {fault.feature}: {fault.reason}"[:_MOST_RULE] for fault in refusals[:_MOST_RULES]])


@lru_cache(maxsize=1024)
def _effort(changes: tuple[Change, ...], asked: str) -> str:
    """The effort that was sent, by what was done to the one asked for (`quality.rewrite_thinking`)."""
    for action in [change.action for change in changes]:
        if action.startswith("set effort "):
            asked = action.removeprefix("set effort ")
        elif action.startswith("effort ") and " -> " in action:
            asked = action.rpartition(" -> ")[2]
        elif action.startswith("dropped effort"):
            asked = ""
    return asked


def start_record(
    trip: Metering, *, seq: int, us: int, attempt: int, hold: Hold | None, budgets: tuple[str, ...], name: str
) -> Start:
    """The record of an attempt about to go upstream."""
    facts, decision, applied, sent = trip.facts, trip.decision, trip.applied, trip.sent
    who = facts.who
    return Start(
        seq=seq,
        us=us,
        model=facts.model,
        sent_model=applied.served_as if applied.served_as != facts.model else "",
        trip=name,
        attempt=attempt,
        purpose=trip.purpose,
        workspace=who.workspace,
        api_key=who.api_key,
        agent=who.agents[0] if who.agents else "",
        tags=_tags(tuple(who.tags.items())) if who.tags else "",
        session_id=facts.session,
        platform=sent.platform if sent is not None else "anthropic",
        upstream=sent.upstream if sent is not None else "",
        geo=sent.geo if sent is not None else "global",
        speed="fast" if facts.fast else "standard",
        effort=_effort(applied.changes, facts.effort),
        stream=facts.stream,
        max_tokens=facts.max_tokens,
        features_version=FEATURES_VERSION,
        tools_fp=who.tools_fp,
        system_fp=who.system_fp,
        template_id=who.template_id,
        messages=len(facts.messages) if facts.messages else None,
        workload=decision.workload,
        policy_id=decision.policy_id,
        stage=decision.stage,
        arm=decision.arm,
        reason=decision.reason,
        changes=_refused(applied.refusals) if applied.is_original else _changes(applied.changes, applied.marks),
        budgets=budgets if hold is not None else (),
        period=hold.period if hold is not None else "",
        held_nano=hold.amount_nano if hold is not None else 0,
    )
