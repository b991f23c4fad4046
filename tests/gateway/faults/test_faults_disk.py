"""A disk that is full: calls are served and counted, or refused; what was written stays readable."""

from __future__ import annotations

import asyncio
import errno
import os
import random
import resource
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from faults_world import Caller, answer_bytes, books, check, no_secrets, reached, request_bytes, rough
from served import serving, settings
from test_faults_upstream import crowd
from test_gateway_kills import gateway as program

from baseload.demo.upstream.server import Upstream
from baseload.gateway.calllog.segment import CallLog
from baseload.usage.gateway_records import End

BUDGET = '[[budget]]\nusd = "50"\n'
SIZE = 120_000


class Disk:
    """The log's way to the disk: refuses while it is full, at times after half a line."""

    def __init__(self, seed: int, share: float = 1.0) -> None:
        self.full = False
        self.refused = 0
        self._chance = random.Random(seed)
        self._share = share

    def write(self, fd: int, line: bytes) -> int:
        if self.full and self._chance.random() < self._share:
            self.refused += 1
            if self._chance.random() < 0.5:
                return os.write(fd, line[: self._chance.randrange(len(line))])
            raise OSError(errno.ENOSPC, "No space left on device")
        return os.write(fd, line)


def answering(line: Any) -> None:
    while (number := line.request()) is not None:
        line.send(answer_bytes(number))


def test_a_full_disk_under_serve_costs_no_caller_anything_and_every_missing_call_is_counted(tmp_path: Path) -> None:
    disk = Disk(1)
    with rough(answering) as upstream, serving(settings(upstream.base_url, BUDGET, folder=tmp_path)) as gateway:
        log: CallLog = gateway.gateway.core.log
        log._write = disk.write
        with Caller(gateway.gateway.port) as caller:
            for number in range(90):
                gateway.call(lambda on=30 <= number < 60: setattr(disk, "full", on))  # type: ignore[misc]
                caller.send(request_bytes(number))
                assert caller.told().json["id"] == f"msg_{number:08d}"
        dropped, spent = gateway.call(lambda: (log.dropped, next(iter(gateway.gateway.budgets.spent.values()))))
    assert dropped == 30
    figures = check(tmp_path, reached(upstream), set(range(90)), unlogged=30)
    assert figures["counted"] == 30
    found = books(tmp_path)
    assert {number for number, _ in found.starts} == {*range(30), *range(60, 90)}
    each = found.ends[0][1].cost_nano or 0
    assert sum(spent.values()) == 90 * each  # budgets count what the log could not


def test_a_full_disk_under_refuse_sends_nothing_upstream_that_is_not_logged(tmp_path: Path) -> None:
    disk = Disk(2)
    text = f'[log]\nwhen_full = "refuse"\n{BUDGET}'
    told = []
    with rough(answering) as upstream, serving(settings(upstream.base_url, text, folder=tmp_path)) as gateway:
        gateway.gateway.core.log._write = disk.write
        for number in range(90):
            gateway.call(lambda on=30 <= number < 60: setattr(disk, "full", on))  # type: ignore[misc]
            if number == 60:
                gateway.call(gateway.gateway.core.log.tick)
            with Caller(gateway.gateway.port) as caller:
                caller.send(request_bytes(number))
                answer = caller.told()
                told.append(answer.status)
                assert answer.status == 200 or answer.error == "api_error"
        reserved = gateway.call(lambda: [one.reserved for one in gateway.gateway.budgets._leases.values()])
        exchanges = gateway.gateway.server.exchanges
    assert told == [200] * 30 + [503] * 30 + [200] * 30
    assert (reserved, exchanges) == ([0], 0)
    assert reached(upstream).keys() == {*range(30), *range(60, 90)}
    assert check(tmp_path, reached(upstream), {*range(30), *range(60, 90)})["counted"] == 0


def test_an_end_that_finds_the_disk_full_is_counted_and_its_start_stays(tmp_path: Path) -> None:
    """Under `refuse` too: the call is paid, and its caller gets what was paid for."""
    disk = Disk(3)

    def behave(line: Any) -> None:
        while (number := line.request()) is not None:
            disk.full = number == 1
            line.send(answer_bytes(number))

    text = f'[log]\nwhen_full = "refuse"\n{BUDGET}'
    with rough(behave) as upstream, serving(settings(upstream.base_url, text, folder=tmp_path)) as gateway:
        gateway.gateway.core.log._write = disk.write
        for number in (0, 1):
            with Caller(gateway.gateway.port) as caller:
                caller.send(request_bytes(number))
                assert caller.told().status == 200
        disk.full = False
        gateway.call(gateway.gateway.core.log.tick)
    found = books(tmp_path)
    assert [number for number, _ in found.starts] == [0, 1]
    assert [number for number, _ in found.ends] == [0]
    assert found.dropped == 1


def flickering(many: Upstream, folder: Path, count: int, share: float, policy: str) -> dict[str, Any]:
    """Many calls at once over a disk that refuses some writes, now the start's, now the end's."""
    disk = Disk(4, share)
    disk.full = True
    many.requests = deque()
    text = f'[log]\nwhen_full = "{policy}"\n{BUDGET}'
    with serving(settings(many.base_url, text, folder=folder)) as gateway:
        log: CallLog = gateway.gateway.core.log
        log._write = disk.write
        ended, answered, _ = asyncio.run(crowd(gateway.base_url, range(count)))
        disk.full = False
        gateway.call(log.tick)
        dropped = log.dropped
        spent = gateway.call(lambda: sum(sum(by.values()) for by in gateway.gateway.budgets.spent.values()))
    assert ended["answered"] + ended["503"] == count
    assert policy == "refuse" or len(answered) == count
    found = books(folder)
    started = {number for number, _ in found.starts}
    without_end = [start for number, start in found.starts if start.seq not in {end.seq for _, end in found.ends}]
    missing = set(reached(many)) - started
    assert len(missing) + len(without_end) == dropped == found.dropped
    assert policy == "serve" or not missing
    assert not found.twice
    assert spent >= found.spent_nano
    return {"calls": count, "writes refused": disk.refused, "told 503": ended["503"], "answered": len(answered),
            "not in the log": len(missing), "without an end": len(without_end), "counted": found.dropped,
            "booked twice": found.twice}  # fmt: skip


@pytest.mark.parametrize("policy", ["serve", "refuse"])
def test_a_disk_that_refuses_now_and_then_is_counted_to_the_call(
    upstream: Upstream, tmp_path: Path, policy: str
) -> None:
    found = flickering(upstream, tmp_path, 150, 0.3, policy)
    if policy == "serve":
        assert found["writes refused"] > 20  # of some 300 writes
    else:  # after the first, calls are told 503 and the disk is left alone until a call's end or a tick tries it
        assert found["writes refused"] > 0
        assert found["told 503"] > 0


@pytest.mark.prove
@pytest.mark.parametrize("policy", ["serve", "refuse"])
def test_thousands_of_calls_over_a_disk_that_refuses_now_and_then(
    upstream: Upstream, tmp_path: Path, policy: str, record_property: Callable[[str, object], None]
) -> None:
    for name, value in flickering(upstream, tmp_path, 3_000, 0.3, policy).items():
        record_property(name, value)


def limited(many: Upstream, folder: Path, count: int, policy: str) -> dict[str, Any]:
    """A real limit on a real process: no file of its may grow beyond it, until there is room again."""
    many.requests = deque()
    (folder / "gateway.toml").write_text(
        f'[listen]\nport = 0\n[[upstream]]\nbase_url = "{many.base_url}"\n[log]\nwhen_full = "{policy}"\n'
    )
    log = folder / ".baseload/gateway/log"
    with program(folder) as (process, port):
        url = f"http://127.0.0.1:{port}"
        soft = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (SIZE, soft[1]))
        ended, answered, _ = asyncio.run(crowd(url, range(count)))
        largest = max(path.stat().st_size for path in log.glob("*.log"))
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, soft)
        time.sleep(1.3)  # its tick tries again
        after, more, _ = asyncio.run(crowd(url, range(count, count + 20)))
        time.sleep(0.1)
    assert largest <= SIZE
    assert ended["answered"] + ended["503"] == count
    assert after["answered"] == 20
    found = books(folder)
    started = {number for number, _ in found.starts}
    missing = set(reached(many)) - started
    ended_numbers = {number for number, _ in found.ends}
    without_end = started - ended_numbers
    assert len(missing) + len(without_end) == found.dropped
    assert not found.twice
    if policy == "serve":
        assert len(answered) == count
        assert missing
    else:
        assert ended["503"]
        assert not missing
    no_secrets(folder)
    return {"calls": count + 20, "told 503": ended["503"], "answered": len(answered | more),
            "not in the log": len(missing), "without an end": len(without_end), "counted": found.dropped,
            "booked twice": found.twice}  # fmt: skip


@pytest.mark.parametrize("policy", ["serve", "refuse"])
def test_a_process_that_may_write_no_more_serves_and_counts_or_refuses(
    upstream: Upstream, tmp_path: Path, policy: str
) -> None:
    limited(upstream, tmp_path, 260, policy)


@pytest.mark.prove
@pytest.mark.parametrize("policy", ["serve", "refuse"])
def test_thousands_of_calls_to_a_process_that_may_write_no_more(
    upstream: Upstream, tmp_path: Path, policy: str, record_property: Callable[[str, object], None]
) -> None:
    for name, value in limited(upstream, tmp_path, 3_000, policy).items():
        record_property(name, value)


def test_a_torn_line_that_cannot_be_taken_back_costs_only_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a line on the disk, and the disk will not shorten the file either."""
    disk = Disk(5)

    def stuck(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with rough(answering) as upstream, serving(settings(upstream.base_url, folder=tmp_path)) as gateway:
        gateway.gateway.core.log._write = disk.write
        with Caller(gateway.gateway.port) as caller, monkeypatch.context() as patch:
            patch.setattr("baseload.gateway.calllog.segment.os.ftruncate", stuck)
            for number in range(40):
                gateway.call(lambda on=10 <= number < 20: setattr(disk, "full", on))  # type: ignore[misc]
                caller.send(request_bytes(number))
                assert caller.told().status == 200
    lines = [
        line
        for path in (tmp_path / ".baseload/gateway/log").glob("*.log")
        for line in path.read_bytes().splitlines()
        if line
    ]
    whole = [found for line in lines if (found := _record(line)) is not None]
    ends = [one for one in whole if isinstance(one, End)]
    assert {one.message_id for one in ends} == {f"msg_{number:08d}" for number in (*range(10), *range(20, 40))}
    assert len(lines) - len(whole) <= disk.refused


def _record(line: bytes) -> Any:
    from baseload.usage.gateway_records import json_of, record_of

    body = json_of(line)
    return record_of(body) if body is not None else None
