"""The figures beside a verdict: arms, lengths, dollars, what a miss may cost. Statistics are float, dollars Decimal."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from statistics import NormalDist, fmean, median
from typing import Final

import msgspec
import numpy as np

from baseload.prices.book import PriceBook
from baseload.prices.pricing import price
from baseload.quality.bar import Bar
from baseload.quality.graders.answers import Answer
from baseload.quality.graders.controls import placebo_of
from baseload.quality.graders.signals import refuses
from baseload.quality.replay.run import Replayed
from baseload.quality.trial.document import ArmSummary, Misses, NoiseFloor
from baseload.quality.trial.pairs import Seen, answer
from baseload.quality.trial.stages import LATENCY
from baseload.usage.normal import BadRecord, tokens_from_usage
from baseload.values import DAY_US, TOKEN_CLASSES, Call

_Z: Final = NormalDist().inv_cdf(0.975)
_INPUTS: Final = TOKEN_CLASSES[:4]
_USD_PLACES: Final = Decimal("0.000000001")
_TRUNCATED: Final = ("max_tokens", "model_context_window_exceeded")


class Costed(msgspec.Struct, frozen=True, kw_only=True):
    """One pair with its dollars, at list prices of one day, with the tier and the caching the call was recorded with.

    Both arms cost what they cost on that day, so that a past price move is no saving, and a call that is older than the
    candidate has a price on it. `candidate_usd` is 0 for a call that brought no answer; None = no price.
    """

    seen: Seen
    d: float  # unweighted
    incumbent_usd: Decimal | None
    candidate_usd: Decimal | None

    @property
    def weight(self) -> float:
        return self.seen.case.drawn.weight


def costed(seen: Seen, d: float, candidate: str, book: PriceBook, day: int) -> Costed:
    """The call as recorded, and as it would cost on the candidate, both on the UTC day `day`."""
    call = msgspec.structs.replace(seen.case.call, start_us=day * DAY_US)
    priced = price(call, book)[0] or price(seen.case.call, book)[0]  # one no longer sold: as it was
    moved = moved_call(call, candidate, seen.candidate)
    theirs = Decimal(0) if moved is None else None
    if moved is not None:
        found, _ = price(moved, book)
        theirs = None if found is None else found.total
    return Costed(seen=seen, d=d, incumbent_usd=None if priced is None else priced.total, candidate_usd=theirs)


def moved_call(call: Call, model: str, replayed: Replayed) -> Call | None:
    """The recorded call on another model: its tokens as the replay counted them, cached in the same shares.

    A replay has a cold cache and another discount, so its own dollars say nothing of the move. None where the call
    brought no answer, or one whose usage cannot be read.
    """
    usage = replayed.message.get("usage") if replayed.message is not None else None
    if not isinstance(usage, Mapping):
        return None
    try:
        found = tokens_from_usage(usage, model=replayed.model)
    except BadRecord:
        return None
    counted = sum(getattr(found.tokens, name) for name in _INPUTS)
    return msgspec.structs.replace(
        call, model=model, model_raw=model, speed=found.speed, **_shared(call, counted),
        output_tokens=found.tokens.output_tokens, thinking_tokens=None,
    )  # fmt: skip


def _shared(call: Call, counted: int) -> dict[str, int]:
    """Input tokens divided among the classes as the call's were; all uncached where it had none."""
    if not call.prompt_tokens:
        return dict.fromkeys(_INPUTS, 0) | {_INPUTS[0]: counted}
    shares = {name: counted * getattr(call, name) // call.prompt_tokens for name in _INPUTS}
    shares[_INPUTS[0]] += counted - sum(shares.values())
    return shares


def candidate_arm(rows: Sequence[Costed], model: str, completed: float | None = None) -> ArmSummary:
    """`completed` is the sum of its scores; None = answers that did not fail are counted."""
    answers = [row.seen.candidate_answer for row in rows]
    latencies = [found for row in rows if (found := latency_ms(row.seen.candidate)) is not None]
    return _arm("candidate", model, answers, latencies, [row.candidate_usd for row in rows], completed)


def incumbent_arm(rows: Sequence[Costed], model: str, completed: float | None = None) -> ArmSummary:
    """As recorded; a call whose answer was not recorded counts with the answer given again. `completed` as above."""
    answers = [row.seen.incumbent_answer(agreement=False) or Answer(error="none") for row in rows]
    calls = [row.seen.case.call for row in rows]
    latencies = [(call.end_us - call.start_us) / 1000 for call in calls if call.end_us is not None]
    return _arm("incumbent", model, answers, latencies, [row.incumbent_usd for row in rows], completed)


def again_arm(replayed: Sequence[Replayed], model: str) -> ArmSummary:
    latencies = [found for one in replayed if (found := latency_ms(one)) is not None]
    return _arm("incumbent_again", model, [answer(one) for one in replayed], latencies, [None] * len(replayed))


def _arm(
    name: str,
    model: str,
    answers: Sequence[Answer],
    latencies: Sequence[float],
    costs: Sequence[Decimal | None],
    completed: float | None = None,
) -> ArmSummary:
    tokens = [found.output_tokens for found in answers if found.output_tokens is not None]
    known = [cost for cost in costs if cost is not None]
    whole = len(known) == len(answers) > 0
    by_scores = completed is not None
    done = Decimal(repr(round(completed, 9))) if completed is not None else _not_failed(answers)
    return ArmSummary(
        arm=name,
        model=model,
        calls=len(answers),
        failures=sum(bool(found.failure) for found in answers),
        refusals=sum(refuses(found) for found in answers),
        truncations=sum(found.stop_reason in _TRUNCATED for found in answers),
        output_tokens_mean=fmean(tokens) if tokens else None,
        output_tokens_p50=float(median(tokens)) if tokens else None,
        latency_p50_ms=percentile(latencies, 50),
        latency_p95_ms=percentile(latencies, 95),
        cost_per_call_usd=usd(sum(known, Decimal(0)) / len(known)) if whole else None,
        cost_per_completed_usd=usd(sum(known, Decimal(0)) / done) if whole and done else None,
        completed_by="scores" if by_scores else "not_failed",
    )


def _not_failed(answers: Sequence[Answer]) -> Decimal:
    return Decimal(sum(not found.failure for found in answers))


def latency_ms(replayed: Replayed) -> float | None:
    """How long a synchronous call took; None in a batch."""
    found = replayed.message.get(LATENCY) if replayed.message is not None else None
    return float(found) if isinstance(found, (int, float)) else None


def percentile(values: Sequence[float], share: float) -> float | None:
    """None without values."""
    return round(float(np.percentile(values, share)), 1) if values else None


def output_ratio(rows: Sequence[Costed]) -> tuple[Decimal | None, Decimal | None]:
    """95 % interval of the candidate's output tokens for each of the incumbent's, as tokens are billed.

    Delta method on the logarithm of the ratio of weighted means of paired calls; (None, None) where fewer than two
    calls say both lengths, or one arm said nothing. The recorded length is the ledger's where the answer has none.
    """
    found = [
        (row.weight * ours, row.weight * theirs)
        for row in rows
        if (ours := row.seen.candidate_answer.output_tokens) is not None
        and (theirs := _recorded_tokens(row.seen)) is not None
    ]
    if len(found) < 2:
        return None, None
    ours, theirs = np.array(found, dtype=np.float64).T
    if ours.mean() <= 0 or theirs.mean() <= 0:
        return None, None
    relative = ours / ours.mean() - theirs / theirs.mean()
    half = _Z * math.sqrt(float(relative.var(ddof=1)) / len(found))
    middle = math.log(float(ours.mean() / theirs.mean()))
    return _ratio(math.exp(middle - half)), _ratio(math.exp(middle + half))


def _ratio(value: float) -> Decimal:
    return Decimal(repr(round(value, 4)))


def _recorded_tokens(seen: Seen) -> int | None:
    if seen.case.recorded is None:
        again = seen.again_answer
        return None if again is None else again.output_tokens
    return seen.case.recorded.output_tokens or seen.case.call.output_tokens or None


def saving_per_call(rows: Sequence[Costed]) -> Decimal | None:
    """Weighted mean list dollars the move saves on one call; negative = it costs. None where a call has no price."""
    if not rows or any(row.incumbent_usd is None or row.candidate_usd is None for row in rows):
        return None
    weights = [Decimal(repr(row.weight)) for row in rows]
    saved = (
        weight * ((row.incumbent_usd or Decimal(0)) - (row.candidate_usd or Decimal(0)))
        for weight, row in zip(weights, rows, strict=True)
    )
    return usd(sum(saved, Decimal(0)) / sum(weights, Decimal(0)))


def dollar_weighted(rows: Sequence[Costed]) -> float | None:
    """Mean difference with each call weighing what it cost on the incumbent; None where one has no price."""
    if any(row.incumbent_usd is None for row in rows):
        return None
    weights = [row.weight * float(row.incumbent_usd or 0) for row in rows]
    total = math.fsum(weights)
    return math.fsum(weight * row.d for weight, row in zip(weights, rows, strict=True)) / total if total else None


def misses(
    bar: Bar, estimate: float | None, rows: Sequence[Costed], saved: Decimal | None, calls_a_month: Decimal | None
) -> Misses:
    """What a miss may cost before the move no longer pays, and how many more there are in a month (None = unknown)."""
    lost = Decimal(repr(-(estimate or 0.0)))
    margin = Decimal(repr(bar.points))
    pays = saved is not None and saved > 0
    return Misses(
        break_even_usd_per_miss=usd(saved / lost) if saved is not None and pays and lost > 0 else None,
        break_even_at_margin_usd_per_miss=usd(saved / margin) if saved is not None and pays else None,
        cost_per_error_usd=bar.cost_per_error_usd,
        extra_a_month_at_estimate=_a_month(lost, calls_a_month) if estimate is not None else None,
        extra_a_month_at_margin=_a_month(margin, calls_a_month),
        dollar_weighted_difference=dollar_weighted(rows),
    )


def _a_month(share: Decimal, calls: Decimal | None) -> Decimal | None:
    return None if calls is None else tenth(share * calls)


def noise_floor(differences: Sequence[tuple[float, bool]]) -> NoiseFloor | None:
    """From (difference, whether the answers differ) of the incumbent against itself; None without a pair."""
    if not differences:
        return None
    found = placebo_of([d for d, _ in differences])
    return NoiseFloor(
        pairs=found.pairs,
        mean=found.mean,
        low=max(-1.0, found.low),
        high=min(1.0, found.high),
        disagreement_share=sum(differs for _, differs in differences) / len(differences),
    )


def usd(amount: Decimal) -> Decimal:
    """To the nano-dollar, written plainly."""
    return plain(amount.quantize(_USD_PLACES))


def tenth(amount: Decimal) -> Decimal:
    return plain(amount.quantize(Decimal("0.1")))


def plain(amount: Decimal) -> Decimal:
    """Without trailing zeros and without an exponent."""
    return Decimal(f"{amount.normalize():f}") + 0
