"""What a trial will take, before anything is spent: calls, dollars, months to pay back, or why there can be none.

    bar + recorded calls + candidate -> calls needed -> dollars by transport -> worth it? -> recommended | refused

No model is asked. `plan_trial` plans one candidate of one workload; `planning_order` puts many in order. Every reason
against a trial says what to do next.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final, Literal

import msgspec

from baseload.prices.book import PriceBook
from baseload.quality.bar import Bar
from baseload.quality.replay.plan import FIRST_LOOK
from baseload.quality.trial.planning_calls import CallsPlan, calls_plan, certifiable
from baseload.quality.trial.planning_cost import TRANSPORTS, Transport, Usd
from baseload.quality.trial.planning_money import Money, PerCall, affordable, money_of, per_call
from baseload.quality.trial.planning_question import Question, Recorded
from baseload.quality.trial.planning_refusals import (
    Refusal,
    calls_refusals,
    in_points,
    money_refusals,
    refusals,
)
from baseload.vault.data_use import DataUse, replay_refusal

SCHEMA: Final = "baseload.trial.plan/1"
DAYS_A_MONTH: Final = Decimal(365) / 12
MOST_OF_SAVING: Final = Decimal("0.1")
"""A trial that costs more of what it could find is worth a second thought (quality.md section 4)."""

State = Literal["recommended", "not_recommended", "refused"]


class TrialPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What one trial will take. Dollars are list dollars; None where something they need is missing.

    Without a `bar` the figures are those of the default one, at 2 points. `there` is how many independent calls can be
    used: an upper bound, as the trial merges near-repeats when it draws.
    `money` has an entry for each transport with a price, `transport` is the one that counts. `smallest_margin`
    is what the calls there are certify, `smallest_margin_of_budget` what the budget buys of them; None = none.
    `payback_months` are the likely expected dollars over the likely saving, None where nothing is saved;
    `value_per_trial_dollar` the likely saving in the bar's expiry over the same dollars.
    """

    workload: str
    workload_name: str
    incumbent: str
    candidate: str
    effort: str
    state: State
    sentence: str
    bar: Bar | None
    data_use: DataUse
    recorded: Recorded
    not_replayable_share: float
    there: int
    calls: CallsPlan
    transport: Transport | None
    money: Mapping[Transport, Money]
    saving_a_month: Usd | None = None
    saving_in_expiry_usd: Decimal | None = None
    payback_months: Decimal | None = None
    value_per_trial_dollar: Decimal | None = None
    smallest_margin: float | None = None
    budget_calls: int | None = None
    smallest_margin_of_budget: float | None = None
    refusals: tuple[Refusal, ...] = ()
    cautions: tuple[str, ...] = ()


def plan_trial(asked: Question, book: PriceBook) -> TrialPlan:
    """The plan of one trial, with every reason against it."""
    against = list(refusals(asked, book))
    bar = asked.bar or _assumed(asked)
    costs = {one: found for one in TRANSPORTS if (found := per_call(asked, one, book)) is not None}
    transport = _transport(asked, costs)
    judged = asked.grading is not None and asked.grading.judged
    calls = calls_plan(bar, asked.earlier, judged=judged, wealths=asked.wealths)
    there = _there(asked)
    money = {one: money_of(found, calls, FIRST_LOOK, there) for one, found in costs.items()}
    plan = _with_margins(_bare(asked, transport, calls, money), costs, asked.bar)
    against += calls_refusals(asked, calls, plan.there, plan.smallest_margin)
    if transport is None:
        against += _no_price(asked, costs)
    else:
        if asked.bar is not None:
            against += money_refusals(
                asked, calls, money[transport].first_look.likely, money[transport].expected.likely
            )
        plan = _with_worth(plan, money[transport], bar)
    return _with_state(plan, against, bar)


def _assumed(asked: Question) -> Bar:
    """The default bar, so that figures can be shown where nobody has set one; its budget is not used."""
    return Bar(workload=asked.workload, grader="not set", budget_usd=Decimal(1))


def _bare(
    asked: Question, transport: Transport | None, calls: CallsPlan, money: Mapping[Transport, Money]
) -> TrialPlan:
    saving = asked.candidate.saving_a_month
    return TrialPlan(
        workload=asked.workload,
        workload_name=asked.workload_name,
        incumbent=asked.incumbent,
        candidate=asked.candidate.model,
        effort=asked.candidate.effort,
        state="refused",
        sentence="",
        bar=asked.bar,
        data_use=asked.data_use,
        recorded=asked.recorded,
        not_replayable_share=asked.recorded.not_replayable_share,
        there=_there(asked),
        calls=calls,
        money=money,
        transport=transport,
        saving_a_month=saving.rounded if saving is not None else None,
        cautions=tuple(_cautions(asked, transport)),
    )


def _there(asked: Question) -> int:
    """Independent calls that can be used, as many as the bar allows."""
    most = asked.bar.most_calls if asked.bar is not None else None
    usable = max(0, asked.recorded.usable - asked.compared)
    return usable if most is None else min(usable, most)


def _transport(asked: Question, costs: Mapping[Transport, PerCall]) -> Transport | None:
    """The one asked for where it has a price, else the cheapest that may be used; None = none."""
    if asked.transport is not None:
        return asked.transport if asked.transport in costs else None
    return next((one for one in TRANSPORTS if one in costs and _may_use(asked, one)), None)


def _may_use(asked: Question, transport: Transport) -> bool:
    """Whether permission and retention allow it; without permission the cheapest is planned with, and refused."""
    use = "batch_allowed" if asked.data_use == "none" else asked.data_use
    platform = asked.shapes[0].key.platform if asked.shapes else ""
    return not replay_refusal(
        use,
        recorded_on=platform,
        sent_to=platform,
        transport=transport,
        zero_data_retention=asked.zero_data_retention,
    )


def _cautions(asked: Question, transport: Transport | None) -> Iterator[str]:
    if asked.transport is None and asked.zero_data_retention and transport is not None:
        yield "zero data retention: no batches, so every call at full price"
    elif asked.transport is None and transport == "synchronous" and asked.data_use == "same_platform":
        yield 'data_use does not allow batches, which cost half: "batch_allowed" would'
    if asked.grading is not None and asked.grading.judged:
        yield "a judge is assumed to see 90 % of the losses until its controls say how many; its cost is an estimate"
    if asked.attempt_fault:
        yield asked.attempt_fault
    elif asked.wealths:
        yield (
            f"this would be attempt {asked.attempt}: planned at what the earlier left of alpha, without the "
            f"{asked.compared:,} calls they compared"
        )
    earlier = asked.earlier
    if earlier is not None and earlier.state == "holds" and earlier.counts_on(asked.day):
        until = f" until {earlier.expires_day}" if earlier.expires_day else ""
        yield f"a trial has shown it to hold already, which counts{until}"
    if 0 < asked.recorded.elsewhere < asked.recorded.with_body:
        share = asked.recorded.elsewhere / asked.recorded.with_body
        yield f"{share:.0%} of its calls ran on another platform than the Claude API: they are not replayed"


def _with_margins(plan: TrialPlan, costs: Mapping[Transport, PerCall], bar: Bar | None) -> TrialPlan:
    bought = None
    if plan.transport is not None and bar is not None:
        bought = affordable(costs[plan.transport], bar.budget_usd)
    return msgspec.structs.replace(
        plan,
        smallest_margin=certifiable(plan.there, plan.calls),
        budget_calls=bought,
        smallest_margin_of_budget=None if bought is None else certifiable(min(bought, plan.there), plan.calls),
    )


def _no_price(asked: Question, costs: Mapping[Transport, PerCall]) -> Iterator[Refusal]:
    if not asked.shapes:
        return  # no call: nothing to replay has said so
    if asked.transport is not None and costs:
        other = next(iter(costs))
        yield Refusal(
            kind="transport-not-sold",
            reason=f"nothing is sold in {asked.transport} where this workload runs",
            next_step=f"Ask for --transport {other}.",
        )
    elif not costs:
        yield Refusal(
            kind="no-price",
            reason="the price book has no price for the candidate where this workload runs",
            next_step="Name another candidate with --model, or add the price with `baseload prices add`.",
        )


def _with_worth(plan: TrialPlan, money: Money, bar: Bar) -> TrialPlan:
    """Months to pay back and the value of finding out; nothing where the saving is not known."""
    saving = plan.saving_a_month
    if saving is None:
        return plan
    cost = money.expected.likely
    in_expiry = saving.likely * bar.expires_days / DAYS_A_MONTH
    return msgspec.structs.replace(
        plan,
        saving_in_expiry_usd=_hundredths(in_expiry),
        payback_months=_hundredths(cost / saving.likely) if saving.likely > 0 else None,
        value_per_trial_dollar=_hundredths(in_expiry / cost) if cost else None,
    )


def _with_state(plan: TrialPlan, against: Sequence[Refusal], bar: Bar) -> TrialPlan:
    plan = msgspec.structs.replace(plan, refusals=tuple(against), cautions=(*plan.cautions, *_second_thoughts(plan)))
    if against:
        more = f" ({len(against) - 1} more)" if len(against) > 1 else ""
        return msgspec.structs.replace(plan, state="refused", sentence=f"No trial yet: {against[0].reason}{more}.")
    why = _not_worth(plan, bar)
    if why:
        return msgspec.structs.replace(plan, state="not_recommended", sentence=f"Not recommended: {why}.")
    return msgspec.structs.replace(plan, state="recommended", sentence=_sentence(plan))


def _not_worth(plan: TrialPlan, bar: Bar) -> str:
    """Why the trial would not pay, "" where it would or nobody knows."""
    cost, saving = _cost(plan), plan.saving_a_month
    if saving is None or plan.saving_in_expiry_usd is None or cost is None:
        return ""
    if saving.likely <= 0:
        return "the candidate is not expected to save anything"
    if cost <= plan.saving_in_expiry_usd:
        return ""
    return (
        f"the trial may cost ${cost:.2f} and the saving it could find is ${plan.saving_in_expiry_usd:.2f} in the "
        f"{bar.expires_days} days its verdict counts"
    )


def _second_thoughts(plan: TrialPlan) -> Iterator[str]:
    cost, found = _cost(plan), plan.saving_in_expiry_usd
    if cost is not None and found is not None and MOST_OF_SAVING * found < cost <= found:
        yield "the trial may cost more than a tenth of what it could find"
    if cost is not None and plan.bar is not None and plan.transport is not None:
        expected = plan.money[plan.transport].expected.likely
        if expected <= plan.bar.budget_usd < cost:
            yield f"the budget does not reach the horizon (${cost:.2f}): the test may end without an answer"


def _cost(plan: TrialPlan) -> Decimal | None:
    """The likely dollars at the horizon, by the transport that counts."""
    if plan.transport is None or plan.transport not in plan.money:
        return None
    return plan.money[plan.transport].horizon.likely


def _sentence(plan: TrialPlan) -> str:
    calls, transport = plan.calls, plan.transport
    if transport is None:
        return ""
    expected = plan.money[transport].expected.likely
    way = "in batches" if transport == "batch" else "one by one"
    months = plan.payback_months
    back = "" if months is None else f", paid back in {months or 'under 0.01'} months"
    return (
        f"Worth finding out: about {calls.expected:,} calls show whether it is within {in_points(calls.margin)}, "
        f"for ${expected:.2f} {way}{back}."
    )


def _hundredths(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.01"), rounding=ROUND_HALF_EVEN)
