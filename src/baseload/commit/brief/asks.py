"""What to ask for, dearest first, with what may be given for it, and where to walk away."""

from __future__ import annotations

from collections.abc import Iterator

from baseload.commit.brief.arguments import shows, worth_of
from baseload.commit.brief.document import AskRow, Line
from baseload.commit.brief.figures import cost, dollars, mean_yearly, outward, points, usd_of, yearly
from baseload.commit.size.document import ClauseRow, SizeDocument
from baseload.commit.worth.asks import BY_NAME

MOST_GIVES = 3
DISCOUNTS = "bands"
"""The part of a contract that is discounts: points of them are no price for more of them."""


def ask_rows(size: SizeDocument) -> tuple[AskRow, ...]:
    """Every ask that is worth something as it is shown, by its dollars."""
    asks = [
        (place, row) for place, row in enumerate(size.clauses) if row.kind == "ask" and _value(row) > 0 and shows(row)
    ]
    asks.sort(key=lambda pair: (-_value(pair[1]), pair[0]))
    rows = []
    for rank, (place, row) in enumerate(asks, 1):
        low, high = usd_of(row, "low_usd"), usd_of(row, "high_usd")
        rows.append(
            AskRow(
                rank=rank,
                ask=row.clause,
                says=row.says,
                worth=dollars(_value(row), low, high),
                between=outward(low, high),
                points=points(row.discount_points, row.points_beyond),
                gives=tuple(_gives(size, row)) if low > 0 else (),
                wording=row.wording,
                source=f"clauses[{place}]",
            )
        )
    return tuple(rows)


def asks_note(size: SizeDocument) -> str:
    """What to know of the table of asks, or why there is none."""
    if ask_rows(size):
        return "Values are each ask alone, at the best size with and without it; they do not add up."
    none = size.recommended.decision == "do_not_commit" and bool(size.clauses)
    return "No ask by itself makes a commitment cheaper than on demand." if none else ""


def walk_away(size: SizeDocument) -> tuple[Line, ...]:
    """The commitment and the discount beyond which on demand is no dearer."""
    return tuple(_walk_away(size))


def _walk_away(size: SizeDocument) -> Iterator[Line]:
    listed = usd_of(size, "on_demand_usd")
    within = [
        (place, point)
        for place, point in enumerate(size.curve)
        if usd_of(point, "commit_usd") > 0 and usd_of(point, "expected_cost_usd") <= listed
    ]
    if within:
        place, point = within[-1]
        most = dollars(usd_of(point, "commit_usd"))
        yield Line(
            says=f"Commitment: above {most} a year this offer costs more than on demand ({cost(size, listed)} over the "
            "term).",
            source=f"curve[{place}], on_demand_usd",
        )
    else:
        yield Line(says="Commitment: no size of this offer costs less than on demand.", source="curve, on_demand_usd")
    commits = yearly(size.recommended.commit_usd_by_year, "recommended.commit_usd_by_year", size.inputs.term_months)
    for place, row in enumerate(size.tornado):
        if row.input == "bands" and row.flips_at is not None:
            yield Line(
                says=f"Discount: at {commits} on demand is no dearer once every discount is "
                f"{abs(100 * row.flips_at):.1f} points {'lower' if row.flips_at < 0 else 'higher'}.",
                source=f"tornado[{place}].flips_at",
            )


def _gives(size: SizeDocument, ask: ClauseRow) -> Iterator[str]:
    """Concessions that cost at most what the ask is worth at its low end; one of them, not all, and never the ask."""
    worth, asked = usd_of(ask, "low_usd"), _changes(ask.clause)
    best = size.recommended
    most = usd_of(best, "expected_cost_usd") + worth
    now = mean_yearly(best.commit_usd_by_year, "recommended.commit_usd_by_year")
    room = [usd_of(point, "commit_usd") for point in size.curve if usd_of(point, "expected_cost_usd") <= most]
    if room and max(room) > now:
        yield f"a commitment of up to {dollars(max(room))} a year"
    if asked != DISCOUNTS and ask.discount_points is not None and ask.discount_points > 0 and not ask.points_beyond:
        yield f"up to {points(ask.discount_points)} points of discount"
    held = [
        row
        for row in size.clauses
        if row.kind == "has" and 0 <= usd_of(row, "high_usd") <= worth and _changes(row.clause) != asked
    ]
    for row in sorted(held, key=_value, reverse=True)[: MOST_GIVES - 2]:
        yield f"the clause {row.clause.replace('_', ' ')} that the offer holds ({worth_of(row)})"


def _changes(clause: str) -> str:
    """The part of the contract that an ask changes, or that a clause held is."""
    return BY_NAME[clause].clause if clause in BY_NAME else clause


def _value(row: ClauseRow) -> float:
    return usd_of(row, "value_usd")
