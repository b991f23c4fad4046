"""A contract read from FOCUS rows as the file of `commit current` and `commit track`, with what is missing in it."""

from __future__ import annotations

from typing import Final

from baseload.commit.asks.files import offer_text
from baseload.commit.asks.ranges import UNKNOWN, draft_of
from baseload.commit.focus.read import STANDING, Imported

_NOTE: Final = (
    "A signed contract, read from FOCUS rows. What they do not say is `unknown`: answer it from the contract itself,",
    "and where it stands from the vendor's account. Then `baseload commit current` and `commit track` read this file.",
)
_RENEWAL: Final = "\n# renewal: not in FOCUS. State it where the contract renews by itself.\n"
_MEANS: Final = {
    "as_of": "the day of what follows, YYYY-MM-DD",
    "paid_usd": "cash paid for the commitment so far",
    "remaining_usd": "what may still be drawn this contract year, in dollars of commit_basis",
}


def signed_text(found: Imported, name: str) -> str:
    """Start, end and standing, then the terms as an offer's file writes them. Raises CommitError."""
    days = [f"start: {found.start.isoformat()}", f"end: {found.end.isoformat()}  # exclusive"]
    standing = [f"{key}: {UNKNOWN}  # {_MEANS[key]}" for key in STANDING]
    draft = draft_of({**found.terms, **dict.fromkeys(_open_terms(found), UNKNOWN)}, name=name)
    return "\n".join([*days, *standing, "", offer_text(draft, _NOTE) + _RENEWAL])


def _open_terms(found: Imported) -> list[str]:
    """Terms that are said to be missing; of bands that are known in part, what is known stands."""
    said = [problem.value for problem in found.problems]
    return [key for key in said if key not in STANDING and key not in found.terms and key != "renewal"]
