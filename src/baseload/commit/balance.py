"""The balance of a contract: layers of dollars that usage draws down, each until its own month.

Promotional credits are drawn first, then rolled dollars and new ones in the order of the contract, the earliest expiry
first among rolled ones. Every dollar that enters a layer leaves it as a draw, an expiry, a transfer or a reduction:
nothing else changes an amount.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

import numpy as np

from baseload.commit.arrays import Array

Kind = Literal["credit", "rolled", "new"]
FOREVER: Final = 10_000
"""A month after every horizon."""
_ORDERS: Final[dict[str, tuple[Kind, ...]]] = {
    "rolled_first": ("credit", "rolled", "new"),
    "new_first": ("credit", "new", "rolled"),
}


class Layer:
    """Dollars of one kind; `expires` is the first month in which they can no longer be drawn."""

    __slots__ = ("amount", "expires", "kind")

    def __init__(self, kind: Kind, amount: Array, expires: int) -> None:
        self.kind = kind
        self.amount = amount
        self.expires = expires


class Drawn(NamedTuple):
    """One month's draws by kind; `excess` is the usage that found no balance."""

    credit: Array
    rolled: Array
    new: Array
    excess: Array


class Balance:
    """The layers of one contract on many paths, in units of the contract's basis."""

    def __init__(self, order: str, paths: int) -> None:
        self._order = _ORDERS[order]
        self._zero: Array = np.zeros(paths)
        self._layers: list[Layer] = []
        self._new: Layer | None = None

    def open_period(self, amount: Array, until: int) -> None:
        """Grant a period's commitment; the one before must have been settled."""
        self._new = Layer("new", self._zero + amount, until)
        self._place(self._new)

    def add(self, kind: Kind, amount: Array, expires: int) -> None:
        """Put rolled dollars or credits in."""
        self._place(Layer(kind, self._zero + amount, expires))

    def _place(self, layer: Layer) -> None:
        self._layers.append(layer)
        self._layers.sort(key=lambda one: (self._order.index(one.kind), one.expires))

    @property
    def new(self) -> Array:
        """What is left of the period's own commitment."""
        return self._new.amount if self._new else self._zero

    def change_new(self, change: Array) -> None:
        """Raise or lower the period's own commitment by what the schedule changed."""
        if self._new:
            self._new.amount = self._new.amount + change

    def take_new(self) -> Array:
        """Close the period: what is left of its own commitment leaves the balance."""
        left = self.new
        if self._new:
            self._layers.remove(self._new)
        self._new = None
        return left

    def total(self, *kinds: Kind) -> Array:
        """Dollars of these kinds."""
        return sum((layer.amount for layer in self._layers if layer.kind in kinds), self._zero)

    def draw(self, usage: Array) -> Drawn:
        """Usage against the layers in their order."""
        drawn: dict[Kind, Array] = {"credit": self._zero, "rolled": self._zero, "new": self._zero}
        for layer in self._layers:
            part = np.minimum(usage, layer.amount)
            layer.amount = layer.amount - part
            usage = usage - part
            drawn[layer.kind] = drawn[layer.kind] + part
        return Drawn(drawn["credit"], drawn["rolled"], drawn["new"], usage)

    def expire(self, month: int, *, also: Kind | None = None) -> dict[Kind, Array]:
        """Remove what can no longer be drawn from `month` on (and everything of kind `also`), and say how much."""
        gone: dict[Kind, Array] = {"credit": self._zero, "rolled": self._zero, "new": self._zero}
        kept = []
        for layer in self._layers:
            if layer.kind != "new" and (layer.expires <= month or layer.kind == also):
                gone[layer.kind] = gone[layer.kind] + layer.amount
            else:
                kept.append(layer)
        self._layers = kept
        return gone
