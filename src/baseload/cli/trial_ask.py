"""What `baseload trial run` says before the first dollar, and whom it asks: calls, margins, dollars, where they go."""

from __future__ import annotations

import sys
from pathlib import Path
from urllib.parse import urlsplit

from baseload.cli.output import numbered, stderr
from baseload.errors import UsageError
from baseload.quality.sampling.sample import Sample
from baseload.quality.trial.planning_calls import calls_plan, certifiable
from baseload.quality.trial.planning_refusals import in_points, points
from baseload.quality.trial.setup import TrialSetup


def ask(setup: TrialSetup, sample: Sample, url: str, folder: Path, *, yes: bool) -> None:
    """Say what is about to be spent and on how many calls, and let a person decide.

    Raises UsageError where nobody can, or says no, and without `yes` where the calls cannot certify the bar's margin.
    """
    going_on = "goes on" if (folder / "record.jsonl").exists() else "begins"
    _say(
        f"The trial of {setup.candidate} for {setup.workload_name} {going_on}: recorded prompts go to "
        f"{urlsplit(url).hostname} ({setup.transport}), at most ${setup.cap_usd} in all."
    )
    said, short = reach(setup, len(sample.order))
    _say(said)
    if short and not yes:
        raise UsageError(short)
    if short:
        _say(f"WARNING: {short} Going on, as --yes says.")
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError("nobody to ask: give --yes where there is no terminal, and the dollars may be spent")
    stderr().print("Go on? [y/N] ", end="", markup=False)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise UsageError("nothing was sent")


def reach(setup: TrialSetup, calls: int) -> tuple[str, str]:
    """What so many calls can certify beside what the bar asks for; and why they are too few with what to do, "" = not.

    By the discordance that is assumed before a trial, as `trial plan` counts where nobody tried.
    """
    bar = setup.bar
    plan = calls_plan(bar, judged=setup.judged, wealths=[one.wealth for one in setup.counting])
    least = certifiable(calls, plan)
    said = (
        f"Its sample is {numbered(calls, 'call')}, one a session, near-repeats merged. They can certify "
        f"{points(least)}, where {plan.discordance:.0%} of the calls differ; the bar asks for {in_points(bar.points)}."
    )
    if setup.counting:
        said += (
            f" This is attempt {setup.attempt}: the earlier left {plan.alpha:.2g} of the bar's alpha of {bar.level:g}."
        )
    if calls >= plan.horizon:
        return said, ""
    limited = bar.most_calls is not None and calls >= bar.most_calls
    more = "raise most_calls of the bar" if limited else f"record {plan.horizon - calls:,} more sessions"
    return said, (
        f"{numbered(calls, 'call')} cannot be relied on to certify {in_points(bar.points)}: that takes "
        f"{plan.horizon:,}, and the likely end is no answer. Widen the margin knowingly, {more}, or give --yes to "
        "spend the dollars all the same."
    )


def _say(line: str) -> None:
    stderr().print(line, markup=False, soft_wrap=True)
