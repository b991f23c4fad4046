"""`baseload gateway ship`: complete segments of the call log, or the table replicas share, into the project ledger."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from baseload.cli.gateway_options import Config
from baseload.cli.help import Json

if TYPE_CHECKING:
    from baseload.cli.gateway_settings import Setup
    from baseload.gateway.calllog.ship import Shipped
    from baseload.usage.reader import ReadContext


def ship(
    *,
    config: Config = None,
    log: Annotated[Path | None, Parameter(help="Folder of the call log; else what the settings name.")] = None,
    ledger: Annotated[Path | None, Parameter(help="A ledger folder; else the one the settings name.")] = None,
    delete_after: Annotated[
        int | None,
        Parameter(help="Also remove segments that the ledger has read and that are older than so many days."),
    ] = None,
    since: Annotated[str, Parameter(help="Of a shared table: only calls from this day on, as 2026-11-01.")] = "",
    as_json: Json = False,
) -> int:
    """Read complete segments of the call log into the ledger; those it has already cost nothing.

    A running gateway does this every minute where log.ship_to is "ledger", and once more when it stops, and removes
    segments after log.keep_shipped_days. A segment is complete after five minutes, when it is full, or when its
    gateway stopped. Where log.ship_to is "postgresql", the table that all replicas write is read instead: run it
    wherever the ledger is. Its replicas remove their segments themselves.

    Examples
    --------
    baseload gateway ship
    baseload gateway ship --delete-after 30
    baseload gateway ship --since 2026-11-01
    baseload gateway ship --log build/log --ledger build/ledger --json
    """
    import os

    from baseload.cli.gateway_settings import read_setup
    from baseload.cli.output import exit_code, numbered, print_json, print_problems, stdout
    from baseload.errors import UsageError

    if delete_after is not None and delete_after < 0:
        raise UsageError(f"--delete-after {delete_after}; expected 0 or more days")
    os.nice(10)  # it runs beside what serves
    setup = read_setup(config)
    root = ledger or setup.loaded.folder / setup.config.log.ledger
    from_table = log is None and setup.config.log.ship_to == "postgresql"
    if from_table and delete_after is not None:
        raise UsageError('--delete-after with log.ship_to = "postgresql"; replicas remove their own: keep_shipped_days')
    if since and not from_table:
        raise UsageError(f'--since {since[:20]} without a table; expected log.ship_to = "postgresql"')
    if from_table:
        source, done, removed = _table(setup, root, since)
    else:
        source, done, removed = _folder(setup, log, root, delete_after)
    if as_json:
        print_json(
            {
                "schema": "baseload.gateway.shipped/1",
                "log": source,
                "ledger": str(root),
                "segments": done.segments,
                "new_rows": done.rows,
                "removed_segments": removed,
                "problems": done.problems,
            }
        )
    else:
        took = f"; {numbered(removed, 'segment')} removed" if delete_after is not None else ""
        read = "The table" if from_table else numbered(done.segments, "segment")
        stdout().print(f"{read} read, {numbered(done.rows, 'new row')} in {root}{took}", markup=False)
        print_problems(done.problems)
    return exit_code(done.problems)


def _folder(setup: Setup, log: Path | None, root: Path, delete_after: int | None) -> tuple[str, Shipped, int]:
    """Where was read, what was shipped, how many segments were removed."""
    import time

    from baseload.errors import UsageError
    from baseload.gateway.calllog.ship import delete_shipped
    from baseload.gateway.calllog.ship import ship as ship_segments
    from baseload.values import DAY_US

    folder = log or setup.loaded.folder / setup.config.log.folder
    if not folder.is_dir():
        raise UsageError(f"{folder} does not exist; expected the folder of a gateway's call log")
    now_us = time.time_ns() // 1_000
    done = ship_segments(folder, root, _context(setup), as_of_us=now_us)
    if delete_after is None:
        return str(folder), done, 0
    return str(folder), done, len(delete_shipped(folder, root, before_us=now_us - delete_after * DAY_US))


def _table(setup: Setup, root: Path, since: str) -> tuple[str, Shipped, int]:
    """As `_folder`; of a table nothing is removed."""
    import datetime as dt
    import os

    from baseload.errors import UsageError
    from baseload.gateway.calllog.ship import TABLE, ship_table
    from baseload.gateway.calllog.ship_postgres import PostgresSink
    from baseload.gateway.making import database_of
    from baseload.values import day_of_date

    try:
        first_day = day_of_date(dt.date.fromisoformat(since)) if since else 0
    except ValueError:
        raise UsageError(f"--since {since[:20]!r}; expected a day such as 2026-11-01") from None
    if not setup.config.state.url_env:
        raise UsageError('log.ship_to is "postgresql" without state.url_env; expected the variable with its address')
    database = database_of(setup.config.state, setup.loaded.folder, os.environ)
    try:
        return TABLE, ship_table(PostgresSink(database), root, _context(setup), first_day=first_day), 0
    finally:
        database.close()


def _context(setup: Setup) -> ReadContext:
    from baseload.cli.gateway_settings import book_of, org_key_of
    from baseload.usage.reader import ReadContext

    return ReadContext(org_key=org_key_of(setup.config), resolve_model=book_of(setup).resolve)
