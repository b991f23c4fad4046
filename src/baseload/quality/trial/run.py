"""A trial from its bar to its verdict, or from wherever an earlier process left it.

    bar -> sample -> requests -> controls of a judge -> look -> grade -> test -> … -> verdict -> trial.json

Every step is on disk before the next: dollars in the journals, evidence in the record. A trial that was killed says the
same again from its folder, sends nothing twice in batches, and comes to the same record.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec

from baseload.errors import UsageError
from baseload.prices.book import PriceBook
from baseload.quality.graders.answers import Answer
from baseload.quality.graders.controls import Controls, controls
from baseload.quality.graders.grader import Pair, PairGrader, graded
from baseload.quality.graders.signals import SignalGrader
from baseload.quality.record import Kind
from baseload.quality.replay.desk import Sleep
from baseload.quality.replay.journal import Seal
from baseload.quality.replay.plan import ReplayPlan
from baseload.quality.replay.run import Look
from baseload.quality.replay.transport import Transport
from baseload.quality.sampling.sample import Sample
from baseload.quality.trial.begun import (
    DOCUMENT,
    Bodies,
    bodies_of,
    check_guards,
    finished,
    kept_sample,
)
from baseload.quality.trial.borne_out import content_sha256
from baseload.quality.trial.conclude import Ended, Told, document_of, verdict_body
from baseload.quality.trial.control_pairs import ControlPairs
from baseload.quality.trial.document import TrialDocument, trial_bytes
from baseload.quality.trial.evidence import NAME, Evidence, write_whole
from baseload.quality.trial.facts import control_body, graded_of, sample_bodies, summary_of, terms_of
from baseload.quality.trial.judging import Replies, items_of
from baseload.quality.trial.pairs import Seen, answers_body, compared, pair_body, repeated
from baseload.quality.trial.prepare import Prepared, prepared
from baseload.quality.trial.setup import TrialSetup, checked
from baseload.quality.trial.stages import Pace, Stages
from baseload.quality.trial.tested import Terms, Weighing, check
from baseload.values import day_of

BUDGET: Final = "the budget ended before an answer"
_AT_ONCE: Final = 50
"""Pairs written in one go where grading them costs nothing: nothing is lost when they must be graded again."""
_TRIED: Final = 3
_NONSENSE: Final = Answer(text="qz 7f3a9c, this answers nothing.", stop_reason="end_turn")
_DAY_S: Final = 1_000_000

Progress = Callable[[str], None]


class Judging(msgspec.Struct, frozen=True, kw_only=True):
    """A judge that is asked through the replay: its model, and the `Replies` it was made with as its `ask`."""

    model: str
    replies: Replies


async def run_trial(
    setup: TrialSetup,
    folder: Path,
    transport: Transport,
    *,
    book: PriceBook,
    bodies: Bodies,
    nonce: str,
    clock: Callable[[], float],
    sleep: Sleep = asyncio.sleep,
    judging: Judging | None = None,
    seal: Seal | None = None,
    pace: Pace = Pace(),  # noqa: B008 - a frozen value
    on_progress: Progress = lambda _: None,
    sample: Sample | None = None,
    on_begun: Callable[[], None] = lambda: None,
) -> TrialDocument:
    """The trial in `folder`, run to its end; one that has ended is read and nothing is sent.

    `nonce` marks what a new trial submits; `clock` gives seconds since 1970. `sample` is what `drawn` gave for this
    very setup, None = it is drawn here; a trial that has begun keeps its own. `on_begun` is told once the sample is on
    disk and nothing has been sent. Raises UsageError where there can be no
    trial, ReplayError where the API stops it: run it again to go on, with the same setup.
    """
    checked(setup)
    ended = finished(folder, setup)
    if ended is not None:
        return ended
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    day = day_of(int(clock() * _DAY_S))
    kept = kept_sample(setup, folder, bodies, sample)
    check_guards(setup, kept)
    on_begun()
    ready = prepared(setup, kept, bodies_of(setup, kept, bodies), book, day)
    plan = ReplayPlan(
        items=ready.items, cap_usd=setup.cap_usd, transport=setup.transport, **msgspec.structs.asdict(pace)
    )
    stages = Stages(folder, plan, transport, book, nonce=nonce, clock=clock, sleep=sleep, seal=seal, key=setup.key)
    try:
        with Evidence(folder / NAME) as evidence:
            trial = _Trial(setup, kept, ready, stages, evidence, book, judging, on_progress)
            return await trial.run(day, folder)
    finally:
        stages.close()


class _Trial:
    """One run over a folder whose lock is held."""

    def __init__(
        self,
        setup: TrialSetup,
        sample: Sample,
        ready: Prepared,
        stages: Stages,
        evidence: Evidence,
        book: PriceBook,
        judging: Judging | None,
        on_progress: Progress,
    ) -> None:
        self.setup, self.sample, self.ready, self.stages = setup, sample, ready, stages
        self.evidence, self.book, self.judging, self.say = evidence, book, judging, on_progress
        self.told = Told()

    async def run(self, day: int, folder: Path) -> TrialDocument:
        self._begin()
        terms = await self._terms()
        weighing = Weighing(terms)
        cut = "" if weighing.ended else await self._looks(weighing)
        found = weighing.result()
        ended = self._ended(cut if found.state == "NOT_SHOWN" else "", day)
        document = document_of(self.setup, self.sample, self.ready, terms, found, ended, self.told, self.book)
        hashed = {"document_sha256": content_sha256(trial_bytes(document))}
        self.evidence.put(("verdict", verdict_body(self.setup, found, ended) | hashed))
        document = msgspec.structs.replace(document, verdict_id=self.evidence.head)
        write_whole(folder / DOCUMENT, trial_bytes(document))
        return document

    def _begin(self) -> None:
        """The bar before all else, then who signed it, then what was drawn."""
        setup, ready = self.setup, self.ready
        self.evidence.put(("bar", msgspec.to_builtins(setup.bar)))
        if setup.approval is not None:
            self.evidence.put(("approval", {"of": "bar", **msgspec.to_builtins(setup.approval)}))
        self._refuse_blind()
        summary = summary_of(self.sample, ready.not_replayable, **setup.identity)
        order = [case.drawn for case in ready.cases]
        self.evidence.put(*[("sample", body) for body in sample_bodies(summary, order)])
        self.evidence.put(("rewrite", {"calls": ready.rewrites}))

    def _refuse_blind(self) -> None:
        """Raises UsageError where the grader gives full marks to nonsense: any candidate would hold."""
        grader = self.setup.grader
        if isinstance(grader, (PairGrader, SignalGrader)):  # controls say what a judge sees; signals are a screen
            return
        tried = [graded(grader, case.asked, _NONSENSE, case.reference) for case in self.ready.cases[:_TRIED]]
        self.told.noise_usd += sum((one.usd for one in tried), Decimal(0))
        if tried and all(one.score >= 1 for one in tried):
            raise UsageError(
                f"the grader gives full marks to nonsense on {len(tried)} of {len(tried)} calls: whatever a candidate "
                "says would hold. Mend the grader or its truths."
            )

    async def _terms(self) -> Terms:
        summary = {**summary_of(self.sample, self.ready.not_replayable), "of": "summary", **self.setup.identity}
        bare = terms_of(self.setup.bar, [summary], [], ())
        check(bare)
        refused = bare.not_replayable_share > bare.bar.not_replayable_most
        if refused or not self.setup.judged:
            return bare
        found = await self._controls()
        return msgspec.structs.replace(bare, controls=found)

    async def _controls(self) -> Controls:
        """What the judge sees: sound answers spoilt, and the incumbent against itself."""
        setup = self.setup
        self.say(f"controls of the judge: {len(self.ready.placebo)} answers of {setup.incumbent} again")
        look = await self.stages.aside("controls", [case.again for case in self.ready.placebo if case.again])
        pairs = ControlPairs(setup, self.ready, look.replayed if look else ())
        await self._ask("judge-controls", pairs.comparisons)
        graded, against = pairs.seeded(), pairs.placebo()
        self.told.placebo = [(d, d != 0) for d in against]
        found = controls(graded, against)
        self.evidence.put(("control", control_body(graded, against, found)))
        return found

    async def _ask(self, name: str, comparisons: Sequence[Callable[[], object]]) -> bool:
        """A judge's questions about these comparisons, answered; False where the budget ended before the last."""
        if self.judging is None:
            return True
        prompts = self.judging.replies.questions(comparisons)
        if not prompts:
            return True
        items = items_of(prompts, self.judging.model, self.book, self.setup.transport)
        look = await self.stages.aside(name, items)
        self.judging.replies.learn(prompts, look.replayed if look else ())
        return look is not None and look.whole

    async def _looks(self, weighing: Weighing) -> str:
        """Look after look until the test ends; why it ended without an answer, "" where the sample or it ended."""
        cases = {case.call.call_id: case for case in self.ready.cases}
        whole = True
        async for look in self.stages.looks():
            seen = _seen(look, cases)
            if not await self._ask(f"judge-{look.number}", [partial(self._compared, one) for one in seen]):
                return BUDGET
            whole = look.whole
            if self._graded(seen, weighing):
                return ""
            spent = self.stages.spent.spent_usd
            self.say(f"look {look.number}: {len(weighing.seen)} of {len(cases)} calls, ${spent:.4f} spent")
        return "" if whole and len(weighing.seen) == len(cases) else BUDGET

    def _graded(self, seen: Sequence[Seen], weighing: Weighing) -> bool:
        """Grade in the sample's order until the test ends; lines of an earlier run are taken as they stand."""
        waiting: list[tuple[Kind, dict[str, Any]]] = []
        for one in seen:
            self._note(one)
            there = None if waiting else self.evidence.next("pair")
            body = self._line(one) if there is None else dict(there)
            if there is None:
                waiting.append(("pair", body))
            else:
                self._check(body, one)
                self.evidence.skip()
            [graded] = graded_of([body], [one.case.drawn])
            self.told.rows.append((one, body))
            ended = weighing.see(graded)
            if waiting and (ended or body["usd"] != "0" or len(waiting) == _AT_ONCE):
                self.evidence.put(*waiting)
                waiting = []
            if ended:
                return True
        self.evidence.put(*waiting)
        return False

    def _compared(self, one: Seen) -> Pair:
        return compared(self.setup.grader, one, self.setup.agreement, by_another=self._by_another(one))

    def _by_another(self, one: Seen) -> bool:
        """Whether another model answered than was asked, as behind a router; a dated name is the model's own."""
        named = one.candidate.model
        known = self.book.resolve(named) == self.setup.candidate or named.startswith(self.setup.candidate)
        return not one.candidate.failed and not known

    def _line(self, one: Seen) -> dict[str, Any]:
        found: dict[str, Any] = msgspec.to_builtins(
            pair_body(self._compared(one), one, self.setup.agreement, self.setup.key)
        )
        return found

    def _note(self, one: Seen) -> None:
        """The incumbent against itself, where it was asked again; free beside what was paid for it."""
        if one.again is not None:
            self.told.again.append(one.again)
        if one.case.call.call_id in self.ready.noise and not self.setup.judged:
            pair = repeated(self.setup.grader, one)
            if pair is not None:
                self.told.placebo.append((pair.d, pair.how != "equal"))
                self.told.noise_usd += pair.usd

    def _check(self, body: Any, one: Seen) -> None:
        """A line of an earlier run is of these very answers. Raises UsageError."""
        mine = msgspec.to_builtins(answers_body(one, self.setup.agreement, self.setup.key))
        if any(body.get(name) != value for name, value in mine.items()):
            raise UsageError(
                f"{self.evidence.path}: the pair of {one.case.call.call_id[:40]} was made from other answers than the "
                "journal holds. Rename its folder to one that ends in ~1, or the next number, and run it anew."
            )

    def _ended(self, cut: str, day: int) -> Ended:
        """How the trial ended: now, or where the record says so already."""
        stated = self.evidence.next("verdict")
        day = day if stated is None else int(stated.get("decided_on", day))
        spent = self.stages.spent
        judged = self.stages.spent_on("judge-")
        graded = sum((Decimal(str(body["usd"])) for _, body in self.told.rows), self.told.noise_usd)
        return Ended(
            day=day,
            cut=cut,
            spent_usd=spent.spent_usd if self.judging else spent.spent_usd + graded,
            reserved_usd=spent.reserved_usd,
            maybe_paid_twice_usd=spent.lost_usd,
            grading_usd=judged if self.judging else graded,
        )


def _seen(look: Look, cases: dict[str, Any]) -> list[Seen]:
    again = {one.call: one for one in look.replayed if one.arm == "incumbent_again"}
    return [
        Seen(case=cases[one.call], candidate=one, again=again.get(one.call))
        for one in look.replayed
        if one.arm == "candidate"
    ]
