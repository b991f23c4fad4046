"""Whether a trial's record bears its document out: nothing is shown as proven that cannot be recomputed."""

from __future__ import annotations

from baseload.quality.record import Tampered, Verified, verify
from baseload.quality.trial.document import TrialDocument
from baseload.report.evidence_view import Checked


def checked(name: str, document: TrialDocument, record: bytes) -> Checked:
    """The trial with what is wrong between its document and its record; `record` b"" = there is none."""
    if not record:
        return Checked(name=name, document=document, record_fault="there is no record.jsonl beside trial.json")
    try:
        found = verify(record, document.verdict_id)
    except Tampered as error:
        return Checked(name=name, document=document, record_fault=str(error))
    return Checked(name=name, document=document, record_fault=_fault(document, found))


def _fault(document: TrialDocument, found: Verified) -> str:
    """The first thing the document says otherwise than its record; "" where they agree."""
    if not found.agrees or not found.recorded:
        return "the record states another verdict than its differences give, or none"
    pairs = (
        ("state", document.state, found.decision.verdict.lower()),
        ("bar_sha256", document.bar_sha256, found.bar.sha256),
        ("tested_margin", document.tested_margin, found.tested_margin),
        ("n_used", document.decision.n_used, found.decision.n_used),
        ("estimate", document.decision.estimate, found.decision.estimate),
    )
    wrong = next(((name, said, is_) for name, said, is_ in pairs if said != is_), None)
    return "" if wrong is None else f"{wrong[0]} is {wrong[1]} in trial.json and {wrong[2]} by the record"
