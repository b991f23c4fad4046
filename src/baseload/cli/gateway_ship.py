"""`baseload gateway ship`: complete segments of the call log into the project's ledger."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from baseload.cli.gateway_options import Config
from baseload.cli.help import Json


def ship(
    *,
    config: Config = None,
    log: Annotated[Path | None, Parameter(help="Folder of the call log; else the one the settings name.")] = None,
    ledger: Annotated[Path | None, Parameter(help="A ledger folder; else the one the settings name.")] = None,
    delete_after: Annotated[
        int | None,
        Parameter(help="Also remove segments that the ledger has read and that are older than so many days."),
    ] = None,
    as_json: Json = False,
) -> int:
    """Read complete segments of the call log into the ledger; those it has already cost nothing.

    A running gateway does this every minute where log.ship_to is "ledger", and once more when it stops. A segment is
    complete after five minutes, when it is full, or when its gateway stopped.

    Examples
    --------
    baseload gateway ship
    baseload gateway ship --delete-after 30
    baseload gateway ship --log build/log --ledger build/ledger --json
    """
    import datetime as dt
    import os
    import time

    from baseload.cli.gateway_settings import book_of, org_key_of, read_setup
    from baseload.cli.output import exit_code, numbered, print_json, print_problems, stdout
    from baseload.errors import UsageError
    from baseload.gateway.calllog.ship import delete_shipped
    from baseload.gateway.calllog.ship import ship as ship_segments
    from baseload.usage.reader import ReadContext

    if delete_after is not None and delete_after < 0:
        raise UsageError(f"--delete-after {delete_after}; expected 0 or more days")
    os.nice(10)  # it runs beside what serves
    setup = read_setup(config)
    folder = log or setup.loaded.folder / setup.config.log.folder
    root = ledger or setup.loaded.folder / setup.config.log.ledger
    if not folder.is_dir():
        raise UsageError(f"{folder} does not exist; expected the folder of a gateway's call log")
    now_us = time.time_ns() // 1_000
    context = ReadContext(org_key=org_key_of(setup.config), resolve_model=book_of(setup).resolve)
    done = ship_segments(folder, root, context, as_of_us=now_us)
    day_us = dt.timedelta(days=1) // dt.timedelta(microseconds=1)
    removed = (
        len(delete_shipped(folder, root, before_us=now_us - delete_after * day_us)) if delete_after is not None else 0
    )
    if as_json:
        print_json(
            {
                "schema": "baseload.gateway.shipped/1",
                "log": str(folder),
                "ledger": str(root),
                "segments": done.segments,
                "new_rows": done.rows,
                "removed_segments": removed,
                "problems": done.problems,
            }
        )
    else:
        took = f"; {numbered(removed, 'segment')} removed" if delete_after is not None else ""
        stdout().print(
            f"{numbered(done.segments, 'segment')} read, {numbered(done.rows, 'new row')} in {root}{took}", markup=False
        )
        print_problems(done.problems)
    return exit_code(done.problems)
