"""Trials from bar to verdict over the official SDK and a local upstream."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from trial_world import BOOK, DAY, HAIKU, OPUS, World, bar, call, lines_of, request, response

from baseload.errors import BaseloadError, UsageError
from baseload.levers.route.verdicts import read_verdicts
from baseload.quality.record import Tampered, verify
from baseload.quality.trial.approve import approved
from baseload.quality.trial.conclude import verdict_bytes
from baseload.quality.trial.document import Approval, load_trial, trial_bytes
from baseload.report.evidence_words import cut_weights, why
from baseload.vault.body import Body


def test_an_equal_candidate_holds_and_the_record_verifies(tmp_path: Path) -> None:
    """117 calls without a difference hold five points (docs/decisions/trial-test.md)."""
    found = World(300).run(tmp_path / "t")
    assert (found.state, found.decision.n_used, found.decision.estimate) == ("holds", 117, 0.0)
    assert found.grade == "simulated"
    checked = verify((tmp_path / "t" / "record.jsonl").read_bytes(), found.verdict_id)
    assert (checked.decision.verdict, checked.agrees, checked.tested_margin) == ("HOLDS", True, 0.05)
    kinds = [line["kind"] for line in lines_of(tmp_path / "t")]
    assert kinds[:4] == ["bar", "sample", "sample", "rewrite"]
    assert kinds[4:] == ["pair"] * 117 + ["verdict"]


def test_a_record_cut_anywhere_is_said_again_to_the_same_bytes_and_nothing_is_sent(tmp_path: Path) -> None:
    world = World(300, says=lambda model, place: "spam" if model == HAIKU and place % 50 == 1 else World.truth(place))
    folder = tmp_path / "t"
    first = world.run(folder)
    whole, billed = (folder / "record.jsonl").read_bytes(), len(world.service.billed)
    ends = [place for place, byte in enumerate(whole) if byte == 10]
    for cut in (0, 10, ends[0] + 1, ends[1] + 5, ends[3] + 1, ends[20] + 40, ends[60] + 1, ends[-2] + 1, ends[-1] - 3):
        (folder / "record.jsonl").write_bytes(whole[:cut])
        (folder / "trial.json").unlink()
        assert world.run(folder) == first
        assert (folder / "record.jsonl").read_bytes() == whole
    assert len(world.service.billed) == billed


def test_a_trial_that_ended_is_read_and_another_bar_in_its_folder_is_refused(tmp_path: Path) -> None:
    world = World(300)
    first = world.run(tmp_path / "t")
    (tmp_path / "t" / "journal.jsonl").unlink()
    assert world.run(tmp_path / "t") == first
    with pytest.raises(UsageError, match="another bar"):
        world.run(tmp_path / "t", bar=bar(margin=0.04))


def test_a_begun_trial_takes_no_other_setup(tmp_path: Path) -> None:
    world = World(300)
    world.run(tmp_path / "t")
    (tmp_path / "t" / "trial.json").unlink()
    with pytest.raises(UsageError, match="transport"):
        world.run(tmp_path / "t", transport="synchronous", data_use="same_platform")


def test_a_trial_keeps_its_sample_while_the_ledger_grows(tmp_path: Path) -> None:
    world = World(300)
    first = world.run(tmp_path / "t")
    (tmp_path / "t" / "trial.json").unlink()
    world.calls = (*world.calls, call(900))
    assert world.run(tmp_path / "t") == first


def test_changed_bodies_are_refused_with_their_reason(tmp_path: Path) -> None:
    world = World(300)
    world.run(tmp_path / "t")
    (tmp_path / "t" / "trial.json").unlink()
    for one in world.calls:
        world.bodies[one.call_id] = Body(request=request(7), response=response("ham"))
    with pytest.raises(BaseloadError, match=r"another plan|not this trial"):
        world.run(tmp_path / "t")


def test_synchronous_calls_have_latencies_and_batches_have_none(tmp_path: Path) -> None:
    found = World(300).run(tmp_path / "t", transport="synchronous", data_use="same_platform")
    candidate, incumbent, again = found.arms
    assert candidate.latency_p50_ms is not None
    assert again.latency_p95_ms is not None
    assert 0 < candidate.latency_p50_ms <= candidate.latency_p95_ms  # type: ignore[operator]  # both or neither
    assert (incumbent.latency_p50_ms, incumbent.latency_p95_ms) == (800.0, 800.0)  # as recorded
    assert {arm.latency_p50_ms for arm in World(300).run(tmp_path / "b").arms if arm.arm != "incumbent"} == {None}


def test_the_figures_of_an_equal_candidate_by_hand(tmp_path: Path) -> None:
    """Opus 5.5: 1,000 at $4 and 4 at $20 a million = $0.00408 a call. Haiku 5.5: 1,000 at $0.10 and 8 at $0.50 =
    $0.000104. In batches 200 calls of Haiku at half and 50 of Opus again at half: 0.0104 + 0.102."""
    found = World(300).run(tmp_path / "t")
    candidate, incumbent, _ = found.arms
    assert (candidate.cost_per_completed_usd, incumbent.cost_per_call_usd) == (Decimal("0.000104"), Decimal("0.00408"))
    assert found.money.spent_usd == Decimal("0.1124")
    assert found.money.saving_per_call_usd == Decimal("0.003976")
    assert found.money.saving_a_month_usd == Decimal("119.28")
    assert found.money.payback_months == Decimal("0.000942321")
    assert found.output_ratio_low == found.output_ratio_high == 2
    assert found.misses.break_even_usd_per_miss is None
    assert found.misses.break_even_at_margin_usd_per_miss == Decimal("0.07952")
    assert found.misses.extra_a_month_at_estimate == 0
    assert found.misses.extra_a_month_at_margin == 1500
    assert found.noise_floor is not None
    assert (found.noise_floor.pairs, found.noise_floor.disagreement_share) == (50, 0.0)


def test_not_shown_and_wholly_below_the_margin_is_clearly_below(tmp_path: Path) -> None:
    """Haiku is always wrong: hopeless at the first look, long before breaking is shown; high lies below -2 points."""
    world = World(200, says=lambda model, place: "neither" if model == HAIKU else World.truth(place))
    found = world.run(tmp_path / "t", bar=bar(margin=0.02))
    assert (found.state, found.decision.n_used) == ("not_shown", 50)
    assert found.decision.high is not None
    assert found.decision.high < -0.02
    assert found.clearly_below
    assert json.loads(verdict_bytes(found, DAY + 90))["clearly_below"] is True
    near = msgspec.structs.replace(found, decision=msgspec.structs.replace(found.decision, high=-0.02))
    assert not near.clearly_below
    assert why(found).startswith("likely below the bar, by more than chance explains; stopped,")
    # only losses: it may have been on its way to break at 123, and 50 calls did not show that
    assert "; clearly below the bar, so no plan counts on it; that it breaks was not shown either (wealth " in why(
        found
    )
    assert "clearly" not in why(near)
    assert why(msgspec.structs.replace(found, state="breaks", reason="worse")) == "worse"
    assert not msgspec.structs.replace(found, state="breaks").clearly_below
    assert json.loads(verdict_bytes(near, DAY + 90))["clearly_below"] is False


def test_a_wrong_answer_completes_no_task_where_the_truth_is_known(tmp_path: Path) -> None:
    """Of the first 50 calls Haiku is wrong on some, and Opus with it on those it was recorded wrong on."""
    world = World(200, says=lambda model, place: "ham")
    for place, one in enumerate(world.calls):
        world.bodies[one.call_id] = Body(request=request(place), response=response("ham" if place % 2 else "spam"))
    found = world.run(tmp_path / "t", noise_pairs=0)
    candidate, incumbent = found.arms
    used = [world.place[line["body"]["call"]] for line in lines_of(tmp_path / "t") if line["kind"] == "pair"]
    right = sum(World.truth(place) == "ham" for place in used)
    theirs = sum(World.truth(place) == ("ham" if place % 2 else "spam") for place in used)
    assert 0 < right < len(used)
    assert candidate.failures == incumbent.failures == 0
    assert candidate.cost_per_completed_usd == round(Decimal("0.000104") * len(used) / right, 9)
    assert incumbent.cost_per_completed_usd == round(Decimal("0.00408") * len(used) / theirs, 9)
    assert candidate.completed_by == incumbent.completed_by == "scores"
    equal_and_wrong = [place for place in used if place % 2 and World.truth(place) == "spam"]
    assert equal_and_wrong  # not graded for the verdict, and yet no task is completed


def test_a_document_from_before_it_was_said_is_read_and_written_as_it_was(tmp_path: Path) -> None:
    found = World(300).run(tmp_path / "t")
    old = msgspec.json.decode(trial_bytes(found))
    for arm in old["arms"]:
        arm.pop("completed_by", None)
    data = msgspec.json.format(msgspec.json.encode(old, order="sorted"), indent=1) + b"\n"
    read = load_trial(data)
    assert not any(arm.by_scores for arm in read.arms)
    assert trial_bytes(read) == data  # its hash is in a record


def test_the_sentence_names_the_last_day_the_verdict_counts(tmp_path: Path) -> None:
    found = World(300).run(tmp_path / "t")
    first_day_out = dt.date.fromisoformat(found.expires_day)
    assert f"good until {first_day_out - dt.timedelta(days=1)}" in found.sentence  # as the evidence page says it


def test_sessions_that_hold_many_calls_weigh_more_and_the_record_verifies(tmp_path: Path) -> None:
    """200 sessions, the first ten with twenty calls each: their calls count for more, at most three times."""
    world = World(390)
    world.calls = tuple(
        msgspec.structs.replace(one, session_id=f"s{place // 20}" if place < 200 else f"t{place}")
        for place, one in enumerate(world.calls)
    )
    found = world.run(tmp_path / "t", noise_pairs=0)
    weights = {line["body"]["weight"] for line in lines_of(tmp_path / "t") if line["kind"] == "pair"}
    assert max(weights) == 3.0
    assert found.sample.capped_share > 0
    assert cut_weights(found).startswith(
        f"Weights: a call stands for at most 3; {found.sample.capped_share * 100:.2g} %"
    )
    summary = next(line["body"] for line in lines_of(tmp_path / "t") if line["kind"] == "sample")
    assert summary["capped_share"] == found.sample.capped_share  # the record says it too
    assert "beyond the weight of 3" in found.sentence
    checked = verify((tmp_path / "t" / "record.jsonl").read_bytes(), found.verdict_id)
    assert checked.agrees
    assert checked.decision == found.decision


def test_against_its_own_answers_the_incumbent_must_agree_with_itself_too(tmp_path: Path) -> None:
    """Opus repeats itself on nine of ten: a candidate that agrees as often loses nothing."""

    def says(model: str, place: int) -> str:
        return "other" if place % 10 == (3 if model == OPUS else 7) else World.truth(place)

    world = World(300, says=says)
    truth = {one.call_id: World.truth(place) for place, one in enumerate(world.calls)}
    found = world.run(tmp_path / "t", agreement=True, reference=lambda key, recorded: truth[key])
    assert found.decision.wins is not None
    assert found.decision.wins > 0  # where Opus itself did not repeat its answer
    assert found.noise_floor is not None
    assert found.noise_floor.disagreement_share == pytest.approx(0.1, abs=0.06)


def test_a_redacted_request_goes_to_both_arms(tmp_path: Path) -> None:
    world = World(300)
    for place, one in enumerate(world.calls):
        text = f"from ada{place}@example.com: ticket number {place}"
        asked = {"model": OPUS, "max_tokens": 50, "messages": [{"role": "user", "content": text}]}
        world.bodies[one.call_id] = Body(request=asked, response=response(World.truth(place)))
    found = world.run(tmp_path / "t", redaction="redacted")
    sent = [one["params"] for batch in world.service.batches.created for one in batch.requests]
    assert {one["model"] for one in sent} == {HAIKU, OPUS}
    assert all("<EMAIL_1>" in one["messages"][0]["content"] for one in sent)
    assert found.sample.redaction == "redacted"
    assert found.state == "holds"


def test_plan_reads_the_verdict(tmp_path: Path) -> None:
    found = World(300).run(tmp_path / "t")
    verdicts, problems = read_verdicts({"a.json": verdict_bytes(found, DAY + 90)}, BOOK, DAY)
    assert not problems
    [verdict] = verdicts.values()
    assert (verdict.state, verdict.model, verdict.verdict_id) == ("holds", HAIKU, found.verdict_id)
    assert verdict.output_ratio_low == verdict.output_ratio_high == 2
    gone, expired = read_verdicts({"a.json": verdict_bytes(found, DAY)}, BOOK, DAY)
    assert not gone
    assert expired[0].code == "verdict-expired"


def test_approvals_stand_in_the_chain_and_make_a_new_head(tmp_path: Path) -> None:
    signed = Approval(who="Ada", on="2026-11-20", comment="two points are fine")
    first = World(300).run(tmp_path / "t", approval=signed)
    move = Approval(who="Grace", on="2026-11-24", comment="go")
    found = approved(tmp_path / "t", move)
    assert found.approvals == (signed, move)
    assert found.verdict_id != first.verdict_id
    data = (tmp_path / "t" / "record.jsonl").read_bytes()
    assert verify(data, found.verdict_id).agrees
    with pytest.raises(Tampered):
        verify(data, first.verdict_id)
    (tmp_path / "t" / "trial.json").write_bytes(trial_bytes(first))  # killed before the document was written
    again = approved(tmp_path / "t", move)
    assert again.approvals == (signed, move, move)


def test_nobody_stands_by_an_edited_record(tmp_path: Path) -> None:
    World(300).run(tmp_path / "t")
    record = tmp_path / "t" / "record.jsonl"
    record.write_bytes(record.read_bytes().replace(b'"usd":"0"', b'"usd":"1"', 1))
    with pytest.raises(Tampered):
        approved(tmp_path / "t", Approval(who="Ada", on="2026-11-24", comment=""))
