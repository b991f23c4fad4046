"""The first half of the cascade: the label that says most about one signature (usage-sources section 7, steps 1-2)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from baseload.project import WorkloadRule
from baseload.usage.buckets import NO_KEY, NO_WORKSPACE
from baseload.workloads.key import Key
from baseload.workloads.naming import readable
from baseload.workloads.rules import matches
from baseload.workloads.signature import Signature
from baseload.workloads.tags import named_by

GENERIC_AGENTS = frozenset(
    ("agent", "anthropic", "assistant", "chain", "chat", "chatbot", "claude", "cli", "completion", "default",
     "generation", "llm", "main", "messages", "model", "openai", "prompt", "repl-main-thread", "root", "run", "sdk",
     "session", "task", "test", "trace", "unnamed", "workflow")
)  # fmt: skip
"""Names half the programs in the world give their caller: they name a group only together with its owner."""
API_PRODUCTS = frozenset({"messages-api", "message-batches-api", "managed-agents-api"})
"""Products of the usage report that name the way in and not the caller (anthropic-facts section 6.1)."""
CODING_AGENT = "claude-code"

_WORLDWIDE = re.compile(r"(apikey|wrkspc)_\w{8,}|arn:.+")
"""Ids that no two accounts share, so that one account's billing rows and calls meet even where only one names it."""
_FINGERPRINT = re.compile(r"[0-9a-f]{32}")

_Pairs = tuple[tuple[str, str], ...]


def base_key(row: Signature, rules: Sequence[WorkloadRule]) -> Key | None:
    """The group a signature's own labels put it in; None for an aggregate row that has no label at all.

    In this order: a rule of the user, a workload-like tag, a project or team tag (with the agent where there is one),
    an agent or prompt name, the api key, the workspace, the role, and last the bare source of the calls.
    """
    plain = _plain(row)
    return _by_rule(row, rules) or _by_tag(plain) or _by_agent(plain) or _by_owner(plain) or _by_source(plain)


def owner_key(row: Signature) -> Key | None:
    """The key of who runs a call, whatever else names it; None where no key, workspace or role does."""
    return _by_owner(_plain(row))


def _plain(row: Signature) -> Signature:
    """The row without words that stand for "none", and with one spelling of its agent."""
    agent = readable(row.agent) if row.agent else ""
    if agent in API_PRODUCTS:
        agent = ""
    if row.is_coding_agent and (not agent or agent in GENERIC_AGENTS):
        agent = CODING_AGENT
    return row._replace(
        agent=agent,
        api_key="" if row.api_key == NO_KEY else row.api_key,
        workspace="" if row.workspace == NO_WORKSPACE else row.workspace,
    )


def _by_rule(row: Signature, rules: Sequence[WorkloadRule]) -> Key | None:
    for rule in rules:
        if not rule.id and matches(rule, row):
            return Key(
                "rule", (("rule", rule.name),), rule.name, f'The rule "{rule.name}" in baseload.toml matches it.'
            )
    return None


def _by_tag(row: Signature) -> Key | None:
    named = named_by(row.tags)
    if named.workload:
        why = f"Its caller tags it {_said(named.workload)}."
        return Key("tag", _tags(named.workload), _values(named.workload), why)
    if not named.owner:
        return None
    parts, name, why = _tags(named.owner), _values(named.owner), f"Its caller tags it {_said(named.owner)}"
    if row.agent:
        return Key("tag", (*parts, ("agent", row.agent)), f"{name}/{row.agent}", f"{why} and calls itself {row.agent}.")
    return Key("tag", parts, name, f"{why}.", splits="prompts")


def _by_agent(row: Signature) -> Key | None:
    if not row.agent:
        return None
    why = f'The caller names itself "{row.agent}"'
    owner = (_by_owner(row) or _by_source(row)) if row.agent in GENERIC_AGENTS else None
    if owner is not None:
        parts, name = (*owner.parts, ("agent", row.agent)), f"{owner.name}/{row.agent}"
        return Key("agent", parts, name, f"{why} under {owner.name}.")
    splits = "projects" if row.is_coding_agent else ""
    return Key("agent", (*_account(row), ("agent", row.agent)), row.agent, f"{why}.", splits=splits)


def _by_owner(row: Signature) -> Key | None:
    if row.api_key:
        return _owner(row, "api_key", row.api_key, "All its calls use the API key")
    if row.workspace:
        return _owner(row, "workspace", row.workspace, "All its calls come from the workspace")
    if row.user_id and not _FINGERPRINT.fullmatch(row.user_id):
        return _owner(row, "role", row.user_id, "All its calls are made by the role")
    return None


def _owner(row: Signature, kind: str, value: str, why: str) -> Key:
    account = () if _WORLDWIDE.fullmatch(value) else _account(row)
    name = readable(value, kind)
    return Key("owner", (*account, (kind, value)), name, f"{why} {name}.", splits="prompts")


def _by_source(row: Signature) -> Key | None:
    """Calls that nothing names: by the source they were read from. A person's fingerprint is no workload."""
    if not row.is_call:
        return None
    name = readable(row.source)
    why = f"No tag, agent, key or workspace names these calls: they are all that was read from {name}."
    return Key("structure", (*_account(row), ("source", row.source)), name, why, splits="prompts")


def _account(row: Signature) -> _Pairs:
    return (("account", row.account),) if row.account else ()


def _tags(pairs: _Pairs) -> _Pairs:
    return tuple((f"tag:{name}", value) for name, value in pairs)


def _values(pairs: _Pairs) -> str:
    return "/".join(readable(value) for _, value in pairs)


def _said(pairs: _Pairs) -> str:
    return " and ".join(f'{name} = "{value[:60]}"' for name, value in pairs)
