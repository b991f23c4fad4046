"""A trial's plan on the terminal: the table, then every reason against it with its next step."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from decimal import Decimal
from typing import Final, Literal

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from baseload.cli.output import numbered, stdout
from baseload.quality.trial.planning import TrialPlan
from baseload.quality.trial.planning_cost import Transport
from baseload.quality.trial.planning_money import Money
from baseload.quality.trial.planning_order import together
from baseload.quality.trial.planning_refusals import points
from baseload.report.names import PROSE, clean
from baseload.report.numbers import usd

_SHOWN: Final = {"recommended": "find out", "not_recommended": "no", "refused": "not yet"}
_ALL: Final = ("workload", "candidate", "a month", "trial", "per $", "calls", "of", "so")
_ONE: Final = ("candidate", "a month", "batches", "one by one", "pays back", "calls", "of", "so")
_WIDE_ONLY: Final = ("one by one", "of")
WIDE: Final = 90
_LEFT: Final = ("workload", "candidate", "so")
MOST_ROWS: Final = 40
CENTS_BELOW: Final = 100
_COPIED: Final = ("     baseload ", "     [")  # commands, and the heads of tables
_GAP: Final = 3  # between two columns
_NARROWEST: Final = 12  # a workload's name, folded
LEGEND: Final = (
    "per $: list dollars saved while the verdict counts, for each dollar of the trial. So: find out = worth its trial; "
    "not yet = something is missing first; no = would not pay back."
)
UPPER_BOUND: Final = (
    "The calls there are, are an upper bound: near-repeats merge when the trial draws, and `trial run` says how many "
    "are left before the first dollar."
)


def print_all(plans: Sequence[TrialPlan], without: Sequence[tuple[str, str]]) -> None:
    """The portfolio: one row a workload, then who has nothing to replay, and what several verdicts promise together."""
    console = stdout()
    rows = [
        (
            clean(plan.workload_name),
            _short_name(plan),
            _saving(plan),
            _trial(plan),
            usd(str(plan.value_per_trial_dollar)) if plan.value_per_trial_dollar is not None else "?",
            f"{plan.calls.expected:,}",
            f"{plan.there:,}",
            _SHOWN[plan.state],
        )
        for plan in plans[:MOST_ROWS]
    ]
    console.print(_table("What a month would save, and what finding out costs (list price)", _ALL, rows, console.width))
    if plans:
        _say(LEGEND)
    if len(plans) > MOST_ROWS:
        _say(f"… and {len(plans) - MOST_ROWS} more; --json lists them all")
    _print_nothing_to_replay(plans)
    if without:
        _say(f"{numbered(len(without), 'workload')} without a cheaper candidate: nothing to find out.")
    if together(plans):
        _say(together(plans))
    if any(plan.there for plan in plans):
        _say(UPPER_BOUND)
    if plans:
        _say(f'For the reasons and next steps of one: baseload trial plan "{clean(plans[0].workload_name)}"')


def _print_nothing_to_replay(plans: Sequence[TrialPlan]) -> None:
    """Workloads by the command that starts their capture."""
    by_step: dict[str, list[str]] = {}
    for plan in plans:
        for one in plan.refusals:
            if one.kind == "nothing-to-replay":
                by_step.setdefault(one.next_step, []).append(clean(plan.workload_name))
    for step, names in by_step.items():
        listed = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
        _say(f"Nothing to replay: {listed}.\n{_indented(step)}")


def print_one(plans: Sequence[TrialPlan], name: str) -> None:
    """Every candidate of one workload, and the first of them in full."""
    if not plans:
        _say(f"{clean(name)}: no cheaper candidate, so there is nothing to find out.")
        return
    first = plans[0]
    rows = [
        (
            _short_name(plan),
            _saving(plan),
            _dollars(plan, "batch"),
            _dollars(plan, "synchronous"),
            _back(plan),
            f"{plan.calls.expected:,}",
            f"{plan.there:,}",
            _SHOWN[plan.state],
        )
        for plan in plans
    ]
    console = stdout()
    title = f"{clean(name)} ({first.workload}), today on {first.incumbent}"
    console.print(_table(title, _ONE, rows, console.width))
    _say(f"{_candidate(first)}: {first.sentence}")
    for line in _lines(first):
        _say(f"  {line}")
    for place, one in enumerate(first.refusals, start=1):
        _say(f"{place}. {clean(one.reason, PROSE)}\n{_indented(one.next_step)}")


def print_left_out(left_out: Sequence[tuple[str, str, str]]) -> None:
    """Candidates that are not planned, by why."""
    by_why: dict[str, list[str]] = {}
    for model, effort, why in left_out:
        name = model.removeprefix("claude-") + (f" {effort}" if effort else "")
        by_why.setdefault(why, []).append(name)
    for why, names in by_why.items():
        _say(f"Not listed: {', '.join(names)}: {clean(why, PROSE)}.")


def _lines(plan: TrialPlan) -> list[str]:
    """What the first candidate's figures rest on."""
    calls = plan.calls
    need = f"Calls: {calls.expected:,} when it is equal, at most {calls.horizon:,}, one a session"
    have = f"Smallest margin: {points(plan.smallest_margin)} with the {plan.there:,} calls there are"
    found = [
        f"{need}, where {calls.discordance:.1%} differ ({calls.discordance_from}).",
        f"{have}{_of_budget(plan)}; the bar asks for {calls.margin * 100:g}.",
        *([UPPER_BOUND] if plan.there else []),
    ]
    if plan.bar is None:
        found.append("Figures are those of the default bar: 2 points at 5 %, good for 90 days.")
    if plan.transport is not None:
        found.append(_parts(plan.money[plan.transport]))
    if plan.saving_in_expiry_usd is not None:
        found.append(f"At stake: {_short(plan.saving_in_expiry_usd)} while the verdict counts.")
    return [*found, *(f"Note: {one}." for one in plan.cautions)]


def _parts(money: Money) -> str:
    parts = (
        (money.candidate_usd, "candidate"),
        (money.incumbent_again_usd, "incumbent again"),
        (money.grading_usd, "grading"),
    )
    listed = ", ".join(f"{_short(amount)} {name}" for amount, name in parts if amount)
    whole = f"{_short(money.expected.low)} to {_short(money.expected.high)}"
    return f"Dollars of {money.calls:,} calls: {listed}; {whole} in all, {_short(money.horizon.likely)} at the horizon."


def _of_budget(plan: TrialPlan) -> str:
    if plan.budget_calls is None:
        return ""
    return f", {points(plan.smallest_margin_of_budget)} with the {min(plan.budget_calls, plan.there):,} the budget buys"


def _candidate(plan: TrialPlan) -> str:
    return f"{plan.candidate} at effort {plan.effort}" if plan.effort else plan.candidate


def _short_name(plan: TrialPlan) -> str:
    return _candidate(plan).removeprefix("claude-").replace(" at effort ", " ")


def _saving(plan: TrialPlan) -> str:
    found = plan.saving_a_month
    return "?" if found is None else _short(found.likely)


def _trial(plan: TrialPlan) -> str:
    return "?" if plan.transport is None else _dollars(plan, plan.transport)


def _dollars(plan: TrialPlan, transport: Transport) -> str:
    return _short(plan.money[transport].expected.likely) if transport in plan.money else "not sold"


def _short(amount: Decimal) -> str:
    """Cents below 100 dollars, whole dollars above."""
    return usd(str(amount), 2 if abs(amount) < CENTS_BELOW else 0)


def _back(plan: TrialPlan) -> str:
    if plan.saving_a_month is None or plan.transport is None:
        return "?"
    if plan.payback_months is None:
        return "never"
    return f"{plan.payback_months} mo." if plan.payback_months else "<0.01 mo."


def _table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> Table:
    """Figures are never cut: a narrow terminal shows fewer columns and folds the workload's name, between its words."""
    table = Table(title=Text(title, style="bold"), title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    shown = [place for place, name in enumerate(columns) if width >= WIDE or name not in _WIDE_ONLY]
    lengths = {place: max(map(len, (columns[place], *(row[place] for row in rows)))) + _GAP for place in shown}
    room = max(_NARROWEST, width - sum(length for place, length in lengths.items() if columns[place] != "workload"))
    for place in shown:
        name = columns[place]
        justify: Literal["left", "right"] = "left" if name in _LEFT else "right"
        folds = name == "workload"
        table.add_column(
            name, justify=justify, overflow="fold", no_wrap=not folds, min_width=_NARROWEST if folds else None
        )
    for row in rows:
        table.add_row(
            *(Text(_folded(row[place], room) if columns[place] == "workload" else row[place]) for place in shown)
        )
    return table


def _folded(name: str, room: int) -> str:
    """In lines of `room`, broken at spaces and hyphens, inside a word only where it is longer than a line.

    >>> _folded("ticket-triage of Europe", 12)
    'ticket-\\ntriage of\\nEurope'
    """
    return textwrap.fill(name, max(1, room - _GAP))


def _indented(text: str) -> str:
    return "\n".join(f"     {clean(line, PROSE)}" for line in text.split("\n"))


def _say(text: str) -> None:
    console = stdout()
    console.print(_in_lines(text, console), markup=False, highlight=False, emoji=False, soft_wrap=True)


def _in_lines(text: str, console: Console) -> str:
    """Prose in lines of a terminal's width; what goes to a file, and lines to be copied, stay whole."""
    if not console.is_terminal:
        return text
    return "\n".join(
        line
        if len(line) <= console.width or line.startswith(_COPIED)
        else textwrap.fill(
            line, console.width, subsequent_indent=" " * (len(line) - len(line.lstrip())), break_long_words=False,
            break_on_hyphens=False,
        )
        for line in text.split("\n")
    )  # fmt: skip
