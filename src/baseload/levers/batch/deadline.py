"""How long a workload's answers may take: what a person declared, else what its traffic allows to suppose."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from baseload.project import WorkloadRule
from baseload.values import HOUR_US, Workload
from baseload.workloads.rules import deadline_seconds

INFERRED_US = 4 * HOUR_US
"""What work that nobody waits for is taken to have, where nobody says more: a nightly run that starts at 03:00 is done
by 07:00, before people come in. Short on purpose: batches mostly end within the hour (anthropic-facts section 4)."""

HOURLY_US = HOUR_US
"""The same for a job named after the hour: its answers must be there before it runs again."""

_SECOND_US = 1_000_000


class Deadline(msgspec.Struct, frozen=True, kw_only=True):
    """How long after its request an answer may come.

    `us` is 0 where somebody waits. `potential` is true where nobody knows: a batch of it is shown as what could be,
    never planned. `reason` is one sentence for a reader.
    """

    us: int
    source: Literal["declared", "inferred"]
    potential: bool = False
    reason: str


def deadline_of(workload: Workload, rules: Iterable[WorkloadRule] = ()) -> Deadline:
    """The deadline of one workload; a declared one beats everything its traffic shows.

    A deadline nobody can read is skipped here: `workloads.rules.rule_problems` names it.
    """
    for rule in rules:
        seconds = deadline_seconds(rule.deadline) if is_about(rule, workload) else None
        if seconds is not None:
            said = f'deadline = "{rule.deadline.strip()}" in baseload.toml'
            return Deadline(us=seconds * _SECOND_US, source="declared", reason=said)
    return _inferred(workload)


def is_about(rule: WorkloadRule, workload: Workload) -> bool:
    """Whether a rule's settings are this workload's: by its id, or by the name of the group the rule made."""
    return rule.id == workload.id if rule.id else workload.stage == "rule" and rule.name == workload.name


def _inferred(workload: Workload) -> Deadline:
    evidence = workload.latency_evidence.rstrip(".")
    if workload.latency == "interactive":
        return Deadline(us=0, source="inferred", reason=f"somebody waits: {_lowered(evidence)}")
    hourly = "hourly" in workload.name.casefold()
    us, length = (HOURLY_US, "1 hour") if hourly else (INFERRED_US, "4 hours")
    if workload.latency == "tolerant":
        reason = f"no deadline declared, {length} supposed because nobody waits: {_lowered(evidence)}"
        return Deadline(us=us, source="inferred", reason=reason)
    reason = f"nothing shows whether anybody waits; if nobody does, {length} supposed"
    return Deadline(us=us, source="inferred", potential=True, reason=reason)


def _lowered(sentence: str) -> str:
    """A sentence as the second half of another; empty evidence says so."""
    return sentence[:1].lower() + sentence[1:] if sentence else "no evidence given"
