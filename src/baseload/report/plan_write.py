"""The plan as a folder: the page, the same figures as JSON, and a CSV for each table to work with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from baseload.plan.document import SCHEMA, PlanDocument
from baseload.report.evidence_view import Checked
from baseload.report.evidence_write import evidence_links, write_evidence
from baseload.report.plan_csv import plan_tables
from baseload.report.plan_html import render_plan_html
from baseload.report.write import Kind, refuse_foreign, refuse_mixture, write_files

PAGE = "plan.html"
JSON = "plan.json"
PLAN = Kind(page=PAGE, index=JSON, family=SCHEMA.partition("/")[0] + "/", command="`plan`")
SHEETS = Kind(page="README.md", index="changes.json", family="baseload.changes/", command="`plan changes`")


def write_plan(
    document: PlanDocument,
    out_dir: Path,
    beside: Mapping[str, bytes] | None = None,
    trials: Sequence[Checked] = (),
) -> list[Path]:
    """Write every file of the plan into `out_dir` (made if absent), with those `beside` it; the page comes first.

    The folder may be a map's: no name is shared. Raises UsageError where it cannot be written, or holds files of these
    names that are of no plan of ours. `trials` get their evidence pages below it, in `evidence/`, before the page that
    links to them.
    """
    more = beside or {}
    files = {
        JSON: msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n",
        **plan_tables(document),
        **more,
        PAGE: render_plan_html(document, beside=tuple(more), evidence=evidence_links(trials)),
    }
    refuse_mixture(out_dir, SHEETS)
    refuse_foreign(out_dir, tuple(files), PLAN)
    evidence = write_evidence(trials, out_dir)
    return [*write_files(files, out_dir, PLAN), *evidence]


def refuse_plan(out_dir: Path) -> None:
    """As `refuse_foreign`, for the folder of a plan: asked before the work is done. Change sheets stay apart."""
    refuse_foreign(out_dir, (PAGE, JSON), PLAN)
    refuse_mixture(out_dir, SHEETS)


def write_sheets(files: Mapping[str, bytes], out_dir: Path) -> list[Path]:
    """Write change sheets and their index, which lists them; sheets of an earlier run are gone. The page comes first.

    Raises UsageError as `write_plan`, and where the folder is a plan's.
    """
    refuse_mixture(out_dir, PLAN)
    return write_files(files, out_dir, SHEETS)


def refuse_sheets(out_dir: Path) -> None:
    """As `refuse_plan`, for the folder of change sheets."""
    refuse_foreign(out_dir, (SHEETS.page, SHEETS.index), SHEETS)
    refuse_mixture(out_dir, PLAN)
