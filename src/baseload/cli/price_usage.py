"""Usage to weigh a price change on: the last 28 complete days of a ledger, or a file of usage by price key."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated

import msgspec

from baseload.errors import NothingToRead, UsageError
from baseload.prices.impact import COUNTS, Usage, usage_of_table
from baseload.prices.rates import PriceKey
from baseload.values import day_of_date, iso_day

Count = Annotated[int, msgspec.Meta(ge=0)]


class UsageWindow(msgspec.Struct, frozen=True, kw_only=True):
    """Usage by price key over `days` days; `start` and `end_exclusive` are "" where the file does not say."""

    rows: list[Usage]
    days: int
    start: str = ""
    end_exclusive: str = ""
    source: str = ""


class _Window(msgspec.Struct, frozen=True):
    days: Annotated[int, msgspec.Meta(ge=1)]
    start: str = ""
    end_exclusive: str = ""


class _Row(msgspec.Struct, frozen=True):
    price_key: str
    uncached_input_tokens: Count = 0
    cache_read_tokens: Count = 0
    cache_write_5m_tokens: Count = 0
    cache_write_1h_tokens: Count = 0
    output_tokens: Count = 0
    web_search_requests: Count = 0
    ttl_unknown: bool = False


class _UsageFile(msgspec.Struct, frozen=True):
    window: _Window
    by_price_key: list[_Row]


def read_usage(path: Path, today: dt.date) -> UsageWindow:
    """The usage at a path. Raises UsageError, or NothingToRead where there is none in the window."""
    if path.is_dir():
        return _of_ledger(path, today)
    try:
        found = msgspec.json.decode(path.read_bytes(), type=_UsageFile)
        rows = [
            Usage(
                price_key=PriceKey.parse(row.price_key).text,
                counts={name: getattr(row, name) for name in COUNTS},
                ttl_unknown=row.ttl_unknown,
            )
            for row in found.by_price_key
        ]
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}; expected a ledger folder or a file of usage") from error
    except (msgspec.DecodeError, ValueError) as error:
        raise UsageError(f"{path}: {error}; expected window and by_price_key (docs/reference/prices.md)") from error
    if not rows:
        raise NothingToRead(f"{path}: no usage by price key in it.")
    window = found.window
    return UsageWindow(
        rows=rows, days=window.days, start=window.start, end_exclusive=window.end_exclusive, source=str(path)
    )


def _of_ledger(path: Path, today: dt.date) -> UsageWindow:
    from baseload.engine.duckdb import DuckDBEngine
    from baseload.ledger.run_rate import RUN_RATE_DAYS, complete_window, last_days
    from baseload.ledger.scope import settle
    from baseload.ledger.spend import spend_table
    from baseload.ledger.store import Ledger
    from baseload.ledger.totals import inside, whole_days
    from baseload.prices.load import load_book

    with Ledger.open(path) as ledger, DuckDBEngine() as engine:
        spend, _, _ = spend_table(ledger, engine, load_book())
    complete = complete_window(*whole_days(spend), day_of_date(today))
    if complete is None:
        raise NothingToRead(f"{path}: no complete day of usage yet, so there is nothing to weigh a price on.")
    window = last_days(complete, RUN_RATE_DAYS)
    return UsageWindow(
        rows=usage_of_table(inside(settle(spend).rows, window)),
        days=window.days,
        start=iso_day(window.start_day),
        end_exclusive=iso_day(window.end_day_exclusive),
        source=str(path),
    )
