"""Draws docs/assets/founding-example.svg and the tables of its page from the contract's own ledger.

python tools/founding_picture.py          writes the picture, prints the tables
python tools/founding_picture.py --check  exit code 1 where the picture in docs/ is not what is computed
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path

from baseload.commit.founding import (
    DEMAND,
    FIRST,
    ROUTED,
    OrderRow,
    Point,
    founding_paths,
    order_paths,
    order_table,
    ramping_paths,
)

PICTURE = Path(__file__).resolve().parent.parent / "docs" / "assets" / "founding-example.svg"
YEARS = 3
WIDTH, HEIGHT = 960, 452
LEFT, TOP, PLOT_WIDTH, PLOT_HEIGHT = 62, 86, 390, 312
TOP_USD = 5_000_000
RATE_LEFT, RATE_WIDTH, RATE_TOP = 704, 120, 2.0
INK, SOFT, RULE, PAPER = "#14181f", "#5d6675", "#dfe3e8", "#ffffff"
FONT = 'font-family="system-ui, -apple-system, Segoe UI, Roboto, Helvetica Neue, Arial, sans-serif"'
COLOURS = {FIRST: "#b3261e", ROUTED: "#1f4a86", DEMAND: "#5d6675"}
WORDS = {FIRST: "commit first", ROUTED: "route first", DEMAND: "never commit"}
CENTRAL = {"trend_discount": Decimal("0.18"), "routed_discount": Decimal("0.14")}
"""What the shipped `central` bands, an assumption, give for 2M and for 0.8M."""


def picture() -> str:
    """The whole drawing as SVG text, the same bytes every time."""
    paths = ramping_paths(YEARS)
    rows = {(row.years, row.order): row for row in order_table(paths)}
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" {FONT} fill="{INK}">',
        "<title>20 % off two million dollars, or route first</title>",
        f"<desc>{_says(rows)}</desc>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" rx="8" fill="{PAPER}"/>',
        *_cash(order_paths(paths, years=YEARS)),
        *_rates(rows),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _says(rows: dict[tuple[int, str], OrderRow]) -> str:
    """What the picture shows, for those who do not see it."""
    said = []
    for years in range(1, YEARS + 1):
        found = {order: rows[years, order] for order in (FIRST, ROUTED, DEMAND)}
        orders = [
            f"{WORDS[order]} {_millions(row.cost_usd)}, {row.effective_rate:.2f} per list dollar"
            for order, row in found.items()
        ]
        said.append(f"Over {years} year{'s' * (years > 1)}: {'; '.join(orders)}.")
    return " ".join(said)


def _cash(lines: dict[str, tuple[Point, ...]]) -> Iterator[str]:
    yield _text(24, 36, "Cash paid so far", size=17, weight=650)
    yield _text(24, 58, "the same usage in each: 2M a year falling to 0.8M over three months", colour=SOFT)
    for usd in range(0, TOP_USD + 1, 1_000_000):
        y = _y(usd)
        yield f'<line x1="{LEFT}" x2="{LEFT + PLOT_WIDTH}" y1="{y}" y2="{y}" stroke="{RULE}"/>'
        yield _text(LEFT - 10, y + 4, f"${usd // 1_000_000}M" if usd else "0", colour=SOFT, anchor="end")
    for month in range(0, 12 * YEARS + 1, 6):
        yield _text(_x(month), TOP + PLOT_HEIGHT + 22, str(month), colour=SOFT, anchor="middle")
    yield _text(LEFT + PLOT_WIDTH / 2, TOP + PLOT_HEIGHT + 42, "months after signature", colour=SOFT, anchor="middle")
    for order, points in lines.items():
        drawn = " ".join(f"{_x(point.month)},{_y(point.paid_usd)}" for point in points)
        dash = ' stroke-dasharray="5 4"' if order == DEMAND else ""
        yield (
            f'<polyline points="{drawn}" fill="none" stroke="{COLOURS[order]}" stroke-width="2.5" '
            f'stroke-linejoin="round"{dash}/>'
        )
        end = points[-1]
        yield _text(
            _x(end.month) + 8, _y(end.paid_usd) + 5, f"{WORDS[order]} {_millions(end.paid_usd)}",
            colour=COLOURS[order], weight=600,
        )  # fmt: skip


def _rates(rows: dict[tuple[int, str], OrderRow]) -> Iterator[str]:
    yield _text(RATE_LEFT - 24, 36, "Cash for one list dollar used", size=17, weight=650)
    yield _text(RATE_LEFT - 24, 58, "over 1, 2 and 3 years", colour=SOFT)
    for years in range(1, YEARS + 1):
        base = TOP + 4 + (years - 1) * 108
        yield _text(RATE_LEFT - 24, base + 46, f"{years}y", colour=SOFT)
        for place, order in enumerate((FIRST, DEMAND, ROUTED)):
            rate, y = rows[years, order].effective_rate, base + place * 28
            width = round(RATE_WIDTH * rate / RATE_TOP, 1)
            fill = COLOURS[order]
            yield f'<rect x="{RATE_LEFT + 6}" y="{y}" width="{width}" height="22" rx="2" fill="{fill}"/>'
            said = f"{rate:.2f}"
            yield _text(RATE_LEFT + 12 + width, y + 16, said, colour=fill, weight=650)
            yield _text(RATE_LEFT + 50 + width, y + 16, WORDS[order], colour=SOFT, size=12)


def _text(
    x: float, y: float, said: str, *, colour: str = INK, size: int = 13, weight: int = 400, anchor: str = "start"
) -> str:
    return (
        f'<text x="{round(x, 1)}" y="{round(y, 1)}" font-size="{size}" font-weight="{weight}" '
        f'text-anchor="{anchor}" fill="{colour}">{said}</text>'
    )


def _x(month: float) -> float:
    return round(LEFT + PLOT_WIDTH * month / (12 * YEARS), 1)


def _y(usd: float) -> float:
    return round(TOP + PLOT_HEIGHT * (1 - usd / TOP_USD), 1)


def _millions(usd: float) -> str:
    return f"${usd / 1e6:.2f}M"


def tables() -> dict[str, Sequence[OrderRow]]:
    """The three tables of the page, by the heading they stand under."""
    return {
        "As the example is told": order_table(founding_paths(YEARS)),
        "With three months of routing": order_table(ramping_paths(YEARS)),
        "With a smaller discount for a smaller commitment": order_table(ramping_paths(YEARS), **CENTRAL),
    }


def markdown(rows: Sequence[OrderRow]) -> list[str]:
    """One table of the page, line by line."""
    head = [
        "| years | order | usage at list | cash | cash per list dollar | committed and never used |",
        "|---|" + "---:|" * 5,
    ]
    head[1] = "|---|---|---:|---:|---:|---:|"
    return head + [
        f"| {row.years} | {WORDS[row.order]} | {row.list_usd:,.0f} | {row.cost_usd:,.0f} | {row.effective_rate:.3f} | "
        f"{row.unused_usd:,.0f} |"
        for row in rows
    ]


def main(arguments: Sequence[str]) -> int:
    drawn = picture()
    if "--check" in arguments:
        return int(not PICTURE.is_file() or PICTURE.read_text(encoding="utf-8") != drawn)
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    PICTURE.write_text(drawn, encoding="utf-8")
    for title, rows in tables().items():
        print(f"\n## {title}\n", *markdown(rows), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
