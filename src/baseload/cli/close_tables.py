"""A close as files: the document, and its lines and workloads as CSV."""

from __future__ import annotations

from pathlib import Path

import msgspec

from baseload.plan.close.bridge import LINES
from baseload.plan.close.document import CloseDocument
from baseload.plan.close.freeze import FAMILY
from baseload.report.csv_tables import csv_bytes
from baseload.report.write import Kind, write_files

CLOSE = Kind(page="", index="close.json", family=FAMILY, command="`close`")
LINE_COLUMNS = ("line", "label", "usd", "share", "grade", "low_usd", "high_usd", "note")
WORKLOAD_COLUMNS = (
    *("id", "name", "owner", "state", "volume_in", "from_usd", "to_usd", "difference_usd", "calls_from", "calls_to"),
    *("usd_per_call_from", "usd_per_call_to"),
)


def write_close(document: CloseDocument, folder: Path) -> None:
    """Write close.json, lines.csv and workloads.csv, each whole or not at all, the document first.

    Raises UsageError where the folder cannot be written, or holds files of these names that no close wrote.
    """
    content = msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n"
    write_files({CLOSE.index: content, **tables(document)}, folder, CLOSE)


def tables(document: CloseDocument) -> dict[str, bytes]:
    """File name -> CSV. Workloads have one column for each line of the bridge that they can move."""
    figures = document.figures
    lines = ([getattr(part, name) for name in LINE_COLUMNS] for part in figures.lines)
    columns = (*WORKLOAD_COLUMNS, *(f"{name}_usd" for name in LINES))
    workloads = (
        [*(getattr(part, name) for name in WORKLOAD_COLUMNS), *(part.effects.get(name, "0.00") for name in LINES)]
        for part in figures.workloads
    )
    return {"lines.csv": csv_bytes(LINE_COLUMNS, lines), "workloads.csv": csv_bytes(columns, workloads)}
