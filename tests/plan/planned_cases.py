"""Plans of one workload, written by hand: what differs is named, the rest is plain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from baseload.levers.options import BatchOutcome, CacheMark, CacheOutcome, Fix, Menu, RouteOption
from baseload.plan.choice import Choice, Lever
from baseload.plan.planned import Planned, PlannedStep
from baseload.plan.span import Span
from baseload.values import Grade, Workload

USD = 1_000_000_000
OPUS, HAIKU = "claude-opus-5-5", "claude-haiku-5-5"
MARKS = (
    CacheMark(section="tools", after="last_tool", ttl="1h"),
    CacheMark(section="system", after="system:1", ttl="5m"),
    CacheMark(section="messages", after="tail", ttl="5m"),
)
BATCH = BatchOutcome(
    deadline_us=4 * 3_600_000_000,
    deadline_source="declared",
    share_low=0.9,
    share_likely=0.95,
    share_high=1.0,
    hits_low=0.3,
    hits_high=0.98,
    calls=1_000,
)


def usd(low: int, likely: int, high: int) -> Span:
    """A span in whole dollars."""
    return Span(low=low * USD, likely=likely * USD, high=high * USD)


def workload(name: str = "triage", **other: Any) -> Workload:
    plain: dict[str, Any] = {"id": f"w-{name}", "name": name, "stage": "tag", "why": f"Its caller tags it {name}."}
    return Workload(**{**plain, **other})


def cached(model: str, **other: Any) -> CacheOutcome:
    plain: dict[str, Any] = {
        "policy": "plan",
        "model": model,
        "uncached_share": 0.1,
        "read_share": 0.8,
        "write_5m_share": 0.1,
        "write_1h_share": 0.0,
        "spread": 0.02,
        "calls": 1_000,
        "marks": MARKS,
    }
    return CacheOutcome(**{**plain, **other})


def menu(verdict: str = "assumed", **other: Any) -> Menu:
    """Opus today, or Haiku at low effort; a cache plan for both, batches, and fast mode to switch off."""
    option: dict[str, Any] = {"model": HAIKU, "effort": "low", "verdict": verdict}
    if verdict == "holds":
        option |= {"verdict_id": "v-1", "grade": "replayed"}
    plain: dict[str, Any] = {
        "workload": "w-triage",
        "fixes": (Fix(kind="speed"),),
        "routes": (RouteOption(model=OPUS, today=True, grade="measured"), RouteOption(**option)),
        "caches": (cached(OPUS), cached(HAIKU)),
        "batch": BATCH,
    }
    return Menu(**{**plain, **other})


def plan(
    *steps: tuple[Lever, Span, Grade],
    choice: Choice | None = None,
    options: Menu | None = None,
    billed: int = 1_000,
    of: Workload | None = None,
    cost: Mapping[Grade, int] | None = None,
    coding_agent: Any = "",
    saving: Span | None = None,
) -> Planned:
    """A workload that costs `billed` whole dollars a year and saves the sum of its steps; `cost` in whole dollars."""
    whole = saving or sum((span for _, span, _ in steps), Span())
    after = billed * USD - whole.likely
    by_grade = {grade: dollars * USD for grade, dollars in cost.items()} if cost else {"measured": after}
    return Planned(
        workload=of or workload(),
        menu=options or menu(),
        choice=choice or Choice(),
        billed_nano=billed * USD,
        saving=whole,
        steps=tuple(PlannedStep(lever=lever, saving=span, grade=grade) for lever, span, grade in steps),
        billed_by_grade={"measured": billed * USD},
        cost_by_grade=by_grade,  # type: ignore[arg-type]  # the keys are grades
        moves_from=(OPUS,) if choice is not None and choice.route else (),
        coding_agent=coding_agent,
    )
