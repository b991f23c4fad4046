"""`baseload trial run`: a trial from its bar to its verdict; `baseload trial approve`: who stands by it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from baseload.cli.help import AsOf, Json, ProjectFolder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from decimal import Decimal

    from baseload.cli.trial_inputs import TrialInputs
    from baseload.quality.sampling.sample import Sample
    from baseload.quality.trial.document import ArmSummary, TrialDocument
    from baseload.quality.trial.run import Judging
    from baseload.quality.trial.setup import TrialSetup

RAN_SCHEMA = "baseload.trial.ran/1"
APPROVED_SCHEMA = "baseload.trial.approved/1"


def run(
    workload: Annotated[str, Parameter(help="Id or name of a workload; that of the only bar when none is given.")] = "",
    *,
    model: Annotated[str, Parameter(help="The candidate.")],
    effort: Annotated[
        Literal["", "low", "medium", "high", "xhigh", "max"],
        Parameter(help="The candidate's effort; else as calls ask for today.", show_default=False),
    ] = "",
    base_url: Annotated[
        str, Parameter(help="The API; else ANTHROPIC_BASE_URL, else Anthropic's own.", show_default=False)
    ] = "",
    transport: Annotated[
        Literal["batch", "synchronous"] | None,
        Parameter(help="How calls are sent; else in batches (half price) where data_use allows it."),
    ] = None,
    budget: Annotated[str, Parameter(help="Dollars at most; else the bar's, which are never passed.")] = "",
    again: Annotated[
        bool, Parameter(negative=(), help="Begin anew on other calls; the last one is kept, and all share one alpha.")
    ] = False,
    yes: Annotated[
        bool, Parameter(negative=(), help="Do not ask before the first dollar, and begin with too few calls too.")
    ] = False,
    project: ProjectFolder = None,
    as_of: AsOf = None,
    json: Json = False,
) -> int:
    """Replay recorded calls on a cheaper model, grade both answers, and stop as soon as there is an answer.

    The bar comes from baseload.toml, the key from ANTHROPIC_API_KEY and nowhere else. Dollars are reserved before each
    submit. A run that was stopped goes on where it was, with the same command; nothing is sent twice in batches.

    Before the first dollar it draws its sample, one call a session with near-repeats merged, and says the smallest
    margin so many calls can certify. Where that is more than the bar's, it begins with --yes alone.

    Ends with 1 where the verdict is INVALID.

    Examples
    --------
    baseload trial run "Ticket triage" --model claude-haiku-5-5
    baseload trial run triage --model claude-haiku-5-5 --budget 2 --yes --json | jq .trial.state
    """
    from baseload.cli import trial_setup as made
    from baseload.cli.output import EXIT_DONE, EXIT_PROBLEMS, print_json, print_problems
    from baseload.cli.trial_attempts import counted, note_ended, set_aside
    from baseload.cli.trial_inputs import trial_inputs
    from baseload.quality.trial.judging import Replies
    from baseload.values import day_of_date

    replies = Replies()
    inputs = trial_inputs(project, workload or made.only_bar(project), model, effort, as_of=as_of, ask=replies)
    setup, judging, problems = made.setup_of(inputs, replies, transport, budget)
    folder = made.place_of(inputs, setup)
    try:
        if again and not set_aside(setup, folder, made.journal_seal(inputs)):
            _say("The trial there has not ended: it goes on, and nothing paid is lost. Then --again begins another.")
        setup = counted(setup, folder, day_of_date(inputs.today))
        document = _ended(inputs, setup, folder) or _run(
            inputs, setup, folder, judging, made.api_url(base_url), yes=yes
        )
    finally:
        getattr(setup.grader, "close", lambda: None)()
    note_ended(folder, document)
    files = write_verdict(inputs.folder, document)
    if json:
        earlier = document.attempt - 1
        print_json({"schema": RAN_SCHEMA, "files": files, "earlier_trials": earlier, "trial": document})
    else:
        _print(document, files)
        print_problems(problems)
    return EXIT_PROBLEMS if document.state == "invalid" else EXIT_DONE


def _ended(inputs: TrialInputs, setup: TrialSetup, folder: Path) -> TrialDocument | None:
    """The trial where it has ended; None where it has not. Raises UsageError where its verdict has expired."""
    from baseload.errors import UsageError
    from baseload.quality.trial.begun import finished

    found = finished(folder, setup)
    if found is not None and found.expires_day <= inputs.today.isoformat():
        raise UsageError(f"{folder}: the verdict there expired on {found.expires_day}. Try anew with --again.")
    return found


def _run(
    inputs: TrialInputs, setup: TrialSetup, folder: Path, judging: Judging | None, url: str, *, yes: bool
) -> TrialDocument:
    """The trial, begun or gone on with, once somebody has said yes to its dollars."""
    import asyncio

    from msgspec.structs import replace

    from baseload.cli import trial_setup as made
    from baseload.cli.trial_ask import ask
    from baseload.quality.trial.begun import drawn
    from baseload.quality.trial.paid import within_budget

    key = made.api_key()
    likely = within_budget(replace(setup, simulated=made.is_local(url)))
    sample = drawn(likely, folder, made.bodies_of(inputs))
    ask(likely, sample, url, folder, yes=yes)
    return asyncio.run(_sent(inputs, setup, folder, judging, url, key, sample))


async def _sent(
    inputs: TrialInputs,
    setup: TrialSetup,
    folder: Path,
    judging: Judging | None,
    url: str,
    key: str,
    sample: Sample,
) -> TrialDocument:
    import secrets
    import time

    from baseload.cli import trial_setup as made
    from baseload.cli.trial_attempts import note_begun
    from baseload.quality.trial.paid import within_budget
    from baseload.quality.trial.run import run_trial
    from baseload.quality.trial.stages import Pace
    from baseload.values import day_of_date

    async with made.opened(url, key, setup) as (transport, known):
        return await run_trial(
            within_budget(known),
            folder,
            transport,
            book=inputs.book,
            bodies=made.bodies_of(inputs),
            nonce=f"{'sim' if known.simulated else 'run'}{secrets.token_hex(8)}",
            clock=time.time,
            judging=judging,
            seal=made.journal_seal(inputs),
            pace=Pace(settle_s=5.0, poll_s=0.5) if known.simulated else Pace(),  # a stand-in is quick
            on_progress=_progress(),
            sample=sample,
            on_begun=lambda: note_begun(known, folder, day_of_date(inputs.today)),
        )


def _progress() -> Callable[[str], None]:
    """Plain lines on standard error, a look each."""
    return _say


def _say(line: str) -> None:
    from baseload.cli.output import stderr

    stderr().print(line, markup=False, soft_wrap=True)


def write_verdict(project: Path, document: TrialDocument) -> dict[str, str]:
    """The verdict where `baseload plan` looks for it; which file holds what."""
    import datetime as dt

    from baseload.cli.run import VERDICTS
    from baseload.cli.trial_folder import DOCUMENT, RECORD, TRIALS
    from baseload.quality.trial.conclude import verdict_bytes
    from baseload.quality.trial.document import folder_name
    from baseload.quality.trial.evidence import write_whole
    from baseload.values import day_of_date

    name = folder_name(document.workload, document.candidate, document.effort)
    path = project / VERDICTS / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, verdict_bytes(document, day_of_date(dt.date.fromisoformat(document.expires_day))))
    folder = project / TRIALS / name
    return {"verdict": str(path), "record": str(folder / RECORD), "trial": str(folder / DOCUMENT)}


def approve(
    record: Annotated[Path, Parameter(help="A trial's record, or its folder.")],
    *,
    who: Annotated[str, Parameter(help="Who stands by it.")],
    comment: Annotated[str, Parameter(help="Why.")],
    json: Json = False,
) -> int:
    """Append an approval to a trial's record: who, on which day, and why. The verdict's id is a new one from then on.

    The record is verified first. Its document and the project's verdict get the new id.

    Examples
    --------
    baseload trial approve .baseload/trials/triage--claude-haiku-5-5 --who "A. Lindqvist" --comment "Reviewed 20 pairs"
    """
    import datetime as dt

    from baseload.cli.output import EXIT_DONE, print_json, stdout
    from baseload.cli.run import VERDICTS
    from baseload.cli.trial_folder import TRIALS
    from baseload.quality.trial.approve import approved
    from baseload.quality.trial.document import Approval

    folder = record if record.is_dir() else record.parent
    on = dt.datetime.now(dt.UTC).date().isoformat()
    document = approved(folder, Approval(who=who, on=on, comment=comment))
    files = {}
    if folder.resolve().parent.parts[-2:] == TRIALS.parts:
        project = folder.resolve().parents[2]
        if (project / VERDICTS / f"{folder.name}.json").exists():
            files = write_verdict(project, document)
    if json:
        print_json({"schema": APPROVED_SCHEMA, "verdict_id": document.verdict_id, "files": files})
    else:
        stdout().print(f"Approved by {who} on {on}. The verdict's id is now {document.verdict_id}.", markup=False)
    return EXIT_DONE


def _print(document: TrialDocument, files: Mapping[str, str]) -> None:
    from baseload.cli.output import stdout
    from baseload.report.evidence_words import attempt, cut_weights

    lines = [document.sentence, *_why(document), *_numbers(document)]
    lines += [line for line in (attempt(document), cut_weights(document)) if line]
    lines += [f"Verdict {document.verdict_id}", *(f"  {name}: {path}" for name, path in files.items())]
    lines.append(f"  check it: baseload trial verify {files['record']} --head {document.verdict_id}")
    console = stdout()
    for line in lines:
        console.print(line, markup=False, soft_wrap=True)


def _why(document: TrialDocument) -> list[str]:
    """What the sentence leaves out: why there is no answer, and why calls could not be sent."""
    from baseload.report.evidence_words import why

    lines = [f"Why: {why(document)}."] if document.state == "not_shown" else []
    for reason, calls in sorted(document.sample.not_replayable_reasons.items(), key=lambda item: (-item[1], item[0])):
        cause = reason.removeprefix("body: ")
        lines.append(f"{calls:,} of {document.sample.drawn:,} could not be sent: {cause}.")
        if cause == "body-changed" and calls == document.sample.drawn:
            lines.append(
                "  All of them: this machine most likely has another key (docs/how-to/share-key.md) than the one the "
                "ledger was imported with."
            )
    return lines


def _numbers(document: TrialDocument) -> list[str]:
    """Dollars, misses and arms, a line each."""
    from baseload.report.numbers import usd, usd_each

    money, misses = document.money, document.misses
    found = [
        (
            f"Spent {usd(f'{money.spent_usd:f}', 2)} of {usd(f'{money.cap_usd:f}', 2)}, of it "
            f"{usd(f'{money.grading_usd:f}', 2)} on grading."
        )
    ]
    if money.maybe_paid_twice_usd:
        found.append(
            f"At most {usd(f'{money.maybe_paid_twice_usd:f}', 2)} more was perhaps paid for answers nobody has."
        )
    if money.saving_a_month_usd is not None:
        found.append(
            f"The move saves {usd(f'{money.saving_a_month_usd:f}', 2)} a month at list price "
            f"({money.calls_a_month or 0:,.0f} calls"
            f"{_scaled(money.calls_counted_share)})."
        )
    if misses.break_even_usd_per_miss is not None:
        found.append(f"It pays unless a miss costs more than {usd_each(f'{misses.break_even_usd_per_miss:f}')}.")
    elif misses.break_even_at_margin_usd_per_miss is not None:
        found.append(
            f"No call lost at the estimate; at the margin it pays unless a miss costs more than "
            f"{usd_each(f'{misses.break_even_at_margin_usd_per_miss:f}')}."
        )
    if misses.extra_a_month_at_margin is None:
        found.append("How many calls there are in a month nobody counts: dollars and misses a month are not known.")
    elif misses.extra_a_month_at_estimate is not None:
        found.append(
            f"Extra misses a month: {misses.extra_a_month_at_estimate:,.0f} at the estimate, "
            f"{misses.extra_a_month_at_margin:,.0f} at the margin."
        )
    return found + [_arm(arm) for arm in document.arms]


def _scaled(counted: Decimal) -> str:
    """Said where some of the calls are not counted."""
    return "" if counted == 1 else f", counted for {counted:.0%} of the dollars and scaled to all"


def _arm(arm: ArmSummary) -> str:
    from baseload.report.evidence_words import arm as named
    from baseload.report.numbers import usd_each

    tokens = "" if arm.output_tokens_mean is None else f", {arm.output_tokens_mean:,.0f} tokens of output"
    latency = (
        "" if arm.latency_p50_ms is None else f", p50 {arm.latency_p50_ms:.0f} ms, p95 {arm.latency_p95_ms:.0f} ms"
    )
    cost = (
        "" if arm.cost_per_completed_usd is None else f", {usd_each(f'{arm.cost_per_completed_usd:f}')} a {_task(arm)}"
    )
    return (
        f"  {named(arm)} ({arm.model}): {arm.calls:,} calls, {arm.failures:,} failed ({arm.refusals:,} refused, "
        f"{arm.truncations:,} cut off){tokens}{latency}{cost}"
    )


def _task(arm: ArmSummary) -> str:
    """A wrong answer completes no task where scores say so."""
    return "task completed, by its scores" if arm.by_scores else "task completed (an answer that did not fail)"
