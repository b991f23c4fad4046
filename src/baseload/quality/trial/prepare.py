"""From a sample and its bodies to the requests that are sent: who is asked what, and which calls cannot be."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec

from baseload.prices.book import PriceBook
from baseload.quality.graders.answers import Answer, Asked, Unparsable, answer_of
from baseload.quality.replay.arms import planned_arms
from baseload.quality.replay.bounds import most_usd
from baseload.quality.replay.plan import Item, ReplayPlan, prepare
from baseload.quality.rewrite import Rewritten
from baseload.quality.sampling.redact import Redactor
from baseload.quality.sampling.sample import Drawn, Sample
from baseload.quality.trial.setup import TrialSetup
from baseload.values import Call, Problem
from baseload.vault.body import Body

MOST_ON_NOISE: Final = Decimal("0.2")
"""Of the cap: the noise floor is worth knowing and no part of the verdict."""


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One call that is replayed. `recorded` None = its answer was not recorded, or is one to another request.

    `again` is the incumbent's request, None where it is not legal any more; the incumbent is then asked only if it need
    not be.
    """

    call: Call
    drawn: Drawn
    asked: Asked
    recorded: Answer | None
    reference: Any
    candidate: Item
    again: Item | None

    def __repr__(self) -> str:
        return "Case(…)"  # text must not reach a log by way of a traceback


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """The calls to replay in the sample's order, and what becomes of the others.

    `items` are the main replay's; `noise` the calls whose incumbent-again answer is compared with the recorded one;
    `placebo` those of a judge's controls, replayed apart. `rewrites` counts calls by what was changed in them.
    """

    cases: tuple[Case, ...]
    items: tuple[Item, ...]
    noise: frozenset[str]
    placebo: tuple[Case, ...]
    not_replayable: dict[str, int]
    rewrites: dict[str, int]


def prepared(
    setup: TrialSetup, sample: Sample, bodies: Mapping[str, Body | Problem], book: PriceBook, day: int
) -> Prepared:
    """`bodies` are those of the sample's calls; one that is missing makes its call not replayable."""
    calls = {call.call_id: call for call in setup.calls}
    refused: Counter[str] = Counter()
    rewrites: Counter[str] = Counter()
    cases: list[Case] = []
    for drawn in sample.order:
        found = _case(setup, drawn, calls.get(drawn.call_id), bodies.get(drawn.call_id), book, day)
        if isinstance(found, str):
            refused[found] += 1
        else:
            cases.append(found[0])
            rewrites.update(found[1])
    placebo = _placebo(setup, cases)
    noise = _noise(setup, cases, book, day)
    return Prepared(
        cases=tuple(cases),
        items=tuple(_items(setup, cases, noise)),
        noise=noise,
        placebo=placebo,
        not_replayable=dict(sorted(refused.items())),
        rewrites=dict(sorted(rewrites.items())),
    )


def _case(
    setup: TrialSetup, drawn: Drawn, call: Call | None, body: Body | Problem | None, book: PriceBook, day: int
) -> tuple[Case, set[str]] | str:
    """The call's case with what was changed in its request, or the reason why it cannot be replayed."""
    if call is None or body is None:
        return "the call is not there any more"
    if isinstance(body, Problem):
        return f"body: {body.code}"
    redactor = Redactor()
    request = redactor.redact(body.request) if setup.redaction == "redacted" else body.request
    fitted = _fitted(setup, request, call, setup.candidate, setup.effort, book)
    if fitted.request is None:
        return _why(fitted)
    item = Item(call=call.call_id, arm="candidate", params=fitted.request)
    if most_usd(item, _plan(setup), book, day) is None:
        return "no bound on its cost"
    recorded = _recorded(body) if request == body.request else None
    again = _again(setup, request, call, book, day)
    if again is None and (recorded is None or setup.agreement):
        return "no recorded answer, and the incumbent does not take the request any more"
    try:
        reference = setup.reference(call.call_id, recorded) if setup.reference else None
    except Unparsable:
        return "the recorded answer cannot serve as the truth"
    case = Case(
        call=call,
        drawn=drawn,
        asked=Asked(call_id=call.call_id, request=request),
        recorded=recorded,
        reference=reference,
        candidate=item,
        again=again,
    )
    return case, {f"{change.feature}: {change.action}" for change in fitted.changes}


def _recorded(body: Body) -> Answer | None:
    """The recorded answer; None where there is none to be read."""
    answer = answer_of(body.response) if body.response else None
    return None if answer is None or answer.error else answer


def _again(setup: TrialSetup, request: Mapping[str, Any], call: Call, book: PriceBook, day: int) -> Item | None:
    fitted = _fitted(setup, request, call, setup.incumbent, "", book)
    if fitted.request is None:
        return None
    item = Item(call=call.call_id, arm="incumbent_again", params=fitted.request)
    return item if most_usd(item, _plan(setup), book, day) is not None else None


def _fitted(
    setup: TrialSetup, request: Mapping[str, Any], call: Call, model: str, effort: str, book: PriceBook
) -> Rewritten:
    return prepare(
        request,
        setup.incumbent,
        model,
        book.models,
        setup.transport,
        effort=effort,
        prompt_tokens=call.prompt_tokens,
        zdr=setup.zero_data_retention,
    )


def _why(fitted: Rewritten) -> str:
    first = fitted.refusals[0]
    return f"{first.feature}: {first.reason}"


def _plan(setup: TrialSetup) -> ReplayPlan:
    return ReplayPlan(items=(), cap_usd=setup.cap_usd, transport=setup.transport)


def _placebo(setup: TrialSetup, cases: Sequence[Case]) -> tuple[Case, ...]:
    """Calls whose recorded answer the incumbent gives again, for a judge's controls."""
    if not setup.judged:
        return ()
    able = {case.call.call_id: case for case in cases if case.recorded is not None and case.again is not None}
    seed = int(hashlib.sha256(setup.seed.encode()).hexdigest()[:8], 16)
    return tuple(able[call] for call in planned_arms(tuple(able), seed, judged=True).placebo)


def _noise(setup: TrialSetup, cases: Sequence[Case], book: PriceBook, day: int) -> frozenset[str]:
    """The first calls of the sample whose incumbent is asked again, while that costs at most a fifth of the cap."""
    if setup.agreement:
        return frozenset(case.call.call_id for case in cases if case.recorded is not None)
    if setup.judged:
        return frozenset()
    chosen: list[str] = []
    left, plan = setup.cap_usd * MOST_ON_NOISE, _plan(setup)
    for case in cases:
        if len(chosen) == setup.noise_pairs:
            break
        if case.recorded is not None and case.again is not None:
            left -= most_usd(case.again, plan, book, day) or Decimal(0)
            if left < 0:
                break
            chosen.append(case.call.call_id)
    return frozenset(chosen)


def _items(setup: TrialSetup, cases: Sequence[Case], noise: frozenset[str]) -> Iterator[Item]:
    """Each call's candidate, and its incumbent where the answer is not recorded or is wanted again."""
    for case in cases:
        yield case.candidate
        if case.again is not None and (case.recorded is None or setup.agreement or case.call.call_id in noise):
            yield case.again
