"""The gate before every replay."""

from __future__ import annotations

import pytest

from baseload.errors import UsageError
from baseload.vault.data_use import DataUse, Transport, parse_data_use, replay_refusal


@pytest.mark.parametrize(
    ("text", "use"),
    [("", "none"), ("no", "none"), ("none", "none"), ("yes", "same_platform"), ("same_platform", "same_platform"),
     ("batch_allowed", "batch_allowed")],
)  # fmt: skip
def test_what_a_project_says(text: str, use: DataUse) -> None:
    assert parse_data_use(text) == use


@pytest.mark.parametrize("text", ["Yes", "batch", "maybe"])
def test_what_it_may_not_say(text: str) -> None:
    with pytest.raises(UsageError, match="data_use"):
        parse_data_use(text)


@pytest.mark.parametrize(
    ("use", "sent_to", "transport", "zero_data_retention", "may"),
    [
        ("none", "bedrock", "synchronous", False, False),
        ("none", "bedrock", "batch", False, False),
        ("same_platform", "bedrock", "synchronous", False, True),
        ("same_platform", "bedrock", "batch", False, False),
        ("same_platform", "anthropic", "synchronous", False, False),
        ("batch_allowed", "bedrock", "synchronous", False, True),
        ("batch_allowed", "bedrock", "batch", False, True),
        ("batch_allowed", "bedrock", "batch", True, False),
        ("batch_allowed", "bedrock", "synchronous", True, True),
        ("batch_allowed", "anthropic", "batch", False, False),
    ],
)
def test_who_may_be_sent_what_and_how(
    use: DataUse, sent_to: str, transport: Transport, zero_data_retention: bool, may: bool
) -> None:
    refusal = replay_refusal(
        use, recorded_on="bedrock", sent_to=sent_to, transport=transport, zero_data_retention=zero_data_retention
    )
    assert (refusal == "") == may
