"""What a request needs changed before another model takes it, and what no change can help (anthropic-facts 5.4).

The capability table of the price book says which; this says it for one workload and one candidate.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Final

from baseload.levers.options import Rewrite
from baseload.levers.route.factors import thinks_today
from baseload.levers.routing import IN_WORDS, feature_conflicts
from baseload.prices.book import Model, PriceBook
from baseload.prices.capabilities import can_stop_thinking, most_media, refuses, thinks_by_default

WORDS: Final[Mapping[str, str]] = {**IN_WORDS, "zdr": "the organisation keeps no data (zero data retention)"}
"""What a feature that forbids a swap means to a reader."""


def in_words(features: Iterable[str]) -> tuple[str, ...]:
    return tuple(WORDS.get(name, name) for name in features)


def forbidden(features: Collection[str], candidate: Model, book: PriceBook, *, zdr: bool) -> tuple[str, ...]:
    """Names of what the candidate refuses and no rewrite removes.

    `zdr` says that the organisation has zero data retention, which Fable and Mythos refuse.
    """
    asked = {*features, "zdr"} if zdr else set(features)
    return feature_conflicts(sorted(asked), candidate, book)


def rewrites(
    features: Collection[str], currents: Collection[Model], candidate: Model, book: PriceBook, *, max_tokens: int = 0
) -> tuple[Rewrite, ...]:
    """Changes the candidate needs, sorted by feature; () where the request can go as it is.

    `currents` are the models the calls run on; `max_tokens` is the largest asked for, 0 where not known.
    """
    found = [*_refused(features, candidate, book), *_other_versions(features, currents, candidate)]
    found += _thinking(features, currents, candidate)
    ceiling = candidate.max_output_tokens
    if ceiling and max_tokens > ceiling:
        found.append(Rewrite(feature="max_tokens_ceiling", action=f"lower max_tokens to {ceiling}"))
    return tuple(sorted(set(found), key=lambda one: (one.feature, one.action)))


def conditions(features: Collection[str], currents: Collection[Model], candidate: Model) -> tuple[str, ...]:
    """What the candidate takes only on a condition that the models of today do not make: to be looked at."""
    found = []
    for name in sorted(features):
        cell = candidate.capabilities.get(name, "ok")
        known = {current.capabilities.get(name, "ok") for current in currents}
        if cell.startswith("ok ") and cell not in known:
            found.append(f"{name}: {cell.removeprefix('ok ').strip('()')}")
    return tuple(found)


def _refused(features: Collection[str], candidate: Model, book: PriceBook) -> list[Rewrite]:
    return [
        Rewrite(feature=name, action=book.features[name].rewrite)
        for name in features
        if name in book.features and book.features[name].rewrite and refuses(candidate.capabilities.get(name, "ok"))
    ]


def _other_versions(features: Collection[str], currents: Collection[Model], candidate: Model) -> list[Rewrite]:
    """Features every model takes, but in another form: nothing is refused by name, and the request still breaks."""
    found = []
    tool = candidate.capabilities.get("computer_tool", "")
    if "computer_tool" in features and tool and any(one.capabilities.get("computer_tool") != tool for one in currents):
        found.append(
            Rewrite(feature="computer_tool", action=f"replace the computer tool by {tool}; its handler changes with it")
        )
    most, today = most_media(candidate), max((most_media(one) for one in currents), default=0)
    if "images_pdf" in features and 0 < most < today:
        found.append(Rewrite(feature="images_pdf", action=f"split requests of more than {most} images or PDF pages"))
    return found


def _thinking(features: Collection[str], currents: Collection[Model], candidate: Model) -> list[Rewrite]:
    """Thinking is on unless turned off on newer models: off where today's calls do not think, else paid for."""
    if not thinks_by_default(candidate) or any(thinks_today(current, features) for current in currents):
        return []
    if "thinking_disabled" in features and can_stop_thinking(candidate):
        return []  # the request says so already
    if can_stop_thinking(candidate):
        return [Rewrite(feature="thinking_omitted", action="set thinking disabled")]
    return [
        Rewrite(feature="max_tokens", action="raise max_tokens: thinking cannot be turned off and counts toward it")
    ]
