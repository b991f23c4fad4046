"""A record that could not be used, said once beside the result and never raised."""

from __future__ import annotations

import msgspec


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One bad record, or one thing the reader of a figure must know.

    `row` is 1-based (line, CSV record or array element) and 0 when the whole file is meant; `value` is shortened
    by whoever builds the problem and never holds prompt text or keys.
    """

    source: str
    file: str
    row: int
    code: str  # stable, kebab-case: "bad-json", "negative-tokens", "unknown-model"
    message: str  # one sentence
    value: str = ""
    expected: str = ""
    next_step: str = ""
