"""A model as judge, asked by the replay: its questions are reserved, journalled, batched and adopted like all others.

The pairs of a look are known only when its answers are here. So their questions are collected first, by letting the
judge compare without an answer; they are sent as one replay of their own; then the judge compares again and finds them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import Final

from baseload.errors import UsageError
from baseload.prices.book import PriceBook
from baseload.quality.graders.judge import Prompt, Reply
from baseload.quality.replay.plan import Item, Transport, prepare
from baseload.quality.replay.run import Replayed
from baseload.quality.trial.pairs import answer

MOST_TOKENS: Final = 4_096
"""Room to think: the last line is what counts."""
_TIE: Final = Reply(text='{"better": "tie"}')


class Replies:
    """Whom a judge asks: replies that were fetched before. Give it to the judge as its `ask`."""

    def __init__(self) -> None:
        self._known: dict[str, Reply] = {}
        self._asked: list[Prompt] | None = None

    def __call__(self, prompt: Prompt) -> Reply:
        """Raises LookupError where the question was not answered: that pair counts against the candidate."""
        if self._asked is not None:
            self._asked.append(prompt)
            return _TIE
        return self._known[name_of(prompt)]

    def questions(self, compare: Iterable[Callable[[], object]]) -> list[Prompt]:
        """What the judge would ask in these comparisons and has not asked yet, each once."""
        self._asked = []
        try:
            for one in compare:
                one()
            asked = self._asked
        finally:
            self._asked = None
        new = {name_of(prompt): prompt for prompt in asked}
        return [prompt for name, prompt in new.items() if name not in self._known]

    def learn(self, prompts: Iterable[Prompt], replayed: Iterable[Replayed]) -> None:
        """Take the replies; a question that failed stays without one."""
        by_name = {one.call: one for one in replayed}
        for prompt in prompts:
            found = by_name.get(name_of(prompt))
            if found is not None and not found.failed:
                self._known[name_of(prompt)] = Reply(text=answer(found).text, usd=found.usd)


def name_of(prompt: Prompt) -> str:
    """The question's own id."""
    return hashlib.sha256(f"{prompt.system}\0{prompt.user}".encode("utf-8", "surrogatepass")).hexdigest()[:32]


def items_of(prompts: Iterable[Prompt], model: str, book: PriceBook, transport: Transport) -> tuple[Item, ...]:
    """The questions as items of a replay. Raises UsageError where the judge's model takes none such."""
    return tuple(_item(prompt, model, book, transport) for prompt in prompts)


def _item(prompt: Prompt, model: str, book: PriceBook, transport: Transport) -> Item:
    body = {
        "model": model,
        "max_tokens": MOST_TOKENS,
        "system": prompt.system,
        "messages": [{"role": "user", "content": prompt.user}],
    }
    fitted = prepare(body, model, model, book.models, transport)
    if fitted.request is None:
        raise UsageError(f"judge {model[:60]}: {fitted.refusals[0].reason}; expected a model that can be called")
    return Item(call=name_of(prompt), arm="judge", params=fitted.request)
