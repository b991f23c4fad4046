"""Leases: the three sums of a budget are always those of its leases, whatever is said twice or by the dead."""

from __future__ import annotations

import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from baseload.gateway.state.leases import Place, Used
from baseload.gateway.state.records import BudgetRow, LeaseRow
from baseload.gateway.state.sqlite import SqliteDatabase
from baseload.gateway.state.store import StateStore

PLACE = Place("all", "2026-11")


def take(store: StateStore, need: int, *, replica: str = "a", cap: int = 1_000, at_us: int = 1) -> LeaseRow:
    return store.take(replica, PLACE, need_nano=need, cap_nano=cap, at_us=at_us)


def report(store: StateStore, spent: int, *, replica: str = "a", **more: Any) -> LeaseRow:
    return store.report(replica, PLACE, **({"spent_nano": spent, "cap_nano": 1_000, "at_us": 2} | more))


def sums(store: StateStore) -> tuple[int, int, int]:
    """(spent, leased, held)."""
    (row,) = store.budgets("2026-11")
    return row.spent_nano, row.leased_nano, row.held_nano


def test_a_lease_is_the_need_or_a_hundredth_of_what_is_left(connect) -> None:
    store = StateStore(connect())
    assert take(store, 1, cap=1_000).granted_nano == 10
    assert take(store, 200).granted_nano == 210
    assert take(store, 790).granted_nano == 1_000
    assert take(store, 1).granted_nano == 1_000  # nothing is left
    assert sums(store) == (0, 1_000, 0)


def test_more_than_is_free_is_not_granted_in_part(connect) -> None:
    store = StateStore(connect())
    assert take(store, 1_001).granted_nano == 0
    assert sums(store) == (0, 0, 0)


def test_what_is_said_twice_counts_once(connect) -> None:
    store = StateStore(connect())
    take(store, 100)
    for _ in range(3):
        assert report(store, 60).rest_nano == 40
    assert sums(store) == (60, 40, 0)
    for _ in range(2):
        assert report(store, 60, keep_nano=70).granted_nano == 70
    assert sums(store) == (60, 10, 0)


def test_an_older_report_that_comes_late_takes_nothing_back(connect) -> None:
    store = StateStore(connect())
    take(store, 100)
    report(store, 60)
    assert report(store, 50).spent_nano == 60


def test_spending_beyond_the_lease_is_told_as_it_is(connect) -> None:
    store = StateStore(connect())
    take(store, 100)
    assert report(store, 130).granted_nano == 130
    assert sums(store) == (130, 0, 0)


def test_a_lower_cap_holds_at_once_and_takes_nothing_back(connect) -> None:
    store = StateStore(connect())
    take(store, 500)
    assert take(store, 1, cap=400).granted_nano == 500
    (row,) = store.budgets("2026-11")
    assert (row.cap_nano, row.free_nano) == (400, 0)


def test_what_a_silent_replica_has_is_held_and_its_own_again_when_it_speaks(connect) -> None:
    store = StateStore(connect())
    take(store, 100, at_us=1)
    take(store, 50, replica="b", at_us=500)
    report(store, 30, at_us=2)
    assert [lease.replica_id for lease in store.expire(100)] == ["a"]
    assert store.expire(100) == []
    assert sums(store) == (30, 50, 70)
    assert report(store, 45, at_us=600).state == "open"
    assert sums(store) == (45, 105, 0)


def test_the_dead_are_settled_by_their_log_and_only_once(connect) -> None:
    one, two = StateStore(connect()), StateStore(connect())
    take(one, 100)
    report(one, 30)
    used = {PLACE: Used(55, 20)}
    assert one.reclaim("a", used, {"all": 1_000}, 9) == [PLACE]
    assert two.reclaim("a", used, {"all": 1_000}, 9) == []
    assert sums(two) == (55, 0, 20)
    assert two.leases() == []


def test_what_lost_calls_hold_is_released_once_by_somebody_and_said(connect) -> None:
    """Of 1,000 a dead replica had spent 55 and its calls held 20; the provider's report has 7 of them."""
    store = StateStore(connect())
    take(store, 100)
    store.reclaim("a", {PLACE: Used(55, 20)}, {"all": 1_000}, 9)
    assert store.lost_nano(PLACE) == 20
    with pytest.raises(ValueError, match="21 of 20"):
        store.release(PLACE, spent_nano=21, who="w", why="y", at_us=11)
    done = store.release(PLACE, spent_nano=7, who="A. Lindqvist", why="usage report", at_us=12)
    assert sums(store) == (62, 0, 0)
    assert StateStore(connect()).releases(PLACE.period) == [done]
    assert done is not None
    assert (done.held_nano, done.spent_nano, done.who, done.why, done.at_us) == (
        20,
        7,
        "A. Lindqvist",
        "usage report",
        12,
    )
    assert store.release(PLACE, spent_nano=0, who="w", why="y", at_us=13) is None
    assert store.reclaim("a", {PLACE: Used(55, 20)}, {"all": 1_000}, 14) == []
    assert take(store, 938, replica="b").granted_nano == 938  # all that is left may be spent


def test_what_running_replicas_have_and_ones_whose_log_was_not_read_is_nobodys_to_release(connect) -> None:
    store = StateStore(connect())
    take(store, 100, at_us=10)
    assert store.release(PLACE, spent_nano=0, who="w", why="y", at_us=11) is None
    store.expire(100)
    assert sums(store) == (0, 0, 100)
    assert store.release(PLACE, spent_nano=0, who="w", why="y", at_us=12) is None
    assert sums(store) == (0, 0, 100)


def test_a_budget_nobody_used_has_nothing_to_release_and_is_not_made(connect) -> None:
    store = StateStore(connect())
    assert store.release(PLACE, spent_nano=0, who="w", why="y", at_us=12) is None
    assert store.budgets(PLACE.period) == []


def test_two_that_reclaim_at_once_settle_the_dead_once(connect) -> None:
    stores = [StateStore(connect()) for _ in range(2)]
    take(stores[0], 100)
    closed: list[Place] = []

    def reclaim(store: StateStore) -> None:
        closed.extend(store.reclaim("a", {PLACE: Used(55, 20)}, {}, 9))

    threads = [threading.Thread(target=reclaim, args=(store,)) for store in stores]
    with connect().transaction() as run:
        run.run("UPDATE budgets SET cap_nano = cap_nano")  # nobody gets past this row before both are at it
        for thread in threads:
            thread.start()
        time.sleep(0.3)
    for thread in threads:
        thread.join()
    assert closed == [PLACE]
    assert sums(stores[0]) == (55, 0, 20)


def test_an_expired_lease_is_settled_by_its_log_too(connect) -> None:
    store = StateStore(connect())
    take(store, 100)
    store.expire(50)
    assert sums(store) == (0, 0, 100)
    store.reclaim("a", {PLACE: Used(55, 20)}, {}, 9)
    assert sums(store) == (55, 0, 20)


def test_a_log_that_lost_its_end_does_not_undo_what_was_reported(connect) -> None:
    store = StateStore(connect())
    take(store, 100)
    report(store, 60)
    store.reclaim("a", {PLACE: Used(40, 0)}, {}, 9)
    assert sums(store) == (60, 0, 0)


def test_what_was_spent_while_the_store_was_down_counts_when_the_log_is_read(connect) -> None:
    store = StateStore(connect())
    used = {PLACE: Used(40, 5), Place("gone", "2026-11"): Used(7, 0)}
    assert store.reclaim("a", used, {"all": 1_000}, 9) == [PLACE]
    assert store.reclaim("a", used, {"all": 1_000}, 9) == []
    assert sums(store) == (40, 0, 5)


OPERATIONS = st.lists(
    st.tuples(
        st.sampled_from(["take", "report", "back", "expire", "reclaim"]), st.sampled_from("abc"), st.integers(0, 400)
    ),
    max_size=25,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(OPERATIONS)
def test_the_sums_are_those_of_the_leases_and_never_beyond_the_cap(
    operations: list[tuple[str, str, int]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = StateStore(SqliteDatabase(Path(folder) / "s"))
        leases: dict[str, LeaseRow] = {}
        for time_us, (what, replica, amount) in enumerate(operations, start=1):
            have = leases.get(replica)
            if what == "take":
                leases[replica] = take(store, amount, replica=replica, at_us=time_us)
            elif what in ("report", "back") and have is not None:
                spent = min(have.granted_nano, have.spent_nano + amount)
                keep = spent if what == "back" else None
                leases[replica] = report(store, spent, replica=replica, at_us=time_us, keep_nano=keep)
            elif what == "expire":
                store.expire(time_us - 5)
            elif what == "reclaim" and have is not None:
                spent = min(have.granted_nano, have.spent_nano + amount // 2)
                store.reclaim(replica, {PLACE: Used(spent, have.granted_nano - spent)}, {}, time_us)
                del leases[replica]
            check(store)
        store.close()


def check(store: StateStore) -> None:
    with store.database.transaction() as run:
        rows = run.rows("SELECT granted_nano, spent_nano, held_nano, state FROM leases")
    leased = sum(granted - spent for granted, spent, _, state in rows if state == "open")
    expected = (sum(row[1] for row in rows), leased, sum(row[2] for row in rows))
    for budget in store.budgets("2026-11"):
        assert isinstance(budget, BudgetRow)
        assert (budget.spent_nano, budget.leased_nano, budget.held_nano) == expected
        assert sum(expected) <= budget.cap_nano


def test_a_closed_lease_of_a_replica_that_lives_after_all_is_opened_again(connect) -> None:
    store = StateStore(connect())
    take(store, 100)
    store.reclaim("a", {PLACE: Used(55, 0)}, {}, 9)
    assert take(store, 10).state == "open"
    assert report(store, 60).spent_nano == 60
    spent, leased, held = sums(store)
    assert (spent, held) == (60, 0)
    assert leased == take(store, 0).rest_nano


@pytest.mark.parametrize("need", [0, -5])
def test_asking_for_nothing_renews(connect, need: int) -> None:
    store = StateStore(connect())
    assert take(store, need, at_us=77).renewed_us == 77
    assert sums(store) == (0, 0, 0)
