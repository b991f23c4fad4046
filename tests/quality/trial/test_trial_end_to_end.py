"""Real outputs through the official SDK and a real socket; the process killed half-way, resumed, verified."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import routing_trial as routing

from baseload.demo.upstream.answers import Answers, asked_hash, text_answer
from baseload.demo.upstream.faults import Behaviour
from baseload.demo.upstream.server import Upstream, running
from baseload.demo.upstream.service import Service
from baseload.prices.load import load_book
from baseload.quality.record import verify
from baseload.quality.replay.journal import Journal
from baseload.quality.replay.state import State
from baseload.quality.trial.document import load_trial

ROWS = 300


@pytest.fixture(scope="module")
def rows(shared_data: Path) -> list[list[Any]]:
    """Prompts both models answered; where their texts are equal their scores are too."""
    names = {"claude-3-5-haiku", "claude-3-5-sonnet"}
    table = [row for row in pq.read_table(shared_data / "routing" / "zeroeval_claude3.parquet").to_pylist()
             if row["model"] in names and row["output"]]  # fmt: skip
    by_model = {name: {row["prompt_id"]: row for row in table if row["model"] == name} for name in names}
    ours, theirs = by_model["claude-3-5-haiku"], by_model["claude-3-5-sonnet"]
    return [
        [key, ours[key]["prompt"], theirs[key]["output"], theirs[key]["score"], ours[key]["output"], ours[key]["score"]]
        for key in sorted(ours.keys() & theirs.keys())[::4][:ROWS]
        if ours[key]["output"] != theirs[key]["output"] or ours[key]["score"] == theirs[key]["score"]
    ]


def upstream(rows: list[list[Any]], batch_s: float) -> Upstream:
    recorded = [(routing.HAIKU, asked_hash(routing.request(row[1])), text_answer(row[4])) for row in rows]
    service = Service(Answers(recorded), load_book())
    service.behaviour = Behaviour(batch_s=batch_s)
    return Upstream(service)


def test_a_trial_killed_half_way_is_resumed_paid_once_and_verifies(rows: list[list[Any]], tmp_path: Path) -> None:
    data, folder = tmp_path / "rows.json", tmp_path / "trial"
    data.write_text(json.dumps(rows))
    with running(upstream(rows, 0.4)) as server:
        command = [sys.executable, str(Path(routing.__file__)), server.base_url, str(folder), str(data)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        _until_half_way(folder, process)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        assert not (folder / "trial.json").exists()
        before = (folder / "record.jsonl").read_bytes()

        ended = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
        found = load_trial((folder / "trial.json").read_bytes())
        billed = _billed(server)
        sent = [one["params"]["messages"][0]["content"] for b in server.service.batches.created for one in b.requests]

    assert ended.stdout.strip() == found.verdict_id
    assert (folder / "record.jsonl").read_bytes().startswith(before)  # said the same again, and went on
    assert len(sent) == len(set(sent))  # nothing twice
    assert found.money.spent_usd == billed
    assert found.money.reserved_usd == found.money.maybe_paid_twice_usd == 0
    journal = Journal(folder / "journal.jsonl", key=b"key")
    assert State(journal.lines).spent_usd == billed
    journal.close()

    checked = verify((folder / "record.jsonl").read_bytes(), found.verdict_id)
    assert checked.agrees
    assert checked.decision.verdict == found.decision.verdict
    _verified_by_the_command(folder, found.verdict_id)

    with running(upstream(rows, 0.01)) as server:
        whole = asyncio.run(routing.trial(server.base_url, tmp_path / "whole", rows))
    assert whole.verdict_id == found.verdict_id  # the same record as if nobody had killed it
    assert whole.discordant == found.discordant


def test_the_recorded_difference_is_what_is_found(rows: list[list[Any]], tmp_path: Path) -> None:
    """Every pair of the record is Haiku's measured score less Sonnet's."""
    with running(upstream(rows, 0.01)) as server:
        found = asyncio.run(routing.trial(server.base_url, tmp_path / "t", rows))
    expected = {routing.call_id(row[0]): row[5] - row[3] for row in rows}
    lines = [json.loads(line) for line in (tmp_path / "t" / "record.jsonl").read_bytes().splitlines()]
    pairs = [line["body"] for line in lines if line["kind"] == "pair"]
    assert len(pairs) == found.decision.n_used >= 50
    assert all(body["score"] == expected[body["call"]] for body in pairs)
    assert found.state != "holds"  # 13 points of loss where 8 of 400 speak for it and 61 against it
    assert found.grade == "simulated"
    assert found.decided_day < found.expires_day


def _until_half_way(folder: Path, process: subprocess.Popen[bytes]) -> None:
    """Pairs of a first look are in the record, and the next batch is on its way."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        record, journal = folder / "record.jsonl", folder / "journal.jsonl"
        if record.exists() and b'"kind":"pair"' in record.read_bytes():
            said = journal.read_bytes()
            if said.count(b'"kind":"intent"') > said.count(b'"kind":"settled"'):
                return
        if process.poll() is not None:
            raise AssertionError(process.communicate()[1].decode()[-2000:])
        time.sleep(0.005)
    raise AssertionError("never half-way")


def _billed(server: Upstream) -> Decimal:
    """Haiku 5.5 in a batch: $0.05 in and $0.25 out a million."""
    usages = [one.usage for one in server.service.billed]
    return sum(
        ((Decimal(u["input_tokens"]) + Decimal(u["output_tokens"]) * 5) / 20_000_000 for u in usages), Decimal(0)
    )


def _verified_by_the_command(folder: Path, head: str) -> None:
    main = "from baseload.cli.main import main; main()"
    command = [sys.executable, "-c", main, "trial", "verify", str(folder / "record.jsonl"), "--head", head]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    changed = (folder / "record.jsonl").read_bytes().replace(b'"score":-1.0', b'"score":0.0', 1)
    (folder / "changed.jsonl").write_bytes(changed)
    command[5] = str(folder / "changed.jsonl")
    assert subprocess.run(command, capture_output=True, check=False).returncode == 3
