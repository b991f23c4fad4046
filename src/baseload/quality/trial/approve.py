"""An approval at the end of a record's chain: the move, not the bar, is what is signed."""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import Final

import msgspec

from baseload.errors import UsageError
from baseload.quality.record import verify
from baseload.quality.trial.begun import DOCUMENT
from baseload.quality.trial.borne_out import content_sha256
from baseload.quality.trial.document import Approval, TrialDocument, load_trial, trial_bytes
from baseload.quality.trial.evidence import NAME, Evidence, write_whole

_MOST_COMMENT: Final = 2_000
_MOST_WHO: Final = 200


def approved(folder: Path, approval: Approval) -> TrialDocument:
    """The trial with one more approval, its id the new head. Record and document are on disk when this returns.

    Raises UsageError where there is no trial that ended, nobody is named, or the trial is invalid; Tampered where the
    record does not bear its document out. A document that a crash left an approval behind is brought up to its record.
    """
    if not approval.who.strip() or len(approval.who) > _MOST_WHO or len(approval.comment) > _MOST_COMMENT:
        raise UsageError(f"an approval needs a name (at most {_MOST_WHO} signs), a comment at most {_MOST_COMMENT}")
    path, record = folder / DOCUMENT, folder / NAME
    if not path.is_file() or not record.is_file():
        raise UsageError(f"{folder}: no trial that has ended; expected {NAME} and {DOCUMENT}")
    data = path.read_bytes()
    document = load_trial(data)
    if document.state == "invalid":
        raise UsageError(f"{folder}: the verdict is INVALID; there is nothing to stand by")
    with Evidence(record) as evidence, record.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        document = _level(document, data, evidence)
        evidence.walk()
        evidence.put(("approval", {"of": "verdict", **msgspec.to_builtins(approval)}))
        document = msgspec.structs.replace(
            document, verdict_id=evidence.head, approvals=(*document.approvals, approval)
        )
        write_whole(path, trial_bytes(document))
    return document


def _level(document: TrialDocument, data: bytes, evidence: Evidence) -> TrialDocument:
    """The document with all approvals of its record. Raises Tampered where the record is not the document's."""
    heads = [line.sha256 for line in evidence.lines]
    if document.verdict_id not in heads:
        verify(evidence.path.read_bytes(), document.verdict_id)  # says what does not fit
    verified = verify(evidence.path.read_bytes())
    if not verified.agrees or verified.recorded.lower() != document.state:
        raise UsageError(f"{evidence.path}: it does not give the verdict {document.state}; nothing was approved")
    if verified.document_sha256 and content_sha256(data) != verified.document_sha256:
        raise UsageError(f"{evidence.path.parent}: {DOCUMENT} was changed after its verdict; nothing was approved")
    behind = evidence.lines[heads.index(document.verdict_id) + 1 :]
    if any(line.kind != "approval" for line in behind):
        raise UsageError(f"{evidence.path}: more than approvals stand after the verdict; nothing was approved")
    signed = tuple(
        Approval(**{name: str(line.body.get(name, "")) for name in ("who", "on", "comment")}) for line in behind
    )
    return msgspec.structs.replace(document, approvals=(*document.approvals, *signed))
