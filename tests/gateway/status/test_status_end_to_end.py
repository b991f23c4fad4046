"""A few hundred sessions through a real gateway on a canary, then what `status` says of them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from baseload.cli.status import status as status_command
from baseload.demo.upstream.answers import Answers, text_answer
from baseload.demo.upstream.server import Upstream, running
from baseload.demo.upstream.service import Service
from baseload.gateway.calllog.ship import ship
from baseload.gateway.config import parse_config
from baseload.gateway.reload import Loaded
from baseload.gateway.runtime import Gateway
from baseload.gateway.watching.orders import roll_back
from baseload.gateway.watching.parts import Watching
from baseload.plan.policy import Entry, Match, WorkloadRef, policy
from baseload.prices.load import load_book
from baseload.usage.reader import ReadContext
from baseload.values import OrgKey

SESSIONS = 300
POLICY = policy(
    (
        Entry(
            workload=WorkloadRef(id="w-1", name="tickets"),
            match=Match(api_key=("*",)),
            decision="pin",
            model="claude-haiku-5-5",
            verdict_id="v-1",
        ),
    ),
    created="2026-11-22",
    prices_checked="2026-11-21",
)
SETTINGS = """
[listen]
port = 0
[policy]
file = "policy.yaml"
start = "at_once"
holdback = 0.3
[[upstream]]
base_url = "{url}"
[log]
folder = "log"
[state]
file = "state.db"
[limits]
drain_s = 1
"""


@pytest.fixture
def fixed() -> Iterator[Upstream]:
    """Every answer costs the same: 1,000 tokens asked, 100 answered, whatever the model."""
    said = text_answer("billing", prompt_tokens=1_000, output_tokens=100)
    with running(Upstream(Service(Answers(fallback=lambda *_: said), load_book()))) as server:
        yield server


def request(session: int) -> bytes:
    body = json.dumps(
        {"model": "claude-opus-4-8", "max_tokens": 200, "messages": [{"role": "user", "content": f"ticket {session}"}]}
    ).encode()
    return (
        b"POST /v1/messages HTTP/1.1\r\nHost: g\r\nContent-Type: application/json\r\nanthropic-version: 2023-06-01\r\n"
        b"x-api-key: sk-ant-caller\r\nX-Claude-Code-Session-Id: s-%d\r\nContent-Length: %d\r\n\r\n%b"
        % (session, len(body), body)
    )


async def answered(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    lower = head.lower()
    if b"content-length:" in lower:
        await reader.readexactly(int(lower.partition(b"content-length:")[2].split(b"\r\n")[0]))
    else:
        while await reader.readuntil(b"\r\n") != b"0\r\n":
            await reader.readuntil(b"\r\n")
        await reader.readuntil(b"\r\n")
    return head


async def drive(folder: Path, url: str) -> Gateway:
    loaded = Loaded(config=parse_config(SETTINGS.format(url=url)), policy=POLICY, folder=folder)
    gateway = Gateway(loaded, load_book(), env={}, org_key=OrgKey(b"k" * 32), parts=lambda made: Watching(made).parts)
    await gateway.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    for session in range(SESSIONS):
        for _ in range(2):
            writer.write(request(session))
            assert b"200 OK" in await answered(reader)
    writer.close()
    for _ in range(60):
        if await gateway.state(lambda store: len(store.routes())):
            break
        await asyncio.sleep(0.1)
    await gateway.state(lambda store: roll_back(store, "w-1", who="ann", why="enough", at_us=1))
    await gateway.stop()
    return gateway


def test_realised_savings_of_a_canary_are_the_difference_to_the_sessions_held_back(
    fixed: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    asyncio.run(drive(tmp_path, fixed.base_url))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BASELOAD_ORG_KEY", "k" * 32)
    (tmp_path / "gateway.toml").write_text(SETTINGS.format(url=fixed.base_url))
    (tmp_path / "plan.json").write_bytes(
        b'{"basis":{"unit":"a year"},"workloads":[{"id":"w-1","name":"tickets","saving_share":0.8,'
        b'"saving":{"low_usd":"1","likely_usd":"2","high_usd":"3"}}]}'
    )
    assert status_command(plan=Path("plan.json"), as_json=True) == 0
    found: dict[str, Any] = msgspec.json.decode(capfdbinary.readouterr().out)
    (one,) = found["workloads"]
    realised = one["realised"]
    assert (one["calls"], one["sessions"], found["dropped"]) == (2 * SESSIONS, SESSIONS, 0)
    assert realised["sessions"] + realised["reference"] == SESSIONS
    assert 60 <= realised["reference"] <= 120  # 0.3 of 300, four standard deviations
    opus, haiku = Decimal("0.015"), Decimal("0.0003")  # 2 x (1,000 at 5 + 100 at 25) / 1e6; at 0.1 and 0.5
    assert Decimal(realised["reference_per_session_usd"]) == pytest.approx(opus)
    assert Decimal(realised["candidate_per_session_usd"]) == pytest.approx(haiku)
    assert Decimal(realised["saved_usd"]) == pytest.approx(realised["sessions"] * (opus - haiku))
    assert Decimal(one["spend"]["repriced_saved_usd"]) == pytest.approx(realised["sessions"] * (opus - haiku))
    assert one["planned"]["saving_share"] == 0.8
    assert one["route"]["rolled_back"] == "ann: enough"
    assert status_command() == 0
    said = capfdbinary.readouterr().out.decode()
    assert "rolled back: ann: enough" in said
    assert "held back" in said
    context = ReadContext(org_key=OrgKey(b"k" * 32), resolve_model=load_book().resolve)
    ship(tmp_path / "log", tmp_path / "ledger", context, as_of_us=2_000_000_000_000_000)
    assert status_command(Path("ledger"), as_json=True) == 0
    shipped = msgspec.json.decode(capfdbinary.readouterr().out)
    assert shipped["spend"]["actual_usd"] == found["spend"]["actual_usd"]
    assert shipped["spend"]["repriced_usd"] == found["spend"]["repriced_usd"]
    assert shipped["saved_usd"] == found["saved_usd"]
