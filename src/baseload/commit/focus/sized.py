"""The commitment that a size recommends, as far as it is one of this offer."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Final

import msgspec

from baseload.commit.contract import Contract
from baseload.commit.refusal import MOST_USD, CommitError

SCHEMA: Final = "baseload.commit.size/1"


class _Inputs(msgspec.Struct, frozen=True, kw_only=True):
    offer_sha256: str
    term_months: int
    commit_basis: str


class _Recommended(msgspec.Struct, frozen=True, kw_only=True):
    commit_usd_by_year: tuple[str, ...]
    decision: str
    reason: str = ""


class _Size(msgspec.Struct, frozen=True, kw_only=True):
    """What of a size is read; the rest is never decoded."""

    schema: str
    inputs: _Inputs
    recommended: _Recommended


def sized_contract(contract: Contract, data: bytes, name: str, *, offer_sha256: str) -> Contract:
    """The offer with the commitment of a document of `commit size --json`. Raises CommitError.

    Refused: a size of another offer's file, basis or term, and one that recommends no commitment: there is nothing to
    propose then.
    """
    try:
        found = msgspec.json.decode(data, type=_Size)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CommitError("", str(error), f"{SCHEMA}, as `commit size --json` prints it", where=name) from error
    if found.schema != SCHEMA:
        raise CommitError("schema", found.schema, SCHEMA, where=name)
    same = (
        ("offer_sha256", found.inputs.offer_sha256, offer_sha256),
        ("commit_basis", found.inputs.commit_basis, contract.commit_basis),
        ("term_months", found.inputs.term_months, contract.term_months),
    )
    for field, theirs, ours in same:
        if theirs != ours:
            raise CommitError(field, theirs, f"{ours}, that of the offer: size this file", where=name)
    if found.recommended.decision != "commit":
        raise CommitError("decision", found.recommended.decision, "commit: nothing is proposed otherwise", where=name)
    commits = found.recommended.commit_usd_by_year
    if len(commits) != contract.years:
        rule = f"an amount for each of the {contract.years} contract years"
        raise CommitError("commit_usd_by_year", f"{len(commits)} amounts", rule, where=name)
    return contract.sized(*(_amount(text, name) for text in commits))


def _amount(text: str, name: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or not 0 <= value <= MOST_USD:
        raise CommitError("commit_usd_by_year", text, "dollars, 0 or more", where=name)
    return value
