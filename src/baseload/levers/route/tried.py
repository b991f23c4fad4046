"""What trials said about the moves of a first look: the map's rows with their verdicts, what broke taken out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from msgspec.structs import replace

from baseload.levers.route.status import status_of
from baseload.levers.route.verdicts import VerdictKey, ruled_out
from baseload.values import Opportunity, Verdict

UNTESTED: Final = "quality not tested"


def with_verdicts(rows: Iterable[Opportunity], verdicts: Mapping[VerdictKey, Verdict]) -> list[Opportunity]:
    """The rows in their order; those of routing say what a trial found; broken and clearly below it is excluded.

    A first look does not price efforts, so a trial at another effort than the default counts where it holds, and is
    said; where it does not, the default effort is still untested.
    """
    by_model: dict[tuple[str, str], list[Verdict]] = {}
    for verdict in verdicts.values():
        by_model.setdefault((verdict.workload, verdict.model), []).append(verdict)
    return [
        _tried(row, by_model.get((row.workload, row.candidate), ())) if row.lever == "route" else row for row in rows
    ]


def _tried(row: Opportunity, verdicts: Iterable[Verdict]) -> Opportunity:
    found = sorted(verdicts, key=lambda verdict: (verdict.effort, verdict.verdict_id))
    own = next((verdict for verdict in found if not verdict.effort), None)
    own = own or next((verdict for verdict in found if verdict.state == "holds"), None)
    others = [verdict for verdict in found if verdict is not own]
    said = [_said(verdict) for verdict in ([own] if own else []) + others]
    if own:
        row = replace(row, verdict=own.state, verdict_id=own.verdict_id, verdict_grade=own.grade)
    else:
        row = replace(row, verdict="assumed")
    if not found:
        return row
    words = "; ".join(([] if own else [UNTESTED]) + said)
    row = replace(row, assumption=row.assumption.replace(UNTESTED, words, 1))
    reason = ruled_out(own) if own else ""
    if not reason:
        return row
    return replace(row, low_nano=0, high_nano=0, excluded_by=(*row.excluded_by, reason))


def _said(verdict: Verdict) -> str:
    at = f" at effort {verdict.effort}" if verdict.effort else ""
    if verdict.grade == "unverified":
        return f"not verified here{at}: the record of its trial is not in this project"
    by = "a trial against a stand-in" if verdict.grade == "simulated" else "a trial"
    return f"{status_of(verdict.state, verdict.grade)} by {by}{at}"
