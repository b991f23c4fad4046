"""`baseload trial`: does the cheaper model hold the bar?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from baseload.cli.help import Json, epilogue

if TYPE_CHECKING:
    from baseload.quality.decide import Decision

app = App(
    name="trial",
    help="Does the cheaper model hold the bar? A test that may be stopped at any time, with an error that is known.",
    help_epilogue=epilogue(["baseload trial decide --scores scores.jsonl --margin 0.02"]),
)
app.command(
    "baseload.cli.trial_plan:plan",
    name="plan",
    help="What finding out would take and is worth, before anything is spent.",
)

app.command(
    "baseload.cli.trial_show:show",
    name="show",
    help="What trials have shown: a table, one trial, or its evidence as a page.",
)
app.command("baseload.cli.trial_run:run", name="run", help="Replay recorded calls on a cheaper model, to a verdict.")
app.command("baseload.cli.trial_run:approve", name="approve", help="Put your name to a verdict, in its record.")


@app.command
def decide(
    *,
    scores: Annotated[
        Path, Parameter(help="JSONL, a row a call in order: {\"d\": candidate's score - incumbent's}, -1 to 1.")
    ],
    margin: Annotated[float, Parameter(help="Loss of mean score that is still no worse: 0.02 is two points.")],
    alpha: Annotated[float, Parameter(help="Chance of passing a candidate that is worse by the margin.")] = 0.05,
    alpha_break: Annotated[
        float | None, Parameter(help="Chance of breaking one that is not. Default: as --alpha.")
    ] = None,
    most_calls: Annotated[int | None, Parameter(help="The horizon never lies beyond so many calls.")] = None,
    futility: Annotated[bool, Parameter(help="Stop early where no answer is to be hoped for.")] = True,
    json: Json = False,
) -> int:
    """From paired scores to a verdict: HOLDS, BREAKS, NOT_SHOWN or INVALID.

    Scores are taken in their order until the test stops; rows after that are not read. One call of a session counts,
    or the session's mean: calls of one session are not independent.

    Examples
    --------
    baseload trial decide --scores scores.jsonl --margin 0.02
    baseload trial decide --scores scores.jsonl --margin 0.01 --alpha 0.025 --json | jq .verdict
    """
    from baseload.cli.output import EXIT_DONE, EXIT_PROBLEMS, print_json
    from baseload.errors import UsageError
    from baseload.quality.betting import Rule
    from baseload.quality.scores import decide_lines

    rule = Rule(margin=margin, alpha=alpha, alpha_break=alpha_break, futility=futility, most_calls=most_calls)
    try:
        with scores.open("rb") as lines:
            decision = decide_lines(lines, rule)
    except OSError as error:
        raise UsageError(f"{scores}: {error.strerror}; expected a readable JSONL file of scores") from error
    if json:
        print_json(decision)
    else:
        _print(decision)
    return EXIT_PROBLEMS if decision.verdict == "INVALID" else EXIT_DONE


@app.command
def verify(
    record: Annotated[Path, Parameter(help="The evidence record of a trial, JSONL.")],
    *,
    head: Annotated[str | None, Parameter(help="The verdict's id, from the policy, the report or the brief.")] = None,
    json: Json = False,
) -> int:
    """Recompute a verdict offline from its hash-chained record; nothing is asked of anybody.

    Exit 1 where the record states another verdict than its differences give, 3 where the record was changed, cut or
    does not end in the head. Without --head a record that was rewritten from its first line on cannot be told.

    Examples
    --------
    baseload trial verify .baseload/trials/triage.jsonl --head 5f2c…
    baseload trial verify triage.jsonl --json | jq .decision.verdict
    """
    from baseload.cli.book import read_file
    from baseload.cli.output import EXIT_DONE, EXIT_PROBLEMS, print_json, stdout
    from baseload.quality.record import verify as verify_record

    found = verify_record(read_file(record, "evidence record"), head)
    if json:
        print_json({"schema": "baseload.trial.verified/1", "head_given": head is not None, "verified": found})
        return EXIT_DONE if found.agrees else EXIT_PROBLEMS
    console = stdout()
    _print(found.decision)
    stated = found.recorded or "no verdict yet"
    console.print(
        f"{found.lines} lines hold together, {found.pairs} pairs. The record states: {stated}. Head {found.head}.",
        markup=False,
        soft_wrap=True,
    )
    if found.attempt > 1:
        left = f"left {found.alpha_left:.3g} of the bar's alpha of {found.bar.level:g}; tested at {found.alpha:.3g}."
        console.print(
            f"Attempt {found.attempt} at this candidate: the earlier ones {left}", markup=False, soft_wrap=True
        )
    if not found.agrees:
        console.print("The differences give another verdict than the record states: do not rely on it.", markup=False)
    if head is None:
        console.print("Without --head nobody can tell whether all of it was rewritten.", markup=False)
    return EXIT_DONE if found.agrees else EXIT_PROBLEMS


def _print(decision: Decision) -> None:
    from baseload.cli.output import stdout
    from baseload.quality.decide import NOT_SHOWN

    console = stdout()
    console.print(f"{decision.verdict}: {decision.reason.removeprefix(NOT_SHOWN)}.", markup=False, soft_wrap=True)
    if decision.fault is not None:
        console.print(f"{decision.fault}. Mend the row and decide again.", markup=False, soft_wrap=True)
        return
    if decision.estimate is None:
        console.print("No row of scores: nothing was tested.", markup=False)
        return
    console.print(
        f"{decision.n_used} calls, mean difference {decision.estimate:+.4f}, between {decision.low:+.4f} and "
        f"{decision.high:+.4f} (95 %, at any time); the bar is {-decision.margin:+.4f}.",
        markup=False,
        soft_wrap=True,
    )
    check = "" if decision.tango_p is None else f"; fixed-sample check (Tango) p = {decision.tango_p:.3g}"
    console.print(
        f"Wealth against the candidate being worse {decision.e_value:.3g}, needed {1 / decision.alpha:.3g}{check}.",
        markup=False,
        soft_wrap=True,
    )
