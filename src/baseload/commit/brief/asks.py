"""What to ask for, dearest first, with what may be given for it, and where to walk away."""

from __future__ import annotations

from collections.abc import Iterator

from baseload.commit.brief.arguments import worth_of
from baseload.commit.brief.document import AskRow, Line
from baseload.commit.brief.figures import about, dollars, mean_yearly, points, usd_of, yearly
from baseload.commit.size.document import ClauseRow, SizeDocument

MOST_GIVES = 3


def ask_rows(size: SizeDocument) -> tuple[AskRow, ...]:
    """Every ask that is worth something, by its dollars."""
    asks = [(place, row) for place, row in enumerate(size.clauses) if row.kind == "ask" and _value(row) > 0]
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
                between=f"{dollars(low, low, high)} to {dollars(high, low, high)}",
                points=points(row.discount_points, row.points_beyond),
                gives=tuple(_gives(size, row)) if low > 0 else (),
                wording=row.wording,
                source=f"clauses[{place}]",
            )
        )
    return tuple(rows)


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
        most = about(usd_of(point, "commit_usd"), 3, down=True)
        yield Line(
            says=f"Commitment: above {most} a year this offer costs more than on demand ({about(listed, 3)} over the "
            "term).",
            source=f"curve[{place}], on_demand_usd",
        )
    else:
        yield Line(says="Commitment: no size of this offer costs less than on demand.", source="curve, on_demand_usd")
    commits = yearly(size.recommended.commit_usd_by_year, "recommended.commit_usd_by_year")
    for place, row in enumerate(size.tornado):
        if row.input == "bands" and row.flips_at is not None:
            yield Line(
                says=f"Discount: at {commits} on demand is no dearer once every discount is "
                f"{abs(100 * row.flips_at):.1f} points {'lower' if row.flips_at < 0 else 'higher'}.",
                source=f"tornado[{place}].flips_at",
            )


def _gives(size: SizeDocument, ask: ClauseRow) -> Iterator[str]:
    """Concessions that cost at most what the ask is worth at its low end; one of them, not all."""
    worth = usd_of(ask, "low_usd")
    best = size.recommended
    cost = usd_of(best, "expected_cost_usd")
    now = mean_yearly(best.commit_usd_by_year, "recommended.commit_usd_by_year")
    room = [usd_of(point, "commit_usd") for point in size.curve if usd_of(point, "expected_cost_usd") <= cost + worth]
    if room and max(room) > now:
        yield f"a commitment of up to {about(max(room), 3, down=True)} a year"
    if ask.discount_points is not None and ask.discount_points > 0 and not ask.points_beyond:
        yield f"up to {points(ask.discount_points)} points of discount"
    held = [row for row in size.clauses if row.kind == "has" and 0 <= usd_of(row, "high_usd") <= worth]
    for row in sorted(held, key=_value, reverse=True)[: MOST_GIVES - 2]:
        yield f"the clause {row.clause.replace('_', ' ')} that the offer holds ({worth_of(row)})"


def _value(row: ClauseRow) -> float:
    return usd_of(row, "value_usd")
