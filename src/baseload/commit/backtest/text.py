"""The back-test as lines of text: the table, then what it says."""

from __future__ import annotations

from baseload.commit.backtest.run import Backtest, RuleRow

_HEAD = f"{'committed by':56} {'saved':>7} {'regret':>8} {'worst 5 %':>10} {'dearer':>7}"


def backtest_lines(found: Backtest) -> list[str]:
    """Regret in % of the cost of knowing the year; dearer = share of origins that cost more than no commitment."""
    if not found.rows:
        return [found.reading]
    lines = [_HEAD, *map(_line, found.rows)]
    lines.append(f"{'knowing the year':56} {found.best_saving_share:7.1%}")
    if found.left_out:
        lines.append(f"Left out of every rule: {', '.join(found.left_out)}.")
    return [*lines, found.reading]


def _line(row: RuleRow) -> str:
    return (
        f"{row.says:56} {row.saving_share:7.1%} {row.regret_mean_share:8.1%} {row.regret_p95_share:10.1%} "
        f"{row.worse_share:7.0%}"
    )
