"""The user's own rules of `baseload.toml`: what they match, and what in them makes no sense."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Protocol

from baseload.errors import UsageError
from baseload.project import WorkloadRule
from baseload.project_bars import BarTable
from baseload.values import Problem
from baseload.vault.data_use import parse_data_use
from baseload.workloads.key import ID_PATTERN
from baseload.workloads.signature import Signature
from baseload.workloads.tags import read_tags, tag_name

TASKS = (
    "classification", "extraction", "summarisation", "routing", "formatting", "codegen", "agentic", "reasoning", "qa",
    "chat", "unknown",
)  # fmt: skip
LATENCIES = ("interactive", "tolerant")
TOLERANT_FROM_SECONDS = 3600
"""A deadline this long leaves room for a batch: most end within the hour (anthropic-facts section 4)."""

_DEADLINE = re.compile(r"\s*(\d{1,6})\s*(s|m|h|d)\s*")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


class _Named(Protocol):
    """A workload, as far as a bar can name it."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...


class _Conditions(Protocol):
    """What workload rules and owner rules have in common."""

    @property
    def api_key(self) -> str: ...
    @property
    def workspace(self) -> str: ...
    @property
    def agent(self) -> str: ...
    @property
    def tag(self) -> dict[str, str]: ...


def holds(pattern: str, value: str) -> bool:
    """Whether a value is the pattern, ignoring case; a `*` at the end matches any rest.

    >>> holds("prod-*", "Prod-search"), holds("prod", "prod-search")
    (True, False)
    """
    pattern, value = pattern.casefold(), value.casefold()
    return value.startswith(pattern[:-1]) if pattern.endswith("*") else value == pattern


def matches(rule: _Conditions, row: Signature) -> bool:
    """Whether all conditions a rule gives hold for a signature. A rule without any condition matches nothing."""
    given = [
        (pattern, value)
        for pattern, value in (
            (rule.api_key, row.api_key),
            (rule.workspace, row.workspace),
            (rule.agent, row.agent),
            (getattr(rule, "template", ""), row.template_id),
            (getattr(rule, "source", ""), row.source),
        )
        if pattern
    ]
    tags = read_tags(row.tags) if rule.tag else {}
    given += [(pattern, tags.get(tag_name(key), "")) for key, pattern in rule.tag.items()]
    return bool(given) and all(value and holds(pattern, value) for pattern, value in given)


def has_conditions(rule: WorkloadRule) -> bool:
    return bool(rule.api_key or rule.workspace or rule.agent or rule.template or rule.source or rule.tag)


def deadline_seconds(text: str) -> int | None:
    """Seconds of a deadline such as "15m", "4h" or "1d"; None for anything else.

    >>> deadline_seconds("4h"), deadline_seconds("soon")
    (14400, None)
    """
    found = _DEADLINE.fullmatch(text)
    return int(found[1]) * _SECONDS[found[2]] if found and int(found[1]) else None


def latency_by_rule(rule: WorkloadRule) -> tuple[str, str]:
    """(latency, evidence) a rule settles, ("", "") when it does not: what a person wrote is not second-guessed."""
    if rule.latency in LATENCIES:
        return rule.latency, f'latency = "{rule.latency}" in baseload.toml'
    if (deadline_seconds(rule.deadline) or 0) >= TOLERANT_FROM_SECONDS:
        return "tolerant", f'deadline = "{rule.deadline.strip()}" in baseload.toml'
    return "", ""


def rule_problems(rules: Sequence[WorkloadRule]) -> list[Problem]:
    """One problem for each rule, and each value in it, that cannot be used; the rest of the rule still counts."""
    return [problem for row, rule in enumerate(rules, start=1) for problem in _problems_of(rule, row)]


def is_usable(rule: WorkloadRule) -> bool:
    """Whether a rule can meet a call at all: it has conditions, or an id that could exist."""
    return bool(ID_PATTERN.fullmatch(rule.id)) if rule.id else has_conditions(rule)


def unmet_problem(row: int, rule: WorkloadRule) -> Problem:
    """The `row`-th rule is fine in itself and meets no call of this data: its settings have no effect."""
    return _problem(
        row,
        "workload-rule-unmet",
        "No call in this data belongs to a workload rule.",
        value=rule.id or rule.name,
        expected="at least one call",
        step="Compare it with what `baseload rank` lists, or drop the rule.",
    )


def _problems_of(rule: WorkloadRule, row: int) -> list[Problem]:
    found = []
    if rule.id and not ID_PATTERN.fullmatch(rule.id):
        found.append(_bad_value(row, "id", rule.id, "w- and 12 hex digits, as `baseload init` writes it"))
    if rule.id and has_conditions(rule):
        found.append(
            _problem(row, "workload-rule-two-ways", "A workload rule has an id and conditions; the id is used.",
                         value=rule.name, expected="either id or conditions")
        )  # fmt: skip
    if not rule.id and not has_conditions(rule):
        found.append(
            _problem(row, "workload-rule-empty", "A workload rule says nothing about which calls it means.",
                         value=rule.name, expected="id, or one of api_key, workspace, agent, template, source, tag")
        )  # fmt: skip
    if rule.task and rule.task not in TASKS:
        found.append(_bad_value(row, "task", rule.task, ", ".join(TASKS)))
    if rule.latency and rule.latency not in LATENCIES:
        found.append(_bad_value(row, "latency", rule.latency, " or ".join(LATENCIES)))
    if rule.deadline and deadline_seconds(rule.deadline) is None:
        found.append(_bad_value(row, "deadline", rule.deadline, 'a number and s, m, h or d, such as "4h"'))
    if not _is_data_use(rule.data_use):
        found.append(_bad_value(row, "data_use", rule.data_use, "none, same_platform or batch_allowed"))
    return found


def _is_data_use(text: str) -> bool:
    try:
        parse_data_use(text)
    except UsageError:
        return False
    return True


def bar_of_workload(workload_id: str, name: str, bars: Sequence[BarTable]) -> BarTable | None:
    """The [[bar]] that binds to a workload: by its id, else by its name; of several the first."""
    by_id = next((bar for bar in bars if bar.workload == workload_id), None)
    return by_id or next((bar for bar in bars if bar.workload == name), None)


def bar_problems(bars: Sequence[BarTable], workloads: Iterable[_Named]) -> list[Problem]:
    """One problem for each [[bar]] that binds to no workload of the data, to several of one name, or to one that
    another [[bar]] has."""
    here = list(workloads)
    taken: set[str] = set()
    found = []
    for row, bar in enumerate(bars, start=1):
        named = {one.id for one in here if bar.workload in (one.id, one.name)}
        if not named:
            found.append(_bar_problem(row, "bar-unmet", "A bar is about a workload that is not here.", bar,
                                      "the id or the name of a workload of this ledger"))  # fmt: skip
        elif len(named) > 1:
            found.append(_bar_problem(row, "bar-ambiguous", "Several workloads have the name of a bar.", bar,
                                      "the id of one workload"))  # fmt: skip
        elif named & taken:
            found.append(_bar_problem(row, "bar-twice", "Two bars are about one workload.", bar,
                                      "one bar for each workload; one by id comes before one by name"))  # fmt: skip
        taken |= named
    return found


def _bar_problem(row: int, code: str, message: str, bar: BarTable, expected: str) -> Problem:
    return Problem(
        source="project", file="baseload.toml", row=row, code=code, message=message, value=bar.workload[:60],
        expected=expected, next_step="Mend that [[bar]] table; `baseload rank --json` lists ids and names.",
    )  # fmt: skip


def _bad_value(row: int, field: str, value: str, expected: str) -> Problem:
    return _problem(
        row, "workload-rule-value", f"A workload rule's {field} is not one of the known ones; it is not used.",
        value=value, expected=expected,
    )  # fmt: skip


def _problem(row: int, code: str, message: str, *, value: str = "", expected: str = "", step: str = "") -> Problem:
    return Problem(
        source="project",
        file="baseload.toml",
        row=row,
        code=code,
        message=message,
        value=value[:60],
        expected=expected,
        next_step=step or "Mend that [[workload]] table; docs/reference/project.md lists every key.",
    )
