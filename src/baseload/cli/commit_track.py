"""`baseload commit track`: a signed contract from day to day."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from baseload.cli.help import Json

if TYPE_CHECKING:
    from baseload.commit.current import CurrentContract
    from baseload.commit.track.document import TrackDocument
    from baseload.commit.track.outlook import Amounts, Dates
    from baseload.commit.track.usage import Daily
    from baseload.values import Problem


def track(
    *,
    usage: Annotated[
        Path, Parameter(help="CSV since the start: date,list_usd (a row a day or a week) or month,list_usd.")
    ],
    contract: Annotated[
        Path | None, Parameter(help="The signed contract: an offer's keys with start, end, as_of, paid and remaining.")
    ] = None,
    offer: Annotated[Path | None, Parameter(help="Or an offer with its commitment, signed on --start.")] = None,
    start: Annotated[dt.date | None, Parameter(help="First day of the --offer, YYYY-MM-DD.")] = None,
    demand: Annotated[Path | None, Parameter(help="Usage before the start, the same kinds of CSV.")] = None,
    planned: Annotated[
        Path | None, Parameter(help="The path signed on: month,list_usd. Default: what --demand made one expect.")
    ] = None,
    as_of: Annotated[
        dt.date | None, Parameter(help="Today, YYYY-MM-DD. Default: the day after the usage ends.")
    ] = None,
    seed: Annotated[int, Parameter(help="Of the demand paths: the same seed gives the same figures.")] = 0,
    json: Json = False,
) -> int:
    """A signed contract from day to day: burn-down, the day it runs out or what is left, alerts, days not to miss.

    Usage is held against the straight line and against the planned path. Where the balance is heading is drawn from
    the history so far. The reforecast alert reads whole weeks; of contract years whose usage keeps to its plan at most
    one in twenty alarms (docs/reference/commit-track.md says how that was measured).

    Examples
    --------
    baseload commit track --contract examples/offers/signed.yaml --usage examples/offers/signed-usage.csv
    baseload commit track --offer offer.yaml --start 2026-01-01 --usage usage.csv --json | jq .outlook
    """
    from baseload.cli.output import exit_code, print_json, print_problems
    from baseload.commit.track.alert import given_plan
    from baseload.commit.track.document import track as watch

    used, problems = _daily(usage)
    current = _current(contract, offer, start, used, as_of)
    before, more = _daily(demand) if demand else (None, [])
    path, rest = _daily(planned) if planned else (None, [])
    document = watch(
        current,
        used,
        before=before,
        planned=None if path is None else given_plan(path),
        as_of=as_of,
        seed=seed,
        problems=(*problems, *more, *rest),
    )
    if json:
        print_json(document)
    else:
        _print(document)
        print_problems(document.problems)
    return exit_code(document.problems)


def _daily(path: Path) -> tuple[Daily, list[Problem]]:
    from baseload.cli.book import read_file
    from baseload.commit.track.usage import read_daily

    return read_daily(read_file(path, "usage file"), str(path))


def _current(
    contract: Path | None, offer: Path | None, start: dt.date | None, used: Daily, as_of: dt.date | None
) -> CurrentContract:
    from baseload.cli.book import read_file
    from baseload.commit.current_file import read_current
    from baseload.commit.offer import read_offer
    from baseload.commit.track.standing import from_usage
    from baseload.errors import UsageError

    if (contract is None) == (offer is None) or (offer is None) != (start is None):
        raise UsageError("Give --contract FILE, or --offer FILE with --start YYYY-MM-DD.")
    if contract is not None:
        return read_current(read_file(contract, "contract"), str(contract))[0]
    if offer is None or start is None:
        raise UsageError("Give --contract FILE, or --offer FILE with --start YYYY-MM-DD.")
    return from_usage(read_offer(read_file(offer, "offer"), str(offer)).contract, start, used, as_of)


def _print(document: TrackDocument) -> None:
    from baseload.cli.output import stdout
    from baseload.commit.size.amounts import summing
    from baseload.report.names import PROSE, clean

    console = stdout()

    def say(text: str) -> None:
        console.print(clean(text, PROSE), markup=False, soft_wrap=True)

    say(
        f"{document.contract or 'Contract'}: {document.period_start} to {document.period_end}, known until "
        f"{document.known_until}. {document.commit_basis} dollars."
    )
    held = summing((float(document.drawn_usd), float(document.remaining_usd)), 1.0)
    say(
        f"Balance {sum(held):,.0f}, drawn {held[0]:,.0f}, left {held[1]:,.0f}, "
        f"beyond it {_known(document.excess_usd)}; "
        f"{_known(document.ahead_usd.lstrip('-'))} {'behind' if document.ahead_usd.startswith('-') else 'ahead of'} "
        f"the straight line."
    )
    say("Figures: measured from the usage up to that day, to the dollar; simulated on demand paths beyond it.")
    _print_months(document)
    outlook, unit = document.outlook, _unit(document)
    chance = "" if outlook.p_overage is None else f" ({_chance(outlook.p_overage)})"
    beyond = _range(outlook.excess, unit)
    say(f"Runs out{chance}: {_days(outlook.overage_on)}. Beyond the balance at the end: {beyond}.")
    chance = "" if outlook.p_shortfall is None else f" ({_chance(outlook.p_shortfall)})"
    say(f"Left unused on {document.period_end}{chance}: {_range(outlook.shortfall, unit)}.")
    say(f"From {outlook.says}.")
    rate = f" False alarms: at most {document.alert.false_alarm_rate:.0%} of years." if document.alert.weeks else ""
    say(f"Alert: {document.alert.state}. {document.alert.says}.{rate}")
    _print_peak(document, say)
    for one in document.dates:
        left = f"in {one.days_left} days" if one.days_left >= 0 else "passed"
        say(f"{one.day}: {one.says} ({left})")


def _print_months(document: TrackDocument) -> None:
    """What was drawn to the dollar, so that the totals add up; what is projected at one unit, its ends outward."""
    from baseload.cli.output import stdout
    from baseload.commit.size.amounts import at_unit, highest, lowest

    rows = [["month", "drawn", "total", "straight", "planned", "low", "likely", "high"]]
    unit, used, before = _unit(document), float(document.drawn_usd) + float(document.excess_usd), 0.0
    for row in document.months:
        total = None if row.total_usd is None else at_unit(float(row.total_usd), 1.0)
        drawn = _known(row.drawn_usd) if total is None else f"{total - before:,.0f}"
        before = before if total is None else total
        low = None if row.low_usd is None else lowest(float(row.low_usd), unit, hard=used)
        high = None if row.high_usd is None else highest(float(row.high_usd), unit)
        rows.append(
            [
                row.month[:7] if row.kind == "month" else "stated",
                drawn,
                _or_dash(total),
                _known(row.straight_usd),
                _about(row.planned_usd, unit),
                _or_dash(low),
                _about(row.likely_usd, unit),
                _or_dash(high),
            ]
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for cells in rows:
        stdout().print("  ".join(map(str.rjust, cells, widths)), markup=False, soft_wrap=True)


def _print_peak(document: TrackDocument, say: object) -> None:
    peak = document.true_forward
    if peak is None or not callable(say):
        return
    added = (
        "" if float(peak.added_usd) == 0 else f", {_known(peak.added_usd)} more than signed since {peak.ratchets_on}"
    )
    say(
        f"True-forward: this year's peak of {_known(peak.peak_usd)} a year makes next year at least "
        f"{_known(peak.floor_usd)}{added}. It rises from {_known(peak.window_limit_usd)} in "
        f"{'a month' if peak.window_months == 1 else f'{peak.window_months} months'} on."
    )
    if peak.p_ratchet and peak.ratchets_on is None:
        by = _range(peak.projected_added, _unit(document))
        say(f"It rises, {_chance(peak.p_ratchet)}: {_days(peak.projected_on)}, by {by}.")


def _chance(share: float) -> str:
    """Never sure: paths are drawn, and there are a thousand of them.

    >>> _chance(1.0), _chance(0.25), _chance(0.0)
    ('over 99 % likely', '25 % likely', 'under 1 % likely')
    """
    if share > 0.99:
        return "over 99 % likely"
    return "under 1 % likely" if share < 0.01 else f"{share * 100:.0f} % likely"


def _unit(document: TrackDocument) -> float:
    """Of all that is projected: four digits of the balance or of the largest projection."""
    from baseload.commit.size.amounts import unit_of

    return unit_of(float(document.balance_usd), *(float(row.high_usd or 0) for row in document.months))


def _known(text: str) -> str:
    """What is known is never rounded beyond dollars.

    >>> _known("553497.74"), _known("0.00")
    ('553,498', '0')
    """
    return f"{round(float(text)) + 0:,}"


def _about(text: str | None, unit: float) -> str:
    """What is projected, at the unit; a dash for nothing.

    >>> _about("553497.74", 1000.0), _about(None, 1.0), _about("0.00", 1.0)
    ('553,000', '-', '0')
    """
    from baseload.commit.size.amounts import rounded

    return "-" if text is None else rounded(float(text), unit)


def _or_dash(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f}"


def _range(amounts: Amounts, unit: float) -> str:
    """The middle, and the interval that holds four paths of five, outward and never below nothing."""
    from baseload.commit.size.amounts import between

    ends = between(float(amounts.p10_usd), float(amounts.p90_usd), unit, hard=0.0)
    return f"{_about(amounts.p50_usd, unit)} ({ends})"


def _days(dates: Dates) -> str:
    if dates.p10 is None:
        return "not before the balance is tested"
    return f"{dates.p50 or 'not before the test'} ({dates.p10} to {dates.p90 or 'not before the test'})"
