"""What the stages found about a plan -> its frozen document: rounding to cents and joining, nothing is decided here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction

from baseload import __version__
from baseload.ledger.run_rate import YEAR_DAYS
from baseload.levers.summary import weakest
from baseload.plan.assemble_money import adoption_part, baseline_part, cash_part
from baseload.plan.assemble_rows import workload_row
from baseload.plan.assemble_totals import scenario_savings, totals_part
from baseload.plan.cents import Effective, Table, at_rate, in_cents
from baseload.plan.document import BasisPart, PlanDocument, PlanWorkload, ProblemCount, ProblemPart, TogetherPart
from baseload.plan.facts import PlanFacts
from baseload.plan.parts import share, window_part
from baseload.plan.portfolio import SCENARIOS
from baseload.plan.rounding import half_even
from baseload.plan.shapley import shapley
from baseload.plan.span import total
from baseload.plan.words import dollars
from baseload.quality.trial.together import Together
from baseload.values import NANO_PER_CENT, Grade, Problem

MOST_PROBLEMS = 1_000
A_YEAR, IN_THE_WINDOW = "a year", "in the window"
_KNOWN: Mapping[Grade, str] = {
    "simulated": "simulated on its own calls",
    "sampled": "sampled: simulated on a 1-in-N sample of its own calls",
}


def build(facts: PlanFacts) -> PlanDocument:
    """The `baseload.plan/1` document. Pure: the same facts always give the same document."""
    planned = facts.planned["expected"]
    year = Fraction(YEAR_DAYS, facts.window.days) if facts.is_year else Fraction(1)
    averages = [
        {lever: half_even(nano * year) for lever, nano in shapley(plan.pricer, one.choice).items()}
        for plan, one in zip(facts.portfolio.workloads, planned, strict=True)
    ]
    table = in_cents(planned, averages, facts.bill_nano)
    effective = None if facts.effective_rate is None else at_rate(table, facts.effective_rate)
    return PlanDocument(
        version=__version__,
        title=facts.title,
        as_of=facts.as_of,
        price_book=facts.price_book,
        basis=BasisPart(
            unit=A_YEAR if facts.is_year else IN_THE_WINDOW,
            window=window_part(facts.window),
            prices_of=facts.prices_of,
            why_not_a_year=facts.why_not_a_year,
        ),
        headline=_headline(facts, table),
        totals=totals_part(facts, table, effective, year),
        baseline=baseline_part(facts.baseline, table),
        cash=cash_part(facts.cash),
        adoption=adoption_part(facts.adoption),
        workloads=tuple(_rows(facts, table, effective, year)),
        together=tuple(
            TogetherPart(sentence=said, **{name: getattr(one, name) for name in Together.__struct_fields__})
            for one, said in facts.together
        ),
        problem_counts=_problem_counts(facts.problems),
        problems=_problems(facts.problems),
    )


def _rows(facts: PlanFacts, table: Table, effective: Effective | None, year: Fraction) -> Iterator[PlanWorkload]:
    names = [rules.name for rules in SCENARIOS]
    savings = scenario_savings(facts, table)
    for place, plan in enumerate(facts.portfolio.workloads):
        yield workload_row(
            plan,
            {name: facts.planned[name][place] for name in names},
            {name: savings[name][place] for name in names},
            table.rows[place],
            rank=place + 1,
            share_of_bill=share(table.rows[place].billed, table.total.billed),
            effective_cents=None if effective is None else effective.rows[place],
            year=year,
            names=facts.model_names,
            anatomy=facts.anatomies.get(plan.workload.id),
            clock=facts.clocks.get(plan.workload.id),
            trials=facts.finding_out,
        )


def _headline(facts: PlanFacts, table: Table) -> str:
    unit = A_YEAR if facts.is_year else IN_THE_WINDOW
    billed, saved = table.total.billed, table.total.saving
    if not saved:
        return f"{_dollars(billed)} {unit} at list price; the plan finds nothing to save."
    deployable = facts.planned["deployable"]
    ready = total(one.saving for one in deployable).likely
    moved = total(step.saving for one in deployable for step in one.steps if step.lever in ("effort", "route")).likely
    grade = weakest(step.grade for one in deployable for step in one.steps)
    edits = total(one.saving for one in facts.planned["edited"]).likely - ready
    sure = total(one.saving for one in facts.planned["conservative"]).low
    passed = "With every trial passed and every prompt edited" if edits > 0 else "With every trial passed"
    return (
        f"{_dollars(billed)} {unit} at list price. {today_words(ready, moved, grade)}.{edit_words(edits)} "
        f"{passed}: {_dollars(saved)}{_percent(saved, billed)} less, which leaves "
        f"{_dollars(table.total.optimized)} (assumed until tested). Proven today: {dollars(max(0, sure))}."
    )


def today_words(ready: int, moved: int, grade: Grade) -> str:
    """What may be switched on today; `moved` of it changes answers, in ways that trials have shown to hold."""
    known = _KNOWN.get(grade, grade)
    if not moved:
        return f"Without touching an answer or a prompt: {dollars(ready)} less ({known})"
    return (
        f"Ready today: {dollars(ready)} less, {dollars(moved)} of it on models that trials have shown to hold, the "
        f"rest without touching an answer or a prompt ({known})"
    )


def edit_words(edits: int) -> str:
    """What owners of prompts would add by moving text in them; nothing where they would add nothing."""
    if edits <= 0:
        return ""
    return f" Once owners have edited prompts and checked the answers: {dollars(edits)} more."


def _percent(part: int, whole: int) -> str:
    return f" ({part / whole:.0%})" if whole else ""


def _problem_counts(problems: Sequence[Problem]) -> tuple[ProblemCount, ...]:
    counts = Counter(problem.code for problem in problems)
    return tuple(ProblemCount(code=code, count=count) for code, count in counts.most_common())


def _problems(problems: Sequence[Problem]) -> tuple[ProblemPart, ...]:
    counts = Counter(problem.code for problem in problems)
    ordered = sorted(problems, key=lambda problem: (-counts[problem.code], problem.code, problem.file, problem.row))
    names = ProblemPart.__struct_fields__
    return tuple(ProblemPart(**{name: getattr(problem, name) for name in names}) for problem in ordered[:MOST_PROBLEMS])


def _dollars(cents: int) -> str:
    return dollars(cents * NANO_PER_CENT)
