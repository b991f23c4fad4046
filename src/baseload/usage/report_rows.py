"""Rows of Anthropic's usage and cost reports -> Calls: the names differ by endpoint, the meaning does not.

Amounts are decimal strings in *cents*, after discount and before credits (anthropic-facts section 6). `user` and
session ids become keyed fingerprints; service accounts stay readable, because they are not people.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from baseload.usage.buckets import (
    NO_KEY,
    NO_WORKSPACE,
    RATES,
    Page,
    amount_field,
    bucket_id,
    grain_of,
    require_usd,
    statement_rank,
    statement_source,
    unknown_flags,
)
from baseload.usage.normal import (
    MAX_BUCKET_TOKENS,
    BadRecord,
    geo_of,
    int_field,
    join_flags,
    optional_object,
    speed_of,
    tags_text,
    text_of,
    tier_of,
    tokens_field,
)
from baseload.usage.reader import ReadContext
from baseload.values import Call, Tokens

DIMENSIONS: Final = (
    *sorted(RATES),
    "account_id",
    "actor",
    "actor_type",
    "agent_id",
    "api_key_id",
    "claude_tag_category",
    "claude_tag_user_id",
    "cost_type",
    "deployment_id",
    "description",
    "environment_id",
    "organization_id",
    "product",
    "rbac_group_id",
    "service_account_id",
    "session_id",
    "slack_channel_id",
    "token_type",
    "user_profile_id",
    "workspace_id",
)
_TAGS: Final = (
    "agent_id",
    "claude_tag_category",
    "deployment_id",
    "environment_id",
    "slack_channel_id",
    "user_profile_id",
)
TOKEN_TYPES: Final = {
    "uncached_input_tokens": "uncached_input_tokens",
    "cache_read_input_tokens": "cache_read_tokens",
    "cache_creation.ephemeral_5m_input_tokens": "cache_write_5m_tokens",
    "cache_creation.ephemeral_1h_input_tokens": "cache_write_1h_tokens",
    "output_tokens": "output_tokens",
}
COST_TYPES: Final = ("tokens", "web_search", "code_execution", "session_usage")


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What all rows of one file share."""

    reader: str
    file: str
    grouped: frozenset[str]
    context: ReadContext
    null_workspace: str = NO_WORKSPACE
    null_key: str = NO_KEY

    @property
    def source(self) -> str:
        return statement_source(self.reader, self.grouped)


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where one row stands: its page, its number in the file and its bucket."""

    page: Page
    row: int
    bounds: tuple[int, int]


def usage_call(report: Report, place: Place, group: Mapping[str, Any], usage: Mapping[str, Any]) -> Call:
    """The Call of one bucket of tokens. `requests` is None where the report does not count them.

    A row of no model and no tokens is code execution: its `requests` are spans and are stored as such
    (anthropic-facts section 6.1). Raises BadRecord.
    """
    tokens, unknown_ttl = report_tokens(usage)
    requests = int_field(usage, "requests", default=None, most=MAX_BUCKET_TOKENS)
    spans = 0
    if requests and "model" in report.grouped and group.get("model") is None and not tokens.total_tokens:
        spans, requests = requests, None
    server = optional_object(usage, "server_tool_use")
    return Call(
        **_bucket(report, place, group, size=tokens.total_tokens, flags=("ttl_unknown",) if unknown_ttl else ()),
        requests=requests,
        uncached_input_tokens=tokens.uncached_input_tokens,
        cache_read_tokens=tokens.cache_read_tokens,
        cache_write_5m_tokens=tokens.cache_write_5m_tokens,
        cache_write_1h_tokens=tokens.cache_write_1h_tokens,
        output_tokens=tokens.output_tokens,
        web_search_requests=tokens_field(server, "web_search_requests", most=MAX_BUCKET_TOKENS),
        code_execution_requests=spans,
    )


def cost_call(report: Report, place: Place, group: Mapping[str, Any], cost: Mapping[str, Any]) -> Call:
    """The Call of one bucket of money: no tokens, what was billed, and the provider's own list price where given.

    A row that is not broken out by `cost_type` is of the type "other": it may hold tokens, searches and sessions.
    """
    require_usd(cost)
    billed = amount_field(cost, "amount", cents=True)
    if billed is None:
        raise BadRecord("bad-amount", "amount is missing", expected='cents as text, such as "123.45"')
    named = text_of(group, "cost_type")
    token_type = text_of(group, "token_type")
    return Call(
        **_bucket(report, place, group, size=billed),
        requests=int_field(cost, "requests", default=None, most=MAX_BUCKET_TOKENS),
        billed_nano_usd=billed,
        reported_list_nano_usd=amount_field(cost, "list_amount", cents=True),
        cost_type=named if named in COST_TYPES else "tokens" if token_type else "other",
        token_class=TOKEN_TYPES.get(token_type, ""),
    )


def report_tokens(usage: Mapping[str, Any]) -> tuple[Tokens, bool]:
    """Tokens by class, and whether a cache write of unknown TTL is among them (then counted as 5m)."""
    split = optional_object(usage, "cache_creation")
    unsplit = tokens_field(usage, "cache_creation_input_tokens", most=MAX_BUCKET_TOKENS) if not split else 0
    tokens = Tokens(
        uncached_input_tokens=tokens_field(usage, "uncached_input_tokens", most=MAX_BUCKET_TOKENS),
        cache_read_tokens=tokens_field(usage, "cache_read_input_tokens", most=MAX_BUCKET_TOKENS),
        cache_write_5m_tokens=tokens_field(split, "ephemeral_5m_input_tokens", most=MAX_BUCKET_TOKENS) + unsplit,
        cache_write_1h_tokens=tokens_field(split, "ephemeral_1h_input_tokens", most=MAX_BUCKET_TOKENS),
        output_tokens=tokens_field(usage, "output_tokens", most=MAX_BUCKET_TOKENS),
    )
    return tokens, bool(unsplit)


def _bucket(
    report: Report, place: Place, group: Mapping[str, Any], *, size: int, flags: tuple[str, ...] = ()
) -> dict[str, Any]:
    """The fields that usage and cost rows share."""
    model_raw = text_of(group, "model")
    account = _account(report, place, group)
    named = {name: _plain(value) for name, value in group.items() if name in DIMENSIONS}
    start_us, end_us = place.bounds
    return {
        "call_id": bucket_id(report.source, account, place.bounds, named),
        "rank": statement_rank(place.page.refreshed_us, size),
        "source": report.source,
        "account": account,
        "source_file": report.file,
        "source_row": place.row,
        "flags": join_flags(*flags, *unknown_flags(report.grouped)),
        "grain": grain_of(start_us, end_us),
        "start_us": start_us,
        "end_us": end_us,
        "workspace": _label(report, group, "workspace_id", report.null_workspace),
        "model_raw": model_raw,
        "model": report.context.resolve_model(model_raw) if model_raw else "",
        "geo": geo_of(group.get("inference_geo")),
        "tier": tier_of(group.get("service_tier")),
        "speed": speed_of(group.get("speed")),
        "context": text_of(group, "context_window"),
        "agent": text_of(group, "product"),
        "tags": _tags(report, group),
        "session_id": _fingerprint(report, "session", text_of(group, "session_id")),
        **_who(report, group),
    }


def _account(report: Report, place: Place, group: Mapping[str, Any]) -> str:
    pulled = place.page.pull.organization_id if place.page.pull else ""
    return text_of(group, "organization_id") or report.context.account or pulled


def _label(report: Report, group: Mapping[str, Any], dimension: str, null_word: str) -> str:
    return text_of(group, dimension) or (null_word if dimension in report.grouped else "")


def _who(report: Report, group: Mapping[str, Any]) -> dict[str, str]:
    """api_key and user_id: people as keyed fingerprints, service accounts and keys readable."""
    actor = optional_object(group, "actor")
    key = _label(report, group, "api_key_id", report.null_key) or text_of(actor, "api_key_id")
    service = text_of(group, "service_account_id") or text_of(actor, "service_account_id")
    person = text_of(group, "account_id") or text_of(actor, "user_id") or text_of(actor, "subject")
    return {"api_key": key, "user_id": service or _fingerprint(report, "user", person)}


def _fingerprint(report: Report, kind: str, value: str) -> str:
    return report.context.org_key.fingerprint(kind, value) if value else ""


def _tags(report: Report, group: Mapping[str, Any]) -> str:
    found = {name: text_of(group, name) for name in _TAGS}
    found["claude_tag_user"] = _fingerprint(report, "user", text_of(group, "claude_tag_user_id"))
    return tags_text({name: value for name, value in found.items() if value})


def _plain(value: object) -> str:
    """A group value as text for the identity; an actor is its ids, which never change, not its name or address."""
    if isinstance(value, Mapping):
        ids = ("type", "user_id", "api_key_id", "service_account_id", "subject", "provider")
        return ";".join(f"{name}={value[name]}" for name in ids if value.get(name) is not None)
    return "" if value is None else str(value)
