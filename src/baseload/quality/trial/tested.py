"""The verdict of a trial from what it saw, pair by pair: the same code decides a running trial and verifies its record.

Differences carry the weight of their call, so they lie within the sample's bound B; the test divides them and the
margin by B, which leaves the hypothesis as it is and makes the bets shrink with the bound. Where a judge graded, the
margin is x the share of losses it is sure to see, and 0.01 of alpha is spent on that share (quality.md 3.3).
"""

from __future__ import annotations

from collections.abc import Sequence as Many
from typing import Final

import msgspec
import numpy as np

from baseload.errors import UsageError
from baseload.quality.bar import ALPHA, JUDGED_ALPHA, TIERS, Bar, Tier
from baseload.quality.betting import Outcome, Rule, State, Walks
from baseload.quality.decide import Decision, decide, invalid
from baseload.quality.graders.controls import Controls
from baseload.quality.graders.grader import How, weakest
from baseload.quality.sequence import Sequence
from baseload.quality.trial.document import MOST_POINTS, GuardResult, TrialState, WealthPoint
from baseload.quality.trial.earlier import LEAST_ALPHA, alpha_left

MOST_FAULTS: Final = 0.05
"""Of the pairs: more that nobody could grade, and there is no verdict."""
MOST_BLANK: Final = 0.5
"""Of the pairs of a verdict that holds: more on which neither arm scored anything, and there is no verdict."""
SPENT_ON_CONTROLS: Final = ALPHA - JUDGED_ALPHA


class Graded(msgspec.Struct, frozen=True, kw_only=True):
    """One pair as the test takes it: `d` is weighted. `fault` = it could not be graded and counts against the
    candidate. `blank` = neither arm scored anything, by failing or by two wrong answers that differ."""

    call: str
    d: float
    how: How
    tier: Tier
    stratum: str
    fault: bool = False
    blank: bool = False


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What a verdict is made under: the bar, the largest weight, the controls of a judge, and what could not be sent.

    `judged` asks for valid controls. `drawn` calls are in the sample, `not_replayable` of them were left out. This is
    `attempt`; those before it that count ended with the wealths of `earlier`.
    """

    bar: Bar
    bound: float = 1.0
    judged: bool = False
    controls: Controls | None = None
    drawn: int = 0
    not_replayable: int = 0
    attempt: int = 1
    earlier: tuple[float, ...] = ()

    @property
    def not_replayable_share(self) -> float:
        return self.not_replayable / self.drawn if self.drawn else 0.0

    @property
    def margin(self) -> float:
        """The tested one, in points of score; 0 where the judge is worth nothing."""
        sees = (self.controls.sensitivity if self.controls else 0.0) if self.judged else 1.0
        return self.bar.points * sees

    @property
    def alpha(self) -> float:
        """The tested one: what earlier attempts left, less what a judge's controls take. `check` says if it is none."""
        left = self.bar.level * self.alpha_left
        return round(left - SPENT_ON_CONTROLS, 12) if self.judged else left

    @property
    def alpha_left(self) -> float:
        """What earlier attempts left of the bar's alpha, as a share of it; 1 = there were none."""
        return alpha_left(self.bar.level, self.earlier, SPENT_ON_CONTROLS if self.judged else 0.0)

    @property
    def fault(self) -> str:
        """Why no verdict may rest on these terms; "" = one may."""
        share, most = self.not_replayable_share, self.bar.not_replayable_most
        if share > most:
            return f"{share:.1%} of the sample cannot be sent to the candidate; the bar allows {most:.1%}"
        if not self.judged:
            return ""
        if self.controls is None:
            return "the grader compares answers and no controls show what it sees"
        return self.controls.fault


def check(terms: Terms) -> None:
    """Raises UsageError where earlier attempts or a judge's controls leave no alpha, or a weight is out of range."""
    if terms.earlier and terms.alpha < LEAST_ALPHA:
        raise UsageError(
            f"attempt {terms.attempt}: the earlier ones left nothing of the bar's alpha of {terms.bar.level}, so that "
            "none can hold. Wait until their verdicts expire, or try another candidate."
        )
    if terms.judged and terms.alpha <= 0:
        raise UsageError(
            f"alpha {terms.bar.level} of a judged bar; expected more than {SPENT_ON_CONTROLS:.2f}, which its controls "
            "take. Raise alpha, or grade against true answers."
        )
    if not 0 < terms.bound < 1e6:
        raise UsageError(f"the sample's largest weight is {terms.bound}; expected a number above 0")


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict. `decision` is in points of score and states the verdict, guards and faults counted too."""

    state: State
    reason: str
    decision: Decision
    margin: float
    alpha: float
    guards: tuple[GuardResult, ...]
    path: tuple[WealthPoint, ...]
    tier: Tier | None  # the weakest the pairs rest on; None without a pair


class Weighing:
    """A verdict in the making: `see` pairs in their order until `ended`; more are not looked at."""

    def __init__(self, terms: Terms) -> None:
        check(terms)
        self.terms = terms
        self.seen: list[Graded] = []
        self.ended = bool(terms.fault)
        self._rule = None if terms.fault else _rule(terms)
        self._walk = None if self._rule is None else Walks(self._rule)
        self._guards = {name: _Guard(terms) for name in terms.bar.guards} if self._rule else {}

    def see(self, pair: Graded) -> bool:
        """Whether the test has ended, with this pair or before it."""
        if self.ended or self._walk is None:
            return True
        self.seen.append(pair)
        within = pair.d / self.terms.bound
        if not -1 <= within <= 1:  # a NaN too: `result` names the row
            self.ended = True
            return True
        outcome = Outcome(int(self._walk.step(np.array([within]))[0]))
        for name, guard in self._guards.items():
            if in_stratum(name, pair.stratum):
                guard.see(within)
        self.ended = outcome != Outcome.OPEN or any(guard.broken for guard in self._guards.values())
        return self.ended

    @property
    def wealth(self) -> float:
        """Against "worse by the margin", so far; 1 where nothing can be tested."""
        return 1.0 if self._walk is None else float(self._walk.wealth[0])

    def result(self) -> Found:
        """The verdict on what was seen so far."""
        terms = self.terms
        guards = tuple(guard.result(name) for name, guard in self._guards.items())
        if self._rule is None:
            bare = invalid(Rule(margin=terms.bar.points, alpha=max(terms.alpha, 1e-9)), 0, terms.fault)
            decision = msgspec.structs.replace(bare, reason=f"no verdict: {terms.fault}", margin=terms.margin)
            return self._made(decision, guards, ())
        within = [pair.d / terms.bound for pair in self.seen]
        decision = _scaled(decide(within, self._rule), terms)
        broken = [guard.stratum for guard in guards if guard.state == "breaks"]
        fault = self._fault(decision, bool(broken))
        if fault:
            decision = msgspec.structs.replace(decision, verdict="INVALID", reason=f"no verdict: {fault}", fault=fault)
        elif broken and decision.verdict != "INVALID":
            reason = f"worse than the bar in {', '.join(broken)}, which may veto"
            decision = msgspec.structs.replace(decision, verdict="BREAKS", reason=reason)
        path = () if decision.verdict == "INVALID" and decision.estimate is None else self._path(within)
        return self._made(decision, guards, path)

    def _made(self, decision: Decision, guards: tuple[GuardResult, ...], path: tuple[WealthPoint, ...]) -> Found:
        return Found(
            state=decision.verdict,
            reason=decision.reason,
            decision=decision,
            margin=self.terms.margin,
            alpha=self.terms.alpha,
            guards=guards,
            path=path,
            tier=weakest(*(pair.tier for pair in self.seen)) if self.seen else None,
        )

    def _fault(self, decision: Decision, vetoed: bool) -> str:
        """What makes a verdict worth nothing although every row can be read."""
        faults = sum(pair.fault for pair in self.seen)
        if self.seen and faults / len(self.seen) > MOST_FAULTS:
            return f"{faults} of {len(self.seen)} pairs could not be graded; at most {MOST_FAULTS:.0%} may"
        required = self.terms.bar.tier_required
        worse = [pair.tier for pair in self.seen if TIERS.index(pair.tier) > TIERS.index(required)]
        if worse:
            return f"scores rest on {weakest(*worse)}; the bar requires {required}"
        if not self.terms.judged and any(pair.how == "judged" for pair in self.seen):
            return "pairs were judged and no controls show what the judge sees"
        if decision.verdict == "HOLDS" and not vetoed:
            return self._empty()
        if faults and (vetoed or decision.verdict == "BREAKS") and not self._breaks_without_faults():
            return f"it breaks only with the {faults} pairs that could not be graded"
        return ""

    def _empty(self) -> str:
        """Why nothing was shown although no call was lost."""
        blank = sum(pair.blank for pair in self.seen)
        if blank <= MOST_BLANK * len(self.seen):
            return ""
        return f"neither arm scored anything on {blank} of {len(self.seen)} calls: no worse than nothing is no news"

    def _breaks_without_faults(self) -> bool:
        again = Weighing(self.terms)
        for pair in self.seen:
            again.see(msgspec.structs.replace(pair, d=0.0, fault=False) if pair.fault else pair)
        return again.result().state == "BREAKS"

    def _path(self, within: Many[float]) -> tuple[WealthPoint, ...]:
        """At most `MOST_POINTS` of the test's stations, its last among them."""
        assert self._rule is not None  # noqa: S101 - `result` asks for a path of tests that can be walked alone
        walk, sequence, bound = Walks(self._rule), Sequence(), self.terms.bound
        every = max(1, -(-len(within) // (MOST_POINTS - 1)))
        points: list[WealthPoint] = []
        for n, value in enumerate(within, start=1):
            walk.step(np.array([value]))
            sequence.see(value)
            if n % every == 0 or n == len(within):
                low, high = sequence.interval
                points.append(
                    WealthPoint(
                        n=n,
                        wealth=float(walk.wealth[0]),
                        mirror=float(walk.mirror[0]),
                        mean=float(walk.sum[0]) / n * bound,
                        low=max(-1.0, low * bound),
                        high=min(1.0, high * bound),
                    )
                )
        return tuple(points)


class _Guard:
    """One stratum's own test: at the margin and alpha of the whole, without horizon, for its veto alone."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._rule = msgspec.structs.replace(_rule(terms), futility=False, most_calls=None)
        self._walk = Walks(self._rule)
        self._seen: list[float] = []
        self._outcome = Outcome.OPEN

    @property
    def broken(self) -> bool:
        return self._outcome == Outcome.BREAKS

    def see(self, within: float) -> None:
        self._seen.append(within)
        found = Outcome(int(self._walk.step(np.array([within]))[0]))
        if self._outcome not in (Outcome.BREAKS, Outcome.HOLDS):  # past its horizon the bets stay valid
            self._outcome = found

    def result(self, name: str) -> GuardResult:
        sequence, bound = Sequence(), self._terms.bound
        for value in self._seen:
            sequence.see(value)
        low, high = sequence.interval
        states: dict[Outcome, TrialState] = {Outcome.HOLDS: "holds", Outcome.BREAKS: "breaks"}
        return GuardResult(
            stratum=name,
            state=states.get(self._outcome, "not_shown"),
            n=len(self._seen),
            estimate=sum(self._seen) / len(self._seen) * bound if self._seen else 0.0,
            low=max(-1.0, low * bound),
            high=min(1.0, high * bound),
        )


def in_stratum(guard: str, stratum: str) -> bool:
    """Whether a guard watches a call of that stratum: it names all of it, or one of its parts ("tools", "16k").

    >>> in_stratum("tools", "1k|chat|tools|end_turn"), in_stratum("tools", "1k|chat|no tools|end_turn")
    (True, False)
    """
    return guard == stratum or guard in stratum.split("|")


def decided(terms: Terms, pairs: Many[Graded]) -> Found:
    """The verdict on pairs in their order; those after the stop are not looked at."""
    test = Weighing(terms)
    for pair in pairs:
        if test.see(pair):
            break
    return test.result()


def _rule(terms: Terms) -> Rule:
    return Rule(margin=terms.margin / terms.bound, alpha=terms.alpha, most_calls=terms.bar.most_calls)


def _scaled(decision: Decision, terms: Terms) -> Decision:
    """From the test's units back to points of score."""

    def up(value: float | None) -> float | None:
        return None if value is None else min(1.0, max(-1.0, value * terms.bound))

    return msgspec.structs.replace(
        decision,
        margin=terms.margin,
        estimate=up(decision.estimate),
        low=up(decision.low),
        high=up(decision.high),
    )
