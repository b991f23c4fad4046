"""What a person orders of a route: hold, resume, roll back, lift. Who and why is asked for, and kept.

For the command line and the admin endpoints. A roll-back is its one row: nothing heavy is loaded for it, and every
replica sees it within a second, whatever becomes of the route's own state.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from baseload.errors import UsageError
from baseload.gateway.state.records import Rollback, RouteRow
from baseload.gateway.state.store import StateStore
from baseload.gateway.watching.views import Standing, standing_of

Order = Literal["hold", "resume", "roll_back", "lift"]
MOST_WHO: Final = 40
MOST_WHY: Final = 200
MOST_TRIES: Final = 8
_MOST_SAYS: Final = MOST_WHO + 2 + MOST_WHY


class Ordered(msgspec.Struct, frozen=True, kw_only=True):
    """What an order did. `changed` false: it stood so already."""

    order: Order
    workload: str
    candidate: str
    changed: bool
    stage: str = ""


def roll_back(
    store: StateStore, workload: str, *, who: str, why: str, at_us: int, candidate: str = "", policy_id: str = ""
) -> Ordered:
    """Bar a workload's candidate: its incumbent serves everything again, within a second everywhere.

    `candidate` "" = that of its latest route. Raises UsageError where there is none to name, StateDown.
    """
    says = _says(who, why)
    if not candidate:
        row, standing = _latest(store, workload)
        candidate, policy_id = standing.view.candidate, row.policy_id
    back = Rollback(
        workload=workload, candidate=candidate, policy_id=policy_id, reason="ordered", says=says, at_us=at_us
    )
    return Ordered(
        order="roll_back", workload=workload, candidate=candidate, changed=store.roll_back(back), stage="rolled back"
    )


def hold(store: StateStore, workload: str, *, who: str, why: str, at_us: int) -> Ordered:
    """The ramp stands still until `resume`; what is served is served on.

    Raises UsageError where there is no ramp: none was served yet, or it was rolled back. Raises StateDown.
    """
    return _set_held(store, workload, "hold", _says(who, why), at_us)


def resume(store: StateStore, workload: str, *, who: str, why: str, at_us: int) -> Ordered:
    """The ramp may go on. Raises UsageError as `hold` does, StateDown."""
    _says(who, why)
    return _set_held(store, workload, "resume", "", at_us)


def lift(store: StateStore, workload: str, *, who: str, why: str, at_us: int, candidate: str = "") -> Ordered:
    """A candidate that was rolled back may serve again, from the shadow stage on. Raises UsageError, StateDown.

    Its routes are forgotten first, all of them: each begins anew when it is next served.
    """
    _says(who, why)
    if not candidate:
        barred = [back.candidate for back in store.rollbacks() if back.workload == workload]
        if len(barred) != 1:
            raise UsageError(
                f"workload {workload[:60]!r} has {len(barred)} candidates rolled back; expected one, or its name"
            )
        candidate = barred[0]
    for row in store.routes():
        standing = standing_of(row.state, row.policy_id)
        if row.workload == workload and standing.view.candidate == candidate:
            _rewrite(store, row, {"rolled_back": None, "past": [], "rung": 0, "reached": [], **_reset(at_us)}, at_us)
    changed = store.lift(workload, candidate, at_us)
    return Ordered(order="lift", workload=workload, candidate=candidate, changed=changed, stage="shadow")


# inside


def _reset(at_us: int) -> dict[str, object]:
    """The fields of a route's state that begin anew; those left out have the defaults of `quality.watch.route`."""
    return {"at_us": at_us, "rung_us": at_us, "rung_calls": 0, "rung_pairs": 0, "burning": [], "drift": {},
            "expired": None, "evidence": None, "windows": None, "held": ""}  # fmt: skip


def _set_held(store: StateStore, workload: str, order: Literal["hold", "resume"], held: str, at_us: int) -> Ordered:
    for _ in range(MOST_TRIES):
        _check_not_back(store, workload, order)
        row, standing = _latest(store, workload)
        same = bool(standing.held) == bool(held)
        if same or _rewrite(store, row, {"held": held}, at_us):
            return Ordered(
                order=order, workload=workload, candidate=standing.view.candidate, changed=not same,
                stage=standing.view.stage,
            )  # fmt: skip
    raise UsageError(f"workload {workload[:60]!r}: its route changes too often to be ordered; try again")


def _check_not_back(store: StateStore, workload: str, order: Literal["hold", "resume"]) -> None:
    """Raises UsageError where no ramp is left: by a row of its own, or by what the route's state says."""
    barred = {back.candidate: back.says for back in store.rollbacks() if back.workload == workload}
    if any(row.workload == workload for row in store.routes()):
        _, standing = _latest(store, workload)
        candidate = standing.view.candidate
        barred = {candidate: barred[candidate]} if candidate in barred else {}
        if standing.view.rolled_back and not barred:
            barred = {candidate: standing.why_back}
    for candidate, says in barred.items():
        raise UsageError(
            f"workload {workload[:60]!r} was rolled back ({says[:_MOST_SAYS]}): there is nothing to {order}. The "
            f"original serves every session, and the route to {candidate or 'its candidate'} has ended. Another "
            "candidate begins with the policy of the next `baseload plan`; this one only once its trial was repeated "
            "and `baseload gateway lift` takes the roll-back away."
        )


def _rewrite(store: StateStore, row: RouteRow, changes: dict[str, object], at_us: int) -> bool:
    """Some fields of a stored state by compare-and-swap; None takes a field back to its default."""
    state = msgspec.json.decode(row.state, type=dict[str, msgspec.Raw])
    for name, value in {**changes, "events": row.events + 1}.items():
        if value is None:
            state.pop(name, None)
        else:
            state[name] = msgspec.Raw(msgspec.json.encode(value))
    text = msgspec.json.encode(state, order="sorted").decode()
    fresh = msgspec.structs.replace(row, events=row.events + 1, state=text, changed_us=at_us)
    return store.swap_route(fresh, row.events)


def _latest(store: StateStore, workload: str) -> tuple[RouteRow, Standing]:
    rows = [row for row in store.routes() if row.workload == workload]
    if not rows:
        raise UsageError(f"workload {workload[:60]!r} has no route yet; expected one that was served")
    row = max(rows, key=lambda one: one.changed_us)
    return row, standing_of(row.state, row.policy_id)


def _says(who: str, why: str) -> str:
    if not who.strip() or not why.strip():
        raise UsageError("an order without a name or a reason; expected who orders it, and why")
    return f"{who.strip()[:MOST_WHO]}: {why.strip()[:MOST_WHY]}"
