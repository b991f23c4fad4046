"""A judge in the watching process, which holds no key: its questions go back to the gateway, and come again answered.

The questions and what is made of the replies are a trial's own (`quality.trial.judging`): both orders, blind.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Final

import msgspec

from baseload.errors import UsageError
from baseload.gateway.watching.messages import Difference, Question
from baseload.prices.book import PriceBook
from baseload.prices.load import load_book
from baseload.quality.graders.judge import Prompt, Reply
from baseload.quality.trial.judging import items_of, name_of

_TIE: Final = Reply(text='{"better": "tie"}')


class Said:
    """Whom a judge asks: replies by the names of their questions. What was not answered yet is noted in `missing`."""

    def __init__(self, replies: Mapping[str, str]) -> None:
        self.missing: dict[str, Prompt] = {}
        self._replies = replies

    def __repr__(self) -> str:
        return f"Said({len(self._replies)} replies)"

    def __call__(self, prompt: Prompt) -> Reply:
        name = name_of(prompt)
        if name not in self._replies:
            self.missing[name] = prompt
            return _TIE  # so that the judge goes on to its other question
        return Reply(text=self._replies[name])


def questions_of(missing: Mapping[str, Prompt], model: str) -> Difference:
    """What the judge's model is to be asked; without a `d`, since nothing is known before."""
    try:
        items = items_of(missing.values(), _book().resolve(model) or model, _book(), "batch")
    except UsageError:
        return Difference(reason="the judge's model cannot be asked")
    bodies = [msgspec.Raw(msgspec.json.encode(item.params)) for item in items]
    return Difference(
        questions=tuple(Question(name=name, body=body) for name, body in zip(missing, bodies, strict=True))
    )


@functools.cache
def _book() -> PriceBook:
    return load_book()


__all__ = ["Said", "questions_of"]
