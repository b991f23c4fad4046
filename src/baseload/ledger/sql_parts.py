"""Pieces of SQL in the portable subset that questions outside `ledger.queries` are built from."""

from __future__ import annotations


def canonical_calls(*columns: str, where: str = "") -> str:
    """SELECT of the stored calls (grain "call") that no better copy has replaced; `where` holds further conditions."""
    listed = ", ".join(f"stored_calls.{name}" for name in columns)
    condition = f" AND {where}" if where else ""
    return (
        f"SELECT {listed} FROM stored_calls LEFT JOIN superseded ON superseded.row_id = stored_calls.row_id "
        f"WHERE superseded.row_id IS NULL AND stored_calls.grain = 'call'{condition}"
    )


def total(expression: str) -> str:
    """A sum that every engine gives back as a 64-bit integer."""
    return f"CAST(SUM({expression}) AS BIGINT)"


def count_if(condition: str) -> str:
    return f"COUNT(CASE WHEN {condition} THEN 1 END)"


def overlap(end: str, low: str, high: str) -> str:
    """Length of what [0, end) and [low, high) share."""
    top = f"CASE WHEN {end} < {high} THEN {end} ELSE {high} END"
    return f"CASE WHEN {top} > {low} THEN {top} - {low} ELSE 0 END"
