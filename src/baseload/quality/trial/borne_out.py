"""Whether a trial's record bears its document out: nothing is taken for a verdict that cannot be recomputed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import msgspec

from baseload.quality.record import Tampered, Verified, verify
from baseload.quality.trial.document import TrialDocument, trial_bytes
from baseload.values import iso_day


def content_sha256(document: bytes) -> str:
    """Hash of a trial document but for its id and its approvals, which come after the verdict line that holds it.

    Of the JSON as it is written: a later version that knows more fields finds the same.
    """
    found = msgspec.json.decode(document, type=dict[str, Any])
    kept = {name: value for name, value in found.items() if name not in ("verdict_id", "approvals")}
    return hashlib.sha256(msgspec.json.encode(kept, order="sorted")).hexdigest()


def document_fault(document: TrialDocument, record: bytes, data: bytes = b"") -> str:
    """The first thing a document says otherwise than its record; "" where it bears it out to the last figure.

    `data` is the document as it is written; b"" = as it would be.
    """
    try:
        found = verify(record, document.verdict_id)
    except Tampered as error:
        return str(error)
    if not found.agrees or not found.recorded:
        return "the record states another verdict than its differences give, or none"
    wrong = next(((name, said, is_) for name, said, is_ in _facts(document, found) if said != is_), None)
    if wrong is not None:
        return f"{wrong[0]} is {wrong[1]} in trial.json and {wrong[2]} by the record"
    if found.document_sha256 and content_sha256(data or trial_bytes(document)) != found.document_sha256:
        return "trial.json was changed after its verdict: its record holds the hash of another one"
    return ""


def _facts(document: TrialDocument, found: Verified) -> Iterator[tuple[str, object, object]]:
    """(what, by the document, by the record)."""
    yield "state", document.state, found.decision.verdict.lower()
    yield "bar_sha256", document.bar_sha256, found.bar.sha256
    yield "tested_margin", document.tested_margin, found.tested_margin
    yield "n_used", document.decision.n_used, found.decision.n_used
    yield "attempt", document.attempt, found.attempt
    yield "estimate", document.decision.estimate, found.decision.estimate
    for name in ("workload", "incumbent", "candidate", "effort"):
        if name in found.identity:
            yield name, getattr(document, name), found.identity[name]
    if found.identity.get("simulated") is True:
        yield "grade", document.grade, "simulated"
    if found.decided_on is not None:
        yield "decided_day", document.decided_day, iso_day(found.decided_on)
        yield "expires_day", document.expires_day, iso_day(found.decided_on + found.bar.expires_days)
