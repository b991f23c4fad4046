"""Real trials on the demo's own calls against the local upstream: what they find is earned, and graded "simulated".

The official SDK talks to a server on loopback, by batch. Time is made up: waiting for a batch only moves a clock that
server and trial share, so that the same company gives the same records on every machine and day.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from baseload.demo.answers.speaker import demo_answers
from baseload.demo.company import Company
from baseload.demo.upstream.answers import Answers
from baseload.demo.upstream.faults import Behaviour
from baseload.demo.upstream.server import Upstream, running
from baseload.demo.upstream.service import Service
from baseload.prices.book import PriceBook
from baseload.quality.replay.sdk import connect
from baseload.quality.trial.begun import Bodies
from baseload.quality.trial.conclude import verdict_bytes
from baseload.quality.trial.document import TrialDocument, folder_name
from baseload.quality.trial.run import run_trial
from baseload.quality.trial.setup import TrialSetup
from baseload.quality.trial.stages import Pace

KEY: Final = b"baseload demo: no secret is kept"
"""Hashes what the records hold of answers; the demo's texts are nobody's."""
OnTrial = Callable[[int, TrialSetup], None]
"""Told before each trial: its place among them, and what it is of."""
_ANY_KEY: Final = "the-upstream-takes-any"
_NONCE: Final = "demo"
_BATCH_S: Final = 60.0
_POLL_S: Final = 30.0
_NOON_S: Final = 43_200
_DAY_S: Final = 86_400


class MadeUpClock:
    """Seconds since 1970 that pass only while somebody waits."""

    def __init__(self, day: int) -> None:
        self._now = float(day * _DAY_S + _NOON_S)

    def now(self) -> float:
        return self._now

    async def sleep(self, seconds: float) -> None:
        self._now += seconds
        await asyncio.sleep(0)


def run_demo_trials(
    setups: Sequence[TrialSetup],
    folder: Path,
    company: Company,
    *,
    bodies: Bodies,
    book: PriceBook,
    seed: int,
    day: int,
    on_trial: OnTrial = lambda _number, _setup: None,
) -> list[TrialDocument]:
    """Each trial run to its end, in `trials/` and `verdicts/` below `folder`; all on the UTC day `day`.

    What an earlier demo left there under the same names is replaced. Raises UsageError where the SDK is not
    installed, or where there can be no trial.
    """
    clock = MadeUpClock(day)
    service = Service(Answers(fallback=demo_answers(company.services, seed)), book, seed=seed)
    service.behaviour = Behaviour(batch_s=_BATCH_S)
    with running(Upstream(service, clock=clock.now)) as upstream:
        found = asyncio.run(_all(setups, folder / "trials", upstream.base_url, clock, bodies, book, on_trial))
    verdicts = folder / "verdicts"
    verdicts.mkdir(parents=True, exist_ok=True)
    for one in found:
        data = verdict_bytes(one, day + one.bar.expires_days)
        (verdicts / f"{_name(one.workload, one.candidate)}.json").write_bytes(data)
    return found


def _name(workload: str, candidate: str) -> str:
    return folder_name(workload, candidate)


async def _all(
    setups: Sequence[TrialSetup],
    folder: Path,
    base_url: str,
    clock: MadeUpClock,
    bodies: Bodies,
    book: PriceBook,
    on_trial: OnTrial,
) -> list[TrialDocument]:
    found = []
    async with connect(base_url, _ANY_KEY) as transport:
        for number, setup in enumerate(setups):
            on_trial(number, setup)
            own = folder / _name(setup.workload, setup.candidate)
            shutil.rmtree(own, ignore_errors=True)
            found.append(
                await run_trial(
                    setup,
                    own,
                    transport,
                    book=book,
                    bodies=bodies,
                    nonce=f"{_NONCE}{number}",
                    clock=clock.now,
                    sleep=clock.sleep,
                    pace=Pace(poll_s=_POLL_S, settle_s=0),
                )
            )
    return found
