"""What the headers of a request say of it. Requests of one caller say the same, so it is worked out once.

A credential is handed over and never kept; headers that nobody reads here, which may differ in every request, tell no
two requests apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from baseload.gateway.decide.params import MOST_CHARS, MOST_TAGS, tag_of
from baseload.gateway.exchange import Header
from baseload.plan.policy_match import RequestFacts
from baseload.workloads.cascade import CODING_AGENT
from baseload.workloads.naming import readable

OUR_HEADERS: Final = b"x-baseload-"
"""Headers that begin so are for the gateway and go no further."""
_TAG: Final = b"x-baseload-tag-"
_SESSION: Final = b"x-claude-code-session-id"
VIRTUAL: Final = b"blk_"
"""How a virtual key begins (`state.keys.PREFIX`)."""
_READ: Final = frozenset((
    b"x-baseload-workload", b"x-baseload-pin", b"x-baseload-agent", _SESSION, b"anthropic-version", b"anthropic-beta",
    b"anthropic-workspace-id", b"user-agent", b"x-stainless-timeout", b"x-stainless-read-timeout",
))  # fmt: skip
_MOST_HEADS: Final = 1_024
_MOST_HEAD_BYTES: Final = 4_096
_MOST_SPELLINGS: Final = 1_024
_MOST_NAME_BYTES: Final = 64


def is_ours(name: bytes) -> bool:
    """Whether a header is for the gateway alone and not passed on."""
    return name[:11].lower() == OUR_HEADERS


def secret_of(headers: tuple[Header, ...]) -> bytes:
    """The credential a request came with: its API key, else what stands after `Bearer`; b"" without one."""
    key = bearer = None
    for name, value in headers:
        if len(name) == 9 and key is None and name.lower() == b"x-api-key":
            key = value
        elif len(name) == 13 and bearer is None and name.lower() == b"authorization":
            bearer = value
    if key or not bearer:
        return key or b""
    scheme, _, secret = bearer.partition(b" ")
    secret = secret.strip()
    if secret.startswith(VIRTUAL) and scheme.lower() != b"bearer":
        return VIRTUAL  # a key of ours, sent as nobody sends one: it is none that is known, and goes no further
    return secret


class Head:
    """What headers say. `heads` are those read here, by name in lower case, the first of each; `ours` the names of
    those for the gateway, as they were spelt; `session` as Claude Code says it, "" where nobody does."""

    __slots__ = ("_agents", "_workload", "_workspace", "heads", "ours", "pinned", "session", "tags")

    def __init__(self, headers: tuple[Header, ...]) -> None:
        heads: dict[bytes, bytes] = {}
        tags: dict[str, str] = {}
        for name, value in headers:
            low = name.lower()
            heads.setdefault(low, value)
            if low.startswith(_TAG) and len(tags) < MOST_TAGS:
                text = value.decode("utf-8", "replace").strip()[:MOST_CHARS]
                if text:
                    tags.setdefault(tag_of(low[len(_TAG) :].decode("latin-1")), text)
        self.heads: Mapping[bytes, bytes] = {name: value for name, value in heads.items() if name in _READ}
        self.tags: Mapping[str, str] = tags
        self.ours = frozenset(name for name, _ in headers if is_ours(name))
        self.pinned = heads.get(b"x-baseload-pin", b"").strip().lower() == b"original"
        self.session = heads.get(_SESSION, b"").decode("utf-8", "replace")
        self._workload = _named(heads, b"x-baseload-workload")
        self._workspace = _named(heads, b"anthropic-workspace-id")
        self._agents = _agents(heads)

    def __repr__(self) -> str:
        return f"Head({len(self.heads)} headers)"

    def who(
        self, key: str, tags: tuple[tuple[str, str], ...] = (), tools: str = "", system: str = "", template: str = ""
    ) -> RequestFacts:
        """What a request with these headers says of itself; `tags` are those of its body, which say no more than
        headers do."""
        said = dict(self.tags)
        for name, text in tags:
            if len(said) < MOST_TAGS:
                said.setdefault(name, text)
        return RequestFacts(
            workload=self._workload,
            tags=said,
            api_key=key,
            agents=self._agents,
            tools_fp=tools,
            system_fp=system,
            template_id=template,
            workspace=self._workspace,
        )


class Heads:
    """What was worked out of the headers of earlier requests: bounded, and without their credentials."""

    __slots__ = ("_found", "_is_read")

    def __init__(self) -> None:
        self._found: dict[tuple[Header, ...], Head] = {}
        self._is_read = _Read()

    def __repr__(self) -> str:
        return f"Heads({len(self._found)})"

    def of(self, headers: tuple[Header, ...]) -> Head:
        """What these headers say: as much for all that are read alike."""
        is_read = self._is_read
        read = tuple([header for header in headers if is_read[header[0]]])
        found = self._found.get(read)
        if found is None:
            found = Head(read)
            if sum([len(name) + len(value) for name, value in read]) <= _MOST_HEAD_BYTES:
                if len(self._found) >= _MOST_HEADS:
                    self._found.clear()
                self._found[read] = found
        return found


class _Read(dict[bytes, bool]):
    """Whether a header of this name is read here, by the name as it was spelt."""

    def __missing__(self, name: bytes) -> bool:
        low = name.lower()
        read = low in _READ or low.startswith(OUR_HEADERS)
        if len(name) <= _MOST_NAME_BYTES:
            if len(self) >= _MOST_SPELLINGS:
                self.clear()
            self[name] = read
        return read


def _named(heads: Mapping[bytes, bytes], name: bytes) -> str:
    value = heads.get(name)
    return value.decode("utf-8", "replace").strip()[:MOST_CHARS] if value else ""


def _agents(heads: Mapping[bytes, bytes]) -> tuple[str, ...]:
    """What the caller calls itself; Claude Code says so in its user agent."""
    named = _named(heads, b"x-baseload-agent")
    if named:
        return (readable(named), named)
    return (CODING_AGENT,) if heads.get(b"user-agent", b"").startswith(b"claude-cli/") else ()
