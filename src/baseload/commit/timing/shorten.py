"""A contract that is signed later and ends with the same horizon: shorter, its bands looked up as a year's amount."""

from __future__ import annotations

from msgspec.structs import replace

from baseload.commit.clauses import Band
from baseload.commit.contract import MONTHS_PER_YEAR, Contract


def shortened(contract: Contract, months: int) -> Contract:
    """The same offer over fewer months, its size open.

    A part of a year commits its part, and is looked up in the bands as the full year it is part of (`band_key`
    average_annual); bands of a total are cut to the months that remain. Windows that no longer come are gone.
    """
    if months >= contract.term_months:
        return replace(contract, commit_usd_by_year=())
    key, bands = contract.band_key, contract.bands
    if key == "annual_commit" and months % MONTHS_PER_YEAR:
        key = "average_annual"
    if key == "tcv":
        bands = tuple(
            Band(from_usd=band.from_usd * months / contract.term_months, discount=band.discount) for band in bands
        )
    return replace(
        contract,
        term_months=months,
        commit_usd_by_year=(),
        bands=bands,
        band_key=key,
        hold_months=None if contract.hold_months is None else min(contract.hold_months, months),
        credits_months=min(contract.credits_months, months),
        **_rights(contract, months),
    )


def _rights(contract: Contract, months: int) -> dict[str, object]:
    """Rights whose windows still come."""
    found: dict[str, object] = {"step_down": None, "step_down_band": "keep", "step_up": None, "termination": None}
    down, up, leave = contract.step_down, contract.step_up, contract.termination
    if down and (windows := tuple(month for month in down.windows if month < months)):
        count = min(down.count, len(windows))
        found |= {"step_down": replace(down, windows=windows, count=count), "step_down_band": contract.step_down_band}
    if up and (windows := tuple(month for month in up.windows if month < months)):
        found["step_up"] = replace(up, windows=windows)
    if leave and leave.month < months:
        found["termination"] = leave
    return found
