"""What one placed position costs under a cache policy and in batches: the arithmetic of the joint cost.

Token classes are rounded half-even once each; what rounding leaves goes to plain input, so a prompt keeps its length.
The whole amount is rounded half-even once per price (`levers.position.cost_nano`).
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_HALF_EVEN, Decimal
from typing import NamedTuple

import msgspec

from baseload.levers.options import BatchOutcome, CacheOutcome
from baseload.levers.position import cost_nano
from baseload.plan.placing import HIGH, LIKELY, LOW, Placed, Sold, as_one_hour, without
from baseload.values import Tokens

_ONE = Decimal(1)
_ZERO = Decimal(0)


class Ends(NamedTuple):
    """At which end (0 low, 1 likely, 2 high) each unknown is read: today's TTLs and bands, and each lever's own."""

    today: int = LIKELY
    route: int = LIKELY
    cache: int = LIKELY
    batch: int = LIKELY


ALL_LOW, ALL_LIKELY, ALL_HIGH = Ends(LOW, LOW, LOW, LOW), Ends(), Ends(HIGH, HIGH, HIGH, HIGH)


def cost_at(placed: Placed, cache: CacheOutcome | None, batch: BatchOutcome | None, ends: Ends) -> int:
    """Nano-dollars of one position at some ends. `cache` and `batch` are None where that lever leaves it alone."""
    if placed.standard is None:
        listed = placed.position.list_high_nano if ends.today == HIGH else placed.position.list_nano
        return _rounded(listed * placed.kept)
    if cache is not None:
        tokens = _reshaped(placed, cache, ends)
        nano = _with_batch(placed, placed.standard, tokens, batch, ends)
        return nano + _spread(placed, placed.standard, tokens, cache, batch, ends)
    amounts = [_with_batch(placed, placed.standard, tokens, batch, ends) for tokens in _as_billed(placed, ends)]
    if ends.route == LIKELY:
        return amounts[0]
    return max(amounts) if ends.route == HIGH else min(amounts)


def reaches(placed: Placed, cache: CacheOutcome) -> bool:
    """Whether a policy changes a position: its classes are sold there, and it does not run in batches today.

    Hits inside batches are best effort: what runs there keeps the cache it has.
    """
    if placed.standard is None or placed.key.tier == "batch":
        return False
    used = {
        "cache_read_tokens": cache.read_share + cache.keep_alive_share,
        "cache_write_5m_tokens": cache.write_5m_share,
        "cache_write_1h_tokens": cache.write_1h_share,
    }
    return not any(share > 0 for name, share in used.items() if name in placed.standard.unsold)


def _as_billed(placed: Placed, ends: Ends) -> Iterator[Tokens]:
    """The prompt with the shares it has today, which whole sessions take along: the rules are one on every model.

    Only where another model's minimum is above the average cached prefix the whole cache is lost, in the likely case,
    and kept at the other end. Likelier first.
    """
    tokens = placed.position.tokens
    growth = placed.growth[ends.route] * placed.kept
    if growth != 1 or placed.output[ends.route] != 1:
        tokens = _scaled(tokens, growth, growth * placed.output[ends.route])
    if placed.position.ttl_unknown and ends.today == HIGH:
        tokens = as_one_hour(tokens)
    plain = Tokens(uncached_input_tokens=tokens.prompt_tokens, output_tokens=tokens.output_tokens)
    if placed.moved and placed.loses_cache:
        yield plain
    yield tokens


def _reshaped(placed: Placed, cache: CacheOutcome, ends: Ends) -> Tokens:
    """The prompt in the shares of a policy, with the reads that only keep entries alive."""
    tokens = placed.position.tokens
    growth = placed.growth[ends.route]
    whole = tokens.prompt_tokens * growth
    prompt = _rounded(whole * placed.kept)
    left = _without_repeats(cache, placed.kept, ends.cache)
    read, five, hour = (_rounded(whole * share) for share in (left.read, left.write_5m, left.write_1h))
    alive = _rounded(whole * left.keep_alive) if left.keep_alive else 0
    return Tokens(
        uncached_input_tokens=max(0, prompt - read - five - hour),
        cache_read_tokens=read + alive,
        cache_write_5m_tokens=five,
        cache_write_1h_tokens=hour,
        output_tokens=_rounded(tokens.output_tokens * growth * placed.kept * placed.output[ends.route]),
    )


class _Shares(NamedTuple):
    """Of the prompt tokens with every repeat still in them; the rest of what is left is plain input."""

    read: Decimal
    write_5m: Decimal
    write_1h: Decimal
    keep_alive: Decimal


def _without_repeats(cache: CacheOutcome, kept: Decimal, end: int) -> _Shares:
    """A policy's shares once its repeats have left; they were judged with the repeats among the calls.

    Likely, a repeat came while what its first request wrote was alive: it wrote nothing, read what marks cover and paid
    in full for what they do not. So its reads leave and every write stays. High, it read the whole of its prompt; low,
    it was like any other call, its share of the writes included. Keep-alive reads leave only at the low end: the pauses
    they bridge stay. The shares of `as_billed` are today's, and so is the share of the bill that repeats are.
    """
    names = ("uncached_share", "read_share", "write_5m_share", "write_1h_share", "keep_alive_share")
    plain, read, five, hour, alive = (Decimal(str(getattr(cache, name))) for name in names)
    if end == LOW or cache.policy == "as_billed":
        return _Shares(read * kept, five * kept, hour * kept, alive * kept)
    leaving = _ONE - kept
    covered = leaving if end == HIGH else leaving * (_ONE - plain)
    from_reads = min(read, covered)
    short = covered - from_reads  # more repeats than reads: what they did not read, some of them wrote
    written = max(_ZERO, short - plain) if end == HIGH else short
    from_five = min(five, written)
    return _Shares(read - from_reads, five - from_five, hour - min(hour, written - from_five), alive)


def _with_batch(placed: Placed, standard: Sold, tokens: Tokens, batch: BatchOutcome | None, ends: Ends) -> int:
    end = ends.route if placed.moved else ends.today
    rates = standard.rates[end]
    if batch is None or placed.batch is None:
        return cost_nano(without(tokens, standard.unsold), rates)
    half, unsold = placed.batch.rates[end], placed.batch.unsold

    def cost(share: float, hits: float, *, one_hour: bool) -> int:
        inside, beside = _divided(tokens, batch, share, hits, one_hour=one_hour)
        return cost_nano(without(beside, standard.unsold), rates) + cost_nano(without(inside, unsold), half)

    if ends.batch == LOW:
        return min(cost(share, batch.hits_high, one_hour=False) for share in (batch.share_low, batch.share_high))
    if ends.batch == HIGH:
        return max(cost(share, batch.hits_low, one_hour=True) for share in (batch.share_low, batch.share_high))
    return cost(batch.share_likely, (batch.hits_low + batch.hits_high) / 2, one_hour=True)


def _divided(
    tokens: Tokens, batch: BatchOutcome, share: float, hits: float, *, one_hour: bool
) -> tuple[Tokens, Tokens]:
    """(tokens billed inside batches, tokens billed beside them) when `share` of the calls is answered by a batch.

    `double_paid_share` of the calls is in both. With `one_hour` every mark inside a batch lives an hour, as the vendor
    advises, and a read that finds nothing writes it; without, marks stay as they are and a lost read is plain input.
    """
    paid = min(_ONE, Decimal(str(share)) + Decimal(str(batch.double_paid_share)))  # a batch bills no call twice
    answered = Decimal(str(share))
    reads = _rounded(tokens.cache_read_tokens * paid)
    found = _rounded(tokens.cache_read_tokens * paid * Decimal(str(hits)))
    lost = reads - found
    inside = Tokens(
        uncached_input_tokens=_rounded(tokens.uncached_input_tokens * paid) + (0 if one_hour else lost),
        cache_read_tokens=found,
        cache_write_5m_tokens=_rounded(tokens.cache_write_5m_tokens * paid),
        cache_write_1h_tokens=_rounded(tokens.cache_write_1h_tokens * paid) + (lost if one_hour else 0),
        output_tokens=_rounded(tokens.output_tokens * paid),
    )
    counts = msgspec.structs.asdict(tokens)
    beside = Tokens(**{name: count - _rounded(count * answered) for name, count in counts.items()})
    return (as_one_hour(inside) if one_hour else inside), beside


def _spread(
    placed: Placed, standard: Sold, tokens: Tokens, cache: CacheOutcome, batch: BatchOutcome | None, ends: Ends
) -> int:
    """What the interval of a policy's input cost adds or takes at an end."""
    if not cache.spread or ends.cache == LIKELY:
        return 0
    prompt = msgspec.structs.replace(tokens, output_tokens=0)
    half_width = _rounded(_with_batch(placed, standard, prompt, batch, ends) * Decimal(str(cache.spread)))
    return half_width if ends.cache == HIGH else -half_width


def _scaled(tokens: Tokens, prompt: Decimal, output: Decimal) -> Tokens:
    return Tokens(
        uncached_input_tokens=_rounded(tokens.uncached_input_tokens * prompt),
        cache_read_tokens=_rounded(tokens.cache_read_tokens * prompt),
        cache_write_5m_tokens=_rounded(tokens.cache_write_5m_tokens * prompt),
        cache_write_1h_tokens=_rounded(tokens.cache_write_1h_tokens * prompt),
        output_tokens=_rounded(tokens.output_tokens * output),
    )


def _rounded(amount: Decimal) -> int:
    return int(amount.to_integral_value(rounding=ROUND_HALF_EVEN))
