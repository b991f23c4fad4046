"""What bodies have in common, worked out once: tools and system prompts repeat and are long, small members repeat.

Holds prompts, in memory only and bounded; no repr shows any.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import Raw

from baseload.gateway.decide.memo import Slices
from baseload.usage.capabilities import request_features
from baseload.usage.cues import INSTRUCTION_CHARS
from baseload.usage.features import NOT_CONTENT
from baseload.usage.prefix import Prefix, text_in
from baseload.usage.prefix_settings import is_web_search
from baseload.values import OrgKey

MOST_BYTES: Final = 4 * 1024 * 1024
"""Of tools and system prompts kept."""
_MOST_SMALL: Final = 1_024
_MOST_SMALL_BYTES: Final = 2_048
_LONG: Final = ("messages", "system", "tools")
_BETWEEN: Final = b"\0"  # no JSON has it
_decode: Final = msgspec.json.Decoder().decode
_encode: Final = msgspec.json.Encoder(order="sorted").encode


class Opening(NamedTuple):
    """Tools and system of a body. `canonical`: by name, as a request's hash spells them."""

    prefix: Prefix  # begun with them; never gone on with, but copied
    canonical: Mapping[str, Raw]
    searches: list[Any]  # those tools that settings look at
    has_tools: bool
    features: str
    instructions: str  # of the system's text, what cues look at

    def __repr__(self) -> str:
        return f"Opening({self.features!r})"


class Small(NamedTuple):
    """Every other member that is content, but the messages."""

    members: Mapping[str, Any]
    features: str

    def __repr__(self) -> str:
        return f"Small({self.features!r})"


class Parts:
    """What was worked out of earlier bodies. Raises msgspec.MsgspecError, UnicodeError, RecursionError."""

    def __init__(self, org_key: OrgKey) -> None:
        self._org_key = org_key
        self._openings: Slices[Opening] = Slices(self._opening, MOST_BYTES)
        self._small: dict[tuple[tuple[str, ...], bytes], Small] = {}

    def __repr__(self) -> str:
        return f"Parts({self._openings!r})"

    def opening(self, members: Mapping[str, Raw]) -> Opening:
        return self._openings.of(_BETWEEN.join((members.get("tools", b""), members.get("system", b""))))

    def small(self, members: Mapping[str, Raw]) -> Small:
        kept = {name: raw for name, raw in members.items() if name not in _LONG and name not in NOT_CONTENT}
        said = tuple(kept), _BETWEEN.join(kept.values())
        found = self._small.get(said)
        if found is None:
            values = {name: _decode(raw) for name, raw in kept.items()}
            found = Small(values, request_features(values))
            if len(said[1]) <= _MOST_SMALL_BYTES:
                if len(self._small) >= _MOST_SMALL:
                    self._small.clear()
                self._small[said] = found
        return found

    def _opening(self, data: bytes) -> Opening:
        """Of both as they were written, "" where there was none."""
        parts = zip(("tools", "system"), data.split(_BETWEEN, 1), strict=True)
        found = {name: _decode(text) for name, text in parts if text}
        tools = found.get("tools")
        prefix = Prefix(self._org_key)
        prefix.begin(tools, found.get("system"))
        return Opening(
            prefix=prefix,
            canonical={name: Raw(_encode(value)) for name, value in found.items()},
            searches=[tool for tool in tools if is_web_search(tool)] if isinstance(tools, list) else [],
            has_tools=bool(tools),
            features=request_features(found),
            instructions=text_in(found.get("system"))[:INSTRUCTION_CHARS],
        )


@lru_cache(maxsize=256)
def all_of(*features: str) -> str:
    """Lists of features as one, as `usage.capabilities` writes them."""
    return ",".join(sorted({name for one in features for name in one.split(",") if name}))
