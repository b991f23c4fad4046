"""Which colour each model and lever has, by name; the style sheet says what the name looks like.

A model's hue is its line, its shade the order of spend inside the line, so that "dear" and "cheap" read at a glance
and a new release does not repaint the report. Colour is never the only carrier: every mark has text beside it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

LINES = {"fable": "fable", "mythos": "fable", "opus": "opus", "sonnet": "sonnet", "haiku": "haiku"}
SHADES = 6
OTHER = "other"

LEVER_TONES = {
    "surcharge": "free",
    "repeat": "free",
    "retirement": "free",
    "cache": "same",
    "batch": "same",
    "route": "test",
    "fix": "free",
    "effort": "test",
}
"""Lever -> tone: free of any quality question, the same model, or a test needed."""


def model_slots(models: Sequence[str]) -> dict[str, str]:
    """Model id -> colour slot ("opus-0"), for models in order of spend; a seventh of one line shares the last shade.

    >>> model_slots(["claude-opus-5-5", "claude-haiku-5-5", "claude-opus-5", "gpt-x"])
    {'claude-opus-5-5': 'opus-0', 'claude-haiku-5-5': 'haiku-0', 'claude-opus-5': 'opus-1', 'gpt-x': 'other-0'}
    """
    seen: Counter[str] = Counter()
    slots = {}
    for model in models:
        line = next((line for word, line in LINES.items() if word in model), OTHER)
        slots[model] = f"{line}-{min(seen[line], SHADES - 1)}"
        seen[line] += 1
    return slots


def fill(slots: Mapping[str, str], model: str) -> str:
    """The model's colour as the style sheet's variable."""
    return f"var(--m-{slots.get(model, f'{OTHER}-0')})"


def ink_on(slots: Mapping[str, str], model: str) -> str:
    """The colour of text on the model's colour."""
    return f"var(--on-{slots.get(model, f'{OTHER}-0')})"


def tone(lever: str) -> str:
    """The lever's tone; one this page does not know is drawn as if it needed a test."""
    return LEVER_TONES.get(lever, "test")
