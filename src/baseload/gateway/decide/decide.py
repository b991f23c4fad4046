"""Who serves a request, and how: from facts, policy and state to one decision. Pure: the same in, the same out."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from baseload.gateway.decide.facts import Facts
from baseload.gateway.decide.rules import Rules
from baseload.gateway.decide.state import RouteView, Seen, State
from baseload.gateway.decide.switch import pays
from baseload.levers.options import CacheMark
from baseload.plan.policy import Batch, Entry
from baseload.quality.watch.assign import Arm, arm, paired

Reason = Literal[
    "not-messages", "unreadable", "no-entry", "pinned-by-header", "pinned-by-policy", "holdback", "leave", "fast-mode",
    "thread", "unknown-model", "other-model", "unknown-target", "rolled-back", "shadow", "incumbent", "no-router",
    "mid-session", "same-model", "candidate", "refused", "refused-upstream",
]  # fmt: skip

SAYS: Final[dict[Reason, str]] = {
    "not-messages": "no Messages request",
    "unreadable": "the body is no Messages request that can be edited safely",
    "no-entry": "no entry of the policy claims it",
    "pinned-by-header": "its caller asked for the original by a header",
    "pinned-by-policy": "the entry is taken back by pin_original",
    "holdback": "its session is in the holdback: always as its caller wrote it",
    "leave": "the entry leaves model and effort as they are",
    "fast-mode": "it asks for fast mode, which no trial speaks of",
    "thread": "it belongs to a thread kept by the API",
    "unknown-model": "it asks for a model the price book does not know",
    "other-model": "it asks for a model the entry does not move",
    "unknown-target": "the price book does not know the entry's model",
    "rolled-back": "the route was rolled back",
    "shadow": "the route is in its shadow stage",
    "incumbent": "its session is not among those the candidate serves yet",
    "no-router": "the entry's router is not loaded",
    "mid-session": "its session began on the original, and a cold cache costs more than the change saves",
    "same-model": "it already asks for what the entry wants",
    "candidate": "the policy's model serves it",
    "refused": "the policy's model does not take such a request, so the original went out",
    "refused-upstream": "the upstream refused what the policy made of it, so the original went out after it",
}
"""What a reason means, for people."""


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What happens to one request. `model` and `effort` "" = as asked.

    `workload` is that of the entry, "" where none claims the request. `asked` is the model asked for as the price book
    names it, "" where it does not. `candidate` and `candidate_effort` are what a shadow call is sent to, also while the
    incumbent serves; `paired`: one of these sessions. `marks` and `online` say how cache marks are set, `batch` how
    long it may wait. `pinned`: nobody may change a byte. `note` is the router's, where it abstained.
    """

    reason: Reason
    workload: str = ""
    policy_id: str = ""
    arm: Arm | Literal[""] = ""
    stage: str = ""
    pinned: bool = False
    asked: str = ""
    model: str = ""
    effort: str = ""
    marks: tuple[CacheMark, ...] = ()
    online: bool = False
    batch: Batch | None = None
    verdict_id: str = ""
    candidate: str = ""
    candidate_effort: str = ""
    paired: bool = False
    note: str = ""

    @property
    def changes(self) -> bool:
        """Whether the body may be edited."""
        return bool(self.model or self.effort or self.marks or self.online)


_NOT_MESSAGES: Final = Decision(reason="not-messages")
_UNREADABLE: Final = Decision(reason="unreadable")
_NO_ENTRY: Final = Decision(reason="no-entry")


def decide(facts: Facts, rules: Rules, state: State) -> Decision:
    """The decision on one request.

    In this order: what cannot be decided on, who claims it, who pinned it, the holdback, then marks and batches for
    everyone else, and a model for those whose session the candidate serves. Nothing is remembered here (`remember`).
    """
    if facts.kind != "messages":
        return _NOT_MESSAGES
    entry = rules.entry(facts.who)
    if entry is None:
        return _NO_ENTRY if facts.readable else _UNREADABLE
    if not facts.readable:
        return _plain(entry, rules, "unreadable")
    if facts.pin_original or entry.pin_original:
        return _plain(entry, rules, "pinned-by-header" if facts.pin_original else "pinned-by-policy", pinned=True)
    asked = rules.book.resolve(facts.model)
    seen = state.sessions.get(entry.workload.id, facts.session, facts.now_us)
    if seen is not None and seen.asked != asked:
        seen = None  # its caller changed the model: a session of its own, whose cache is cold anyway
    view = rules.view(entry, state.routes)
    serves = arm(view, facts.session, rules.key, seen.began_us if seen is not None and view.reached else None)
    if serves == "holdback":
        return _held_back(entry, rules, view, asked)
    reason, target, note = _target(entry, facts, rules, view, serves, asked, seen)
    moved = reason == "candidate"
    cache = entry.cache.marks if entry.cache is not None and rules.ways.cache != "off" else ()
    return Decision(
        reason=reason,
        workload=entry.workload.id,
        policy_id=rules.policy_id,
        arm=serves,
        stage=view.stage,
        asked=asked,
        model=target if moved and target != asked else "",
        effort=entry.effort if moved else "",
        marks=cache,
        online=rules.ways.cache == "online",
        batch=None if facts.fast or facts.thread else entry.batch,
        verdict_id=entry.verdict_id,
        candidate=target,
        candidate_effort=entry.effort if target else "",
        paired=bool(target) and target != asked and paired(view, facts.session, rules.key),
        note=note,
    )


def _plain(entry: Entry, rules: Rules, reason: Reason, *, pinned: bool = False) -> Decision:
    """As its caller wrote it."""
    return Decision(reason=reason, workload=entry.workload.id, policy_id=rules.policy_id, pinned=pinned)


def _held_back(entry: Entry, rules: Rules, view: RouteView, asked: str) -> Decision:
    """The reference that savings are measured against: no model, no mark, no batch of ours."""
    return Decision(
        reason="holdback",
        workload=entry.workload.id,
        policy_id=rules.policy_id,
        arm="holdback",
        stage=view.stage,
        asked=asked,
        verdict_id=entry.verdict_id,
    )


def _target(
    entry: Entry, facts: Facts, rules: Rules, view: RouteView, serves: Arm, asked: str, seen: Seen | None
) -> tuple[Reason, str, str]:
    """Why, the model the entry wants ("" where it wants none of this request), and the router's note."""
    stays = _stays(entry, facts, rules, asked)
    if stays is not None:
        return stays, "", ""
    target, note = _wanted(entry, facts, rules, seen)
    if not target:
        return "no-router", "", ""
    if target not in rules.book.models:
        return "unknown-target", "", note
    if target == asked and entry.effort in ("", facts.effort):
        return "same-model", target, note
    if serves == "incumbent":
        return _why_incumbent(view), target, note
    if seen is not None and seen.model == asked and target != asked and not _may_switch(rules, seen, target, facts):
        return "mid-session", target, note
    return "candidate", target, note


def _stays(entry: Entry, facts: Facts, rules: Rules, asked: str) -> Reason | None:
    """Why a request keeps its model whatever the route says; None where it may be moved."""
    if entry.decision == "leave":
        return "leave"
    if facts.fast:
        return "fast-mode"
    if facts.thread:
        return "thread"
    if not asked:
        return "unknown-model"
    return None if rules.moves(entry, asked) else "other-model"


def _wanted(entry: Entry, facts: Facts, rules: Rules, seen: Seen | None) -> tuple[str, str]:
    """The model of a session: the pinned one, or the router's choice, which is asked once and kept."""
    if entry.decision == "pin":
        return rules.book.resolve(entry.model) or entry.model, ""
    router = rules.routers.get(entry.workload.id)
    if router is None:
        return "", ""
    if seen is not None and seen.model != seen.asked:
        return seen.model, ""
    chosen = router.choose(facts)
    return rules.book.resolve(chosen.model) or chosen.model, chosen.note


def _why_incumbent(view: RouteView) -> Reason:
    if view.rolled_back:
        return "rolled-back"
    return "incumbent" if view.share else "shadow"


def _may_switch(rules: Rules, seen: Seen, target: str, facts: Facts) -> bool:
    return rules.ways.switch_mid_session and pays(rules.book, seen.model, target, seen.cached_tokens, facts.now_us)


def remember(facts: Facts, decision: Decision, served: str, state: State, *, marked: bool) -> None:
    """A request goes upstream on `served` (an id of the price book, "" = as asked): its session is noted.

    `marked`: it carries cache marks, so that its prompt will be warm. Called once a request, after `decide`.
    """
    if decision.workload and facts.readable:
        state.sessions.note(
            decision.workload,
            facts.session,
            asked=decision.asked,
            model=served or decision.asked,
            now_us=facts.now_us,
            cached_tokens=facts.prompt_tokens if marked else 0,
        )
