"""How plan and map say what is known of a move, and what finding out would cost."""

from __future__ import annotations

import math
from decimal import Decimal

import msgspec

from baseload.plan.document import FindingOutPart, PlanDocument, PlanWorkload, RejectedPart
from baseload.report import numbers

TONES = {
    "proven": "agrees",
    "simulated": "partial",
    "broken": "differs",
    "not shown": "partial",
    "not tested": "partial",
    "not verified here": "partial",
    "invalid": "differs",
}
"""Status -> the look of a verdict on a page; the word says it, the colour only repeats it."""


def tone(status: str) -> str:
    """The look of a status; one this page does not know is drawn as open."""
    return TONES.get(status, "partial")


def finding_out(part: FindingOutPart | None) -> str:
    """What a trial would take, in a line; "" where it is not known.

    >>> finding_out(FindingOutPart(calls=926, horizon=1158, margin=0.02, bar_is_set=False, judged=False,
    ...     transport="batch", low_usd="0.20", likely_usd="0.231", high_usd="0.3", payback_months="0.02", command="x"))
    'finding out: about 926 calls, $0.23 in batches, paid back in a day; no bar is set (assumed: 2 points, no judge)'
    """
    if part is None:
        return ""
    way = "in batches" if part.transport == "batch" else "one by one"
    judged = " and judging" if part.judged else ""
    bar = "" if part.bar_is_set else f"; no bar is set (assumed: {_points(part.margin)}, no judge)"
    return (
        f"finding out: about {part.calls:,} calls, {numbers.usd(part.likely_usd, 2)} {way}{judged}, "
        f"{payback(part.payback_months)}{bar}"
    )


def payback(months: str | None) -> str:
    """How soon the saving pays a trial back.

    >>> payback("0.01"), payback("0.4"), payback("2.50"), payback(None)
    ('paid back in a day', 'paid back in 13 days', 'paid back in 2.5 months', 'not paid back by what is expected')
    """
    if months is None:
        return "not paid back by what is expected"
    found = Decimal(months)
    if found < 1:
        days = max(1, math.ceil(found * 365 / 12))
        return "paid back in a day" if days == 1 else f"paid back in {days} days"
    shown = f"{found:.1f}".removesuffix(".0")
    return f"paid back in {shown} month{'' if shown == '1' else 's'}"


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """One move to another model or effort, and what is known of it. `reason` says why the plan does not make it."""

    workload: PlanWorkload
    candidate: str
    status: str
    verdict_id: str
    chosen: bool
    reason: str = ""
    finding_out: FindingOutPart | None = None


def moves(document: PlanDocument) -> list[Move]:
    """Every move the plan makes, and those it does not make because a trial has spoken; dearest workload first."""
    found = []
    for part in document.workloads:
        if part.status:
            found.append(
                Move(
                    workload=part,
                    candidate=_chosen(part),
                    status=part.status,
                    verdict_id=part.verdict_id,
                    chosen=True,
                    finding_out=part.finding_out,
                )
            )
        found += [
            Move(
                workload=part,
                candidate=one.candidate,
                status=one.status,
                verdict_id=one.verdict_id,
                chosen=False,
                reason=one.reason,
                finding_out=one.finding_out,
            )
            for one in _tried(part)
        ]
    return found


def _tried(part: PlanWorkload) -> list[RejectedPart]:
    """Alternatives on which a trial has said something."""
    return [one for one in part.rejected if one.status and one.verdict_id]


def _chosen(part: PlanWorkload) -> str:
    model = part.choice.model_name or part.choice.model
    return f"{model} at effort {part.choice.effort}" if part.choice.effort else model


def _points(margin: float) -> str:
    shown = f"{margin * 100:.3f}".rstrip("0").rstrip(".")
    return f"{shown} point{'' if shown == '1' else 's'}"
