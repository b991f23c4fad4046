"""`baseload gateway check`: everything a start would trip over, found before it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from baseload.cli.gateway_options import Config, PolicyFile
from baseload.cli.help import Json

if TYPE_CHECKING:
    from baseload.cli.gateway_finding import Finding

CHECK_SCHEMA = "baseload.gateway.check/1"


def check(
    *,
    config: Config = None,
    policy: PolicyFile = None,
    observe: Annotated[
        bool, Parameter(negative=(), show_default=False, help="As `gateway --observe` would start.")
    ] = False,
    port: Annotated[
        int | None, Parameter(help="As `gateway --port`; 0 leaves out whether a gateway that runs has it.")
    ] = None,
    as_json: Json = False,
) -> int:
    """Read settings and policy as a start does, and look at routers, keys, budgets, state store, folders and ports.

    A start looks at the same before it serves. Nothing is written and no upstream is asked. Ends with 2 where a start
    would fail, and says why; a note is what a start says and goes on.

    Examples
    --------
    baseload gateway check
    baseload gateway check --config gateway.toml --policy baseload-plan/policy.yaml
    baseload gateway check --port 0
    baseload gateway check --json | jq '.findings[] | select(.state != "ok")'
    """
    from baseload.cli.gateway_checks import findings_of
    from baseload.cli.gateway_settings import read_setup
    from baseload.cli.output import EXIT_DONE, EXIT_USAGE, print_json
    from baseload.gateway.reload import Overrides

    given = Overrides(
        policy=str(policy.absolute()) if policy is not None else None, observe=True if observe else None, port=port
    )
    found = findings_of(lambda: read_setup(config, given))
    if as_json:
        print_json({"schema": CHECK_SCHEMA, "findings": found})
    else:
        _show(found)
    return EXIT_USAGE if any(one.state == "fault" for one in found) else EXIT_DONE


def _show(found: list[Finding]) -> None:
    from rich.table import Table

    from baseload.cli.output import numbered, stdout
    from baseload.report.names import PROSE, clean

    table = Table("", "", "", box=None, show_header=False)
    styles: dict[str, Any] = {"ok": "green", "note": "yellow", "fault": "red"}
    for one in found:
        table.add_row(
            one.state, one.what, clean(one.says, PROSE), style=styles[one.state] if one.state != "ok" else None
        )
    stdout().print(table, markup=False)
    faults = sum(one.state == "fault" for one in found)
    stdout().print(f"{numbered(faults, 'fault')}: it would not start." if faults else "It can start.", markup=False)
