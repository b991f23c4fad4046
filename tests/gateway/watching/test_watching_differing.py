"""Pairs whose truth nobody knows: what differing answers prove, and what they do not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from baseload.gateway.watching.differing import Differing, has_one_right, wrong_in
from baseload.gateway.watching.messages import Difference
from baseload.gateway.watching.unlabelled import DIFFER

SAME = Difference(d=0.0, how="form")
OTHER = Difference(d=0.0, how="form", reason=DIFFER)
BROKEN = Difference(d=-1.0, how="form")


def test_a_few_that_differ_prove_nothing() -> None:
    differing = Differing(0.05)  # the incumbent is wrong on at most 5 of 100: 10 of 100 may differ
    assert [differing.d(OTHER if n % 20 == 0 else SAME) for n in range(200)] == [0.0] * 200


def test_more_than_the_incumbent_can_be_wrong_count_as_losses_from_the_next_pair_on() -> None:
    differing = Differing(0.05)
    assert [differing.d(OTHER) for _ in range(20)] == [0.0] * 20  # settled by the pairs before, never by itself
    assert differing.is_loss
    assert differing.d(OTHER) == pytest.approx(0.1 - 1)
    assert differing.d(SAME) == pytest.approx(0.1)
    assert differing.d(BROKEN) == pytest.approx(0.1 - 1)


@pytest.mark.parametrize("wrong_most", [None, 0.5])
def test_where_nothing_is_known_of_the_incumbent_only_form_counts(wrong_most: float | None) -> None:
    differing = Differing(wrong_most)
    assert [differing.d(OTHER) for _ in range(60)] == [0.0] * 60
    assert differing.d(BROKEN) == -1.0
    assert not differing.is_loss


def test_what_a_judge_or_a_truth_says_is_taken_as_it_is() -> None:
    differing = Differing(0.0)
    for found in (Difference(d=-1.0, how="judged"), Difference(d=0.5, how="graded"), Difference()):
        assert differing.d(found) == found.d


def test_how_often_the_incumbent_is_wrong_is_the_trials_at_the_far_end_of_its_interval(tmp_path: Path) -> None:
    def trial(name: str, **more: object) -> None:
        arm = {"arm": "incumbent", "calls": 100, "completed_by": "scores",
               "cost_per_call_usd": "0.0096", "cost_per_completed_usd": "0.0100"}  # fmt: skip
        (tmp_path / ".baseload" / "trials" / name).mkdir(parents=True)
        document = {"verdict_id": name, "tier": "truth", "arms": [arm | more.pop("arm", {})], **more}
        (tmp_path / ".baseload" / "trials" / name / "trial.json").write_text(json.dumps(document))

    trial("v-1")
    trial("screen", tier="same_as_incumbent")
    trial("older", arm={"completed_by": "not_failed"})
    # 96 of 100 right: w = 0.04; z = 1.6449, z2 = 2.7055; (0.04 + 0.013528 + 1.6449 x sqrt(0.000384 + 0.0000676)) /
    # 1.027055 = (0.053528 + 1.6449 x 0.021251) / 1.027055 = 0.08615
    assert wrong_in(tmp_path) == {"v-1": pytest.approx(0.08615, abs=2e-5)}


def test_only_where_one_answer_is_right_a_difference_can_be_a_loss() -> None:
    assert has_one_right({"kind": "label"})
    assert has_one_right({"kind": "extraction", "score": "all", "fields": {}})
    assert not has_one_right({"kind": "label", "macro_recall": True})
    assert not has_one_right({"kind": "extraction", "score": "f1"})
    assert not has_one_right({"kind": "extraction", "score": "all", "fields": {"total": {"tolerance": 0.1}}})
    assert not has_one_right({"kind": "sql"})
    assert not has_one_right({"kind": "human"})
