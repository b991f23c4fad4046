"""FOCUS Contract Commitment: rows out, rows in, and what the dataset cannot say."""

from __future__ import annotations

import csv
import datetime as dt
import io
from decimal import Decimal
from typing import Any

import pytest

from baseload.commit.clauses import Band, Overage, StepDown, Unused
from baseload.commit.contract import Contract
from baseload.commit.focus.columns import COLUMNS, MANDATORY
from baseload.commit.focus.export import focus_csv, focus_document, focus_rows, not_in_focus
from baseload.commit.focus.read import read_focus
from baseload.commit.refusal import CommitError
from baseload.report.csv_tables import text_cell

START = dt.date(2027, 1, 1)


def contract(*commits: int, **terms: Any) -> Contract:
    given: dict[str, Any] = {
        "name": "offer",
        "term_months": 12 * len(commits),
        "commit_usd_by_year": tuple(Decimal(commit) for commit in commits),
        "commit_basis": "list",
        "bands": (Band(from_usd=Decimal(0), discount=Decimal("0.20")),),
        "overage": Overage(rule="list"),
        "unused": Unused(rule="forfeit"),
    }
    return Contract(**{**given, **terms})


def test_columns_of_version_1_3_have_their_exact_names() -> None:
    assert MANDATORY == (
        "BillingCurrency", "ContractCommitmentCategory", "ContractCommitmentCost", "ContractCommitmentDescription",
        "ContractCommitmentId", "ContractCommitmentPeriodEnd", "ContractCommitmentPeriodStart",
        "ContractCommitmentQuantity", "ContractCommitmentType", "ContractCommitmentUnit", "ContractId",
        "ContractPeriodEnd", "ContractPeriodStart",
    )  # fmt: skip


def test_a_recommendation_is_one_proposed_row_a_contract_year() -> None:
    first, second = focus_rows(contract(2_000_000, 2_500_000, term_months=18), START, contract_id="C-1")

    assert (first["ContractCommitmentLifecycleStatus"], first["ContractCommitmentCategory"]) == ("Proposed", "Spend")
    assert (first["ContractCommitmentId"], first["ContractId"]) == ("C-1/1", "C-1")
    assert (first["ContractPeriodStart"], first["ContractPeriodEnd"]) == (
        "2027-01-01T00:00:00Z",
        "2028-07-01T00:00:00Z",
    )
    assert (second["ContractCommitmentPeriodStart"], second["ContractCommitmentPeriodEnd"]) == (
        "2028-01-01T00:00:00Z",
        "2028-07-01T00:00:00Z",
    )
    assert (first["ContractCommitmentCost"], first["ContractCommitmentQuantity"]) == ("1600000.00", "2000000")
    assert first["ContractCommitmentDiscountPercentage"] == "0.2"
    assert first["ContractCommitmentDurationType"] == "18 Months"
    # paid by the year: 1.6M of 3.6M on the first day
    assert first["ContractCommitmentPaymentModel"] == "Partial Upfront"
    assert first["ContractCommitmentPaymentUpfrontPercentage"] == "0.444444"


def test_every_cell_that_is_written_keeps_the_rules_it_is_read_by() -> None:
    data = focus_csv(focus_rows(contract(2_000_000), START), text_cell)

    header = next(csv.reader(io.StringIO(data.decode())))
    assert header == [column.name for column in COLUMNS]
    assert read_focus(data).status == ("Proposed",)


@pytest.mark.parametrize("payment", ["upfront", "annual", "quarterly", "monthly", "arrears"])
@pytest.mark.parametrize("basis", ["list", "net"])
@pytest.mark.parametrize("period", ["year", "term"])
def test_what_focus_holds_comes_back(payment: str, basis: str, period: str) -> None:
    signed = contract(2_000_000, 2_000_000, payment=payment, commit_basis=basis, period=period)
    found = read_focus(focus_csv(focus_rows(signed, START), text_cell))

    assert (found.start, found.terms["term_months"], found.terms["commit_basis"]) == (START, "24", basis)
    assert [Decimal(amount) for amount in found.terms["commit_usd_by_year"]] == [2_000_000, 2_000_000]
    assert (found.terms["payment"], found.terms["period"]) == (payment, period)
    assert found.terms["bands"] == [{"from_usd": "0", "discount": "0.2"}]


def test_terms_that_focus_has_no_column_for_are_said_and_not_assumed() -> None:
    found = read_focus(focus_csv(focus_rows(contract(2_000_000), START), text_cell))

    assert [problem.value for problem in found.problems] == [
        "bands", "overage", "unused", "price_rule", "metering_freeze", "new_model_rule", "step_down", "true_forward",
        "renewal", "as_of", "paid_usd", "remaining_usd",
    ]  # fmt: skip
    assert {problem.code for problem in found.problems} == {"term-not-in-focus"}
    assert "overage" not in found.terms


def test_an_export_names_what_it_leaves_out() -> None:
    right = StepDown(windows=(6,), share=Decimal("0.2"))

    assert not_in_focus(contract(2_000_000, step_down=right)) == ("bands", "overage", "unused", "step_down")
    assert focus_document(contract(2_000_000), START).focus_version == "1.4"


def test_a_foreign_unit_leaves_the_basis_open_and_takes_the_cost() -> None:
    data = edited(ContractCommitmentUnit="Credits")
    found = read_focus(data)

    assert "commit_basis" not in found.terms
    assert found.terms["commit_usd_by_year"] == ["1600000.00"]
    assert "commit_basis" in [problem.value for problem in found.problems]


def edited(**cells: str) -> bytes:
    (row,) = focus_rows(contract(2_000_000), START, contract_id="C-1")
    return focus_csv(({**row, **cells},), text_cell)


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (
            {"ContractCommitmentCategory": "Money"},
            "row 2, ContractCommitmentCategory: Money; expected one of Spend, Usage",
        ),
        ({"ContractCommitmentCategory": "Usage"}, "row 2, ContractCommitmentCategory: Usage; expected Spend"),
        ({"ContractCommitmentLifecycleStatus": "Signed"}, "expected one of Proposed, Pending, Active"),
        ({"ContractCommitmentCost": "1,6"}, "row 2, ContractCommitmentCost: 1,6; expected a decimal number"),
        ({"ContractCommitmentCost": "-1"}, "row 2, ContractCommitmentCost: -1"),
        ({"ContractCommitmentDiscountPercentage": "20"}, "20; expected a decimal number, 0 to 1"),
        ({"ContractPeriodStart": "2027-01-01"}, "row 2, ContractPeriodStart: 2027-01-01; expected the start of a day"),
        ({"ContractPeriodStart": "2027-02-30T00:00:00Z"}, "row 2, ContractPeriodStart: 2027-02-30T00:00:00Z"),
        ({"ContractId": ""}, "row 2, ContractId: empty; expected a value"),
        ({"ContractCommitmentCost": "", "ContractCommitmentQuantity": ""}, "ContractCommitmentCost: empty"),
        ({"BillingCurrency": "EUR"}, "row 2, BillingCurrency: EUR; expected USD"),
        ({"ContractCommitmentApplicability": "all"}, "ContractCommitmentApplicability: all; expected a JSON object"),
        ({"ContractPeriodEnd": "2028-01-15T00:00:00Z"}, "expected whole months after 2027-01-01"),
        ({"ContractCommitmentPeriodEnd": "2027-12-01T00:00:00Z"}, "expected one row a contract year"),
    ],
)
def test_a_wrong_cell_is_named_with_its_rule(cells: dict[str, str], said: str) -> None:
    with pytest.raises(CommitError) as refused:
        read_focus(edited(**cells))

    assert said in str(refused.value)


def test_a_missing_column_is_named() -> None:
    data = b"ContractId\nC-1\n"
    with pytest.raises(CommitError, match=r"BillingCurrency: missing; expected the columns of FOCUS 1\.3"):
        read_focus(data)


def test_of_several_contracts_one_must_be_named() -> None:
    rows = (
        *focus_rows(contract(2_000_000), START, contract_id="A"),
        *focus_rows(contract(1_000), START, contract_id="B"),
    )
    with pytest.raises(CommitError, match="ContractId: A, B; expected --id, one of A, B"):
        read_focus(focus_csv(rows, text_cell))

    assert read_focus(focus_csv(rows, text_cell), contract_id="B").terms["commit_usd_by_year"] == ["1000"]


def test_a_row_twice_is_refused() -> None:
    rows = focus_rows(contract(2_000_000), START, contract_id="A") * 2
    with pytest.raises(CommitError, match="ContractCommitmentId: A/1; expected each once"):
        read_focus(focus_csv(rows, text_cell))


def test_an_offer_without_a_size_has_no_rows() -> None:
    with pytest.raises(CommitError, match="commit_usd_by_year: missing"):
        focus_rows(contract(1_000, commit_usd_by_year=()), START)


def test_a_discount_of_its_own_each_year_comes_back_as_bands() -> None:
    """Two commitments at two discounts are two bands; the same commitment at two discounts is none, and is said."""
    bands = (
        Band(from_usd=Decimal(0), discount=Decimal("0.18")),
        Band(from_usd=Decimal(2_500_000), discount=Decimal("0.20")),
    )
    found = read_focus(focus_csv(focus_rows(contract(2_000_000, 2_500_000, bands=bands), START), text_cell))
    assert found.terms["bands"] == [
        {"from_usd": "0", "discount": "0.18"},
        {"from_usd": "2500000", "discount": "0.2"},
    ]
    rows = focus_rows(contract(2_000_000, 2_000_000), START)
    rows = (rows[0], {**rows[1], "ContractCommitmentDiscountPercentage": "0.25"})
    found = read_focus(focus_csv(rows, text_cell))
    assert "bands" not in found.terms
    assert any("year 1: 0.2, year 2: 0.25" in problem.message for problem in found.problems)
