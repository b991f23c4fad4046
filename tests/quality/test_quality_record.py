"""Bars and evidence records: what is hashed, and that an edit of any byte shows."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baseload.errors import UsageError
from baseload.quality.bar import Bar
from baseload.quality.record import Line, Tampered, chained, line_bytes, read_record, verify

BAR = Bar(workload="w-triage", grader="label", margin=0.05, budget_usd=Decimal(20))


def record(differences: list[float], verdict: str = "", bar: Bar = BAR) -> bytes:
    line = chained("bar", msgspec.to_builtins(bar), None)
    lines = [line]

    def add(kind: str, body: dict[str, object]) -> None:
        lines.append(chained(kind, body, lines[-1]))  # type: ignore[arg-type]  # a kind by name

    for place, difference in enumerate(differences):
        add("pair", {"call": f"{place:08x}", "d": difference, "how": "gold"})
    if verdict:
        add("verdict", {"verdict": verdict})
    return b"".join(map(line_bytes, lines))


def test_defaults_are_two_points_at_five_percent_and_half_of_both_where_critical() -> None:
    plain = Bar(workload="w", grader="label", budget_usd=Decimal(1))
    critical = Bar(workload="w", grader="label", budget_usd=Decimal(1), critical=True)
    assert (plain.points, plain.level) == (0.02, 0.05)
    assert (critical.points, critical.level) == (0.01, 0.025)
    assert (BAR.rule.margin, BAR.rule.alpha) == (0.05, 0.05)


def test_any_change_of_a_bar_is_another_bar() -> None:
    assert BAR.sha256 == Bar(workload="w-triage", grader="label", margin=0.05, budget_usd=Decimal(20)).sha256
    changed = [
        msgspec.structs.replace(BAR, margin=0.06),
        msgspec.structs.replace(BAR, critical=True),
        msgspec.structs.replace(BAR, budget_usd=Decimal(21)),
    ]
    assert len({BAR.sha256, *(bar.sha256 for bar in changed)}) == 4


@pytest.mark.parametrize(
    "field",
    [{"margin": 0.0}, {"alpha": 1.0}, {"power": 0.4}, {"budget_usd": Decimal(0)}, {"budget_usd": Decimal("NaN")},
     {"most_calls": 0}, {"not_replayable_most": 1.0}, {"expires_days": 0}, {"cost_per_error_usd": Decimal(-1)}],
    ids=str,
)  # fmt: skip
def test_a_bar_out_of_range_names_its_field(field: dict[str, object]) -> None:
    with pytest.raises(UsageError, match=next(iter(field))):
        Bar(**{"workload": "w", "grader": "label", "budget_usd": Decimal(1)} | field)  # type: ignore[arg-type]  # wrong on purpose


def test_a_record_is_verified_from_its_differences_alone() -> None:
    data = record([0.0] * 200, "HOLDS")
    found = verify(data)
    assert (found.decision.verdict, found.recorded, found.agrees, found.pairs) == ("HOLDS", "HOLDS", True, 200)
    assert found.bar == BAR
    assert verify(data, found.head) == found


def test_a_record_that_states_another_verdict_does_not_agree() -> None:
    assert not verify(record([0.0] * 10, "HOLDS")).agrees
    assert verify(record([0.0] * 10)).agrees  # a trial that has not ended states none


def test_a_record_that_was_cut_no_longer_has_the_head_that_was_written_down() -> None:
    data = record([0.0] * 50, "NOT_SHOWN")
    head = verify(data).head
    cut = b"".join(data.splitlines(keepends=True)[:-3])
    assert verify(cut).pairs == 48
    with pytest.raises(Tampered, match="head"):
        verify(cut, head)


def test_an_older_head_is_named_as_one_with_what_was_added_since() -> None:
    data = record([0.0] * 50, "NOT_SHOWN")
    older = verify(b"".join(data.splitlines(keepends=True)[:-1])).head
    with pytest.raises(Tampered, match=r"that is line 51, and 1 line \(verdict\) was added since"):
        verify(data, older)


@settings(max_examples=60, deadline=None)
@given(place=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_no_bit_can_be_changed_unseen(place: int, bit: int) -> None:
    data = record([0.0, -1.0, 1.0, 0.25], "NOT_SHOWN")
    head = verify(data).head
    changed = bytearray(data)
    changed[place % len(data)] ^= 1 << bit
    with pytest.raises(Tampered):
        verify(bytes(changed), head)


def test_not_even_a_space_can_be_added_unseen() -> None:
    data = record([0.0, 0.5])
    for changed in (data.replace(b'"seq":1', b'"seq": 1'), data + b"\n", data.replace(b"0.5", b"0.50")):
        with pytest.raises(Tampered, match="line"):
            verify(changed)


def test_a_difference_that_was_changed_with_its_hash_breaks_the_next_line() -> None:
    lines = read_record(record([0.0, -1.0, 0.0]))
    forged: Line = chained("pair", {**lines[2].body, "d": 1.0}, lines[1])
    data = b"".join(map(line_bytes, [*lines[:2], forged, *lines[3:]]))
    with pytest.raises(Tampered, match="line 4: before"):
        verify(data)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty"),
        (b"{}\n", "line 1"),
        (line_bytes(chained("pair", {"d": 0}, None)), "bar: 0 lines"),
        (line_bytes(chained("bar", {"workload": "w"}, None)), "expected a bar"),
        (b"\xff\n", "line 1"),
    ],
)
def test_what_is_no_record_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(Tampered, match=said):
        verify(data)


def test_the_bar_comes_first_and_once() -> None:
    lines = read_record(record([0.0]))
    again = chained("bar", lines[0].body, lines[-1])
    with pytest.raises(Tampered, match="bar: 2 lines"):
        verify(b"".join(map(line_bytes, [*lines, again])))


@pytest.mark.parametrize("value", [True, "0", None])
def test_a_difference_is_a_number(value: object) -> None:
    first = chained("bar", msgspec.to_builtins(BAR), None)
    data = line_bytes(first) + line_bytes(chained("pair", {"d": value}, first))
    with pytest.raises(Tampered, match="line 2: d is"):
        verify(data)
