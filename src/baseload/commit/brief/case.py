"""What a case adds to our side's edition: leverage, where to walk away, effort, schedule. Never to the other one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from baseload.commit.brief.document import Line, Row
from baseload.commit.brief.figures import MOST_BYTES, about, chance, dollars, number, outward, usd_of, yearly
from baseload.commit.case.document import SCHEMA, CaseDocument
from baseload.commit.refusal import CommitError
from baseload.commit.size.document import Inputs

_SAME: Final = (
    "offer_sha256", "demand_source", "demand_sha256", "savings", "savings_sha256", "first_month", "term_months",
)  # fmt: skip
"""What a size and a case must have been made from alike, to stand on one page."""


def read_case(data: bytes, size: Inputs) -> CaseDocument:
    """A document of `commit case --json` of the same offer and demand. Raises CommitError."""
    if len(data) > MOST_BYTES:
        raise CommitError("--case", f"{len(data):,} bytes", f"at most {MOST_BYTES:,}")
    try:
        found = msgspec.json.decode(data, type=CaseDocument)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CommitError("--case", str(error), f"{SCHEMA}, as `commit case --json` prints it") from error
    if found.schema != SCHEMA:
        raise CommitError("--case", found.schema, SCHEMA)
    for field in _SAME:
        if getattr(found.inputs, field) != getattr(size, field):
            raise CommitError("--case", f"another {field}", "the offer, demand and savings of the size")
    return found


def leverage_lines(case: CaseDocument) -> Iterator[Line]:
    """Claims about a lean commitment, held or not, and what can be scaled down."""
    for place, one in enumerate(case.leverage.claims):
        word = "Holds" if one.holds else "Does not hold"
        yield Line(says=f"{word}: {one.claim}. {one.says}", source=f"case: leverage.claims[{place}]")
    for place, row in enumerate(case.leverage.removable):
        proven = row.proven_usd_per_month
        by = "" if proven is None else f", {about(number(proven, 'proven_usd_per_month'), 3)} of it by proven changes"
        yield Line(
            says=f"Within {row.days} days {about(usd_of(row, 'list_usd_per_month'), 3)} of list dollars a month can be "
            f"scaled down{by}.",
            source=f"case: leverage.removable[{place}]",
        )


def walk_lines(case: CaseDocument) -> Iterator[Line]:
    for place, one in enumerate(case.walk_away):
        yield Line(says=one.says, source=f"case: walk_away[{place}]")


def move_rows(case: CaseDocument) -> Iterator[Row]:
    for place, one in enumerate(case.leverage.moves):
        lead = f"{one.lead_months} months" if one.lead_months else "none"
        figures = (about(usd_of(one, "cost_usd"), 3), about(usd_of(one, "extra_usd"), 3))
        yield Row(
            cells=(one.move.replace("_", " "), one.phase, *figures, lead), source=f"case: leverage.moves[{place}]"
        )


def effort_rows(case: CaseDocument) -> Iterator[Row]:
    """Net of effort where it is known, else what it may cost at most."""
    for place, one in enumerate(case.effort.rows):
        known = one.npv_usd is not None
        low, high = (one.npv_p10_usd, one.npv_p90_usd) if known else (one.gross_p10_usd, one.gross_p90_usd)
        ends = (number(low, "npv_p10_usd"), number(high, "npv_p90_usd"))
        value = number(one.npv_usd if known else one.gross_npv_usd, "npv_usd")
        effort = about(number(one.effort_usd, "effort_usd"), 3) if one.effort_usd else "not known"
        weeks = "" if one.break_even_person_weeks is None else f"{one.break_even_person_weeks:,.1f}"
        back = f"month {one.payback_month}" if one.payback_month else "not in the term" if known else "not known"
        span = outward(*ends)
        shown = f"{dollars(value, *ends)}{'' if known else ' before effort'}"
        yield Row(
            cells=(one.way, about(usd_of(one, "saves_usd"), 3), effort, shown, span, back, weeks),
            source=f"case: effort.rows[{place}]",
        )


def schedule_rows(case: CaseDocument) -> Iterator[Row]:
    for place, one in enumerate(case.schedule.rows if case.schedule else ()):
        days = (one.ships, one.ship_by, one.start_by or "not known")
        chances = (chance(one.p_shipped), chance(one.p_proven))
        yield Row(cells=(one.name, *days, *chances, one.verdict), source=f"case: schedule.rows[{place}]")


def commitments(case: CaseDocument) -> Iterator[Line]:
    """The commitment as it is usually asked for, beside the one that fits what the plan leaves."""
    for name, one in (("inflated", case.leverage.inflated), ("lean", case.leverage.lean)):
        if one is None:
            continue
        said = "The trend of the last six months billed" if name == "inflated" else "The best on what the plan leaves"
        yield Line(
            says=f"{said}, {yearly(one.commit_usd_by_year, name)}: costs {about(usd_of(one, 'cost_usd'), 3)}; "
            f"{about(usd_of(one, 'unused_usd'), 3)} unused ({chance(one.p_unused)}), overage "
            f"{about(usd_of(one, 'overage_usd'), 3)} ({chance(one.p_overage)}).",
            source=f"case: leverage.{name}",
        )
