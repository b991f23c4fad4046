"""A document whose every text and number is a canary: whatever of it shows up somewhere can be told."""

from __future__ import annotations

import functools
import random
import types
import typing
from collections.abc import Iterator
from typing import Any

import msgspec

from baseload.commit.size.document import SizeDocument
from baseload.commit.worth.asks import ASKS

SHOWN = {"guard.last_12_months_usd", "guard.known_months", "scope.in_scope_usd"}
"""Fields whose figure may leave the house; hashes beside them."""
HASHES = {"inputs.demand_sha256"}


@functools.cache
def _hints(kind: Any) -> dict[str, Any]:
    return typing.get_type_hints(kind)


class Planted:
    """The document and, by field path, what was put there."""

    def __init__(self, seed: int, kind: Any = SizeDocument) -> None:
        self._random = random.Random(seed)
        self.values: dict[str, str | int | float] = {}
        self.asks = [ask.name for ask in ASKS]
        self.document: Any = self._record(kind, "")

    def secrets(self) -> Iterator[str]:
        """Every way in which a planted value could be written, but for the few that may be shown."""
        for path, value in self.values.items():
            if path in SHOWN or path in HASHES:
                continue
            if isinstance(value, str) and not path.endswith("_usd") and "_usd" not in path:
                yield value
                continue
            number = float(value)
            if number >= 1_000:
                yield from {f"{number:.0f}", f"{number:,.0f}", f"{number:.2f}", f"{number:,.2f}", f"{number / 1e6:.3f}"}
            else:
                yield from {f"{number:.4f}", f"{100 * number:.2f}", f"{100 * number:.1f}"}

    def _record(self, kind: Any, path: str) -> Any:
        hints = _hints(kind)
        inside = f"{path}." if path else ""
        return kind(
            **{name: self._value(hints[name], f"{inside}{name}") for name in kind.__struct_fields__ if name != "schema"}
        )

    def _value(self, kind: Any, path: str) -> Any:
        origin = typing.get_origin(kind)
        if origin in (types.UnionType, typing.Union):
            return self._value(next(one for one in typing.get_args(kind) if one is not type(None)), path)
        if origin is typing.Literal:
            return typing.get_args(kind)[0]
        if origin is tuple:
            inside = typing.get_args(kind)[0]
            return tuple(self._value(inside, f"{path}[{place}]") for place in range(self._length(path)))
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            return self._record(kind, path)
        return self._plain(kind, path)

    def _length(self, path: str) -> int:
        return len(self.asks) if path == "clauses" else 3

    def _plain(self, kind: Any, path: str) -> Any:
        if kind is bool:
            return True
        if path.startswith("clauses[") and path.endswith("].clause"):
            return self.asks[int(path[8 : path.index("]")])]
        if path.endswith("].kind") and path.startswith("clauses["):
            return "ask"
        if path == "inputs.demand_source":
            return "demand"
        value: str | int | float
        if path in HASHES:
            value = f"{self._random.getrandbits(256):064x}"
        elif path == "guard.known_months":
            value = 11
        elif kind is str and "_usd" in path:
            value = f"{self._random.randrange(10_000_000, 99_999_999)}.{self._random.randrange(11, 99)}"
        elif kind is str:
            value = f"canary{self._random.getrandbits(64):016x}"
        elif kind is int:
            value = self._random.randrange(100_000_000, 999_999_999)
        else:
            value = round(self._random.uniform(0.1, 0.9), 6)
        self.values[path] = value
        return value
