"""The legacy Admin reports, saved: `usage_report/messages`, `cost_report`, `usage_report/claude_code`.

Buckets hold `results`; a null workspace is the default workspace and a null key is Console usage. The usage report
has no request counts and includes Priority-tier tokens; the cost report leaves Priority out (anthropic-facts 6.2).
The bucketed reports of the Enterprise Analytics API have the same shape with `requests`, `product` and `list_amount`,
and are read here too; each of their buckets names at most 100 groups and no remainder, so a full one is a problem.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from baseload.usage import claude_code_report
from baseload.usage.buckets import (
    CONSOLE_KEY,
    COST_PARTS,
    DEFAULT_WORKSPACE,
    RATES,
    Page,
    bucket_bounds,
    grouped_by,
    missing_pages,
    pages_of,
)
from baseload.usage.normal import BadRecord, object_of, problem
from baseload.usage.reader import ReadContext, Reader, Record, SourceFile
from baseload.usage.report_rows import DIMENSIONS, Place, Report, cost_call, usage_call

NAME: Final = "admin_api"
MOST_GROUPS: Final = 100
"""Groups of one bucket that the Enterprise reports return before they drop the rest without a word."""
_DESCRIBED: Final = RATES - {"speed"} | COST_PARTS
"""Columns of the cost report that `group_by[]=description` fills."""


def _recognise(head: bytes, _name: str) -> int:
    if b'"model_breakdown"' in head and b'"customer_type"' in head:
        return 2
    if b"/organizations/usage_report/" in head or b"/organizations/cost_report" in head:
        return 2
    return 2 if b'"results"' in head and b'"starting_at"' in head and b'"data"' in head else 0


def _read(file: SourceFile, context: ReadContext) -> Iterator[Record]:
    try:
        pages = list(pages_of(file.data()))
        grouped = _grouping(pages)
    except BadRecord as bad:
        yield bad.problem(NAME, file.path, 0)
        return
    if any(isinstance(item, Mapping) and "model_breakdown" in item for page in pages for item in page.data):
        yield from claude_code_report.read(NAME, file, pages, context)
    else:
        report = Report(
            reader=NAME,
            file=file.path,
            grouped=grouped,
            context=context,
            null_workspace=DEFAULT_WORKSPACE,
            null_key=CONSOLE_KEY,
        )
        yield from _buckets(report, pages)
    yield from missing_pages(NAME, file.path, pages, file.siblings(".json"))


def _grouping(pages: list[Page]) -> frozenset[str]:
    """What the results are grouped by; `description` stands for the columns it is parsed into."""
    pulled = next((page.pull.group_by for page in pages if page.pull and page.pull.group_by), None)
    if pulled is None:
        return grouped_by((result for page in pages for result in _results(page)), DIMENSIONS) - {"description"}
    return frozenset(pulled) - {"description"} | (_DESCRIBED if "description" in pulled else frozenset())


def _results(page: Page) -> Iterator[Mapping[str, Any]]:
    for item in page.data:
        if isinstance(item, Mapping) and isinstance(item.get("results"), list):
            yield from (result for result in item["results"] if isinstance(result, Mapping))


def _buckets(report: Report, pages: list[Page]) -> Iterator[Record]:
    for page in pages:
        for row, item in enumerate(page.data, page.before + 1):
            try:
                yield from _bucket(report, page, row, object_of(item, "data[]"))
            except BadRecord as bad:
                yield bad.problem(NAME, report.file, row)


def _bucket(report: Report, page: Page, row: int, bucket: Mapping[str, Any]) -> Iterator[Record]:
    place = Place(page=page, row=row, bounds=bucket_bounds(bucket))
    results = bucket.get("results")
    if not isinstance(results, list):
        raise BadRecord("not-a-report-page", "The bucket has no list `results`", expected='"results": […]')
    for result in results:
        try:
            values = object_of(result, "results[]")
            group = {name: values.get(name) for name in DIMENSIONS if name != "description"}
            yield (cost_call if "amount" in values else usage_call)(report, place, group, values)
        except BadRecord as bad:
            yield bad.problem(NAME, report.file, row)
    if len(results) >= MOST_GROUPS and any("requests" in result for result in results if isinstance(result, Mapping)):
        yield _may_be_cut(report.file, row, len(results))


def _may_be_cut(file: str, row: int, groups: int) -> Record:
    return problem(
        NAME,
        file,
        row,
        "groups-cut",
        "The bucket has as many groups as the report returns at most; more may be missing without a remainder",
        value=groups,
        expected=f"fewer than {MOST_GROUPS} groups a bucket",
        next_step="Use the Usage and Cost Analytics API (`baseload pull anthropic`), which returns every group.",
    )


READER = Reader(name=NAME, recognise=_recognise, read=_read)
