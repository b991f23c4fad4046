"""What a route promises: from its trial's document where that is at hand, else the usual margin."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from watching_world import HAIKU, OPUS, entry, made_policy

from baseload.gateway.watching.project_says import without_files
from baseload.gateway.watching.terms import candidate_of, promises_in, terms_of
from baseload.plan.policy import Match, Router
from baseload.prices.load import load_book
from baseload.project_bars import GraderTable, HumanTable, JudgeTable, LabelTable, SignalsTable
from baseload.quality.trial.tables import files_of
from baseload.quality.watch.burn import Budget

BOOK = load_book()
TRIAL: dict[str, Any] = {
    "schema": "baseload.trial/1", "verdict_id": "v-1", "decided_day": "2026-11-20", "candidate": HAIKU,
    "incumbent": OPUS, "tested_margin": 0.05, "bar": {"expires_days": 30, "grader": "label abc"},
    "arms": [{"arm": "incumbent", "calls": 200, "refusals": 2, "truncations": 8, "failures": 10}],
}  # fmt: skip


def project(folder: Path, *trials: Any) -> Path:
    for number, trial in enumerate(trials):
        path = folder / ".baseload" / "trials" / f"t-{number}" / "trial.json"
        path.parent.mkdir(parents=True)
        path.write_text(trial if isinstance(trial, str) else json.dumps(trial))
    return folder


def test_a_trial_gives_margin_day_expiry_and_the_incumbents_own_rates(tmp_path: Path) -> None:
    served = made_policy()
    terms = terms_of(served.entries[0], served, promises_in(project(tmp_path, TRIAL)), BOOK, holdback=0.1)
    assert (terms.margin, terms.expires_days, terms.holdback) == (0.05, 30, 0.1)
    assert terms.decided_us == 20_777 * 86_400_000_000  # 2026-11-20
    assert (terms.tested.candidate, terms.tested.incumbent) == (HAIKU, OPUS)
    assert terms.budgets["refusal"] == Budget(baseline=0.01)
    assert terms.budgets["truncation"] == Budget(baseline=0.04)


def test_a_route_knows_the_grader_its_trial_was_graded_by(tmp_path: Path) -> None:
    """An older document that does not say its version is compared with nothing."""
    served = made_policy()
    for version, expected in (("1", "label abc 1"), ("", "")):
        found = promises_in(project(tmp_path / f"p{version}", {**TRIAL, "grader_version": version}))
        assert terms_of(served.entries[0], served, found, BOOK, holdback=0.1).tested.grader == expected


def test_without_the_trial_the_usual_margin_counts_from_the_day_of_the_policy(tmp_path: Path) -> None:
    served = made_policy(entry(match=Match(api_key=("*",), system_fp=("s1",), tools_fp=("t1",))))
    terms = terms_of(served.entries[0], served, promises_in(tmp_path), BOOK, holdback=0.0)
    assert terms.margin == 0.02
    assert terms.decided_us == 20_779 * 86_400_000_000  # 2026-11-22
    assert (terms.tested.systems, terms.tested.tools) == (("s1",), ("t1",))
    assert "refusal" not in terms.budgets  # nothing was measured


def test_a_policy_without_a_day_is_as_old_as_its_route() -> None:
    """`created` may be left out of a policy: its verdicts are no fifty years old then."""
    served = made_policy()
    undated = msgspec.structs.replace(served, created="")
    assert terms_of(undated.entries[0], undated, {}, BOOK, holdback=0.0, now_us=77).decided_us == 77
    assert terms_of(served.entries[0], served, {}, BOOK, holdback=0.0, now_us=77).decided_us > 77


@pytest.mark.parametrize("bad", ["{", "[]", json.dumps({**TRIAL, "decided_day": "yesterday"})])
def test_a_trial_that_cannot_be_read_promises_nothing(tmp_path: Path, bad: str) -> None:
    assert promises_in(project(tmp_path, bad)) == {}


def test_a_fitted_router_is_watched_under_its_content() -> None:
    routed = entry(decision="route", router=Router(path="r.json", sha256="ab" * 32))
    assert candidate_of(routed, BOOK) == "router:" + "ab" * 8


@pytest.mark.parametrize(
    "table",
    [
        LabelTable(truth="t.jsonl"), LabelTable(truth="incumbent"), HumanTable(labels="l.jsonl"), SignalsTable(),
        JudgeTable(model="claude-sonnet-5-5"),
    ],
)  # fmt: skip
def test_the_files_a_grader_needs_are_those_it_will_be_made_of(tmp_path: Path, table: GraderTable) -> None:
    """Looked up without the graders, which the process that serves does not load."""
    found = without_files({"w": msgspec.to_builtins(table)}, tmp_path)
    assert tuple(found.values()) == files_of(table)
    for name in files_of(table):
        (tmp_path / name).write_text("")
    assert without_files({"w": msgspec.to_builtins(table)}, tmp_path) == {}
