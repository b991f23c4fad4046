"""`baseload status`: what the gateway's calls cost and what its routes really saved."""

from __future__ import annotations

import datetime as dt
import os
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from baseload.cli.help import Json
from baseload.cli.output import exit_code, numbered, print_json, print_problems, stdout
from baseload.errors import NothingToRead, UsageError

if TYPE_CHECKING:
    from baseload.gateway.config import GatewayConfig
    from baseload.gateway.state.records import Rollback, RouteRow
    from baseload.gateway.status import PlanFigures, StatusDocument, WorkloadStatus
    from baseload.gateway.status_rows import Read
    from baseload.plan.policy import Policy
    from baseload.prices.book import PriceBook

_MOST_PLAN_BYTES = 64 << 20
_US = 1_000_000
_ENTRY = {
    "left alone": "the policy leaves its model alone",
    "pinned": "the policy's entry is taken back by pin_original",
    "not served yet": "the policy's entry was not served yet",
}


def status(
    path: Annotated[
        Path | None, Parameter(help="Folder of the call log, or a ledger; the settings' own log when none.")
    ] = None,
    *,
    plan: Annotated[
        Path | None, Parameter(help="plan.json of `baseload plan --output`: what each workload was to save.")
    ] = None,
    config: Annotated[
        Path | None, Parameter(help="gateway.toml; else the one in this folder, where there is one.")
    ] = None,
    as_json: Json = False,
) -> int:
    """What the gateway's calls cost, what its routes really saved, and where every route stands.

    Savings are those of sessions served by the candidate against sessions held back at random, at list price, with a
    95 % interval; without a holdback they are not identified. "Repriced" is the same tokens at the model that was
    asked for, which is an assumption. Shadow calls and trials are taken off the net figure; retries, escalations and
    spilled batches are inside it.

    Examples
    --------
    baseload status
    baseload status .baseload/gateway/log --plan plan.json
    baseload status --json
    """
    from baseload.gateway.config import GatewayConfig, parse_config
    from baseload.gateway.status import status as status_of
    from baseload.ledger.store import is_ledger

    home, settings, policy = Path.cwd(), GatewayConfig(), None
    found = config or (Path("gateway.toml") if Path("gateway.toml").is_file() else None)
    if found is not None:
        home, settings = found.absolute().parent, parse_config(found.read_text(encoding="utf-8"), found.name)
        policy = _policy(home / settings.policy.file) if settings.policy.file else None
    source = path or home / settings.log.folder
    if not source.is_dir():
        raise UsageError(f"{source} is no folder; expected a gateway's call log, or a ledger")
    book = _book()
    from_ledger = is_ledger(source)
    read = _ledger(source, book) if from_ledger else _log(source, book)
    if not read.attempts:
        print_problems(read.problems)
        raise NothingToRead(f"{source} holds no call of a gateway. Give the folder its log is written to.")
    routes, rollbacks = _state(home, settings.state.file, settings.state.url_env)
    document = status_of(
        read,
        source="ledger" if from_ledger else "call log",
        plan=_plan(plan),
        policy=policy,
        at_once=settings.policy.start == "at_once",
        routes=routes,
        rollbacks=rollbacks,
        no_shadow=_no_shadow(settings, home, policy),
    )
    if as_json:
        print_json(document)
    else:
        _show(document)
        print_problems(document.problems)
    return exit_code(document.problems)


def _book() -> PriceBook:
    from baseload.cli.book import open_book
    from baseload.cli.places import find_project, load_project

    folder = find_project(Path.cwd())
    return open_book(load_project(folder), folder)


def _log(folder: Path, book: PriceBook) -> Read:
    from baseload.cli.places import load_org_key
    from baseload.gateway.status_rows import read_log
    from baseload.usage.reader import ReadContext

    context = ReadContext(org_key=load_org_key(), resolve_model=book.resolve, want_features=False)
    return read_log(folder, context, book)


def _ledger(folder: Path, book: PriceBook) -> Read:
    from baseload.engine.duckdb import DuckDBEngine
    from baseload.gateway.status_rows import read_ledger
    from baseload.ledger.store import Ledger

    with Ledger.open(folder) as ledger:
        engine = DuckDBEngine()
        ledger.attach(engine)
        return read_ledger(engine, book)


def _state(home: Path, file: str, url_env: str) -> tuple[list[RouteRow], list[Rollback]]:
    """Routes and roll-backs; none where there is no store yet. A store that is not there is not made."""
    from baseload.gateway.state.database import Database
    from baseload.gateway.state.sqlite import SqliteDatabase
    from baseload.gateway.state.store import StateStore

    database: Database
    if url_env:
        address = os.environ.get(url_env, "")
        if not address:
            raise UsageError(f"state.url_env: {url_env} is not in the environment; expected a postgresql:// address")
        from baseload.gateway.state.postgres import PostgresDatabase

        database = PostgresDatabase(address)
    elif (home / file).is_file():
        database = SqliteDatabase(home / file)
    else:
        return [], []
    store = StateStore(database)
    try:
        return store.routes(), store.rollbacks()
    finally:
        store.close()


def _policy(path: Path) -> Policy | None:
    """The policy the settings name. One that is missing or refused keeps nobody from what was spent: None, and nothing
    is said of its entries (`baseload gateway check` says why)."""
    from baseload.plan.policy_read import read_policy

    try:
        return read_policy(path.read_bytes(), path.name)
    except (OSError, UsageError):
        return None


def _no_shadow(settings: GatewayConfig, home: Path, policy: Policy | None) -> dict[str, str]:
    """Why routes stay in their shadow stage, by workload; nothing where the project cannot be read."""
    from baseload.gateway.making import project_of
    from baseload.gateway.watching.project_says import unshadowed

    try:
        project = project_of(settings.policy.settings, home)
        return unshadowed(settings, project, policy, (home / settings.policy.settings).parent) if policy else {}
    except UsageError:
        return {}


def _plan(path: Path | None) -> PlanFigures | None:
    if path is None:
        return None
    import msgspec

    from baseload.gateway.status import PlanFigures

    data = path.read_bytes()
    if len(data) > _MOST_PLAN_BYTES:
        raise UsageError(f"{path}: {len(data)} bytes; expected a plan.json")
    try:
        return msgspec.json.decode(data, type=PlanFigures)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: {str(error)[:120]}; expected plan.json as `baseload plan` writes it") from error


def _show(document: StatusDocument) -> None:
    from rich.text import Text

    from baseload.report.names import PROSE, legible

    console = stdout()
    for line in _lines(document):
        console.print(Text(legible(line, PROSE)), soft_wrap=True)


def _lines(document: StatusDocument) -> list[str]:
    spend = document.spend
    counted = f"{numbered(document.calls, 'call')}, {numbered(document.attempts, 'attempt')}"
    repriced = f"{_usd(spend.repriced_usd)} (assumed: same tokens); {_against(spend.repriced_saved_usd)}"
    lines = [
        f"{counted}, {_time(document.first_us)} to {_time(document.last_us)} (UTC), from the {document.source}",
        f"Actual, list price: {_usd(spend.actual_usd)}. Repriced at the models asked for: {repriced}.",
    ]
    if document.saved_usd is None:
        lines.append("Realised savings: not identified for any workload.")
    else:
        lines.append(
            f"Realised savings: {_usd(document.saved_usd)}; net of {_usd(spend.shadow_usd)} of shadow calls and "
            f"{_usd(spend.trial_usd)} of trials: {_usd(document.net_usd or '0')}."
        )
    inside = (
        f"retries {_usd(spend.retries_usd)}, escalations {_usd(spend.escalations_usd)}, spills {_usd(spend.spills_usd)}"
    )
    lines.append(f"Inside the actual cost: {inside}.")
    if spend.in_flight or spend.unknown_calls or document.dropped:
        lines.append(
            f"Cost not known: {spend.in_flight} in flight (at most {_usd(spend.in_flight_reserved_usd)} reserved), "
            f"{spend.unknown_calls} ended without a known cost ({_usd(spend.unknown_least_usd)} at least, by what was "
            f"seen; {_usd(spend.unknown_reserved_usd)} kept by budgets); {document.dropped} records could not be "
            "written."
        )
    if spend.not_settled:
        lines.append(
            f"Broken off: {spend.not_settled_share:.1%} of the attempts that ended left no final usage "
            f"({spend.not_settled:,}): callers left, or upstreams broke off, after the answer had begun."
        )
    for workload in document.workloads:
        lines += ["", *_workload_lines(workload)]
    return lines


def _workload_lines(one: WorkloadStatus) -> list[str]:
    name = one.name or one.workload or "no entry of the policy"
    found = one.realised
    lines = [
        f"{name}: {numbered(one.calls, 'call')}, {numbered(one.sessions, 'session')}, {_usd(one.spend.actual_usd)}"
    ]
    if found.saved_usd is None:
        lines.append(f"  realised: {found.reason}")
    else:
        interval = f"{_usd(found.low_usd or '0')} to {_usd(found.high_usd or '0')}, 95 %"
        sides = f"{found.sessions:,} sessions served, {found.reference:,} held back"
        lines.append(f"  realised: {_usd(found.saved_usd)} ({interval}), {_share(found.share)}; {sides}")
        lines.append(
            f"  net of shadow calls and trials: {_usd(found.net_usd or '0')}; a session cost "
            f"{_usd(found.candidate_per_session_usd or '0')} against {_usd(found.reference_per_session_usd or '0')}"
        )
    if one.planned is not None:
        lines.append(f"  planned: {_share(one.planned.saving_share)}, {_usd(one.planned.saving_usd)} {one.planned.per}")
    if one.route is not None:
        route = one.route
        lines.append(f"  route to {route.candidate}: {route.stage}, {numbered(route.pairs, 'graded pair')}")
        lines += [f"  alarm: {alarm}" for alarm in route.alarms]
        lines += [f"  rolled back: {route.rolled_back}"] if route.rolled_back else []
        lines += [f"  held by {route.held}"] if route.held else []
    elif one.entry:
        lines.append(f"  no route: {_ENTRY[one.entry]}")
    if one.no_shadow:
        lines.append(f"  {one.no_shadow}; it stays in the shadow stage")
    if one.not_batched:
        told = ", ".join(f"{count:,} {why}" for why, count in sorted(one.not_batched.items(), key=_most_first))
        lines.append(f"  may wait for a batch, and went at once: {told}")
    return lines


def _against(saved: str) -> str:
    """What was used beside what was asked for, where `saved` may be a cost."""
    amount = Decimal(saved)
    if not amount:
        return "what served costs the same"
    return f"what served costs {_usd(str(abs(amount)))} {'less' if amount > 0 else 'more'} than asked for"


def _most_first(one: tuple[str, int]) -> tuple[int, str]:
    return -one[1], one[0]


def _usd(text: str) -> str:
    amount = Decimal(text)
    places = 2 if abs(amount) >= 1 or not amount else 6
    return f"{'-' if amount < 0 else ''}${abs(amount):,.{places}f}"


def _share(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"


def _time(us: int | None) -> str:
    return "–" if us is None else dt.datetime.fromtimestamp(us / _US, dt.UTC).strftime("%Y-%m-%d %H:%M")
