"""Replays as processes of their own, to be killed: imports once, then forks one for each line it is given.

A line is JSON: [base URL, journal, transport, calls, output file]. It answers with the process's number at its start
and with its exit code at its end; a replay writes the calls it got right answers for.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import time
from pathlib import Path

from replay_world import BOOK, plan_of

from baseload.quality.replay.journal import Journal
from baseload.quality.replay.run import replay
from baseload.quality.replay.sdk import connect
from baseload.quality.replay.transport import Unsure


async def main(base_url: str, path: str, transport: str, calls: int, output: str) -> None:
    plan = plan_of(calls, transport=transport, settle_s=0.3, poll_s=0.01)
    journal, right = Journal(Path(path)), []
    async with connect(base_url, "sk-ant-secret") as api:
        async for look in replay(plan, journal, api, BOOK, nonce="worker", clock=time.time):
            right += [
                one.call
                for one in look.replayed
                if one.message is not None and one.message["content"][0]["text"] == f"re: {one.call}"
            ]
    journal.close()
    Path(output).write_text("\n".join(right))


async def warm() -> None:
    """Everything is imported before the first fork, so that no replay waits for it."""
    async with connect("http://127.0.0.1:9", "nobody") as api:
        with contextlib.suppress(Unsure):
            await api.workspace()
        with contextlib.suppress(Unsure):
            await api.message({"model": "m", "max_tokens": 1, "messages": []})


asyncio.run(warm())
for line in sys.stdin:
    number = os.fork()
    if number == 0:
        try:
            asyncio.run(main(*json.loads(line)))
        except BaseException as error:  # noqa: BLE001 - the end of a process
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    print(number, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(number, 0)[1]), flush=True)
