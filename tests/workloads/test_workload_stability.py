"""A workload's id is the same on every run and machine, whatever else the data holds."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st
from workload_tables import USD, shapes, signatures

from baseload.values import Workload
from baseload.workloads.grouping import group

few = st.sampled_from
rows_of = st.fixed_dictionaries(
    {
        "api_key": few(["", "k1", "k2", "apikey_01AbCdEfGh"]),
        "workspace": few(["", "w1"]),
        "agent": few(["", "assistant", "reader"]),
        "tags": few(["", '{"team":"search"}', '{"app":"portal","feature":"x"}']),
        "template_id": few(["", "t1", "t2", "t3"]),
        "system_fp": few(["", "s1", "s2"]),
        "tools_fp": few(["", "f1"]),
        "grain": few(["call", "call", "day"]),
        "spend": st.integers(0, 100),
    }
)


def ids(rows: list[dict[str, object]]) -> dict[str, str]:
    return {signature: workload.id for signature, workload in found(rows).items()}


def found(rows: list[dict[str, object]]) -> dict[str, Workload]:
    table = signatures(*({key: value for key, value in row.items() if key != "spend"} for row in rows))  # type: ignore[misc]
    spend = {str(row["signature"]): int(row["spend"]) * USD for row in rows}  # type: ignore[call-overload]
    calls = {str(row["signature"]): 20 for row in rows if row["grain"] == "call"}
    prefixes = {"t1": "a:500 b:400 x:100", "t2": "a:500 b:400 y:100"}
    return group(table, spend, shapes(**calls), (), (), prefixes=prefixes)[0]


def signed(rows: list[dict[str, object]], head: str) -> list[dict[str, object]]:
    return [row | {"signature": f"{head}{number}"} for number, row in enumerate(rows)]


@settings(max_examples=60, deadline=None)
@given(st.lists(rows_of, min_size=1, max_size=20), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(rows: list[dict[str, object]], shuffler: random.Random) -> None:
    named = signed(rows, "s")
    shuffled = list(named)
    shuffler.shuffle(shuffled)
    assert found(shuffled) == found(named)


@settings(max_examples=60, deadline=None)
@given(st.lists(rows_of, min_size=1, max_size=20), st.lists(rows_of, max_size=20))
def test_calls_of_other_owners_change_no_id(rows: list[dict[str, object]], others: list[dict[str, object]]) -> None:
    named = signed(rows, "s")
    unrelated = [
        row | {"api_key": f"other-{row['api_key']}", "tags": "", "agent": "", "workspace": ""}
        for row in signed(others, "o")
    ]
    together = ids([*named, *unrelated])
    assert {signature: together[signature] for signature in ids(named)} == ids(named)


@settings(max_examples=60, deadline=None)
@given(st.lists(rows_of, min_size=1, max_size=20))
def test_every_signature_has_one_workload_and_no_two_workloads_share_a_name(rows: list[dict[str, object]]) -> None:
    named = found(signed(rows, "s"))
    assert len(named) == len(rows)
    by_id = {workload.id: workload for workload in named.values()}
    assert all(by_id[workload.id] == workload for workload in named.values())
    assert len({workload.name for workload in by_id.values()}) == len(by_id)
    assert all(workload.why for workload in by_id.values())


def test_ids_are_these_for_ever() -> None:
    # Settings in people's baseload.toml are bound to them. To change a key, raise key._ID_VERSION and say so in
    # CHANGELOG: every bound setting is lost.
    rows = signed(
        [
            {"api_key": "k1", "spend": 1, "grain": "call"},
            {"tags": '{"app":"portal"}', "spend": 1, "grain": "call"},
            {"agent": "reader", "spend": 1, "grain": "call"},
        ],
        "s",
    )
    # printf '["workload/1",["api_key","k1"]]' | b2sum -l 48   and so on
    assert ids(rows) == {"s0": "w-13fd300568e4", "s1": "w-da3e1413f2b3", "s2": "w-c2922a7b1892"}
