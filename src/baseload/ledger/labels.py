"""What a call is grouped by: its signature, its price key and its cell, hashed the same on every machine.

A *signature* is every label a workload may be found by; a *price key* is everything a price depends on but the day;
a *cell* is the finest combination a report sums over. Few thousand cells describe any number of calls, so reports
group on one integer and join the text afterwards.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final, NamedTuple

import msgspec

from baseload.values import AGGREGATE_GRAINS, BANDS, band_of_context

SIGNATURE_FIELDS: Final = (
    "source",
    "account",
    "workspace",
    "api_key",
    "agent",
    "tags",
    "tools_fp",
    "system_fp",
    "template_id",
    "request_features",
    "task_cues",
    "grain",
    "user_id",
)
"""Labels of a signature. `tags` have their id-like values masked; `user_id` is kept only where workspace, api_key,
agent and tags are all "", because there it is the only name a caller has."""

OWNER_FIELDS: Final = ("workspace", "api_key", "agent", "tags")

_SEPARATOR = "\x1f"
_MASK = "*"
_ID_LIKE = re.compile(
    r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}"  # uuid
    r"|\d{4}-\d{2}-\d{2}(?:[T _]\d{2}[:\-]?\d{2}(?:[:\-]?\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?"  # date, timestamp
    r"|(?<![0-9a-z])(?=[a-f]*\d)[0-9a-f]{12,}(?![0-9a-z])"  # long hex
    r"|(?<![0-9a-z])[0-9A-HJKMNP-TV-Z]{26}(?![0-9a-z])"  # ulid
    r"|\d{5,}",  # long digits
    re.IGNORECASE,
)


class CellKey(NamedTuple):
    """The parts of a call that decide its labels, in the order `columns.calls_table` reads them."""

    source: str
    account: str
    workspace: str
    api_key: str
    agent: str
    tags: str
    tools_fp: str
    system_fp: str
    template_id: str
    request_features: str
    task_cues: str
    grain: str
    user_id: str
    model_raw: str
    model: str
    platform: str
    geo: str
    tier: str
    speed: str
    context: str
    flags: str
    sampling_rate: int
    cost_type: str
    token_class: str


class Cell(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One row of the cell dimension: what all its calls have in common."""

    cell: int  # signed 64-bit hash of the rest
    signature: str
    price_key: str
    model: str  # resolved id, "" when unknown
    band: str
    sampling_rate: int
    ttl_unknown: int  # 0 | 1
    cost_type: str
    token_class: str
    cache_scope: int  # hash of what a prompt cache is private to: account, workspace, platform, geo
    labels: tuple[str, ...]  # SIGNATURE_FIELDS in order


def cell_of(key: CellKey, band: str) -> Cell:
    """The cell of a call with these parts, whose prompt lies in `band` (for a bucket its context decides instead)."""
    if key.grain in AGGREGATE_GRAINS:
        band = band_of_context(key.context)
    labels = signature_labels(key)
    signature = signature_of(labels)
    price_key = price_key_of(key, band)
    ttl_unknown = int("ttl_unknown" in key.flags.split(","))
    return Cell(
        cell=int64_of(signature, price_key, str(key.sampling_rate), str(ttl_unknown), key.cost_type, key.token_class),
        signature=signature,
        price_key=price_key,
        model=key.model,
        band=band,
        sampling_rate=key.sampling_rate,
        ttl_unknown=ttl_unknown,
        cost_type=key.cost_type,
        token_class=key.token_class,
        cache_scope=int64_of(key.account, key.workspace, key.platform, key.geo),
        labels=labels,
    )


def price_key_of(key: CellKey, band: str) -> str:
    """`model|platform|geo|tier|speed|band`; an unresolved model is `?` and its raw name, with `|` made `/`."""
    if band not in BANDS:
        raise ValueError(f"band is {band!r}; expected one of {', '.join(BANDS)}")
    model = key.model or "?" + key.model_raw
    return "|".join(part.replace("|", "/") for part in (model, key.platform, key.geo, key.tier, key.speed, band))


def signature_labels(key: CellKey) -> tuple[str, ...]:
    """The SIGNATURE_FIELDS of a call: tags masked, the user only where nobody else is named."""
    named = any(getattr(key, field) for field in OWNER_FIELDS)
    values = [getattr(key, field) for field in SIGNATURE_FIELDS[:-1]]
    values[SIGNATURE_FIELDS.index("tags")] = masked_tags(key.tags)
    return (*values, "" if named else key.user_id)


def signature_of(labels: Iterable[str]) -> str:
    """16 hex digits that name a combination of labels, the same on every machine."""
    return _digest(_SEPARATOR.join(labels)).hex()


def int64_of(*parts: str) -> int:
    """A signed 64-bit hash of some texts, for columns an engine groups or joins by."""
    return int.from_bytes(_digest(_SEPARATOR.join(parts)), "big", signed=True)


@lru_cache(maxsize=65_536)
def masked_tags(tags: str) -> str:
    """Canonical tags with uuids, timestamps, long hex and runs of five digits or more replaced by `*`.

    So one tag that numbers every run does not make every run a workload of its own. Text that is not a JSON object
    is masked as it stands.

    >>> masked_tags('{"job":"nightly-20261122","team":"search"}')
    '{"job":"nightly-*","team":"search"}'
    """
    if not tags:
        return ""
    try:
        found = msgspec.json.decode(tags)
    except msgspec.DecodeError:
        found = None
    if not isinstance(found, dict):
        return _ID_LIKE.sub(_MASK, tags)
    return msgspec.json.encode({key: _masked(value) for key, value in found.items()}, order="sorted").decode()


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return _ID_LIKE.sub(_MASK, value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10_000:
        return _MASK
    if isinstance(value, list):
        return [_masked(item) for item in value]
    return value


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
