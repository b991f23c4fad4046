"""`usage_report/claude_code`: one row per person, day and model; part of the organisation's usage, never its total.

Its `input` excludes cached tokens; its cache writes have no TTL (`ttl_unknown`); `estimated_cost` is an estimate at
list price in cents and never a bill. Rows of `customer_type: subscription` are covered by seats: they are not API
spend, and one problem says how many were left out (anthropic-facts section 6.3).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from baseload.usage.buckets import Page, amount_field, bucket_id, require_usd, statement_rank
from baseload.usage.normal import (
    MAX_BUCKET_TOKENS,
    BadRecord,
    join_flags,
    object_of,
    optional_object,
    problem,
    text_of,
    time_field,
    tokens_field,
)
from baseload.usage.reader import ReadContext, Record, SourceFile
from baseload.values import DAY_US, Call, Tokens

VIEW: Final = "claude_code"
"""The statement's name after the reader's: `ledger.scope` knows that it covers Claude Code alone."""


def read(reader: str, file: SourceFile, pages: list[Page], context: ReadContext) -> Iterator[Record]:
    """Calls of API customers, grain "day"; what seats cover is one problem for the file."""
    seat_rows = seat_tokens = 0
    for page in pages:
        for row, item in enumerate(page.data, page.before + 1):
            try:
                record = object_of(item, "data[]")
                if record.get("customer_type") == "subscription":
                    seat_rows += 1
                    seat_tokens += sum(_tokens(model).total_tokens for model in _models(record))
                    continue
                yield from _person_day(f"{reader}/{VIEW}", file.path, row, page, record, context)
            except BadRecord as bad:
                yield bad.problem(reader, file.path, row)
    if seat_rows:
        yield problem(
            reader,
            file.path,
            0,
            "seats-left-out",
            f"{seat_rows:,} rows of seat-covered Claude Code usage ({seat_tokens:,} tokens) are not API spend",
            value=seat_rows,
            expected="customer_type api",
            next_step="Enter seats in the [[invoice]] of baseload.toml; they are bridged there.",
        )


class _Day(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the report: what its models share."""

    source: str
    file: str
    row: int
    rank_moment: int | None
    account: str
    start_us: int
    key: str
    user_id: str
    terminal: str
    remote: str


def _person_day(
    source: str, file: str, row: int, page: Page, record: Mapping[str, Any], context: ReadContext
) -> Iterator[Record]:
    actor = optional_object(record, "actor")
    person = text_of(actor, "email_address") or text_of(actor, "user_id")
    pulled = page.pull.organization_id if page.pull else ""
    day = _Day(
        source=source,
        file=file,
        row=row,
        rank_moment=page.refreshed_us,
        account=text_of(record, "organization_id") or context.account or pulled,
        start_us=time_field(record.get("date"), "date")[0],
        key=text_of(actor, "api_key_name") or text_of(actor, "api_key_id"),
        user_id=context.org_key.fingerprint("user", person) if person else "",
        terminal=text_of(record, "terminal_type"),
        remote=str(record.get("is_remote", "")),
    )
    for model in _models(record):
        yield _call(day, model, context)


def _call(day: _Day, model: Mapping[str, Any], context: ReadContext) -> Call:
    tokens = _tokens(model)
    cost = optional_object(model, "estimated_cost")
    require_usd(cost)
    bounds = day.start_us, day.start_us + DAY_US
    model_raw = text_of(model, "model")
    group = {"model": model_raw, "user": day.user_id, "key": day.key, "terminal": day.terminal, "remote": day.remote}
    return Call(
        call_id=bucket_id(day.source, day.account, bounds, group),
        rank=statement_rank(day.rank_moment, tokens.total_tokens),
        source=day.source,
        account=day.account,
        source_file=day.file,
        source_row=day.row,
        flags=join_flags("ttl_unknown" if tokens.cache_write_5m_tokens else "", "geo_unknown", "tier_unknown"),
        grain="day",
        requests=None,
        start_us=day.start_us,
        end_us=bounds[1],
        api_key=day.key,
        user_id=day.user_id,
        agent="claude_code",
        model_raw=model_raw,
        model=context.resolve_model(model_raw) if model_raw else "",
        uncached_input_tokens=tokens.uncached_input_tokens,
        cache_read_tokens=tokens.cache_read_tokens,
        cache_write_5m_tokens=tokens.cache_write_5m_tokens,
        output_tokens=tokens.output_tokens,
        reported_cost_nano_usd=amount_field(cost, "amount", cents=True),
    )


def _models(record: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    models = record.get("model_breakdown")
    if not isinstance(models, list):
        raise BadRecord("not-a-report-page", "The row has no list `model_breakdown`", expected='"model_breakdown": […]')
    return [object_of(model, "model_breakdown[]") for model in models]


def _tokens(model: Mapping[str, Any]) -> Tokens:
    tokens = optional_object(model, "tokens")
    return Tokens(
        uncached_input_tokens=tokens_field(tokens, "input", most=MAX_BUCKET_TOKENS),
        cache_read_tokens=tokens_field(tokens, "cache_read", most=MAX_BUCKET_TOKENS),
        cache_write_5m_tokens=tokens_field(tokens, "cache_creation", most=MAX_BUCKET_TOKENS),
        output_tokens=tokens_field(tokens, "output", most=MAX_BUCKET_TOKENS),
    )
