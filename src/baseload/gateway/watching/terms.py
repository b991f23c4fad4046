"""What a route promises: from a policy's entry and from the trial that allows it, where its document is at hand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from baseload.errors import UsageError
from baseload.plan.policy import Entry, Policy
from baseload.prices.book import PriceBook
from baseload.quality.watch.burn import Budget
from baseload.quality.watch.events import Signal
from baseload.quality.watch.terms import LADDER, Rung, Terms, Tested
from baseload.values import day_of_date
from baseload.values.periods import DAY_US

MARGIN: Final = 0.02
"""Where no trial says otherwise (`quality.bar.MARGIN`)."""
TRIALS: Final = Path(".baseload") / "trials"
_MOST_BYTES: Final = 16 << 20


class _Bar(msgspec.Struct):
    expires_days: int = 90
    grader: str = ""


class _Arm(msgspec.Struct):
    arm: str
    calls: int
    refusals: int = 0
    truncations: int = 0


class _Trial(msgspec.Struct):
    """What is read of a `trial.json` (schema `baseload.trial/1`)."""

    verdict_id: str
    decided_day: str
    candidate: str
    incumbent: str = ""
    tested_margin: float = MARGIN
    bar: _Bar = msgspec.field(default_factory=_Bar)
    arms: tuple[_Arm, ...] = ()
    grader_version: str = ""


class Promise(msgspec.Struct, frozen=True, kw_only=True):
    """What one verdict was earned with. `budgets`: the incumbent's own rate of each free signal, as measured."""

    decided_us: int
    margin: float = MARGIN
    expires_days: int = 90
    candidate: str = ""
    incumbent: str = ""
    grader: str = ""  # table, files and version, as `grade.grader_name` says them; "" = not compared
    budgets: dict[Signal, Budget] = msgspec.field(default_factory=dict)


def promises_in(folder: Path) -> dict[str, Promise]:
    """Verdict id -> its promise, of the trials that lie in a project; one that cannot be read is left out."""
    found: dict[str, Promise] = {}
    for path in sorted((folder / TRIALS).glob("*/trial.json")):
        try:
            if path.stat().st_size <= _MOST_BYTES:
                trial = msgspec.json.decode(path.read_bytes(), type=_Trial)
                found[trial.verdict_id] = _promise(trial)
        except (OSError, ValueError, RecursionError, UsageError):
            continue
    return found


def _promise(trial: _Trial) -> Promise:
    return Promise(
        decided_us=day_of_date(dt.date.fromisoformat(trial.decided_day)) * DAY_US,
        margin=trial.tested_margin,
        expires_days=trial.bar.expires_days,
        candidate=trial.candidate,
        incumbent=trial.incumbent,
        grader=f"{trial.bar.grader} {trial.grader_version}" if trial.bar.grader and trial.grader_version else "",
        budgets=_budgets(trial.arms),
    )


def _budgets(arms: tuple[_Arm, ...]) -> dict[Signal, Budget]:
    """What the incumbent showed of itself in the trial; nothing is judged that was not measured."""
    measured = next((arm for arm in arms if arm.arm == "incumbent" and arm.calls > 0), None)
    if measured is None:
        return {}
    refused, cut = measured.refusals / measured.calls, measured.truncations / measured.calls
    return {"refusal": Budget(baseline=min(refused, 0.99)), "truncation": Budget(baseline=min(cut, 0.99))}


def candidate_of(entry: Entry, book: PriceBook) -> str:
    """What a route is watched, and barred, under: the model of a pin, the fitted router of a route."""
    if entry.router is not None:
        return f"router:{entry.router.sha256[:16]}"
    return book.resolve(entry.model) or entry.model


def has_route(entry: Entry) -> bool:
    """Whether an entry moves anything that a trial had to allow."""
    return entry.decision != "leave" and not entry.pin_original


def entry_says(entry: Entry) -> str:
    """What an entry without a route wants of its workload, in words: one that moves no model never gets a route."""
    if entry.pin_original:
        return "pinned"
    return "left alone" if entry.decision == "leave" else "not served yet"


def terms_of(
    entry: Entry,
    policy: Policy,
    promises: Mapping[str, Promise],
    book: PriceBook,
    *,
    holdback: float,
    ladder: tuple[Rung, ...] = LADDER,
    now_us: int = 0,
) -> Terms:
    """The terms of an entry's route. Without the trial's document: the usual margin, decided when the policy was made;
    `now_us`, when the route begins, where the policy does not say when that was.

    Raises UsageError on values out of range.
    """
    promise = promises.get(entry.verdict_id) or Promise(decided_us=_day_us(policy.created, now_us))
    candidate = candidate_of(entry, book)
    incumbent = book.resolve(promise.incumbent) if len(entry.from_models) <= 1 else ""
    return Terms(
        workload=entry.workload.id,
        policy_id=policy.policy_id,
        verdict_id=entry.verdict_id,
        decided_us=promise.decided_us,
        tested=Tested(
            candidate=candidate,
            incumbent=incumbent,
            grader=promise.grader,
            systems=entry.match.system_fp,
            tools=entry.match.tools_fp,
        ),
        margin=promise.margin,
        expires_days=promise.expires_days,
        holdback=holdback,
        ladder=ladder,
        budgets={**promise.budgets, "schema": Budget(baseline=0.0)},
    )


def _day_us(day: str, unsaid_us: int) -> int:
    return day_of_date(dt.date.fromisoformat(day)) * DAY_US if day else unsaid_us
