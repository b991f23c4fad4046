"""What was worked out of slices of earlier requests: tools and system prompts repeat, and are long.

A slice is found by its length and its two ends and then compared whole, so what is returned is of this very slice.
Holds prompts, in memory only and bounded; its repr shows none.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final, Generic, TypeVar

import msgspec

from baseload.gateway.decide.frame import Frames
from baseload.gateway.decide.heads import Heads
from baseload.gateway.decide.notes import HEAD_CHARS, NO_TOOLS, Params, SessionFrom, SystemNote, ToolsNote
from baseload.gateway.decide.splice import elements
from baseload.usage.features import SYSTEM_CHARS, masked, session_fp, session_in, template_id, tools_fp
from baseload.usage.fields import BadRecord, decode_json
from baseload.usage.prefix import text_in
from baseload.values import OrgKey

MOST_BYTES: Final = 8 * 1024 * 1024
"""Of slices kept, for tools and for system prompts each."""
_END: Final = 48
_MOST_NAMES: Final = 4096

T = TypeVar("T")
_items = msgspec.json.Decoder(list[msgspec.Raw]).decode
_encode = msgspec.json.Encoder(order="sorted").encode


_LIGHT: Final = ("type", "name", "allowed_callers", "cache_control", "defer_loading")


class Slices(Generic[T]):
    """Slices of bodies and what was made of them."""

    def __init__(self, make: Callable[[bytes], T], most_bytes: int = MOST_BYTES) -> None:
        self._make = make
        self._most = most_bytes
        self._held = 0
        self._found: OrderedDict[tuple[int, bytes, bytes], tuple[bytes, T]] = OrderedDict()

    def __repr__(self) -> str:
        return f"Slices({len(self._found)})"

    @property
    def held_bytes(self) -> int:
        return self._held

    def of(self, body: bytes, start: int = 0, end: int = -1) -> T:
        """What is made of the body from `start` to `end` (-1 = all of it): copied only where it was not met before."""
        if end < 0:
            end = len(body)
        key = _ends_of(body, start, end)
        found = self._found.get(key)
        if found is not None and body.startswith(found[0], start):
            return found[1]
        data = body[start:end]
        made = self._make(data)
        if len(data) * 4 <= self._most:
            self._keep(key, data, made)
        return made

    def kept(self, body: bytes, start: int, end: int) -> bytes:
        """These bytes of the body: the very object that is kept, where it is."""
        found = self._found.get(_ends_of(body, start, end))
        return found[0] if found is not None and body.startswith(found[0], start) else body[start:end]

    def _keep(self, key: tuple[int, bytes, bytes], data: bytes, made: T) -> None:
        before = self._found.pop(key, None)
        self._held += len(data) - (len(before[0]) if before else 0)
        self._found[key] = data, made
        while self._held > self._most:
            self._held -= len(self._found.popitem(last=False)[1][0])


def _ends_of(body: bytes, start: int, end: int) -> tuple[int, bytes, bytes]:
    """What a slice is looked for by."""
    return end - start, body[start : min(start + _END, end)], body[max(end - _END, start) : end]


class Memo:
    """What facts are made with: the organisation's key, names of callers' keys, headers and bodies met before.

    `key_names` maps the fingerprint of a caller's own key to the id or name that the policy knows it by.
    """

    def __init__(
        self, org_key: OrgKey, *, key_names: Mapping[str, str] | None = None, most_bytes: int = MOST_BYTES
    ) -> None:
        self.org_key = org_key
        self.key_names = key_names or {}
        self.tools: Slices[ToolsNote] = Slices(self._tools, most_bytes)
        self.systems: Slices[SystemNote] = Slices(self._system, most_bytes)
        self._names: dict[tuple[str, str], str] = {}
        self._keys: dict[int, str] = {}
        self._users: dict[str, tuple[str, SessionFrom]] = {}
        self.heads = Heads()
        self.frames = Frames(most_bytes)
        self.params: dict[tuple[tuple[str, ...], bytes], Params] = {}

    def __repr__(self) -> str:
        return f"Memo({self.tools!r}, {self.systems!r})"

    def fingerprint(self, kind: str, value: str) -> str:
        """The keyed fingerprint of a short public id; never of a credential, which is not kept."""
        found = self._names.get((kind, value))
        if found is None:
            if len(self._names) >= _MOST_NAMES:
                self._names.clear()
            found = self._names[kind, value] = self.org_key.fingerprint(kind, value)
        return found

    def key_name(self, secret: bytes) -> str:
        """The name of a caller's own credential, else its keyed fingerprint.

        Remembered under the process's own keyed hash of it: the credential itself is not kept.
        """
        known = hash(secret)
        found = self._keys.get(known)
        if found is None:
            if len(self._keys) >= _MOST_NAMES:
                self._keys.clear()
            print_ = self.org_key.fingerprint("api-key", secret)
            found = self._keys[known] = self.key_names.get(print_, print_)
        return found

    def session_of(self, user: str) -> tuple[str, SessionFrom]:
        """The session a `metadata.user_id` names, else the user, each as every source of the ledger has it."""
        found = self._users.get(user)
        if found is None:
            if len(self._users) >= _MOST_NAMES:
                self._users.clear()
            told = session_in(user)
            named: tuple[str, SessionFrom] = (session_fp(self.org_key, told), "metadata")
            found = self._users[user] = named if told else (self.org_key.fingerprint("user", user), "user")
        return found

    def template_id(self, system_head: str, first_user: str) -> str:
        """`usage.features.template_id` of texts of which these are the beginnings."""
        return _template_id(system_head, "" if len(system_head) >= HEAD_CHARS else first_user, self.org_key)

    def _tools(self, data: bytes) -> ToolsNote:
        value = _decoded(data)
        if not value:
            return NO_TOOLS
        if not isinstance(value, list) or not all(isinstance(tool, dict) and tool for tool in value):
            return ToolsNote(tools_fp({"tools": value}, self.org_key), 0, False, None)
        marked = any(tool.get("cache_control") for tool in value)
        light = tuple({name: tool[name] for name in _LIGHT if name in tool} for tool in value)
        special = _encode([tool for tool in light if "type" in tool or "allowed_callers" in tool])
        last = light[-1]
        end = 0 if "cache_control" in last or last.get("defer_loading") else data.rindex(b"}") + 1
        return ToolsNote(tools_fp({"tools": value}, self.org_key), len(value), marked, light, special, end)

    def _system(self, data: bytes) -> SystemNote:
        value = _decoded(data)
        text = text_in(value)
        fp = self.org_key.fingerprint("system", masked(text, SYSTEM_CHARS)) if text else ""
        head = text[:HEAD_CHARS]
        if not isinstance(value, list):
            is_text = isinstance(value, str)
            return SystemNote(fp, head, False, value is None or is_text, is_text, (len(data),) if text.strip() else ())
        blocks = [block if isinstance(block, dict) else {} for block in value]
        marked = any(block.get("cache_control") for block in blocks)
        plain = all(block.get("type") == "text" for block in blocks)
        return SystemNote(fp, head, marked, plain, False, _ends(data, blocks))


def _ends(data: bytes, blocks: list[dict[str, Any]]) -> tuple[int, ...]:
    spans = list(elements(data, _items(data), 0))
    if len(spans) != len(blocks):
        return ()
    return tuple(
        end if str(block.get("text") or "").strip() and "cache_control" not in block else 0
        for (_, end), block in zip(spans, blocks, strict=True)
    )


def _decoded(data: bytes) -> Any:
    try:
        return decode_json(data)
    except BadRecord:
        return None


@lru_cache(maxsize=2048)
def _template_id(system: str, first_user: str, org_key: OrgKey) -> str:
    return template_id(system, first_user, org_key)
