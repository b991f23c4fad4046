"""What of a policy Envoy can carry: entries told apart by headers, and moves that are one fixed splice of a body.

Envoy sees headers and bytes. It can write another model's name and fixed members beside it; it cannot rewrite a
conversation, hash a prompt or remember a session. So a request is moved only where `quality.rewrite` says that nothing
else in it has to change, which is asked here, once, about every kind of request that a few words in a body give away.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from baseload.gateway.export.parts import Lost, does_nothing, lost
from baseload.plan.policy import Entry, Match, Policy
from baseload.plan.policy_match import PRECEDENCE
from baseload.prices.book import Model, PriceBook
from baseload.prices.capabilities import most_media
from baseload.quality.legality import ApiVersion
from baseload.quality.rewrite import rewrite
from baseload.workloads.rules import holds
from baseload.workloads.tags import tag_name

VERSIONS: Final[tuple[ApiVersion, ...]] = ("2023-06-01", "2026-10-21")
NEVER: Final = (
    "thinking", "output_config", "speed", "fallbacks", "store", "previous_thread_event_id", "effort",
    "context_management", "container", "mcp_servers",
)  # fmt: skip
"""Members that keep a request as it is: what they ask of another model is not said in a few words."""
NEVER_TYPES: Final = (
    "thinking", "redacted_thinking", "compaction", "server_tool_use", "mcp_tool_use", "mcp_toolset", "container_upload",
)  # fmt: skip
_BLIND: Final = ("tools_fp", "system_fp", "template_ids")
_BYTES_PER_TOKEN_AT_LEAST: Final = 3
_TOOL: Final = {"name": "tool", "input_schema": {"type": "object"}}
_USER: Final = {"role": "user", "content": "u"}
_LOOP: Final = [
    _USER,
    {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "tool", "input": {}}]},
    {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "r"}]},
]
_MEMBERS: Final[Mapping[str, Sequence[Mapping[str, Any]]]] = {
    "temperature": [{"temperature": 0}, {"temperature": 0.5}, {"temperature": 1}],
    "top_p": [{"top_p": 0.5}],
    "top_k": [{"top_k": 5}],
    "inference_geo": [{"inference_geo": "us"}],
    "tools": [{"tools": [_TOOL]}],
    "tool_choice": [
        {"tools": [_TOOL], "tool_choice": {"type": kind, **more}}
        for kind, more in (("auto", {}), ("any", {}), ("tool", {"name": "tool"}), ("none", {}))
    ],
    "stop_sequences": [{"stop_sequences": ["END"]}],
    "metadata": [{"metadata": {"user_id": "u"}}],
    "service_tier": [{"service_tier": "auto"}, {"service_tier": "standard_only"}],
}
"""Requests that only one member tells from a plain one."""
_TYPES: Final[Mapping[str, Mapping[str, Any]]] = {"tool_use": {"tools": [_TOOL], "messages": _LOOP}}


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """One model's requests as another takes them: `members` are set beside the model, as JSON, none being there.

    Left alone: bodies with one of `not_members`, a block of one of `not_types`, a `system` turn (`not_system`), an
    assistant turn at the end (`not_prefilled`), more than `most_tokens` asked for, or more than `most_bytes`.
    """

    names: tuple[str, ...]
    target: str
    members: Mapping[str, str]
    not_members: tuple[str, ...]
    not_types: tuple[str, ...]
    not_system: bool
    not_prefilled: bool
    most_tokens: int
    most_bytes: int


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """An entry as Envoy tries it. `variables` hold the keys it takes; `any_key`: any credential will do.

    No move = the entry leaves its requests as they are, and no weaker one may claim them.
    """

    workload: str
    name: str
    tags: Mapping[str, str]
    keys: tuple[str, ...]
    any_key: bool
    agents: tuple[str, ...]
    workspaces: tuple[str, ...]
    moves: tuple[Move, ...] = ()
    by_name_only: bool = False


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """Rules in the order they are tried, and what was lost."""

    rules: tuple[Rule, ...]
    lost: tuple[Lost, ...]


def rules_of(policy: Policy, book: PriceBook, keys: Mapping[str, str]) -> Rules:
    """What Envoy is told. `keys`: names of callers' keys as the policy has them -> variables that hold the keys."""
    ordered = sorted(policy.entries, key=lambda entry: (_weakness(entry), entry.workload.id))
    rules: list[Rule] = []
    losses: list[Lost] = []
    hidden: list[Entry] = []
    for entry in ordered:
        why = _unseen(entry, keys) or _taken_along(entry, hidden)
        if why:
            hidden.append(entry)
            if not does_nothing(entry):
                losses.append(lost(entry, why))
            rules += [_named_only(entry)]
            continue
        moves, faults = _moves(entry, book)
        losses += faults
        rules.append(_rule(entry, moves, keys))
    return Rules(rules=tuple(rules), lost=tuple(losses))


def _weakness(entry: Entry) -> tuple[int, int, tuple[bool, ...]]:
    """`plan.policy_match.strength`, turned round: what claims most firmly comes first."""
    given = tuple(not getattr(entry.match, name) for name in PRECEDENCE)
    return -len(entry.match.tag), sum(given), given


def _rule(entry: Entry, moves: tuple[Move, ...], keys: Mapping[str, str]) -> Rule:
    match = entry.match
    return Rule(
        workload=entry.workload.id,
        name=entry.workload.name,
        tags={tag_name(name): pattern.casefold() for name, pattern in match.tag.items()},
        keys=tuple(sorted(_variables(match, keys))),
        any_key="*" in match.api_key,
        agents=tuple(one.casefold() for one in match.agent),
        workspaces=tuple(one.casefold() for one in match.workspace),
        moves=moves,
        by_name_only=not (match.tag or match.api_key or match.agent or match.workspace),
    )


def _named_only(entry: Entry) -> Rule:
    """An entry that is not served: a request that names it is left alone, and no other entry may have it."""
    return Rule(
        workload=entry.workload.id, name=entry.workload.name, tags={}, keys=(), any_key=False, agents=(),
        workspaces=(), by_name_only=True,
    )  # fmt: skip


def _variables(match: Match, keys: Mapping[str, str]) -> set[str]:
    return {variable for name, variable in keys.items() if any(holds(pattern, name) for pattern in match.api_key)}


def _unseen(entry: Entry, keys: Mapping[str, str]) -> str:
    """Why Envoy cannot tell the entry's requests from others; "" where it can."""
    match = entry.match
    blind = [name for name in _BLIND if getattr(match, name)]
    if blind:
        return f"it is met by {' and '.join(blind)}: hashes of prompts, which Envoy cannot make"
    if match.api_key and "*" not in match.api_key and not _variables(match, keys):
        return "it is met by a key's name; give the variable that holds the key with --key NAME=VARIABLE"
    texts = (*match.tag.values(), *match.agent, *match.workspace, *match.tag)
    if not all(text.isascii() for text in texts):
        return "a condition holds letters that Envoy's Lua does not compare without case"
    return ""


def _taken_along(entry: Entry, hidden: Sequence[Entry]) -> str:
    """A stronger entry that Envoy does not see, and whose requests this one would take."""
    found = next((other for other in hidden if _may_meet(entry.match, other.match)), None)
    if found is None or not _has_condition(entry.match):
        return ""
    named = (found.workload.name or found.workload.id)[:60]
    return f"requests of {named!r}, which Envoy cannot tell from its own, would go with it"


def _has_condition(match: Match) -> bool:
    return bool(match.tag) or any(getattr(match, name) for name in PRECEDENCE)


def _may_meet(one: Match, other: Match) -> bool:
    """Whether one request could meet both."""
    tags = {tag_name(name): pattern for name, pattern in other.tag.items()}
    pairs: list[tuple[tuple[str, ...], tuple[str, ...]]]
    pairs = [((pattern,), (tags[tag_name(name)],)) for name, pattern in one.tag.items() if tag_name(name) in tags]
    pairs += [(getattr(one, name), getattr(other, name)) for name in ("api_key", "agent", "workspace")]
    return _has_condition(other) and all(
        not left or not right or any(_overlap(a, b) for a in left for b in right) for left, right in pairs
    )


def _overlap(one: str, other: str) -> bool:
    """Whether a value could be both: a `*` at the end meets any rest."""
    a, b = one.casefold(), other.casefold()
    if a.endswith("*") and b.endswith("*"):
        return a[:-1].startswith(b[:-1]) or b[:-1].startswith(a[:-1])
    return holds(a, b) or holds(b, a)


# moves


def _moves(entry: Entry, book: PriceBook) -> tuple[tuple[Move, ...], list[Lost]]:
    """How the entry's requests are moved, and what of the entry is lost."""
    if does_nothing(entry):
        return (), []
    has_marks = entry.cache is not None and bool(entry.cache.marks)
    if entry.decision == "leave":
        what = "cache marks" if has_marks else "batches"
        return (), [lost(entry, f"it only sets {what}, which Envoy cannot")]
    if entry.decision == "route":
        return (), [lost(entry, "a fitted router reads prompts and remembers sessions, which Envoy does not")]
    target = book.models.get(book.resolve(entry.model))
    if target is None:
        return (), [lost(entry, f"model {entry.model[:60]!r} is not in the price book")]
    sources = [book.resolve(name) for name in entry.from_models] or [
        model.id for model in book.models.values() if model.capabilities
    ]
    found = [_move(source, target, entry.effort, book) for source in sorted(set(filter(None, sources)))]
    moves = tuple(move for move in found if move is not None)
    if not moves:
        return (), [lost(entry, f"no request for its models goes to {target.id} by a change of fixed members alone")]
    losses = []
    if has_marks:
        losses.append(lost(entry, "Envoy moves its requests and sets no cache marks", "part"))
    if entry.batch is not None:
        losses.append(lost(entry, "Envoy cannot hold a call for a batch; it is answered at once", "part"))
    return moves, losses


def _move(source: str, target: Model, effort: str, book: PriceBook) -> Move | None:
    """How requests for one model are moved; None where none can be, or nothing would change."""
    if source == target.id and not effort:
        return None
    plain = _fitted({}, source, target, effort, book)
    if plain is None:
        return None
    before = book.models.get(source)
    not_members = [
        name for name, cases in _MEMBERS.items()
        if any(_fitted(case, source, target, effort, book) != plain for case in cases)
    ]  # fmt: skip
    not_types = [name for name, case in _TYPES.items() if _fitted(case, source, target, effort, book) != plain]
    if before is None or most_media(target) < most_media(before):
        not_types += ["image", "document"]
    turns = [_USER, {"role": "system", "content": "s"}, _USER]
    prefilled = [_USER, {"role": "assistant", "content": "a"}]
    return Move(
        names=tuple(sorted(_names(source, book))),
        target=target.id,
        members=plain,
        not_members=(*NEVER, *not_members),
        not_types=(*NEVER_TYPES, *not_types),
        not_system=_fitted({"messages": turns}, source, target, effort, book) != plain,
        not_prefilled=_fitted({"messages": prefilled}, source, target, effort, book) != plain,
        most_tokens=target.max_output_tokens,
        most_bytes=target.context_tokens * _BYTES_PER_TOKEN_AT_LEAST,
    )


def _fitted(more: Mapping[str, Any], source: str, target: Model, effort: str, book: PriceBook) -> dict[str, str] | None:
    """Members that are set beside the model, as JSON; None where more has to change, or the target refuses."""
    request = {"max_tokens": 50, "messages": [_USER], **more, "model": source}
    found: list[dict[str, str] | None] = []
    for version in VERSIONS:
        made = rewrite(request, source, target.id, book.models, effort=effort, api_version=version).request
        kept = made is not None and all(made.get(name) == value for name, value in request.items() if name != "model")
        added = {name: value for name, value in (made or {}).items() if name not in request}
        found.append(
            {name: msgspec.json.encode(value).decode() for name, value in sorted(added.items())} if kept else None
        )
    return found[0] if found[0] == found[1] else None


def _names(model: str, book: PriceBook) -> set[str]:
    """Every name of Anthropic's own API for a model."""
    found = {model}
    for alias in book.record.aliases:
        if alias.model == model:
            found |= {*alias.names, *(f"{alias.names[0]}-{date}" for date in alias.dates)}
    return {name for name in found if name.startswith("claude") and book.resolve(name) == model}
