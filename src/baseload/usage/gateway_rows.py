"""From one attempt in the gateway's log to rows: what was used, by whom, and what was decided about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from baseload.usage.gateway_pairs import Pair
from baseload.usage.gateway_records import End, Start
from baseload.usage.normal import (
    UsageTokens,
    call_id,
    completeness_rank,
    derived_call_id,
    geo_of,
    join_flags,
    speed_of,
    tokens_from_usage,
    totals_of,
)
from baseload.usage.reader import ReadContext
from baseload.values import TOKEN_CLASSES, Call, Tokens

NAME: Final = "gateway_log"
ASKED: Final = "asked:"
"""Flag before the model a caller asked for, on the calls another model served."""
NOT_SETTLED: Final = "not_settled"
"""Flag of an answer that ended before its final usage: its tokens are the least it used."""
_BROKEN: Final = ("client", "upstream", "gateway")
_LABELS: Final = ("user_id", "agent", "tags", "session_id", "parent_id", "effort", "tools_fp", "system_fp",
                  "template_id", "messages", "max_tokens")  # fmt: skip
_LATER: Final = ("request_hash", "request_features", "task_cues", "prefix_blocks")
"""Features that may be computed after the start."""


def calls_of(pair: Pair, context: ReadContext, file: str = "") -> Iterator[Call]:
    """The rows of one attempt: one, and one more for each part that another model served.

    An attempt that was never sent, or answered with an error status, is a row with `requests` 0. One in flight, one
    whose answer never came, and an answer whose usage could not be read count one request and no tokens (flags
    `in_flight`, `unmetered`). An answer that ended before its final usage counts what was seen, which is the least it
    used (flag `not_settled`). Raises BadRecord on bad counts.
    """
    start, end = pair.start, pair.end
    common = _common(pair, context, file)
    if end is None:
        yield Call(**common, call_id=_own_id(pair), flags=_flags(start, "in_flight"), **_model(_sent(start), context))
    elif end.usage is None:
        yield _without_usage(pair, end, common, context)
    else:
        yield from _metered(pair, end, end.usage, common, context)


def served_and_requested(start: Start, end: End) -> tuple[str, str]:
    """The model that answered and the one that was asked upstream: they differ where the API fell back."""
    sent = end.model or _sent(start)
    entries = (end.usage or {}).get("iterations")
    hops = [
        entry["model"]
        for entry in (entries if isinstance(entries, list) else ())
        if isinstance(entry, dict) and entry.get("type") == "fallback_message" and isinstance(entry.get("model"), str)
    ]
    return (hops[-1], sent) if hops else (sent, _sent(start))


def was_not_billed(end: End) -> bool:
    """Whether an attempt without usage surely cost nothing: answered with an error, or never sent.

    A reset or a time-out after the request was sent says nothing of what the provider did with it.
    """
    if end.outcome == "failed":
        return end.error == "connect"
    return end.outcome == "error" or end.status >= 400


def usage_of(start: Start, end: End) -> UsageTokens | None:
    """The tokens of an attempt in disjoint classes; None where they are not known. Raises BadRecord."""
    if end.usage is None:
        return None
    served, requested = served_and_requested(start, end)
    return tokens_from_usage(end.usage, model=served, requested=requested)


def _metered(
    pair: Pair, end: End, usage: Mapping[str, Any], common: dict[str, Any], context: ReadContext
) -> Iterator[Call]:
    start = pair.start
    served, requested = served_and_requested(start, end)
    found = tokens_from_usage(usage, model=served, requested=requested)
    fallback = "fallback" if served != (end.model or served) else ""
    detail = (0 if "ttl_unknown" in found.flags else 1) + 2 + (4 if common["request_hash"] else 0)
    common |= {
        "rank": completeness_rank(totals_of(found), settled=end.settled, detail=detail),
        "tier": found.tier if found.tier != "standard" else start.tier,
        "speed": found.speed if usage.get("speed") else speed_of(start.speed),
        "geo": found.geo if usage.get("inference_geo") else geo_of(start.geo),
        "flags": _flags(start, *_end_flags(end), *found.flags, fallback),
    }
    identifier = _id(pair, end)
    yield Call(
        call_id=identifier,
        **common,
        **_counts(found.tokens),
        **_model(served, context),
        thinking_tokens=found.thinking_tokens,
        web_search_requests=found.web_search_requests,
        web_fetch_requests=found.web_fetch_requests,
        code_execution_requests=found.code_execution_requests,
    )
    others = common | {"requests": 0, "reported_cost_nano_usd": None}
    for part in found.extra:
        part_id = derived_call_id(identifier, f"{part.kind}:{part.model}")
        yield Call(call_id=part_id, **others, **_counts(part.tokens), **_model(part.model, context))


def _without_usage(pair: Pair, end: End, common: dict[str, Any], context: ReadContext) -> Call:
    free = was_not_billed(end)
    failed = free or end.outcome == "failed"
    flags = _flags(pair.start, *_end_flags(end), "failed" if failed else "", "" if free else "unmetered")
    rank = completeness_rank(0, settled=False)
    common |= {"requests": 0 if free else 1, "rank": rank, "flags": flags}
    return Call(**common, call_id=_id(pair, end), **_model(end.model or _sent(pair.start), context))


def _common(pair: Pair, context: ReadContext, file: str) -> dict[str, Any]:
    start, end = pair.start, pair.end
    return {
        "source": NAME,
        "source_file": file,
        "source_row": pair.row,
        "requests": 1,
        "start_us": start.us,
        "first_token_us": end.first_us if end else None,
        "end_us": end.us if end else None,
        "account": context.account or (end.account if end else "") or start.account or pair.head.account,
        "workspace": start.workspace or (end.workspace if end else ""),
        "api_key": start.api_key,
        "platform": start.platform,
        "geo": geo_of(start.geo),
        "tier": start.tier,
        "speed": speed_of(start.speed),
        "stream": start.stream,
        "stop_reason": end.stop_reason if end else "",
        "http_status": end.status or None if end else None,
        "attempt": start.attempt,
        "body_ref": start.body_ref,
        "features_version": start.features_version or 1,
        "reported_cost_nano_usd": end.cost_nano if end else None,
        **{name: getattr(start, name) for name in _LABELS},
        **{name: (getattr(end, name) if end else "") or getattr(start, name) for name in _LATER},
    }


def _flags(start: Start, *more: str) -> str:
    routed = start.sent_model and start.sent_model != start.model
    return join_flags(
        *more,
        start.purpose if start.purpose != "serve" else "",
        f"arm_{start.arm}" if start.arm else "",
        f"{ASKED}{start.model}" if routed else "",
        f"reason:{start.reason}" if start.reason else "",
        f"workload:{_one(start.workload)}" if start.workload else "",
        f"policy:{start.policy_id}" if start.policy_id else "",
        f"stage:{_one(start.stage)}" if start.stage else "",
        *(f"changed:{_one(change)}" for change in start.changes),
    )


def _one(text: str) -> str:
    """A flag's value: flags are joined by commas."""
    return text.replace(",", ";")


def _end_flags(end: End) -> Iterator[str]:
    yield from end.flags
    if end.outcome in _BROKEN or (end.usage is not None and not end.settled):
        yield "aborted"
    if end.outcome == "client":
        yield "client_left"
    if end.usage is not None and not end.settled:
        yield NOT_SETTLED


def _sent(start: Start) -> str:
    return start.sent_model or start.model


def _own_id(pair: Pair) -> str:
    return call_id(source=NAME, native_id=f"{pair.head.replica_id}:{pair.start.seq}")


def _id(pair: Pair, end: End) -> str:
    """By the provider's id, as in every other source of the same call; else by replica and seq."""
    if end.message_id or end.request_id:
        return call_id(message_id=end.message_id, request_id=end.request_id)
    return _own_id(pair)


def _counts(tokens: Tokens) -> dict[str, Any]:
    return {name: getattr(tokens, name) for name in TOKEN_CLASSES}


def _model(raw: str, context: ReadContext) -> dict[str, Any]:
    return {"model_raw": raw, "model": context.resolve_model(raw)}
