"""OpenRouter: activity per generation (CSV, or the generation API's JSON), and per day and model (CSV or API).

`tokens_prompt` contains cached reads and whatever was written to the cache: no export says how much was written, so
rows whose cache cost is not nothing are flagged `cache_write_unknown`. CSV counts come from OpenRouter's own tokenizer
where no `native_` count stands beside them (`tokens_normalised`): good for ranking, not for pricing. The cost is what
OpenRouter charged, so it is the bill; daily rows do not know cached tokens at all (`cache_unknown`).
Source: usage-sources 1.2 and 2.12.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from baseload.usage import csv_rows
from baseload.usage.buckets import amount_field, bucket_id, statement_rank
from baseload.usage.normal import (
    MAX_BUCKET_TOKENS,
    BadRecord,
    call_id,
    completeness_rank,
    int_field,
    join_flags,
    tags_text,
    text_of,
    tier_of,
    time_field,
    tokens_field,
)
from baseload.usage.openai_shape import stop_reason_of
from baseload.usage.providers import LeftOut, hints_of, is_claude
from baseload.usage.reader import ReadContext, Reader, Record, SourceFile
from baseload.usage.rows import Row, json_rows
from baseload.values import DAY_US, Call, Problem

NAME: Final = "openrouter"
DAILY: Final = "openrouter/model"
"""The statement of a day and model, named like every grouped report (`usage.buckets.statement_source`)."""
_CALL_COLUMNS: Final = {"generation_id", "model_permaslug", "tokens_prompt"}
_DAY_COLUMNS: Final = {"date", "slug", "usage", "prompt_tokens"}
_JSON_MARKS: Final = (b'"native_tokens_prompt"', b'"model_permaslug"')
_TRUE: Final = ("true", "1")


def recognise(head: bytes, _name: str) -> int:
    """2 for either CSV by its header, or the API's JSON by its own field names."""
    if head.lstrip()[:1] in (b"{", b"["):
        return 2 if any(mark in head for mark in _JSON_MARKS) else 0
    header = csv_rows.header_of(head)
    return 2 if header >= _CALL_COLUMNS or header >= _DAY_COLUMNS else 0


def read(file: SourceFile, context: ReadContext) -> Iterator[Record]:
    """Calls, or days and models, of Claude; other vendors' rows are counted and left out."""
    left_out = LeftOut()
    is_csv = file.path.lower().removesuffix(".gz").endswith((".csv", ".tsv"))
    for row in _csv(file) if is_csv else json_rows(file, NAME, inside=("data",)):
        if not isinstance(row, Row):
            yield row
            continue
        inner = row.record.get("data")
        record = inner if isinstance(inner, Mapping) else row.record
        model_raw = next((name for key in ("model_permaslug", "slug", "model") if (name := text_of(record, key))), "")
        if not is_claude(model_raw, context.resolve_model(model_raw)):
            left_out.add()
            continue
        try:
            yield _row_call(record, model_raw, row.number, file.path, context)
        except BadRecord as bad:
            yield bad.problem(NAME, file.path, row.number)
    yield from left_out.problems(NAME, file.path)


def _csv(file: SourceFile) -> Iterator[Row | Problem]:
    for item in csv_rows.rows(NAME, file):
        yield item if isinstance(item, Problem) else Row(*item)


def _row_call(record: Mapping[str, Any], model_raw: str, number: int, path: str, context: ReadContext) -> Call:
    is_call = bool(record.get("generation_id") or record.get("id"))
    make = _generation if is_call else _day
    hints = hints_of(model_raw)
    shared = {
        "account": context.account,
        "source_file": path,
        "source_row": number,
        "model_raw": model_raw,
        "model": context.resolve_model(model_raw),
        "platform": "openrouter",
        "speed": hints.speed or "standard",
    }
    return make(record, shared, context)


def _generation(record: Mapping[str, Any], shared: dict[str, Any], context: ReadContext) -> Call:
    """One generation. Raises BadRecord."""
    start_us, naive = time_field(record.get("created_at"), "created_at")
    prompt, prompt_native = _count(record, "tokens_prompt")
    output, output_native = _count(record, "tokens_completion")
    cached, _ = _count(record, "tokens_cached")
    if cached > prompt:
        raise BadRecord(
            "cached-beyond-prompt",
            "tokens_cached is more than tokens_prompt, which contains it",
            value=cached,
            expected=f"at most {prompt}",
        )
    cache_cost = amount_field(record, "cost_cache", cents=False) or amount_field(record, "cache_discount", cents=False)
    user, key, app = text_of(record, "user"), text_of(record, "api_key_name"), text_of(record, "app_name")
    native = prompt_native and output_native
    generation = text_of(record, "generation_id") or text_of(record, "id")
    thinking, _ = _count(record, "tokens_reasoning")
    return Call(
        **shared,
        call_id=call_id(source=NAME, native_id=generation),
        rank=completeness_rank(prompt + output, detail=native),
        source=NAME,
        flags=join_flags(
            "naive_time" if naive else "",
            "" if native else "tokens_normalised",
            "cache_write_unknown" if cache_cost else "",
            "aborted" if _is_true(record, "cancelled") else "",
        ),
        start_us=start_us,
        first_token_us=_after(start_us, record, "time_to_first_token_ms", "latency"),
        end_us=_after(start_us, record, "generation_time_ms", "generation_time"),
        user_id=context.org_key.fingerprint("user", user) if user else "",
        api_key=key,
        tags=tags_text({"app": app} if app else {}),
        tier=tier_of(text_of(record, "service_tier")),
        stream=_is_true(record, "streamed") if record.get("streamed") not in (None, "") else None,
        stop_reason=text_of(record, "finish_reason_raw") or stop_reason_of(record.get("finish_reason_normalized")),
        uncached_input_tokens=prompt - cached,
        cache_read_tokens=cached,
        output_tokens=output,
        thinking_tokens=thinking,
        billed_nano_usd=_amount(record, "cost_total", "total_cost"),
        reported_cost_nano_usd=_amount(record, "byok_usage_inference", "upstream_inference_cost") or None,
    )


def _day(record: Mapping[str, Any], shared: dict[str, Any], _context: ReadContext) -> Call:
    """One day of one model: a control total whose prompt tokens are not split by cache. Raises BadRecord."""
    start_us, _ = time_field(record.get("date"), "date")
    start_us -= start_us % DAY_US
    bounds = start_us, start_us + DAY_US
    billed = _amount(record, "usage")
    if billed is None:
        raise BadRecord("bad-amount", "Usage is missing", expected='a decimal such as "1.50"')
    parts = {name: text_of(record, name) for name in ("provider_name", "endpoint_id")}
    group = {"model": shared["model_raw"], **parts}
    return Call(
        **shared,
        call_id=bucket_id(DAILY, shared["account"], bounds, group),
        rank=statement_rank(None, billed),
        source=DAILY,
        flags="cache_unknown",
        grain="day",
        requests=int_field(record, "requests", default=None, most=MAX_BUCKET_TOKENS, text=True),
        start_us=bounds[0],
        end_us=bounds[1],
        uncached_input_tokens=_bucket_count(record, "prompt_tokens"),
        output_tokens=_bucket_count(record, "completion_tokens"),
        thinking_tokens=_bucket_count(record, "reasoning_tokens"),
        billed_nano_usd=billed,
        reported_cost_nano_usd=_amount(record, "byok_usage", "byok_usage_inference") or None,
    )


def _count(record: Mapping[str, Any], name: str) -> tuple[int, bool]:
    """A count in the model's own tokens where the row has it, and whether it had."""
    native = int_field(record, f"native_{name}", default=None, text=True)
    return (tokens_field(record, name, text=True), False) if native is None else (native, True)


def _bucket_count(record: Mapping[str, Any], name: str) -> int:
    return tokens_field(record, name, most=MAX_BUCKET_TOKENS, text=True)


def _amount(record: Mapping[str, Any], *names: str) -> int | None:
    for name in names:
        if record.get(name) not in (None, ""):
            return amount_field(record, name, cents=False)
    return None


def _after(start_us: int, record: Mapping[str, Any], *names: str) -> int | None:
    """The moment so many milliseconds later, where the row says it in whole ones."""
    for name in names:
        try:
            milliseconds = int_field(record, name, default=None, text=True)
        except BadRecord:
            continue
        if milliseconds is not None:
            return start_us + milliseconds * 1000
    return None


def _is_true(record: Mapping[str, Any], name: str) -> bool:
    return str(record.get(name)).lower() in _TRUE


READER: Final = Reader(name=NAME, recognise=recognise, read=read)
