"""The demo's last chapter: what the gateway saves is measured on it, and lies beside the plan."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_demo_trials import SERVICES, recorded

from baseload.demo.answers.bars import INCUMBENT
from baseload.demo.larkfield import LARKFIELD
from baseload.demo.through_gateway import HOLDBACK, Move, ThroughGateway, through_gateway
from baseload.prices.load import load_book

CALLS = 200


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> ThroughGateway:
    service = SERVICES["support-triage"]
    requests = [dict(recorded(service, number, 7)[1].request) for number in range(CALLS)]
    move = Move(
        workload="w-triage",
        workload_name=service.name,
        incumbent=INCUMBENT,
        candidate="claude-haiku-5-5",
        verdict_id="v",
    )
    folder = tmp_path_factory.mktemp("gateway")
    return through_gateway(move, requests, {"app": service.name}, folder, LARKFIELD, book=load_book(), seed=7)


def test_every_session_is_counted_once_and_some_are_held_back(found: ThroughGateway) -> None:
    saved = found.saved
    assert (found.calls, saved.sessions + saved.reference) == (CALLS, CALLS)
    assert abs(saved.reference - HOLDBACK * CALLS) < 4 * (CALLS * HOLDBACK * (1 - HOLDBACK)) ** 0.5


def test_realised_savings_are_those_of_the_prices(found: ThroughGateway) -> None:
    """Haiku 5.5 costs a fiftieth of Opus 4.8 a token, writes 12 % more, and counts as many tokens."""
    saved = found.saved
    assert saved.share is not None
    assert saved.share == pytest.approx(1 - 1 / 50, abs=0.01)
    assert saved.saved_usd is not None
    assert saved.low_usd is not None
    assert saved.high_usd is not None
    assert saved.low_usd < saved.saved_usd < saved.high_usd


def test_the_log_holds_no_word_of_a_request(tmp_path: Path) -> None:
    service = SERVICES["support-triage"]
    request = dict(recorded(service, 1, 7)[1].request)
    move = Move(workload="w", workload_name="t", incumbent=INCUMBENT, candidate="claude-haiku-5-5", verdict_id="v")
    through_gateway(move, [request], {"app": "t"}, tmp_path, LARKFIELD, book=load_book(), seed=7)
    text = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"Larkfield" not in text
    assert b"triage desk" not in text
