"""How a workload's tokens of one month spread over models, token classes, batch and options: shares that multiply.

    tokens(model, class, batch, option) = text x share of the model x tokenizer of the model
                                          x share of the class within the model
                                          x share of batch within model and class
                                          x share of the option within all of these

Text is tokens counted as the older tokenizer would: what the workload sent, whoever read it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from baseload.plan.close.cells import Cell
from baseload.plan.close.months import Owner

ZERO, ONE = Decimal(0), Decimal(1)

Tau = Callable[[str], Decimal]
"""Tokens a model makes of text that is one token of the older tokenizer."""


class Option(NamedTuple):
    """What else decides a price. `tier` is "" of batch, which is its own step."""

    owner: Owner
    platform: str
    geo: str
    tier: str
    speed: str
    band: str


class Path(NamedTuple):
    """One priced combination: a token class of a model, in batch or not, under an option."""

    model: str
    token_class: int  # place in TOKEN_CLASSES
    batch: bool
    option: Option


Prefix = tuple[object, ...]
Shares = Mapping[Any, Decimal]


def path_of(cell: Cell, token_class: int) -> Path:
    batch = cell.tier == "batch"
    tier = "" if batch else cell.tier
    option = Option(cell.owner, cell.platform, cell.geo, tier, cell.speed, cell.band)
    return Path(cell.model, token_class, batch, option)


class Mixture:
    """One side (prompt or output) of one workload in one month. Empty where it has no token."""

    def __init__(self, cells: Iterable[Cell], classes: Iterable[int], tau: Tau) -> None:
        wanted = tuple(classes)
        self.tokens: dict[Path, int] = {}
        self.nano: dict[Path, int] = {}
        for cell in cells:
            for place in wanted:
                if cell.tokens[place] or cell.nano[place]:
                    path = path_of(cell, place)
                    self.tokens[path] = self.tokens.get(path, 0) + cell.tokens[place]
                    self.nano[path] = self.nano.get(path, 0) + cell.nano[place]
        texts = self._texts(tau)
        self.text = sum(texts.values(), ZERO)
        self.models = {model: text / self.text for model, text in texts.items()} if self.text else {}
        self._given: dict[Prefix, dict[Any, int]] = {}
        for path, count in self.tokens.items():
            for prefix, value in _views(path):
                self._given.setdefault(prefix, {})
                self._given[prefix][value] = self._given[prefix].get(value, 0) + count

    def _texts(self, tau: Tau) -> dict[str, Decimal]:
        found: dict[str, Decimal] = {}
        for path, count in self.tokens.items():
            found[path.model] = found.get(path.model, ZERO) + Decimal(count) / tau(path.model)
        return {model: text for model, text in found.items() if text}

    def given(self, prefix: Prefix) -> Shares:
        """The shares of the next level under a prefix; empty where the month has nothing there."""
        counts = self._given.get(prefix, {})
        total = sum(counts.values())
        return {value: Decimal(count) / total for value, count in counts.items() if count} if total else {}


def _views(path: Path) -> tuple[tuple[Prefix, Any], ...]:
    """Under which prefixes a path's tokens count, and as what. "*" stands for every model."""
    return (
        (("class", path.model), path.token_class),
        (("class", "*"), path.token_class),
        (("batch", path.model, path.token_class), path.batch),
        (("batch", "*", path.token_class), path.batch),
        (("batch", "*", "*"), path.batch),
        (("option", path.model, path.token_class, path.batch), path.option),
        (("option", "*", "*", path.batch), path.option),
        (("option", "*", "*", "*"), path.option),
    )
