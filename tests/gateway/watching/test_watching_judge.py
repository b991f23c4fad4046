"""Shadow calls that a judge grades: at once and by batch, within the cap, and what a failing judge does not do."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import anthropic
import pytest
from watching_world import HAIKU, OPUS, PROJECT, Running, ask, until

from baseload.demo.upstream.answers import Answer, Answers, Refusal, Said, text_answer
from baseload.demo.upstream.server import Upstream, running
from baseload.demo.upstream.service import Service
from baseload.gateway.state.keys import new_key
from baseload.gateway.state.records import KeyScope
from baseload.gateway.state.sqlite import SqliteDatabase
from baseload.gateway.state.store import StateStore
from baseload.prices.load import load_book

SONNET = "claude-sonnet-5-5"
JUDGED = PROJECT.replace('{ kind = "signals" }', f'{{ kind = "judge", model = "{SONNET}" }}')
OWN = "sk-ant-own-0001"
SETTINGS = """
[policy]
file = "policy.yaml"
settings = "baseload.toml"
holdback = 0.0
[shadow]
usd_per_day = "5"
transport = "synchronous"
"""
BY_BATCH = SETTINGS.replace("synchronous", "batch")
Start = Callable[..., Running]


class Said3:
    """Haiku is wrong, Opus right, and Sonnet judges: it names the answer that says "right", wherever it stands."""

    judge_says: Said | None = None

    def __call__(self, model: str, request: Mapping[str, Any], asked: str) -> Answer | Refusal:
        if model != SONNET:
            return text_answer("wrong" if model == HAIKU else "right")
        if self.judge_says is not None:
            return self.judge_says
        text = request["messages"][0]["content"]
        better = "first" if text.index("right") < text.index("wrong") else "second"
        return text_answer(f'Weighing both.\n{{"better": "{better}"}}')


@pytest.fixture
def says() -> Said3:
    return Said3()


@pytest.fixture
def judging(says: Said3) -> Iterator[Upstream]:
    with running(Upstream(Service(Answers(fallback=says), load_book()), keep=1_000)) as server:
        yield server


@pytest.fixture
def start(tmp_path: Path, judging: Upstream) -> Iterator[Start]:
    begun: list[Running] = []

    def begin(settings: str = SETTINGS, **more: Any) -> Running:
        begun.append(Running(tmp_path, judging.base_url, settings, project=JUDGED, **more))
        return begun[-1]

    yield begin
    for one in begun:
        one.stop()


def models_asked(upstream: Upstream) -> list[str]:
    return [json.loads(one.body)["model"] for one in upstream.requests if one.path == "/v1/messages"]


def paired(gateway: Running, client: anthropic.Anthropic) -> None:
    """The route has begun and every session that comes is paired."""
    ask(client, "s-0")
    until(lambda: bool(gateway.gateway.core.routes))
    gateway.pair_all()


def test_a_judge_sees_the_loss_in_both_orders_and_its_cost_is_under_the_cap(start: Start, judging: Upstream) -> None:
    gateway = start()
    client = gateway.client()
    paired(gateway, client)
    ask(client, "s-1")
    gateway.settle()
    assert gateway.watching.outcomes() == {("shadow", "graded"): 1}
    assert models_asked(judging) == [OPUS, OPUS, HAIKU, SONNET, SONNET]
    until(lambda: '"pairs":1' in gateway.loop.run(gateway.gateway.state(lambda store: store.routes()))[0].state)
    (row,) = gateway.loop.run(gateway.gateway.state(lambda store: store.routes()))
    assert max(json.loads(row.state)["evidence"]["values"]) > 1  # evidence of a loss
    # haiku answers with a token, the judge reads hundreds: nearly all of the cost is the judge's
    log = b"".join(path.read_bytes() for path in sorted(gateway.gateway.folder.glob("log-a/*"))).splitlines()
    arms = [json.loads(line[line.index(b"{") :]).get("arm") for line in log if b'"purpose":"shadow"' in line]
    assert arms == ["candidate", "judge", "judge"]


@pytest.mark.parametrize("said", [Refusal(status=529, type="overloaded_error"), Refusal(status=400)])
def test_a_judge_that_does_not_answer_says_nothing_of_the_candidate(start: Start, says: Said3, said: Refusal) -> None:
    gateway = start()
    client = gateway.client()
    paired(gateway, client)
    says.judge_says = said
    ask(client, "s-1")
    gateway.settle()
    assert gateway.watching.outcomes() == {("shadow", "not graded: the judge did not answer"): 1}


def test_no_shadow_is_bought_that_the_cap_could_not_have_judged(start: Start, judging: Upstream) -> None:
    # haiku: 256 tokens at $0.50/M = $0.000128 at most; the judge may write 2 x 4,096 tokens, dearer than a cent
    gateway = start(SETTINGS.replace('"5"', '"0.01"'))
    client = gateway.client()
    paired(gateway, client)
    ask(client, "s-1")
    gateway.settle()
    assert gateway.watching.outcomes() == {("shadow", "over the cap"): 1}
    assert models_asked(judging) == [OPUS, OPUS]
    assert gateway.watching.shadow_spent_nano() == 0


def test_nobody_judges_itself(start: Start, judging: Upstream, tmp_path: Path) -> None:
    gateway = start()
    desk, client = gateway.watching.watch.desk, gateway.client()
    paired(gateway, client)
    desk.setup.graders["w-1"]["model"] = HAIKU
    ask(client, "s-1")
    gateway.settle()
    assert gateway.watching.outcomes() == {("shadow", "not graded: the judge is the candidate"): 1}
    assert models_asked(judging) == [OPUS, OPUS]


def test_by_batch_the_judge_is_asked_by_batch_too_and_batches_are_deleted(
    start: Start, judging: Upstream, tmp_path: Path
) -> None:
    store = StateStore(SqliteDatabase(tmp_path / "state.db"))
    made = new_key("team", KeyScope(), 1)
    assert store.add_key(made.row)
    gateway = start(BY_BATCH, env={"ANTHROPIC_API_KEY": OWN})
    gateway.watching.batches.gather_s = gateway.watching.batches.poll_s = 0.0
    client = anthropic.Anthropic(base_url=gateway.url, api_key=made.secret, max_retries=0)
    paired(gateway, client)
    ask(client, "s-1")
    until(lambda: gateway.watching.outcomes() == {("shadow", "graded"): 1})
    until(lambda: sum(one.method == "DELETE" for one in judging.requests) == 2)
    batches = [json.loads(one.body)["requests"] for one in judging.requests if one.path == "/v1/messages/batches" and
               one.method == "POST"]  # fmt: skip
    assert [[one["params"]["model"] for one in batch] for batch in batches] == [[HAIKU], [SONNET, SONNET]]
    assert models_asked(judging) == [OPUS, OPUS]
    store.close()
