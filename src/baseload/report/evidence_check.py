"""Whether a trial's record bears its document out: nothing is shown as proven that cannot be recomputed."""

from __future__ import annotations

from baseload.quality.trial.borne_out import document_fault
from baseload.quality.trial.document import TrialDocument
from baseload.report.evidence_view import Checked


def checked(name: str, document: TrialDocument, record: bytes, data: bytes = b"") -> Checked:
    """The trial with what is wrong between its document and its record; `record` b"" = there is none.

    `data` is the document as it is written; b"" = as it would be.
    """
    if not record:
        return Checked(name=name, document=document, record_fault="there is no record.jsonl beside trial.json")
    return Checked(name=name, document=document, record_fault=document_fault(document, record, data))
