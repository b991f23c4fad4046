"""Flags that cannot be are refused, naming the flag, the value and the rule."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, cast

import pytest

from baseload.commit.case.terms import Given, bundle_names, cloud_of, signing_day
from baseload.commit.refusal import CommitError


@pytest.mark.parametrize(
    ("field", "flag"),
    [
        ("person_weeks", "--effort-weeks"),
        ("signature_weeks", "--signature-weeks"),
        ("week_usd", "--week-usd"),
        ("trial_usd", "--trial-usd"),
        ("running_usd_per_month", "--running-usd-month"),
    ],
)
@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf"), 1e12])
def test_amounts_are_finite_and_not_negative(field: str, flag: str, value: float) -> None:
    with pytest.raises(CommitError, match=f"{flag}: .*; expected .* 0 to "):
        Given(**cast("dict[str, Any]", {field: value}))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "--bundle: nothing; expected names of asks: overage_committed"),
        ("one_point,,refund_50", "--bundle: nothing"),
        ("cheaper", "--bundle: cheaper"),
        ("one_point,one_point", "each once"),
        ("refund_50,roll_50", "--bundle: roll_50; expected one ask of unused; refund_50 is another"),
    ],
)
def test_a_bundle_is_of_known_asks_one_of_each_clause(text: str, said: str) -> None:
    with pytest.raises(CommitError, match=said):
        bundle_names(text)


def test_a_bundle_may_have_spaces() -> None:
    assert bundle_names("one_point, refund_50") == ("one_point", "refund_50")
    assert bundle_names(None) is None


@pytest.mark.parametrize("text", ["2027-13-01", "soon", "2027-02-30", "1900-01-01"])
def test_a_signing_is_a_day(text: str) -> None:
    with pytest.raises(CommitError, match=f"--signing: {text}; expected a day"):
        signing_day(text)


def test_a_cloud_is_described_or_not_named() -> None:
    assert cloud_of(None) is None
    found = cloud_of("gcp", 0.05)
    assert found is not None
    assert (found.channel.name, found.discount) == ("gcp", Decimal("0.05"))
    for given, said in (
        ((None, 0.05), "--cloud: missing; expected aws, gcp or azure beside --cloud-discount"),
        (("aws",), "--cloud: aws; expected --cloud-discount or --cloud-shadow-value"),
        (("aws", 1.0), "--cloud-discount: 1.0; expected a fraction from 0 up to, not including, 1"),
        (("aws", None, -0.1), "--cloud-shadow-value: -0.1"),
        (("aws", None, 0.3), "--cloud-commit-usd: 0; expected the cloud commitment that burns down"),
        (("aws", None, 0.3, -5.0), "--cloud-commit-usd: -5.0"),
        (("aws", 0.1, None, None, 2.0), "--cloud-cap: 2.0"),
    ):
        with pytest.raises(CommitError, match=said):
            cloud_of(*given)
