"""`baseload gateway`: serve the plan, and the commands around it. Names and help here; code in the modules beside."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from baseload.cli.gateway_options import Config
from baseload.cli.help import Json, epilogue

app = App(
    name="gateway",
    help="Send each call where the plan says, and measure it; a pipe that only measures to begin with.",
    help_epilogue=epilogue(["baseload gateway --observe", "baseload gateway check", "baseload gateway routes"]),
)
app.command("baseload.cli.gateway_check:check", name="check", help="Is everything the gateway needs there and sound?")
app.command("baseload.cli.gateway_keys:app", name="keys", help="Virtual keys: make one, list them, revoke one.")
app.command("baseload.cli.gateway_budgets:app", name="budgets", help="What each budget has spent, holds and has left.")
app.command("baseload.cli.gateway_routes:routes", name="routes", help="Stage, share and alarms of each workload.")
app.command(
    "baseload.cli.gateway_routes:rollback", name="rollback", help="The original model serves a workload again, at once."
)
app.command("baseload.cli.gateway_routes:hold", name="hold", help="A workload's share grows no further for now.")
app.command("baseload.cli.gateway_routes:resume", name="resume", help="A held workload's share may grow again.")
app.command(
    "baseload.cli.gateway_routes:lift",
    name="lift",
    help="A model that was rolled back may serve again, from shadow on.",
)
app.command("baseload.cli.gateway_ship:ship", name="ship", help="Complete segments of the call log into the ledger.")


@app.command(name="run")
@app.default
def run(
    *,
    upstream: Annotated[
        str | None, Parameter(help="Where answers come from; https://api.anthropic.com if unsaid.")
    ] = None,
    host: Annotated[str | None, Parameter(help="Address to listen on; 127.0.0.1 if unsaid.")] = None,
    port: Annotated[int | None, Parameter(help="Port; 8788 if unsaid, 0 takes a free one.")] = None,
    policy: Annotated[Path | None, Parameter(help="policy.yaml of a plan; without one nothing is changed.")] = None,
    observe: Annotated[
        bool, Parameter(negative=(), show_default=False, help="Change nothing, whatever the policy says; only measure.")
    ] = False,
    config: Config = None,
    workers: Annotated[int | None, Parameter(help="Processes that share the port; 1 if unsaid.")] = None,
    admin_port: Annotated[int | None, Parameter(help="Port of the admin endpoints; none if unsaid.")] = None,
    as_json: Json = False,
) -> int:
    """Serve until SIGTERM or Ctrl-C, and then finish what is under way.

    One line says where it listens. Options win over the settings file. Settings and policy are loaded again when their
    files change and on SIGHUP, all or nothing; the last good ones keep serving. Logs go to standard error, a JSON
    object a line. Needs the extra `gateway`.

    Examples
    --------
    baseload gateway --observe
    baseload gateway --policy baseload-plan/policy.yaml
    baseload gateway --config gateway.toml --workers 4 --admin-port 8789
    baseload gateway run --upstream http://127.0.0.1:8787 --port 0 --json
    """
    from baseload.cli.gateway_run import serve_until_told
    from baseload.cli.gateway_settings import needs_extra, read_setup
    from baseload.gateway.reload import Overrides

    needs_extra()
    given = Overrides(
        upstream=upstream,
        host=host,
        port=port,
        policy=str(policy.absolute()) if policy is not None else None,
        observe=True if observe else None,
        workers=workers,
        admin_port=admin_port,
    )
    return serve_until_told(read_setup(config, given), as_json=as_json)
