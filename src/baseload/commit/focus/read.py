"""A signed contract commitment read from FOCUS rows: what it says becomes an offer, what it cannot say a question.

Columns, required cells, allowed values, times and amounts are checked; a wrong cell is an error that names row, column,
value and rule. FOCUS has no column for bands, overage, unused commitment or rights: each is a problem beside the
result, never a default, and the offer is not complete until somebody has stated them.
"""

from __future__ import annotations

import csv
import datetime as dt
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import msgspec

from baseload.commit.contract import MONTHS_PER_YEAR
from baseload.commit.current import months_between
from baseload.commit.focus.columns import COLUMNS, MANDATORY, Column
from baseload.commit.focus.export import INTERVALS, PAYMENTS, SCHEMA, UNITS
from baseload.commit.refusal import MOST_USD, CommitError
from baseload.commit.track.calendar import add_months
from baseload.values import Problem

MOST_BYTES: Final = 4 * 1024 * 1024
MISSING: Final = ("overage", "unused", "price_rule", "metering_freeze", "new_model_rule", "step_down", "true_forward",
                  "renewal")  # fmt: skip
"""Terms that decide dollars and that no column of FOCUS holds."""
STANDING: Final = ("as_of", "paid_usd", "remaining_usd")
"""Where a signed contract stands: what `commit current` needs beside its terms, and no column holds either."""
_TIME: Final = re.compile(r"\d{4}-\d{2}-\d{2}T00:00:00(\.0{1,6})?Z")
_CENT: Final = Decimal("0.01")


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """`terms` are keys of offer.yaml with plain values; `start` is the first day, `end` the one after the last."""

    contract_id: str
    start: dt.date
    end: dt.date
    status: tuple[str, ...]
    terms: dict[str, Any]
    rows: tuple[dict[str, str], ...]
    problems: tuple[Problem, ...]


class ImportDocument(msgspec.Struct, frozen=True, kw_only=True):
    """What was read: the contract, its terms as an offer's file writes them, and the terms that are missing."""

    schema: str
    contract_id: str
    start: str
    end: str
    status: tuple[str, ...]
    terms: dict[str, Any]
    missing: tuple[str, ...]
    problems: tuple[Problem, ...]


def import_document(found: Imported) -> ImportDocument:
    return ImportDocument(
        schema=SCHEMA,
        contract_id=found.contract_id,
        start=found.start.isoformat(),
        end=found.end.isoformat(),
        status=found.status,
        terms=found.terms,
        missing=tuple(dict.fromkeys(problem.value for problem in found.problems)),
        problems=found.problems,
    )


def read_focus(data: bytes, name: str = "commitments.csv", *, contract_id: str = "") -> Imported:
    """The one contract of a file, or the one named. Raises CommitError."""
    rows = _rows(data, name)
    ids = sorted({row["ContractId"] for row in rows})
    chosen = contract_id or ids[0]
    if (len(ids) > 1 and not contract_id) or chosen not in ids:
        raise CommitError(
            "ContractId", contract_id or ", ".join(ids), f"--id, one of {', '.join(ids)}"[:300], where=name
        )
    mine = sorted(
        (row for row in rows if row["ContractId"] == chosen), key=lambda row: row["ContractCommitmentPeriodStart"]
    )
    start, end = (_one_day(mine, f"ContractPeriod{edge}", name) for edge in ("Start", "End"))
    months = _months(start, end, "ContractPeriodEnd", name)
    problems: list[Problem] = []
    terms: dict[str, Any] = {"name": chosen[:200], "currency": "USD", "term_months": str(months)}
    terms |= _basis(mine, name, problems)
    terms |= _commitments(mine, start, months, terms.get("commit_basis", ""), name)
    terms |= _payment(mine, name, problems)
    terms |= _bands(mine, terms["commit_usd_by_year"], name, problems)
    problems += [_absent(key, name) for key in (*MISSING, *STANDING)]
    status = tuple(row.get("ContractCommitmentLifecycleStatus", "") for row in mine)
    return Imported(
        contract_id=chosen,
        start=start,
        end=end,
        status=status,
        terms=terms,
        rows=tuple(mine),
        problems=tuple(problems),
    )


def _rows(data: bytes, name: str) -> list[dict[str, str]]:
    if len(data) > MOST_BYTES:
        raise CommitError("", f"{len(data):,} bytes", f"at most {MOST_BYTES:,}", where=name)
    try:
        reader = csv.reader(data.decode("utf-8-sig").splitlines(), strict=True)
        header = [cell.strip() for cell in next(reader, [])]
        _check_header(header, name)
        rows = [row for line, cells in enumerate(reader, start=2) if (row := _row(header, cells, line, name))]
    except UnicodeDecodeError as error:
        raise CommitError("", f"byte {error.start}", "text in UTF-8", where=name) from error
    except csv.Error as error:
        raise CommitError("", str(error), "comma-separated values with a header", where=name) from error
    if not rows:
        raise CommitError("", "no row", "a row for each contract commitment", where=name)
    ids = [row["ContractCommitmentId"] for row in rows]
    twice = next((one for one in ids if ids.count(one) > 1), None)
    if twice is not None:
        raise CommitError("ContractCommitmentId", twice, "each once", where=name)
    return rows


def _check_header(header: Sequence[str], name: str) -> None:
    absent = [column for column in MANDATORY if column not in header]
    if absent:
        raise CommitError(absent[0], "missing", f"the columns of FOCUS 1.3: {', '.join(MANDATORY)}", where=name)
    if len(set(header)) != len(header):
        raise CommitError("header", "a column twice", "each column once", where=name)


def _row(header: Sequence[str], cells: Sequence[str], line: int, name: str) -> dict[str, str] | None:
    if not any(cell.strip() for cell in cells):
        return None
    if len(cells) != len(header):
        raise CommitError(f"row {line}", f"{len(cells)} values", f"{len(header)}, one a column", where=name)
    row = {key: value.strip() for key, value in zip(header, cells, strict=True)}
    for column in COLUMNS:
        if column.name in row:
            _check_cell(column, row[column.name], line, name)
    if not row["ContractCommitmentCost"] and not row["ContractCommitmentQuantity"]:
        rule = "an amount where ContractCommitmentQuantity is empty"
        raise CommitError(f"row {line}, ContractCommitmentCost", "empty", rule, where=name)
    if row["BillingCurrency"] not in ("", "USD"):
        rule = "USD: currencies are not mixed, convert the file first"
        raise CommitError(f"row {line}, BillingCurrency", row["BillingCurrency"], rule, where=name)
    if row["ContractCommitmentCategory"] != "Spend":
        rule = "Spend: a commitment in units of usage has no dollars to draw"
        raise CommitError(
            f"row {line}, ContractCommitmentCategory", row["ContractCommitmentCategory"], rule, where=name
        )
    return row


def _check_cell(column: Column, text: str, line: int, name: str) -> None:
    field = f"row {line}, {column.name}"
    if not text:
        if not column.nullable:
            raise CommitError(field, "empty", "a value: FOCUS allows no null there", where=name)
        return
    if column.allowed and text not in column.allowed:
        raise CommitError(field, text, f"one of {', '.join(column.allowed)}", where=name)
    if column.kind == "time":
        _day(field, text, name)
    elif column.kind == "decimal":
        most = Decimal(1) if column.name.endswith("Percentage") else MOST_USD
        _amount(field, text, most, name)
    elif column.kind == "json":
        _json(field, text, name)


def _day(field: str, text: str, name: str) -> dt.date:
    try:
        if not _TIME.fullmatch(text):
            raise ValueError(text)
        return dt.date.fromisoformat(text[:10])
    except ValueError as error:
        rule = "the start of a day in UTC as ISO 8601, 2027-01-01T00:00:00Z"
        raise CommitError(field, text, rule, where=name) from error


def _amount(field: str, text: str, most: Decimal, name: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or not 0 <= value <= most:
        raise CommitError(field, text, f"a decimal number, 0 to {most:,}", where=name)
    return value


def _json(field: str, text: str, name: str) -> None:
    try:
        found = msgspec.json.decode(text.encode())
    except msgspec.DecodeError as error:
        raise CommitError(field, text, "a JSON object", where=name) from error
    if not isinstance(found, dict):
        raise CommitError(field, text, "a JSON object", where=name)


def _one_day(rows: Sequence[Mapping[str, str]], column: str, name: str) -> dt.date:
    values = sorted({row[column] for row in rows})
    if len(values) > 1:
        raise CommitError(column, ", ".join(values), "the same in every row of the contract", where=name)
    return _day(column, values[0], name)


def _months(start: dt.date, end: dt.date, column: str, name: str) -> int:
    months = months_between(start, end)
    if months < 1 or add_months(start, months) != end:
        raise CommitError(column, end, f"whole months after {start} (ends are exclusive)", where=name)
    return months


def _basis(rows: Sequence[Mapping[str, str]], name: str, problems: list[Problem]) -> dict[str, Any]:
    """Which dollars are committed: known from our own units, or where cost and quantity say the same in each row."""
    found = {key for key, unit in UNITS.items() if all(row["ContractCommitmentUnit"] == unit for row in rows)}
    if found:
        return {"commit_basis": found.pop()}
    unit = rows[0]["ContractCommitmentUnit"]
    problems.append(_problem(name, "commit_basis", f"FOCUS does not say whether {unit or 'the cost'} is list or net"))
    return {}


def _commitments(
    rows: Sequence[Mapping[str, str]], start: dt.date, months: int, basis: str, name: str
) -> dict[str, Any]:
    """One commitment for each contract year: rows must follow each other without gap or overlap."""
    whole = (start, add_months(start, months))
    spans = [
        (_day("", row["ContractCommitmentPeriodStart"], name), _day("", row["ContractCommitmentPeriodEnd"], name))
        for row in rows
    ]
    amounts = [_committed(row, basis, name) for row in rows]
    if spans == [whole] and months > MONTHS_PER_YEAR:
        return {"period": "term", "commit_usd_by_year": _over_years(amounts[0], months)}
    for place, span in enumerate(spans):
        first = place * MONTHS_PER_YEAR
        expected = (add_months(start, first), add_months(start, min(first + MONTHS_PER_YEAR, months)))
        if first >= months or span != expected:
            field = f"ContractCommitmentPeriodStart {span[0]}"
            rule = f"one row a contract year, without gap or overlap, from {whole[0]} to {whole[1]}"
            raise CommitError(field, f"until {span[1]}", rule, where=name)
    if spans[-1][1] != whole[1]:
        raise CommitError("ContractCommitmentPeriodEnd", spans[-1][1], f"rows until {whole[1]}", where=name)
    intervals = {row.get("ContractCommitmentFulfillmentInterval", "") for row in rows}
    period = next((key for key, word in INTERVALS.items() if intervals == {word}), "")
    return {"commit_usd_by_year": amounts} | ({"period": period} if period else {})


def _committed(row: Mapping[str, str], basis: str, name: str) -> str:
    """The quantity where its unit is dollars we know, else the cost: cash."""
    text = (
        row["ContractCommitmentQuantity"]
        if basis and row["ContractCommitmentQuantity"]
        else row["ContractCommitmentCost"]
    )
    if not text:
        raise CommitError("ContractCommitmentCost", "empty", "dollars: the quantity's unit is none we know", where=name)
    return text


def _over_years(amount: str, months: int) -> list[str]:
    """One balance for the term, spread over its years by their months; parts add to the whole."""
    years = -(-months // MONTHS_PER_YEAR)
    monthly = Decimal(amount) / months
    parts = [(monthly * MONTHS_PER_YEAR).quantize(_CENT) for _ in range(years - 1)]
    return [f"{part:f}" for part in (*parts, Decimal(amount) - sum(parts, Decimal(0)))]


def _payment(rows: Sequence[Mapping[str, str]], name: str, problems: list[Problem]) -> dict[str, Any]:
    said = {
        (row.get("ContractCommitmentPaymentModel", ""), row.get("ContractCommitmentPaymentInterval", ""))
        for row in rows
    }
    known = [key for key, words in PAYMENTS.items() if said == {words}]
    if known:
        return {"payment": known[0]}
    problems.append(_problem(name, "payment", "FOCUS does not say when it is paid"))
    return {}


def _bands(
    rows: Sequence[Mapping[str, str]], commits: Sequence[str], name: str, problems: list[Problem]
) -> dict[str, Any]:
    """The discounts that were signed stand as bands from the commitments on; those around them are not in the file."""
    discounts = [row.get("ContractCommitmentDiscountPercentage", "") for row in rows]
    known = dict(sorted({Decimal(c): d for c, d in zip(commits, discounts, strict=False) if d}.items()))
    one = set(discounts) == {discounts[0]} and discounts[0] != ""
    if one:
        known = {Decimal(0): discounts[0]}
    if not one and (len(known) != len(rows) or sorted(map(Decimal, known.values())) != [*map(Decimal, known.values())]):
        said = ", ".join(f"year {place}: {each or 'none'}" for place, each in enumerate(discounts, 1))
        problems.append(_problem(name, "bands", f"FOCUS has no bands, and its discounts make none ({said})"))
        return {}
    problems.append(_problem(name, "bands", f"only what was signed is known ({', '.join(known.values())})"))
    starts = ["0", *(f"{commit:f}" for commit in list(known)[1:])]
    return {"bands": [{"from_usd": s, "discount": d} for s, d in zip(starts, known.values(), strict=True)]}


def _absent(key: str, name: str) -> Problem:
    return _problem(name, key, "FOCUS has no column for it")


def _problem(name: str, key: str, why: str) -> Problem:
    return Problem(
        source="focus",
        file=name,
        row=0,
        code="term-not-in-focus",
        message=f"{key}: {why}",
        value=key,
        expected=f"{key} as the contract states it",
        next_step="Read it in the signed contract and write it into the offer; it is unknown until then",
    )
