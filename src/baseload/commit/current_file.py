"""Reading the contract already signed: an offer's file with where it stands today.

The keys of `offer.yaml`, and `start`, `end` (exclusive), `as_of` (YYYY-MM-DD), `paid_usd` and `remaining_usd`.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from baseload.commit.current import CurrentContract
from baseload.commit.offer import Offer, offer_of, plain_keys
from baseload.commit.offer_faults import MONEY_RULE
from baseload.commit.refusal import CommitError

DAYS: Final = ("start", "end", "as_of")
AMOUNTS: Final = ("paid_usd", "remaining_usd")


def read_current(data: bytes, name: str = "current.yaml") -> tuple[CurrentContract, Offer]:
    """The contract with its standing, and its terms as an offer (which says what the file leaves out).

    Raises CommitError.
    """
    content = plain_keys(data, name)
    for key in (*DAYS, *AMOUNTS):
        if not isinstance(content.get(key), str):
            rule = f"{', '.join((*DAYS, *AMOUNTS))} beside the keys of an offer"
            raise CommitError(key, "not one value" if key in content else "missing", rule, where=name)
    offer = offer_of({key: value for key, value in content.items() if key not in (*DAYS, *AMOUNTS)}, name)
    days = {key: _day(key, content[key], name) for key in DAYS}
    amounts = {key: _amount(key, content[key], name) for key in AMOUNTS}
    try:
        return CurrentContract(terms=offer.contract, **days, **amounts), offer
    except CommitError as error:
        raise error.within(name) from error


def _day(key: str, text: str, name: str) -> Any:
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise CommitError(key, text, "a day, YYYY-MM-DD", where=name) from error


def _amount(key: str, text: str, name: str) -> Any:
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise CommitError(key, text, MONEY_RULE, where=name) from error
