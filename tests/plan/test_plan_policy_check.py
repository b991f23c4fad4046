"""What a policy gets wrong that only a price book can tell."""

from __future__ import annotations

import pytest
from plan_menus import HAIKU, OLD_HAIKU, OPUS

from baseload.plan.policy import Entry, WorkloadRef, policy
from baseload.plan.policy_check import check_policy
from baseload.plan.policy_write import write_policy
from baseload.prices.load import load_book

BOOK = load_book()


def checked(*entries: Entry) -> list[str]:
    made = policy(entries, created="2026-11-22", prices_checked="2026-11-22")
    found, problems = check_policy(write_policy(made, {}).encode(), "policy.yaml", BOOK)
    assert found == made
    assert {(one.code, one.file) for one in problems} <= {("policy-fault", "policy.yaml")}
    return [one.message for one in problems]


def pinned(number: int, **changes: object) -> Entry:
    plain = {"decision": "pin", "model": HAIKU, "effort": "low", "from_models": (OPUS,), "verdict_id": "v"}
    return Entry(workload=WorkloadRef(id=f"w-{number}"), **{**plain, **changes})  # type: ignore[arg-type]


def test_what_the_book_knows_is_fine() -> None:
    assert checked(pinned(1), Entry(workload=WorkloadRef(id="w-2")), pinned(3, effort="", from_models=())) == []


def test_every_fault_is_named_by_entry_field_value_and_rule() -> None:
    assert checked(
        pinned(1), pinned(2, model="claude-no", from_models=("gpt-9", OPUS)), pinned(3, model=OLD_HAIKU)
    ) == [
        "entries[1]: workload 'w-2': model 'claude-no' is not in the price book; expected a model id that it lists",
        "entries[1]: workload 'w-2': from_models 'gpt-9' is not in the price book; expected a model id that it lists",
        f"entries[2]: workload 'w-3': effort 'low' is not one {OLD_HAIKU} takes; expected none",
    ]


@pytest.mark.parametrize(("text", "said"), [("", "empty; "), ("schema_version: 1\nentries: 1", "entries: '1'; ")])
def test_what_cannot_be_read_is_one_fault(text: str, said: str) -> None:
    found, [problem] = check_policy(text.encode(), "some/policy.yaml", BOOK)
    assert (found, problem.file, problem.message.startswith(said)) == (None, "some/policy.yaml", True)
