"""Which entry of a policy a request belongs to: the one rule that the gateway, the checks and the tests share."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import msgspec

from baseload.plan.policy import Entry, Match, Policy
from baseload.workloads.cascade import CODING_AGENT, GENERIC_AGENTS
from baseload.workloads.naming import readable
from baseload.workloads.rules import holds
from baseload.workloads.signature import Signature
from baseload.workloads.tags import read_tags, tag_name

PRECEDENCE = ("api_key", "agent", "tools_fp", "system_fp", "template_ids", "workspace")
"""Conditions after the tag, strongest first: what decides between entries that give equally many."""


class RequestFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What one request says about itself: `workload` is an explicit name or id (a header), tags by normalised name,
    `agents` what the caller calls itself, as sent and as the grouping spells it."""

    workload: str = ""
    tags: Mapping[str, str] = msgspec.field(default_factory=dict)
    api_key: str = ""
    agents: tuple[str, ...] = ()
    tools_fp: str = ""
    system_fp: str = ""
    template_id: str = ""
    workspace: str = ""


class _Strength(NamedTuple):
    """How firmly an entry claims a request; the largest wins."""

    named: bool
    tags: int
    conditions: int
    order: tuple[bool, ...]


def facts_of(row: Signature) -> RequestFacts:
    """The facts a signature of the ledger stands for, spelled as the grouping spells them."""
    return RequestFacts(
        tags=read_tags(row.tags),
        api_key=row.api_key,
        agents=(agent_of(row), row.agent) if row.agent else (agent_of(row),),
        tools_fp=row.tools_fp,
        system_fp=row.system_fp,
        template_id=row.template_id,
        workspace=row.workspace,
    )


def agent_of(row: Signature) -> str:
    """One spelling of who calls; Claude Code under every name that it goes by."""
    agent = readable(row.agent) if row.agent else ""
    return CODING_AGENT if row.is_coding_agent and (not agent or agent in GENERIC_AGENTS) else agent


def match_entry(policy: Policy, facts: RequestFacts) -> Entry | None:
    """The entry of a request, or None where none claims it.

    The rule as it reads; `Matcher` is the same for many requests.

    A request that names its workload has that one's entry. Else, of the entries whose conditions all hold: more tags
    win, then more conditions, then the earlier in PRECEDENCE; two that are equal even then by workload id.
    """
    return best(policy.entries, facts)


def best(entries: Iterable[Entry], facts: RequestFacts) -> Entry | None:
    """The strongest claim among some entries, or None."""
    claims = [(found, entry) for entry in entries if (found := strength(entry, facts)) is not None]
    if not claims:
        return None
    top = max(found for found, _ in claims)
    return min((entry for found, entry in claims if found == top), key=lambda entry: entry.workload.id)


class Matcher:
    """`match_entry` for many requests: only entries that could claim a request are looked at, whatever their number."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._by_value: defaultdict[tuple[str, str], list[Entry]] = defaultdict(list)
        self._by_name: defaultdict[str, list[Entry]] = defaultdict(list)
        self._always: list[Entry] = []
        for entry in entries:
            for name in {entry.workload.id, entry.workload.name}:
                self._by_name[name].append(entry)
            keys = filed_under(entry.match)
            for key in keys or ():
                self._by_value[key].append(entry)
            if keys is None:
                self._always.append(entry)

    def entry(self, facts: RequestFacts) -> Entry | None:
        """The entry of a request, or None where none claims it."""
        if facts.workload and (named := self._by_name.get(facts.workload)):
            return best(named, facts)
        found = {id(entry): entry for key in values_of(facts) for entry in self._by_value.get(key, ())}
        return best((*found.values(), *self._always), facts)


def filed_under(match: Match) -> set[tuple[str, str]] | None:
    """One condition's values, of which a request must have one; None where a `*` leaves the value open.

    A match without conditions has none, and is never looked at.
    """
    for name in ("template_ids", "system_fp", "tools_fp"):
        if getattr(match, name):
            return {(name, value) for value in getattr(match, name)}
    options = [[("tag:" + tag_name(tag), value)] for tag, value in match.tag.items()]
    options += [[(name, value) for value in getattr(match, name)] for name in ("api_key", "agent", "workspace")]
    given = [pairs for pairs in options if pairs]
    closed = (pairs for pairs in given if not any(value.endswith("*") for _, value in pairs))
    chosen = next(closed, None)
    if chosen is None:
        return None if given else set()
    return {(name, value.casefold()) for name, value in chosen}


def values_of(facts: RequestFacts) -> Iterator[tuple[str, str]]:
    """Every value of a request that an entry may be filed under."""
    yield "template_ids", facts.template_id
    yield "system_fp", facts.system_fp
    yield "tools_fp", facts.tools_fp
    yield "api_key", facts.api_key.casefold()
    yield "workspace", facts.workspace.casefold()
    yield from (("agent", agent.casefold()) for agent in facts.agents)
    yield from ((f"tag:{name}", value.casefold()) for name, value in facts.tags.items())


def strength(entry: Entry, facts: RequestFacts) -> _Strength | None:
    """How firmly an entry claims a request; None where it does not."""
    if facts.workload and facts.workload in (entry.workload.id, entry.workload.name):
        return _Strength(True, 0, 0, ())
    match = entry.match
    given = tuple(bool(getattr(match, name)) for name in PRECEDENCE)
    if not (match.tag or any(given)) or not matches(match, facts):
        return None
    return _Strength(False, len(match.tag), sum(given), given)


def matches(match: Match, facts: RequestFacts) -> bool:
    """Whether every condition given holds."""
    return (
        all(_named((pattern,), (facts.tags.get(tag_name(name), ""),)) for name, pattern in match.tag.items())
        and _named(match.api_key, (facts.api_key,))
        and _named(match.agent, facts.agents)
        and _named(match.workspace, (facts.workspace,))
        and (not match.tools_fp or facts.tools_fp in match.tools_fp)
        and (not match.system_fp or facts.system_fp in match.system_fp)
        and (not match.template_ids or facts.template_id in match.template_ids)
    )


def _named(patterns: tuple[str, ...], values: tuple[str, ...]) -> bool:
    """Whether no pattern is given, or one of them meets one of the values there are."""
    return not patterns or any(value and holds(pattern, value) for pattern in patterns for value in values)
