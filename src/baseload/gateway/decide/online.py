"""The online cache planner of `levers.cache` behind the seam of `marks.Online`. Needs numpy: imported only where asked.

A position is the end of the tools, of a block of the system prompt, or of a message. The planner is told of blocks as
their caller spelled them, so a prefix that is spelled otherwise counts as another one.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec
from msgspec import Raw

from baseload.gateway.decide.facts import BYTES_PER_TOKEN, Facts
from baseload.gateway.decide.marks import Page, Spot, bytes_of, spot_of
from baseload.levers.cache import choices
from baseload.levers.cache.planner import Decision, LearntPlan, Planner
from baseload.levers.cache.planner import Facts as Asked
from baseload.levers.cache.trace import EndsWith, Stop
from baseload.levers.options import CacheMark, Ttl
from baseload.prices.book import PriceBook
from baseload.prices.rates import PriceKey
from baseload.values import band_of_prompt, day_of

_items = msgspec.json.Decoder(list[Raw]).decode
_STOPS: Final = {"tool_use": Stop.TOOL_USE, "end_turn": Stop.END_TURN}


class Ticket(NamedTuple):
    """What `answered` needs of a request."""

    asked: Asked
    decision: Decision


class OnlineMarks:
    """Marks by what was seen of the same conversations. Stateful, bounded, of one process."""

    def __init__(self, book: PriceBook, plan: LearntPlan | None = None) -> None:
        self._book = book
        self._planner = Planner(plan)

    def __repr__(self) -> str:
        return "OnlineMarks()"

    def marks(
        self, page: Page, facts: Facts, model: str, minimum_tokens: int
    ) -> tuple[tuple[tuple[Spot, Ttl], ...], Ticket | None]:
        """Where a request to `model` is marked, and what to hand to `answered` after its answer; None: not judged."""
        rates = self._rates(model, facts)
        if rates is None or not minimum_tokens:
            return (), None
        places = _places(page)
        asked = Asked(
            lane=(facts.who.api_key, facts.who.workspace, model, facts.session),
            prefix_ids=[place.prefix for place in places],
            ends=[place.end // BYTES_PER_TOKEN for place in places],
            prompt_tokens=facts.prompt_tokens,
            ends_with=EndsWith.TOOL_RESULT if facts.shape.open_loop else EndsWith.HUMAN,
            start_us=facts.now_us,
            rates=rates,
            minimum_tokens=minimum_tokens,
        )
        decision = self._planner.decide(asked)
        found = ((spot_of(page, places[mark.position].mark), mark.ttl) for mark in decision.marks)
        return tuple((spot, ttl) for spot, ttl in found if spot is not None), Ticket(asked, decision)

    def answered(self, ticket: object, begins_us: int, stop_reason: str, read_tokens: int) -> None:
        """The answer has ended: its entry can be read from `begins_us` on, and so much was read, as billed."""
        if not isinstance(ticket, Ticket):
            return
        stop = _STOPS.get(stop_reason, Stop.OTHER)
        self._planner.answered(ticket.asked, ticket.decision, begins_us, stop, read_tokens)

    def _rates(self, model: str, facts: Facts) -> choices.Rates | None:
        band = band_of_prompt(facts.prompt_tokens)
        key = PriceKey(model, "anthropic", "global", "standard", "standard", band)
        found = self._book.rates(key, day_of(facts.now_us))
        if found is None:
            return None
        rates = found.high
        each = (rates.uncached_input, rates.cache_read, rates.cache_write_5m, rates.cache_write_1h)
        return choices.Rates(*(float(rate) for rate in each))


class _Place(NamedTuple):
    """One position: the prefix up to it, its end in bytes of the prompt, and the mark that goes there."""

    prefix: int
    end: int
    mark: CacheMark


def _places(page: Page) -> list[_Place]:
    """The positions of a request that can carry a mark, in the order it is read."""
    found: list[_Place] = []
    tools, system = page.members.get("tools"), page.members.get("system")
    prefix, end = hash(bytes(tools) if tools is not None else b""), bytes_of(page, "tools")
    if page.tools.end:
        found.append(_Place(prefix, end, CacheMark(section="tools", after="last_tool", ttl="5m")))
    text = bytes(system) if system is not None else b""
    start = 0
    for number, stop in enumerate(page.system.ends):
        if stop:
            prefix, start = hash((prefix, text[start:stop])), stop
            found.append(_Place(prefix, end + stop, CacheMark(section="system", after=f"system:{number}", ttl="5m")))
    prefix, end = hash((prefix, text[start:])), end + len(text)
    for number, item in enumerate(_items(page.members["messages"])):
        data = bytes(item)
        prefix, end = hash((prefix, data)), end + len(data)
        found.append(_Place(prefix, end, CacheMark(section="messages", after=f"message:{number}", ttl="5m")))
    return found
