"""What is asked of a case beside offer and demand, checked; nothing that is not given gets a value here."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from math import isfinite
from typing import Any, Final, NamedTuple

import msgspec

from baseload.commit.clauses import Channel
from baseload.commit.offer import Offer
from baseload.commit.refusal import CommitError
from baseload.commit.size.demand import Demand
from baseload.commit.timing.effort import plan_effort
from baseload.commit.timing.schedule import Work, plan_work
from baseload.commit.worth.asks import ASKS, BY_NAME
from baseload.commit.worth.shapley import MOST_CLAUSES

MOST_WEEKS: Final = 10_000.0
MOST_USD: Final = 1e9
MOST_YEARS_AWAY: Final = 5


class Cloud(NamedTuple):
    """The same models through another cloud: its channel, and a discount there without a commitment."""

    channel: Channel
    discount: Decimal


class PlanWork(NamedTuple):
    """What a plan document says about its work; `weeks` in all, by change in `work`, at `pace` days a week."""

    weeks: float
    work: tuple[Work, ...]
    pace: float


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """Flags of the command line; None = not given. Raises CommitError naming the flag."""

    person_weeks: float | None = None
    signature_weeks: float | None = None
    week_usd: float | None = None
    trial_usd: float | None = None
    running_usd_per_month: float | None = None
    signing: dt.date | None = None
    bundle: tuple[str, ...] | None = None
    cloud: Cloud | None = None
    delay_months: int | None = None

    def __post_init__(self) -> None:
        limits = (
            ("--effort-weeks", self.person_weeks, MOST_WEEKS, "person-weeks"),
            ("--signature-weeks", self.signature_weeks, MOST_WEEKS, "person-weeks"),
            ("--week-usd", self.week_usd, MOST_USD, "US dollars"),
            ("--trial-usd", self.trial_usd, MOST_USD, "US dollars"),
            ("--running-usd-month", self.running_usd_per_month, MOST_USD, "US dollars a month"),
        )
        for field, value, most, unit in limits:
            if value is not None and not (isfinite(value) and 0 <= value <= most):
                raise CommitError(field, value, f"{unit}, 0 to {most:,.0f}")


class CaseRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A case to make. `plan` is what the plan document says about its work, `no_plan_work` why there is nothing."""

    offer: Offer
    demand: Demand
    given: Given = Given()
    plan: PlanWork | None = None
    no_plan_work: str = ""
    offer_sha256: str = ""
    demand_sha256: str = ""
    savings_text: str = ""
    savings_sha256: str = ""
    warnings: tuple[str, ...] = ()


def plan_terms(document: Mapping[str, Any]) -> tuple[PlanWork | None, str]:
    """Work of a plan document, or why it has none."""
    try:
        work, pace = plan_work(document)
        return PlanWork(plan_effort(document), work, pace), ""
    except CommitError as error:
        return None, f"the plan says no work ({error.value}; expected {error.rule})"


def cloud_of(
    name: str | None,
    discount: float | None = None,
    shadow_value: float | None = None,
    commit_usd: float | None = None,
    cap: float | None = None,
) -> Cloud | None:
    """Another cloud from its flags; None where none is named. Raises CommitError naming the flag."""
    flags = {
        "--cloud-discount": discount,
        "--cloud-shadow-value": shadow_value,
        "--cloud-commit-usd": commit_usd,
        "--cloud-cap": cap,
    }
    if name is None:
        stray = next((flag for flag, value in flags.items() if value is not None), None)
        if stray:
            raise CommitError("--cloud", "missing", f"aws, gcp or azure beside {stray}")
        return None
    if discount is None and shadow_value is None:
        raise CommitError("--cloud", name, "--cloud-discount or --cloud-shadow-value beside it: what it is worth there")
    for flag in ("--cloud-discount", "--cloud-shadow-value", "--cloud-cap"):
        value = flags[flag]
        top = value is not None and value == 1 and flag == "--cloud-discount"
        if value is not None and (not (isfinite(value) and 0 <= value <= 1) or top):
            below = "up to, not including, 1" if flag == "--cloud-discount" else "to 1"
            raise CommitError(flag, value, f"a fraction from 0 {below} (0.20 is 20 %)")
    try:
        channel = msgspec.convert(
            {
                "name": name,
                "shadow_value": _decimal(shadow_value),
                "cloud_commit_usd_per_year": _decimal(commit_usd),
                "marketplace_cap": _decimal(1 if cap is None else cap),
            },
            Channel,
        )
    except CommitError as error:
        raise CommitError("--cloud-commit-usd", error.value, error.rule) from error
    return Cloud(channel, _decimal(discount))


def _decimal(value: float | None) -> Decimal:
    return Decimal(repr(value or 0))


def bundle_names(text: str | None) -> tuple[str, ...] | None:
    """Names of asks from `name,name,…`. Raises CommitError; whether the offer can hold them is asked later."""
    if text is None:
        return None
    names = tuple(part.strip() for part in text.split(","))
    unknown = next((name for name in names if name not in BY_NAME), None)
    if unknown is not None:
        raise CommitError("--bundle", unknown or "nothing", f"names of asks: {', '.join(ask.name for ask in ASKS)}")
    if len(set(names)) != len(names) or len(names) > MOST_CLAUSES:
        raise CommitError("--bundle", text, f"1 to {MOST_CLAUSES} asks, each once")
    clauses = [BY_NAME[name].clause for name in names]
    for place, clause in enumerate(clauses):
        if clause in clauses[:place]:
            raise CommitError(
                "--bundle", names[place], f"one ask of {clause}; {names[clauses.index(clause)]} is another"
            )
    return names


def signing_day(text: str | None) -> dt.date | None:
    """A day of signing or renewal. Raises CommitError."""
    if text is None:
        return None
    try:
        day = dt.date.fromisoformat(text)
    except ValueError as error:
        raise CommitError("--signing", text, "a day, YYYY-MM-DD") from error
    if not 2000 <= day.year <= 2099:
        raise CommitError("--signing", text, "a day of 2000 to 2099")
    return day


def near(signing: dt.date, first_month: int) -> dt.date:
    """The signing, not absurdly far from the first contract month. Raises CommitError."""
    if abs(signing.year * 12 + signing.month - 1 - first_month) > 12 * MOST_YEARS_AWAY:
        first = f"{first_month // 12}-{first_month % 12 + 1:02d}"
        raise CommitError("--signing", signing, f"within {MOST_YEARS_AWAY} years of the first contract month, {first}")
    if signing.year * 12 + signing.month - 1 < first_month - 12:
        first = f"{first_month // 12}-{first_month % 12 + 1:02d}"
        raise CommitError("--signing", signing, f"a day to come: at most a year before the first month, {first}")
    return signing
