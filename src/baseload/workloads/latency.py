"""Does anybody wait for the answer? Interactive, tolerant or unknown, from what calls show (usage-sources section 7).

Not streaming alone proves nothing: a form that waits for a classifier does not stream either. So a workload is only
called tolerant where its arrivals look like a schedule, it is in batch already, or a person says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from baseload.values import Table
from baseload.workloads.shape import Shape

MIN_CALLS = 50
"""Fewer calls than this have no pattern of arrival."""
SCHEDULE_HOURS = 3
SCHEDULE_SHARE = 0.8
"""This share of calls inside this many adjacent hours of the day is a schedule…"""
SCHEDULE_DAYS = 7
"""…when calls were made over this many days: one evening's work is none."""
HUMAN_GAP_SECONDS = (8, 1800)
"""Pause between an answer and the session's next call that looks like a person reading: not a program, not gone."""

INTERACTIVE_WORDS = frozenset(
    ("assistant", "autocomplete", "chat", "chatbot", "copilot", "ide", "inline", "interactive", "live", "realtime",
     "repl", "support", "ui", "voice", "widget")
)  # fmt: skip
TOLERANT_WORDS = frozenset(
    ("archive", "backfill", "batch", "bulk", "cron", "daily", "digest", "etl", "eval", "evals", "evaluation", "hourly",
     "import", "indexing", "ingest", "migration", "monthly", "nightly", "offline", "overnight", "reindex", "scheduled",
     "weekly")
)  # fmt: skip


class Arrivals(msgspec.Struct, frozen=True, kw_only=True):
    """What single calls show beyond the shape: sums over the calls of a workload, zero where nothing is known."""

    calls: int = 0
    batch_calls: int = 0
    first_token_calls: int = 0  # calls whose caller measured the first token: somebody cared
    gaps: int = 0  # pauses inside sessions, measured end to start
    human_gaps: int = 0  # those between HUMAN_GAP_SECONDS

    def __add__(self, other: Arrivals) -> Arrivals:
        return Arrivals(**{name: getattr(self, name) + getattr(other, name) for name in self.__struct_fields__})


class Sign(NamedTuple):
    """One observation: which way it points and how a reader would say it. Strong ones decide alone."""

    latency: str
    strong: bool
    sentence: str


def arrivals_sql() -> str:
    """Per signature: calls, batch_calls, first_token_calls. Tables and subset as in `ledger.queries`; one scan."""
    return f"""
WITH calls AS ({_call_rows("cell", "tier", "first_token_us")}),
sums AS (
  SELECT cells.spend_cell, COUNT(*) AS calls, COUNT(CASE WHEN calls.tier = 'batch' THEN 1 END) AS batch_calls,
    COUNT(calls.first_token_us) AS first_token_calls
  FROM calls INNER JOIN cells ON cells.cell = calls.cell
  GROUP BY cells.spend_cell
){_by_signature("calls", "batch_calls", "first_token_calls")}"""


def pauses_sql() -> str:
    """Per signature: gaps, human_gaps; only calls of a known session. A window over them: the dearer of the two."""
    least, most = (seconds * 1_000_000 for seconds in HUMAN_GAP_SECONDS)
    ended = "CASE WHEN calls.end_us IS NULL THEN calls.start_us ELSE calls.end_us END"
    human = f"spaced.gap_us >= {least} AND spaced.gap_us <= {most}"
    return f"""
WITH calls AS ({_call_rows("cell", "thread", "start_us", "end_us", "id_key")} AND stored_calls.thread <> 0),
spaced AS (
  SELECT calls.cell,
    calls.start_us - LAG({ended}) OVER (PARTITION BY calls.thread ORDER BY calls.start_us, calls.id_key) AS gap_us
  FROM calls
),
sums AS (
  SELECT cells.spend_cell, COUNT(spaced.gap_us) AS gaps, COUNT(CASE WHEN {human} THEN 1 END) AS human_gaps
  FROM spaced INNER JOIN cells ON cells.cell = spaced.cell
  GROUP BY cells.spend_cell
){_by_signature("gaps", "human_gaps")}"""


def _by_signature(*columns: str) -> str:
    """The final SELECT over `sums` (spend_cell, columns): totals by signature."""
    totals = ", ".join(f"CAST(SUM(sums.{name}) AS BIGINT) AS {name}" for name in columns)
    return f"""
SELECT cells.signature, {totals}
FROM sums INNER JOIN cells ON cells.cell = sums.spend_cell
GROUP BY cells.signature"""


def _call_rows(*columns: str) -> str:
    """SELECT of the stored calls that no better copy has replaced, open for further conditions."""
    listed = ", ".join(f"stored_calls.{name}" for name in columns)
    return (
        f"SELECT {listed} FROM stored_calls LEFT JOIN superseded ON superseded.row_id = stored_calls.row_id "
        "WHERE superseded.row_id IS NULL AND stored_calls.grain = 'call'"
    )


def arrivals_by_signature(*tables: Table | None) -> dict[str, Arrivals]:
    """Signature -> its arrivals, from rows of `arrivals_sql` and `pauses_sql`, either of which may be None."""
    found: dict[str, Arrivals] = {}
    for table in tables:
        if table is None:
            continue
        names = [name for name in Arrivals.__struct_fields__ if name in table]
        columns = (table[name].tolist() for name in ("signature", *names))
        for signature, *values in zip(*columns, strict=True):
            counts = {name: int(value or 0) for name, value in zip(names, values, strict=True)}
            found[signature] = found.get(signature, Arrivals()) + Arrivals(**counts)
    return found


def judge(
    shape: Shape,
    hours: Counter[int],
    arrivals: Arrivals,
    *,
    span_days: float = 0.0,
    is_coding_agent: bool = False,
    names: Iterable[str] = (),
) -> tuple[str, str]:
    """(latency, evidence in one sentence).

    A strong sign decides unless a strong sign points the other way; weak signs decide together, two of them and none
    against. Everything else is "unknown", with what was seen. `span_days` lie between its first and its last call.
    """
    signs = [
        *_of_caller(is_coding_agent),
        *_of_arrivals(arrivals),
        *_of_hours(hours, span_days),
        *_of_stream(shape),
        *_of_names(names),
    ]
    for latency, other in (("interactive", "tolerant"), ("tolerant", "interactive")):
        strong = any(sign.strong for sign in signs if sign.latency == latency)
        against = [sign for sign in signs if sign.latency == other]
        weak = sum(sign.latency == latency for sign in signs) >= 2
        if (strong and not any(sign.strong for sign in against)) or (weak and not against):
            said = _said(sign for sign in signs if sign.latency == latency)
            return latency, f"{said[:1].upper()}{said[1:]}."
    if not signs:
        return "unknown", "Nothing shows whether anybody waits." if shape.calls else "Only billing rows: no call seen."
    return "unknown", f"Not enough to tell: {_said(signs)}."


def _of_caller(is_coding_agent: bool) -> list[Sign]:
    if is_coding_agent:
        return [Sign("interactive", True, "a person works with it in a terminal")]
    return []


def _of_arrivals(arrivals: Arrivals) -> list[Sign]:
    signs = []
    if arrivals.calls and arrivals.batch_calls >= arrivals.calls / 2:
        share = arrivals.batch_calls / arrivals.calls
        signs.append(Sign("tolerant", True, f"{share:.0%} of its calls are in batches already"))
    if arrivals.gaps >= MIN_CALLS and arrivals.human_gaps >= arrivals.gaps / 3:
        share = arrivals.human_gaps / arrivals.gaps
        signs.append(Sign("interactive", True, f"{share:.0%} of its pauses are as long as a person reads"))
    if arrivals.calls >= MIN_CALLS and arrivals.first_token_calls >= arrivals.calls / 2:
        signs.append(Sign("interactive", False, "its caller measures the time to the first token"))
    return signs


def _of_hours(hours: Counter[int], span_days: float) -> list[Sign]:
    total = sum(hours.values())
    if total < MIN_CALLS or span_days < SCHEDULE_DAYS:
        return []
    inside, first = max((sum(hours[(hour + step) % 24] for step in range(SCHEDULE_HOURS)), -hour) for hour in range(24))
    if inside < SCHEDULE_SHARE * total:
        return []
    start, end = -first, (-first + SCHEDULE_HOURS) % 24
    return [
        Sign("tolerant", True, f"{inside / total:.0%} of its calls start between {start:02}:00 and {end:02}:00 UTC")
    ]


def _of_stream(shape: Shape) -> list[Sign]:
    share = shape.stream_share
    if share is None or shape.stream_known < MIN_CALLS:
        return []
    if share >= 0.8:
        return [Sign("interactive", True, f"{share:.0%} of its calls stream")]
    if share <= 0.05:
        return [Sign("tolerant", False, f"{1 - share:.0%} of its calls do not stream")]
    return []


def _of_names(names: Iterable[str]) -> list[Sign]:
    words = {word for name in names for word in _words(name)}
    signs = []
    for latency, known in (("interactive", INTERACTIVE_WORDS), ("tolerant", TOLERANT_WORDS)):
        said = sorted(words & known)
        if said:
            signs.append(Sign(latency, False, f'its name says "{said[0]}"'))
    return signs


def _words(name: str) -> list[str]:
    return "".join(char if char.isalpha() else " " for char in name.casefold()).split()


def _said(signs: Iterable[Sign]) -> str:
    return "; ".join(sign.sentence for sign in sorted(signs, key=lambda sign: not sign.strong))
