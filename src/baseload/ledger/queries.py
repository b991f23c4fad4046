"""Every question asked of a ledger, as SQL text of the portable subset (facts: stack.md 1.5).

Tables: `stored_calls`, `superseded`, `cells` (from `Ledger.attach`) and, where a price id is asked for,
`price_interval` (price_key, from_day, to_day_exclusive, price_id) from the price book. Only integers are summed, in
BIGINT; every row counts once as it stands: multiply by `sampling_rate` to scale.
"""

from __future__ import annotations

from baseload.values import TOKEN_CLASSES

SUMMED = (*TOKEN_CLASSES, "thinking_tokens", "web_search_requests")
MONEY = ("billed_nano_usd", "reported_list_nano_usd", "reported_cost_nano_usd")
DAY_US = 86_400_000_000
FIVE_MINUTES_US = 300_000_000
ONE_HOUR_US = 3_600_000_000


def spend_sql() -> str:
    """Tokens and money by day and everything a price, an owner or a workload depends on.

    `requests` sums known counts and is NULL where none is known (`requests_known` rows of `rows` are); the money sums
    are NULL where no row states them (`billed_rows` of `rows` do). `price_id` is -1 where the book has no price.
    `last_end_us` is the latest end of the rows, NULL where none is known: how far a bucket of many days reaches.
    """
    sums = ", ".join(f"{_total(name)} AS {name}" for name in (*SUMMED, *MONEY))
    columns = ", ".join(
        f"sums.{name}"
        for name in ("requests", "requests_known", "row_count", *SUMMED, *MONEY, "billed_rows", "last_end_us")
    )
    return f"""
WITH calls AS ({_canonical("day", "cell", "end_us", "requests", *SUMMED, *MONEY)}),
sums AS (
  SELECT calls.day, cells.spend_cell, {_total("requests")} AS requests, COUNT(calls.requests) AS requests_known,
    COUNT(*) AS row_count, {sums}, COUNT(calls.billed_nano_usd) AS billed_rows,
    MAX(calls.end_us) AS last_end_us
  FROM calls INNER JOIN cells ON cells.cell = calls.cell
  GROUP BY calls.day, cells.spend_cell
)
SELECT sums.day, cells.signature, cells.price_key, {_price_id()} AS price_id, cells.source, cells.account, cells.grain,
  cells.sampling_rate, cells.ttl_unknown, cells.model, cells.cost_type, cells.token_class, {columns}
FROM sums INNER JOIN cells ON cells.cell = sums.spend_cell
{_price_join("sums.day")}"""


def shape_sql() -> str:
    """What the calls of each signature look like (grain "call" only, unscaled).

    `calls` counts rows; `failures` those refused (status 400 and up, or no request counted); `tool_result_calls` those
    that carry a tool's result or stop to call one; the `out_*` bins count calls by output tokens (at most 20, 21-100,
    101-500, 501-2,000, more). Sums of what a source may not say are NULL where it never does.
    """
    bins = ", ".join(
        f"{_count_if(f'calls.output_tokens > {low} AND calls.output_tokens <= {high}')} AS out_le_{high}"
        for low, high in zip((-1, *_OUTPUT_EDGES), _OUTPUT_EDGES, strict=False)
    )
    outer = ", ".join(f"{_total(name, 'sums')} AS {name}" for name in _SHAPE_SUMS)
    return f"""
WITH calls AS ({_canonical(*_SHAPE_COLUMNS, where="stored_calls.grain = 'call'")}),
sums AS (
  SELECT cells.spend_cell, COUNT(*) AS calls, {_total("stream")} AS stream_calls, COUNT(calls.stream) AS stream_known,
    {_count_if("calls.http_status >= 400 OR calls.requests = 0")} AS failures,
    {_count_if("cells.tool_results = 1 OR calls.stop_reason = 'tool_use'")} AS tool_result_calls,
    {", ".join(f"{_total(name)} AS {name}" for name in TOKEN_CLASSES)},
    {_total("thinking_tokens")} AS thinking_sum, {bins},
    {_count_if(f"calls.output_tokens > {_OUTPUT_EDGES[-1]}")} AS out_gt_{_OUTPUT_EDGES[-1]},
    {_count_if("calls.prompt_tokens > 100000")} AS prompt_gt_100k_calls,
    MAX(calls.prompt_tokens) AS max_prompt_tokens, {_total("messages")} AS messages_sum,
    {_count_if("calls.stop_reason = 'max_tokens'")} AS max_tokens_stops,
    MIN(calls.start_us) AS first_start_us, MAX(calls.start_us) AS last_start_us
  FROM calls INNER JOIN cells ON cells.cell = calls.cell
  GROUP BY cells.spend_cell
)
SELECT cells.signature, {outer}, MAX(sums.max_prompt_tokens) AS max_prompt_tokens,
  MIN(sums.first_start_us) AS first_start_us, MAX(sums.last_start_us) AS last_start_us
FROM sums INNER JOIN cells ON cells.cell = sums.spend_cell
GROUP BY cells.signature"""


def hours_sql() -> str:
    """Calls by signature and UTC hour of day (grain "call" only, unscaled)."""
    return f"""
WITH calls AS ({_canonical("cell", "hour", where="stored_calls.grain = 'call'")})
SELECT cells.signature, calls.hour, COUNT(*) AS calls
FROM calls INNER JOIN cells ON cells.cell = calls.cell
GROUP BY cells.signature, calls.hour"""


def repeats_sql(within_us: int = DAY_US) -> str:
    """Calls that repeat an identical, answered request made at most `within_us` before, and their tokens.

    Only where a source gives a request hash. The first of each run is not counted, nor is a retry after a failure;
    a request made once a day on purpose lies outside the default of one day.
    """
    answered = "stored_calls.request_key <> 0 AND (stored_calls.http_status IS NULL OR stored_calls.http_status < 400)"
    columns = ("day", "cell", "start_us", "id_key", "request_key", *TOKEN_CLASSES)
    return f"""
WITH calls AS ({_canonical(*columns, where=answered)}),
followed AS (
  SELECT calls.day, calls.cell, calls.start_us, {", ".join(f"calls.{name}" for name in TOKEN_CLASSES)},
    LAG(calls.start_us) OVER (PARTITION BY calls.request_key ORDER BY calls.start_us, calls.id_key) AS previous_us
  FROM calls
),
sums AS (
  SELECT followed.day, cells.spend_cell, COUNT(*) AS calls,
    {", ".join(f"{_total(name, 'followed')} AS {name}" for name in TOKEN_CLASSES)}
  FROM followed INNER JOIN cells ON cells.cell = followed.cell
  WHERE followed.start_us - followed.previous_us <= {int(within_us)}
  GROUP BY followed.day, cells.spend_cell
){_priced_totals("calls", *TOKEN_CLASSES)}"""


def cache_misses_sql() -> str:
    """Prompt tokens a conversation sent again although they could still have been read from its cache.

    A conversation (`thread`) is one session of one account, agent, model, system and tools; its previous call must lie
    within five minutes, or one hour where that call wrote one-hour entries. Of the previous prompt,
    `resent_uncached_tokens` came again as plain input; of its cached part, `rewritten_5m_tokens` and
    `rewritten_1h_tokens` were written again (reads come first in a prompt, then one-hour, then five-minute writes).
    `calls` counts the calls that had such a previous call. Some changed for a reason: these are upper bounds.
    """
    columns = ("day", "cell", "thread", "start_us", "id_key", "prompt_tokens", "cache_read_tokens")
    writes = ("cache_write_1h_tokens", "cache_write_5m_tokens")
    window = "OVER (PARTITION BY calls.thread ORDER BY calls.start_us, calls.id_key)"
    cached = "calls.cache_read_tokens + calls.cache_write_1h_tokens + calls.cache_write_5m_tokens"
    read, hour_end = "linked.read_end", "linked.hour_end"
    return f"""
WITH calls AS ({_canonical(*columns, *writes, where="stored_calls.thread <> 0 AND stored_calls.grain = 'call'")}),
linked AS (
  SELECT calls.day, calls.cell, calls.start_us, calls.prompt_tokens, calls.cache_read_tokens AS read_end,
    calls.cache_read_tokens + calls.cache_write_1h_tokens AS hour_end,
    {cached} AS cached_end,
    LAG(calls.start_us) {window} AS previous_us, LAG(calls.prompt_tokens) {window} AS previous_prompt,
    LAG({cached}) {window} AS previous_cached,
    LAG(calls.cache_write_1h_tokens) {window} AS previous_hour
  FROM calls
),
missed AS (
  SELECT linked.day, linked.cell,
    {_overlap("linked.previous_prompt", "linked.cached_end", "linked.prompt_tokens")} AS resent_uncached_tokens,
    {_overlap("linked.previous_cached", read, hour_end)} AS rewritten_1h_tokens,
    {_overlap("linked.previous_cached", hour_end, "linked.cached_end")} AS rewritten_5m_tokens
  FROM linked
  WHERE linked.start_us - linked.previous_us <= {FIVE_MINUTES_US}
    OR (linked.previous_hour > 0 AND linked.start_us - linked.previous_us <= {ONE_HOUR_US})
),
sums AS (
  SELECT missed.day, cells.spend_cell, COUNT(*) AS calls,
    {", ".join(f"{_total(name, 'missed')} AS {name}" for name in _MISSES)}
  FROM missed INNER JOIN cells ON cells.cell = missed.cell
  GROUP BY missed.day, cells.spend_cell
){_priced_totals("calls", *_MISSES)}"""


_PREFIX_KNOWN = "stored_calls.prefix_blocks <> '' AND stored_calls.grain = 'call'"


def prefixes_sql(from_day: int | None = None) -> str:
    """Calls whose prompt prefix is known, for `map_sorted` with keys ("scope",) and order ("start_us", "id_key").

    `scope` is a hash of what a prompt cache is private to: account, workspace, platform, geo. With `from_day` only the
    calls of that day and later: a stretch of time keeps the gaps between calls, a sample of calls would not.
    """
    known = _PREFIX_KNOWN if from_day is None else f"{_PREFIX_KNOWN} AND stored_calls.day >= {int(from_day)}"
    return f"""
WITH calls AS ({_canonical("cell", "start_us", "id_key", "flags", "prefix_blocks", where=known)})
SELECT cells.cache_scope AS scope, cells.signature, cells.price_key, cells.model, calls.start_us, calls.id_key,
  cells.sampling_rate, calls.flags, calls.prefix_blocks
FROM calls INNER JOIN cells ON cells.cell = calls.cell"""


def prefix_days_sql() -> str:
    """Days with calls whose prompt prefix is known, and how many."""
    return f"""
WITH calls AS ({_canonical("day", where=_PREFIX_KNOWN)})
SELECT calls.day, COUNT(*) AS calls
FROM calls
GROUP BY calls.day"""


_CACHE_TEXTS = ("session_id", "agent", "stop_reason", "flags", "effort", "task_cues", "prefix_blocks")
_CACHE_COUNTS = ("start_us", "first_token_us", "end_us", "id_key", "prompt_tokens", *TOKEN_CLASSES, "messages")
_CACHE_KNOWN = "stored_calls.grain = 'call' AND stored_calls.requests > 0 AND stored_calls.prompt_tokens > 0"


def cache_calls_sql(from_day: int | None = None) -> str:
    """Every answered call as a prompt cache sees it, unscaled and in no order.

    `scope` is as in `prefixes_sql`. `prefix_blocks` is "" where the source had no request body. With `from_day` only
    the calls of that day and later: whole days keep the gaps between calls (`cache_days_sql` says how many a day has).
    """
    known = _CACHE_KNOWN if from_day is None else f"{_CACHE_KNOWN} AND stored_calls.day >= {int(from_day)}"
    columns = ", ".join(f"calls.{name}" for name in (*_CACHE_COUNTS, *_CACHE_TEXTS))
    return f"""
WITH calls AS ({_canonical("cell", *_CACHE_COUNTS, *_CACHE_TEXTS, where=known)})
SELECT cells.cache_scope AS scope, cells.signature, cells.price_key, cells.model, cells.sampling_rate,
  cells.ttl_unknown, {columns}
FROM calls INNER JOIN cells ON cells.cell = calls.cell"""


def cache_days_sql() -> str:
    """Days with calls of `cache_calls_sql`, and how many."""
    return f"""
WITH calls AS ({_canonical("day", where=_CACHE_KNOWN)})
SELECT calls.day, COUNT(*) AS calls
FROM calls
GROUP BY calls.day"""


def sources_sql() -> str:
    """What the ledger was filled with: rows, known requests and days by source, account and grain."""
    return f"""
WITH calls AS ({_canonical("cell", "day", "requests")}),
sums AS (
  SELECT calls.cell, COUNT(*) AS row_count, {_total("requests")} AS requests, MIN(calls.day) AS first_day,
    MAX(calls.day) AS last_day
  FROM calls
  GROUP BY calls.cell
)
SELECT cells.source, cells.account, cells.grain, {_total("row_count", "sums")} AS row_count,
  {_total("requests", "sums")} AS requests, MIN(sums.first_day) AS first_day, MAX(sums.last_day) AS last_day
FROM sums INNER JOIN cells ON cells.cell = sums.cell
GROUP BY cells.source, cells.account, cells.grain"""


def restatements_sql() -> str:
    """Control totals whose money changed in a later version: by day, source, account and model, first and current.

    The first version is the one of lowest rank (of those, the one that states least); `first_rank` is the least of
    these ranks, for a dated report the moment it was complete through. A version states the bill where
    its source gives one, else the provider's own list price, else 0.
    """
    current = ("call_id", "day", "source", "account", "model", "model_raw", *MONEY[:2])
    return f"""
WITH replaced AS (
  SELECT stored_calls.call_id
  FROM stored_calls INNER JOIN superseded ON superseded.row_id = stored_calls.row_id
  WHERE stored_calls.grain <> 'call'
  GROUP BY stored_calls.call_id
),
stated AS (
  SELECT stored_calls.call_id, stored_calls.rank, {_stated("stored_calls")} AS stated_nano
  FROM stored_calls INNER JOIN replaced ON replaced.call_id = stored_calls.call_id
),
versions AS (
  SELECT stated.call_id, stated.rank, stated.stated_nano,
    ROW_NUMBER() OVER (PARTITION BY stated.call_id ORDER BY stated.rank, stated.stated_nano) AS version
  FROM stated
),
calls AS ({_canonical(*current, where="stored_calls.grain <> 'call'")}),
pairs AS (
  SELECT calls.day, calls.source, calls.account, calls.model, calls.model_raw, versions.rank AS first_rank,
    versions.stated_nano AS first_nano, {_stated("calls")} AS current_nano
  FROM versions INNER JOIN calls ON calls.call_id = versions.call_id
  WHERE versions.version = 1
)
SELECT pairs.day, pairs.source, pairs.account, pairs.model, pairs.model_raw, COUNT(*) AS row_count,
  MIN(pairs.first_rank) AS first_rank, {_total("first_nano", "pairs")} AS first_nano,
  {_total("current_nano", "pairs")} AS current_nano
FROM pairs
WHERE pairs.first_nano <> pairs.current_nano
GROUP BY pairs.day, pairs.source, pairs.account, pairs.model, pairs.model_raw"""


_OUTPUT_EDGES = (20, 100, 500, 2000)
_SHAPE_COLUMNS = (
    "cell", "stream", "http_status", "requests", "stop_reason", *TOKEN_CLASSES, "thinking_tokens", "prompt_tokens",
    "messages", "start_us",
)  # fmt: skip
_SHAPE_SUMS = (
    "calls", "stream_calls", "stream_known", "failures", "tool_result_calls", *TOKEN_CLASSES, "thinking_sum",
    "out_le_20", "out_le_100", "out_le_500", "out_le_2000", "out_gt_2000", "prompt_gt_100k_calls", "messages_sum",
    "max_tokens_stops",
)  # fmt: skip
_MISSES = ("resent_uncached_tokens", "rewritten_5m_tokens", "rewritten_1h_tokens")


def _priced_totals(*columns: str) -> str:
    """The final SELECT over `sums` (day, spend_cell, columns): totals by signature, price and TTL certainty."""
    keys = ", ".join(
        f"priced.{name}" for name in ("signature", "price_key", "price_id", "ttl_unknown", "sampling_rate")
    )
    return f""", priced AS (
  SELECT cells.signature, cells.price_key, {_price_id()} AS price_id, cells.ttl_unknown, cells.sampling_rate,
    {", ".join(f"sums.{name}" for name in columns)}
  FROM sums INNER JOIN cells ON cells.cell = sums.spend_cell
  {_price_join("sums.day")}
)
SELECT {keys}, {", ".join(f"{_total(name, 'priced')} AS {name}" for name in columns)}
FROM priced
GROUP BY {keys}"""


def _canonical(*columns: str, where: str = "") -> str:
    """SELECT of the stored rows that no better copy has replaced."""
    listed = ", ".join(f"stored_calls.{name}" for name in columns)
    condition = f" AND {where}" if where else ""
    return (
        f"SELECT {listed} FROM stored_calls LEFT JOIN superseded ON superseded.row_id = stored_calls.row_id "
        f"WHERE superseded.row_id IS NULL{condition}"
    )


def _count_if(condition: str) -> str:
    return f"COUNT(CASE WHEN {condition} THEN 1 END)"


def _overlap(end: str, low: str, high: str) -> str:
    """Length of what [0, end) and [low, high) share."""
    top = f"CASE WHEN {end} < {high} THEN {end} ELSE {high} END"
    return f"CASE WHEN {top} > {low} THEN {top} - {low} ELSE 0 END"


def _stated(table: str) -> str:
    """The bill where a row states one, else the provider's list price; 0 where it states neither."""
    billed, listed = f"{table}.{MONEY[0]}", f"{table}.{MONEY[1]}"
    return f"CASE WHEN {billed} IS NULL THEN CASE WHEN {listed} IS NULL THEN 0 ELSE {listed} END ELSE {billed} END"


def _total(column: str, table: str = "calls") -> str:
    return f"CAST(SUM({table}.{column}) AS BIGINT)"


def _price_join(day: str) -> str:
    return (
        "LEFT JOIN price_interval ON price_interval.price_key = cells.price_key "
        f"AND {day} >= price_interval.from_day AND {day} < price_interval.to_day_exclusive"
    )


def _price_id() -> str:
    return "CASE WHEN price_interval.price_id IS NULL THEN -1 ELSE price_interval.price_id END"
