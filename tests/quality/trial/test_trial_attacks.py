"""Ways to get a verdict that is too good: each must fail, say so, and never quietly."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from trial_world import BOOK, DAY, HAIKU, OPUS, World, bar, call, lines_of, response

from baseload.errors import UsageError
from baseload.quality.graders.answers import Answer, Asked
from baseload.quality.graders.grader import Grade
from baseload.quality.record import Line, Tampered, chained, line_bytes, read_record, verify
from baseload.quality.replay.errors import JournalBroken
from baseload.quality.replay.run import Replayed
from baseload.quality.trial import figures
from baseload.quality.trial.approve import approved
from baseload.quality.trial.begun import finished
from baseload.quality.trial.borne_out import content_sha256, document_fault
from baseload.quality.trial.document import Approval, load_trial, trial_bytes
from baseload.quality.trial.pairs import Seen
from baseload.quality.trial.tested import Graded, Terms, decided
from baseload.vault.body import Body


def edited(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = folder / "trial.json"
    document = json.loads(path.read_bytes())
    change(document)
    path.write_text(json.dumps(document))


@pytest.fixture
def held(tmp_path: Path) -> Path:
    """A trial that holds."""
    assert World(300).run(tmp_path / "t").state == "holds"
    return tmp_path / "t"


CHANGES: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "the stand-in becomes the model": (lambda found: found.update(grade="replayed"), "grade"),
    "another candidate": (lambda found: found.update(candidate="claude-sonnet-5-5"), "candidate"),
    "another workload": (lambda found: found.update(workload="other"), "workload"),
    "good for ever": (lambda found: found.update(expires_day="2099-01-01"), "expires_day"),
    "decided later": (lambda found: found.update(decided_day="2098-01-01"), "decided_day"),
    "more money": (lambda found: found["money"].update(saving_a_month_usd="99999"), "changed after its verdict"),
    "shorter answers": (lambda found: found.update(output_ratio_low="0.1"), "changed after its verdict"),
    "better words": (lambda found: found.update(sentence="It is perfect."), "changed after its verdict"),
    "no difference listed": (lambda found: found["arms"][0].update(refusals=7), "changed after its verdict"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_no_figure_of_a_document_can_be_changed_after_its_verdict(held: Path, name: str) -> None:
    change, said = CHANGES[name]
    edited(held, change)
    document, record = load_trial((held / "trial.json").read_bytes()), (held / "record.jsonl").read_bytes()
    assert said in document_fault(document, record, (held / "trial.json").read_bytes())
    with pytest.raises(UsageError, match=said):
        finished(held)
    with pytest.raises(UsageError, match="nothing was approved"):
        approved(held, Approval(who="A", on="2026-11-23", comment="fine"))


def test_a_document_whose_state_is_better_than_its_record_is_not_taken_for_a_verdict(tmp_path: Path) -> None:
    world = World(300, says=lambda model, place: "other" if model == HAIKU else World.truth(place))
    assert world.run(tmp_path / "t").state in ("breaks", "not_shown")
    edited(tmp_path / "t", lambda found: found.update(state="holds"))
    with pytest.raises(UsageError, match=r"state is holds in trial\.json"):
        world.run(tmp_path / "t")


def test_an_answer_changed_in_the_journal_before_it_was_graded_is_no_evidence(tmp_path: Path) -> None:
    def says(model: str, place: int) -> str:
        return "ham" if model == HAIKU and place % 2 else World.truth(place)

    world, folder = World(200, says), tmp_path / "t"
    assert world.run(folder).state != "holds"
    record, journal = folder / "record.jsonl", folder / "journal.jsonl"
    lines = record.read_bytes().splitlines(keepends=True)
    record.write_bytes(b"".join(line for line in lines if b'"kind":"pair"' not in line and b'"verdict"' not in line))
    (folder / "trial.json").unlink()  # as if it had been killed between the answers and the grades
    journal.write_bytes(_all_right(journal.read_bytes(), world))
    with pytest.raises(JournalBroken, match="it was changed"):
        world.run(folder)


def _all_right(journal: bytes, world: World) -> bytes:
    """The journal with the truth in every answer of the candidate."""
    found = []
    for raw in journal.splitlines():
        line = json.loads(raw)
        if line["kind"] == "result" and line["item"].startswith("candidate/"):
            said = json.loads(base64.b64decode(line["body"]))
            said["content"][0]["text"] = World.truth(world.place[line["item"].removeprefix("candidate/")])
            line["body"] = base64.b64encode(json.dumps(said).encode()).decode()
        found.append(json.dumps(line, separators=(",", ":")).encode() + b"\n")
    return b"".join(found)


def test_a_trial_without_its_record_is_not_taken_for_a_verdict(held: Path) -> None:
    (held / "record.jsonl").unlink()
    with pytest.raises(UsageError, match="record is empty"):
        finished(held)


def test_an_untouched_document_is_borne_out_before_and_after_an_approval(held: Path) -> None:
    assert finished(held) is not None
    found = approved(held, Approval(who="A", on="2026-11-23", comment="fine"))
    assert finished(held) == found
    assert content_sha256(trial_bytes(found)) == content_sha256(
        trial_bytes(msgspec.structs.replace(found, verdict_id="x"))
    )


def test_a_call_that_stands_twice_in_the_order_is_no_record(held: Path) -> None:
    """The chain is rewritten as a whole, so that only what it says can be wrong."""
    lines = read_record((held / "record.jsonl").read_bytes())
    order = next(line for line in lines if line.body.get("of") == "order")
    twice = [order.body["calls"][0], *order.body["calls"][:-1]]
    rewritten: list[Line] = []
    for line in lines:
        body = {**line.body, "calls": twice} if line is order else line.body
        rewritten.append(chained(line.kind, body, rewritten[-1] if rewritten else None))
    with pytest.raises(Tampered, match="stands twice"):
        verify(b"".join(map(line_bytes, rewritten)))


def test_a_router_that_answers_with_the_incumbent_makes_the_trial_invalid(tmp_path: Path) -> None:
    """Behind a gateway that sends the candidate's calls to Opus every answer is Opus's own."""
    world = World(300)
    answered = world.service._answered

    def routed(*given: Any) -> Any:
        message, split = answered(*given)
        return {**message, "model": OPUS}, split

    world.service._answered = routed  # type: ignore[method-assign,assignment]  # what a gateway in between would do
    found = world.run(tmp_path / "t", noise_pairs=0)
    assert found.state == "invalid"
    assert "could not be graded" in found.reason


class _AlwaysRight:
    id, version, tier = "kind", "1", "truth"

    def grade(self, call: Asked, output: Answer, reference: Any) -> Grade:
        return Grade(score=1.0, reason="fine", tier="truth")

    def same(self, a: Answer, b: Answer) -> bool:
        return False


class _AlwaysWrong(_AlwaysRight):
    def grade(self, call: Asked, output: Answer, reference: Any) -> Grade:
        return Grade(score=0.0, reason="bad", tier="truth")


def test_a_grader_that_likes_nonsense_is_refused_before_a_dollar(tmp_path: Path) -> None:
    world = World(300)
    with pytest.raises(UsageError, match="full marks to nonsense on 3 of 3"):
        world.run(tmp_path / "t", grader=_AlwaysRight())
    assert not world.service.billed


def test_a_grader_that_likes_nothing_is_invalid_and_not_no_worse(tmp_path: Path) -> None:
    found = World(300).run(tmp_path / "t", grader=_AlwaysWrong(), noise_pairs=0)
    assert found.state == "invalid"
    assert "neither arm scored anything on 117 of 117 calls" in found.reason
    assert verify((tmp_path / "t" / "record.jsonl").read_bytes(), found.verdict_id).decision.verdict == "INVALID"


def test_arms_that_are_both_cut_off_show_nothing(tmp_path: Path) -> None:
    """Recorded answers that stop at max_tokens, and a candidate that says nothing either."""
    world = World(300, says=lambda model, place: "")
    for place, one in enumerate(world.calls):
        body = Body(request=world.bodies[one.call_id].request, response=response(World.truth(place), stop="max_tokens"))  # type: ignore[union-attr]  # all have one
        world.bodies[one.call_id] = body
    found = world.run(tmp_path / "t", noise_pairs=0)
    assert found.state == "invalid"


def test_half_of_the_calls_without_a_score_are_still_a_verdict_and_one_more_is_none() -> None:
    """Five points hold after 117 calls without a difference: 58 of them blank is less than half, 59 is more."""

    def pairs(blank: int) -> list[Graded]:
        return [
            Graded(call=str(n), d=0.0, how="graded", tier="truth", stratum="1k", blank=n < blank) for n in range(200)
        ]

    terms = Terms(bar=bar(margin=0.05))
    assert (decided(terms, pairs(58)).state, decided(terms, pairs(59)).state) == ("HOLDS", "INVALID")


def test_a_candidate_that_refuses_everything_does_not_hold(tmp_path: Path) -> None:
    found = World(300, says=lambda model, place: "" if model == HAIKU else World.truth(place)).run(tmp_path / "t")
    assert found.state in ("breaks", "not_shown")
    assert found.decision.losses == found.decision.n_used


def test_a_guard_that_watches_no_call_is_refused(tmp_path: Path) -> None:
    world = World(300)
    with pytest.raises(UsageError, match=r"guard 'tols' is of no call of the sample.*no tools"):
        world.run(tmp_path / "t", bar=bar(guards=("tols",)))
    assert not world.service.billed


@pytest.mark.parametrize("cap", ["0", "-1", "NaN", "Infinity"])
def test_a_budget_of_nothing_or_of_no_number_is_refused(tmp_path: Path, cap: str) -> None:
    with pytest.raises(UsageError, match="budget"):
        World(60).run(tmp_path / "t", cap_usd=Decimal(cap))


def test_a_budget_that_ends_early_is_not_shown(tmp_path: Path) -> None:
    """$0.004 pays for a few calls of Haiku and never for the 117 that five points take."""
    found = World(300).run(tmp_path / "t", cap_usd=Decimal("0.004"), noise_pairs=0)
    assert found.state == "not_shown"
    assert "budget" in found.reason


def test_a_clock_that_goes_back_changes_neither_the_day_nor_a_byte(held: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, world = (held / "record.jsonl").read_bytes(), World(300)
    first = load_trial((held / "trial.json").read_bytes())
    (held / "trial.json").unlink()
    monkeypatch.setattr("trial_world.time.time", lambda: float((DAY - 30) * 86_400))
    assert world.run(held) == first
    assert (held / "record.jsonl").read_bytes() == whole


def test_a_call_from_before_the_candidate_was_on_sale_has_a_price_on_both_arms() -> None:
    """Haiku 5.5 on the day of the trial: 1,000 in at $0.10 and 8 out at $0.50 a million; Opus 5.5 at $4 and $20."""
    old = call(1, start_us=(DAY - 500) * 86_400_000_000)
    usage = {"input_tokens": 1_000, "output_tokens": 8}
    answered = Replayed(
        call=old.call_id, arm="candidate", model=HAIKU, outcome="succeeded", error="", usd=Decimal(0),
        message={"usage": usage},
    )  # fmt: skip
    found = figures.costed(_seen(old, answered), 0.0, HAIKU, BOOK, DAY)
    assert (found.candidate_usd, found.incumbent_usd) == (Decimal("0.000104"), Decimal("0.00408"))


def _seen(of: Any, answered: Replayed) -> Any:
    return Seen(case=SimpleNamespace(call=of), candidate=answered, again=None)  # type: ignore[arg-type]  # the call alone is read


def test_the_hash_of_the_document_stands_in_the_verdict_line(held: Path) -> None:
    assert lines_of(held)[-1]["body"]["document_sha256"] == content_sha256((held / "trial.json").read_bytes())
