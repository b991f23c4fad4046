"""The same offer in the other basis: list dollars or dollars net of the discount.

Under marginal bands every list amount has one net amount. Under all-units bands the net cost drops at each band's
floor, so that a list commitment just below a floor has no net twin: those are refused. Equal cost is exact while the
discount of a dollar does not change after it is committed; where years lie in different bands, a dollar that rolls on
is worth list dollars in one basis and net dollars in the other, and the two offers truly differ.
"""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

from msgspec.structs import replace

from baseload.commit.bands import discounts_at, key_of_year, ladder
from baseload.commit.clauses import ONE, ZERO, Band
from baseload.commit.contract import Contract
from baseload.commit.refusal import CommitError


def in_net_basis(contract: Contract) -> Contract:
    """A list-basis contract written in net dollars: commitments, bands and credits. Raises CommitError."""
    if contract.commit_basis == "net":
        return contract
    discounts = [discounts_at(contract, key_of_year(contract, year)) for year in range(contract.years)]
    extra = contract.prepay_discount if contract.payment == "upfront" else ZERO
    net = replace(
        contract,
        commit_basis="net",
        commit_usd_by_year=tuple(
            commit * (ONE - one.committed) for commit, one in zip(contract.commit_usd_by_year, discounts, strict=True)
        ),
        bands=tuple(
            Band(from_usd=floor, discount=band.discount - extra)
            for band, floor in zip(ladder(contract), _net_floors(contract), strict=True)
        ),
        credits_usd=contract.credits_usd * (ONE - discounts[0].committed),
    )
    for year, one in enumerate(discounts):
        if abs(discounts_at(net, key_of_year(net, year)).committed - one.committed) > Decimal("1e-12"):
            raise CommitError(
                "commit_usd_by_year", contract.commit_usd_by_year[year], "an amount that costs less than the next band"
            )
    return net


def _net_floors(contract: Contract) -> list[Decimal]:
    bands = ladder(contract)
    if contract.band_mode == "all_units":
        return [band.from_usd * (ONE - band.discount) for band in bands]
    floors = [ZERO]
    for lower, upper in pairwise(bands):
        floors.append(floors[-1] + (upper.from_usd - lower.from_usd) * (ONE - lower.discount))
    return floors
