"""What every request of one process shares: settings, policy, log, budgets, memory. Made and replaced by `runtime`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any, Final, Protocol

from baseload.gateway.calllog.cost import Pricing
from baseload.gateway.calllog.records import End, Start
from baseload.gateway.calllog.segment import CallLog
from baseload.gateway.config import GatewayConfig
from baseload.gateway.content import SHARE, ContentPass
from baseload.gateway.decide.facts import Facts
from baseload.gateway.decide.fit import Capabilities
from baseload.gateway.decide.marks import Online
from baseload.gateway.decide.memo import Memo
from baseload.gateway.decide.rules import Rules
from baseload.gateway.decide.state import RouteKey, RouteView, Sessions, State
from baseload.gateway.start import start_record
from baseload.gateway.state.budgets import Budgets, Hold
from baseload.gateway.state.keys import KeyView
from baseload.gateway.trip import Finished, Metering
from baseload.gateway.upstreams.port import Upstreams
from baseload.prices.book import PriceBook
from baseload.prices.rates import PriceKey
from baseload.values import band_of_prompt, day_of

_TOKENS_PER_PRICE: Final = 1_000_000
_ATTO_PER_USD: Final = 10**18
_ATTO_PER_NANO: Final = 10**9
_MOST_NAMES: Final = 4_096


class OnlinePlanner(Online, Protocol):
    """The online cache planner (`decide.online`), where a policy asks for it."""

    def answered(self, ticket: Any, begins_us: int, stop_reason: str, read_tokens: int) -> None:
        """What became of a request whose marks it planned."""


class Watcher(Protocol):
    """Who is told of every attempt that ended: signals, samples, metrics, spans. Quick, and must not raise."""

    def finished(self, attempt: Finished) -> None: ...

    def keeps(self, trip: Metering) -> bool:
        """Whether the answer of this request is wanted whole."""


class Core:
    """One process's view of everything. `replace_policy` swaps rules between two requests, never within one."""

    def __init__(
        self,
        *,
        config: GatewayConfig,
        book: PriceBook,
        memo: Memo,
        rules: Rules,
        log: CallLog,
        budgets: Budgets,
        upstreams: Upstreams,
        clock_us: Callable[[], int],
        clock_ns: Callable[[], int],
        zdr: bool = False,
    ) -> None:
        self.config = config
        self.book = book
        self.memo = memo
        self.rules = rules
        self.log = log
        self.budgets = budgets
        self.upstreams = upstreams
        self.clock_us = clock_us
        self.keys = KeyView()
        self.keys_defined = False  # any was ever made: revoking the last one opens nothing
        self.capped_keys: frozenset[str] = frozenset()  # names of virtual keys with a budget of their own
        self.sessions = Sessions()
        self.routes: dict[RouteKey, RouteView] = {}
        self.capabilities = Capabilities(book.models, zdr=zdr)
        share = SHARE if config.log.prefixes else 0.0
        self.content = ContentPass(memo.org_key, clock_ns, share, time.thread_time_ns)
        self.online: OnlinePlanner | None = None
        self.watchers: tuple[Watcher, ...] = ()
        self.unmetered = 0  # requests passed on to paths that may cost something and are no call
        self.faults = 0  # of watchers, which cost no caller anything
        self._pricing = Pricing(book)
        self._bounds: dict[tuple[str, str | None, int, bool], tuple[tuple[int, int], ...]] = {}
        self._names: dict[tuple[str, str], tuple[str, ...]] = {}
        self._names_of: tuple[object, object] = (None, None)
        self._trips = 0

    @property
    def observes(self) -> bool:
        """Nothing is changed, not even a header."""
        return self.config.policy.observe or not self.rules.policy_id

    @property
    def state(self) -> State:
        return State(self.routes, self.sessions)

    @property
    def asks_for_keys(self) -> bool:
        """Whether callers must present a virtual key."""
        wanted = self.config.virtual_keys
        return self.keys_defined or not self.config.listen.is_loopback if wanted is None else wanted

    def next_trip(self) -> str:
        """The name of a caller's request, shared by its attempts."""
        self._trips += 1
        return f"{self.log.replica_id}.{self._trips}"

    def soon(self, call: Callable[[], None]) -> None:
        asyncio.get_running_loop().call_soon(call)

    def start_of(self, trip: Metering, attempt: int, hold: Hold | None, name: str) -> Start:
        names = self.budget_names(trip.decision.workload, trip.facts.who.api_key) if hold is not None else ()
        return start_record(
            trip, seq=self.log.next_seq(), us=self.clock_us(), attempt=attempt, hold=hold, budgets=names, name=name
        )

    def cost_nano(self, start: Start, end: End) -> int | None:
        return self._pricing.cost_nano(start, end)

    def seen_nano(self, start: Start, end: End) -> int | None:
        """What the tokens seen cost, where the final usage never came: the least the attempt did."""
        return self._pricing.seen_nano(start, end)

    def most_nano_of(self, start: Start, end: End) -> int | None:
        """What an answer that broke off can have cost at most; None = no better known than what was held."""
        most = self._pricing.most_nano(start, end) if start.held_nano else None
        return None if most is None else min(most, start.held_nano)

    def budget_names(self, workload: str, key: str) -> tuple[str, ...]:
        """The budgets a call counts in, each once."""
        config, capped = self._names_of
        if config is not self.config or capped is not self.capped_keys or len(self._names) > _MOST_NAMES:
            self._names, self._names_of = {}, (self.config, self.capped_keys)
        names = self._names.get((workload, key))
        if names is None:
            names = self._names[workload, key] = self._budget_names(workload, key)
        return names

    def _budget_names(self, workload: str, key: str) -> tuple[str, ...]:
        found = [
            budget_name(one.workload, one.key)
            for one in self.config.budget
            if one.workload in ("", workload) and one.key in ("", key)
        ]
        if key in self.capped_keys:
            found.append(budget_name("", key))
        return tuple(dict.fromkeys(found)) if found else ()

    def most_nano(self, facts: Facts, model: str, body_bytes: int = 0, *, other: str | None = None) -> int:
        """What a call can cost at most, in nano-dollars: a token is a byte at least, and `max_tokens` are written.

        `other` is a model that may yet have to serve it. A model without a price is taken for the dearest there is, and
        a body that cannot be read for one long prompt. Without `max_tokens` nothing is written: the API takes no such
        request.
        """
        day = day_of(facts.now_us)
        named = (model, other, day, facts.fast)
        bounds = self._bounds.get(named)
        if bounds is None:
            if len(self._bounds) > 256:
                self._bounds.clear()
            found = {self._dearest(one, day, facts.fast) for one in (model, other) if one is not None}
            bounds = self._bounds[named] = tuple([one for one in found if not _is_below(one, found)])
        prompt, output = facts.prompt_bytes or body_bytes, facts.max_tokens or 0
        most = max([prompt * rates[0] + output * rates[1] for rates in bounds])
        return -(-most // _ATTO_PER_NANO)

    def _dearest(self, model: str, day: int, fast: bool) -> tuple[int, int]:
        """Attodollars (1e-18 USD) of a prompt token and an output token, at the dearest class and band."""
        known = self.book.resolve(model)
        keys = [
            PriceKey(one, "anthropic", geo, "standard", "fast" if fast else "standard", band_of_prompt(prompt))
            for one in ((known,) if known else self.book.models)
            for geo in ("global", "us")  # not every model is sold in both
            for prompt in (1, 999_999)
        ]
        found = [rates.high for key in keys if (rates := self.book.rates(key, day)) is not None]
        prompt = max((max(one.uncached_input, one.cache_write_5m, one.cache_write_1h) for one in found), default=None)
        output = max((one.output for one in found), default=None)
        return _atto_per_token(prompt or Decimal(0)), _atto_per_token(output or Decimal(0))

    def keeps(self, trip: Metering) -> bool:
        return bool(self.watchers) and any(self._keeps(watcher, trip) for watcher in self.watchers)

    def _keeps(self, watcher: Watcher, trip: Metering) -> bool:
        try:
            return watcher.keeps(trip)
        except Exception:  # noqa: BLE001 - as below
            self.faults += 1
            return False

    def finished(self, attempt: Finished) -> None:
        for watcher in self.watchers:
            try:
                watcher.finished(attempt)
            except Exception:  # noqa: BLE001 - whoever watches costs no caller anything
                self.faults += 1


def _is_below(one: tuple[int, int], others: Iterable[tuple[int, int]]) -> bool:
    """Whether another one costs no less for a prompt and no less for an output."""
    return any(other != one and other[0] >= one[0] and other[1] >= one[1] for other in others)


def _atto_per_token(usd_per_million: Decimal) -> int:
    """A whole number: rates end at 1e-9 USD a million tokens, or earlier."""
    return int(usd_per_million * _ATTO_PER_USD) // _TOKENS_PER_PRICE


def budget_name(workload: str, key: str) -> str:
    """The name a budget of the settings has in the state store."""
    return f"workload={workload};key={key}"
