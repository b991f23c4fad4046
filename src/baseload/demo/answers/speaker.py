"""The demo company's models as they answer: recorded in its files, and live at the local upstream."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from statistics import NormalDist
from typing import Any, Final

from baseload.demo.answers.cases import KINDS, case_of, json_text
from baseload.demo.answers.chance import Chance
from baseload.demo.answers.skills import is_right, line_of
from baseload.demo.company import Service, Single, Spread
from baseload.demo.scripts import wording
from baseload.demo.simulate import THINK_BY_DEFAULT
from baseload.demo.upstream.answers import Answer, AnswerModel, text_answer

OUTPUT_RATIO: Final[Mapping[str, float]] = {"opus": 1.0, "fable": 1.1, "sonnet": 1.05, "haiku": 1.12}
"""Tokens of a line's answer to those of the flagship's."""
LEAST_ABRIDGED_CHARS: Final = 100
"""Below it a text holds more than its tokens stand for: a whole sentence."""
AGAIN: Final = "again"
"""The asking of a replay; the recorded ones are numbered."""
_NORMAL: Final = NormalDist()


def answer_text(service: str, model: str, number: int, *, seed: int, take: str) -> str:
    """What a model answers on one record at one asking: JSON, right or wrong by its skill."""
    kind, case = KINDS[service], case_of(service, number)
    parts = {
        part: value
        if is_right(service, model, number, part, seed=seed, take=take)
        else kind.spoiled(part, value, Chance("wrong", service, number, part))
        for part, value in case.truth.items()
    }
    return json_text(kind.said(parts))


def recorded_take(copy: int) -> str:
    """The asking that a company's own log holds; an identical repeat is another."""
    return f"recorded-{copy}"


def demo_answers(services: tuple[Service, ...], seed: int) -> AnswerModel:
    """The upstream's answer model: what any line answers on the records of the gradeable workloads; else None.

    Its tokens are those of the workload's own law, since the demo's texts are abridged.
    """
    known = [_Opening(service) for service in services if service.name in KINDS]

    def say(model: str, request: Mapping[str, Any], asked: str) -> Answer | None:
        del asked
        text = _last_user_text(request)
        for opening in known:
            number = opening.number_of(text)
            if number is not None and line_of(model):
                return _said(opening, model, number, text, seed)
        return None

    return say


class _Opening:
    """How a workload's records begin, and how many tokens they stand for."""

    def __init__(self, service: Service) -> None:
        if not isinstance(service.shape, Single):
            raise TypeError(f"{service.name}: only independent calls are gradeable here")
        self.service, self.shape = service.name, service.shape
        self._words = wording(service.name, service.shape.static)
        before, _, after = self._words.script.opening.partition("{id}")
        self._pattern = re.compile(re.escape(before) + r"(\d+)" + re.escape(after))

    def number_of(self, text: str) -> int | None:
        found = self._pattern.match(text)
        return int(found.group(1)) if found else None

    def prompt_tokens(self, text: str) -> int:
        """Fixed part and record; where records are too short to be abridged, each stands for the median one."""
        median = self.shape.variable[0]
        is_abridged = median * self._words.chars_per_token > LEAST_ABRIDGED_CHARS
        return self.shape.static + round(len(text) / self._words.chars_per_token if is_abridged else median)


def _said(opening: _Opening, model: str, number: int, text: str, seed: int) -> Answer:
    chance = Chance(seed, "tokens", opening.service, model, number)
    output = round(_drawn(opening.shape.output, chance) * OUTPUT_RATIO[line_of(model)])
    law = opening.shape.thinking if model.startswith(THINK_BY_DEFAULT) else None
    thinking = round(_drawn(law, chance)) if law else 0
    return text_answer(
        answer_text(opening.service, model, number, seed=seed, take=AGAIN),
        prompt_tokens=opening.prompt_tokens(text),
        output_tokens=max(output, 1) + thinking,
        thinking_tokens=thinking,
    )


def _drawn(law: Spread, chance: Chance) -> float:
    median, sigma = law
    return median * math.exp(sigma * _NORMAL.inv_cdf(max(chance.share(), 1e-9)))


def _last_user_text(request: Mapping[str, Any]) -> str:
    """The first text of the last message of the user's."""
    for message in reversed(request.get("messages") or ()):
        if isinstance(message, Mapping) and message.get("role") == "user":
            return next(_texts(message.get("content")), "")
    return ""


def _texts(content: Any) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    elif isinstance(content, list):
        for block in content:
            if isinstance(block, Mapping) and isinstance(block.get("text"), str):
                yield block["text"]
