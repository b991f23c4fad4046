"""What of a workload the Batches API can take, and by which name it refuses the rest (anthropic-facts section 4)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Final

import msgspec

from baseload.levers.position import Position, rates_at
from baseload.prices.book import PriceBook

UNSUPPORTED: Final[Mapping[str, str]] = {
    "fallbacks": "model fallbacks are asked for",
    "thread": "requests are events of a stored thread",
    "cache_hint": "a cache hint is sent",
    "context_hint": "a context hint is sent",
    "research_preview": "a research preview is used",
}
"""Request features a batch refuses and no rewrite removes, in words."""

IN_WORDS: Final[Mapping[str, str]] = {
    **UNSUPPORTED,
    "tool_loop": "the program answers tool calls, and a batch item is one request",
    "prewarm": "requests only warm a cache (max_tokens 0)",
    "fast": "fast mode must be taken off first",
    "priority": "Priority Tier cannot be batched",
    "flex": "flex processing cannot be batched",
    "already_batched": "it is in batches already",
    "not_sold": "no batch price where it runs",
    "no_calls": "no call was seen",
    "zero_data_retention": "batches lie outside zero data retention",
    "interactive": "somebody waits for the answers",
    "deadline_too_short": "its deadline is shorter than half of all batches take",
}
"""Every name `blocked_by` may give, in words."""


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """Calls of one signature that look alike, as `levers.batch.ledger.requests_sql` counts them."""

    calls: int
    request_features: str = ""  # comma-joined
    task_cues: str = ""  # comma-joined
    streamed: int = 0
    prewarms: int = 0  # max_tokens 0
    tool_stops: int = 0  # ended to call a tool of the client


class Eligibility(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a workload's calls that may go into batches as they are written today.

    `share` is of the calls that run where a batch is sold, at standard tier; fast mode can be taken off and is only
    noted. `refused` has the share of calls each name stands for (a call with two reasons counts under the first), and
    `refused_places` that of calls which run where no batch can. `blocked_by` is empty unless nothing may be batched.
    `rewrites` are changes the rest needs that cost nothing.
    """

    share: float
    refused: Mapping[str, float]
    refused_places: Mapping[str, float]
    blocked_by: tuple[str, ...] = ()
    rewrites: tuple[str, ...] = ()
    note: str = ""


def eligibility(
    sent: Iterable[Sent],
    positions: Iterable[Position],
    book: PriceBook,
    day: int,
    *,
    zero_data_retention: bool = False,
) -> Eligibility:
    """What the Batches API takes of these calls where it is sold, and what it refuses by name."""
    requests, members = list(sent), list(positions)
    if zero_data_retention:
        return _nothing({"zero_data_retention": 1.0})
    places = _refused_places(members, book, day)
    if sum(places.values()) == 1:
        return _nothing(_floats(places))
    refused = _refused_requests(requests)
    share = float(1 - sum(refused.values()))
    if not share:
        return _nothing(_floats(refused))
    names = sorted({*refused, *places, *({"fast"} if any(one.key.speed == "fast" for one in members) else ())})
    return Eligibility(
        share=share,
        refused=_floats(refused),
        refused_places=_floats(places),
        rewrites=("stream off",) if any(one.streamed for one in requests) else (),
        note="; ".join(IN_WORDS[name] for name in names),
    )


def _nothing(refused: Mapping[str, float]) -> Eligibility:
    return Eligibility(
        share=0.0,
        refused=refused,
        refused_places={},
        blocked_by=tuple(sorted(refused)),
        note="; ".join(IN_WORDS[name] for name in sorted(refused)),
    )


def _floats(shares: Mapping[str, Fraction]) -> dict[str, float]:
    return {name: float(share) for name, share in shares.items()}


def refusal_of(one: Sent) -> str:
    """Why a batch cannot take these calls: the name, "" where it can. Tool loops are judged by what the calls did.

    A call that carries a tool's result, or asks for a tool although none is forced on it, is a step of a loop. A
    forced tool is an output format: the answer ends there, and a batch can give it.
    """
    features = set(one.request_features.split(","))
    for name in UNSUPPORTED:
        if name in features:
            return name
    cues = set(one.task_cues.split(","))
    if "tool_result" in cues or ("tool_use" in cues and "forced_tool" not in features):
        return "tool_loop"
    return ""


def _refused_requests(requests: Iterable[Sent]) -> dict[str, Fraction]:
    """Name -> exact share of the calls; {} where no call was seen, so that billing rows alone refuse nothing."""
    counts: defaultdict[str, int] = defaultdict(int)
    total = 0
    for one in requests:
        total += one.calls
        name = refusal_of(one)
        if name:
            counts[name] += one.calls
            continue
        loops = 0 if "forced_tool" in one.request_features.split(",") else min(one.tool_stops, one.calls)
        counts["tool_loop"] += loops
        counts["prewarm"] += min(one.prewarms, one.calls - loops)
    return {name: Fraction(calls, total) for name, calls in counts.items() if calls} if total else {}


def _refused_places(members: Sequence[Position], book: PriceBook, day: int) -> dict[str, Fraction]:
    """Name -> share of what is not in batches yet, by calls; by tokens where calls are not counted."""
    open_ones = [one for one in members if one.key.tier != "batch"]
    if not open_ones:
        return {"already_batched" if members else "no_calls": Fraction(1)}
    counted = all(one.requests is not None for one in open_ones)
    weights = [(one.requests or 0) if counted else one.tokens.total_tokens for one in open_ones]
    counts: defaultdict[str, int] = defaultdict(int)
    for one, weight in zip(open_ones, weights, strict=True):
        counts[_place_refusal(one, book, day)] += weight
    total = sum(weights)
    return {name: Fraction(weight, total) for name, weight in counts.items() if name and weight} if total else {}


def _place_refusal(position: Position, book: PriceBook, day: int) -> str:
    """Why no batch is possible where a position runs, once it is at standard speed; "" where one is."""
    if position.key.tier in ("priority", "flex"):
        return position.key.tier
    return "not_sold" if rates_at(book, position, day, tier="batch", speed="standard") is None else ""
