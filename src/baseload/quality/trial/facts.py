"""The bodies of evidence lines: how what a trial saw is written, and read again by whoever verifies it.

A body that is not what a trial writes raises ValueError with the name of what is wrong, never with text of a call.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, Final, get_args

import msgspec

from baseload.quality.bar import TIERS, Bar
from baseload.quality.graders.answers import Answer, Asked
from baseload.quality.graders.controls import Controls, controls
from baseload.quality.graders.grader import How
from baseload.quality.graders.seeded import DEFECTS, SeededPair
from baseload.quality.sampling.sample import Drawn, Sample
from baseload.quality.trial.tested import Graded, Terms

ORDER_A_LINE: Final = 1_000
"""Calls named in one line of the sample's order: a line has at most 1 MiB."""
_HOWS: Final[Mapping[str, How]] = {how: how for how in get_args(How)}


def sample_bodies(summary: Mapping[str, Any], kept: Sequence[Drawn]) -> list[dict[str, Any]]:
    """The sample's lines: the summary, then the order of the calls that are replayed, fixed before the first of them.

    `summary` has `bound`, `drawn` and `not_replayable`, which the verdict rests on.
    """
    bodies: list[dict[str, Any]] = [{"of": "summary", **summary}]
    rows = iter([[one.call_id, one.stratum, one.weight] for one in kept])
    while part := list(islice(rows, ORDER_A_LINE)):
        bodies.append({"of": "order", "calls": part})
    return bodies


def summary_of(sample: Sample, not_replayable: Mapping[str, int], **given: Any) -> dict[str, Any]:
    """The facts of the draw that go into the first sample line."""
    return {
        "query": sample.query,
        "population_sha256": sample.population_sha256,
        "seed": sample.seed,
        "redaction": sample.redaction,
        "calls": sample.calls,
        "sessions": sample.sessions,
        "drawn": len(sample.order),
        "bound": sample.bound,
        "capped_share": sample.capped_share,
        "strata": sample.strata,
        "held_back": len(sample.held_back),
        "left_out": sample.left_out,
        "not_replayable": sum(not_replayable.values()),
        "not_replayable_reasons": dict(sorted(not_replayable.items())),
        **given,
    }


def control_body(
    graded: Sequence[tuple[SeededPair, float]], placebo: Sequence[float], found: Controls
) -> dict[str, Any]:
    """The line of a judge's controls: each graded control, so that what they come to can be worked out again."""
    return {
        "of": "grader",
        "seeded": [[pair.call.call_id, pair.defect, pair.bad_arm, d] for pair, d in graded],
        "placebo": list(placebo),
        "found": msgspec.to_builtins(found),
    }


def terms_of(
    bar: Bar, sample: Sequence[Mapping[str, Any]], control: Sequence[Mapping[str, Any]], hows: Iterable[Any]
) -> Terms:
    """What a record's verdict is made under. Controls are worked out from their graded pairs, not taken as stated.

    A record is judged where a pair or the sample says so, whether there are controls or not.
    """
    summary = next((body for body in sample if body.get("of") == "summary"), {})
    graders = [body for body in control if body.get("of") == "grader"]
    if len(graders) > 1:
        raise ValueError("controls of the grader stand twice; expected them once")
    return Terms(
        bar=bar,
        bound=_number(summary, "bound", 1.0),
        judged=bool(graders) or summary.get("judged") is True or "judged" in hows,
        controls=_controls(graders[0]) if graders else None,
        drawn=_count(summary, "drawn"),
        not_replayable=_count(summary, "not_replayable"),
        attempt=_count(summary, "attempt") or 1,
        earlier=_wealths(summary),
    )


def _wealths(summary: Mapping[str, Any]) -> tuple[float, ...]:
    """At the stops of the earlier attempts that count."""
    rows = summary.get("earlier", [])
    if not isinstance(rows, list) or not all(isinstance(row, list) and len(row) == 3 for row in rows):
        raise ValueError("sample: earlier; expected number, verdict and wealth of each attempt")
    found = tuple(_number({"wealth": row[2]}, "wealth", 0.0) for row in rows)
    if any(wealth < 0 for wealth in found):
        raise ValueError("sample: earlier; expected no wealth below 0")
    return found


def _controls(body: Mapping[str, Any]) -> Controls:
    seeded, placebo = body.get("seeded"), body.get("placebo")
    if not isinstance(seeded, list) or not isinstance(placebo, list):
        raise ValueError("controls: expected the graded pairs, seeded and placebo")
    return controls([_seeded(row) for row in seeded], [_within_one(d) for d in placebo])


def _seeded(row: Any) -> tuple[SeededPair, float]:
    if not isinstance(row, list) or len(row) != 4 or row[1] not in DEFECTS or row[2] not in ("candidate", "incumbent"):
        raise ValueError("controls: a seeded pair; expected call, defect, arm and difference")
    nothing = Answer()
    pair = SeededPair(call=Asked(call_id=str(row[0])), defect=row[1], bad_arm=row[2], good=nothing, bad=nothing)
    return pair, _within_one(row[3])


def order_of(sample: Iterable[Mapping[str, Any]]) -> list[Drawn] | None:
    """The order the sample fixed; None where the record has none."""
    lines = [body.get("calls") for body in sample if body.get("of") == "order"]
    if not lines:
        return None
    found = [_drawn(row) for line in lines for row in (line if isinstance(line, list) else [None])]
    if len({one.call_id for one in found}) != len(found):
        raise ValueError("sample: a call stands twice in the order; expected each call once")
    return found


def _drawn(row: Any) -> Drawn:
    if not isinstance(row, list) or len(row) != 3 or not isinstance(row[2], (int, float)) or isinstance(row[2], bool):
        raise ValueError("sample: a call of the order; expected id, stratum and weight")
    return Drawn(call_id=str(row[0]), session="", stratum=str(row[1]), weight=float(row[2]))


def graded_of(pairs: Sequence[Mapping[str, Any]], order: Sequence[Drawn] | None) -> list[Graded]:
    """The pairs as the test takes them. With an order they must be its beginning, each with its weight: no call can be
    left out, taken twice or weighed anew after its answers were seen."""
    found = [_graded(body) for body in pairs]
    if order is None:
        return found
    if len(found) > len(order):
        raise ValueError(f"{len(found)} pairs of a sample of {len(order)}; expected each call once")
    for body, pair, drawn in zip(pairs, found, order, strict=False):
        if pair.call != drawn.call_id or pair.stratum != drawn.stratum:
            raise ValueError(f"pair of {pair.call[:40]}; expected {drawn.call_id[:40]}, the next of the sample's order")
        raw = _within_one(body.get("score"))
        if pair.d != raw * drawn.weight:
            raise ValueError(f"pair of {pair.call[:40]}: d is not its score times the weight of the sample")
    return found


def _graded(body: Mapping[str, Any]) -> Graded:
    how, tier = body.get("how"), body.get("tier", TIERS[0])
    if tier not in TIERS:
        raise ValueError("tier of a pair; expected " + ", ".join(TIERS))
    return Graded(
        call=str(body.get("call", "")),
        d=difference_of(body),
        how=_HOWS.get(str(how), "graded"),
        tier=tier,
        stratum=str(body.get("stratum", "")),
        fault=bool(body.get("fault")),
        blank=how == "both_failed" or (body.get("candidate") == 0 and body.get("incumbent") == 0),
    )


def difference_of(body: Mapping[str, Any]) -> float:
    """The weighted difference of a pair, whether or not it lies in range. Raises ValueError where it is no number."""
    value = body.get("d")
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"d is {type(value).__name__}; expected a number from -1 to 1")
    return float(value)


def _within_one(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not -1 <= value <= 1:
        raise ValueError("a difference; expected a number from -1 to 1")
    return float(value)


def _number(body: Mapping[str, Any], name: str, missing: float) -> float:
    value = body.get(name, missing)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError(f"sample: {name}; expected a number")
    return float(value)


def _count(body: Mapping[str, Any], name: str) -> int:
    value = body.get(name, 0)
    if type(value) is not int or value < 0:
        raise ValueError(f"sample: {name}; expected a count")
    return value
