"""The demo's trials, run for real: the official SDK, batches on loopback, the verdicts that were planted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from demo_window import END

from baseload.demo.answers.bars import BARS, INCUMBENT, quality_truths
from baseload.demo.answers.cases import QUEUES, truth_of
from baseload.demo.answers.speaker import answer_text, recorded_take
from baseload.demo.company import Era, Service, Single
from baseload.demo.larkfield import LARKFIELD
from baseload.demo.trials import KEY, MadeUpClock, run_demo_trials
from baseload.demo.truth import QualityTruth
from baseload.demo.writers.bodies import Counted, answer, message, single_request, words_of
from baseload.levers.route.verdicts import read_verdicts
from baseload.prices.book import PriceBook
from baseload.quality.bar import Bar
from baseload.quality.graders.extraction import ExtractionGrader
from baseload.quality.graders.grader import Grader
from baseload.quality.graders.label import LabelGrader, Labels
from baseload.quality.graders.parsed import ParsedGrader
from baseload.quality.record import verify
from baseload.quality.trial.document import TrialDocument, folder_name
from baseload.quality.trial.setup import TrialSetup
from baseload.usage.normal import call_id
from baseload.values import DAY_US, Call, Problem
from baseload.vault.body import Body

SERVICES = {service.name: service for service in LARKFIELD.services}
GRADERS: dict[str, Grader] = {
    "support-triage": LabelGrader(labels=Labels(known=tuple(QUEUES), field="category")),
    "contract-extraction": ExtractionGrader(score="all"),
    "address-enrichment": ParsedGrader(language="json"),
}
TRUTHS = quality_truths()
CALLS = {"support-triage": 1200, "contract-extraction": 700, "address-enrichment": 200}


def recorded(service: Service, number: int, seed: int) -> tuple[Call, Body]:
    """One call as the demo's own writer logs it."""
    assert isinstance(service.shape, Single)
    era, tokens = Era(start="", model=INCUMBENT), round(service.shape.variable[0])
    counted = Counted(uncached=service.shape.static + tokens, output=round(service.shape.output[0]))
    text = answer_text(service.name, INCUMBENT, number, seed=seed, take=recorded_take(0))
    content = answer(words_of(service), number, counted, text)
    call = Call(
        call_id=call_id(message_id=f"msg_{service.name}_{number}"), source="messages", model_raw=INCUMBENT,
        model=INCUMBENT, start_us=(END - 9) * DAY_US + number, uncached_input_tokens=counted.uncached,
        output_tokens=counted.output, stop_reason="end_turn", body_ref=f"f:{number}:1",
    )  # fmt: skip
    request = single_request(service, era, tokens, number, call.start_us)
    return call, Body(request=request, response=message("msg", INCUMBENT, content, counted, service, era))


class World:
    """The calls of the planted trials, with what the setups need."""

    def __init__(self, truths: Sequence[QualityTruth], calls: dict[str, int], seed: int = 7) -> None:
        self.bodies: dict[str, Body] = {}
        self.setups = [self._setup(truth, calls[truth.service], seed) for truth in truths]
        self.seed = seed

    def _setup(self, truth: QualityTruth, count: int, seed: int) -> TrialSetup:
        bar = next(bar for bar in BARS if bar.service == truth.service)
        calls, answers = [], {}
        for number in range(count):
            call, body = recorded(SERVICES[truth.service], number, seed)
            calls.append(call)
            self.bodies[call.call_id] = body
            answers[call.call_id] = truth_of(truth.service, number)
        return TrialSetup(
            bar=Bar(
                workload=truth.service,
                grader="planted",
                margin=truth.margin,
                budget_usd=bar.budget_usd,
                most_calls=bar.most_calls,
            ),
            workload=truth.service,
            workload_name=truth.service,
            incumbent=INCUMBENT,
            candidate=truth.candidate,
            calls=tuple(calls),
            grader=GRADERS[truth.service],
            reference=lambda call, _recorded: answers[call],
            cap_usd=bar.budget_usd,
            data_use="batch_allowed",
            seed="7",
            key=KEY,
            simulated=True,
            calls_a_month=Decimal(1000),
        )

    def open(self, calls: Sequence[Call]) -> Iterable[tuple[Call, Body | Problem]]:
        return [(call, self.bodies[call.call_id]) for call in calls]

    def run(self, folder: Path, book: PriceBook) -> list[TrialDocument]:
        return run_demo_trials(
            self.setups, folder, LARKFIELD, bodies=self.open, book=book, seed=self.seed, day=END,
        )  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("trials")


@pytest.fixture(scope="module")
def trials(place: Path, book: PriceBook) -> list[TrialDocument]:
    return World(TRUTHS, CALLS).run(place, book)


@pytest.mark.parametrize("number", range(len(TRUTHS)), ids=[f"{one.service}-{one.candidate}" for one in TRUTHS])
def test_a_trial_finds_what_was_planted(trials: list[TrialDocument], place: Path, number: int) -> None:
    truth, found = TRUTHS[number], trials[number]
    decision = found.decision
    assert (found.workload, found.candidate, found.state) == (truth.service, truth.candidate, truth.state)
    assert found.grade == "simulated"
    assert decision.low is not None
    assert decision.high is not None
    assert decision.low <= truth.difference <= decision.high
    # the record gives the same verdict to whoever recomputes it
    record = (place / "trials" / folder_name(truth.service, truth.candidate) / "record.jsonl").read_bytes()
    assert verify(record, found.verdict_id).agrees
    assert found.money.spent_usd < found.bar.budget_usd


def test_the_plan_can_read_every_verdict(trials: list[TrialDocument], place: Path, book: PriceBook) -> None:
    documents = {path.name: path.read_bytes() for path in (place / "verdicts").iterdir()}
    verdicts, problems = read_verdicts(documents, book, END)
    assert not problems
    assert {(one.workload, one.model): (one.state, one.verdict_id) for one in verdicts.values()} == {
        (one.workload, one.candidate): (one.state, one.verdict_id) for one in trials
    }


def test_the_incumbent_asked_again_is_hardly_another(trials: list[TrialDocument]) -> None:
    for found in trials:
        assert found.noise_floor is not None
        assert found.noise_floor.disagreement_share <= 0.1  # flickers are 0.2 to 3 % of an answer


def test_an_answer_is_billed_for_what_its_record_stands_for(trials: list[TrialDocument]) -> None:
    # Haiku 5.5 in batches, half of $0.10 in and $0.50 out a million (below 100k): 2,900 + 260 tokens in, and about
    # 38 x 1.12 + 42 x e^(0.6^2 / 2) = 93 out: 158 + 23 micro-dollars, and 50 answers of Opus 4.8 at 7,900 + 475
    found = trials[0]
    expected = found.decision.n_used * 0.000181 + 50 * 0.0084
    sent = next(arm for arm in found.arms if arm.arm == "candidate")
    assert sent.output_tokens_mean == pytest.approx(93, rel=0.1)
    # looks are sent whole: up to twice the calls that were needed
    assert 0.9 * expected < float(found.money.spent_usd) < 2.2 * expected


def test_the_same_company_gives_the_same_evidence(tmp_path: Path, book: PriceBook) -> None:
    few = {"contract-extraction": 60}
    breaking = [truth for truth in TRUTHS if truth.state == "breaks"]
    first, second = World(breaking, few).run(tmp_path / "a", book), World(breaking, few).run(tmp_path / "b", book)
    other = World(breaking, few, seed=8).run(tmp_path / "c", book)
    files = {
        name: sorted(
            (str(path.relative_to(tmp_path / name)), path.read_bytes())
            for path in (tmp_path / name).rglob("*")
            if path.is_file()
        )
        for name in "ab"
    }
    assert files["a"] == files["b"]
    assert first == second
    assert other[0].verdict_id != first[0].verdict_id


def test_what_an_earlier_demo_left_is_replaced(tmp_path: Path, book: PriceBook) -> None:
    few = {"contract-extraction": 60}
    breaking = [truth for truth in TRUTHS if truth.state == "breaks"]
    before = World(breaking, few, seed=8).run(tmp_path, book)
    after = World(breaking, few).run(tmp_path, book)
    assert before[0].verdict_id != after[0].verdict_id
    assert len(list((tmp_path / "verdicts").iterdir())) == 1


@pytest.mark.parametrize("seconds", [0.0, 30.0])
def test_time_passes_only_while_somebody_waits(seconds: float) -> None:
    import asyncio

    clock = MadeUpClock(END)
    before: Any = clock.now()
    asyncio.run(clock.sleep(seconds))
    assert clock.now() - before == seconds
    assert before == END * 86_400 + 43_200  # noon
