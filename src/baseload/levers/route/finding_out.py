"""What it costs to find out whether a cheaper model holds, before anybody tries: calls, dollars, months to pay back.

The same figures as `baseload trial plan` gives, from what plan and map know of a workload; how many independent calls
there are to replay, and whether anybody may, is for that command to say.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from functools import cache
from typing import Final

import msgspec

from baseload.errors import UsageError
from baseload.levers.position import Position
from baseload.prices.book import PriceBook
from baseload.project_bars import BarTable
from baseload.quality.bar import Bar
from baseload.quality.replay.plan import FIRST_LOOK
from baseload.quality.trial.planning_calls import CallsPlan, calls_plan
from baseload.quality.trial.planning_cost import TRANSPORTS, Factors, Shape, Transport, Usd
from baseload.quality.trial.planning_money import money_of, per_call
from baseload.quality.trial.planning_question import Candidate, Question, Recorded, grading_of

_HUNDREDTH: Final = Decimal("0.01")


class FindingOut(msgspec.Struct, frozen=True, kw_only=True):
    """One trial, planned. `usd` are list dollars, replays and grading, when the candidate is equal.

    `calls` is what a fixed test would need for the bar's power, `horizon` where this one ends without an answer.
    `bar_is_set` False = nobody set a bar, and the default margin without a judge is assumed. `payback_months` None =
    nothing is expected to be saved, or nobody knows how much.
    """

    calls: int
    horizon: int
    margin: float
    bar_is_set: bool
    judged: bool
    transport: Transport
    usd: Usd
    payback_months: Decimal | None


def finding_out(
    positions: Sequence[Position],
    candidate: str,
    bar: BarTable | None,
    book: PriceBook,
    day: int,
    *,
    effort: str = "",
    output: Factors = Factors(),  # noqa: B008 - a tuple of constants
    saving_a_month_usd: Decimal | None = None,
    zero_data_retention: bool = False,
) -> FindingOut | None:
    """The trial of one candidate on one workload; None where no calls are counted, a model has no price, or the bar
    cannot be planned under. Dollars without a count of calls are left out: what matters is what one call costs.

    `positions` are the workload's; the calls of its dearest model are replayed, in batches unless zero data retention
    forbids them or the platform has none.
    """
    incumbent = _incumbent(positions)
    mine = [one for one in positions if one.key.model == incumbent and one.requests]
    if not incumbent or not mine:
        return None
    grading = grading_of(bar.grader, book.resolve) if bar is not None else None
    judged = grading is not None and grading.judged
    asked = Question(
        workload="",
        workload_name="",
        incumbent=incumbent,
        candidate=Candidate(model=candidate, effort=effort, output=output),
        bar=None,
        grading=grading,
        data_use="none",
        recorded=Recorded(),
        shapes=tuple(Shape(key=one.key, calls=one.requests or 0, tokens=one.tokens) for one in mine),
        day=day,
    )
    try:
        calls = _calls(*_terms(bar), judged=judged)
    except UsageError:  # a bar no trial can be planned under: `trial plan` says why
        return None
    asked = asked if bar is None else msgspec.structs.replace(asked, bar=_bar(*_terms(bar)))
    for transport in TRANSPORTS[1:] if zero_data_retention else TRANSPORTS:
        costs = per_call(asked, transport, book)
        if costs is not None:
            usd = money_of(costs, calls, FIRST_LOOK).expected
            return FindingOut(
                calls=calls.expected,
                horizon=calls.horizon,
                margin=calls.margin,
                bar_is_set=bar is not None,
                judged=judged,
                transport=transport,
                usd=usd,
                payback_months=_months(usd.likely, saving_a_month_usd),
            )
    return None


def bars_by_workload(bars: Sequence[BarTable], names: Mapping[str, str]) -> dict[str, BarTable]:
    """Workload id -> its [[bar]], which names it by id or else by name. `names` maps ids to names."""
    by_text = {bar.workload: bar for bar in reversed(bars)}
    found = {identity: by_text.get(identity) or by_text.get(name) for identity, name in names.items()}
    return {identity: bar for identity, bar in found.items() if bar is not None}


def trial_plan_command(workload: str, model: str, effort: str = "") -> str:
    """What plans this trial in full.

    >>> trial_plan_command("triage", "claude-haiku-5-5", "low")
    'baseload trial plan triage --model claude-haiku-5-5 --effort low'
    """
    parts = ["baseload trial plan", shlex.quote(workload), f"--model {shlex.quote(model)}"]
    return " ".join([*parts, f"--effort {effort}"] if effort else parts)


def _incumbent(positions: Sequence[Position]) -> str:
    """The known model with most list dollars; "" where there is none."""
    spent: dict[str, int] = {}
    for one in positions:
        if not one.key.model.startswith("?") and one.requests != 0:
            spent[one.key.model] = spent.get(one.key.model, 0) + one.list_nano
    return min(spent, key=lambda model: (-spent[model], model), default="")


def _terms(bar: BarTable | None) -> tuple[float | None, float | None, float, bool, str]:
    return (None, None, 0.9, False, "1") if bar is None else (
        bar.margin, bar.alpha, bar.power, bar.critical, bar.budget_usd
    )  # fmt: skip


def _bar(margin: float | None, alpha: float | None, power: float, critical: bool, budget_usd: str) -> Bar:
    """What of a bar decides how many calls it takes and what they cost."""
    return Bar(
        workload="", grader="", margin=margin, alpha=alpha, power=power, critical=critical,
        budget_usd=Decimal(budget_usd),
    )  # fmt: skip


@cache
def _calls(
    margin: float | None, alpha: float | None, power: float, critical: bool, budget_usd: str, *, judged: bool
) -> CallsPlan:
    return calls_plan(_bar(margin, alpha, power, critical, budget_usd), judged=judged)


def _months(usd: Decimal, saving: Decimal | None) -> Decimal | None:
    if saving is None or saving <= 0:
        return None
    return (usd / saving).quantize(_HUNDREDTH, rounding=ROUND_HALF_EVEN)
