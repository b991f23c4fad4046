"""Credentials that a library fetches: there at once, renewed beside the requests, and never said aloud."""

from __future__ import annotations

import logging
import threading

import pytest

from baseload.gateway.upstreams.kept import Kept


def test_it_is_there_at_once_and_renewed_when_its_time_has_come() -> None:
    renewed = threading.Event()
    values = ["first", "second"]

    def fetch() -> tuple[str, float]:
        if len(values) == 1:
            renewed.set()
        return (values.pop(0), 0.01) if len(values) > 1 else (values[0], 60.0)

    kept = Kept("aws", fetch)
    assert renewed.wait(5)
    kept.close()
    assert kept.value == "second"


def test_what_goes_wrong_is_said_without_its_text_and_the_last_value_stays(caplog: pytest.LogCaptureFixture) -> None:
    tried = threading.Event()
    answers = ["good"]

    def fetch() -> tuple[str, float]:
        if answers:
            return answers.pop(), 0.01
        tried.set()
        raise RuntimeError("the secret is sk-very-secret")

    with caplog.at_level(logging.WARNING):
        kept = Kept("aws", fetch)
        assert tried.wait(5)
        kept.close()
    assert kept.value == "good"
    assert "sk-very-secret" not in caplog.text
    assert "good" not in repr(kept)


def test_nothing_at_the_start_is_nothing_and_no_exception() -> None:
    def fetch() -> tuple[str, float]:
        raise OSError

    kept = Kept("gcp", fetch)
    kept.close()
    assert kept.value is None
