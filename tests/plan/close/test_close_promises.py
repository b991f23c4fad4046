"""What a close reads of a saved plan, and what it says of a file that is none."""

from __future__ import annotations

import json
from typing import Any

import pytest

from baseload.errors import UsageError
from baseload.plan.close.promises import promises_of
from baseload.plan.document import BasisPart, ChoicePart, PlanDocument, PlanWorkload, SpanPart, WindowPart
from baseload.values import iso_day


def plan(**change: Any) -> bytes:
    workload = {
        "id": "w-1", "name": "triage", "as_billed_usd": "1200.00", "choice": {"levers": ["route", "cache"]},
        "saving": {"low_usd": "0.00", "likely_usd": "300.00", "high_usd": "400.00"},
    }  # fmt: skip
    document = {
        "schema": "baseload.plan/1",
        "basis": {"window": {"start": "2026-10-01", "end_exclusive": "2026-10-29", "days": 28}},
        "workloads": [workload],
    }
    return json.dumps(document | change).encode()


def test_a_promise_is_the_likely_saving_of_what_is_billed() -> None:
    found = promises_of(plan(), "plan.json")
    (promise,) = found.promises

    assert (promise.workload, promise.billed_nano, promise.saved_nano) == ("w-1", 1_200 * 10**9, 300 * 10**9)
    assert promise.shortens
    assert (iso_day(found.window.start_day), iso_day(found.window.end_day_exclusive)) == ("2026-10-01", "2026-10-29")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"{", "plan.json: not a saved plan"),
        (b"[]", "plan.json: not a saved plan"),
        (plan(schema="baseload.map/1"), "schema is 'baseload.map/1'; expected baseload.plan/"),
        (plan(basis={}), "no field 'window'"),
        (plan(workloads=[{"id": "w-1"}]), "no field 'name'"),
        (plan(workloads=[{"id": "w", "name": "n", "as_billed_usd": "much"}]), "not a saved plan"),
        (plan(workloads=3), "not a saved plan"),
    ],
)
def test_a_file_that_is_no_plan_is_a_usage_error(data: bytes, said: str) -> None:
    with pytest.raises(UsageError, match=r"plan\.json") as error:
        promises_of(data, "plan.json")
    assert said in str(error.value)
    assert "Save one with" in str(error.value)


def test_the_plan_document_has_every_field_that_is_read() -> None:
    read = {
        PlanDocument: {"schema", "basis", "workloads"},
        BasisPart: {"window"},
        WindowPart: {"start", "end_exclusive"},
        PlanWorkload: {"id", "name", "as_billed_usd", "saving", "choice"},
        SpanPart: {"likely_usd"},
        ChoicePart: {"levers"},
    }
    assert {kind.__name__: names - set(kind.__struct_fields__) for kind, names in read.items() if names} == {
        kind.__name__: set() for kind in read
    }
