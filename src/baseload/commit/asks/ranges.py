"""What an open answer may be: a range of values for each term, never a default.

Values are as offer.yaml writes them, the kindest to a buyer first; the middle one stands for the term while another is
looked at. They are assumptions about what vendors answer (facts, commit.md 1a), and the companion file shows them for
editing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from baseload.commit.asks.wording import TEN
from baseload.commit.band_sets import CENTRAL, CONSERVATIVE, OPTIMISTIC, BandSet
from baseload.commit.offer import Offer, offer_of
from baseload.commit.refusal import CommitError

UNKNOWN: Final = "unknown"


def _bands(found: BandSet) -> list[dict[str, str]]:
    return [{"from_usd": f"{band.from_usd:f}", "discount": f"{band.discount:f}"} for band in found.bands]


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """The values a term may have, as an offer's file writes them, and which of them stands for it."""

    values: tuple[Any, ...]
    middle: int


def span(*values: Any) -> Span:
    """The middle one stands for it; of an even number the one less kind to the buyer."""
    return Span(values=values, middle=len(values) // 2)


_STEP: Final = {"windows": ["6"], "share": "0.3"}
RANGES: Final[Mapping[str, Span]] = {
    "term_months": span("12", "24", "36"),
    "commit_basis": span("list", "net"),
    "bands": span(_bands(OPTIMISTIC), _bands(CENTRAL), _bands(CONSERVATIVE)),
    "overage": span("committed", {"rule": "multiple", "multiple": "1.12"}, "list"),
    "unused": span(
        {"rule": "roll", "months": "12"}, {"rule": "roll", "months": "12", "share": "0.5"}, {"rule": "forfeit"}
    ),
    "price_rule": span("lower_of", "disc_off_current_list", "fixed_price"),
    "metering_freeze": span("true", "false"),
    "step_down": span({**_STEP}, {**_STEP, "share": "0.2"}, "none"),
    "true_forward": span("none", {"share": "0.7", "window_months": "3"}, "1.0"),
    "payment": span("arrears", "annual", "upfront"),
    "period": span("term", "year", "quarter"),
    "new_model_rule": span("family_substitution", "same_discount", "list"),
    "carry_forward": span({"share": "0.5", "cap": "0.25"}, "0"),
    "overage_retro": span("true", "false"),
    "band_mode": span("all_units", "marginal"),
    "step_up": span({"windows": ["6"]}, "none"),
    "termination": span({"month": "12", "share": "0.5"}, "none"),
}
"""Term -> its range."""


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """An offer with open terms: what is known, as its file writes it, and the range of what is not."""

    known: dict[str, Any]
    unknown: dict[str, Span]
    dropped: tuple[str, ...] = ()  # values of a range that contradict what is known

    def at(self, chosen: Mapping[str, int] | None = None, *, name: str = "answers") -> Offer:
        """The offer with every open term at its middle, or at the chosen value. Raises CommitError."""
        picked = {key: one.values[(chosen or {}).get(key, one.middle)] for key, one in self.unknown.items()}
        return offer_of({**self.known, **picked}, name)


def draft_of(answers: Mapping[str, Any], *, name: str = "answers", ranges: Mapping[str, Any] | None = None) -> Draft:
    """The draft that answers make. A term of the ten that is absent, empty or `unknown` is open.

    `ranges` replaces the range of a term by the values given. Raises CommitError on a term that contradicts the rest,
    and on one that is open without a range.
    """
    open_keys = [key for key in TEN if _is_open(answers.get(key))]
    open_keys += [key for key, value in answers.items() if _is_open(value) and key not in TEN]
    open_keys = [key for key in open_keys if key != "commit_usd_by_year"]  # open = sized, which is the answer sought
    unknown = {key: _span(key, (ranges or {}).get(key), name) for key in open_keys}
    strange = sorted(set(ranges or {}) - set(unknown))
    if strange:
        raise CommitError(strange[0], "a range", "a range only for a term that is unknown in the offer", where=name)
    known = {key: value for key, value in answers.items() if not _is_open(value)}
    return _consistent(Draft(known=known, unknown=unknown), name)


def _is_open(value: Any) -> bool:
    return value is None or (isinstance(value, str) and value.strip().lower() in ("", UNKNOWN)) or value == []


def _span(key: str, values: Any, name: str) -> Span:
    if values is None:
        if key not in RANGES:
            raise CommitError(key, UNKNOWN, f"a value; a range is known for {', '.join(RANGES)}", where=name)
        return RANGES[key]
    if not isinstance(values, list) or not 1 <= len(values) <= 9:
        raise CommitError(key, "not a range", "a list of 1 to 9 values as offer.yaml writes them", where=name)
    return span(*values)


def _consistent(draft: Draft, name: str) -> Draft:
    """The draft without the values that contradict what is known. Raises CommitError where none is left."""
    kept, dropped = dict(draft.unknown), []
    middle = _first_whole(draft, name)
    for key, one in draft.unknown.items():
        values = []
        for place, value in enumerate(one.values):
            try:
                draft.at({**middle, key: place}, name=name)
                values.append(value)
            except CommitError:
                dropped.append(f"{key}: {_shown(value)}")
        if len(values) < len(one.values):
            kept[key] = span(*values)
    return msgspec.structs.replace(draft, unknown=kept, dropped=tuple(dropped))


def _first_whole(draft: Draft, name: str) -> dict[str, int]:
    """One value of each open term that holds together: the middles, else each term's first that helps."""
    chosen = {key: one.middle for key, one in draft.unknown.items()}
    try:
        draft.at(chosen, name=name)
        return chosen
    except CommitError as error:
        first = error
    for key, one in draft.unknown.items():
        for place in range(len(one.values)):
            try:
                draft.at({**chosen, key: place}, name=name)
                return {**chosen, key: place}
            except CommitError:
                continue
    raise first


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_shown(part)}" for key, part in value.items()) + "}"
    return "[" + ", ".join(map(_shown, value)) + "]" if isinstance(value, list) else str(value)


def shown(value: Any) -> str:
    """A value on one line, as offer.yaml writes it."""
    return _shown(value)


def range_lines(unknown: Mapping[str, Span]) -> Sequence[str]:
    """The companion file's lines: each open term with its range."""
    lines = []
    for key, one in unknown.items():
        lines += [f"{key}:", *(f"  - {_shown(value)}" for value in one.values)]
    return lines
