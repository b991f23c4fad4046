"""What a trial is given, and the calls it draws: everything that is fixed before the first dollar."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

import msgspec
import numpy as np

from baseload.errors import UsageError
from baseload.quality.bar import TIERS, Bar
from baseload.quality.betting import PRIOR_DISCORDANCE, SPARE
from baseload.quality.graders.answers import Answer
from baseload.quality.graders.grader import Grader, PairGrader
from baseload.quality.replay.plan import Transport
from baseload.quality.sampling.population import Population, population, session_of
from baseload.quality.sampling.sample import Redaction, Sample, draw
from baseload.quality.tango import planned
from baseload.quality.trial.document import Approval
from baseload.quality.trial.earlier import LEAST_ALPHA, Attempt, alpha_left, listed, mark
from baseload.quality.trial.tested import SPENT_ON_CONTROLS, Terms, check
from baseload.values import Call
from baseload.vault.body import Body
from baseload.vault.data_use import DataUse, replay_refusal

NOISE_PAIRS: Final = 50
"""Incumbent-again answers of a trial nobody judges: its first look."""
SENT_TO: Final = "anthropic"
COMPARED_BEFORE: Final = "of a session or a request that an earlier attempt compared"
_LONGER: Final = 1.5
"""A sample so much longer than the first horizon leaves room to plan it again."""
_LEAST_SAMPLE: Final = 500
_TEXT_CHARS: Final = 60_000

Reference = Callable[[str, Answer | None], Any]
"""(call id, the incumbent's recorded answer) -> what answers are graded against. May raise Unparsable: no such call
is replayed."""


class TrialSetup(msgspec.Struct, frozen=True, kw_only=True):
    """One trial. `calls` are the workload's, whatever model they ran on; ids come once.

    `grader` scores; `reference` gives what it scores against, None = nothing. `known` are the calls that have a truth,
    None = all. With `agreement` the reference is the incumbent's own recorded answer, so that the incumbent is replayed
    on every call and must agree with itself too. `cap_usd` may be less than the bar's budget and never more.

    `attempt` counts from 1; `earlier` are those before it that count: no call of theirs is drawn again, and what they
    left of alpha is what this one is tested at (see `earlier.py`). Those of a stand-in do not count against a real one.
    `seed` and `key` (the organisation's) make the draw. `simulated`: the answers come from a stand-in. `kind` is the
    task of all calls, "" = by each one's cues. `most` None = one and a half times the first horizon. `calls_a_month`
    are the workload's on its incumbent, None = nobody counts them; `calls_counted_share` is the share of its dollars
    that they were counted of, the rest scaled.
    """

    bar: Bar
    workload: str
    workload_name: str
    incumbent: str
    candidate: str
    effort: str = ""
    calls: tuple[Call, ...]
    grader: Grader | PairGrader
    reference: Reference | None = None
    known: Collection[str] | None = None
    agreement: bool = False
    labels: tuple[str, ...] = ()
    transport: Transport = "batch"
    cap_usd: Decimal
    data_use: DataUse
    zero_data_retention: bool = False
    redaction: Redaction = "raw"
    held_back_days: int = 0
    in_vault: Collection[str] = frozenset()
    kind: str = ""
    seed: str
    key: bytes
    most: int | None = None
    noise_pairs: int = NOISE_PAIRS
    calls_a_month: Decimal | None = None
    calls_counted_share: Decimal = Decimal(1)
    simulated: bool = False
    attempt: int = 1
    earlier: tuple[Attempt, ...] = ()
    approval: Approval | None = None

    @property
    def judged(self) -> bool:
        """Whether controls must show what the grader sees: a judge. People are their own measure."""
        return isinstance(self.grader, PairGrader) and self.grader.how != "human"

    @property
    def identity(self) -> dict[str, Any]:
        """What makes it this trial and no other; a folder holds one of them."""
        return {
            "bar_sha256": self.bar.sha256,
            "workload": self.workload,
            "incumbent": self.incumbent,
            "candidate": self.candidate,
            "effort": self.effort,
            "transport": self.transport,
            "redaction": self.redaction,
            "simulated": self.simulated,
            "grader": {"id": _of(self.grader, "id"), "version": _of(self.grader, "version"), "tier": self.grader.tier},
            "judged": self.judged,
            "earlier_trials": self.attempt - 1,
            **({"attempt": self.attempt, "earlier": listed(self.counting)} if self.attempt > 1 else {}),
        }

    @property
    def counting(self) -> tuple[Attempt, ...]:
        """The earlier attempts that this one's alpha rests on."""
        return tuple(one for one in self.earlier if self.simulated or not one.simulated)

    @property
    def alpha_left(self) -> float:
        """What they left of the bar's alpha, as a share of it."""
        spent = SPENT_ON_CONTROLS if self.judged else 0.0
        return alpha_left(self.bar.level, (one.wealth for one in self.counting), spent)


def checked(setup: TrialSetup) -> TrialSetup:
    """The setup, if there can be a trial of it. Raises UsageError, which says what to do."""
    bar = setup.bar
    if bar.workload not in (setup.workload, setup.workload_name):
        raise UsageError(f"the bar is of {bar.workload[:40]!r}; expected {setup.workload[:40]!r}")
    if not setup.cap_usd.is_finite() or setup.cap_usd <= 0:
        raise UsageError(f"a budget of ${setup.cap_usd}; expected more than 0: nothing can be replayed for nothing")
    if setup.cap_usd > bar.budget_usd:
        raise UsageError(
            f"a budget of ${setup.cap_usd}; the bar allows ${bar.budget_usd}. Raise budget_usd of the bar."
        )
    if not setup.incumbent or (setup.candidate == setup.incumbent and not setup.effort):
        raise UsageError(f"candidate {setup.candidate[:60] or '(none)'}; expected another model, or another effort")
    if TIERS.index(setup.grader.tier) > TIERS.index(bar.tier_required):
        raise UsageError(
            f"the grader's scores rest on {setup.grader.tier}; the bar requires {bar.tier_required}. "
            "Give it true answers, or lower tier_required."
        )
    if setup.counting:
        earlier = tuple(one.wealth for one in setup.counting)
        check(Terms(bar=bar, judged=setup.judged, attempt=setup.attempt, earlier=earlier))
    if not setup.key or len(setup.key) > 64:  # BLAKE2b's limit
        raise UsageError(f"a key of {len(setup.key)} bytes; expected the organisation's, of 1 to 64")
    return setup


def chosen_from(setup: TrialSetup) -> Population:
    """The population: calls of the incumbent that may be sent, have a body and can be graded. Raises UsageError."""
    left_out: Counter[str] = Counter()
    fit: list[Call] = []
    sessions, requests = compared_before(setup)
    for call in setup.calls:
        known = session_of(call) in sessions or call.request_hash in requests
        reason = _left_out(setup, call) or (COMPARED_BEFORE if known else "")
        if reason:
            left_out[reason] += 1
        else:
            fit.append(call)
    query = f"workload {setup.workload}, calls on {setup.incumbent}"
    found = population(fit, query=query, kind=setup.kind, in_vault=setup.in_vault)
    return msgspec.structs.replace(found, left_out=dict(sorted((left_out + Counter(found.left_out)).items())))


def compared_before(setup: TrialSetup) -> tuple[frozenset[str], frozenset[str]]:
    """(sessions, request hashes) of the calls that earlier attempts compared: what is known of them is no news."""
    marks = frozenset(one for attempt in setup.earlier for one in attempt.calls)
    if not marks:
        return frozenset(), frozenset()
    known = [call for call in setup.calls if mark(call.call_id) in marks]
    return frozenset(map(session_of, known)), frozenset(call.request_hash for call in known if call.request_hash)


def _left_out(setup: TrialSetup, call: Call) -> str:
    if call.model != setup.incumbent:
        return "on another model"
    if setup.known is not None and call.call_id not in setup.known:
        return "no true answer given"
    return replay_refusal(
        setup.data_use,
        recorded_on=call.platform,
        sent_to=SENT_TO,
        transport=setup.transport,
        zero_data_retention=setup.zero_data_retention,
    )


def sampled(setup: TrialSetup, found: Population, texts: Mapping[str, str] | None = None) -> Sample:
    """The sample. `texts` (call -> what the user said) merges near-repeats. Raises UsageError where it is empty."""
    most = setup.most or sample_size(setup.bar, setup.alpha_left)
    if setup.bar.most_calls is not None:
        most = min(most, setup.bar.most_calls)
    drawn = draw(
        found,
        most,
        seed=setup.seed,
        key=setup.key,
        redaction=setup.redaction,
        user_texts=texts,
        held_back_days=setup.held_back_days,
    )
    if not drawn.order:
        why = "; ".join(f"{count} calls: {reason}" for reason, count in found.left_out.items()) or "there is no call"
        raise UsageError(f"nothing to replay ({why}). `baseload trial plan` says what would help.")
    return drawn


def sample_size(bar: Bar, left: float = 1.0) -> int:
    """Calls to draw where nobody says: room for a horizon half as long again as the first.

    `left` is the share of alpha that earlier attempts left.

    >>> from decimal import Decimal
    >>> sample_size(Bar(workload="w", grader="label", margin=0.05, budget_usd=Decimal(1)))
    600
    """
    alpha = max(bar.level * left, LEAST_ALPHA)
    horizon = SPARE * float(planned(np.array([PRIOR_DISCORDANCE]), bar.points, alpha)[0])
    return max(_LEAST_SAMPLE, math.ceil(_LONGER * horizon / 50) * 50)


def user_texts(bodies: Iterable[tuple[Call, Any]]) -> dict[str, str]:
    """Call -> the last thing its user said; calls without a body are left to their hashes."""
    return {
        call.call_id: text for call, body in bodies if isinstance(body, Body) and (text := _user_text(body.request))
    }


def _user_text(request: Mapping[str, Any]) -> str:
    messages = request.get("messages")
    users = (
        [one for one in messages if isinstance(one, Mapping) and one.get("role") == "user"]
        if isinstance(messages, list)
        else []
    )
    content = users[-1].get("content") if users else None
    if isinstance(content, str):
        return content[:_TEXT_CHARS]
    blocks = content if isinstance(content, list) else []
    texts = [block.get("text") for block in blocks if isinstance(block, Mapping) and block.get("type") == "text"]
    return "\n".join(text for text in texts if isinstance(text, str))[:_TEXT_CHARS]


def _of(grader: object, name: str) -> str:
    return str(getattr(grader, name, type(grader).__name__))
