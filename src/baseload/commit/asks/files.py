"""The two files of an offer with open terms: `offer.yaml` with what is known, and the ranges of what is not.

An open term is written as `unknown`, which every command that needs a value refuses by name: no default slips in. The
companion holds the ranges; edit them there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from baseload.commit.asks.ranges import UNKNOWN, Draft, draft_of, range_lines
from baseload.commit.asks.wording import TEN
from baseload.commit.offer import plain_keys
from baseload.commit.offer_write import COMMENTS, write_offer

COMPANION: Final = ".unknown.yaml"
_NOTE: Final = (
    "Terms that the vendor has not stated are `unknown`: their ranges are in the file beside this one.",
    "Write an answer in place of unknown, and run `baseload commit offer new --answers` with this file again.",
)


def offer_text(draft: Draft, note: Sequence[str] = _NOTE) -> str:
    """`offer.yaml`: the terms that are known, then the open ones as `unknown`. Other terms are left out, so assumed.

    `note` says, above them, what to do with the open ones.
    """
    blocks = write_offer(draft.at().contract).rstrip("\n").split("\n\n")
    notes = "\n".join(f"# {line}" for line in note) if draft.unknown else ""
    kept = [block for block in blocks[1:] if _key(block) in draft.known]
    opened = [f"# {COMMENTS[key]}\n{key}: {UNKNOWN}" for key in draft.unknown]
    return "\n\n".join(filter(None, (blocks[0], notes, *kept, *opened))) + "\n"


def _key(block: str) -> str:
    line = next((line for line in block.splitlines() if not line.startswith("#")), "")
    return line.partition(":")[0]


def ranges_text(draft: Draft) -> str:
    """The companion: every open term with the values it may have, kindest to the buyer first."""
    head = (
        "# Ranges of what the vendor has not stated: assumptions, to be edited. The middle value stands for a term",
        "# while another is looked at.",
    )
    return "\n".join((*head, *range_lines(draft.unknown))) + "\n"


def read_draft(data: bytes, name: str = "offer.yaml", ranges: bytes | None = None, ranges_name: str = "") -> Draft:
    """A draft from its two files; terms that are known need no companion. Raises CommitError.

    A term of the ten that the file leaves out is open: nobody has stated it.
    """
    given = plain_keys(data, name)
    own = plain_keys(ranges, ranges_name or name) if ranges is not None and ranges.strip() else None
    return draft_of(given, name=name, ranges=own)


def open_terms(draft: Draft) -> tuple[str, ...]:
    """Open terms, those of the ten first, in the order they are asked."""
    return tuple(sorted(draft.unknown, key=lambda key: (TEN.index(key) if key in TEN else len(TEN), key)))
