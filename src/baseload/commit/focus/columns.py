"""The Contract Commitment dataset of FOCUS: its columns, what may stand in them, what a row must say.

The thirteen columns of version 1.3, then those of 1.4 that say status, payment and discount. Source: the FOCUS
specification's text, datasets/contract_commitment, read 2026-11-22; 1.4 was still being edited then. Mandatory means
that the column is there; `nullable` that a cell of it may be empty.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

Kind = Literal["text", "decimal", "time", "json"]


class Column(NamedTuple):
    """`since`: the version that brought it; those of 1.3 are mandatory in every file."""

    name: str
    kind: Kind
    nullable: bool
    since: str
    allowed: tuple[str, ...] = ()


COLUMNS: Final = (
    Column("BillingCurrency", "text", True, "1.3"),
    Column("ContractCommitmentCategory", "text", False, "1.3", ("Spend", "Usage")),
    Column("ContractCommitmentCost", "decimal", True, "1.3"),
    Column("ContractCommitmentDescription", "text", True, "1.3"),
    Column("ContractCommitmentId", "text", False, "1.3"),
    Column("ContractCommitmentPeriodEnd", "time", False, "1.3"),
    Column("ContractCommitmentPeriodStart", "time", False, "1.3"),
    Column("ContractCommitmentQuantity", "decimal", True, "1.3"),
    Column("ContractCommitmentType", "text", False, "1.3"),
    Column("ContractCommitmentUnit", "text", True, "1.3"),
    Column("ContractId", "text", False, "1.3"),
    Column("ContractPeriodEnd", "time", False, "1.3"),
    Column("ContractPeriodStart", "time", False, "1.3"),
    Column("ContractCommitmentApplicability", "json", False, "1.4"),
    Column(
        "ContractCommitmentBenefitCategory",
        "text",
        False,
        "1.4",
        ("Discount", "Monetary Pool", "Availability", "Other"),
    ),
    Column("ContractCommitmentDiscountPercentage", "decimal", True, "1.4"),
    Column("ContractCommitmentDurationType", "text", False, "1.4"),
    Column(
        "ContractCommitmentFulfillmentInterval",
        "text",
        False,
        "1.4",
        (
            "Hourly", "Daily", "Weekly", "Monthly", "Quarterly", "Semi-Annual", "Annual", "Full Commitment Period",
            "Transactional", "Custom",
        ),
    ),
    Column(
        "ContractCommitmentLifecycleStatus",
        "text",
        False,
        "1.4",
        ("Proposed", "Pending", "Active", "Exhausted", "Expired", "Canceled", "Superseded"),
    ),
    Column("ContractCommitmentModel", "text", False, "1.4", ("Continuous", "Discontinuous")),
    Column("ContractCommitmentOfferCategory", "text", False, "1.4", ("Public", "Negotiated")),
    Column(
        "ContractCommitmentPaymentInterval",
        "text",
        False,
        "1.4",
        ("One-Time", "Monthly", "Quarterly", "Semi-Annual", "Annual", "Custom"),
    ),
    Column(
        "ContractCommitmentPaymentModel", "text", False, "1.4", ("No Upfront", "Partial Upfront", "All Upfront")
    ),
    Column("ContractCommitmentPaymentUpfrontPercentage", "decimal", False, "1.4"),
)  # fmt: skip
MANDATORY: Final = tuple(column.name for column in COLUMNS if column.since == "1.3")
