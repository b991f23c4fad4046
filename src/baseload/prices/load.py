"""Reading the packaged price book: one JSON, decoded into records; no YAML, no network, no clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files

import msgspec

from baseload.errors import PriceBookError
from baseload.prices.book import PriceBook
from baseload.prices.overlay import Overlay
from baseload.prices.records import BookRecord

_DECODER = msgspec.json.Decoder(BookRecord)


def load_book(
    *, overlay: bytes | None = None, additions: Sequence[bytes] = (), aliases: Mapping[str, str] | None = None
) -> PriceBook:
    """The packaged book, with what the user adds to it.

    `overlay` is a customer's YAML file of negotiated prices; `additions` are files stored by `prices add`, later ones
    winning; `aliases` maps names only the user knows (ARNs of application inference profiles, gateway names)
    to any name the book knows. Raises PriceBookError naming the path, the value and what was expected.
    """
    record = _DECODER.decode(files("baseload.prices").joinpath("data/book.json").read_bytes())
    for number, addition in enumerate(additions, start=1):
        record = merged(record, _decoded(addition, f"price addition {number}"))
    return PriceBook(record, overlay=_overlay(overlay, record), aliases=aliases)


def merged(book: BookRecord, addition: BookRecord) -> BookRecord:
    """A book with the rows of an addition: models of the same id are replaced, every other row is appended and wins."""
    added = {row.id for row in addition.models}
    return BookRecord(
        checked=book.checked,
        tokenizer_ratio=book.tokenizer_ratio,
        sources={**book.sources, **addition.sources},
        models=(*(row for row in book.models if row.id not in added), *addition.models),
        prices=(*book.prices, *addition.prices),
        offers=(*book.offers, *addition.offers),
        modifiers=(*book.modifiers, *addition.modifiers),
        fees=(*book.fees, *addition.fees),
        features=(*book.features, *addition.features),
        aliases=(*book.aliases, *addition.aliases),
        rate_limits=(*book.rate_limits, *addition.rate_limits),
    )


def _decoded(data: bytes, name: str) -> BookRecord:
    try:
        return _DECODER.decode(data)
    except msgspec.DecodeError as error:
        raise PriceBookError(f"{name}: {error}. Add the file again with `baseload prices add`.") from error


def _overlay(data: bytes | None, book: BookRecord) -> Overlay:
    if data is None:
        return Overlay()
    from baseload.prices.price_files import read_overlay  # noqa: PLC0415 - PyYAML only where there is an overlay

    return read_overlay(data, [model.id for model in book.models])
