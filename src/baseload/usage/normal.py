"""The rules every source shares: identity, completeness, and provider `usage` -> disjoint token classes.

Readers translate names; what a name *means* is decided here once (usage-sources sections 1 and 2.3, anthropic-facts
section 3 and 5.2, Anthropic's published usage types). Field checks live in `usage.fields` and are re-exported.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from baseload.usage.fields import (
    MAX_BUCKET_TOKENS,
    MAX_CALL_TOKENS,
    BadRecord,
    decode_json,
    epoch_field,
    int_field,
    object_of,
    optional_object,
    short_value,
    text_of,
    time_field,
    tokens_field,
)
from baseload.values import Problem, Tokens

__all__ = [
    "MAX_BUCKET_TOKENS",
    "MAX_CALL_TOKENS",
    "NULL_TOKENS",
    "BadRecord",
    "Part",
    "UsageTokens",
    "call_id",
    "completeness_rank",
    "decode_json",
    "derived_call_id",
    "epoch_field",
    "geo_of",
    "has_null_tokens",
    "int_field",
    "join_flags",
    "null_tokens",
    "object_of",
    "optional_object",
    "problem",
    "short_value",
    "speed_of",
    "tags_text",
    "text_of",
    "tier_of",
    "time_field",
    "tokens_field",
    "tokens_from_usage",
    "totals_of",
]

NULL_TOKENS: Final = "null_tokens"
"""The flag of a call whose usage has null counts."""

_ORIGINAL_BIT: Final = 1 << 61
_SETTLED_BIT: Final = 1 << 60
_DETAIL_BITS: Final = 4
_MAX_RANKED_TOKENS: Final = (1 << 55) - 1

_TIERS = {
    "batch": "batch",
    "priority": "priority",
    "flex": "flex",
    "flex_discount": "flex",
}
_SAMPLING = ("message", "fallback_message")
_GEOS = {"us": "us", "regional": "regional", "us_gov": "us_gov"}


def problem(
    source: str,
    file: str,
    row: int,
    code: str,
    message: str,
    *,
    value: object = "",
    expected: str = "",
    next_step: str = "",
) -> Problem:
    """A Problem whose value is shortened and structural. `row` 0 means the whole file."""
    bad = BadRecord(code, message, value=value, expected=expected, next_step=next_step)
    return bad.problem(source, file, row)


# identity


def call_id(
    *, message_id: str = "", request_id: str = "", source: str = "", native_id: str = "", content: bytes = b""
) -> str:
    """32 hex digits from the first given of: provider message id, provider request id, native id, canonical content.

    The first two are worldwide, so the same call read from two sources has one id; a native id or content is only
    unique inside its `source`. Never pass a path or a row number. `content` should be the record's own canonical
    bytes (numbers, times, ids), with prompts only as keyed fingerprints. Raises ValueError when nothing is given.
    """
    if message_id:
        name = "msg:" + message_id
    elif request_id:
        name = "req:" + request_id
    elif native_id:
        name = f"native:{source}:{native_id}"
    elif content:
        name = f"content:{source}:{hashlib.blake2b(content, digest_size=16).hexdigest()}"
    else:
        raise ValueError("a call id needs a message id, a request id, a native id or content")
    return hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def derived_call_id(parent: str, part: str) -> str:
    """The id of a part billed apart from its call (`part` names it stably, such as "advisor_message:claude-x:0")."""
    return hashlib.blake2b(f"{parent}/{part}".encode(), digest_size=16).hexdigest()


def completeness_rank(total_tokens: int, *, original: bool = True, settled: bool = True, detail: int = 0) -> int:
    """How complete a copy of a call is; of several copies the highest is the call (usage-sources section 2.5).

    In this order: an original beats a replay (sidechain copy), a settled response beats an aborted or still running
    one, more tokens beat fewer (partial lines count low), and at equal tokens the richer copy wins: `detail` 0-15,
    by convention 1 for the TTL split, +2 for the response body, +4 for the request body. Fits 63 bits.
    """
    if total_tokens > _MAX_RANKED_TOKENS:
        total_tokens = _MAX_RANKED_TOKENS
    rank = total_tokens << _DETAIL_BITS | detail
    if original:
        rank |= _ORIGINAL_BIT
    return rank | _SETTLED_BIT if settled else rank


# usage objects


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens of one response billed at another model than the response's own."""

    kind: str  # iteration type: "advisor_message", "fallback_message", "message"
    model: str  # as logged
    tokens: Tokens


class UsageTokens(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider `usage` object says, in disjoint classes."""

    tokens: Tokens  # of the response's own model, compaction included
    thinking_tokens: int | None = None  # inside output_tokens
    web_search_requests: int = 0
    web_fetch_requests: int = 0
    code_execution_requests: int = 0
    tier: str = "standard"
    speed: str = "standard"
    geo: str = "global"
    flags: tuple[str, ...] = ()  # "ttl_unknown", "iterations", "null_tokens"
    extra: tuple[Part, ...] = ()  # separate Call rows: derived_call_id(call_id, f"{kind}:{model}")


def tokens_from_usage(
    usage: Mapping[str, Any], *, model: str = "", requested: str = "", most: int = MAX_CALL_TOKENS
) -> UsageTokens:
    """Token classes of an Anthropic `usage` object (Messages, Batches, Bedrock invoke bodies, Vertex bodies).

    `input_tokens` is already without cached tokens. A `cache_creation` split that does not add up to
    `cache_creation_input_tokens` leaves the rest as 5m with the flag `ttl_unknown`. Where `iterations` are present
    they are summed, because the top level omits compaction and other models' parts; entries that name a model other
    than `model` (the one that answered) come back in `extra`; a declined hop before a fallback names none and belongs
    to the `requested` model. Server tool counts are never per iteration. Raises BadRecord on a bad count.
    """
    entries = usage.get("iterations")
    server = optional_object(usage, "server_tool_use")
    own, flags = _classes(usage, most)
    extra: tuple[Part, ...] = ()
    if isinstance(entries, list) and entries:
        own, extra, flags = _sum_iterations(entries, own, (model, requested), most)
    details = optional_object(usage, "output_tokens_details")
    return UsageTokens(
        tokens=own,
        thinking_tokens=int_field(details, "thinking_tokens", default=None, most=most),
        web_search_requests=tokens_field(server, "web_search_requests", most=most),
        web_fetch_requests=tokens_field(server, "web_fetch_requests", most=most),
        code_execution_requests=tokens_field(server, "code_execution_requests", most=most),
        tier=tier_of(usage.get("service_tier")),
        speed=speed_of(usage.get("speed")),
        geo=geo_of(usage.get("inference_geo")),
        flags=(*flags, NULL_TOKENS) if has_null_tokens(usage) else flags,
        extra=extra,
    )


def has_null_tokens(usage: Mapping[str, Any]) -> bool:
    """True when the input or output count is there but null: counted as 0, which has to be said."""
    return any(usage.get(name, 0) is None for name in ("input_tokens", "output_tokens"))


def null_tokens() -> BadRecord:
    """What a file says once when some of its counts are null."""
    return BadRecord(
        "null-tokens",
        "Some usage has null for input_tokens or output_tokens: counted as 0, so tokens may be missing",
        value=None,
        expected="an integer >= 0",
        next_step="Look at what wrote the record; compare with a cost report.",
    )


def _classes(usage: Mapping[str, Any], most: int) -> tuple[Tokens, tuple[str, ...]]:
    split = optional_object(usage, "cache_creation")
    write_5m = tokens_field(split, "ephemeral_5m_input_tokens", most=most)
    write_1h = tokens_field(split, "ephemeral_1h_input_tokens", most=most)
    written = tokens_field(usage, "cache_creation_input_tokens", most=most)
    unsplit = max(written - write_5m - write_1h, 0)
    tokens = Tokens(
        uncached_input_tokens=tokens_field(usage, "input_tokens", most=most),
        cache_read_tokens=tokens_field(usage, "cache_read_input_tokens", most=most),
        cache_write_5m_tokens=write_5m + unsplit,
        cache_write_1h_tokens=write_1h,
        output_tokens=tokens_field(usage, "output_tokens", most=most),
    )
    return tokens, (("ttl_unknown",) if unsplit else ())


def _sum_iterations(
    entries: list[Any], top: Tokens, models: tuple[str, str], most: int
) -> tuple[Tokens, tuple[Part, ...], tuple[str, ...]]:
    """Own tokens, other models' parts, flags. Without an own sampling entry the top level stands for it."""
    objects = [object_of(value, "usage.iterations[]") for value in entries]
    fell_back = any(entry.get("type") == "fallback_message" for entry in objects)
    sums: dict[tuple[str, str], Tokens] = {}
    flags = {"iterations"}
    for entry in objects:
        tokens, entry_flags = _classes(entry, most)
        flags.update(entry_flags)
        key = text_of(entry, "type", "message"), _other_model(entry, models, fell_back=fell_back)
        sums[key] = sums.get(key, Tokens()) + tokens
    own = sum((tokens for (_, other), tokens in sums.items() if not other), Tokens())
    if not any(kind in _SAMPLING for kind, _ in sums):
        own += top
    extra = tuple(Part(kind=kind, model=other, tokens=sums[kind, other]) for kind, other in sorted(sums) if other)
    return own, extra, tuple(sorted(flags))


def _other_model(entry: Mapping[str, Any], models: tuple[str, str], *, fell_back: bool) -> str:
    """The model an iteration is billed at when that is not the response's own; "" when it is."""
    answered, requested = models
    named = text_of(entry, "model")
    if not named and fell_back and entry.get("type") == "message":
        named = requested
    return "" if named == answered else named


def totals_of(found: UsageTokens) -> int:
    """All tokens of a response, other models' parts included: what `completeness_rank` compares."""
    return found.tokens.total_tokens + sum(part.tokens.total_tokens for part in found.extra)


def tier_of(service_tier: object) -> str:
    """Tier of a logged `service_tier`; absent, `standard`, `auto` and Priority overflow bill as standard."""
    return _TIERS.get(service_tier, "standard") if isinstance(service_tier, str) else "standard"


def speed_of(speed: object) -> str:
    return "fast" if speed == "fast" else "standard"


def geo_of(inference_geo: object) -> str:
    """Geo class of a logged `inference_geo`: only `us` has its own price; `global`, `not_available`, null do not."""
    return _GEOS.get(inference_geo, "global") if isinstance(inference_geo, str) else "global"


# labels


def join_flags(*flags: str) -> str:
    """Sorted, unique, comma-joined, empties dropped: the form of `flags`, `request_features` and `task_cues`."""
    return ",".join(sorted({flag for flag in flags if flag}))


def tags_text(tags: Mapping[str, Any]) -> str:
    """The caller's own tags as canonical JSON text: sorted keys, no spaces, text values; "" when there are none."""
    kept = {
        str(key): value if isinstance(value, str) else str(value) for key, value in tags.items() if value is not None
    }
    return msgspec.json.encode(kept, order="sorted").decode() if kept else ""
