"""Circuits and allowances by a clock of whole seconds, worked out by hand."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from baseload.gateway.upstreams.circuit import Allowance, Circuit

S = 1_000_000_000


def opened(at_s: int = 0) -> Circuit:
    """Opens after 2 failures, for 15 s."""
    circuit = Circuit(2, 15.0)
    circuit.failed(at_s * S)
    circuit.failed(at_s * S)
    return circuit


def test_it_opens_at_the_failures_in_a_row_it_was_set_to_and_not_before() -> None:
    circuit = Circuit(3, 15.0)
    circuit.failed(0)
    circuit.failed(0)
    circuit.worked(0)  # the row ends
    circuit.failed(0)
    circuit.failed(0)
    assert circuit.takes(0)
    circuit.failed(0)
    assert not circuit.takes(0)


def test_after_its_pause_one_request_is_the_probe_and_the_others_wait() -> None:
    circuit = opened()
    assert not circuit.takes(15 * S - 1)
    assert circuit.takes(15 * S)
    circuit.goes(15 * S)
    assert not circuit.takes(15 * S)
    assert not circuit.takes(20 * S)


def test_a_probe_that_is_answered_closes_it_and_one_that_fails_opens_it_again() -> None:
    for works in (True, False):
        circuit = opened()
        circuit.goes(15 * S)
        if works:
            circuit.worked(15 * S)
        else:
            circuit.failed(16 * S)
        assert circuit.takes(16 * S) is works
        assert circuit.is_closed is works
        assert circuit.takes(31 * S)


def test_a_probe_nobody_hears_of_again_does_not_close_the_way_for_ever() -> None:
    circuit = opened()
    circuit.goes(15 * S)
    assert not circuit.takes(30 * S - 1)
    assert circuit.takes(30 * S)


def test_a_probe_whose_caller_left_says_nothing_and_the_next_request_is_the_probe() -> None:
    circuit = opened()
    circuit.goes(15 * S)
    circuit.forgot()
    assert circuit.takes(15 * S)
    assert not circuit.is_closed


def test_a_long_stream_from_before_does_not_close_it_and_a_late_failure_does_not_prolong_it() -> None:
    circuit = opened(at_s=100)
    circuit.worked(40 * S)
    assert not circuit.takes(101 * S)
    circuit.failed(110 * S)
    assert circuit.takes(115 * S)


def test_repeats_are_ten_at_once_and_then_a_share_of_the_requests() -> None:
    allowance = Allowance(0.25)
    assert [allowance.take() for _ in range(11)] == [True] * 10 + [False]
    for _ in range(3):
        allowance.asked()
    assert not allowance.take()  # 0.75
    allowance.asked()
    assert allowance.take()
    assert not allowance.take()


def test_a_share_of_nothing_repeats_nothing() -> None:
    allowance = Allowance(0.0)
    allowance.asked()
    assert not allowance.take()


@given(st.lists(st.booleans(), max_size=200))
def test_there_are_never_more_repeats_than_ten_and_the_share(steps: list[bool]) -> None:
    allowance, asked, repeats = Allowance(0.5), 0, 0
    for repeat in steps:
        if repeat:
            repeats += allowance.take()
        else:
            allowance.asked()
            asked += 1
        assert repeats <= 10 + asked * 0.5
