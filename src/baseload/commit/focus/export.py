"""A sized contract as rows of FOCUS Contract Commitment, status Proposed: one row for each contract year."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final

import msgspec

from baseload.commit.bands import committed_cash_usd, discounts_at, key_of_year
from baseload.commit.contract import MONTHS_PER_YEAR, Contract, year_months
from baseload.commit.focus.columns import COLUMNS
from baseload.commit.refusal import CommitError
from baseload.commit.track.calendar import add_months

SCHEMA: Final = "baseload.commit.focus/1"
TYPE: Final = "Spend Commitment"
UNITS: Final = {"list": "USD at list price", "net": "USD at contracted price"}
INTERVALS: Final = {"month": "Monthly", "quarter": "Quarterly", "year": "Annual", "term": "Full Commitment Period"}
PAYMENTS: Final = {
    "upfront": ("All Upfront", "One-Time"),
    "annual": ("Partial Upfront", "Annual"),
    "quarterly": ("Partial Upfront", "Quarterly"),
    "monthly": ("Partial Upfront", "Monthly"),
    "arrears": ("No Upfront", "Monthly"),
}
"""Payment -> model and interval of the whole contract. What is paid in advance in parts has an initial payment: its
share of the whole is the upfront percentage. A contract that is paid once is All Upfront, whatever it calls it."""
_FIRST_MONTHS: Final = {"annual": 12, "quarterly": 3, "monthly": 1}
FIRST_YEAR: Final = 2000
LAST_YEAR: Final = 2099
LONGEST_ID: Final = 200
_CENT: Final = Decimal("0.01")
_SHARE: Final = Decimal("0.000001")


class FocusDocument(msgspec.Struct, frozen=True, kw_only=True):
    """The rows, column by column, and terms of the offer that FOCUS has no column for."""

    schema: str
    focus_version: str
    rows: tuple[dict[str, str], ...]
    not_in_focus: tuple[str, ...]


def focus_rows(contract: Contract, start: dt.date, *, contract_id: str = "") -> tuple[dict[str, str], ...]:
    """One row a contract year; a single one where the balance is tested over the term. Raises CommitError.

    `ContractCommitmentCost` is the cash that a year commits to, `ContractCommitmentQuantity` the commitment in the
    dollars of `commit_basis`, which the unit names. Without `contract_id` an id is made from the terms; one that a
    spreadsheet would run or a reader would not see is refused, as an id may not be changed.
    """
    if not contract.commit_usd_by_year:
        raise CommitError("commit_usd_by_year", "missing", "a sized offer: run `baseload commit size` first")
    if not FIRST_YEAR <= start.year <= LAST_YEAR:
        raise CommitError("--start", start, f"a day of {FIRST_YEAR} to {LAST_YEAR}")
    named = _id(contract_id) if contract_id else "proposed-" + _digest(contract, start)
    end = add_months(start, contract.term_months)
    model, interval, upfront = _settled(contract)
    common = {
        "BillingCurrency": contract.currency,
        "ContractCommitmentCategory": "Spend",
        "ContractCommitmentType": TYPE,
        "ContractCommitmentUnit": UNITS[contract.commit_basis],
        "ContractId": named,
        "ContractPeriodStart": _time(start),
        "ContractPeriodEnd": _time(end),
        "ContractCommitmentApplicability": '{"IsComplexScope": true}'
        if contract.carve_outs
        else '{"IsGlobalScope": true}',
        "ContractCommitmentBenefitCategory": "Discount",
        "ContractCommitmentDurationType": _duration(contract.term_months),
        "ContractCommitmentFulfillmentInterval": INTERVALS[contract.period],
        "ContractCommitmentLifecycleStatus": "Proposed",
        "ContractCommitmentModel": "Discontinuous",
        "ContractCommitmentOfferCategory": "Negotiated",
        "ContractCommitmentPaymentInterval": interval,
        "ContractCommitmentPaymentModel": model,
        "ContractCommitmentPaymentUpfrontPercentage": upfront,
    }
    return tuple({column.name: row[column.name] for column in COLUMNS} for row in _rows(contract, start, end, common))


def _rows(contract: Contract, start: dt.date, end: dt.date, common: Mapping[str, str]) -> list[dict[str, str]]:
    discounts = [discounts_at(contract, key_of_year(contract, year)).committed for year in range(contract.years)]
    if contract.period == "term" and len(set(discounts)) == 1:
        cash = sum(committed_cash_usd(contract, year) for year in range(contract.years))
        years = [(start, end, sum(contract.commit_usd_by_year, Decimal(0)), Decimal(cash), discounts[0])]
    else:
        years = [
            (
                add_months(start, year * MONTHS_PER_YEAR),
                add_months(start, year * MONTHS_PER_YEAR + year_months(contract, year)),
                commit,
                committed_cash_usd(contract, year),
                discounts[year],
            )
            for year, commit in enumerate(contract.commit_usd_by_year)
        ]
    return [
        {
            **common,
            "ContractCommitmentId": f"{common['ContractId']}/{number}",
            "ContractCommitmentDescription": (contract.name or "commitment") + f", part {number} of {len(years)}",
            "ContractCommitmentPeriodStart": _time(first),
            "ContractCommitmentPeriodEnd": _time(last),
            "ContractCommitmentQuantity": f"{commit:f}",
            "ContractCommitmentCost": f"{cash.quantize(_CENT):f}",
            "ContractCommitmentDiscountPercentage": f"{discount.normalize():f}",
        }
        for number, (first, last, commit, cash, discount) in enumerate(years, start=1)
    ]


def not_in_focus(contract: Contract) -> tuple[str, ...]:
    """Terms of the contract that differ from their defaults and have no column; bands and overage always."""
    kept = {"name", "currency", "term_months", "commit_usd_by_year", "commit_basis", "period", "payment", "carve_outs"}
    return tuple(
        field.name
        for field in msgspec.structs.fields(contract)
        if field.name not in kept and (field.required or getattr(contract, field.name) != field.default)
    )


def focus_document(contract: Contract, start: dt.date, *, contract_id: str = "") -> FocusDocument:
    """Rows and what they cannot say."""
    rows = focus_rows(contract, start, contract_id=contract_id)
    return FocusDocument(schema=SCHEMA, focus_version="1.4", rows=rows, not_in_focus=not_in_focus(contract))


def focus_csv(rows: tuple[dict[str, str], ...], text_cell: Callable[[str], str]) -> bytes:
    """The rows as CSV with the columns' exact names; `text_cell` makes of a text one that no spreadsheet runs."""
    file = io.StringIO()
    writer = csv.DictWriter(file, [column.name for column in COLUMNS], lineterminator="\n")
    writer.writeheader()
    texts = {column.name for column in COLUMNS if column.kind in ("text", "json")}
    writer.writerows({key: text_cell(cell) if key in texts else cell for key, cell in row.items()} for row in rows)
    return file.getvalue().encode()


def _id(text: str) -> str:
    if not text[0].isalnum() or not text.isprintable() or len(text) > LONGEST_ID:
        rule = f"a letter or digit first, no control characters, at most {LONGEST_ID} characters"
        raise CommitError("--id", ascii(text).strip("'\""), rule)
    return text


def _settled(contract: Contract) -> tuple[str, str, str]:
    """Payment model, interval, and the share of the whole contract's cash that is paid on its first day."""
    cash = [committed_cash_usd(contract, year) for year in range(contract.years)]
    months = min(_FIRST_MONTHS.get(contract.payment, contract.term_months), year_months(contract, 0))
    first = cash[0] * months / year_months(contract, 0)
    if contract.payment == "arrears" or not first:
        return (*PAYMENTS["arrears"], "0")
    if contract.payment == "upfront" or first == sum(cash, Decimal(0)):
        return (*PAYMENTS["upfront"], "1")
    share = (first / sum(cash, Decimal(0))).quantize(_SHARE)
    return (*PAYMENTS[contract.payment], f"{share.normalize():f}")


def _digest(contract: Contract, start: dt.date) -> str:
    data = msgspec.json.encode([contract, start.isoformat()])
    return hashlib.sha256(data).hexdigest()[:12]


def _time(day: dt.date) -> str:
    return f"{day.isoformat()}T00:00:00Z"


def _duration(months: int) -> str:
    years, rest = divmod(months, MONTHS_PER_YEAR)
    count, unit = (months, "Month") if rest else (years, "Year")
    return f"{count} {unit}{'' if count == 1 else 's'}"
