"""Which report speaks for which day: of several that cover the same money one is chosen, and none is ever added.

Order of precedence (docs/decisions/aggregates-are-control-totals.md). For *tokens*, per account and day: reports that
say every price dimension before those that do not; then Usage and Cost Analytics API, legacy Admin API, Console CSV,
anything else; then buckets of a day, an hour, a minute. For *money*: Analytics (fractions of a cent, with list price),
Admin cost report, cloud bills and FOCUS, Console CSV (rounded to the cent). Tokens of a month or a range enclose the
daily reports inside it and never cut them; money of a month or a range counts only where no daily report lies in it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from baseload.ledger.attribution import Ints, codes_of
from baseload.ledger.frame import Frame, ints, known
from baseload.values import TOKEN_CLASSES, Problem, Table, date_of_day, day_of_date, iso_day

PARTIAL = frozenset({"admin_api/claude_code"})
"""Reports of one product only: they name people inside a total and are never the total."""
LONG_GRAINS = frozenset({"month", "range"})

_TOKEN_READERS = {"analytics_api": 0, "admin_api": 1, "console_csv": 2}
_MONEY_READERS = {"analytics_api": 0, "admin_api": 1, "console_csv": 3}
_OTHER_TOKENS, _OTHER_MONEY = 3, 2
_GRAINS = ("day", "hour", "minute", "month", "range")
_PRICE_DIMENSIONS = frozenset({"tier", "context", "speed"})

Flags: TypeAlias = NDArray[np.bool_]


class Span(NamedTuple):
    """Days that one report of a month or a range covers."""

    owner: int
    start_day: int
    end_day_exclusive: int


class Roles(NamedTuple):
    """What each aggregate row is for; all False means that another report speaks for its days."""

    control: Flags  # tokens of the daily control total
    owners: Flags  # tokens of a second daily report that names workspaces, keys or products
    partial: Flags  # tokens of one product
    period: Flags  # tokens of a month or range
    money: Flags  # billed and reported list dollars
    money_is_control: Flags  # money that is also the list total, because no report says tokens
    token_spans: tuple[Span, ...]  # of `period`
    money_spans: tuple[Span, ...]  # of long `money`
    problems: list[Problem]


class View(NamedTuple):
    """What a source name says of a report: see `usage.buckets.statement_source`."""

    reader: str
    dimensions: frozenset[str] | None  # None = every price dimension

    @property
    def has_model(self) -> bool:
        return self.dimensions is None or "model" in self.dimensions

    @property
    def price_dimensions(self) -> int:
        return 3 if self.dimensions is None else len(self.dimensions & _PRICE_DIMENSIONS)


def view_of(source: str) -> View:
    reader, _, text = source.partition("/")
    if not text or source in PARTIAL or text == "enterprise_spend":
        return View(reader, None)
    return View(reader, frozenset(text.split("+")))


def token_order(source: str, grain: str) -> tuple[int, int, int, int]:
    """Sort key of a report that says tokens; smaller speaks first."""
    view = view_of(source)
    return (
        0 if view.has_model else 1,
        -view.price_dimensions,
        _TOKEN_READERS.get(view.reader, _OTHER_TOKENS),
        _GRAINS.index(grain) if grain in _GRAINS else len(_GRAINS),
    )


def money_order(source: str, grain: str) -> tuple[int, int, int]:
    """Sort key of a report that says money; smaller speaks first."""
    view = view_of(source)
    place = _GRAINS.index(grain) if grain in _GRAINS else len(_GRAINS)
    return _MONEY_READERS.get(view.reader, _OTHER_MONEY), -view.price_dimensions, place


def choose(spend: Table, frame: Frame) -> Roles:
    """The role of every row. Calls have none."""
    aggregate = ~frame.grain.where({"call"})
    tokens = says_tokens(spend, frame) & aggregate
    money = (known(spend, "billed_nano_usd") | known(spend, "reported_list_nano_usd")) & aggregate
    partial = tokens & frame.source.where(PARTIAL)
    long = frame.grain.where(LONG_GRAINS) & aggregate
    by_tokens, by_money = _Order(frame, token_order), _Order(frame, money_order)
    daily = tokens & ~partial & ~long
    modelled = by_tokens.flag(lambda source: view_of(source).has_model)
    control = _first(frame, daily & (modelled | ~_days_with(frame, ~aggregate)), by_tokens.rank)
    naming = by_tokens.any(frame.named & daily, frame)
    owners = _first(frame, daily & modelled & naming & ~control, by_tokens.rank)
    owners &= ~_days_with(frame, control & naming)
    ends = _ends(spend, frame, long)
    period, token_spans, problems = _long(frame, tokens & long, by_tokens.rank, ends)
    daily_money = _first(frame, money & ~partial & ~long, by_money.rank)
    long_money, money_spans, more = _long(frame, money & long, by_money.rank, ends, apart_from=daily_money)
    covered = _days_with(frame, control) | _inside(frame, token_spans)
    untold = [span for span in money_spans if not _overlaps(frame, span, control, token_spans)]
    return Roles(
        control=control,
        owners=owners,
        partial=partial,
        period=period,
        money=daily_money | long_money,
        money_is_control=(daily_money & ~covered) | (long_money & _inside(frame, untold)),
        token_spans=token_spans,
        money_spans=money_spans,
        problems=problems + more,
    )


def says_tokens(spend: Table, frame: Frame) -> Flags:
    """Rows about tokens: usage rows, and cost rows of a cloud bill that count them too."""
    counted = np.zeros(frame.size, dtype=bool)
    for name in TOKEN_CLASSES:
        counted |= ints(spend, name) > 0
    return counted | frame.cost_type.where({""})


class _Order:
    """The precedence of each row's report."""

    def __init__(self, frame: Frame, key: Callable[[str, str], tuple[int, ...]]) -> None:
        grains = len(frame.grain.values)
        found, inverse = np.unique(frame.source.codes * grains + frame.grain.codes, return_inverse=True)
        self._codes = inverse.astype(np.int64)
        self._names = [
            (frame.source.values[int(code) // grains], frame.grain.values[int(code) % grains]) for code in found
        ]
        order = sorted(self._names, key=lambda name: (key(*name), name))
        self.rank = self._of_rows([order.index(name) for name in self._names])

    def flag(self, holds: Callable[[str], bool]) -> Flags:
        """Rows of the reports whose source name passes."""
        return self._of_rows([holds(source) for source, _ in self._names]).astype(bool)

    def any(self, rows: Flags, frame: Frame) -> Flags:
        """Rows of the reports that have at least one of `rows` for the same account."""
        codes = self._codes * max(len(frame.owners), 1) + frame.owner
        found = np.zeros(int(codes.max(initial=0)) + 1, dtype=bool)
        found[codes[rows]] = True
        of_report: Flags = found[codes]
        return of_report

    def _of_rows(self, values: Sequence[int | bool]) -> Ints:
        column: Ints = np.array(values or [0], dtype=np.int64)[self._codes]
        return column


def _first(frame: Frame, rows: Flags, rank: Ints) -> Flags:
    """Of `rows` those of the report that speaks first on their account and day."""
    best = np.full(frame.account_days, np.iinfo(np.int64).max)
    np.minimum.at(best, frame.account_day[rows], rank[rows])
    first: Flags = rows & (rank == best[frame.account_day])
    return first


def _days_with(frame: Frame, rows: Flags) -> Flags:
    """Every row on an account's day that has one of `rows`."""
    present = np.zeros(frame.account_days, dtype=bool)
    present[frame.account_day[rows]] = True
    days: Flags = present[frame.account_day]
    return days


# reports of a month or a range


def _ends(spend: Table, frame: Frame, long: Flags) -> Ints:
    """The exclusive last day of each long row: as the spend table says (`end_day_exclusive`), else its month's end.

    A range whose end nobody says is read as ending with its first day, so that it can hide no other.
    """
    ends = frame.day + 1
    months = long & frame.grain.where({"month"})
    for day in np.unique(frame.day[months]).tolist():
        ends[months & (frame.day == day)] = month_end(day)
    return np.maximum(ends, np.where(long, ints(spend, "end_day_exclusive"), 0))


def month_end(day: int) -> int:
    """The first day after the month that `day` lies in."""
    date = date_of_day(day)
    return day_of_date(date.replace(year=date.year + date.month // 12, month=date.month % 12 + 1, day=1))


def _long(
    frame: Frame, rows: Flags, rank: Ints, ends: Ints, apart_from: Flags | None = None
) -> tuple[Flags, tuple[Span, ...], list[Problem]]:
    """Of long `rows` those whose span overlaps none that speaks before it, nor a day of `apart_from`."""
    kept = np.zeros(frame.size, dtype=bool)
    spans: list[Span] = []
    problems: list[Problem] = []
    places = np.flatnonzero(rows)
    groups, count = codes_of([frame.owner[places], rank[places], frame.day[places], ends[places]])
    heads = [places[np.flatnonzero(groups == group)] for group in range(count)]
    for members in sorted(heads, key=lambda found: (int(rank[found[0]]), int(frame.day[found[0]]))):
        row = int(members[0])
        span = Span(int(frame.owner[row]), int(frame.day[row]), int(ends[row]))
        if _overlaps(frame, span, np.zeros(0, dtype=bool) if apart_from is None else apart_from, spans):
            problems.append(_left_out(frame, row, span))
        else:
            kept[members] = True
            spans.append(span)
    return kept, tuple(spans), problems


def _overlaps(frame: Frame, span: Span, rows: Flags, spans: Sequence[Span]) -> bool:
    """True when a row of `rows`, or another span, lies in the span's days."""
    if any(
        other.owner == span.owner
        and other.start_day < span.end_day_exclusive
        and span.start_day < other.end_day_exclusive
        for other in spans
    ):
        return True
    return bool(len(rows)) and bool((rows & _inside(frame, [span])).any())


def _inside(frame: Frame, spans: Sequence[Span]) -> Flags:
    """Rows whose account and day lie in one of the spans."""
    found = np.zeros(frame.size, dtype=bool)
    for span in spans:
        within = (frame.day >= span.start_day) & (frame.day < span.end_day_exclusive)
        found |= within & (frame.owner == span.owner)
    return found


def _left_out(frame: Frame, row: int, span: Span) -> Problem:
    source = frame.source.values[int(frame.source.codes[row])]
    return Problem(
        source=source,
        file="",
        row=0,
        code="period-left-out",
        message="A report of a whole period overlaps another report of the same days; it is not counted twice",
        value=f"{iso_day(span.start_day)} to {iso_day(span.end_day_exclusive)}",
        expected="one report for each day",
        next_step="Export the days that the other report does not cover, or leave that one out.",
    )
