"""Records of the call log as rows of the ledger, and what the same tokens cost at the model that was asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import NamedTuple

import msgspec

from baseload.prices.book import PriceBook
from baseload.prices.pricing import price
from baseload.usage.fields import BadRecord
from baseload.usage.gateway_pairs import Pair
from baseload.usage.gateway_rows import ASKED, NAME, calls_of
from baseload.usage.reader import ReadContext, Record
from baseload.values import Call


class Repriced(NamedTuple):
    """One call at list price as it went, and as it was asked for: same tokens, the caller's model and tier.

    Assumed, not measured: the model asked for would have written other lengths, and maybe tokenised otherwise. None
    where a price is not known.
    """

    actual_usd: Decimal | None
    original_usd: Decimal | None

    @property
    def saved_usd(self) -> Decimal | None:
        """Negative where the call cost more than it would have."""
        if self.actual_usd is None or self.original_usd is None:
            return None
        return self.original_usd - self.actual_usd


def call_rows(pairs: Iterable[Pair], context: ReadContext, file: str = "") -> Iterator[Record]:
    """Rows of attempts; one whose counts are bad is one Problem."""
    for pair in pairs:
        try:
            yield from calls_of(pair, context, file)
        except BadRecord as bad:
            yield bad.problem(NAME, file, pair.row)


def asked_model(call: Call) -> str:
    """The model its caller asked for, where another served it by decision; "" where it served as asked."""
    return next((flag[len(ASKED) :] for flag in call.flags.split(",") if flag.startswith(ASKED)), "")


def repriced(call: Call, book: PriceBook, *, asked_tier: str = "") -> Repriced:
    """A row of the log at its own model and at the one asked for. `asked_tier` where the gateway changed the tier."""
    asked = asked_model(call)
    original = msgspec.structs.replace(
        call,
        model_raw=asked or call.model_raw,
        model=book.resolve(asked) if asked else call.model,
        tier=asked_tier or call.tier,
    )
    return Repriced(_usd(call, book), _usd(original, book))


def _usd(call: Call, book: PriceBook) -> Decimal | None:
    found, _ = price(call, book)
    return found.total if found else None
