"""What there can be no verdict of: refused with a next step, or INVALID, and never a dollar or a pass too many."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from trial_world import HAIKU, OPUS, World, bar, call, lines_of, request, response

from baseload.demo.upstream.faults import Fault
from baseload.errors import UsageError
from baseload.quality.graders.answers import Answer, Asked
from baseload.quality.graders.grader import Grade
from baseload.quality.record import Tampered, chained, line_bytes, read_record, verify
from baseload.quality.trial.setup import checked
from baseload.values import Problem
from baseload.vault.body import Body


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"cap_usd": Decimal(0)}, "budget"),
        ({"cap_usd": Decimal("NaN")}, "budget"),
        ({"cap_usd": Decimal(6)}, "the bar allows"),
        ({"candidate": OPUS}, "another model"),
        ({"workload": "other", "workload_name": "Other"}, "the bar is of"),
        ({"key": b""}, "key"),
    ],
)
def test_a_setup_that_fits_nothing_is_refused_before_a_file_is_made(
    change: dict[str, Any], says: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=says):
        World(60).run(tmp_path / "t", **change)
    assert not (tmp_path / "t").exists()


def test_a_bar_that_requires_more_than_the_grader_gives_is_refused() -> None:
    screen = msgspec.structs.replace(World(1).setup().grader, tier="same_as_incumbent")  # type: ignore[type-var]  # a struct
    with pytest.raises(UsageError, match="requires truth"):
        checked(World(1).setup(grader=screen, bar=bar(tier_required="truth")))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"data_use": "none"}, "data_use does not allow"),
        ({"data_use": "same_platform"}, "send one by one"),
        ({"zero_data_retention": True}, "zero data retention"),
        ({"known": frozenset()}, "no true answer given"),
        ({"incumbent": "claude-sonnet-5-5"}, "on another model"),
    ],
)
def test_calls_that_may_not_be_sent_are_counted_and_nothing_is_replayed(
    change: dict[str, Any], says: str, tmp_path: Path
) -> None:
    world = World(60)
    with pytest.raises(UsageError, match=f"nothing to replay.*{says}"):
        world.run(tmp_path / "t", **change)
    assert not world.service.billed


def test_a_call_that_stands_twice_is_refused(tmp_path: Path) -> None:
    world = World(60)
    world.calls = (*world.calls, call(3))
    with pytest.raises(UsageError, match="twice"):
        world.run(tmp_path / "t")


def test_too_many_calls_that_cannot_be_sent_are_an_invalid_verdict_for_nothing(tmp_path: Path) -> None:
    """4 of 60 bodies are gone: 6.7 %, and the bar allows 5 %."""
    world = World(60)
    for one in world.calls[:4]:
        world.bodies[one.call_id] = Problem(source="bodies", file="", row=0, code="body-file-gone", message="gone")
    found = world.run(tmp_path / "t")
    assert (found.state, found.sample.not_replayable) == ("invalid", 4)
    assert found.money.spent_usd == 0
    assert found.sample.not_replayable_reasons == {"body: body-file-gone": 4}
    assert not world.service.billed
    assert verify((tmp_path / "t" / "record.jsonl").read_bytes(), found.verdict_id).agrees


def test_a_candidate_that_gives_no_answers_breaks_and_is_not_dropped(tmp_path: Path) -> None:
    world = World(200, says=lambda model, place: "" if model == HAIKU else World.truth(place))
    found = world.run(tmp_path / "t")
    assert (found.state, found.decision.estimate) == ("breaks", -1.0) or found.state == "not_shown"
    [candidate] = [arm for arm in found.arms if arm.arm == "candidate"]
    assert candidate.failures == candidate.calls == found.decision.n_used
    assert candidate.cost_per_completed_usd is None


def test_where_the_incumbent_is_missing_too_nothing_helps_the_candidate(tmp_path: Path) -> None:
    """No recorded answers, and the incumbent's own replays fail: every pair is a fault, so there is no verdict."""

    def says(model: str, place: int) -> str:
        if model == OPUS:
            raise AssertionError("never answered")
        return World.truth(place)

    world = World(60, says=says)
    for place, one in enumerate(world.calls):
        world.bodies[one.call_id] = Body(request=request(place))
    answers = world.service.answers
    world.service.answers = _Expiring(answers)  # type: ignore[assignment]  # a stand-in
    found = world.run(tmp_path / "t")
    assert found.state == "invalid"
    assert "could not be graded" in found.reason


class _Expiring:
    """Answers for the candidate, an error for the incumbent."""

    def __init__(self, inner: Any) -> None:
        self._inner, self.models = inner, inner.models

    def say(self, model: str, body: Any) -> Any:
        from baseload.demo.upstream.answers import Refusal

        return Refusal() if model == OPUS else self._inner.say(model, body)


def test_an_answer_nobody_recorded_is_asked_for_again(tmp_path: Path) -> None:
    world = World(300)
    for place, one in enumerate(world.calls):
        world.bodies[one.call_id] = Body(request=request(place))
    found = world.run(tmp_path / "t")
    assert found.state == "holds"
    assert found.noise_floor is None
    assert [arm.calls for arm in found.arms if arm.arm == "incumbent_again"] == [117]


class _Failing:
    """A grader that raises on every tenth call."""

    id, version, tier = "failing", "1", "truth"

    def __init__(self, error: BaseException, every: int) -> None:
        self._error, self._every, self._calls = error, every, 0

    def grade(self, call: Asked, output: Answer, reference: Any) -> Grade:
        if output.text.startswith("qz"):  # the nonsense every grader must see
            return Grade(score=0.0, reason="nonsense", tier="truth")
        self._calls += 1
        if self._calls % self._every == 0:
            raise self._error
        return Grade(score=1.0, reason="fine", tier="truth")

    def same(self, a: Answer, b: Answer) -> bool:
        return False


@pytest.mark.parametrize("error", [ValueError("secret text"), TimeoutError()])
def test_a_grader_that_fails_makes_the_trial_invalid_and_its_words_stay_out(error: Exception, tmp_path: Path) -> None:
    found = World(300).run(tmp_path / "t", grader=_Failing(error, 10), noise_pairs=0)
    assert found.state == "invalid"
    assert "secret" not in (tmp_path / "t" / "record.jsonl").read_text()
    assert "secret" not in (tmp_path / "t" / "trial.json").read_text()


def test_a_grader_set_up_wrongly_is_an_error_and_no_verdict(tmp_path: Path) -> None:
    world = World(60, says=lambda model, place: "other")
    with pytest.raises(UsageError, match="true label"):
        world.run(tmp_path / "t", reference=lambda call, recorded: None, noise_pairs=0)
    assert not (tmp_path / "t" / "trial.json").exists()


def test_a_budget_that_ends_is_not_shown_and_said(tmp_path: Path) -> None:
    """A call of Haiku is bounded by $0.00012 (2,000 tokens for what the API adds): 0.4 cents reserve 33 of them."""
    found = World(300).run(tmp_path / "t", cap_usd=Decimal("0.004"), noise_pairs=0)
    assert found.state == "not_shown"
    assert found.reason == "not shown: the budget ended before an answer"
    assert 30 <= found.decision.n_used <= 34
    assert found.money.spent_usd <= Decimal("0.004")


def test_an_edit_of_any_pair_is_seen(tmp_path: Path) -> None:
    world = World(300, says=lambda model, place: "spam" if model == HAIKU and place % 40 == 0 else World.truth(place))
    found = world.run(tmp_path / "t")
    data = (tmp_path / "t" / "record.jsonl").read_bytes()
    with pytest.raises(Tampered):
        verify(data.replace(b'"score":-1.0', b'"score":0.0', 1), found.verdict_id)


def rewritten(data: bytes, change: Any) -> bytes:
    """The record chained anew after a change of its lines: what somebody without the head could pass off."""
    lines: list[Any] = []
    for line in read_record(data):
        for body in change(line.kind, json.loads(json.dumps(line.body))):
            lines.append(chained(line.kind, body, lines[-1] if lines else None))
    return b"".join(map(line_bytes, lines))


def test_leaving_a_loss_out_or_weighing_it_anew_shows_without_the_head(tmp_path: Path) -> None:
    world = World(300, says=lambda model, place: "spam" if model == HAIKU and place % 40 == 1 else World.truth(place))
    found = world.run(tmp_path / "t")
    assert found.discordant
    data = (tmp_path / "t" / "record.jsonl").read_bytes()
    assert rewritten(data, lambda kind, body: [body]) == data

    def dropped(kind: str, body: Any) -> list[Any]:
        return [] if kind == "pair" and body["d"] < 0 else [body]

    def lighter(kind: str, body: Any) -> list[Any]:
        return [body | {"d": body["d"] / 2}] if kind == "pair" else [body]

    def claimed(kind: str, body: Any) -> list[Any]:
        return [body | {"verdict": "HOLDS", "margin": 0.5}] if kind == "verdict" else [body]

    with pytest.raises(Tampered, match="next of the sample's order"):
        verify(rewritten(data, dropped))
    with pytest.raises(Tampered, match="score times the weight"):
        verify(rewritten(data, lighter))
    assert not verify(rewritten(data, claimed)).agrees


def test_nothing_of_a_prompt_or_an_answer_is_in_record_or_document(tmp_path: Path) -> None:
    world = World(300)
    for place, one in enumerate(world.calls):
        asked = {"model": OPUS, "max_tokens": 50, "messages": [{"role": "user", "content": f"Hush-hush {place}"}]}
        world.bodies[one.call_id] = Body(request=asked, response=response(World.truth(place)))
    world.run(tmp_path / "t")
    for name in ("record.jsonl", "trial.json", "sample.json"):
        text = (tmp_path / "t" / name).read_text()
        assert "Hush" not in text
        assert '"spam"' not in text
    assert (tmp_path / "t" / "journal.jsonl").stat().st_mode & 0o777 == 0o600


def test_a_refused_submit_stops_the_trial_which_then_goes_on(tmp_path: Path) -> None:
    from baseload.quality.replay.errors import ReplayError

    world = World(300)
    with world.served() as server:
        import asyncio

        server.faults.add(Fault(kind="status", status=401, match="POST /v1/messages/batches"))
        with pytest.raises(ReplayError):
            asyncio.run(world.trial(world.setup(), tmp_path / "t", server.base_url))
        found = asyncio.run(world.trial(world.setup(), tmp_path / "t", server.base_url))
    assert found.state == "holds"
    assert [line["kind"] for line in lines_of(tmp_path / "t")].count("bar") == 1
