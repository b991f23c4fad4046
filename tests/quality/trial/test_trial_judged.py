"""A judge asked through the replay, its controls, and what its dollars come to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from trial_world import HAIKU, World, bar, request, response

from baseload.demo.upstream.answers import Said, text_answer
from baseload.errors import UsageError
from baseload.quality.graders.controls import lower_bound
from baseload.quality.graders.judge import PairwiseJudge
from baseload.quality.record import verify
from baseload.quality.trial.judging import Replies
from baseload.quality.trial.run import Judging
from baseload.vault.body import Body

JUDGE = "claude-sonnet-5-5"
SOUND = "The refund is 40 euros and will be sent to the customer within 14 days of the return being booked in."
POOR = "No."


class Judged(World):
    """Long answers, all sound when Opus gives them, and a judge that the upstream answers for."""

    def __init__(self, calls: int, *, haiku: str, judge: str) -> None:
        super().__init__(calls, says=lambda model, place: haiku if model == HAIKU else SOUND)
        self.judge = judge
        for place, one in enumerate(self.calls):
            self.bodies[one.call_id] = Body(request=request(place), response=response(SOUND, 20))

    def _answer(self, model: str, body: Mapping[str, Any], asked: str) -> Said:
        if model != JUDGE:
            return super()._answer(model, body, asked)
        return text_answer(self._judged(str(body["messages"][-1]["content"])), prompt_tokens=500, output_tokens=10)

    def _judged(self, text: str) -> str:
        """Better is what is nearer to the sound answer's length and words."""
        if self.judge == "tie":
            return '{"better": "tie"}'
        first, second = (re.search(rf"<{name}-\w+>\n(.*?)\n</", text, re.DOTALL)[1] for name in ("first", "second"))  # type: ignore[index]  # always there
        good = [answer.startswith(SOUND) for answer in (first, second)]
        said = "tie" if good[0] == good[1] else "first" if good[0] else "second"
        return f'Because. {{"better": "{said}"}}'

    def trial_of(self, folder: Path, **given: Any) -> Any:
        replies = Replies()
        judge = PairwiseJudge(replies, model=JUDGE)
        fields = {"grader": judge, "reference": None, "bar": bar(grader="judge", margin=0.2)} | given
        return self.run(folder, judging=Judging(model=JUDGE, replies=replies), **fields)


def test_a_judge_that_sees_holds_an_equal_candidate_at_the_smaller_margin(tmp_path: Path) -> None:
    world = Judged(300, haiku=SOUND + " Thank you.", judge="sees")
    found = world.trial_of(tmp_path / "t")
    assert found.state == "holds"
    assert found.controls is not None
    assert (found.controls.seeded, found.controls.hits, found.controls.placebo.pairs) == (60, 60, 100)
    assert found.tested_margin == pytest.approx(0.2 * lower_bound(60, 60))
    assert found.decision.alpha == 0.04
    assert found.tier == "adjudicated"
    checked = verify((tmp_path / "t" / "record.jsonl").read_bytes(), found.verdict_id)
    assert checked.agrees
    assert checked.controls == found.controls
    assert checked.tested_margin == found.tested_margin


def test_every_question_is_asked_once_in_either_order_and_is_in_the_dollars(tmp_path: Path) -> None:
    """Sonnet 5.5 in a batch: 500 tokens in at $1 and 10 out at $5 a million = $0.00055 a question."""
    world = Judged(300, haiku=SOUND + " Thank you.", judge="sees")
    found = world.trial_of(tmp_path / "t")
    asked = [
        one["params"]["messages"][-1]["content"]
        for batch in world.service.batches.created
        for one in batch.requests
        if one["params"]["model"] == JUDGE
    ]
    assert len(asked) == len(set(asked))
    each = sum(
        (Decimal(one.usage["input_tokens"]) * 1 + Decimal(one.usage["output_tokens"]) * 5) / 1_000_000
        for one in world.service.billed
        if one.model == JUDGE
    )
    assert found.money.grading_usd == each
    assert found.money.spent_usd > each
    assert found.money.spent_usd <= found.money.cap_usd


def test_a_judge_that_always_ties_is_invalid_before_the_candidate_is_asked(tmp_path: Path) -> None:
    world = Judged(300, haiku=POOR, judge="tie")
    found = world.trial_of(tmp_path / "t")
    assert found.state == "invalid"
    assert "cannot see" in found.reason
    assert not any(one.model == HAIKU for one in world.service.billed)
    assert verify((tmp_path / "t" / "record.jsonl").read_bytes(), found.verdict_id).decision.verdict == "INVALID"


def test_a_poor_candidate_breaks_before_a_judge_that_sees(tmp_path: Path) -> None:
    assert Judged(300, haiku=POOR, judge="sees").trial_of(tmp_path / "t").state in ("breaks", "not_shown")


def test_few_recorded_answers_are_too_few_for_a_placebo(tmp_path: Path) -> None:
    found = Judged(20, haiku=SOUND, judge="sees").trial_of(tmp_path / "t")
    assert found.state == "invalid"


def test_a_judged_trial_that_ended_says_the_same_again_without_asking(tmp_path: Path) -> None:
    world = Judged(300, haiku=SOUND + " Thank you.", judge="sees")
    first = world.trial_of(tmp_path / "t")
    billed = len(world.service.billed)
    (tmp_path / "t" / "trial.json").unlink()  # killed between the verdict and its document
    assert world.trial_of(tmp_path / "t") == first
    assert len(world.service.billed) == billed


def test_a_bar_whose_alpha_the_controls_would_take_is_refused_before_a_dollar(tmp_path: Path) -> None:
    world = Judged(300, haiku=SOUND, judge="sees")
    with pytest.raises(UsageError, match="alpha"):
        world.trial_of(tmp_path / "t", bar=bar(grader="judge", margin=0.2, alpha=0.01))
    assert not world.service.billed
