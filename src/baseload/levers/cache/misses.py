"""Misses as billed: prompt tokens that came again and were not read, why, and what that cost.

A call is compared with the one its tokens were last sent by: its predecessor in the session, else the latest call that
shares its largest block. What both have in common *from the start* could have been read as it stands; what they have
in common behind a difference could not, and the first difference is the reason. A miss costs what was paid for those
tokens less what reading them would have cost, at the list price of the call's day.

Calls without a request body are compared by token counts alone, which tell a change of model, a gap, a shrunken
conversation and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
import numpy as np

from baseload.levers.cache.follower import Follower, MissReason, Why, detail_of
from baseload.levers.cache.prompts import requests_of
from baseload.prices.book import PriceBook, PriceKey, Rates
from baseload.usage.exchange_rows import MISS_FLAG
from baseload.values import DAY_US, Problem, Table

REASON_OF_DIAGNOSTICS: Final[Mapping[str, MissReason]] = {
    "model_changed": "model_switched",
    "tools_changed": "tools_changed",
    "system_changed": "system_changed",
    "messages_changed": "messages_changed",
}
"""The API's own `cache_miss_reason` (anthropic-facts section 3), which wins where a source logged it."""

_NANO_PER_TOKEN: Final = 1000  # one USD per million tokens


class MissRow(msgspec.Struct, frozen=True, kw_only=True):
    """One reason: calls it hit, tokens that came again unread, and what that cost in nano-dollars.

    All three are scaled by the sampling rate. `detail` says more where more is known: "date in system block 1",
    "tool choice", "5m expired, 1h would live". `logged` calls had the reason from the API itself.
    """

    reason: MissReason
    detail: str
    calls: int
    tokens: int
    nano_usd: int
    logged: int = 0


def explain_misses(rows: Table, book: PriceBook, day: int) -> tuple[list[MissRow], list[Problem]]:
    """The misses of one workload's `cache_calls_sql` rows by reason, dearest first.

    Calls in batches are left out: their reads are best effort. A call whose day has no price is priced at `day`.
    """
    requests = requests_of(rows)
    order = np.lexsort((rows["id_key"], rows["start_us"]))
    keys = [PriceKey.parse(text) for text in rows["price_key"][order].tolist()]
    flags = rows["flags"][order].tolist()
    totals: dict[Why, list[int]] = {}
    prices = _Prices(book, day)
    for place, misses in Follower(requests, keys, book).misses():
        rates = prices.rates(keys[place], int(requests.start_us[place]) // DAY_US)
        if rates is None:
            continue
        logged = _logged(flags[place])
        rate = int(requests.rate[place])
        billed = requests.billed[place].tolist()
        for miss in misses:
            nano = _cost(billed, miss.low, miss.high, rates)
            why = Why(logged) if logged and logged != miss.why.reason else miss.why
            total = totals.setdefault(why, [0, 0, 0, 0])
            for at, amount in enumerate((rate, rate * (miss.high - miss.low), rate * nano, rate * bool(logged))):
                total[at] += amount
    found = [
        MissRow(reason=why.reason, detail=detail_of(why), calls=calls, tokens=tokens, nano_usd=nano, logged=logged)
        for why, (calls, tokens, nano, logged) in _merged(totals).items()
        if nano > 0
    ]
    return sorted(found, key=lambda row: (-row.nano_usd, row.reason, row.detail)), []


def _merged(totals: Mapping[Why, Sequence[int]]) -> dict[Why, list[int]]:
    """One row for each system block that changes, named by what changes in it most: a date changes once a day."""
    largest: dict[tuple[MissReason, int], Why] = {}
    for why in sorted(totals, key=lambda why: (-totals[why][2], why)):
        if why.block:
            largest.setdefault((why.reason, why.block), why)
    merged: dict[Why, list[int]] = {}
    for why, total in totals.items():
        row = merged.setdefault(largest.get((why.reason, why.block), why), [0] * len(total))
        for at, amount in enumerate(total):
            row[at] += amount
    return merged


class _Prices:
    """Rates by key and day, looked up once each."""

    def __init__(self, book: PriceBook, day: int) -> None:
        self._book = book
        self._day = day
        self._found: dict[tuple[PriceKey, int], Rates | None] = {}

    def rates(self, key: PriceKey, day: int) -> Rates | None:
        if (key, day) not in self._found:
            answer = self._book.rates(key, day) or self._book.rates(key, self._day)
            self._found[key, day] = answer.low if answer else None
        return self._found[key, day]


def _cost(billed: Sequence[int], low: int, high: int, rates: Rates) -> int:
    """Nano-dollars paid for tokens [low, high) of a prompt, less what reading them costs. Reads come first in a
    prompt, then one-hour writes, five-minute writes and plain input."""
    uncached, read, write_5m, write_1h = billed
    paid, start = -(high - low) * rates.cache_read, 0
    for tokens, rate in (
        (read, rates.cache_read),
        (write_1h, rates.cache_write_1h),
        (write_5m, rates.cache_write_5m),
        (uncached, rates.uncached_input),
    ):
        paid += max(0, min(high, start + tokens) - max(low, start)) * rate
        start += tokens
    return round(paid * _NANO_PER_TOKEN)


def _logged(flags: str) -> MissReason | None:
    """The reason the API gave, if it did."""
    for flag in flags.split(","):
        if flag.startswith(MISS_FLAG):
            return REASON_OF_DIAGNOSTICS.get(flag.removeprefix(MISS_FLAG))
    return None
