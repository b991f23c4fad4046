"""`trial.json`: what is written is what is read, and nothing else is taken."""

from __future__ import annotations

import json

import pytest
from trial_documents import document

from baseload.errors import UsageError
from baseload.quality.trial.document import folder_name, load_trial, trial_bytes


def test_a_document_survives_its_bytes() -> None:
    assert load_trial(trial_bytes(document())) == document()


def test_the_same_trial_is_the_same_bytes_and_dollars_are_strings() -> None:
    data = trial_bytes(document())
    assert data == trial_bytes(load_trial(data))
    money = json.loads(data)["money"]
    assert money["spent_usd"] == "0.1"
    assert money["cap_usd"] == "5"
    assert json.loads(data)["schema"] == "baseload.trial/1"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"schema": "baseload.trial/2"}, "schema"),
        ({"state": "assumed"}, "state"),
        ({"surplus": 1}, "surplus"),
        ({"bar_sha256": "0" * 64}, "bar_sha256"),
    ],
)
def test_what_is_no_trial_document_is_refused_by_field(change: dict[str, object], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        load_trial(json.dumps(json.loads(trial_bytes(document())) | change).encode())


def test_torn_bytes_are_refused_and_not_quoted() -> None:
    with pytest.raises(UsageError) as caught:
        load_trial(b'{"schema": "secret')
    assert "secret" not in str(caught.value)


def test_a_folder_name_is_safe_and_no_two_trials_share_one() -> None:
    assert folder_name("support/triage", "claude-haiku-5-5") != folder_name("support-triage", "claude-haiku-5-5")
    assert "/" not in folder_name("../../etc", "m")
    assert not folder_name("../../etc", "m").startswith(".")
    assert folder_name("a--b", "c") != folder_name("a", "b--c")
    assert len(folder_name("x" * 400, "m", "low")) <= 120
