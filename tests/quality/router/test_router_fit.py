"""Fitting: pin, route or leave, and what must not change the answer."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import pytest
from answers_made import STRONG, WEAK, answers, paired, row

from baseload.errors import UsageError
from baseload.quality.router.certify import Promise
from baseload.quality.router.decide import Router
from baseload.quality.router.document import RouterFile, decoded, encoded
from baseload.quality.router.fit import fit
from baseload.quality.router.table import Answers, Row, read_table

PROMISE = Promise(floor=0.95, confidence=0.90)
TOPICS = {
    "easy": "translate the greeting hello friend into french please",
    "hard": "prove that the integral of this measure converges strictly",
}


def mixed(prompts: int = 400, seed: int = 1) -> Answers:
    """Half easy, where weak is as good, half hard, where it always fails; the words tell which."""
    random_ = random.Random(seed)
    scores, texts = [], []
    for at in range(prompts):
        topic = "easy" if at % 2 else "hard"
        words = TOPICS[topic].split()
        random_.shuffle(words)
        strong = float(random_.random() < 0.9)
        scores.append((strong, strong if topic == "easy" else 0.0))
        texts.append(" ".join(words))
    return paired(scores, prompts=texts)


@dataclass(frozen=True)
class Fitted:
    router: RouterFile
    answers: Answers


@pytest.fixture(scope="module")
def routed() -> Fitted:
    found = mixed()
    return Fitted(fit(found, STRONG, [WEAK], PROMISE)[0], found)


def test_words_that_tell_the_easy_half_are_routed(routed: Fitted) -> None:
    """Half of the prompts at a tenth of the cost: a saving of up to 45 %."""
    assert routed.router.decision == "route"
    assert 0.35 <= routed.router.policy.saving <= 0.47
    router = Router(routed.router)
    assert router.decide("hello friend, translate the french greeting into please").model == WEAK
    assert router.decide("strictly prove that this integral of the measure converges").model == STRONG


def test_controls_that_know_nothing_save_less(routed: Fitted) -> None:
    controls = routed.router.controls
    assert controls["shuffled_labels"].saving < routed.router.policy.saving / 2
    assert controls["category_table"].saving == 0  # there is one category


def test_what_was_never_fitted_stays_with_strong(routed: Fitted) -> None:
    router = Router(routed.router)
    for text in ("", "  \n", "Καλημέρα κόσμε, τι κάνεις σήμερα;", "import numpy as np; def main(): return 42"):
        choice = router.decide(text)
        assert (choice.model, bool(choice.strange)) == (STRONG, True), text
    longer = " ".join([TOPICS["easy"]] * 40)
    assert router.decide(longer).strange == "far longer than any fitted prompt"


def test_a_file_gives_the_router_back(routed: Fitted) -> None:
    data = encoded(routed.router)
    again = Router(decoded(data, "router.json"))
    assert encoded(again.file) == data
    assert len(data) < 5_000_000
    texts = [one.prompt for one in routed.answers.rows[:50]]
    first = Router(routed.router)
    assert [again.decide(text) for text in texts] == [first.decide(text) for text in texts]


def test_no_word_of_a_prompt_is_in_the_file(routed: Fitted) -> None:
    data = encoded(routed.router)
    assert not [word for word in " ".join(TOPICS.values()).split() if len(word) > 7 and word.encode() in data]


@pytest.mark.parametrize("data", [b"", b"[]", b'{"schema": "x"}', b'{"strong": 1}'])
def test_a_damaged_file_is_refused(data: bytes) -> None:
    with pytest.raises(UsageError, match="route fit"):
        decoded(data, "router.json")


def test_weights_that_do_not_fit_the_models_are_refused(routed: Fitted) -> None:
    policy = msgspec.structs.replace(routed.router.policy, intercept=[0.0])
    broken = encoded(msgspec.structs.replace(routed.router, policy=policy))
    with pytest.raises(UsageError, match="weights do not fit"):
        decoded(broken, "router.json")


def renamed(found: Answers, names: dict[str, str]) -> Answers:
    rows = tuple(one._replace(model=names.get(one.model, one.model)) for one in found.rows)
    return msgspec.structs.replace(found, rows=rows)


def test_names_and_orders_change_nothing(routed: Fitted) -> None:
    shuffled: list[Row] = list(routed.answers.rows)
    random.Random(5).shuffle(shuffled)
    other = renamed(msgspec.structs.replace(routed.answers, rows=tuple(shuffled)), {STRONG: "a", WEAK: "z"})
    found, _ = fit(other, "a", ["z"], PROMISE)
    assert found.policy == msgspec.structs.replace(routed.router.policy)


def test_the_order_of_a_ladder_changes_nothing() -> None:
    rng = np.random.default_rng(2)
    rows = []
    for at in range(200):
        right = float(rng.random() < 0.9)
        rows += [
            row(f"p{at}", STRONG, right, 1.0), row(f"p{at}", "mid", right, 0.5),
            row(f"p{at}", "cheap", float(rng.random() < 0.5), 0.1),
        ]  # fmt: skip
    first, _ = fit(answers(rows), STRONG, ["mid", "cheap"], PROMISE)
    second, _ = fit(answers(rows), STRONG, ["cheap", "mid"], PROMISE)
    assert encoded(first) == encoded(second)
    assert (first.decision, first.policy.model) == ("pin", "mid")  # never worse, half the cost


def test_a_ladder_need_not_be_monotone() -> None:
    """The dearer of two weak models is the worse: bashkit's Sonnet 4.6 beside Haiku 4.5."""
    rows = []
    for at in range(200):
        rows += [row(f"p{at}", STRONG, 1, 1.0), row(f"p{at}", "mid", at % 2, 0.8), row(f"p{at}", "cheap", 1, 0.2)]
    found, _ = fit(answers(rows), STRONG, ["mid", "cheap"], PROMISE)
    assert (found.decision, found.policy.model) == ("pin", "cheap")


def test_a_model_that_is_not_cheaper_leaves_the_ladder() -> None:
    rows = []
    for at in range(100):
        rows += [row(f"p{at}", STRONG, 1, 1.0), row(f"p{at}", "dear", 1, 2.0), row(f"p{at}", WEAK, 1, 0.1)]
    found, problems = fit(answers(rows), STRONG, ["dear", WEAK], PROMISE)
    assert found.models == [STRONG, WEAK]
    assert [(one.code, one.value) for one in problems] == [("not-cheaper", "dear")]
    with pytest.raises(UsageError, match="none of dear is cheaper"):
        fit(answers(rows), STRONG, ["dear"], PROMISE)


def test_too_few_prompts_say_how_many_more() -> None:
    """48 are the least at a floor of 95 % where strong is always right (test_router_bound): 48 - 10."""
    found, _ = fit(paired([(1.0, 1.0)] * 10), STRONG, [WEAK], PROMISE)
    assert (found.decision, found.more_prompts) == ("leave", 38)
    assert Router(found).decide("anything").model == STRONG


def test_forty_perfect_prompts_are_eight_too_few() -> None:
    found, _ = fit(paired([(1.0, 1.0)] * 40), STRONG, [WEAK], PROMISE)
    assert (found.decision, found.more_prompts) == ("leave", 8)


def test_sixty_perfect_prompts_pin() -> None:
    found, _ = fit(paired([(1.0, 1.0)] * 60), STRONG, [WEAK], PROMISE)
    assert (found.decision, found.policy.model, found.more_prompts) == ("pin", WEAK, 0)


def test_the_same_prompts_ten_times_are_no_more_evidence() -> None:
    """40 perfect prompts are 8 too few (above), under however many ids they come."""
    texts = [f"question number {at % 40} of many" for at in range(400)]
    found, _ = fit(paired([(1.0, 1.0)] * 400, prompts=texts), STRONG, [WEAK], PROMISE)
    assert (found.decision, found.more_prompts, found.prompts, found.used) == ("leave", 8, 40, 400)


def test_no_fold_splits_prompts_that_say_the_same() -> None:
    """Labels of 60 prompts that nothing foretells, each ten times: learnt by heart they would make a router."""
    rng = np.random.default_rng(6)
    drawn = [(1.0, float(rng.random() < 0.8)) for _ in range(60)]
    texts = [f"{TOPICS['easy']} {at % 60 * 7919}" for at in range(600)]
    found, _ = fit(paired([drawn[at % 60] for at in range(600)], prompts=texts), STRONG, [WEAK], PROMISE)
    assert found.decision == "leave"


def test_failed_answers_are_no_reason_to_pin() -> None:
    """Weak answers 126 of 200, and is as good there: the truth is 63 %."""
    rows = []
    for at in range(200):
        rows.append(row(f"p{at}", STRONG, 1.0))
        if at % 100 < 63:
            rows.append(row(f"p{at}", WEAK, 1.0, 0.1))
    found, _ = fit(answers(rows), STRONG, [WEAK], PROMISE)
    assert found.decision != "pin"
    assert (found.used, found.asked) == (200, 200)
    assert found.quality == [1.0, 0.63]


def test_where_a_category_was_not_asked_no_one_model_is_the_answer() -> None:
    rows = [
        row(f"{kind}{at}", name, 1.0, 1.0 if name == STRONG else 0.1, category=kind)
        for kind, models in (("code", (STRONG, WEAK)), ("maths", (STRONG,)))
        for at in range(100)
        for name in models
    ]
    found, _ = fit(answers(rows), STRONG, [WEAK], PROMISE)
    assert (found.decision, found.stay_strong) == ("route", ["maths"])
    router = Router(found)
    assert router.decide("question code1", "code").model == WEAK
    assert router.decide("question maths1", "maths").model == STRONG


def test_a_decision_reads_the_ends_of_a_prompt_alone(routed: Fitted) -> None:
    space = routed.router.space
    assert space is not None
    router = Router(msgspec.structs.replace(routed.router, space=msgspec.structs.replace(space, longest=10**6)))
    ends = (TOPICS["easy"] + " ") * 40
    middles = [(ends + middle + ends) for middle in ("z" * 5000, "q, " * 1666 + "  ")]
    assert len({len(text) for text in middles}) == 1
    first, second = (router.decide(text) for text in middles)
    assert (first.model, first.price) == (second.model, second.price)


def test_where_nothing_is_safe_it_leaves_and_no_number_is_promised() -> None:
    found, _ = fit(paired([(1.0, 0.0)] * 100), STRONG, [WEAK], PROMISE)
    assert (found.decision, found.more_prompts) == ("leave", None)
    assert "nothing is safe" in found.reason


def test_words_that_say_nothing_are_not_sold_as_a_router() -> None:
    """Weak fails half of the time, whatever the prompt: a mix would use up the slack under the floor."""
    rng = np.random.default_rng(3)
    scores = [(1.0, float(rng.random() < 0.5)) for _ in range(300)]
    found, problems = fit(paired(scores), STRONG, [WEAK], PROMISE)
    assert found.policy.saving <= 0.08  # (1 - 0.95) / 0.5 of the prompts at most, at 90 % off
    assert found.decision == "leave" or [problem.code for problem in problems] == ["not-routable"]


@pytest.mark.parametrize("promise", [(0.0, 0.9), (1.0, 0.9), (0.95, 1.0), (float("nan"), 0.9), (95, 0.9)])
def test_a_promise_is_a_share(promise: tuple[float, float]) -> None:
    with pytest.raises(UsageError, match="expected a share above 0 and below 1"):
        fit(paired([(1.0, 1.0)] * 30), STRONG, [WEAK], Promise(floor=promise[0], confidence=promise[1]))


def with_broken_run(broken: str) -> Answers:
    """Two categories of 100; in `gaia` the named model scores 2 %; weak is otherwise a little worse than strong."""
    rng = np.random.default_rng(4)
    rows = []
    for at in range(400):
        category = "gaia" if at % 2 else "code"
        for name, usual in ((STRONG, 0.8), (WEAK, 0.75)):
            chance = 0.02 if (category, name) == ("gaia", broken) else usual
            score = float(rng.random() < chance)
            rows.append(row(f"p{at}", name, score, 1.0 if name == STRONG else 0.1, category=category))
    return answers(rows)


@pytest.mark.parametrize("broken", [STRONG, WEAK])
def test_a_broken_run_is_flagged_and_not_learnt(broken: str) -> None:
    """A broken strong run makes the weak model look better: its category stays with strong all the same."""
    found, problems = fit(with_broken_run(broken), STRONG, [WEAK], PROMISE)
    assert [(one.code, one.value) for one in problems] == [("broken-run", broken)]
    assert found.stay_strong == ["gaia"]
    router = Router(found)
    assert router.decide("question p1", "gaia").model == STRONG


def test_a_broken_run_in_a_real_table_is_flagged(shared_data: Path) -> None:
    """As OpenHands' Sonnet 4.6 on GAIA: one model's scores of one category are nearly all 0."""
    found, _ = read_table(shared_data / "routing" / "zeroeval_claude3.parquet")
    models = {"claude-3-5-sonnet", "claude-3-5-haiku"}
    kept = [one for one in found.rows if one.model in models]
    worse = [
        one._replace(score=0.0)
        if (one.model, one.category) == ("claude-3-5-sonnet", "gsm") and one.number % 20
        else one
        for one in kept
    ]
    name = sorted({one.category for one in kept})
    assert "gsm" in name
    clean, before = fit(
        msgspec.structs.replace(found, rows=tuple(kept)), "claude-3-5-sonnet", ["claude-3-5-haiku"], PROMISE
    )
    assert before == []
    assert clean.stay_strong == []
    router, problems = fit(
        msgspec.structs.replace(found, rows=tuple(worse)), "claude-3-5-sonnet", ["claude-3-5-haiku"], PROMISE
    )
    assert [(one.code, one.value) for one in problems][:1] == [("broken-run", "claude-3-5-sonnet")]
    assert router.stay_strong == ["gsm"]
