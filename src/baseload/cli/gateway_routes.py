"""`baseload gateway routes`, `rollback`, `hold`, `resume`, `lift`: where workloads stand, and people's orders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from baseload.cli.gateway_options import Config, PolicyFile, Who, Why
from baseload.cli.help import Json

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from baseload.gateway.state.records import Rollback, RouteRow
    from baseload.gateway.state.store import StateStore
    from baseload.gateway.watching.orders import Ordered
    from baseload.plan.policy import Policy

ROUTES_SCHEMA = "baseload.gateway.routes/1"
ORDER_SCHEMA = "baseload.gateway.order/1"
_DONE = {"roll_back": "Rolled back", "hold": "Held", "resume": "Resumed", "lift": "Lifted"}

_Workload = Annotated[str, Parameter(help="The workload's id, as `routes` shows it, or its name.")]


def routes(*, config: Config = None, policy: PolicyFile = None, as_json: Json = False) -> int:
    """Where each workload stands: stage, share of sessions the candidate serves, open alarms, roll-backs.

    Read from the state store, so it is the same for every replica; a workload of the policy that was never served is
    listed too, and so is one that is left alone on purpose. Of workloads that may wait for a batch, it says how many
    calls went at once all the same, and why. Of a route in its shadow stage, why it will not leave it, where it cannot.

    Examples
    --------
    baseload gateway routes
    baseload gateway routes --json | jq '.routes[] | select(.alarms != [])'
    """
    from baseload.cli.gateway_settings import state_store
    from baseload.cli.output import print_json

    setup = _setup(config, policy)
    with state_store(setup) as store:
        shown = _routes(setup.loaded.policy, store.routes(), store.rollbacks(), at_once=_at_once(setup))
    _add_batches(shown, setup)
    _add_shadow(shown, setup)
    if as_json:
        print_json({"schema": ROUTES_SCHEMA, "policy_id": setup.loaded.policy.policy_id, "routes": shown})
    else:
        _show(shown)
    return 0


def rollback(
    workload: _Workload,
    *,
    who: Who,
    why: Why,
    candidate: Annotated[str, Parameter(help="The model to bar; else the workload's candidate.")] = "",
    config: Config = None,
    policy: PolicyFile = None,
    as_json: Json = False,
) -> int:
    """The original model serves everything of a workload again, on every replica within a second.

    It is one row in the state store: it holds whatever a later policy says, until somebody lifts it.

    Examples
    --------
    baseload gateway rollback wl-1a2b3c --who 'A. Lindqvist' --why 'customers complain'
    """
    from baseload.gateway.watching.orders import roll_back

    setup = _setup(config, policy)
    workload = _met(setup, workload)
    planned = _planned(setup, workload)

    def order(store: StateStore, at_us: int) -> Ordered:
        has_route = any(row.workload == workload for row in store.routes())
        barred = candidate or ("" if has_route else planned)
        return roll_back(
            store, workload, who=who, why=why, at_us=at_us, candidate=_resolved(setup, barred),
            policy_id=setup.loaded.policy.policy_id if barred else "",
        )  # fmt: skip

    return _ordered(setup, order, as_json=as_json)


def hold(workload: _Workload, *, who: Who, why: Why, config: Config = None, as_json: Json = False) -> int:
    """A workload's share grows no further until `resume`; what is served is served on.

    Of a route that was rolled back nothing is served any more, so there is nothing to hold: exit code 2.

    Examples
    --------
    baseload gateway hold wl-1a2b3c --who 'A. Lindqvist' --why 'launch week'
    """
    from baseload.gateway.watching import orders

    setup = _setup(config, None)
    workload = _met(setup, workload)
    return _ordered(
        setup, lambda store, at_us: orders.hold(store, workload, who=who, why=why, at_us=at_us), as_json=as_json
    )


def resume(workload: _Workload, *, who: Who, why: Why, config: Config = None, as_json: Json = False) -> int:
    """A held workload's share may grow again.

    A roll-back is taken away by `lift`, never by this: of such a workload nothing is resumed, and the exit code is 2.

    Examples
    --------
    baseload gateway resume wl-1a2b3c --who 'A. Lindqvist' --why 'launch is over'
    """
    from baseload.gateway.watching import orders

    setup = _setup(config, None)
    workload = _met(setup, workload)
    return _ordered(
        setup, lambda store, at_us: orders.resume(store, workload, who=who, why=why, at_us=at_us), as_json=as_json
    )


def lift(
    workload: _Workload,
    *,
    who: Who,
    why: Why,
    candidate: Annotated[str, Parameter(help="Which model, where several were rolled back.")] = "",
    config: Config = None,
    as_json: Json = False,
) -> int:
    """A model that was rolled back may serve a workload again, from the shadow stage on.

    Examples
    --------
    baseload gateway lift wl-1a2b3c --who 'A. Lindqvist' --why 'prompt mended, trial repeated'
    """
    from baseload.gateway.watching import orders

    setup = _setup(config, None)
    workload = _met(setup, workload)
    return _ordered(
        setup,
        lambda store, at_us: orders.lift(
            store, workload, who=who, why=why, at_us=at_us, candidate=_resolved(setup, candidate)
        ),
        as_json=as_json,
    )


# inside


def _setup(config: Path | None, policy: Path | None) -> Any:
    from baseload.cli.gateway_settings import read_setup
    from baseload.gateway.reload import Overrides

    return read_setup(config, Overrides(policy=str(policy.absolute()) if policy is not None else None))


def _met(setup: Any, given: str) -> str:
    """The id of the workload that is meant: an id is taken as it is, a name where one entry alone has it."""
    from baseload.errors import UsageError

    entries = setup.loaded.policy.entries
    if any(entry.workload.id == given for entry in entries):
        return given
    named = sorted(entry.workload.id for entry in entries if entry.workload.name == given)
    if len(named) > 1:
        raise UsageError(f"{given[:60]!r} is the name of {len(named)} workloads: {', '.join(named)[:200]}; give an id")
    return named[0] if named else given


def _planned(setup: Any, workload: str) -> str:
    """What the policy's entry would send a workload to, as its route will be known; "" where it moves nothing."""
    from baseload.cli.gateway_settings import book_of
    from baseload.gateway.watching.terms import candidate_of, has_route

    entry = next((one for one in setup.loaded.policy.entries if one.workload.id == workload), None)
    return candidate_of(entry, book_of(setup)) if entry is not None and has_route(entry) else ""


def _at_once(setup: Any) -> bool:
    """Whether entries are applied whatever stage their route is in."""
    return bool(setup.config.policy.start == "at_once")


def _resolved(setup: Any, model: str) -> str:
    """A model as routes and roll-backs name it; "" stays ""."""
    from baseload.cli.gateway_settings import book_of

    return (book_of(setup).resolve(model) or model) if model else ""


def _ordered(setup: Any, order: Callable[[StateStore, int], Ordered], *, as_json: bool) -> int:
    import time

    import msgspec

    from baseload.cli.gateway_settings import state_store
    from baseload.cli.output import print_json, stdout
    from baseload.report.names import clean

    with state_store(setup) as store:
        done = order(store, time.time_ns() // 1_000)
    if _at_once(setup) and done.stage != "rolled back":
        done = msgspec.structs.replace(done, stage="applied")
    if as_json:
        print_json({"schema": ORDER_SCHEMA, "order": done})
    else:
        said = f"{_DONE[done.order]}: {done.workload}" if done.changed else f"Nothing changed: {done.workload}"
        stdout().print(f"{clean(said)}, candidate {clean(done.candidate)}, now {done.stage}", markup=False)
    return 0


def _routes(
    policy: Policy, rows: Sequence[RouteRow], backs: Sequence[Rollback], *, at_once: bool
) -> list[dict[str, Any]]:
    """Every route of the store and every entry of the policy without one; the policy's own first."""
    from baseload.gateway.watching.terms import entry_says
    from baseload.gateway.watching.views import as_served, standing_of

    names = {entry.workload.id: entry.workload.name for entry in policy.entries}
    barred = {(back.workload, back.candidate): back for back in backs}
    shown = []
    for row in rows:
        standing = standing_of(row.state, row.policy_id)
        view = as_served(standing.view, at_once=at_once and row.policy_id == policy.policy_id)
        back = barred.pop((row.workload, view.candidate), None)
        is_back = view.rolled_back or back is not None
        shown.append(
            _row(
                row.workload, names.get(row.workload, ""), row.policy_id, view.candidate,
                stage="rolled back" if is_back else view.stage, share=0.0 if is_back else view.share,
                alarms=standing.alarms, held=standing.held, pairs=standing.pairs,
                why_back=back.says if back is not None else standing.why_back,
            )
        )  # fmt: skip
    served = {row.workload for row in rows if row.policy_id == policy.policy_id}
    for entry in policy.entries:
        if entry.workload.id not in served:
            here = [one for one in barred if one[0] == entry.workload.id]
            back = barred.pop(here[0]) if here else None
            stage = "rolled back" if back else entry_says(entry)
            model = back.candidate if back else entry.model
            shown.append(
                _row(
                    entry.workload.id, entry.workload.name, policy.policy_id, model, stage=stage,
                    why_back=back.says if back else "",
                )
            )  # fmt: skip
    shown += [
        _row(
            back.workload, names.get(back.workload, ""), back.policy_id, back.candidate, stage="rolled back",
            why_back=back.says,
        )
        for back in barred.values()
    ]  # fmt: skip
    return sorted(shown, key=lambda one: (one["policy_id"] != policy.policy_id, one["workload"]))


def _row(
    workload: str, name: str, policy_id: str, candidate: str, *, stage: str, share: float = 0.0,
    alarms: tuple[str, ...] = (), held: str = "", pairs: int = 0, why_back: str = "",
) -> dict[str, Any]:  # fmt: skip
    return {
        "workload": workload, "name": name, "policy_id": policy_id, "candidate": candidate or None, "stage": stage,
        "share": share, "alarms": alarms, "held": held or None, "pairs": pairs, "rolled_back": why_back or None,
    }  # fmt: skip


def _add_batches(shown: list[dict[str, Any]], setup: Any) -> None:
    """What each entry says of batches, and why calls went at once, as the queue counted them over all replicas."""
    waits = {entry.workload.id: entry.batch for entry in setup.loaded.policy.entries if entry.batch is not None}
    counts = _not_batched(setup) if waits and setup.config.batch.enabled else {}
    for row in shown:
        batch = waits.get(row["workload"])
        here = row["policy_id"] == setup.loaded.policy.policy_id
        row["batch"] = None
        if batch is not None and here:
            not_batched = {
                why: count for (workload, why), count in sorted(counts.items()) if workload == row["workload"]
            }
            row["batch"] = {
                "deadline": batch.deadline, "enabled": setup.config.batch.enabled, "not_batched": not_batched
            }  # fmt: skip


def _add_shadow(shown: list[dict[str, Any]], setup: Any) -> None:
    """By what a route's shadow calls are graded, and why none is made, where none is."""
    from baseload.gateway.making import project_of
    from baseload.gateway.watching.project_says import graded_by_of, unshadowed

    config, loaded = setup.config, setup.loaded
    project = project_of(config.policy.settings, loaded.folder)
    graded = graded_by_of(project, loaded.policy)
    whys = unshadowed(config, project, loaded.policy, (loaded.folder / config.policy.settings).parent)
    for row in shown:
        here = row["policy_id"] == loaded.policy.policy_id and row["stage"] != "rolled back"
        row["graded_by"] = graded.get(row["workload"]) if here else None
        row["no_shadow"] = whys.get(row["workload"]) if here else None


def _not_batched(setup: Any) -> dict[tuple[str, str], int]:
    import os

    from baseload.gateway.batch.queue import Items
    from baseload.gateway.batch.unbatched import among
    from baseload.gateway.making import database_of

    queue = Items(database_of(setup.config.state, setup.loaded.folder, os.environ))
    try:
        return among(queue.counts())
    finally:
        queue.close()


def _batch_note(batch: dict[str, Any]) -> list[str]:
    """One line about batches for people; none where every call that may wait was taken in."""
    if not batch["enabled"]:
        return [f"may wait {batch['deadline']}, but [batch] is not enabled"]
    counts = sorted(batch["not_batched"].items(), key=lambda one: (-one[1], one[0]))
    told = ", ".join(f"{count:,} {why}" for why, count in counts)
    return [f"not batched: {told}"] if told else []


def _show(shown: Sequence[dict[str, Any]]) -> None:
    from rich.table import Column, Table

    from baseload.cli.output import stdout
    from baseload.report.names import PROSE, clean

    if not shown:
        stdout().print("No routes: the policy has no entry, and nothing was ever served by one.")
        return
    longest = max(len(clean(row["workload"])) for row in shown)  # an id is copied: it is never cut, a name may be
    table = Table(
        Column("workload", no_wrap=True, min_width=longest), Column("name", no_wrap=True, max_width=24), "candidate",
        "stage", "share", "pairs", box=None,
    )  # fmt: skip
    for row in shown:
        table.add_row(
            clean(row["workload"]), clean(row["name"]), clean(row["candidate"] or ""), row["stage"],
            f"{row['share']:.0%}", f"{row['pairs']:,}",
        )  # fmt: skip
    stdout().print(table, markup=False)
    for row in shown:
        if notes := _notes(row):
            stdout().print(clean(f"{row['workload']}: {'; '.join(notes)}", PROSE), markup=False, soft_wrap=True)


def _notes(row: dict[str, Any]) -> list[str]:
    notes = [*row["alarms"], *([f"held by {row['held']}"] if row["held"] else [])]
    if row["rolled_back"]:
        notes.append(row["rolled_back"])
    if row["batch"]:
        notes += _batch_note(row["batch"])
    if row["no_shadow"]:
        notes.append(row["no_shadow"])
    elif row["graded_by"]:
        notes.append(f"shadow calls graded by {row['graded_by']}")
    return notes
