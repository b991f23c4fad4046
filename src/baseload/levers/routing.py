"""What a cheaper model would have cost: the same tokens at another price, as a range, quality not tested.

Four things make the range wide, and each is stated (anthropic-facts sections 0, 1.5 and 5.4):

- two tokenizers: the same text is 1.0 to 1.35 times as many tokens on the newer one;
- another model answers at another length;
- thinking is on by default on newer models and bills as output;
- the minimum cacheable prefix differs per model, so cached tokens may turn into plain input.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from baseload.levers.position import Position, by_workload, cost_nano, cost_today
from baseload.prices.book import Model, PriceBook
from baseload.prices.capabilities import can_stop_thinking, takes
from baseload.values import Opportunity, Tokens, Workload, day_of_date

TOKENIZER_GROWTH = (Decimal("1.0"), Decimal("1.35"))
"""Same text, older to newer tokenizer, low and high (anthropic-facts 0.3)."""

WORDINESS = Decimal("1.25")
"""High end of output growth because another model answers at another length. An assumption: measure before moving."""

THINKING_GROWTH = Decimal("2.0")
"""The same where thinking turns on and cannot be turned off; takes the place of `WORDINESS`. An assumption too."""

IN_WORDS: Mapping[str, str] = {
    "prefill": "answers are prefilled",
    "forced_tool": "a tool choice is forced",
    "prompt_over_200k": "prompts exceed 200,000 tokens",
    "inference_geo": "inference is pinned to a geography",
    "system_in_messages": "system messages stand inside the conversation",
    "computer_tool": "the computer tool is used",
    "programmatic_tools": "tools are called programmatically",
    "compaction": "server compaction is used",
    "structured_outputs": "an output format is enforced",
    "server_tools": "server tools are used",
}
"""What a feature that forbids a swap means to a reader; one that is not here is named as it is."""

RETIREMENT_HORIZON_DAYS = 180
"""A model with an announced retirement inside this horizon is no place to move to, and spend on it must move."""

_LINES = ("haiku", "sonnet", "opus", "fable", "mythos")


def route_opportunities(
    positions: Iterable[Position], workloads: Mapping[str, Workload], book: PriceBook, day: int
) -> list[Opportunity]:
    """For every workload, each callable model that could be cheaper and stays, best upper bound first."""
    found: list[Opportunity] = []
    candidates = [model for model in book.candidates(day) if not retires_by(model, day + RETIREMENT_HORIZON_DAYS)]
    for workload, members in by_workload(positions).items():
        features = workloads[workload].request_features
        options = [_opportunity(workload, members, model, features, book, day) for model in candidates]
        found += sorted((option for option in options if option is not None), key=lambda o: (-o.high_nano, o.candidate))
    return found


def successor(model: Model, book: PriceBook, day: int) -> Model | None:
    """The newest callable model of the same line, or None when `model` is already it."""
    line = [other for other in book.candidates(day) if other.line == model.line and other.released >= model.released]
    newest = max(line, key=lambda other: other.released, default=None)
    return None if newest is None or newest.id == model.id else newest


def retires_by(model: Model, day: int) -> bool:
    """Whether a retirement on or before `day` is announced; "not before" dates are not announcements."""
    return bool(model.retires) and day_of_date(dt.date.fromisoformat(model.retires)) <= day


def feature_conflicts(features: Sequence[str], model: Model, book: PriceBook) -> tuple[str, ...]:
    """The request features in use that `model` refuses and that no rewrite removes (anthropic-facts section 5.4)."""
    return tuple(
        sorted(
            name
            for name in features
            if name in book.features and not book.features[name].rewrite and not takes(model, name)
        )
    )


def _opportunity(
    workload: str, members: Sequence[Position], model: Model, features: Sequence[str], book: PriceBook, day: int
) -> Opportunity | None:
    current = [position for position in members if position.key.model in book.models]
    moving = [position for position in current if _is_move(position, model, book)]
    if not moving:
        return None
    swaps = [swap_cost(position, model, book, day) for position in moving]
    if any(swap is None for swap in swaps):
        return None  # not sold where this workload runs
    today = [cost_today(position, book, day) for position in moving]
    low = sum(cost[0] for cost in today) - sum(swap[1] for swap in swaps if swap)
    high = sum(cost[1] for cost in today) - sum(swap[0] for swap in swaps if swap)
    if high <= 0:
        return None
    conflicts = feature_conflicts(features, model, book)
    return Opportunity(
        workload=workload,
        lever="route",
        candidate=model.id,
        low_nano=0 if conflicts else low,
        high_nano=0 if conflicts else high,
        grade="assumed",
        assumption=_assumption(moving, model, book, conflicts),
        excluded_by=conflicts,
    )


def _is_move(position: Position, model: Model, book: PriceBook) -> bool:
    """Only downwards or sideways in line: a dearer line is never a saving and the same model is no move."""
    current = book.models[position.key.model]
    return current.id != model.id and tier_of(model) <= tier_of(current)


def tier_of(model: Model) -> int:
    """The place of a model's line, cheapest line first."""
    return _LINES.index(model.line) if model.line in _LINES else len(_LINES)


def swap_cost(position: Position, model: Model, book: PriceBook, day: int) -> tuple[int, int] | None:
    """(low, high) nano-dollars of a position's text on another model; None where that model is not sold there."""
    current = book.models[position.key.model]
    growth = tokenizer_growth(current, model)
    wordiness = THINKING_GROWTH if _thinking_turns_on(current, model) else WORDINESS
    low_rates = book.rates(position.key._replace(model=model.id, speed="standard"), day)
    high_band = _band_after(position, growth[1])
    high_rates = book.rates(position.key._replace(model=model.id, speed="standard", band=high_band), day)
    if low_rates is None or high_rates is None:
        return None
    low_tokens = _grown(position.tokens, growth[0], Decimal(1))
    high_tokens = _grown(position.tokens, growth[1], wordiness)
    if _loses_cache(position, model):
        high_tokens = _uncached(high_tokens)
    low, high = cost_nano(low_tokens, low_rates.low), cost_nano(high_tokens, high_rates.high)
    return min(low, high), max(low, high)


def tokenizer_growth(current: Model, candidate: Model) -> tuple[Decimal, Decimal]:
    """(low, high) factor on every token count when the same text goes to `candidate`; (1, 1) within a family."""
    if current.tokenizer == candidate.tokenizer:
        return Decimal(1), Decimal(1)
    low, high = TOKENIZER_GROWTH
    return (low, high) if candidate.tokenizer == "new" else (1 / high, 1 / low)


def _thinking_turns_on(current: Model, candidate: Model) -> bool:
    """Thinking is on by default there, was not before, and cannot be turned off."""
    forced = not can_stop_thinking(candidate)
    return forced and _thinks_by_default(candidate) and not _thinks_by_default(current)


def _thinks_by_default(model: Model) -> bool:
    return model.capabilities.get("thinking_omitted", "off").lower() == "on"


def _band_after(position: Position, growth: Decimal) -> str:
    """The dearest band the average prompt could land in once its tokens have grown."""
    band = position.key.band
    if not position.requests or growth <= 1:
        return band
    prompt = position.tokens.prompt_tokens / position.requests * float(growth)
    if band == "0-100k" and prompt > 100_000:
        return "100k-200k"
    return "200k+" if band == "100k-200k" and prompt > 200_000 else band


def _loses_cache(position: Position, model: Model) -> bool:
    """True when the average cached prefix is below the candidate's minimum (anthropic-facts section 3)."""
    cached = position.tokens.prompt_tokens - position.tokens.uncached_input_tokens
    if not position.requests or cached == 0:
        return False
    return cached / position.requests < model.min_cacheable_tokens


def _grown(tokens: Tokens, growth: Decimal, wordiness: Decimal) -> Tokens:
    return Tokens(
        uncached_input_tokens=round(tokens.uncached_input_tokens * growth),
        cache_read_tokens=round(tokens.cache_read_tokens * growth),
        cache_write_5m_tokens=round(tokens.cache_write_5m_tokens * growth),
        cache_write_1h_tokens=round(tokens.cache_write_1h_tokens * growth),
        output_tokens=round(tokens.output_tokens * growth * wordiness),
    )


def _uncached(tokens: Tokens) -> Tokens:
    return Tokens(uncached_input_tokens=tokens.prompt_tokens, output_tokens=tokens.output_tokens)


def _assumption(moving: Sequence[Position], model: Model, book: PriceBook, conflicts: Sequence[str]) -> str:
    if conflicts:
        return f"{model.display_name} refuses this workload: " + "; ".join(
            IN_WORDS.get(name, name) for name in conflicts
        )
    parts = ["quality not tested"]
    currents = [book.models[position.key.model] for position in moving]
    if any(current.tokenizer != model.tokenizer for current in currents):
        parts.append("tokens of the same text x 1.0 to 1.35 between tokenizers")
    if any(_thinking_turns_on(current, model) for current in currents):
        parts.append(f"thinking cannot be turned off: output up to x {THINKING_GROWTH}")
    else:
        parts.append(f"output up to x {WORDINESS}")
        if _thinks_by_default(model) and not all(_thinks_by_default(current) for current in currents):
            parts.append("thinking, on by default there, turned off")
    if any(_loses_cache(position, model) for position in moving):
        parts.append("prefix below its cache minimum: cached input may bill in full")
    return "; ".join(parts)
