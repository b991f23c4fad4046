"""The evidence pages beside a plan: `evidence/`, a page a trial and an index that knows which are stale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from baseload.report.evidence_html import render_evidence_html
from baseload.report.evidence_view import Checked, trusted
from baseload.report.write import Kind, refuse_foreign, write_files

FOLDER: Final = "evidence"
INDEX: Final = "evidence.json"
PAGES: Final = Kind(page="", index=INDEX, family="baseload.evidence-pages/", command="`plan`")
SCHEMA: Final = "baseload.evidence-pages/1"


def evidence_links(trials: Sequence[Checked]) -> dict[str, str]:
    """Verdict id -> the page, from a page in the folder above."""
    return {trial.document.verdict_id: f"{FOLDER}/{page_name(trial)}" for trial in trials}


def page_name(trial: Checked) -> str:
    """The file of a trial's page."""
    return f"{trial.name}.html"


def write_evidence(trials: Sequence[Checked], out_dir: Path, *, plan: str = "../plan.html") -> list[Path]:
    """Write `evidence/` below `out_dir`: pages of trials that are gone are removed; without a trial nothing is made.

    Raises UsageError where the folder cannot be written, or holds files of these names that are not ours.
    """
    folder = out_dir / FOLDER
    if not trials and not (folder / INDEX).is_file():
        return []
    pages = {page_name(trial): render_evidence_html(trial, plan=plan) for trial in trials}
    return write_files({**pages, INDEX: _index(trials, pages)}, folder, PAGES)


def refuse_evidence(out_dir: Path, trials: Sequence[Checked]) -> None:
    """Raises UsageError as `write_evidence` would, before the work is done."""
    refuse_foreign(out_dir / FOLDER, (INDEX, *map(page_name, trials)), PAGES)


def _index(trials: Sequence[Checked], pages: Mapping[str, bytes]) -> bytes:
    found = {
        "schema": SCHEMA,
        "trials": [
            {"name": trial.name, "page": page_name(trial), "verdict_id": trial.document.verdict_id,
             "state": trusted(trial).state}
            for trial in trials
        ],
        "files": sorted([*pages, INDEX]),
    }  # fmt: skip
    return msgspec.json.format(msgspec.json.encode(found), indent=1) + b"\n"
