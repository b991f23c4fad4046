"""Shadow calls by Message Batches, with the gateway's own key."""

from __future__ import annotations

import json
import time
from pathlib import Path

import anthropic
from watching_world import HAIKU, OPUS, Running, ask

from baseload.demo.upstream.server import Upstream
from baseload.gateway.state.keys import new_key
from baseload.gateway.state.records import KeyScope
from baseload.gateway.state.sqlite import SqliteDatabase
from baseload.gateway.state.store import StateStore

OWN = "sk-ant-own-0001"
SETTINGS = """
[policy]
file = "policy.yaml"
settings = "baseload.toml"
holdback = 0.0
[shadow]
usd_per_day = "5"
transport = "batch"
"""


def test_pairs_wait_for_a_batch_and_cost_half(tmp_path: Path, upstream: Upstream) -> None:
    store = StateStore(SqliteDatabase(tmp_path / "state.db"))
    made = new_key("team", KeyScope(), 1)
    assert store.add_key(made.row)
    gateway = Running(tmp_path, upstream.base_url, SETTINGS, env={"ANTHROPIC_API_KEY": OWN})
    try:
        gateway.watching.batches.gather_s = gateway.watching.batches.poll_s = 0.0
        client = anthropic.Anthropic(base_url=gateway.url, api_key=made.secret, max_retries=0)
        ask(client, "s-0")
        began = time.monotonic()
        while not (rows := store.routes()):
            assert time.monotonic() - began < 5
            time.sleep(0.02)
        while True:  # from now on every session is paired
            state = json.loads(rows[0].state)
            state["terms"]["shadow_share"], state["events"] = 1.0, rows[0].events + 1
            fresh = type(rows[0])(
                workload="w-1", policy_id=rows[0].policy_id, events=rows[0].events + 1, state=json.dumps(state),
                changed_us=1,
            )  # fmt: skip
            if store.swap_route(fresh, rows[0].events):
                break
            rows = store.routes()
        gateway.loop.run(gateway.watching.watch.book.load())
        for number in range(3):
            ask(client, f"s-{number + 1}")
        while gateway.watching.outcomes() != {("shadow", "graded"): 3}:
            assert time.monotonic() - began < 10, gateway.watching.outcomes()
            time.sleep(0.02)
        spent = gateway.watching.shadow_spent_nano()
    finally:
        gateway.stop()
        store.close()
    (batch,) = [one for one in upstream.requests if one.method == "POST" and one.path == "/v1/messages/batches"]
    models = [one["params"]["model"] for one in json.loads(batch.body)["requests"]]
    assert models == [HAIKU] * 3
    assert [json.loads(one.body)["model"] for one in upstream.requests if one.path == "/v1/messages"] == [OPUS] * 4
    log = b"".join(path.read_bytes() for path in (tmp_path / "log-a").iterdir())
    assert log.count(b'"purpose":"shadow"') == 3
    assert log.count(b'"tier":"batch"') == 3
    assert spent > 0
    assert OWN.encode() not in log
