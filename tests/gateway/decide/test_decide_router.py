"""A fitted router decides by a session's first prompt, and only if it is the file the policy names."""

from __future__ import annotations

import hashlib

import pytest
from decide_made import BOOK, HAIKU, KEY, facts_from, made_entry, made_policy, plain

from baseload.errors import UsageError
from baseload.gateway.decide.decide import decide
from baseload.gateway.decide.fitted_router import FittedRouter
from baseload.gateway.decide.rules import Rules, Ways
from baseload.gateway.decide.state import Sessions, State
from baseload.plan.policy import Router
from baseload.quality.router.certify import Promise
from baseload.quality.router.document import encoded
from baseload.quality.router.fit import fit
from baseload.quality.router.table import Answers, Row

STRONG = "claude-opus-5-5"


def _row(at: int, kind: str, model: str, score: float, cost: float) -> Row:
    name, prompt = f"{kind}{at}", f"{kind} case {at}"
    return Row(at, "d", name, prompt, "", model, "", "", score, cost, "measured", True, (), ())


@pytest.fixture(scope="module")
def data() -> bytes:
    """Weak is always right on "label", never on "prove"."""
    rows = []
    for at in range(300):
        for kind, weak in (("label this short ticket", 1.0), ("prove that lemma with care", 0.0)):
            rows += [_row(at, kind, STRONG, 1.0, 1.0), _row(at, kind, HAIKU, weak, 0.1)]
    answers = Answers(file="t.parquet", rows=tuple(rows), number_names=(), level_names=())
    found, _ = fit(answers, STRONG, [HAIKU], Promise(floor=0.98, confidence=0.90))
    assert found.decision == "route"
    return encoded(found)


def test_prompts_go_where_the_router_is_sure_of_them(data: bytes) -> None:
    sha256 = hashlib.sha256(data).hexdigest()
    router = FittedRouter(data, sha256, "r.json")
    entry = made_entry(decision="route", model=STRONG, router=Router(path="r.json", sha256=sha256))
    rules = Rules(made_policy(entry), BOOK, KEY, ways=Ways(start="at_once", holdback=0.0), routers={"w-1": router})
    found = {}
    for words in ("label this short ticket case 3", "prove that lemma with care case 3"):
        request = plain(model=STRONG, messages=[{"role": "user", "content": words}])
        decision = decide(facts_from(request, (b"x-api-key", b"k")), rules, State({}, Sessions()))
        found[words[:5]] = decision.reason, decision.model
    assert found == {"label": ("candidate", HAIKU), "prove": ("same-model", "")}
    assert STRONG in repr(router)


def test_another_file_than_the_policy_names_is_refused(data: bytes) -> None:
    with pytest.raises(UsageError, match="sha256"):
        FittedRouter(data, "0" * 64, "r.json")
