"""The Claude Enterprise spend export: one row per user, product and model for a whole range (anthropic-facts 6.5).

The rows carry no dates: the range is taken from the file's name. Prompt tokens are not split into cached and
uncached, so they cannot be priced and are not used: a row counts with its requests, its net spend (billed) and its
gross spend (list price).
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Final

from baseload.usage.buckets import amount_field, bucket_id, grain_of, statement_rank
from baseload.usage.normal import MAX_BUCKET_TOKENS, BadRecord, int_field
from baseload.usage.reader import ReadContext, Record
from baseload.values import DAY_US, Call, day_of_date

VIEW: Final = "enterprise_spend"
_DATE = re.compile(r"(20\d\d)-(\d\d)-(\d\d)")
_MONTH = re.compile(r"(20\d\d)-(\d\d)(?!\d|-\d)")


def recognise(columns: frozenset[str], _name: str) -> int:
    return 2 if {"total_net_spend_usd", "model"} <= columns else 0


def is_spend_row(row: Mapping[str, str]) -> bool:
    return "total_net_spend_usd" in row


def read_row(reader: str, file: str, number: int, row: Mapping[str, str], context: ReadContext) -> Iterator[Record]:
    """The row's Call, of grain "month" or "range"; a problem where the file's name gives no range."""
    try:
        yield _call(f"{reader}/{VIEW}", file, number, row, context)
    except BadRecord as bad:
        yield bad.problem(reader, file, number)


def _call(source: str, file: str, number: int, row: Mapping[str, str], context: ReadContext) -> Call:
    bounds = range_of_name(PurePath(file).name)
    billed = amount_field(row, "total_net_spend_usd", cents=False)
    if billed is None:
        raise BadRecord("bad-amount", "total_net_spend_usd is missing", expected='dollars such as "1.50"')
    person = (row.get("user_email") or row.get("email") or row.get("account_uuid") or "").strip()
    user_id = context.org_key.fingerprint("user", person) if person else ""
    model_raw, product = row.get("model", "").strip(), row.get("product", "").strip()
    group = {"user": user_id, "product": product, "model": model_raw}
    return Call(
        call_id=bucket_id(source, context.account, bounds, group),
        rank=statement_rank(None, billed),
        source=source,
        account=context.account,
        source_file=file,
        source_row=number,
        flags="tokens_unsplit",
        grain=grain_of(*bounds),
        requests=int_field(row, "total_requests", default=None, most=MAX_BUCKET_TOKENS, text=True),
        start_us=bounds[0],
        end_us=bounds[1],
        user_id=user_id,
        agent=product,
        model_raw=model_raw,
        model=context.resolve_model(model_raw) if model_raw else "",
        billed_nano_usd=billed,
        reported_list_nano_usd=amount_field(row, "total_gross_spend_usd", cents=False),
        cost_type="other",
    )


def range_of_name(name: str) -> tuple[int, int]:
    """Start and exclusive end from `…2026-10-01…2026-10-31….csv` (last day included) or `…2026-10….csv`.

    Raises BadRecord `no-period` where the name has neither.
    """
    try:
        days = [dt.date(*map(int, found)) for found in _DATE.findall(name)]
        months = [(int(year), int(month)) for year, month in _MONTH.findall(name)] if not days else []
        if len(days) == 2:
            first, end = days[0], days[1] + dt.timedelta(days=1)
        elif len(months) == 1:
            (year, month) = months[0]
            first, end = dt.date(year, month, 1), dt.date(year + month // 12, month % 12 + 1, 1)
        else:
            raise ValueError
    except ValueError:
        raise BadRecord(
            "no-period",
            "The export carries no dates and its file name does not give them",
            value=name,
            expected="a name with its first and last day, such as spend_2026-10-01_2026-10-31.csv",
            next_step="Rename the file and read it again.",
        ) from None
    return day_of_date(first) * DAY_US, day_of_date(end) * DAY_US
