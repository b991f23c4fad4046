"""One part of a workload's calls, and what they cost on any model under any marks."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple, Protocol

import numpy as np

from baseload.levers.cache.chances import Bill, Chances, Floats, Marks, billed, chances
from baseload.levers.cache.price import ModelPrices
from baseload.levers.cache.prompts import Ints, Requests, Slot, Unit, has_positions, layout_of, prompt_at
from baseload.levers.cache.rules import Cache, Mark
from baseload.prices.book import PriceBook
from baseload.values import DAY_US

MOST_EXACT_CALLS = 2_000
"""So many calls, all known, are run through the rules one by one; more are billed all at once (a test compares)."""
_RESAMPLES = 200
_LEAST_SESSIONS = 20
NANO_PER_FEMTO = 1e-6


class Way(Protocol):
    """Marks, and whether the parts that change are moved behind the rest."""

    @property
    def marks(self) -> Marks: ...
    @property
    def moves(self) -> bool: ...


class Sums(NamedTuple):
    """Tokens by class as the model counts them, scaled by the sampling rate, and their cost in nano-dollars.

    `keep_alive` are reads that no call asked for: in the cost, not among the others.
    """

    uncached: float
    read: float
    write_5m: float
    write_1h: float
    cost: float
    keep_alive: float = 0.0


class Judge:
    """Bills the same calls again and again; what does not depend on the price is worked out once."""

    def __init__(self, requests: Requests, slots: Sequence[Slot], moved: Collection[Unit], book: PriceBook) -> None:
        self.requests = requests
        self.slots = tuple(slots)
        self.can_move = bool(moved)
        self._book = book
        self._layouts = [layout_of(requests, slots)]
        if moved:
            self._layouts.append(layout_of(requests, slots, moved))
        self._chances: dict[tuple[bool, bytes], Chances] = {}
        self._bills: dict[tuple[bool, bytes, Marks], Bill] = {}
        self._growth: dict[str, tuple[Floats, Floats]] = {}
        self._is_exact = (
            len(requests) <= MOST_EXACT_CALLS
            and not (requests.rate > 1).any()
            and all(has_positions(text) for text in requests.prefixes)
        )

    def sums(self, prices: ModelPrices, way: Way) -> Sums:
        """The calls on a model under some marks."""
        return self._summed(prices, self.bill(prices, way))

    def _summed(self, prices: ModelPrices, bill: Bill) -> Sums:
        weights = self.requests.rate * self._tokenizer(prices.model)[1]
        uncached, read, write_5m, write_1h = (float((column * weights).sum()) for column in bill)
        cost = float((self.costs(prices, bill) * self.requests.rate).sum())
        return Sums(uncached, read, write_5m, write_1h, cost)

    def growth(self, model: str) -> float:
        """Tokens the model likely makes of one of today's, over all the calls."""
        prompt = self.requests.prompt_tokens
        return float((prompt * self._tokenizer(model)[1]).sum() / max(int(prompt.sum()), 1))

    def as_billed(self, prices: ModelPrices) -> Sums:
        """The calls on a model with the tokens by class they were billed with."""
        uncached, read, write_5m, write_1h = self.requests.billed.astype(np.float64).T
        return self._summed(prices, Bill(uncached, read, write_5m, write_1h))

    def bill(self, prices: ModelPrices, way: Way) -> Bill:
        """Tokens of each call by class, as today's model counts them."""
        given, mask = self._chances_of(prices, moves=way.moves)
        key = (way.moves, mask, way.marks)
        if key not in self._bills:
            exact = self._is_exact and bool(way.marks)
            self._bills[key] = self._served(given, way) if exact else billed(given, way.marks)
        return self._bills[key]

    def costs(self, prices: ModelPrices, bill: Bill) -> Floats:
        """Nano-dollars of each call's prompt, unscaled."""
        _, growth = self._tokenizer(prices.model)
        prompt = self.requests.prompt_tokens * growth
        band = np.searchsorted(np.array(prices.edges, dtype=np.float64), prompt, side="left")
        table = np.array([[row.uncached, row.read, row.write_5m, row.write_1h] for row in prices.bands], dtype=float)
        total: Floats = np.zeros(len(prompt))
        for column, tokens in enumerate(bill):
            total += tokens * growth * table[band, column]
        return total * NANO_PER_FEMTO

    def spread(self, prices: ModelPrices, way: Way, seed: int) -> float:
        """Half the width of a 95 % interval of the cost per prompt token, over it: sessions or days resampled."""
        if not way.marks or not len(self.requests):
            return 0.0
        costs = self.costs(prices, self.bill(prices, way)) * self.requests.rate
        tokens = self.requests.prompt_tokens * self._tokenizer(prices.model)[1] * self.requests.rate
        unit = _units(self.requests)
        cost, prompt = np.bincount(unit, costs), np.bincount(unit, tokens)
        draws = np.random.default_rng(seed).integers(len(cost), size=(_RESAMPLES, len(cost)))
        ratios = cost[draws].sum(axis=1) / np.maximum(prompt[draws].sum(axis=1), 1)
        low, high = np.quantile(ratios, [0.025, 0.975])
        return float((high - low) / 2 / max(cost.sum() / max(prompt.sum(), 1), 1e-12))

    def _chances_of(self, prices: ModelPrices, *, moves: bool) -> tuple[Chances, bytes]:
        """The chances on a model, and what tells which of its marks do anything: models alike in that share them."""
        layout = self._layouts[moves]
        usable = self._usable(prices)
        reaches = np.concatenate((layout.ends, layout.last_ends[:, -1:]), axis=1) >= usable[:, None]
        mask = np.packbits(reaches).tobytes()
        if (moves, mask) not in self._chances:
            self._chances[moves, mask] = chances(self.requests, layout, usable)
        return self._chances[moves, mask], mask

    def _usable(self, prices: ModelPrices) -> Ints:
        """The shortest prefix of each call the model would cache, in tokens of today's model; the cautious end."""
        low, _ = self._tokenizer(prices.model)
        usable: Ints = np.ceil(prices.minimum_tokens / low).astype(np.int64)
        return usable

    def _tokenizer(self, model: str) -> tuple[Floats, Floats]:
        """(least, likely) tokens the model makes of one of each call's."""
        found = self._growth.get(model)
        if found is None:
            by_model = [self._ratio(today, model) for today in self.requests.models]
            table = np.array(by_model or [(1.0, 1.0)])[self.requests.model]
            found = self._growth[model] = table[:, 0], table[:, 1]
        return found

    def _ratio(self, today: str, model: str) -> tuple[float, float]:
        if today not in self._book.models:
            return 1.0, 1.0
        ratio = self._book.tokenizer_ratio(today, model)
        return float(ratio.low), float(ratio.typical)

    def _served(self, given: Chances, way: Way) -> Bill:
        """Every call through the rules themselves, in order."""
        caches: dict[int, Cache] = {}
        layout, requests = self._layouts[way.moves], self.requests
        scopes, starts, begins = requests.scope.tolist(), requests.start_us.tolist(), requests.begins_us.tolist()
        marked = [slot for slot, _ in way.marks]
        ttls = dict(way.marks)
        rows = []
        for call in range(len(requests)):
            prompt, places = prompt_at(layout, requests, call, marked)
            marks: dict[int, Mark] = {}
            for slot, position in places.items():
                if given.writes[call, given.slots.index(slot)] and position not in marks:
                    marks[position] = Mark(position, ttls[slot])
            cache = caches.setdefault(scopes[call], Cache())
            served = cache.serve(prompt, list(marks.values()), starts[call], begins[call])
            rows.append((served.uncached_tokens, served.read_tokens, served.write_5m_tokens, served.write_1h_tokens))
        return Bill(*np.array(rows, dtype=np.float64).reshape(-1, 4).T)


def _units(requests: Requests) -> Ints:
    """What is resampled together: sessions where there are enough, else days, else single calls."""
    _, sessions = np.unique(requests.lane, return_inverse=True)
    if requests.has_session.all() and sessions.max() + 1 >= _LEAST_SESSIONS:
        return np.asarray(sessions, dtype=np.int64)
    _, days = np.unique(requests.start_us // DAY_US, return_inverse=True)
    return np.asarray(days if days.max() > 0 else np.arange(len(requests)), dtype=np.int64)
