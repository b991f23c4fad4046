"""What each lever offers a workload: the seam between the levers, which measure, and the plan, which chooses.

Every option says how it is known (`grade`). Shares are of the tokens or calls they name, 0 to 1. Low, likely and high
are bounds of what is known, not of what will happen.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec

from baseload.values.opportunity import Grade
from baseload.values.verdict import VerdictGrade, VerdictState

CachePolicy = Literal["as_billed", "none", "all_5m", "all_1h", "plan", "edited"]
"""`plan` marks requests as they are sent today; `edited` marks them once their owner has moved what it names."""
Section = Literal["tools", "system", "messages"]
Ttl = Literal["5m", "1h"]


class CacheMark(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One `cache_control` mark: after which part of the request, and how long its entry lives.

    `after` is "last_tool", "system:N" (N-th block of `system`, from 0), "message:N" or "tail" (the end of the last
    message that may carry a mark). At most four per request; 1h before 5m.
    """

    section: Section
    after: str
    ttl: Ttl


class CacheOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """How one workload's prompt tokens bill under one cache policy on one model.

    The four shares are of prompt tokens *as that model counts them* and add to 1. `keep_alive_share` are extra reads
    (tokens no request asked for) over prompt tokens. `spread` is the half-width of a 95 % interval of the input cost,
    as a share of it; 0 for `as_billed`. `calls` is how many calls it was judged on. An outcome with `move_after_prefix`
    is of prompts that their owner has edited: as they are sent today its marks save nothing of it.
    """

    policy: CachePolicy
    model: str
    uncached_share: float
    read_share: float
    write_5m_share: float
    write_1h_share: float
    keep_alive_share: float = 0.0
    spread: float = 0.0
    calls: int = 0
    grade: Grade = "simulated"
    marks: tuple[CacheMark, ...] = ()
    move_after_prefix: tuple[str, ...] = ()  # volatile parts to move behind the static part, named
    note: str = ""


class BatchOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What sending one workload through the Batches API would do, on its real arrivals.

    `share_*`: share of its calls that get an answer from a batch inside the deadline (the rest is spilled to
    synchronous calls at full price, and `double_paid_share` of calls is paid in both). `hits_*`: share of the cache
    reads a synchronous run would have had that are still reads inside batches (best effort, anthropic-facts section 4).
    `blocked_by` names what the Batches API refuses; then nothing of it may be batched.
    """

    deadline_us: int
    deadline_source: Literal["declared", "inferred"]
    share_low: float
    share_likely: float
    share_high: float
    hits_low: float
    hits_high: float
    double_paid_share: float = 0.0
    added_p50_us: int = 0
    added_p95_us: int = 0
    met_share: float = 1.0  # of all its calls, batched or spilled: answered inside the deadline
    window_us: int = 0  # how long a batch collects before it is sent; 0 where nothing is batched
    calls: int = 0
    grade: Grade = "simulated"
    blocked_by: tuple[str, ...] = ()
    note: str = ""


class Rewrite(msgspec.Struct, frozen=True, kw_only=True):
    """One change a request needs before another model takes it (anthropic-facts section 5.4)."""

    feature: str
    action: str  # strip | map | replace, in words: "strip temperature", "thinking disabled -> effort low"


class RouteOption(msgspec.Struct, frozen=True, kw_only=True):
    """One (model, effort) a workload could run on. The first option of every workload is what it runs on today.

    Token factors are on the tokens of today's text: `growth_*` on prompt and output (tokenizer), `output_*` on output
    tokens besides (wordiness, thinking, effort). `band_share_*` are the shares of its cost at the candidate's cheap
    rates that would be charged in its dear band (Haiku 5.5 above 100K) at `growth_*`, for all classes alike; None where
    one band holds everywhere. `excluded_by` names what forbids it; an excluded option is listed and never chosen.
    """

    model: str
    effort: str = ""
    growth_low: Decimal = Decimal(1)
    growth_likely: Decimal = Decimal(1)
    growth_high: Decimal = Decimal(1)
    output_low: Decimal = Decimal(1)
    output_likely: Decimal = Decimal(1)
    output_high: Decimal = Decimal(1)
    band_share_low: float | None = None
    band_share_likely: float | None = None
    band_share_high: float | None = None
    verdict: VerdictState = "assumed"
    verdict_id: str = ""
    verdict_grade: VerdictGrade = "replayed"
    rewrites: tuple[Rewrite, ...] = ()
    excluded_by: tuple[str, ...] = ()
    pool: str = ""  # rate-limit pool it would draw on
    headroom: float | None = None  # peak tokens a minute over the pool's limit; None where the limit is not declared
    same_line: bool = False  # a refresh inside the model's line: no cheaper tier
    today: bool = False
    grade: Grade = "assumed"
    note: str = ""

    @property
    def proven(self) -> bool:
        """Whether a trial of the model itself says that it holds."""
        return self.verdict == "holds" and self.verdict_grade == "replayed"

    @property
    def untested(self) -> bool:
        """Whether nothing is known of the model itself: nobody tried, or it held against a stand-in."""
        return self.verdict == "assumed" or (self.verdict == "holds" and not self.proven)


class Fix(msgspec.Struct, frozen=True, kw_only=True):
    """Waste that can be removed without touching quality: priced on the workload's own positions.

    `repeat`: `share` of its calls (and tokens) repeat an identical, answered request. `speed`: fast mode goes back to
    standard. `geo`: regional or US-only inference goes global. `decision` says who must agree ("" = nobody).
    """

    kind: Literal["repeat", "speed", "geo"]
    share: float = 1.0
    decision: str = ""
    grade: Grade = "measured"
    note: str = ""


class Menu(msgspec.Struct, frozen=True, kw_only=True):
    """Everything one workload could do. `routes[0].today` is true; `caches` has `as_billed` for today's model.

    A cache outcome is looked up by (policy, model of the route); a route whose model has no outcome but as billed
    keeps the shares it has today, with the whole loss of its cache as the pessimistic end.
    """

    workload: str
    fixes: tuple[Fix, ...] = ()
    routes: tuple[RouteOption, ...] = ()
    caches: tuple[CacheOutcome, ...] = ()
    batch: BatchOutcome | None = None
