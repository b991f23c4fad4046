"""Claude Code: a managed-settings fragment instead of a code change, because people run it from their own machines.

Keys as code.claude.com/docs/en/settings-reference gives them, looked up on 2026-11-22: `model` (a person may still
switch; `availableModels` would forbid it and is not set here), `modelSettings.<model>.effortLevel` (an effort for one
model; `max` cannot be saved), `fastMode`, and `env.CLAUDE_CODE_SUBAGENT_MODEL`, which outranks a sub-agent's own model.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from baseload.plan.planned import CodingAgent, Planned
from baseload.plan.words import span_dollars
from baseload.usage.claude_code import SUBAGENT
from baseload.values import Table, Workload
from baseload.workloads.signature import signature_rows

SAVED_EFFORTS: Final = ("low", "medium", "high", "xhigh")
"""Efforts a settings file may hold."""
SUBAGENT_VARIABLE: Final = "CLAUDE_CODE_SUBAGENT_MODEL"
FILE: Final = "claude-code-settings.json"


class Fragment(msgspec.Struct, frozen=True, kw_only=True):
    """What to merge into the managed settings, and what a reader of it must know. Empty settings: nothing to do."""

    settings: dict[str, Any]
    notes: tuple[str, ...] = ()

    def json(self) -> str:
        """The fragment as a file's text."""
        return msgspec.json.format(msgspec.json.encode(self.settings), indent=2).decode() + "\n"


def coding_agents(signatures: Table, workload_of: Mapping[str, Workload]) -> dict[str, CodingAgent]:
    """Workload id -> which Claude Code it is, for the workloads all of whose calls are Claude Code's."""
    kinds: defaultdict[str, set[CodingAgent]] = defaultdict(set)
    for row in signature_rows(signatures):
        if row.signature in workload_of:
            is_subagent = row.agent == SUBAGENT
            kind: CodingAgent = (
                "" if not row.is_coding_agent else "claude_code_subagent" if is_subagent else "claude_code"
            )
            kinds[workload_of[row.signature].id].add(kind)
    found: dict[str, CodingAgent] = {}
    for id_, seen in kinds.items():
        if "" not in seen:
            found[id_] = "claude_code_subagent" if seen == {"claude_code_subagent"} else "claude_code"
    return found


def settings_fragment(planned: Iterable[Planned]) -> Fragment:
    """The managed settings the plan asks of Claude Code.

    One file sets one model for everybody: where workloads of Claude Code were planned differently, the one that spends
    most decides and a note says whom it overrules. Untested moves are in it and marked: settings are a proposal to
    people, who can switch back in a session.
    """
    ordered = sorted((one for one in planned if one.coding_agent), key=lambda one: (-one.billed_nano, one.workload.id))
    main = [one for one in ordered if one.coding_agent == "claude_code"]
    sub = [one for one in ordered if one.coding_agent == "claude_code_subagent"]
    settings = {**_main_settings(main), **_subagent_settings(sub)}
    return Fragment(settings=settings, notes=(*_notes(main), *_notes(sub)) if settings else ())


def _main_settings(main: list[Planned]) -> dict[str, Any]:
    if not main:
        return {}
    one = main[0]
    found: dict[str, Any] = {}
    if one.choice.route and one.route.model != one.today.model:
        found["model"] = one.route.model
    if one.choice.route and one.route.effort in SAVED_EFFORTS and one.route.effort != one.today.effort:
        found["modelSettings"] = {one.route.model: {"effortLevel": one.route.effort}}
    if any(one.menu.fixes[index].kind == "speed" for one in main for index in one.choice.fixes):
        found["fastMode"] = False
    return found


def _subagent_settings(sub: list[Planned]) -> dict[str, Any]:
    if not sub or not sub[0].choice.route or sub[0].route.model == sub[0].today.model:
        return {}
    return {"env": {SUBAGENT_VARIABLE: sub[0].route.model}}


def _notes(group: list[Planned]) -> list[str]:
    if not group:
        return []
    first, found = group[0], []
    if first.choice.route:
        simulated = "held against a stand-in only" if first.route.verdict == "holds" else "not tested"
        tested = "a trial says it holds" if first.route.proven else simulated
        found.append(
            f"{_target(first)} for {first.workload.name}: saves {span_dollars(first.saving)} a year, {tested}."
        )
    others = [one for one in group[1:] if _target(one) != _target(first)]
    found += [f"{one.workload.name} was planned on {_target(one)}; one file cannot say both." for one in others]
    if first.choice.route and first.route.effort and first.route.effort not in (*SAVED_EFFORTS, first.today.effort):
        found.append(f"Effort {first.route.effort} cannot be saved in settings: people choose it in each session.")
    if first.coding_agent == "claude_code_subagent" and first.choice.route:
        found.append(f"{SUBAGENT_VARIABLE} sets the model of every sub-agent, also of those that name their own.")
    return found


def _target(one: Planned) -> str:
    return f"{one.route.model} at effort {one.route.effort}" if one.route.effort else one.route.model
