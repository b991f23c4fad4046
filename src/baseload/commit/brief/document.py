"""Both editions of the brief, frozen. They share no record: nothing reaches the counterparty's by being left in."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

Audience = Literal["internal", "counterparty"]
SCHEMA: Final = "baseload.brief/1"
TAGS: Final = {"vendor": "[P]", "adviser": "[A]", "press": "[B]", "paper": "[S]", "measured": "[M]"}
"""How far to trust a figure that is not this company's own."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One statement; `source` names the fields of the size document that its figures are."""

    says: str
    source: str


class Argument(msgspec.Struct, frozen=True, kw_only=True):
    """One of the account team's four arguments and this customer's figures on it."""

    claim: str
    answers: tuple[Line, ...]


class AskRow(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to ask for, dearest first. `gives`: what may be conceded for it without being worse off."""

    rank: int
    ask: str
    says: str
    worth: str
    between: str
    points: str
    gives: tuple[str, ...]
    wording: str
    source: str


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One row of a table whose head is fixed by its name."""

    cells: tuple[str, ...]
    source: str


class InternalBrief(msgspec.Struct, frozen=True, kw_only=True):
    """Our side's edition: everything. What a case says is empty without one."""

    schema: str = SCHEMA
    audience: Audience = "internal"
    run_id: str
    compare_id: str | None
    case_id: str | None
    version: str
    seed: int
    offer: str
    answer: tuple[Line, ...]
    arguments: tuple[Argument, ...]
    asks: tuple[AskRow, ...]
    asks_note: str
    walk_away: tuple[Line, ...]
    leverage: tuple[Line, ...]
    moves: tuple[Row, ...]
    effort: tuple[Row, ...]
    schedule: tuple[Row, ...]
    bands: tuple[Row, ...]
    offers: tuple[Row, ...]
    rests_on: tuple[Row, ...]
    scenarios: tuple[Row, ...]
    timing: tuple[Row, ...]
    cautions: tuple[str, ...]
    open_terms: tuple[str, ...]
    evidence: tuple[Line, ...]


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """A file that the baseline rests on, by its hash."""

    what: str
    sha256: str


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A term that is asked for, in words of Baseload's own table alone."""

    asks: str
    wording: str


class BilledMonth(msgspec.Struct, frozen=True, kw_only=True):
    """One month of one channel: the invoice, the part of it that is usage, what the ledger holds of that."""

    month: str
    channel: str
    invoiced_usd: str
    usage_usd: str
    ledger_usd: str
    explained: float
    status: str


class CounterpartyBrief(msgspec.Struct, frozen=True, kw_only=True):
    """Their edition: method, baseline, evidence, asks. Every field is made from a list of what may be shown.

    `edition_id` is a hash of the other fields and of nothing else.
    """

    schema: str = SCHEMA
    audience: Audience = "counterparty"
    edition_id: str
    version: str
    method: tuple[str, ...]
    baseline: tuple[str, ...]
    months: tuple[BilledMonth, ...]
    evidence: tuple[Evidence, ...]
    requests: tuple[Request, ...]
    definitions: tuple[str, ...]
