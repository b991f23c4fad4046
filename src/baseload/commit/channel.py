"""Buying through a cloud: which of the cash burns a cloud commitment down, and what that is worth (2c.9)."""

from __future__ import annotations

import numpy as np

from baseload.commit.arrays import Array
from baseload.commit.contract import MONTHS_PER_YEAR, Contract


def shadow_by_month(contract: Contract, cash: Array) -> tuple[Array, Array]:
    """Burned-down dollars and their worth, (months, paths), from cash of the same shape.

    In each contract year cash burns down in the order it is paid, up to the marketplace cap. Money back gives the room
    it took back, never more than was burned.
    """
    channel = contract.channel
    if channel.name == "direct" or not channel.cloud_commit_usd_per_year:
        nothing = np.zeros_like(cash)
        return nothing, nothing
    cap = float(channel.marketplace_cap * channel.cloud_commit_usd_per_year)
    burned = np.empty_like(cash)
    for start in range(0, cash.shape[0], MONTHS_PER_YEAR):
        year = slice(start, start + MONTHS_PER_YEAR)
        so_far = np.cumsum(cash[year] * float(channel.eligible_share), axis=0)
        within = np.clip(so_far, 0.0, cap)
        burned[year] = np.diff(within, axis=0, prepend=0.0)
    return burned, burned * float(channel.shadow_value)
