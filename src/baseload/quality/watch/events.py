"""What a route is told, and what it answers. Times are UTC microseconds and come with the event: nothing reads a clock.

A value that cannot be is refused when the event is made (UsageError), never counted and never silently good news.
"""

from __future__ import annotations

from typing import Final, Literal, get_args

import msgspec

from baseload.errors import UsageError

Signal = Literal["refusal", "schema", "truncation", "retry", "thumbs_down"]
"""What every answer shows for free: refused, not to the schema, cut at max_tokens, asked again, disliked."""
SIGNALS: Final[tuple[Signal, ...]] = get_args(Signal)
Order = Literal["hold", "resume", "roll_back"]


class Graded(msgspec.Struct, frozen=True, kw_only=True, tag="graded"):
    """One paired shadow call was graded: `d` = candidate's score - incumbent's. A candidate that failed scored 0.

    Pairs of one session are not independent: one call a session, or the session's mean (quality.md 0.8).
    """

    at_us: int
    d: float

    def __post_init__(self) -> None:
        if not -1 <= self.d <= 1:  # a NaN fails this too
            raise UsageError(f"d: {self.d}; expected a number from -1 to 1")


class Answered(msgspec.Struct, frozen=True, kw_only=True, tag="answered"):
    """The candidate gave `calls` answers since the last such event (in the shadow stage: replayed ones), so many bad.

    One answer may show several signals. A signal that is left out was not seen.
    """

    at_us: int
    calls: int
    bad: dict[Signal, int] = msgspec.field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.calls < 0:
            raise UsageError(f"calls: {self.calls}; expected 0 or more")
        for signal, count in self.bad.items():
            if not 0 <= count <= self.calls:
                raise UsageError(f"{signal}: {count} of {self.calls} calls; expected 0 to {self.calls}")


class Inputs(msgspec.Struct, frozen=True, kw_only=True, tag="inputs"):
    """Calls that came in, counted in the bins of each feature's reference (`drift.Reference.bin_of`)."""

    at_us: int
    counts: dict[str, tuple[int, ...]]

    def __post_init__(self) -> None:
        for feature, counts in self.counts.items():
            if any(count < 0 for count in counts):
                raise UsageError(f"{feature[:60]}: a negative count; expected 0 or more in every bin")


class Seen(msgspec.Struct, frozen=True, kw_only=True, tag="seen"):
    """What serves and grades now, as the API and the grader name themselves; "" = this event does not say."""

    at_us: int
    candidate: str = ""
    incumbent: str = ""
    system_sha: str = ""
    tools_sha: str = ""
    grader: str = ""


class Ordered(msgspec.Struct, frozen=True, kw_only=True, tag="ordered"):
    """A person decided: hold the ramp, let it go on, or roll back."""

    at_us: int
    order: Order
    who: str
    says: str = ""


class Passed(msgspec.Struct, frozen=True, kw_only=True, tag="passed"):
    """Time went by: what is due by time alone happens."""

    at_us: int


Event = Graded | Answered | Inputs | Seen | Ordered | Passed

Kind = Literal["ramp", "roll_back", "expire", "retest", "shadow"]


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """What the driver does, once, after it wrote the new state.

    `ramp` and `roll_back`: sessions are assigned by the new state, nothing else to do but tell. `expire` and `retest`:
    ask for a new trial. `shadow`: the share of calls that are paired changed. `share` is the new share of a `ramp`,
    `roll_back` or `shadow`. `reason` is one word for machines, `says` one line for people.
    """

    kind: Kind
    reason: str
    says: str
    share: float | None = None
