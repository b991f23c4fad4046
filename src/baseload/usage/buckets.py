"""What the aggregate sources share: one bucket of a report is one row, and its newer statement replaces the older.

**Statement.** All rows of one report that were grouped in the same way. Two statements of the same days count the
same money twice, so the way of grouping is part of the row's source: `analytics_api` alone is the grouping that
prices exactly (`RATES`), any other is named after it, `analytics_api/model+workspace`. `ledger.scope` chooses
between statements and never adds them.

**Null dimensions.** A report gives every ungrouped dimension as null in every row. A dimension that is null in every
row of a file is therefore "not grouped" and becomes ""; a null beside other values is a group of its own and gets a
word: `NO_KEY`, `CONSOLE_KEY`, `DEFAULT_WORKSPACE`, `NO_WORKSPACE`. Pages that `baseload pull` wrote say what they were
grouped by, so that one page is never judged alone.

**Identity.** `call_id` is the hash of source, account, grain, bucket bounds and every group value: the same bucket
pulled again has the same id. **Rank** lets the newer statement win: the moment the data was complete through, in
microseconds, where the report says so; else the size of the bucket, which is always smaller (buckets only grow).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import msgspec

from baseload.usage.normal import BadRecord, call_id, decode_json, object_of, short_value, text_of, time_field
from baseload.values import DAY_US, HOUR_US, Problem, date_of_day, nano_from_cents, nano_from_usd

RATES: Final = frozenset({"model", "service_tier", "context_window", "speed", "inference_geo"})
"""The grouping that determines a price (anthropic-facts section 9): its statement carries the plain source name."""
COST_PARTS: Final = frozenset({"cost_type", "token_type"})

DEFAULT_WORKSPACE: Final = "default"
NO_WORKSPACE: Final = "no-workspace"
CONSOLE_KEY: Final = "console"
NO_KEY: Final = "no-key"

MAX_AMOUNT_USD: Final = 1_000_000_000
"""More than this in one row is a fault: sums of many rows must fit 64 bits of nano-dollars."""
_FIRST_MOMENT: Final = 10**15  # microseconds of September 2001: every real moment is later, every size is cut to less
_MINUTE_US: Final = HOUR_US // 60
_THOUSANDS: Final = re.compile(r"-?\d{1,3}(,\d{3})+(\.\d*)?")

_SHORT: Final = {
    "service_tier": "tier",
    "context_window": "context",
    "inference_geo": "geo",
    "workspace_id": "workspace",
    "api_key_id": "key",
    "service_account_id": "service_account",
    "account_id": "user",
    "organization_id": "organization",
}


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """One response page of a report, with the number of data elements before it in the file."""

    before: int
    data: tuple[Any, ...]
    has_more: bool
    refreshed_us: int | None
    pull: PullMark | None


class PullMark(msgspec.Struct, frozen=True, kw_only=True):
    """What `baseload pull` writes beside the server's page under the key `baseload_pull`. See docs/how-to/pull.md."""

    endpoint: str = ""
    group_by: tuple[str, ...] = ()
    organization_id: str = ""
    retrieved_at: str = ""
    next_file: str = ""


def pages_of(data: bytes) -> Iterator[Page]:
    """Pages of a saved report: one page, a JSON list of pages, or one page a line. Raises BadRecord."""
    before = 0
    for value in _documents(data):
        page = _page(object_of(value, "the page"), before)
        before += len(page.data)
        yield page


def _documents(data: bytes) -> Iterable[Any]:
    try:
        whole = decode_json(data)
    except BadRecord:
        lines = [line for line in data.splitlines() if line.strip()]
        if len(lines) < 2:
            raise
        return [decode_json(line) for line in lines]
    return whole if isinstance(whole, list) else [whole]


def _page(page: Mapping[str, Any], before: int) -> Page:
    data = page.get("data")
    if not isinstance(data, list):
        raise BadRecord("not-a-report-page", "The page has no list `data`", expected='{"data": […], "has_more": …}')
    pull = _mark_of(page.get("baseload_pull"))
    moment = page.get("data_refreshed_at") or (pull.retrieved_at if pull else "")
    return Page(
        before=before,
        data=tuple(data),
        has_more=page.get("has_more") is True,
        refreshed_us=time_field(moment, "data_refreshed_at")[0] if moment else None,
        pull=pull,
    )


def _mark_of(mark: object) -> PullMark | None:
    if mark is None:
        return None
    try:
        return msgspec.convert(mark, PullMark)
    except msgspec.ValidationError as error:
        raise BadRecord("bad-pull-mark", "The page's `baseload_pull` is damaged", value=error) from None


def missing_pages(source: str, file: str, pages: list[Page], siblings: list[str]) -> Iterator[Problem]:
    """One problem when the last page says more follow and they are not there: its totals are then too low."""
    last = pages[-1] if pages else None
    if last is None or not last.has_more or (last.pull and last.pull.next_file in siblings):
        return
    yield Problem(
        source=source,
        file=file,
        row=0,
        code="pages-missing",
        message="The report says that more pages follow; its totals are too low",
        value="has_more: true",
        expected="the last page to say has_more: false",
        next_step="Save every page, or let `baseload pull anthropic` fetch them.",
    )


# grouping


def grouped_by(groups: Iterable[Mapping[str, Any]], dimensions: Iterable[str]) -> frozenset[str]:
    """Dimensions that some row gives a value: the others were not grouped by (or had one null group only)."""
    seen: set[str] = set()
    wanted = tuple(dimensions)
    for group in groups:
        seen.update(name for name in wanted if group.get(name) is not None)
    return frozenset(seen)


def statement_source(reader: str, grouped: frozenset[str]) -> str:
    """The source of rows grouped like this.

    >>> statement_source("analytics_api", RATES | {"cost_type", "token_type"})
    'analytics_api'
    >>> statement_source("analytics_api", frozenset({"workspace_id", "model"}))
    'analytics_api/model+workspace'

    The geo never names a statement: it is null on every row of models that have none, so that one page of a report
    would look ungrouped and the next grouped.
    """
    named = grouped - {"inference_geo"}
    if named - COST_PARTS == RATES - {"inference_geo"} and named & COST_PARTS in (frozenset(), COST_PARTS):
        return reader
    return f"{reader}/{'+'.join(sorted(_SHORT.get(name, name) for name in named)) or 'total'}"


def unknown_flags(grouped: frozenset[str]) -> tuple[str, ...]:
    """Flags that say which price dimension the statement cannot see (it is then read as the standard one)."""
    named = {"service_tier": "tier_unknown", "speed": "speed_unknown", "inference_geo": "geo_unknown"}
    return tuple(flag for name, flag in named.items() if name not in grouped)


# one bucket


def grain_of(start_us: int, end_us: int) -> str:
    """minute | hour | day | month (a whole calendar month) | range. Raises BadRecord on an empty or reversed bucket."""
    length = end_us - start_us
    if length <= 0:
        raise BadRecord(
            "bad-time", "The bucket ends before it starts", value=length, expected="ending_at > starting_at"
        )
    named = {_MINUTE_US: "minute", HOUR_US: "hour", DAY_US: "day"}
    if length in named:
        return named[length]
    first, last = date_of_day(start_us // DAY_US), date_of_day(end_us // DAY_US)
    whole_days = start_us % DAY_US == 0 and end_us % DAY_US == 0
    whole_month = first.day == 1 and last.day == 1 and length <= 31 * DAY_US
    return "month" if whole_days and whole_month else "range"


def bucket_bounds(record: Mapping[str, Any]) -> tuple[int, int]:
    """Start (inclusive) and end (exclusive) of a report's bucket in UTC microseconds."""
    return time_field(record.get("starting_at"), "starting_at")[0], time_field(record.get("ending_at"), "ending_at")[0]


def bucket_id(
    source: str, account: str, bounds: tuple[int, int], group: Mapping[str, object], *, occurrence: int = 0
) -> str:
    """The identity of one bucket; `occurrence` tells rows apart that a source gives no other difference."""
    named = sorted((name, str(value)) for name, value in group.items() if value not in (None, ""))
    content = msgspec.json.encode([account, bounds, named, occurrence])
    return call_id(source=source, content=content)


def statement_rank(refreshed_us: int | None, size: int) -> int:
    """Of two statements of one bucket the higher rank is the row: the later one, or the larger where none is dated.

    `size` is total tokens, or the amount in nano-dollars; a dated statement always beats an undated one.
    """
    if refreshed_us is not None and refreshed_us >= _FIRST_MOMENT:
        return refreshed_us
    return min(abs(size), _FIRST_MOMENT - 1)


def rank_moment(rank: int) -> int | None:
    """The moment (UTC microseconds) a rank stands for; None when it is a size."""
    return rank if rank >= _FIRST_MOMENT else None


# money


def amount_field(record: Mapping[str, Any], field: str, *, cents: bool) -> int | None:
    """Nano-dollars of a decimal text or number; None when absent, null or empty. Raises BadRecord."""
    value = record.get(field)
    if value is None or value == "":
        return None
    number = _decimal(value, field)
    if not number.is_finite() or abs(number) > MAX_AMOUNT_USD * (100 if cents else 1):
        raise BadRecord("bad-amount", f"{field} is not a usable amount", value=value, expected="a finite amount")
    return nano_from_cents(number) if cents else nano_from_usd(number)


def _decimal(value: object, field: str) -> Decimal:
    text = repr(value) if isinstance(value, float) else str(value)  # a float's shortest text is what JSON said
    text = text.strip().removeprefix("$")
    if _THOUSANDS.fullmatch(text):  # never a decimal comma: "0,13" is refused
        text = text.replace(",", "")
    if not isinstance(value, bool | list | dict):
        try:
            return Decimal(text)
        except InvalidOperation:
            pass
    raise BadRecord("bad-amount", f"{field} is not an amount", value=short_value(value), expected='such as "123.45"')


def require_usd(record: Mapping[str, Any], field: str = "currency") -> None:
    """Refuse an amount in another currency: currencies are never summed (usage-sources section 1.3)."""
    currency = text_of(record, field, "USD").upper()
    if currency not in ("USD", ""):
        raise BadRecord(
            "currency-not-usd",
            "The amount is not in US dollars and is left out of every total",
            value=currency,
            expected="USD",
            next_step="Convert it and enter it as an [[invoice]] in baseload.toml.",
        )
