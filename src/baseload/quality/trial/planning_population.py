"""What there is to replay of every workload, from three questions to the ledger: counts alone, no body is opened.

Calls are single, answered ones. A body lies in the source file, by the call's `body_ref`, or in the vault.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

import msgspec
import numpy as np

from baseload.engine.port import Engine
from baseload.ledger.sql_parts import canonical_calls, count_if, total
from baseload.prices.book import Model, PriceBook, PriceKey
from baseload.prices.capabilities import takes
from baseload.quality.trial.planning_cost import Shape
from baseload.quality.trial.planning_question import Recorded
from baseload.quality.trial.setup import SENT_TO
from baseload.values import TOKEN_CLASSES, Table, Tokens

KEEPS_BODIES: Final = frozenset({"messages", "bedrock_log", "vertex", "litellm", "helicone", "langfuse"})
"""Sources whose records may hold the request (docs/reference/vault.md)."""

_ANSWERED: Final = (
    "(stored_calls.requests IS NULL OR stored_calls.requests > 0) "
    "AND (stored_calls.http_status IS NULL OR stored_calls.http_status < 400)"
)
_NEVER_SENT: Final = "server_tools"
"""Tools that run at the provider have no bound on cost and effects (`quality.replay.plan.sendable`)."""
_BODIED: Final = "(calls.body_ref <> '' OR vault_calls.call_id <> '')"


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """Calls of one signature at one price: `bodies` of them can be had again; tokens are of all of them."""

    signature: str
    source: str
    features: str
    key: PriceKey
    calls: int
    bodies: int
    tokens: Tokens


class Recordings(msgspec.Struct, frozen=True, kw_only=True):
    """The calls of a ledger by workload and model: parts, sessions by their last day, distinct requests with a body.

    `sessions` maps (workload, model) to last UTC day -> sessions; a call without a session is one of its own.
    """

    parts: Mapping[tuple[str, str], tuple[Part, ...]]
    sessions: Mapping[tuple[str, str], Mapping[int, int]]
    requests: Mapping[tuple[str, str], int]

    def models(self, workload: str) -> tuple[str, ...]:
        return tuple(sorted(model for name, model in self.parts if name == workload))

    def recorded(
        self,
        workload: str,
        incumbent: str,
        candidate: Model | None,
        book: PriceBook,
        *,
        held_back_days: int = 0,
        with_truth: int | None = None,
    ) -> Recorded:
        """What a trial could replay of a workload's calls on its incumbent; the newest days may be held back.

        Identical requests count once, so `independent` is the smaller of sessions and distinct requests: the sample
        may find more repeats among nearly equal ones. `refused` goes by the features a call's group relies on.
        """
        parts = self.parts.get((workload, incumbent), ())
        sessions = self.sessions.get((workload, incumbent), {})
        first_held = max(sessions, default=0) - held_back_days + 1
        older = sum(count for day, count in sessions.items() if day < first_held)
        return Recorded(
            calls=sum(part.calls for part in parts),
            with_body=sum(part.bodies for part in parts),
            independent=min(older, self.requests.get((workload, incumbent), older)),
            sources=tuple(sorted({part.source for part in parts})),
            with_truth=with_truth,
            elsewhere=sum(part.bodies for part in parts if part.key.platform != SENT_TO),
            keeps_bodies=any(part.source in KEEPS_BODIES for part in parts),
            refused=sum(part.bodies for part in parts if candidate and _refuses(candidate, part.features, book)),
        )

    def shapes(self, workload: str, incumbent: str) -> tuple[Shape, ...]:
        """What a call of it is like: of those that can be sent again where there are any, else of all."""
        parts = self.parts.get((workload, incumbent), ())
        bodied = [part for part in parts if part.bodies] or list(parts)
        chosen = [part for part in bodied if part.key.platform == SENT_TO] or bodied
        merged: dict[PriceKey, list[Part]] = defaultdict(list)
        for part in chosen:
            merged[part.key].append(part)
        return tuple(
            Shape(key=key, calls=sum(one.calls for one in members), tokens=_sum(members))
            for key, members in sorted(merged.items())
        )


def _refuses(candidate: Model, features: str, book: PriceBook) -> bool:
    """Whether a call relies on what the candidate refuses and no rewrite removes, or on a tool of the provider's."""
    asked = [name for name in features.split(",") if name]
    return _NEVER_SENT in asked or any(
        not takes(candidate, name) and name in book.features and not book.features[name].rewrite for name in asked
    )


def _sum(parts: Collection[Part]) -> Tokens:
    return Tokens(**{name: sum(getattr(part.tokens, name) for part in parts) for name in TOKEN_CLASSES})


def recordings(engine: Engine, workload_of: Mapping[str, str], in_vault: Collection[str] = frozenset()) -> Recordings:
    """The recordings of the ledger that is attached to `engine`. `workload_of` maps signatures to workload ids."""
    stored = np.array(sorted(in_vault) or [""], dtype=object)  # "" is no call's id: an empty table has no type
    engine.register("vault_calls", {"call_id": stored})
    parts: dict[tuple[str, str], list[Part]] = defaultdict(list)
    for row in _rows(engine.query(parts_sql())):
        name = workload_of.get(row["signature"])
        if name is not None:
            parts[name, row["model"]].append(_part(row))
    sessions: dict[tuple[str, str], dict[int, int]] = {}
    requests: dict[tuple[str, str], int] = {}
    names = sorted(set(workload_of))
    engine.register(
        "trial_workload",
        {
            "signature": np.array(names or [""], dtype=object),
            "workload": np.array([workload_of[name] for name in names] or [""], dtype=object),
        },
    )
    for row in _rows(engine.query(sessions_sql())):
        sessions.setdefault((row["workload"], row["model"]), {})[int(row["last_day"])] = int(row["sessions"])
    for row in _rows(engine.query(requests_sql())):
        requests[row["workload"], row["model"]] = int(row["requests"])
    return Recordings(parts={name: tuple(found) for name, found in parts.items()}, sessions=sessions, requests=requests)


def _part(row: Mapping[str, Any]) -> Part:
    return Part(
        signature=row["signature"],
        source=row["source"],
        features=row["request_features"],
        key=PriceKey.parse(row["price_key"]),
        calls=int(row["calls"]),
        bodies=int(row["bodies"]),
        tokens=Tokens(**{name: int(row[name]) for name in TOKEN_CLASSES}),
    )


def _rows(table: Table) -> Iterator[dict[str, Any]]:
    columns = {name: column.tolist() for name, column in table.items()}
    for values in zip(*columns.values(), strict=True):
        yield dict(zip(columns, values, strict=True))


def parts_sql() -> str:
    """Calls, those with a body and token sums by signature, source, features, model and price."""
    sums = ", ".join(f"{total(f'calls.{name}')} AS {name}" for name in TOKEN_CLASSES)
    by = "cells.signature, cells.source, cells.request_features, cells.model, cells.price_key"
    return f"""
WITH calls AS ({canonical_calls("cell", "call_id", "body_ref", *TOKEN_CLASSES, where=_ANSWERED)})
SELECT {by}, COUNT(*) AS calls, {count_if(_BODIED)} AS bodies, {sums}
FROM calls INNER JOIN cells ON cells.cell = calls.cell
LEFT JOIN vault_calls ON vault_calls.call_id = calls.call_id
GROUP BY {by}
ORDER BY {by}"""


def sessions_sql() -> str:
    """Sessions with a body by workload, model and the day of their last call. Joins `trial_workload`."""
    return f"""
WITH calls AS ({canonical_calls("cell", "call_id", "session_id", "day", "body_ref", where=_ANSWERED)}),
units AS (
  SELECT trial_workload.workload, cells.model, calls.day,
    CASE WHEN calls.session_id <> '' THEN calls.session_id ELSE calls.call_id END AS unit
  FROM calls INNER JOIN cells ON cells.cell = calls.cell
  INNER JOIN trial_workload ON trial_workload.signature = cells.signature
  LEFT JOIN vault_calls ON vault_calls.call_id = calls.call_id
  WHERE {_BODIED}
),
spans AS (
  SELECT units.workload, units.model, units.unit, MAX(units.day) AS last_day
  FROM units GROUP BY units.workload, units.model, units.unit
)
SELECT spans.workload, spans.model, spans.last_day, COUNT(*) AS sessions
FROM spans GROUP BY spans.workload, spans.model, spans.last_day"""


def requests_sql() -> str:
    """Distinct requests with a body by workload and model; a call without a request hash is one of its own."""
    return f"""
WITH calls AS ({canonical_calls("cell", "call_id", "request_hash", "body_ref", where=_ANSWERED)}),
units AS (
  SELECT trial_workload.workload, cells.model,
    CASE WHEN calls.request_hash <> '' THEN calls.request_hash ELSE calls.call_id END AS unit
  FROM calls INNER JOIN cells ON cells.cell = calls.cell
  INNER JOIN trial_workload ON trial_workload.signature = cells.signature
  LEFT JOIN vault_calls ON vault_calls.call_id = calls.call_id
  WHERE {_BODIED}
),
singles AS (SELECT units.workload, units.model, units.unit FROM units GROUP BY units.workload, units.model, units.unit)
SELECT singles.workload, singles.model, COUNT(*) AS requests
FROM singles GROUP BY singles.workload, singles.model"""
