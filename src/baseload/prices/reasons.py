"""The words for why something has no price, and for what a reader of a price must know."""

from __future__ import annotations

from baseload.prices.rules import Unpriced
from baseload.values import Problem

_ADD = "add it with `baseload prices add FILE`"

NEXT_STEPS = {
    "unknown-model": f"Map the name under [model_alias] in baseload.toml, or {_ADD}.",
    "no-price-known": f"If your contract or invoice states a price, {_ADD}.",
    "before-release": f"Check the record's date; if you were charged for early access, {_ADD}.",
    "not-on-platform": f"Check the platform the reader took; if it does sell the model, {_ADD}.",
    "no-such-speed": f"Check the record's speed; if it was charged, {_ADD}.",
    "no-such-tier": f"Check the record's service tier; if it was charged, {_ADD}.",
    "no-such-geo": f"Check the record's geography; if it was charged, {_ADD}.",
    "no-price-that-day": f"If you know what was charged that day, {_ADD}.",
    "prompt-too-long": "Check the token counts: the model refuses prompts of that length.",
    "unknown-band": "Report this: a reader gave a prompt band that does not exist.",
    "class-not-sold": "Check the token counts: the model or platform has no such charge.",
    "negative-tokens": "Check the source: a token count below zero cannot be priced.",
    "implausible-amount": "Check the source: one row would cost billions of dollars.",
}
"""Problem code -> what the user can do about it. The codes are stable."""

NOTES = {
    "after-retirement": "Used after its retirement on the Claude API (partner platforms retire later): last price.",
    "code-execution": "Code execution is billed by container hour, which no call states: it is in cost reports only.",
    "fast-ignored": "Fast mode was asked for after its removal: served and billed as standard.",
    "openrouter-list": "OpenRouter: Anthropic's list price is assumed; the reseller's own fees are not in it.",
    "overlay": "Priced at your negotiated price, not at list.",
    "parity-unchecked": "Google Cloud (Anthropic managed): parity with the Claude API is documented, not checked.",
    "priority-contract": "Priority Tier: shown at list value; the bill shows 0, the capacity being paid in advance.",
}
"""Note code of `RateRange.notes` -> the sentence a report shows beside the figure."""


def problem_of(why: Unpriced, *, source: str = "", file: str = "", row: int = 0, value: str = "") -> Problem:
    """The problem of one unpriced record, or of one unpriced price key (then `row` is 0)."""
    return Problem(
        source=source,
        file=file,
        row=row,
        code=why.code,
        message=why.message,
        value=value[:60],
        expected=why.expected,
        next_step=NEXT_STEPS.get(why.code, ""),
    )
