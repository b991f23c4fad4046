"""A policy file torn in the middle while callers are served: the last good one keeps serving."""

from __future__ import annotations

import asyncio
import json
import logging
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from faults_world import Caller, answer_bytes, asked, check, reached, request_bytes, rough
from served import Served, serving

from baseload.gateway.reload import Overrides, Reloader, load
from baseload.gateway.runtime import watch_files

MODELS = ("claude-haiku-4-5-20251001", "claude-sonnet-4-5-20250929")
POLICY = """schema_version: 1
entries:
  - workload: {{id: asked}}
    match: {{tag: {{app: asked}}}}
    decision: pin
    model: {model}
    verdict_id: v1
"""
OPUS = "claude-opus-4-8"


@contextmanager
def watched(folder: Path, base_url: str, said: list[str]) -> Iterator[Served]:
    """A gateway that follows its files, as the command runs it."""
    config = folder / "gateway.toml"
    config.write_text(
        f'[listen]\nport = 0\n[[upstream]]\nbase_url = "{base_url}"\n[retry]\ntries = 1\n'
        '[policy]\nfile = "policy.yaml"\nstart = "at_once"\nholdback = 0.0\n'
    )
    (folder / "policy.yaml").write_text(POLICY.format(model=MODELS[0]))
    first = load(config, Overrides(), folder)
    reloader = Reloader(first, lambda: load(config, Overrides(), folder), first.files, said.append)
    with serving(first) as gateway:
        task = gateway.call(lambda: _watch(gateway, reloader))
        try:
            yield gateway
        finally:
            gateway.call(task.cancel)


async def _watch(gateway: Served, reloader: Reloader) -> Any:
    return asyncio.create_task(watch_files(gateway.gateway, reloader, every_s=0.02))


def tear(folder: Path, said: list[str], count: int, seed: int) -> dict[str, Any]:
    """Callers ask while the policy is written byte by byte, cut anywhere, filled with noise, removed, and put right."""
    chance = random.Random(seed)
    served: Counter[str] = Counter()
    told: Counter[int] = Counter()
    stop = threading.Event()
    lock = threading.Lock()
    numbers = iter(range(1_000_000))
    answered: set[int] = set()

    def answering(line: Any) -> None:
        while (number := line.request()) is not None:
            with lock:
                served[json.loads(line.upstream.bodies[number])["model"]] += 1
            line.send(answer_bytes(number))

    def call(port: int) -> None:
        with Caller(port) as caller:
            while not stop.is_set():
                with lock:
                    number = next(numbers)
                body = json.dumps({**asked(number), "model": OPUS}).encode()
                data = request_bytes(number, body=body).replace(b"\r\nHost:", b"\r\nx-baseload-tag-app: asked\r\nHost:")
                caller.send(data)
                status = caller.told().status
                with lock:
                    told[status] += 1
                    answered.add(number)
                time.sleep(0.002)

    path = folder / "policy.yaml"
    with rough(answering) as upstream, watched(folder, upstream.base_url, said) as gateway:
        threads = [threading.Thread(target=call, args=(gateway.gateway.port,)) for _ in range(2)]
        for thread in threads:
            thread.start()
        try:
            for turn in range(count):
                good = POLICY.format(model=MODELS[(turn + 1) % 2])
                _tear(path, good, chance)
                path.write_text(good)
                _until(lambda wanted=MODELS[(turn + 1) % 2]: _model(gateway) == wanted)  # type: ignore[misc]
        finally:
            stop.set()
            for thread in threads:
                thread.join()
    assert set(told) == {200}
    assert set(served) <= set(MODELS), "a call was served by a policy nobody wrote"
    figures = check(folder, reached(upstream), answered)
    return {**figures, "torn": count, **{f"served by {name}": times for name, times in served.items()}}


def _tear(path: Path, good: str, chance: random.Random) -> None:
    kind = chance.randrange(5)
    if kind == 0:  # cut, and left so until it is read
        path.write_text(good[: chance.randrange(1, len(good) - 1)] + "  ]")
    elif kind == 1:
        path.write_bytes(chance.randbytes(400))
    elif kind == 2:
        path.unlink()
    elif kind == 3:  # written slowly
        with path.open("w") as file:
            for at in range(0, len(good), 24):
                file.write(good[at : at + 24])
                file.flush()
                time.sleep(0.004)
        return
    else:
        path.write_text(good.replace("decision: pin", "decision: maybe"))
    time.sleep(0.07)


def _model(gateway: Served) -> str:
    entries = gateway.gateway.loaded.policy.entries
    return entries[0].model if entries else ""


def _until(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + 5
    while not holds():
        assert time.monotonic() < until, "the good policy was not taken"
        time.sleep(0.01)


def test_a_policy_torn_while_serving_leaves_the_last_good_one(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    said: list[str] = []
    tear(tmp_path, said, 10, 1)
    assert any("last good" in line for line in said)


@pytest.mark.prove
def test_a_policy_torn_hundreds_of_times(tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    said: list[str] = []
    for name, value in tear(tmp_path, said, 300, 2).items():
        record_property(name, value)
