"""What a cell of the capability table means: the one reading of it that levers, rewrites and the local upstream share.

A cell says what the API answers to a request that uses a feature (`data/capabilities.yaml`). Models older than the
table have no cells: nothing is claimed about them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from baseload.prices.book import Model

LEVELS: Final = ("low", "medium", "high", "xhigh", "max")
"""Efforts from least to most (anthropic-facts 5.2)."""

_UP_TO_HIGH: Final = "up to effort high"
_THINKING_OFF: Final = ("thinking_disabled", "thinking_between_tools")


def cell(model: Model, feature: str) -> str:
    """What the model does with a feature; "ok" where the table does not say."""
    return model.capabilities.get(feature, "ok")


def refuses(text: str) -> bool:
    """Whether a cell says that the API refuses the feature or does not offer it."""
    return text.lower().startswith(("400", "err", "no", "none"))


def takes(model: Model, feature: str) -> bool:
    return not refuses(cell(model, feature))


def thinks_by_default(model: Model) -> bool:
    """Whether a request that does not mention thinking thinks."""
    return model.capabilities.get("thinking_omitted", "off").lower() == "on"


def can_stop_thinking(model: Model) -> bool:
    return takes(model, "thinking_disabled")


def legal_efforts(model: Model, features: Iterable[str] = ()) -> tuple[str, ...]:
    """Efforts `model` takes beside the features in use, least first; () where it takes none (anthropic-facts 5.4)."""
    text = model.capabilities.get("effort", "400")
    if refuses(text):
        return ()
    levels = LEVELS if text.startswith("all") else LEVELS[:3]
    if "max" in text.split("(")[0] and "max" not in levels:
        levels = (*levels, "max")
    limited = any(_UP_TO_HIGH in model.capabilities.get(name, "") for name in features if name in _THINKING_OFF)
    return tuple(level for level in levels if not limited or LEVELS.index(level) <= LEVELS.index("high"))


def default_effort(model: Model) -> str:
    """The effort a request has that asks for none; "" where the model knows no effort."""
    named = model.capabilities.get("default_effort", "")
    return named if named in LEVELS else ""


def most_media(model: Model) -> int:
    """Images and PDF pages one request may hold; 0 where not known."""
    text = model.capabilities.get("images_pdf", "0")
    return int(text) if text.isdigit() else 0
