"""What one request says about itself, from one partial reading of its body and one pass over its headers.

Fingerprints are those of `usage.features`, so that a request meets the workload its calls were grouped into.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, TypeVar

import msgspec
from msgspec import Raw

from baseload.gateway.decide.memo import (
    HEAD_CHARS,
    NO_PARAMS,
    NO_SYSTEM,
    NO_TOOLS,
    Memo,
    Params,
    SessionFrom,
    Slices,
    SystemNote,
    ToolsNote,
    tag_of,
)
from baseload.gateway.decide.shape import NO_MESSAGES, Message, Shape, first_text, messages_in, shape_of
from baseload.gateway.decide.splice import Located, locate
from baseload.gateway.exchange import Inbound
from baseload.plan.policy_match import RequestFacts
from baseload.workloads.cascade import CODING_AGENT
from baseload.workloads.naming import readable

Kind = Literal["messages", "count_tokens", "other"]
BYTES_PER_TOKEN: Final = 4
"""To estimate with where nothing was billed yet (`usage.prefix.CHARS_PER_TOKEN`)."""

OUR_HEADERS: Final = b"x-baseload-"
"""Headers that begin so are for the gateway and go no further."""
_TAG: Final = b"x-baseload-tag-"
_READ: Final = frozenset((
    b"x-baseload-workload", b"x-baseload-pin", b"x-baseload-agent", b"x-claude-code-session-id", b"anthropic-version",
    b"anthropic-beta", b"anthropic-workspace-id", b"user-agent", b"x-stainless-timeout", b"x-stainless-read-timeout",
    b"authorization", b"x-api-key",
))  # fmt: skip
_KINDS: Final[Mapping[bytes, Kind]] = {b"/v1/messages": "messages", b"/v1/messages/count_tokens": "count_tokens"}
_PROMPT: Final = ("messages", "system", "tools")
NOT_SKETCHED: Final = frozenset({*_PROMPT, "model", "metadata", "stream", "stop_sequences"})
"""Members that decide nothing about which models take a request, or that are looked at by themselves."""
_PREFIX_TAIL: Final = 1024
_MOST_PARAMS: Final = 2_048
_MOST_PARAM_BYTES: Final = 2_048
_MOST_TAGS: Final = 32
_MOST_CHARS: Final = 500
_MOST_MODEL_CHARS: Final = 200
_MOST_EFFORT_CHARS: Final = 40
_MOST_WAIT_S: Final = 86_400

T = TypeVar("T")
_members = msgspec.json.Decoder(dict[str, Raw]).decode
_str = msgspec.json.Decoder(str).decode
_int = msgspec.json.Decoder(int).decode
_object = msgspec.json.Decoder(dict[str, Any]).decode


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """One request, as far as it is decided on. Holds slices of its body: the repr shows none of them.

    `readable` false: the body is no Messages request that can be edited safely; it goes as it is. `session` is a keyed
    fingerprint, never "" for a readable request. `model` as asked for; `effort` "" where not said. `prompt_bytes` is
    the length of tools, system and messages as sent. `has_marks`: the caller set cache marks of its own. `heads` are
    the headers read here, by name in lower case, without credentials. `has_ours` false: no header is for the gateway.
    `located`: where the members stand in the body; None where that cannot be said, and then it is not edited.
    """

    kind: Kind = "other"
    readable: bool = False
    who: RequestFacts = RequestFacts()
    session: str = ""
    session_from: SessionFrom = ""
    model: str = ""
    effort: str = ""
    fast: bool = False
    thread: bool = False
    has_marks: bool = False
    pin_original: bool = False
    now_us: int = 0
    prompt_bytes: int = 0
    shape: Shape = NO_MESSAGES
    tools: ToolsNote = NO_TOOLS
    system: SystemNote = NO_SYSTEM
    params: Params = NO_PARAMS
    has_ours: bool = True
    members: Mapping[str, Raw] = msgspec.field(default_factory=dict)
    located: Located | None = None
    messages: list[Message] = msgspec.field(default_factory=list)
    heads: Mapping[bytes, bytes] = msgspec.field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Facts(kind={self.kind!r}, readable={self.readable}, session={self.session!r})"

    @property
    def prompt_tokens(self) -> int:
        """An estimate."""
        return self.prompt_bytes // BYTES_PER_TOKEN

    @property
    def template_id(self) -> str:
        return self.who.template_id

    @property
    def stream(self) -> bool:
        return self.params.stream

    @property
    def max_tokens(self) -> int | None:
        """None where not said."""
        return self.params.max_tokens

    @property
    def api_version(self) -> str:
        return self.heads.get(b"anthropic-version", b"").decode("latin-1")

    @property
    def betas(self) -> tuple[str, ...]:
        value = self.heads.get(b"anthropic-beta")
        return tuple(one.strip() for one in value.decode("latin-1").split(",")) if value else ()

    @property
    def client_timeout_s(self) -> float | None:
        """How long the official SDKs say they wait for the first byte; None where the caller does not say."""
        value = self.heads.get(b"x-stainless-read-timeout") or self.heads.get(b"x-stainless-timeout")
        try:
            seconds = float(value) if value else 0.0
        except ValueError:
            return None
        return seconds if 0 < seconds < _MOST_WAIT_S else None


def facts_of(inbound: Inbound, memo: Memo, key_id: str = "") -> Facts:
    """The facts of a request. `key_id` is the virtual key it came with; "" = its own credential, fingerprinted."""
    kind = kind_of(inbound)
    heads, tags, has_ours = _headers(inbound)
    pinned = heads.get(b"x-baseload-pin", b"").strip().lower() == b"original"
    members = _body_members(inbound.body) if kind != "other" and inbound.body else None
    if members is None:
        who = _who(heads, tags, _key_id(heads, memo, key_id))
        return Facts(kind=kind, who=who, pin_original=pinned, now_us=inbound.us, has_ours=has_ours, heads=heads)
    messages = members.get("messages")
    located = locate(inbound.body, members)
    of_tools, tools_bytes = _note(memo.tools, NO_TOOLS, "tools", inbound.body, members, located)
    of_system, system_bytes = _note(memo.systems, NO_SYSTEM, "system", inbound.body, members, located)
    talk = _messages(messages)
    shape = shape_of(talk) if talk else NO_MESSAGES
    params = _params(members, memo)
    for name, text in params.tags:
        if len(tags) < _MOST_TAGS:
            tags.setdefault(name, text)
    key = _key_id(heads, memo, key_id)
    first = "" if len(of_system.head) >= HEAD_CHARS or not talk else first_text(talk)
    who = _who(heads, tags, key, of_tools.fp, of_system.fp, memo.template_id(of_system.head, first[:HEAD_CHARS]))
    session, session_from = _session(heads, params.user, memo, who, talk)
    return Facts(
        kind=kind,
        readable=bool(talk) and "model" in members,
        who=who,
        session=session,
        session_from=session_from,
        model=params.model,
        effort=params.effort,
        fast=params.fast,
        thread=params.thread,
        has_marks=shape.marked or of_tools.marked or of_system.marked or params.marked,
        pin_original=pinned,
        now_us=inbound.us,
        prompt_bytes=tools_bytes + system_bytes + (len(memoryview(messages)) if messages is not None else 0),
        shape=shape,
        tools=of_tools,
        system=of_system,
        params=params,
        has_ours=has_ours,
        members=members,
        located=located,
        messages=talk,
        heads=heads,
    )


def kind_of(inbound: Inbound) -> Kind:
    """What a request is, by method and path alone."""
    return _KINDS.get(inbound.path, "other") if inbound.method == b"POST" else "other"


def is_ours(name: bytes) -> bool:
    """Whether a header is for the gateway alone and not passed on."""
    return name[:11].lower() == OUR_HEADERS


def _headers(inbound: Inbound) -> tuple[dict[bytes, bytes], dict[str, str], bool]:
    """The headers read here, by name in lower case, the first of each; the caller's tags; whether any is for us."""
    heads: dict[bytes, bytes] = {}
    tags: dict[str, str] = {}
    has_ours = False
    for name, value in inbound.headers:
        low = name.lower()
        if low in _READ:
            heads.setdefault(low, value)
        if low.startswith(OUR_HEADERS):
            has_ours = True
            if low.startswith(_TAG) and len(tags) < _MOST_TAGS:
                text = value.decode("utf-8", "replace").strip()[:_MOST_CHARS]
                if text:
                    tags.setdefault(tag_of(low[len(_TAG) :].decode("latin-1")), text)
    return heads, tags, has_ours


def _params(members: Mapping[str, Raw], memo: Memo) -> Params:
    """What the small members say: most requests of a caller say the same, and are read once."""
    small = dict(members)
    for name in _PROMPT:
        small.pop(name, None)
    said = tuple(small), b"\0".join(small.values())  # no value has a NUL in it
    found = memo.params.get(said)
    if found is None:
        found = _read_params(small)
        if len(said[1]) <= _MOST_PARAM_BYTES:
            if len(memo.params) >= _MOST_PARAMS:
                memo.params.clear()
            memo.params[said] = found
    return found


def _read_params(members: Mapping[str, Raw]) -> Params:
    user, tags = _metadata(members.get("metadata"))
    return Params(
        model=_model(members.get("model")),
        effort=_effort(members.get("output_config")),
        fast=_is(members.get("speed"), b'"fast"'),
        thread=_asked(members, "store") or _asked(members, "previous_thread_event_id"),
        marked=_asked(members, "cache_control"),
        stream=_is(members.get("stream"), b"true"),
        max_tokens=_count(members.get("max_tokens")),
        user=user,
        tags=tags,
        special=tuple([(name, bytes(raw)) for name, raw in members.items() if name not in NOT_SKETCHED]),
    )


def _body_members(body: bytes) -> dict[str, Raw] | None:
    """The members of the body's object as slices of it; None where it is no object."""
    try:
        return _members(body)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None


def _note(
    notes: Slices[T], none: T, name: str, body: bytes, members: Mapping[str, Raw], located: Located | None
) -> tuple[T, int]:
    """What is known of a long member, and its length; `none` and 0 without it."""
    raw = members.get(name)
    if raw is None:
        return none, 0
    if located is None:
        data = bytes(raw)
        return notes.of(data), len(data)
    _, start, end = located[name]
    return notes.of(body, start, end), end - start


def _messages(raw: Raw | None) -> list[Message]:
    """The conversation; [] where there is none that can be read."""
    try:
        return messages_in(raw) if raw is not None else []
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return []


def _who(
    heads: Mapping[bytes, bytes],
    tags: Mapping[str, str],
    key: str,
    tools: str = "",
    system: str = "",
    template: str = "",
) -> RequestFacts:
    return RequestFacts(
        workload=_named(heads, b"x-baseload-workload"),
        tags=tags,
        api_key=key,
        agents=_agents(heads),
        tools_fp=tools,
        system_fp=system,
        template_id=template,
        workspace=_named(heads, b"anthropic-workspace-id"),
    )


def _named(heads: Mapping[bytes, bytes], name: bytes) -> str:
    value = heads.get(name)
    return value.decode("utf-8", "replace").strip()[:_MOST_CHARS] if value else ""


def _agents(heads: Mapping[bytes, bytes]) -> tuple[str, ...]:
    """What the caller calls itself; Claude Code says so in its user agent."""
    named = _named(heads, b"x-baseload-agent")
    if named:
        return (readable(named), named)
    return (CODING_AGENT,) if heads.get(b"user-agent", b"").startswith(b"claude-cli/") else ()


def _key_id(heads: dict[bytes, bytes], memo: Memo, key_id: str) -> str:
    """The virtual key, else the name or the fingerprint of the caller's credential, which `heads` lose here."""
    bearer = heads.pop(b"authorization", b"").partition(b" ")[2]
    secret = heads.pop(b"x-api-key", b"") or bearer
    if key_id or not secret:
        return key_id
    return memo.key_name(secret.strip())


def _metadata(raw: Raw | None) -> tuple[str, tuple[tuple[str, str], ...]]:
    """`metadata.user_id`, "" without one; what else metadata says in plain words becomes tags."""
    if raw is None:
        return "", ()
    try:
        found = _object(raw)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return "", ()
    tags: dict[str, str] = {}
    for name, value in found.items() if len(found) > 1 else ():
        if isinstance(value, str) and value.strip() and name != "user_id" and len(tags) < _MOST_TAGS:
            tags.setdefault(tag_of(name[:_MOST_CHARS]), value.strip()[:_MOST_CHARS])
    user = found.get("user_id")
    return user if isinstance(user, str) else "", tuple(tags.items())


def _session(
    heads: Mapping[bytes, bytes], user: str, memo: Memo, who: RequestFacts, talk: list[Message]
) -> tuple[str, SessionFrom]:
    """The session and where it was read: Claude Code's header, metadata, the user, or how the conversation begins.

    The first two are fingerprinted as every source of the ledger does it. A user's calls are one session where nothing
    says more; conversations that begin alike under one key are one too, and are served alike.
    """
    named = heads.get(b"x-claude-code-session-id")
    if named:
        return memo.fingerprint("session", named.decode("utf-8", "replace")), "header"
    if user:
        return memo.session_of(user)
    text = first_text(talk)
    begins = f"{who.api_key}|{who.tools_fp}|{who.system_fp}|{len(text)}|{text[:HEAD_CHARS]}|{text[-_PREFIX_TAIL:]}"
    return memo.org_key.fingerprint("session-prefix", begins), "prefix"


def _model(raw: Raw | None) -> str:
    """The model asked for; "" for what is no name: it is written into records and answer headers as it is."""
    try:
        model = _str(raw) if raw is not None else ""
    except (msgspec.MsgspecError, UnicodeError):
        return ""
    return model if len(model) <= _MOST_MODEL_CHARS and model.isprintable() else ""


def _count(raw: Raw | None) -> int | None:
    try:
        return found if raw is not None and 0 <= (found := _int(raw)) < 2**53 else None
    except msgspec.MsgspecError:
        return None


def _effort(raw: Raw | None) -> str:
    if raw is None:
        return ""
    try:
        effort = _object(raw).get("effort")
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return ""
    return effort if isinstance(effort, str) and len(effort) <= _MOST_EFFORT_CHARS else ""


def _is(raw: Raw | None, text: bytes) -> bool:
    return raw is not None and bytes(raw) == text


def _asked(members: Mapping[str, Raw], name: str) -> bool:
    """Null and false ask for nothing."""
    raw = members.get(name)
    return raw is not None and bytes(raw) not in (b"null", b"false")
