"""`baseload gateway keys`: virtual keys in the state store. A key is shown once, when it is made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from baseload.cli.gateway_options import Config
from baseload.cli.help import Json, epilogue

if TYPE_CHECKING:
    from baseload.gateway.state.records import KeyRow

SCHEMA = "baseload.gateway.keys/1"
MADE_SCHEMA = "baseload.gateway.key/1"
MOST_NAME = 100

app = App(
    name="keys",
    help="Virtual keys: callers present one, and the gateway's own key goes upstream in its place.",
    help_epilogue=epilogue(["baseload gateway keys new team-a", "baseload gateway keys list"]),
)


@app.command
def new(
    name: Annotated[str, Parameter(help="Whose it is, for people.")],
    *,
    workload: Annotated[
        list[str] | None,
        Parameter(help="Only for this workload; repeatable. One alone is also what its calls count as."),
    ] = None,
    model: Annotated[list[str] | None, Parameter(help="Only for this model, or prefix*; repeatable.")] = None,
    budget: Annotated[str | None, Parameter(help="List dollars a calendar month it may spend at most.")] = None,
    account: Annotated[
        bool,
        Parameter(negative=(), show_default=False, help="It may use batches and files, which belong to all of you."),
    ] = False,
    expires: Annotated[
        str | None, Parameter(help="Until this UTC day (YYYY-MM-DD), or so long from now: 90d, 12h.")
    ] = None,
    config: Config = None,
    as_json: Json = False,
) -> int:
    """Make a virtual key and print it, once: only a hash of it is kept.

    From the first key on, callers must present one. Every replica knows a new key within a second.

    Examples
    --------
    baseload gateway keys new team-a
    baseload gateway keys new nightly --workload wl-1a2b3c --model 'claude-haiku*' --budget 200 --expires 90d
    export ANTHROPIC_API_KEY=$(baseload gateway keys new laptop)
    """
    import re
    import sys
    import time

    from baseload.cli.gateway_settings import read_setup, state_store
    from baseload.cli.output import print_json, stderr
    from baseload.errors import BaseloadError, UsageError
    from baseload.gateway.state.keys import new_key
    from baseload.gateway.state.records import KeyScope

    if not name.strip() or len(name) > MOST_NAME or not name.isprintable():
        raise UsageError(f"NAME has {len(name)} characters; expected 1 to {MOST_NAME} printable ones")
    if budget is not None and (not re.fullmatch(r"\d{1,12}(\.\d{1,9})?", budget) or not float(budget)):
        raise UsageError(f"--budget {budget[:40]!r}; expected dollars above 0 such as 200 or 12.50")
    now_us = time.time_ns() // 1_000
    scope = KeyScope(
        workloads=tuple(workload or ()),
        models=tuple(model or ()),
        budget=budget or "",
        account=account,
        workload=workload[0] if workload is not None and len(workload) == 1 else "",
    )
    made = new_key(name.strip(), scope, now_us, expires_us=_expiry(expires, now_us))
    with state_store(read_setup(config)) as store:
        if not store.add_key(made.row):
            raise BaseloadError("the key could not be stored; try again")
    if as_json:
        print_json({"schema": MADE_SCHEMA, "secret": made.secret, "key": _shown(made.row, now_us)})
        return 0
    sys.stdout.write(made.secret + "\n")
    sys.stdout.flush()
    stderr().print(
        f"Key {made.row.key_id} for {made.row.name}: shown this once. Its holder sets it as ANTHROPIC_API_KEY.",
        markup=False,
    )
    return 0


@app.command(name="list")
def list_keys(*, config: Config = None, as_json: Json = False) -> int:
    """Every key that was made, with its scope; never the key itself.

    Examples
    --------
    baseload gateway keys list
    baseload gateway keys list --json
    """
    import time

    from baseload.cli.gateway_settings import read_setup, state_store
    from baseload.cli.output import print_json

    now_us = time.time_ns() // 1_000
    with state_store(read_setup(config)) as store:
        keys = [_shown(row, now_us) for row in store.key_rows()]
    if as_json:
        print_json({"schema": SCHEMA, "keys": keys})
    else:
        _show(keys)
    return 0


@app.command
def revoke(
    key_id: Annotated[str, Parameter(help="As `list` shows it: key_….")],
    *,
    config: Config = None,
    as_json: Json = False,
) -> int:
    """Take a key back: every replica refuses it within a second. What is under way is finished.

    Examples
    --------
    baseload gateway keys revoke key_0a1b2c3d4e5f
    """
    import time

    from baseload.cli.gateway_settings import read_setup, state_store
    from baseload.cli.output import print_json, stdout
    from baseload.errors import UsageError

    now_us = time.time_ns() // 1_000
    with state_store(read_setup(config)) as store:
        done = store.revoke_key(key_id, now_us)
        row = next((one for one in store.key_rows() if one.key_id == key_id), None)
    if row is None or not done:
        state = "was revoked before" if row is not None else "is not known"
        raise UsageError(f"key {key_id[:40]!r} {state}; `baseload gateway keys list` shows all of them")
    if as_json:
        print_json({"schema": SCHEMA, "keys": [_shown(row, now_us)]})
    else:
        stdout().print(f"Revoked {row.key_id} of {row.name}.", markup=False)
    return 0


def _expiry(text: str | None, now_us: int) -> int | None:
    """UTC microseconds; None = never. Raises UsageError for what is no time to come."""
    import datetime as dt
    import re

    from baseload.errors import UsageError

    if text is None:
        return None
    units = {"h": 3_600, "d": 86_400, "w": 604_800}
    found = re.fullmatch(r"(\d{1,4})([hdw])", text)
    if found and int(found[1]):
        return now_us + int(found[1]) * units[found[2]] * 1_000_000
    try:
        day = dt.datetime.combine(dt.date.fromisoformat(text), dt.time(), dt.UTC)
    except ValueError:
        raise UsageError(f"--expires {text[:40]!r}; expected a day YYYY-MM-DD, or a while: 90d, 12h, 4w") from None
    at_us = (day - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(microseconds=1)
    if at_us <= now_us:
        raise UsageError(f"--expires {text}; expected a day to come")
    return at_us


def _shown(row: KeyRow, now_us: int) -> dict[str, Any]:
    expired = row.expires_us is not None and row.expires_us <= now_us
    return {
        "id": row.key_id,
        "name": row.name,
        "state": "revoked" if row.revoked_us is not None else "expired" if expired else "in force",
        "workloads": row.scope.workloads,
        "models": row.scope.models,
        "budget_usd": row.scope.budget or None,
        "created": _at(row.created_us),
        "expires": _at(row.expires_us),
        "revoked": _at(row.revoked_us),
    }


def _at(us: int | None) -> str | None:
    import datetime as dt

    if us is None:
        return None
    return dt.datetime.fromtimestamp(us // 1_000_000, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _show(keys: list[dict[str, Any]]) -> None:
    from rich.table import Column, Table

    from baseload.cli.output import stdout
    from baseload.report.names import clean

    if not keys:
        stdout().print(
            "No virtual keys: callers' own credentials are passed on. Make one: baseload gateway keys new NAME"
        )
        return
    table = Table(
        Column("id", no_wrap=True, min_width=16),
        "name",
        "state",
        "workloads",
        "models",
        "budget a month",
        "expires",
        box=None,
    )
    for key in keys:
        cells = (
            key["id"], clean(key["name"]), key["state"], ", ".join(key["workloads"]) or "all",
            ", ".join(key["models"]) or "all", f"${key['budget_usd']}" if key["budget_usd"] else "",
            key["expires"] or "never",
        )  # fmt: skip
        table.add_row(*cells)
    stdout().print(table)
