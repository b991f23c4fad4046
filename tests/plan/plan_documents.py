"""A small company's plan, composed and written as a document: three workloads, a dollar or two a day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal

from plan_menus import AS_TODAY, HAIKU, MTOK, OPUS, SONNET, TODAY_DAY, at, batch, outcome, spent, wordy

from baseload.ledger.run_rate import RunRate, annualised
from baseload.levers.options import CacheMark, Fix, Menu, Rewrite, RouteOption
from baseload.levers.position import Position
from baseload.levers.route.alone import routing_alone
from baseload.plan.adoption import adopt
from baseload.plan.assemble import build
from baseload.plan.baseline import baseline
from baseload.plan.cash import cash_year
from baseload.plan.changes import changes_of
from baseload.plan.document import BookPart, PlanDocument
from baseload.plan.facts import PlanFacts
from baseload.plan.portfolio import SCENARIOS, Portfolio, plan_portfolio, planned_under
from baseload.prices.load import load_book
from baseload.values import Problem, Tokens, Window, Workload

BOOK = load_book()
WINDOW = Window(start_day=TODAY_DAY - 28, end_day_exclusive=TODAY_DAY)
MARK = CacheMark(section="system", after="system:1", ttl="5m")
UNEVEN = Tokens(uncached_input_tokens=3_333_333, cache_read_tokens=7_777, output_tokens=999_983)

WORKLOADS = {
    name: Workload(id=name, name=f"The {name} job", stage="tag", why="", owner="team-a")
    for name in ("big", "mid", "low")
}
POSITIONS: dict[str, tuple[Position, ...]] = {
    "big": (
        spent(BOOK, at(OPUS), UNEVEN, workload="big"),
        spent(BOOK, at(OPUS), Tokens(uncached_input_tokens=50 * MTOK, output_tokens=MTOK), workload="big"),
    ),
    "mid": (spent(BOOK, at(OPUS, geo="us"), UNEVEN, workload="mid", sampling_rate=10),),
    "low": (spent(BOOK, at(SONNET), Tokens(uncached_input_tokens=1_000_003), workload="low"),),
}
BARRED = RouteOption(model=HAIKU, excluded_by=("prefill",))
MENUS = {
    "big": Menu(
        workload="big",
        fixes=(Fix(kind="repeat", share=0.07, note="7 of 100 calls repeat one before"),),
        routes=(
            AS_TODAY,
            wordy(SONNET, rewrites=(Rewrite(feature="sampling", action="strip temperature"),), note="shorter answers"),
            BARRED,
        ),
        caches=(outcome(OPUS, marks=(MARK,)), outcome(SONNET, marks=(MARK,), spread=0.03, note="judged on October")),
        batch=batch(),
    ),
    "mid": Menu(
        workload="mid",
        fixes=(Fix(kind="geo", decision="data protection"),),
        routes=(AS_TODAY, RouteOption(model=SONNET, verdict="breaks")),
        batch=batch(blocked_by=("a client tool loop",)),
    ),
}


def portfolio() -> tuple[Portfolio, list[Problem]]:
    return plan_portfolio(WORKLOADS, POSITIONS, MENUS, BOOK, TODAY_DAY)


def run_rate(*, beside_nano: int = 0) -> RunRate:
    observed = sum(one.list_nano for members in POSITIONS.values() for one in members) + beside_nano
    annual = annualised(observed, WINDOW.days)
    return RunRate(
        annual_nano=annual,
        low_nano=annual * 9 // 10,
        high_nano=annual * 11 // 10,
        window=WINDOW,
        complete_days=28,
        observed_nano=observed,
        gaps=(),
        outlier_days=(),
        alternatives=(),
        why_null="",
    )


def facts(rate: RunRate | None = None, problems: Sequence[Problem] = ()) -> PlanFacts:
    """A year where there is a run rate, else the window alone."""
    found, more = portfolio()
    annual = rate.annual_nano if rate else None
    days = WINDOW.days if annual is not None else 365
    planned = {rules.name: planned_under(found, rules, window_days=days) for rules in SCENARIOS}
    adoption = adopt(annual, [change for one in planned["expected"] for change in changes_of(one)]) if annual else None
    return PlanFacts(
        title="Test company",
        as_of="2026-11-22",
        price_book=BookPart(checked="2026-11-20", age_days=2, warning="", overlay=""),
        prices_of=dt.date(2026, 11, 22).isoformat(),
        window=WINDOW,
        is_year=annual is not None,
        why_not_a_year="" if annual is not None else "9 complete days",
        bill_nano=annual or sum(one.billed_nano for one in planned["expected"]),
        portfolio=found,
        routing_alone=routing_alone(
            {plan.workload.id: plan.pricer.menu.routes for plan in found.workloads},
            POSITIONS,
            WORKLOADS,
            BOOK,
            TODAY_DAY,
        ),
        planned=planned,
        baseline=baseline(rate, planned["expected"], planned["conservative"], planned["deployable"]) if rate else None,
        adoption=adoption,
        cash=cash_year(annual, adoption.levels(TODAY_DAY), as_of_day=TODAY_DAY) if annual and adoption else None,
        effective_rate=Decimal("0.85") if annual else None,
        model_names={model.id: model.display_name for model in BOOK.models.values()},
        problems=[*more, *problems],
    )


def annual() -> PlanDocument:
    return build(facts(run_rate(beside_nano=123_456_789)))


def of_the_window() -> PlanDocument:
    return build(facts())
