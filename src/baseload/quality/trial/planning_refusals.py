"""Why there can be no trial as things are, each reason with the next step; and what is only to be known beforehand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final

import msgspec

from baseload.prices.book import PriceBook
from baseload.quality.bar import ALPHA, JUDGED_ALPHA, TIERS
from baseload.quality.trial.planning_calls import CallsPlan
from baseload.quality.trial.planning_question import Question

_MOST_NAME: Final = 60


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """One reason against the trial and what to do next; `next_step` may have several lines, commands among them."""

    kind: str
    reason: str
    next_step: str


def refusals(asked: Question, book: PriceBook) -> Iterator[Refusal]:
    """What stands against a trial before any figure: candidate, permission, bar, grader, recorded calls."""
    yield from _candidate(asked, book)
    if asked.data_use == "none":
        yield _data_use(asked)
    elif asked.transport == "batch":
        yield from _batch(asked)
    if asked.bar is None:
        yield _no_bar(asked)
    else:
        yield from _tier(asked)
    yield from _recorded(asked)


def _candidate(asked: Question, book: PriceBook) -> Iterator[Refusal]:
    name = asked.candidate.model
    model = book.models.get(name)
    others = "Name another candidate with --model; `baseload plan` lists those of this workload."
    if model is None:
        yield Refusal(
            kind="candidate-unknown",
            reason=f"the price book does not know {name[:60]}",
            next_step="Add it with `baseload prices add`, or map its name in baseload.toml (model_alias).",
        )
        return
    if name == asked.incumbent and asked.candidate.effort in ("", asked.incumbent_effort):
        yield Refusal(
            kind="candidate-is-incumbent",
            reason=f"{model.display_name} is what this workload runs on today",
            next_step="Name a cheaper model with --model, or a lower effort with --effort.",
        )
    if model.retires and dt.date.fromisoformat(model.retires) <= _date(asked.day):
        yield Refusal(
            kind="candidate-retired", reason=f"{model.display_name} was retired on {model.retires}", next_step=others
        )
    for why in asked.candidate.excluded_by:
        yield Refusal(kind="candidate-illegal", reason=f"{model.display_name} is ruled out: {why}", next_step=others)
    earlier = asked.earlier
    if earlier is not None and earlier.state == "breaks" and earlier.counts_on(asked.day):
        until = f" until {earlier.expires_day}" if earlier.expires_day else ""
        yield Refusal(
            kind="candidate-broke",
            reason=f"a trial has shown that {model.display_name} breaks this bar; that counts{until}",
            next_step="Try another candidate, or this one after that: all attempts while a verdict counts share one "
            "alpha, and this one left next to nothing of it.",
        )


def _data_use(asked: Question) -> Refusal:
    return Refusal(
        kind="data-use-none",
        reason="nobody has allowed that its recorded prompts are sent again",
        next_step="Once whoever owns the data agrees, write into baseload.toml (into its own table, if it has one):\n"
        + data_use_lines(asked),
    )


def data_use_lines(asked: Question) -> str:
    """The table of baseload.toml that allows a replay; bound to the found workload by its id."""
    use = "same_platform" if asked.zero_data_retention else "batch_allowed"
    other = "" if asked.zero_data_retention else '   # or "same_platform": one by one, at full price'
    bound = f'id = "{asked.workload}"\n' if asked.workload.startswith("w-") else ""
    return f'[[workload]]\nname = {quoted(asked.workload_name)}\n{bound}data_use = "{use}"{other}'


def _batch(asked: Question) -> Iterator[Refusal]:
    if asked.zero_data_retention:
        yield Refusal(
            kind="batch-under-zero-retention",
            reason="batch results are kept, which your agreement of zero data retention rules out",
            next_step="Ask for --transport synchronous: full price, nothing kept.",
        )
    elif asked.data_use != "batch_allowed":
        yield Refusal(
            kind="batch-not-allowed",
            reason="data_use of this workload does not allow batches",
            next_step='Ask for --transport synchronous, or write data_use = "batch_allowed" into baseload.toml.',
        )


def _no_bar(asked: Question) -> Refusal:
    if asked.bar_fault:
        return Refusal(
            kind="bar-unusable",
            reason=f"its bar cannot be used: {asked.bar_fault.rstrip('.')}",
            next_step="Mend its [[bar]] in baseload.toml: docs/reference/project.md lists every key.",
        )
    return Refusal(
        kind="no-bar",
        reason="nobody has said how good its answers must be",
        next_step="Write into baseload.toml, and set what is right for this workload:\n" + bar_lines(asked),
    )


_GRADERS: Final[Mapping[str, str]] = {
    "classification": 'kind = "label"\ntruth = "truths.jsonl"',
    "routing": 'kind = "label"\ntruth = "truths.jsonl"',
    "extraction": 'kind = "extraction"\ntruth = "truths.jsonl"',
    "formatting": 'kind = "parsed"\nlanguage = "json"\ntruth = "truths.jsonl"',
    "codegen": 'kind = "code"\ntruth = "tests.jsonl"',
}


def bar_lines(asked: Question) -> str:
    """A [[bar]] table ready to be pasted, with the grader its kind of work is usually scored by, and $25 to spend."""
    grader = _GRADERS.get(asked.task, f'kind = "judge"\nmodel = "{asked.incumbent}"')
    return (
        f"[[bar]]\nworkload = {quoted(asked.workload)}   # {legible(asked.workload_name)}\n"
        "margin = 0.02             # two points of the mean score are still no worse\n"
        'budget_usd = "25.00"      # the most a trial may spend\n'
        f"[bar.grader]              # docs/reference/graders.md\n{grader}"
    )


def quoted(text: str) -> str:
    """A TOML basic string."""
    return msgspec.json.encode(text).decode().replace("\x7f", "\\u007f")


def legible(text: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in text)[:_MOST_NAME]


def _tier(asked: Question) -> Iterator[Refusal]:
    bar, grading = asked.bar, asked.grading
    if bar is None or grading is None:
        return
    if bar.critical and grading.tier != "truth":
        yield Refusal(
            kind="critical-without-truth",
            reason=f"the bar is critical and its grader {bar.grader[:40]} reaches {grading.tier}, not truth",
            next_step="Grade against true answers, tests or a schema (docs/reference/graders.md), or drop critical.",
        )
    elif TIERS.index(grading.tier) > TIERS.index(bar.tier_required):
        yield Refusal(
            kind="tier-not-reachable",
            reason=f"the bar requires tier {bar.tier_required}; its grader {bar.grader[:40]} reaches {grading.tier}",
            next_step="Choose a grader of that tier (docs/reference/graders.md), or lower tier_required.",
        )
    if grading.judged and bar.level <= ALPHA - JUDGED_ALPHA:
        yield Refusal(
            kind="alpha-too-small",
            reason=f"alpha {bar.level:g} of a judged bar; its judge's controls take {ALPHA - JUDGED_ALPHA:.2f} of it",
            next_step="Raise alpha of the bar, or grade against true answers.",
        )
    if grading.judge and grading.judge == asked.candidate.model:
        yield Refusal(
            kind="judges-itself",
            reason=f"the judge {grading.judge[:60]} is the candidate",
            next_step="Name another judge in the bar: nobody judges itself.",
        )


def _recorded(asked: Question) -> Iterator[Refusal]:
    recorded, bar = asked.recorded, asked.bar
    if not recorded.with_body:
        yield Refusal(kind="nothing-to-replay", reason=_why_nothing(asked), next_step=capture(asked))
        return
    if recorded.elsewhere == recorded.with_body:
        yield Refusal(
            kind="other-platform",
            reason="its calls ran on another platform than the Claude API, and recorded prompts are sent nowhere else",
            next_step="Replay it there yourself, and decide on its scores: baseload trial decide --scores FILE.jsonl "
            "--margin 0.02",
        )
    if recorded.with_truth == 0:
        yield Refusal(
            kind="no-truths",
            reason="the bar's grader needs the true answer of a call, and its file knows none",
            next_step='Write rows {"call": id, "truth": …} into it: a trial samples only calls whose truth is known.',
        )
    if bar is not None and recorded.not_replayable_share > bar.not_replayable_most:
        yield Refusal(
            kind="not-replayable",
            reason=f"{recorded.not_replayable_share:.1%} of its recorded calls cannot be sent to the candidate; the "
            f"bar takes {bar.not_replayable_most:.1%}",
            next_step="Name another candidate with --model, split the workload by what it asks for, or raise "
            "not_replayable_most knowingly: a verdict says nothing about calls that were left out.",
        )


def _why_nothing(asked: Question) -> str:
    calls = asked.recorded.calls
    if not calls:
        return "the ledger holds totals of this workload and no single call"
    return f"none of its {calls:,} calls has a recorded request and answer"


def capture(asked: Question) -> str:
    """The commands that start capture: from files where its source records bodies, else by the gateway's sampler."""
    if asked.recorded.keeps_bodies:
        return (
            "Turn on the logging of requests and answers in its source, read it again, and keep them, encrypted, "
            "in the project's vault:\n"
            "baseload import PATH --keep-bodies"
        )
    return (
        "Its source records no requests. Put the observing gateway before the calls, with the vault's sampler on, and "
        "plan again once it has seen enough:\nbaseload gateway --observe"
    )


def money_refusals(
    asked: Question, calls: CallsPlan, first_look_usd: Decimal, expected_usd: Decimal
) -> Iterator[Refusal]:
    """A budget that does not reach the first look, or not the expected end."""
    budget = asked.bar.budget_usd if asked.bar is not None else Decimal(0)
    if budget < first_look_usd:
        yield Refusal(
            kind="budget-under-first-look",
            reason=f"the first look is likely to cost ${first_look_usd:.2f}; the bar's budget is ${budget:.2f}",
            next_step=f"Raise budget_usd of the bar to ${expected_usd:.2f} for an answer, or choose a cheaper grader.",
        )
    elif budget < expected_usd:
        yield Refusal(
            kind="budget-under-plan",
            reason=f"{calls.sent:,} calls are likely to cost ${expected_usd:.2f}; the bar's budget is ${budget:.2f}",
            next_step=f"Raise budget_usd of the bar to ${expected_usd:.2f}, or widen its margin.",
        )


def calls_refusals(asked: Question, calls: CallsPlan, there: int, margin: float | None) -> Iterator[Refusal]:
    """Too few independent calls for the bar's margin: fewer than the horizon, which is what `certifiable` counts by."""
    recorded = asked.recorded
    is_said = not recorded.with_body or recorded.elsewhere == recorded.with_body or recorded.with_truth == 0
    if is_said or there >= calls.horizon:
        return
    limited = asked.bar is not None and asked.bar.most_calls is not None and asked.bar.most_calls <= there
    kind = "independent ones are recorded" if recorded.with_truth is None else "have a body and a known truth"
    found = f"{there:,} are the most the bar allows" if limited else f"{there:,} {kind}"
    more = "raise most_calls of the bar" if limited else f"record {calls.horizon - there:,} more sessions"
    yield Refusal(
        kind="too-few-calls",
        reason=f"a margin of {in_points(calls.margin)} takes up to {calls.horizon:,} calls and {found}; they certify "
        f"{points(margin)}",
        next_step=f"Widen the margin knowingly, {more}, or pool alike workloads under one name in baseload.toml.",
    )


def in_points(margin: float) -> str:
    """A bar's margin as it was set.

    >>> in_points(0.02), in_points(0.01), in_points(0.0125)
    ('2 points', '1 point', '1.25 points')
    """
    found = round(margin * 100, 4)
    return f"{found:g} {'point' if found == 1 else 'points'}"


def points(margin: float | None) -> str:
    """The smallest margin in points of score, up to a tenth, rounded so that it is never too good.

    >>> points(0.02), points(0.0242), points(0.01), points(None)
    ('2.0 points', '2.5 points', '1.0 points', 'no margin')
    """
    if margin is None:
        return "no margin"
    tenths = -(-round(margin * 1_000_000) // 1_000)
    return f"{tenths / 10:.1f} points"


def _date(day: int) -> dt.date:
    return dt.date(1970, 1, 1) + dt.timedelta(days=day)
