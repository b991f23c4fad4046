"""`write_company`: the demo company as a folder of raw files, for the real readers to read back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from baseload.demo.accounts import AWS, BRAND, MAIN
from baseload.demo.billing import BillLine, bill, of_account, total_nano
from baseload.demo.company import Company
from baseload.demo.invoices import invoices, whole_months
from baseload.demo.larkfield import LARKFIELD
from baseload.demo.planted import Planted, planted
from baseload.demo.simulate import simulate
from baseload.demo.truth import Truth
from baseload.demo.writers.analytics import Pull, write_analytics
from baseload.demo.writers.batches import write_batches
from baseload.demo.writers.bedrock import write_bedrock
from baseload.demo.writers.claude_code import write_claude_code
from baseload.demo.writers.console import write_console
from baseload.demo.writers.cur import write_cur
from baseload.demo.writers.files import Output
from baseload.demo.writers.messages import SpecialDays, write_messages
from baseload.demo.writers.project import PROJECT_FILE, write_project
from baseload.demo.writers.truths import write_truths
from baseload.prices.book import PriceBook
from baseload.usage.source_note import SCHEMA, SourceNote
from baseload.values import Window, iso_day, usd_text

Progress = Callable[[int, int, str], None]
USAGE_FOLDERS = ("billing", "logs")
PLANTED_FILE = "planted.json"
FIRST_FETCH_AFTER_DAYS = 1  # a closed month is first fetched on the second of the next


class DemoManifest(msgspec.Struct, frozen=True, kw_only=True):
    """What was written. `usage_paths` are what `baseload map` is given; `project` is the company's settings."""

    folder: str
    project: str
    usage_paths: tuple[str, ...]
    window: Window
    as_of_day: int
    seed: int
    files: int
    bytes: int
    sampled_calls: int
    true_requests: int
    list_nano: int
    billed_nano: int
    planted: tuple[Planted, ...]


def write_company(
    folder: Path,
    *,
    seed: int = 7,
    as_of_day: int,
    days: int = 184,
    book: PriceBook,
    scale: float = 1.0,
    progress: Progress | None = None,
) -> DemoManifest:
    """Simulate `days` whole UTC days before `as_of_day` and write every file below `folder`.

    `as_of_day` is the day the billing reports were fetched; it is not part of the window. The bytes depend on the
    arguments alone. `scale` shrinks the company. Raises PriceBookError where the book does not price a day of it.
    """
    window = Window(start_day=as_of_day - days, end_day_exclusive=as_of_day)
    truth = simulate(LARKFIELD, window, book, seed=seed, scale=scale, progress=progress)
    lines = bill(truth, LARKFIELD, book)
    output = Output(folder)
    _write_billing(output, lines, window, book)
    _write_logs(output, truth, LARKFIELD, seed, progress)
    write_project(output, LARKFIELD, invoices(lines, LARKFIELD, window))
    found = planted(truth, LARKFIELD, book)
    output.write(PLANTED_FILE, msgspec.json.format(msgspec.json.encode(_planted_document(found)), indent=2) + b"\n")
    listed, billed = total_nano(lines)
    return DemoManifest(
        folder=str(folder),
        project=str(folder / PROJECT_FILE),
        usage_paths=tuple(str(folder / name) for name in USAGE_FOLDERS),
        window=window,
        as_of_day=as_of_day,
        seed=seed,
        files=output.files,
        bytes=output.bytes,
        sampled_calls=output.sampled_calls,
        true_requests=int(truth.totals()[0]),
        list_nano=listed,
        billed_nano=billed,
        planted=found,
    )


def _write_billing(output: Output, lines: Sequence[BillLine], window: Window, book: PriceBook) -> None:
    """Whole-window reports of every account, and the earlier fetch of a month that was revised afterwards."""
    company, end = LARKFIELD, window.end_day_exclusive
    main = of_account(lines, company, MAIN)
    write_analytics(output, main, company, Pull(folder=f"billing/{MAIN}/fetched-{iso_day(end)}", day=end, account=MAIN))
    revised = restated(window, company)
    if revised is not None:
        month, day = revised
        fetched = month.end_day_exclusive + FIRST_FETCH_AFTER_DAYS
        folder = f"billing/{MAIN}/fetched-{iso_day(fetched)}"
        early = Pull(folder=folder, day=fetched, account=MAIN, early_days=frozenset([day]))
        write_analytics(output, [line for line in main if line.day in month], company, early)
    write_console(output, f"billing/{BRAND}", of_account(lines, company, BRAND), company, book)
    output.note(f"billing/{BRAND}", SourceNote(schema=SCHEMA, account=BRAND))
    for service in company.services:
        if service.logs == "bedrock":
            write_cur(output, f"billing/{AWS}", of_account(lines, company, AWS), service, book)


def restated(window: Window, company: Company) -> tuple[Window, int] | None:
    """The last whole month in the window and the day of it that was revised later; None when there is no such month."""
    months = list(whole_months(window))
    return (months[-1], months[-1].start_day + company.restated_day_of_month - 1) if months else None


def _write_logs(output: Output, truth: Truth, company: Company, seed: int, progress: Progress | None) -> None:
    end = truth.end_day
    days = SpecialDays(unlogged=end - company.log_gap_before_end, incident=end - company.incident_before_end)
    for index, service in enumerate(company.services):
        if progress:
            progress(index, len(company.services), f"writing {service.name}")
        run, folder = truth.runs[service.name], f"logs/{service.name}"
        if service.logs == "messages":
            gradeable = write_messages(output, folder, service, company.account(service.account), run, days, seed)
            write_truths(output, service, gradeable)
        elif service.logs == "claude_code":
            write_claude_code(output, folder, service, run)
        elif service.logs == "bedrock":
            write_bedrock(output, folder, service, run)
        elif service.logs == "batch":
            write_batches(output, folder, service, run)


def _planted_document(found: Sequence[Planted]) -> dict[str, object]:
    rows = [
        {
            "name": item.name,
            "workload": item.workload,
            "lever": item.lever,
            "annual_usd": usd_text(item.annual_nano),
            "hints": item.hints,
        }
        for item in found
    ]
    return {"schema": "baseload.planted/1", "planted": rows}
