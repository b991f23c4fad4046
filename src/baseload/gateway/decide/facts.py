"""What one request says about itself, from one partial reading of its body and one pass over its headers.

Fingerprints are those of `usage.features`, so that a request meets the workload its calls were grouped into.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, TypeVar

import msgspec
from msgspec import Raw

from baseload.gateway.decide.frame import LONG_BYTES, Frame, Known
from baseload.gateway.decide.heads import Head, secret_of
from baseload.gateway.decide.memo import Memo, Slices
from baseload.gateway.decide.notes import (
    HEAD_CHARS,
    NO_PARAMS,
    NO_SYSTEM,
    NO_TOOLS,
    Params,
    SessionFrom,
    SystemNote,
    ToolsNote,
)
from baseload.gateway.decide.params import PROMPT, read_params
from baseload.gateway.decide.shape import NO_MESSAGES, Message, Shape, first_text, messages_in, shape_of
from baseload.gateway.decide.splice import Located, locate
from baseload.gateway.exchange import Inbound
from baseload.plan.policy_match import RequestFacts

Kind = Literal["messages", "count_tokens", "other"]
BYTES_PER_TOKEN: Final = 4
"""To estimate with where nothing was billed yet (`usage.prefix.CHARS_PER_TOKEN`)."""

_KINDS: Final[Mapping[bytes, Kind]] = {b"/v1/messages": "messages", b"/v1/messages/count_tokens": "count_tokens"}
_PREFIX_TAIL: Final = 1024
_MOST_PARAMS: Final = 2_048
_MOST_PARAM_BYTES: Final = 2_048
_MOST_WAIT_S: Final = 86_400

T = TypeVar("T")
_members = msgspec.json.Decoder(dict[str, Raw]).decode


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """One request, as far as it is decided on. Holds slices of its body: the repr shows none of them.

    `readable` false: the body is no Messages request that can be edited safely; it goes as it is. `session` is a keyed
    fingerprint, never "" for a readable request. `model` as asked for; `effort` "" where not said. `prompt_bytes` is
    the length of tools, system and messages as sent. `has_marks`: the caller set cache marks of its own. `heads` are
    the headers read here, by name in lower case, without credentials. `ours`: the names of those that are for the
    gateway alone, as they were spelt; None where nobody looked. `located`: where the members stand in the body; None
    where that cannot be said, and then it is not edited.
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
    ours: frozenset[bytes] | None = None
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


_Read = tuple[Frame, Mapping[str, Raw], Located | None, list[Message], int]
"""A body as it was read: its frame, its members and where they stand, its conversation, and that one's length."""


def facts_of(inbound: Inbound, memo: Memo, key_id: str = "") -> Facts:
    """The facts of a request. `key_id` is the virtual key it came with; "" = its own credential, fingerprinted."""
    kind = kind_of(inbound)
    head = memo.heads.of(inbound.headers)
    key = key_id
    if not key and (secret := secret_of(inbound.headers)):
        key = memo.key_name(secret.strip())
    read = _read(inbound.body, memo) if kind != "other" and inbound.body else None
    if read is None:
        return Facts(
            kind=kind, who=head.who(key), pin_original=head.pinned, now_us=inbound.us, ours=head.ours, heads=head.heads
        )
    frame, members, located, talk, size = read
    tools, system, params, prompt_bytes, has_model = frame.known
    shape = shape_of(talk) if talk else NO_MESSAGES
    first = "" if len(system.head) >= HEAD_CHARS or not talk else first_text(talk)
    who = frame.who(head, key, memo.template_id(system.head, first[:HEAD_CHARS]))
    session, session_from = _session(head, params.user, memo, who, talk)
    return Facts(
        kind=kind,
        readable=has_model and bool(talk),
        who=who,
        session=session,
        session_from=session_from,
        model=params.model,
        effort=params.effort,
        fast=params.fast,
        thread=params.thread,
        has_marks=frame.marked or shape.marked,
        pin_original=head.pinned,
        now_us=inbound.us,
        prompt_bytes=prompt_bytes + size,
        shape=shape,
        tools=tools,
        system=system,
        params=params,
        ours=head.ours,
        members=members,
        located=located,
        messages=talk,
        heads=head.heads,
    )


def kind_of(inbound: Inbound) -> Kind:
    """What a request is, by method and path alone."""
    return _KINDS.get(inbound.path, "other") if inbound.method == b"POST" else "other"


def _read(body: bytes, memo: Memo) -> _Read | None:
    """The members of a body and its conversation; None where it is no object. In a frame that was met before, only the
    conversation is read."""
    frame = memo.frames.find(body)
    if frame is not None:
        raw = Raw(memoryview(body)[frame.begins : len(body) - frame.left])
        talk = _messages(raw)
        if talk:  # else it is no array after all, or not one array
            size = len(body)
            return frame, frame.members(raw), frame.located(size), talk, size - frame.left - frame.begins
    try:
        members = _members(body)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    located = locate(body, members)
    found = members.get("messages")
    frame = _framed(body, members, located, memo)
    return frame, members, located, _messages(found), len(memoryview(found)) if found is not None else 0


def _framed(body: bytes, members: Mapping[str, Raw], located: Located | None, memo: Memo) -> Frame:
    """What is around the conversation of a body: remembered from the second time on, since many are met once."""
    tools, tools_bytes = _note(memo.tools, NO_TOOLS, "tools", body, members, located)
    system, system_bytes = _note(memo.systems, NO_SYSTEM, "system", body, members, located)
    params, again = _params(members, memo)
    frame = Frame(Known(tools, system, params, tools_bytes + system_bytes, "model" in members))
    if again and located is not None and "messages" in located:
        long: dict[str, bytes] = {}
        if tools_bytes >= LONG_BYTES:
            long["tools"] = memo.tools.kept(body, *located["tools"][1:])
        if system_bytes >= LONG_BYTES:
            long["system"] = memo.systems.kept(body, *located["system"][1:])
        frame.learn(body, members, located, long)
        memo.frames.keep(frame, body)
    return frame


def _params(members: Mapping[str, Raw], memo: Memo) -> tuple[Params, bool]:
    """What the small members say, and whether that was met before: it is read once for all that say the same."""
    small = {name: raw for name, raw in members.items() if name not in PROMPT}
    said = tuple(small), b"\0".join(small.values())  # no value has a NUL in it
    found = memo.params.get(said)
    if found is not None:
        return found, True
    found = read_params(small)
    if len(said[1]) <= _MOST_PARAM_BYTES:
        if len(memo.params) >= _MOST_PARAMS:
            memo.params.clear()
        memo.params[said] = found
    return found, False


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


def _session(head: Head, user: str, memo: Memo, who: RequestFacts, talk: list[Message]) -> tuple[str, SessionFrom]:
    """The session and where it was read: Claude Code's header, metadata, the user, or how the conversation begins.

    The first two are fingerprinted as every source of the ledger does it. A user's calls are one session where nothing
    says more; conversations that begin alike under one key are one too, and are served alike.
    """
    if head.session:
        return memo.fingerprint("session", head.session), "header"
    if user:
        return memo.session_of(user)
    text = first_text(talk)
    begins = f"{who.api_key}|{who.tools_fp}|{who.system_fp}|{len(text)}|{text[:HEAD_CHARS]}|{text[-_PREFIX_TAIL:]}"
    return memo.org_key.fingerprint("session-prefix", begins), "prefix"
