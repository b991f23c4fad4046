"""Trials in a terminal: a table of all, or one with its verdict, its differences and the command that verifies it."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from baseload.quality.trial.document import ArmSummary, Discordant, TrialDocument
from baseload.report import evidence_words as words
from baseload.report import numbers
from baseload.report.evidence_view import Checked, trusted
from baseload.report.names import PROSE, clean, legible
from baseload.report.text import WARNING, WIDE, summary_line, summary_table

TOP = 10
SHOWN_TEXT = 1_000
NARROW = 126
"""Columns that the table of three arms needs with an arm a row."""


def render_trials(trials: Sequence[Checked], console: Console) -> None:
    """A line a trial: what it says, how sure, what the move saves, until when it counts."""
    columns = ("Workload", "Candidate", "Trial", "Difference", "Calls", "Saves a month", "Counts until", "Grade")
    shown = columns if console.width >= WIDE else columns[:6]
    table = summary_table(f"Trials: {len(trials)}", shown, right=(3, 4, 5))
    for trial in trials:
        document = trusted(trial)
        cells = (
            Text(clean(document.workload_name, 34)),
            Text(clean(_candidate(document), 34)),
            Text(_status(trial)),
            words.points(document.decision.estimate),
            f"{document.decision.n_used:,}",
            numbers.usd(words.amount(document.money.saving_a_month_usd), 2),
            document.expires_day,
            document.grade,
        )
        table.add_row(*cells[: len(shown)])
    console.print(table)


def render_trial(trial: Checked, console: Console, *, texts: bool = False) -> None:
    """One trial. With `texts` its largest differences are shown in words, redacted."""
    document = trusted(trial)
    decision = document.decision
    console.print(Text(clean(f"{document.workload_name} on {_candidate(document)}", PROSE), style="bold"))
    console.print(summary_line((f"{words.status(document).capitalize()}: ", "bold"), words.why(document)))
    if trial.record_fault:
        console.print(summary_line(("Record: ", WARNING), f"{trial.record_fault}. Rely on nothing of it."))
    if document.grade == "simulated":
        console.print(summary_line(("Simulated: ", WARNING), "a stand-in answered, no model: this proves nothing."))
    console.print(summary_line(("", ""), document.sentence))
    console.print(
        f"{decision.n_used:,} calls, {words.points(decision.estimate)} points "
        f"({words.points_range(decision.low, decision.high)}, 95 % at any time); the bar allows a loss of "
        f"{words.margin(document.bar.points)}. Wealth {words.wealth(decision.e_value)}, needed "
        f"{words.needed(document)}.",
        soft_wrap=True,
    )
    for line in (words.across(document), words.attempt(document), words.cut_weights(document)):
        if line:
            console.print(summary_line(("", ""), line), soft_wrap=True)
    saving = words.amount(document.money.saving_a_month_usd)
    console.print(
        f"Saves {numbers.usd(saving, 2)} a month at list price; {words.payback(document)}. "
        f"{words.break_even(document)}",
        soft_wrap=True,
    )
    _arms(document, console)
    _differences(document, console, texts)
    for one in document.approvals:
        console.print(summary_line(("Approved: ", "bold"), f"{one.who}, {one.on}. {one.comment}"))
    console.print(summary_line(("Verify: ", "bold"), words.verify_command(trial.name, document)), soft_wrap=True)


def _arms(document: TrialDocument, console: Console) -> None:
    if not document.arms:
        return
    columns = ("Arm", "Calls", "Failures", "Refusals", "Tokens out", "p50", "p95", "USD a call", "USD a completed task")
    rows = [_arm(one) for one in document.arms]
    if console.width < NARROW:  # an arm a column: nine columns would cut the names and the figures
        lines = list(zip(columns, *rows, strict=True))
        columns, rows = lines[0], lines[1:]
    table = summary_table("Arms", columns, right=tuple(range(1, len(columns))))
    for cells in rows:
        table.add_row(*cells)
    console.print(table)
    console.print(words.completed(document), soft_wrap=True)


def _arm(one: ArmSummary) -> tuple[str, ...]:
    return (
        words.arm(one),
        f"{one.calls:,}",
        f"{one.failures:,}",
        f"{one.refusals:,}",
        words.tokens(one.output_tokens_mean),
        words.milliseconds(one.latency_p50_ms),
        words.milliseconds(one.latency_p95_ms),
        numbers.usd_each(words.amount(one.cost_per_call_usd)),
        numbers.usd_each(words.amount(one.cost_per_completed_usd)),
    )


def _differences(document: TrialDocument, console: Console, texts: bool) -> None:
    shown = document.discordant[:TOP]
    if not shown:
        return
    if texts:
        for pair in shown:
            _in_words(document, pair, console)
        return
    table = summary_table(
        f"Calls that scored apart: {document.discordant_calls:,}",
        ("Call", "Points x weight", "Known", "Why"),
        right=(1,),
    )
    for pair in shown:
        table.add_row(Text(clean(pair.call_id, 24)), words.points(pair.d, 0), pair.how, Text(clean(pair.reason, 60)))
    console.print(table)


def _in_words(document: TrialDocument, pair: Discordant, console: Console) -> None:
    console.print(summary_line((f"{words.points(pair.d, 0)} points ", "bold"), f"{pair.call_id}: {pair.reason}"))
    for who, text in (
        ("asked", pair.asked),
        (document.incumbent, pair.incumbent_text),
        (document.candidate, pair.candidate_text),
    ):
        said = "\n".join(legible(line, SHOWN_TEXT) for line in text[:SHOWN_TEXT].split("\n")) or "not kept"
        console.print(Text.assemble((f"  {clean(who, 40)}: ", "dim"), said), soft_wrap=True)
    console.print()


def _status(trial: Checked) -> str:
    document = trusted(trial)
    fault = ": record does not fit" if trial.record_fault else ""
    return words.status(document) + (f", attempt {document.attempt}" if document.attempts else "") + fault


def _candidate(document: TrialDocument) -> str:
    return f"{document.candidate} at effort {document.effort}" if document.effort else document.candidate
