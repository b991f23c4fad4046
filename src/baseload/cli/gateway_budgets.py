"""`baseload gateway budgets`: what each budget has spent, holds and has left; and letting go what lost calls hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from baseload.cli.gateway_options import Config, Who, Why
from baseload.cli.help import Json, epilogue

if TYPE_CHECKING:
    from baseload.gateway.state.records import Release
    from baseload.gateway.state.store import StateStore

SCHEMA = "baseload.gateway.budgets/1"
RELEASE_SCHEMA = "baseload.gateway.release/1"

app = App(
    name="budgets",
    help="What each budget has spent, holds and has left; release what calls of unknown cost hold.",
    help_epilogue=epilogue(["baseload gateway budgets", "baseload gateway budgets --month 2026-10"]),
)

Month = Annotated[str | None, Parameter(help="Month, UTC (YYYY-MM); this one when unsaid.")]


@app.default
def budgets(*, month: Month = None, config: Config = None, as_json: Json = False) -> int:
    """Every budget of a month: its cap, what is spent, with running gateways, held and free.

    Held is what calls may have cost that a killed gateway left in flight: lost once its log was read, and then held
    until somebody releases it.

    Examples
    --------
    baseload gateway budgets
    baseload gateway budgets --month 2026-10 --json
    """
    from baseload.cli.gateway_settings import read_setup, state_store
    from baseload.cli.output import print_json

    period = _period(month)
    with state_store(read_setup(config)) as store:
        shown = _budgets(store, period)
        released = [_release(one) for one in store.releases(period)]
    if as_json:
        print_json({"schema": SCHEMA, "month": period, "budgets": shown, "releases": released})
    else:
        _show(shown, period)
    return 0


@app.command
def release(
    budget: Annotated[str, Parameter(help="As the list shows it.")],
    *,
    who: Who,
    why: Why,
    spent: Annotated[str, Parameter(help="Dollars of it to book as spent, from the provider's report.")] = "0",
    month: Month = None,
    config: Config = None,
    as_json: Json = False,
) -> int:
    """Let go what is held for lost calls of a budget, some of it booked as spent.

    Lost are calls that a killed gateway left in flight and whose log was read since. What calls of running gateways
    hold is theirs. Who and why are kept with the amounts.

    Examples
    --------
    baseload gateway budgets release 'workload=;key=' --spent 1.20 --who 'A. Lindqvist' --why 'usage report'
    """
    import re
    import time
    from decimal import Decimal

    from baseload.cli.gateway_settings import read_setup, state_store
    from baseload.cli.output import print_json, stdout
    from baseload.errors import UsageError
    from baseload.gateway.state.leases import Place
    from baseload.report.names import clean
    from baseload.values import NANO_PER_USD

    if not re.fullmatch(r"\d{1,9}(\.\d{1,9})?", spent):
        raise UsageError(f"--spent {spent[:40]!r}; expected dollars such as 0 or 12.50")
    nano = int(Decimal(spent) * NANO_PER_USD)
    place = Place(budget, _period(month))
    with state_store(read_setup(config)) as store:
        try:
            done = store.release(place, spent_nano=nano, who=who, why=why, at_us=time.time_ns() // 1_000)
        except ValueError as error:
            held = _usd(store.lost_nano(place))
            raise UsageError(f"--spent {spent}: only {held} dollars are held for lost calls of this budget") from error
    if done is None:
        raise UsageError(f"nothing is held for lost calls of {budget[:80]!r} in {place.period}; see the list")
    shown = _release(done)
    if as_json:
        print_json({"schema": RELEASE_SCHEMA, "release": shown})
    else:
        said = (
            f"Released: {clean(budget)}, {place.period}: ${shown['held_usd']} held, ${shown['spent_usd']} of it spent"
        )
        stdout().print(said, markup=False)
    return 0


def _period(month: str | None) -> str:
    import datetime as dt
    import re

    from baseload.errors import UsageError

    if month is None:
        return dt.datetime.now(dt.UTC).strftime("%Y-%m")
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", month):
        raise UsageError(f"--month {month[:20]!r}; expected a month such as 2026-11")
    return month


def _budgets(store: StateStore, period: str) -> list[dict[str, Any]]:
    from baseload.gateway.state.leases import Place

    return [
        {
            "budget": row.budget,
            "cap_usd": _usd(row.cap_nano),
            "spent_usd": _usd(row.spent_nano),
            "leased_usd": _usd(row.leased_nano),
            "held_usd": _usd(row.held_nano),
            "lost_usd": _usd(store.lost_nano(Place(row.budget, period))),
            "free_usd": _usd(row.free_nano),
        }
        for row in store.budgets(period)
    ]


def _release(one: Release) -> dict[str, Any]:
    import datetime as dt

    at = dt.datetime.fromtimestamp(one.at_us // 1_000_000, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "budget": one.budget, "at": at, "held_usd": _usd(one.held_nano), "spent_usd": _usd(one.spent_nano),
        "who": one.who, "why": one.why,
    }  # fmt: skip


def _usd(nano: int) -> str:
    """Exact, as a decimal."""
    from baseload.values import decimal_usd

    return f"{decimal_usd(nano):.9f}".rstrip("0").rstrip(".")


def _show(shown: list[dict[str, Any]], period: str) -> None:
    from rich.table import Column, Table

    from baseload.cli.output import stdout
    from baseload.report.names import clean

    if not shown:
        stdout().print(f"No budget was used in {period}.")
        return
    money = ("cap", "spent", "with gateways", "held", "of it lost", "free")
    table = Table(
        Column("budget", overflow="fold"), *(Column(name, justify="right", no_wrap=True) for name in money), box=None
    )
    for row in shown:
        names = ("cap_usd", "spent_usd", "leased_usd", "held_usd", "lost_usd", "free_usd")
        table.add_row(clean(row["budget"]), *(f"${row[name]}" for name in names))
    stdout().print(table)
    if any(row["lost_usd"] != "0" for row in shown):
        stdout().print("Lost calls hold money until `baseload gateway budgets release` lets it go.", markup=False)
