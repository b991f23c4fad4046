"""Why one workload's cost moved between two months: one factor after the other, in one order (decisions/close-effects).

Every step changes one factor from last month's value to this month's and keeps those before it changed, so that the
steps add up to the whole difference whatever the factors are. Amounts are Decimals of 40 digits: the same on every
machine; `rounding` makes integers of them.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal, localcontext
from typing import Any, NamedTuple

from baseload.plan.close.cells import WorkloadMonth
from baseload.plan.close.mixture import ONE, ZERO, Mixture, Option, Path, Prefix, Shares, Tau
from baseload.plan.close.months import Owner

STEPS = (
    *("days", "volume", "prompt", "output", "model", "tokenizer", "cache", "batch", "options", "other", "price"),
    "discount",
)
"""The order of the factors. `retired` and `new` stand for all of them where a workload is in one month only."""

PROMPT, OUTPUT = (0, 1, 2, 3), (4,)
PRECISION = 40


class Rates(NamedTuple):
    """What a cost needs besides tokens. Prices are nano-dollars of one token.

    `price` is the list price of a path at last month's end, None where there is none. `moved` says whether the book has
    another price for it somewhere in these months. `listed` is the factor by which the *list* moved on a path where the
    customer's own prices hold, None elsewhere: the rest is then the contract's.
    """

    tau: Tau
    price: Callable[[Path], Decimal | None]
    moved: Callable[[Path], bool]
    listed: Callable[[Path], Decimal | None]
    paid: tuple[Mapping[Owner, Decimal], Mapping[Owner, Decimal]]  # billed over list price, before and after


class Pair(NamedTuple):
    """One workload in both months. `days` are days with data."""

    before: WorkloadMonth
    after: WorkloadMonth
    days: tuple[int, int]

    @property
    def months(self) -> tuple[WorkloadMonth, WorkloadMonth]:
        return self.before, self.after


def effects(pair: Pair, rates: Rates) -> dict[str, Decimal]:
    """Nano-dollars of every step for a workload of both months, as paid; they add up to its whole difference."""
    with localcontext() as context:
        context.prec = PRECISION
        return _Chain(pair, rates).effects()


def cost(month: WorkloadMonth, paid: Mapping[Owner, Decimal]) -> Decimal:
    """What a workload cost in a month, in nano-dollars as paid."""
    with localcontext() as context:
        context.prec = PRECISION
        return sum(((sum(cell.nano) + cell.other_nano) * paid.get(cell.owner, ONE) for cell in month.cells), ZERO)


def unit_of(pair: Pair) -> str:
    """What volume is counted in: "calls", "text" where a source does not count calls, "" where there is neither."""
    if pair.before.calls and pair.after.calls:
        return "calls"
    before, after = (any(sum(cell.tokens) for cell in month.cells) for month in (pair.before, pair.after))
    return "text" if before and after else ""


class _Chain:
    def __init__(self, pair: Pair, rates: Rates) -> None:
        self.pair, self.rates = pair, rates
        self.sides = [
            _Side(Mixture(pair.before.cells, classes, rates.tau), Mixture(pair.after.cells, classes, rates.tau), rates)
            for classes in (PROMPT, OUTPUT)
        ]

    def effects(self) -> dict[str, Decimal]:
        """Differences of neighbouring costs."""
        before, after = self.pair.before, self.pair.after
        totals = [cost(before, self.rates.paid[0]), *self._token_costs()]
        other = self._other()
        found = dict.fromkeys(STEPS, ZERO)
        growth = self._growth()
        if growth is None:
            found["other"] = self._paid_first(after) - totals[0]
            found["discount"] = cost(after, self.rates.paid[1]) - self._paid_first(after)
            return found
        names = ("days", "volume", "prompt", "output", "model", "tokenizer", "cache", "batch", "options", "price")
        totals[0] -= other[0]
        for name, (low, high) in zip(names, itertools.pairwise(totals), strict=True):
            found[name] = high - low
        found["days"] += other[1] - other[0]
        found["volume"] += other[2] - other[1]
        found["other"] = other[3] - other[2]
        found["discount"] = cost(after, self.rates.paid[1]) - totals[-1] - other[3]
        return found

    def _paid_first(self, month: WorkloadMonth) -> Decimal:
        """This month's list dollars at what was paid of a list dollar last month."""
        paid = self.rates.paid[0]
        return cost(month, {cell.owner: paid.get(cell.owner, ONE) for cell in month.cells})

    def _growth(self) -> tuple[Decimal, Decimal] | None:
        """Factors of days and of days with volume; None where nothing is counted in both months."""
        unit = unit_of(self.pair)
        if not unit:
            return None
        before, after = self.pair.days
        return Decimal(after) / before, self._volume(self.pair.after, 1) / self._volume(self.pair.before, 0)

    def _volume(self, month: WorkloadMonth, place: int) -> Decimal:
        if unit_of(self.pair) == "calls":
            return Decimal(month.calls or 0)
        texts = [side.months[place].text for side in self.sides]
        other = [side.months[1 - place].text for side in self.sides]
        return texts[0] if texts[0] and other[0] else texts[1] if texts[1] and other[1] else sum(texts, ZERO)

    def _token_costs(self) -> Iterator[Decimal]:
        """Cost of all tokens after each step from `days` to `price`, `other` left out."""
        growth = self._growth()
        if growth is None:
            return
        days, volume = growth
        prompt, output = self.sides
        for scale in (days, volume):
            yield prompt.first(scale) + output.first(scale)
        yield prompt.first(None) + output.first(volume)
        for step in range(_Side.STEPS):
            yield prompt.after(step) + output.after(step)

    def _other(self) -> tuple[Decimal, Decimal, Decimal, Decimal]:
        """Dollars of no token: before, with this month's days, with its volume, as they are now."""
        before = self._other_of(self.pair.before)
        days, volume = self._growth() or (ONE, ONE)
        return before, before * days, before * volume, self._other_of(self.pair.after)

    def _other_of(self, month: WorkloadMonth) -> Decimal:
        return sum((cell.other_nano * self.rates.paid[0].get(cell.owner, ONE) for cell in month.cells), ZERO)


class _Side:
    """Prompt or output of one workload. A side that one month does not have is spread as the other month spreads it."""

    STEPS = 7  # output (this month's text), model, tokenizer, cache, batch, options, price

    def __init__(self, before: Mixture, after: Mixture, rates: Rates) -> None:
        self.months = (before, after)
        self.rates = rates
        self._old = before if before.text else after
        self._new = after if after.text else before
        self._prices: dict[Path, Decimal | None] = {}
        self._costs: dict[tuple[int, ...], Decimal] = {}

    def first(self, scale: Decimal | None) -> Decimal:
        """Cost of last month's text times `scale` (None: of this month's text), spread and priced as last month."""
        text = self.months[1].text if scale is None else self.months[0].text * scale
        return text * self._cost_of_text(self._models(0), 0)

    def after(self, step: int) -> Decimal:
        """Cost of this month's text after a step: 0 text, 1 model, 2 tokenizer, 3 class, 4 batch, 5 option, 6 price."""
        if step >= 5:
            return self._as_used(at_new_prices=step == 6)
        return self.months[1].text * self._cost_of_text(self._models(min(step, 2)), step)

    def _models(self, step: int) -> dict[str, Decimal]:
        """Tokens by model of one token of text. At step 1 text that moved keeps the count of the models it left."""
        tau, old, new = self.rates.tau, self._old.models, self._new.models
        if step != 1:
            return {model: share * tau(model) for model, share in (new if step else old).items()}
        names = list(dict.fromkeys((*old, *new)))
        left = {name: max(old.get(name, ZERO) - new.get(name, ZERO), ZERO) for name in names}
        gone = sum(left.values(), ZERO)
        away = sum((left[name] * tau(name) for name in names), ZERO) / gone if gone else ONE
        found = {}
        for name in names:
            first, last = old.get(name, ZERO), new.get(name, ZERO)
            found[name] = min(first, last) * tau(name) + max(last - first, ZERO) * away
        return found

    def _cost_of_text(self, models: Mapping[str, Decimal], step: int) -> Decimal:
        """Nano-dollars of one token of text at last month's prices and ratios of payment."""
        key = (min(step, 2), *(int(step >= level) for level in (3, 4)))
        if key not in self._costs:
            self._costs[key] = sum(
                (tokens * self._cost_of_model(model, step) for model, tokens in models.items() if tokens), ZERO
            )
        return self._costs[key]

    def _cost_of_model(self, model: str, step: int) -> Decimal:
        total = ZERO
        for place, share in self._classes(model, step >= 3).items():
            for batch, part in self._batches(model, place, step >= 4).items():
                for option, rest in self._options(model, place, batch).items():
                    path = Path(model, place, batch, option)
                    price = self._price(path)
                    paid = self.rates.paid[0].get(option.owner, ONE)
                    total += share * part * rest * (ZERO if price is None else price) * paid
        return total

    # shares: last month's under the same prefix, else last month's of all models, else this month's

    def _classes(self, model: str, now: bool) -> Mapping[int, Decimal]:
        prefixes: Sequence[Prefix] = (("class", model), ("class", "*"))
        found = self._shares(prefixes, now, lambda place: self._sold(model, place, (False, True)))
        return {int(value): share for value, share in found.items()}

    def _batches(self, model: str, place: int, now: bool) -> Mapping[bool, Decimal]:
        prefixes: Sequence[Prefix] = (("batch", model, place), ("batch", "*", place), ("batch", "*", "*"))
        found = self._shares(prefixes, now, lambda batch: self._sold(model, place, (batch,)))
        return {bool(value): share for value, share in found.items()}

    def _options(self, model: str, place: int, batch: bool) -> Mapping[Option, Decimal]:
        prefixes = (("option", model, place, batch), ("option", "*", "*", batch), ("option", "*", "*", "*"))
        return self._shares(prefixes, False, lambda option: self._price(Path(model, place, batch, option)) is not None)

    def _shares(self, prefixes: Sequence[Prefix], now: bool, sold: Callable[[Any], bool]) -> Shares:
        if not now:
            for prefix in prefixes:
                found = self._old.given(prefix)
                if found and all(sold(value) for value in found):
                    return found
        return next((found for prefix in prefixes if (found := self._new.given(prefix))), {})

    def _sold(self, model: str, place: int, batches: Sequence[bool]) -> bool:
        """Whether a class has a price, in batch or not, under some option that the workload uses."""
        options = {path.option for month in (self._old, self._new) for path in month.tokens}
        return any(
            self._price(Path(model, place, batch, option)) is not None for option in options for batch in batches
        )

    # prices

    def _price(self, path: Path) -> Decimal | None:
        """Last month's price of a path: as it was charged, else the book's, else as it is charged now."""
        if path not in self._prices:
            charged = _charged(self.months[0], path)
            listed = self.rates.price(path) if charged is None else charged
            self._prices[path] = _charged(self.months[1], path) if listed is None else listed
        return self._prices[path]

    def _as_used(self, *, at_new_prices: bool) -> Decimal:
        """This month's tokens as they were used, at last month's ratio of payment and old or new list prices.

        A path whose price did not move is at what it was charged in either case: where a price band is known from
        dollars alone, its mix is an option and no price move. Where the customer's own prices hold, only the list's
        move is new; the contract's is part of the discount.
        """
        month, total = self.months[1], ZERO
        for path, nano in month.nano.items():
            amount = self._moved(path, nano, at_new_prices) if self.rates.moved(path) else Decimal(nano)
            total += amount * self.rates.paid[0].get(path.option.owner, ONE)
        return total

    def _moved(self, path: Path, nano: int, at_new_prices: bool) -> Decimal:
        price, factor = self._price(path), self.rates.listed(path)
        if price is None or (at_new_prices and factor is None):
            return Decimal(nano)
        return price * self.months[1].tokens[path] * (factor if at_new_prices and factor is not None else ONE)


def _charged(month: Mixture, path: Path) -> Decimal | None:
    tokens = month.tokens.get(path, 0)
    return Decimal(month.nano[path]) / tokens if tokens else None
