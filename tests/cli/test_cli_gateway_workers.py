"""`baseload gateway --workers 2`: one page of metrics for both processes, whichever of them is asked."""

from __future__ import annotations

import os
import signal
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from gateway_process import ASK, HAIKU, children, gateway, until
from prometheus_client.parser import text_string_to_metric_families

from baseload.demo.upstream.answers import Answers
from baseload.demo.upstream.seeded import seeded_answers
from baseload.demo.upstream.server import Upstream, running
from baseload.demo.upstream.service import Service
from baseload.prices.load import load_book

TOKEN = "t-0001"


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    service = Service(Answers(fallback=seeded_answers(7)), load_book())
    with running(Upstream(service, keep=1_000)) as server:
        yield server


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def scraped(port: int) -> dict[str, float]:
    """Calls by process, of the first page on which both answered: a busy machine may keep one of them waiting."""
    ask = urllib.request.Request(f"http://127.0.0.1:{port}/metrics", headers={"authorization": f"Bearer {TOKEN}"})
    pages: list[dict[str, dict[str, float]]] = []

    def is_whole() -> bool:
        try:
            with urllib.request.urlopen(ask, timeout=20) as answer:
                families = list(text_string_to_metric_families(answer.read().decode()))
        except OSError:  # it met one that was killed
            return False
        page: dict[str, dict[str, float]] = {"baseload_process_up": {}, "baseload_calls_total": {}}
        for one in [sample for family in families for sample in family.samples if sample.name in page]:
            by_process, process = page[one.name], one.labels["process"]
            by_process[process] = by_process.get(process, 0) + one.value
        pages.append(page)
        return page["baseload_process_up"] == {"0": 1, "1": 1}

    until(is_whole, 60)
    return pages[-1]["baseload_calls_total"]


def test_every_scrape_has_both_processes_whichever_answers_also_after_one_died(
    upstream: Upstream, tmp_path: Path
) -> None:
    port = free_port()
    (tmp_path / "gateway.toml").write_text(f"[listen]\nadmin_port = {port}\n")
    env = {"BASELOAD_ADMIN_TOKEN": TOKEN}
    with gateway(tmp_path, "--upstream", upstream.base_url, "--workers", "2", env=env) as run:
        for _ in range(12):  # a connection each: the kernel spreads them
            client = run.client()
            client.messages.create(model=HAIKU, max_tokens=20, messages=ASK)
            client.close()
        pages = [scraped(port) for _ in range(8)]
        assert all(sum(one.values()) == 12 for one in pages)
        assert all(one == pages[0] for one in pages)
        with pytest.raises(urllib.error.HTTPError) as shut:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics/process", timeout=10)
        assert shut.value.code == 401
        shut.value.close()
        killed = children(run.process.pid)[0]
        os.kill(killed, signal.SIGKILL)
        until(lambda: len(found := children(run.process.pid)) == 2 and killed not in found, 60)
        left = scraped(port)  # its counters begin again, and those of the other stay
        assert set(left.items()) <= set(pages[0].items())
        assert len(left) < 2
        assert run.stop() == 0
