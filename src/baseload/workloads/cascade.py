"""The first half of the cascade: the label that says most about one signature (usage-sources section 7, steps 1-2)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from baseload.project import WorkloadRule
from baseload.workloads.key import Key
from baseload.workloads.naming import readable
from baseload.workloads.rules import matches
from baseload.workloads.signature import Signature
from baseload.workloads.tags import named_by

GENERIC_AGENTS = frozenset(
    ("agent", "assistant", "chain", "chat", "chatbot", "cli", "completion", "default", "generation", "llm", "main",
     "messages", "model", "openai", "anthropic", "claude", "prompt", "repl_main_thread", "root", "run", "sdk",
     "session", "task", "test", "trace", "unnamed", "workflow")
)  # fmt: skip
"""Names half the programs in the world give their caller: they name a group only together with its owner."""

_WORLDWIDE = re.compile(r"(apikey|wrkspc)_\w{8,}|arn:.+")
"""Ids that no two accounts share, so that one account's billing rows and calls meet even where only one names it."""
_FINGERPRINT = re.compile(r"[0-9a-f]{32}")


def base_key(row: Signature, rules: Sequence[WorkloadRule]) -> Key | None:
    """The group a signature's own labels put it in; None for an aggregate row that has no label at all.

    In this order: a rule of the user, a workload-like tag, a project or team tag (with the agent where there is one),
    an agent or prompt name, the api key, the workspace, the role, and last the bare source of the calls.
    """
    return _by_rule(row, rules) or _by_tag(row) or _by_agent(row) or _by_owner(row) or _by_source(row)


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
        return Key(
            "tag",
            _kinds("tag", named.workload),
            _values(named.workload),
            f"Its caller tags it {_said(named.workload)}.",
        )
    if not named.owner:
        return None
    parts, name, why = _kinds("tag", named.owner), _values(named.owner), f"Its caller tags it {_said(named.owner)}"
    if row.agent:
        return Key(
            "tag",
            (*parts, ("agent", row.agent)),
            f"{name}/{readable(row.agent)}",
            f"{why} and calls itself {row.agent}.",
        )
    return Key("tag", parts, name, f"{why}.", splittable=True)


def _by_agent(row: Signature) -> Key | None:
    if not row.agent:
        return None
    name, why = readable(row.agent), f'The caller names itself "{row.agent}"'
    if row.agent.casefold() not in GENERIC_AGENTS:
        return Key("agent", (*_account(row), ("agent", row.agent)), name, f"{why}.")
    owner = _by_owner(row) or _by_source(row)
    if owner is None:
        return None
    return Key("agent", (*owner.parts, ("agent", row.agent)), f"{owner.name}/{name}", f"{why} under {owner.name}.")


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
    return Key("owner", (*account, (kind, value)), name, f"{why} {name}.", splittable=True)


def _by_source(row: Signature) -> Key | None:
    """Calls that nothing names: by the source they were read from. A person's fingerprint is no workload."""
    if not row.is_call:
        return None
    name = readable(row.source)
    why = f"No tag, agent, key or workspace names these calls: they are all that was read from {name}."
    return Key("structure", (*_account(row), ("source", row.source)), name, why, splittable=True)


def _account(row: Signature) -> tuple[tuple[str, str], ...]:
    return (("account", row.account),) if row.account else ()


def _kinds(kind: str, pairs: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    return tuple((f"{kind}:{name}", value) for name, value in pairs)


def _values(pairs: tuple[tuple[str, str], ...]) -> str:
    return "/".join(readable(value) for _, value in pairs)


def _said(pairs: tuple[tuple[str, str], ...]) -> str:
    return " and ".join(f'{name} = "{value[:60]}"' for name, value in pairs)
