"""What the two ways of sending share: the journal with its state, the money, the clock, and patience."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, TypeVar

import msgspec

from baseload.prices.book import PriceBook
from baseload.quality.replay.bounds import most_usd, spent_usd
from baseload.quality.replay.errors import ReplayError
from baseload.quality.replay.journal import Absent, Intent, Journal, Line, Outcome, Result
from baseload.quality.replay.plan import Item, ReplayPlan
from baseload.quality.replay.state import State
from baseload.quality.replay.transport import Refused, Unsure
from baseload.values import day_of

Answered = TypeVar("Answered")
Sleep = Callable[[float], Awaitable[None]]
FIRST_PAUSE_S: Final = 1.0
MOST_PAUSE_S: Final = 60.0
_SECOND_US: Final = 1_000_000


class Desk:
    """One replay's book-keeping. Everything it writes is on disk before it returns."""

    def __init__(
        self, plan: ReplayPlan, journal: Journal, book: PriceBook, clock: Callable[[], float], sleep: Sleep
    ) -> None:
        self.plan = plan
        self.state = State(journal.lines)
        self.clock = clock
        self.sleep = sleep
        self._journal = journal
        self._book = book
        self._bounds: dict[str, Decimal] = {}

    @property
    def day(self) -> int:
        return day_of(int(self.clock() * _SECOND_US))

    def write(self, *lines: Line) -> None:
        self._journal.append(*lines)
        for line in lines:
            self.state.see(line)

    def bound(self, item: Item) -> Decimal:
        """What the item can cost at most. Raises ReplayError where nothing bounds it."""
        found = self._bounds.get(item.key)
        if found is None:
            most = most_usd(item, self.plan, self._book, self.day)
            if most is None:
                raise ReplayError(
                    f"{item.key[:80]}: no bound on its cost ({item.model[:60]}); expected max_tokens and a model with "
                    "a price. Leave the call out as not replayable."
                )
            found = self._bounds[item.key] = most
        return found

    @property
    def left_usd(self) -> Decimal:
        return self.plan.cap_usd - self.state.spent_usd - self.state.reserved_usd

    def fits(self, items: Sequence[Item]) -> bool:
        return sum((self.bound(item) for item in items), Decimal(0)) <= self.left_usd

    def intend(self, items: Sequence[Item]) -> Intent:
        """Reserve the dollars and write down what is about to be sent. Raises ReplayError over the cap."""
        if not self.fits(items):
            raise ReplayError(f"the cap of ${self.plan.cap_usd} would be passed; expected {len(items)} items within it")
        intent = Intent(
            n=self.state.next_intent,
            transport=self.plan.transport,
            items=tuple(item.key for item in items),
            reserved_usd=sum((self.bound(item) for item in items), Decimal(0)),
            at=self.clock(),
        )
        self.write(intent)
        return intent

    def result(self, n: int, item: Item, message: Mapping[str, Any]) -> Result:
        """An answer with its price; one that cannot be priced counts with all that was reserved for it."""
        usd = spent_usd(message, self.plan, self._book, self.day)
        usage = message.get("usage")
        return Result(
            n=n,
            item=item.key,
            outcome="succeeded",
            usd=self.bound(item) if usd is None else usd,
            error="" if usd is not None else "unpriced",
            model=str(message.get("model", "")),
            usage=dict(usage) if isinstance(usage, Mapping) else {},
            body=self._journal.seal.seal(msgspec.json.encode(message)),
        )

    def failed(self, n: int, item: Item, outcome: Outcome, error: str, *, paid: bool = False) -> Result:
        """An item without an answer: a score of 0. `paid` = perhaps, so all that was reserved counts."""
        return Result(
            n=n, item=item.key, outcome=outcome, usd=self.bound(item) if paid else Decimal(0), error=error[:80]
        )

    def message_of(self, result: Result) -> Mapping[str, Any] | None:
        if not result.body:
            return None
        found: dict[str, Any] = msgspec.json.decode(self._journal.seal.open(result.body))
        return found

    def refuse(self, intent: Intent, why: Exception) -> None:
        self.write(Absent(n=intent.n, why=str(why)[:80]))

    async def patiently(self, ask: Callable[[], Awaitable[Answered]]) -> Answered:
        """Ask for something that may be asked twice without harm, as often as the plan allows. Raises ReplayError."""
        for attempt in range(self.plan.tries):
            try:
                return await ask()
            except Refused as error:
                if not error.is_busy and error.status < 500:
                    raise
                await self.sleep(pause_s(error, attempt))
            except Unsure:
                await self.sleep(pause_s(None, attempt))
        raise ReplayError(f"the API did not answer {self.plan.tries} times. Resume the replay later.")


def pause_s(error: Refused | None, attempt: int) -> float:
    """As long as the API says, else doubling from a second to a minute."""
    if error is not None and error.retry_after_s is not None:
        return error.retry_after_s
    return float(min(FIRST_PAUSE_S * 2**attempt, MOST_PAUSE_S))


def halted(error: Refused) -> ReplayError:
    return ReplayError(
        f"the API refused the replay: {error}. Put it right and resume; what was paid is in the journal."
    )
