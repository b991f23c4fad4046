"""Claude Console exports: `claude_api_tokens_*.csv` and `claude_api_cost_*.csv`, every generation, by header name.

The headers are not documented by Anthropic; the generations are those of usage-sources section 2.2 and the samples
beside it. `api_key` is a key's *name*, so two keys may share one. Cost rows are dollars rounded to the cent
(`rounded_cents`): a total of n rows is known to within n half-cents. No export counts requests. Times are UTC, by day
or by hour ("2026-07-16 23:00"). An empty workspace is the default one, an empty key is Console usage.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from baseload.usage import enterprise_csv
from baseload.usage.buckets import CONSOLE_KEY, DEFAULT_WORKSPACE, amount_field, bucket_id, statement_rank
from baseload.usage.csv_rows import header_of, number_repeats, rows
from baseload.usage.normal import (
    MAX_BUCKET_TOKENS,
    BadRecord,
    geo_of,
    join_flags,
    problem,
    speed_of,
    tier_of,
    time_field,
    tokens_field,
)
from baseload.usage.reader import ReadContext, Reader, Record, SourceFile
from baseload.values import DAY_US, HOUR_US, Call, Problem

NAME: Final = "console_csv"

TOKEN_COLUMNS: Final = {
    "uncached_input_tokens": "usage_input_tokens_no_cache",
    "cache_read_tokens": "usage_input_tokens_cache_read",
    "cache_write_5m_tokens": "usage_input_tokens_cache_write_5m",
    "cache_write_1h_tokens": "usage_input_tokens_cache_write_1h",
    "output_tokens": "usage_output_tokens",
}
UNSPLIT_WRITE_COLUMN: Final = "usage_input_tokens_cache_write"
TOKEN_TYPES: Final = {
    "input_no_cache": "uncached_input_tokens",
    "input_cache_read": "cache_read_tokens",
    "input_cache_write": "cache_write_5m_tokens",
    "input_cache_write_5m": "cache_write_5m_tokens",
    "input_cache_write_1h": "cache_write_1h_tokens",
    "output": "output_tokens",
}
COST_TYPES: Final = {
    "token": "tokens",
    "tokens": "tokens",
    "web_search": "web_search",
    "code_execution": "code_execution",
    "session_usage": "session_usage",
}


def _recognise(head: bytes, name: str) -> int:
    columns = header_of(head)
    if "usage_date_utc" in columns and (columns & set(TOKEN_COLUMNS.values()) or "cost_usd" in columns):
        return 2
    return enterprise_csv.recognise(columns, name)


def _read(file: SourceFile, context: ReadContext) -> Iterator[Record]:
    calls: list[Call] = []
    seen: set[tuple[str, ...]] = set()
    repeated: list[int] = []  # rows
    for item in rows(NAME, file):
        if isinstance(item, Problem):
            yield item
            continue
        number, row = item
        if enterprise_csv.is_spend_row(row):
            yield from enterprise_csv.read_row(NAME, file.path, number, row, context)
            continue
        try:
            calls.append(_call(file.path, number, row, context))
        except BadRecord as bad:
            yield bad.problem(NAME, file.path, number)
            continue
        cells = tuple(row.values())
        if cells in seen:
            repeated.append(number)
        seen.add(cells)
    yield from number_repeats(calls, _renumbered)
    if repeated:
        yield _repeats(file.path, repeated)


def _call(file: str, number: int, row: dict[str, str], context: ReadContext) -> Call:
    if "usage_date_utc" not in row:
        raise BadRecord("no-time", "usage_date_utc is missing", expected="a date such as 2026-07-16")
    start_us, grain = _moment(row["usage_date_utc"])
    money = _cost(row) if "cost_usd" in row else _tokens(row)
    size = money.get("billed_nano_usd") or sum(money.get(name, 0) for name in TOKEN_COLUMNS)
    model_raw = (row.get("model_version") or row.get("model") or "").strip()
    shared: dict[str, Any] = {
        "rank": statement_rank(None, size),
        "source": NAME,
        "account": context.account,
        "source_file": file,
        "source_row": number,
        "grain": grain,
        "requests": None,
        "start_us": start_us,
        "end_us": start_us + (HOUR_US if grain == "hour" else DAY_US),
        "workspace": _workspace(row),
        "api_key": (row["api_key"].strip() or CONSOLE_KEY) if "api_key" in row else "",
        "model_raw": model_raw,
        "model": context.resolve_model(model_raw) if model_raw else "",
        "geo": geo_of(row.get("inference_geo", "").strip()),
        "tier": tier_of(row.get("usage_type", "").strip()),
        "speed": speed_of(row.get("speed", "").strip()),
        "context": context_of(row.get("context_window", "")),
        **money,
    }
    call = Call(call_id="", **shared)
    return Call(call_id=_identity(call), **shared)


def _tokens(row: dict[str, str]) -> dict[str, Any]:
    counts = {
        name: tokens_field(row, column, most=MAX_BUCKET_TOKENS, text=True) for name, column in TOKEN_COLUMNS.items()
    }
    unsplit = tokens_field(row, UNSPLIT_WRITE_COLUMN, most=MAX_BUCKET_TOKENS, text=True)
    counts["cache_write_5m_tokens"] += unsplit
    return {
        **counts,
        "web_search_requests": tokens_field(row, "web_search_count", most=MAX_BUCKET_TOKENS, text=True),
        "flags": join_flags("ttl_unknown" if unsplit else ""),
    }


def _cost(row: dict[str, str]) -> dict[str, Any]:
    billed = amount_field(row, "cost_usd", cents=False)
    if billed is None:
        raise BadRecord("bad-amount", "cost_usd is missing", expected='dollars such as "1.50"')
    part = row.get("token_type", "").strip()
    named = COST_TYPES.get(row.get("cost_type", "").strip()) or COST_TYPES.get(part)
    return {
        "billed_nano_usd": billed,
        "reported_list_nano_usd": amount_field(row, "list_price_usd", cents=False),
        "cost_type": named or ("tokens" if part in TOKEN_TYPES else "other"),
        "token_class": TOKEN_TYPES.get(part, ""),
        "flags": join_flags("rounded_cents", "ttl_unknown" if part == "input_cache_write" else ""),
    }


def _moment(text: str) -> tuple[int, str]:
    """Start of the bucket and its grain: a date is a day, a time of day an hour. UTC by the column's name."""
    start_us, _ = time_field(text, "usage_date_utc")
    return start_us, "hour" if ":" in text else "day"


def context_of(text: str) -> str:
    """The Console's context window, in whatever encoding it survived.

    >>> context_of("≤ 200k"), context_of("> 200k"), context_of("")
    ('0-200k', '200k-1M', '')
    """
    lower = text.lower().replace(" ", "")
    if "200k" not in lower:
        return ""
    return "200k-1M" if ">" in lower or "≥" in lower or "1m" in lower else "0-200k"


def _workspace(row: dict[str, str]) -> str:
    if "workspace" not in row:
        return ""
    name = row["workspace"].strip()
    return DEFAULT_WORKSPACE if name.lower() in ("", "default") else name


def _identity(call: Call, occurrence: int = 0) -> str:
    """Of what every generation of the export says: a later generation's extra columns never make a new bucket.

    The first generations had no context window and no geo, because there was only one of each.
    """
    group = {
        "model": call.model or call.model_raw,
        "workspace": call.workspace,
        "key": call.api_key,
        "tier": call.tier,
        "context": call.context or "0-200k",
        "geo": call.geo,
        "speed": call.speed,
        "cost_type": call.cost_type,
        "token_class": call.token_class,
        "ttl": "unknown" if "ttl_unknown" in call.flags else "",
    }
    bounds = call.start_us, call.end_us or call.start_us
    return bucket_id(NAME, call.account, bounds, group, occurrence=occurrence)


def _renumbered(call: Call, occurrence: int) -> str:
    return _identity(call, occurrence)


def _repeats(file: str, found: list[int]) -> Problem:
    """One problem for all repeats of a file, at the row of the first."""
    said = "1 row is equal" if len(found) == 1 else f"{len(found):,} rows, the first of them here, are equal"
    return problem(
        NAME,
        file,
        found[0],
        "repeated-rows",
        f"{said} to an earlier row in every column; all were counted",
        value=len(found),
        expected="rows that differ",
        next_step="If the file was pasted together from overlapping exports, remove the repeats and read it again.",
    )


READER = Reader(name=NAME, recognise=_recognise, read=_read)
