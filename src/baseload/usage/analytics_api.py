"""Usage and Cost Analytics API, saved: pages of `/v1/organizations/analytics/usage` and `/cost`.

The preferred source of totals: it counts requests, and its `amount` (after discount, before credits) against
`list_amount` is the realised discount (anthropic-facts sections 0.8 and 6.1). Priority-tier usage costs 0 in `/cost`.

Here a null workspace of a grouped report is Claude Enterprise usage (`no-workspace`: the default workspace has an id)
and a null key is usage that no key authenticated (`no-key`). Groups of `rbac_group_id` overlap, so a file grouped by
it has no sum and is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from baseload.usage.buckets import Page, bucket_bounds, grouped_by, missing_pages, pages_of
from baseload.usage.normal import MAX_BUCKET_TOKENS, BadRecord, int_field, object_of, problem
from baseload.usage.reader import ReadContext, Reader, Record, SourceFile
from baseload.usage.report_rows import DIMENSIONS, Place, Report, cost_call, usage_call
from baseload.values import Call

NAME: Final = "analytics_api"
_EMPTY = re.compile(rb'"data"\s*:\s*\[\s*\]')


def _recognise(head: bytes, _name: str) -> int:
    if b'"results"' in head:
        return 0  # the legacy reports, which also say when they were refreshed
    if b"/organizations/analytics/usage" in head or b"/organizations/analytics/cost" in head:
        return 2
    if b'"group"' in head and b'"starting_at"' in head:
        return 2 if b'"usage"' in head or b'"list_amount"' in head else 0
    return 2 if b'"data_refreshed_at"' in head and _EMPTY.search(head) else 0


def _read(file: SourceFile, context: ReadContext) -> Iterator[Record]:
    try:
        pages = list(pages_of(file.data()))
        report = Report(reader=NAME, file=file.path, grouped=_grouping(pages), context=context)
    except BadRecord as bad:
        yield bad.problem(NAME, file.path, 0)
        return
    if "rbac_group_id" in report.grouped:
        yield _overlapping(file.path)
        return
    for page in pages:
        for row, item in enumerate(page.data, page.before + 1):
            try:
                yield from _row(report, page, row, item)
            except BadRecord as bad:
                yield bad.problem(NAME, file.path, row)
    yield from missing_pages(NAME, file.path, pages, file.siblings(".json"))


def _grouping(pages: list[Page]) -> frozenset[str]:
    """What the rows are grouped by: as the pull recorded it, else the dimensions that some row fills."""
    for page in pages:
        if page.pull and page.pull.group_by:
            return frozenset(page.pull.group_by)
    groups = (item.get("group") for page in pages for item in page.data if isinstance(item, Mapping))
    return grouped_by((group for group in groups if isinstance(group, Mapping)), DIMENSIONS)


def _row(report: Report, page: Page, row: int, item: object) -> Iterator[Record]:
    record = object_of(item, "data[]")
    group = object_of(record.get("group"), "group")
    place = Place(page=page, row=row, bounds=bucket_bounds(record))
    if isinstance(record.get("cost"), Mapping):
        yield cost_call(report, place, group, record["cost"])
        return
    usage = object_of(record.get("usage"), "usage")
    call = usage_call(report, place, group, usage)
    yield call
    yield from _check_total(report.file, row, call, usage)


def _check_total(file: str, row: int, call: Call, usage: Mapping[str, Any]) -> Iterator[Record]:
    stated = int_field(usage, "total_tokens", default=None, most=MAX_BUCKET_TOKENS)
    counted = call.prompt_tokens + call.output_tokens
    if stated is not None and stated != counted:
        yield problem(
            NAME,
            file,
            row,
            "total-differs",
            "total_tokens is not the sum of the five token classes; the classes are used",
            value=stated,
            expected=str(counted),
        )


def _overlapping(file: str) -> Record:
    return problem(
        NAME,
        file,
        0,
        "overlapping-groups",
        "The report is grouped by rbac_group_id: a user in two groups is counted twice, so its rows have no sum",
        expected="groups that do not overlap",
        next_step="Save the report again without group_by[]=rbac_group_id.",
    )


READER = Reader(name=NAME, recognise=_recognise, read=_read)
