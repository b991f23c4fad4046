"""What a reader must know before using the size: each a sentence, in a fixed order."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from baseload.commit.contract import MONTHS_PER_YEAR, Contract, year_months
from baseload.commit.offer import Offer
from baseload.commit.size.amounts import rounded, unit_of
from baseload.commit.size.demand import NOTHING_IN_SCOPE, Demand, nothing_in_scope, remaining_run_rate_usd
from baseload.commit.size.document import Guard, Recommended
from baseload.commit.size.figures import Sized
from baseload.commit.size.guard import later_years
from baseload.commit.size.inputs import are_assumed
from baseload.commit.size.terms import list_value
from baseload.commit.size.worths import wacc_is_assumed
from baseload.commit.worth.values import ASSUMED_WACC

RIGHTS = ("step_down", "step_up", "termination")
RECORDED = ("bridge", "renewal")


def cautions(offer: Offer, demand: Demand, chosen: Sized, recommended: Recommended, guard: Guard) -> tuple[str, ...]:
    """Warnings on the answer, the gravest first."""
    contract = offer.contract
    return tuple(
        filter(
            None,
            [
                _trap(contract, demand, recommended),
                _without_history(demand, guard),
                later_years(chosen.contract, demand) if recommended.decision == "commit" else "",
                _no_savings(demand),
                *_few_months(demand),
                *_of_offer(offer),
                *_of_scope(demand),
                _odd(demand),
            ],
        )
    )


def _trap(contract: Contract, demand: Demand, recommended: Recommended) -> str:
    """The trap: a commitment above what is left once everything pending works."""
    sized = contract.sized(*(Decimal(one) for one in recommended.commit_usd_by_year))
    a_year = [list_value(sized, year) * MONTHS_PER_YEAR / year_months(sized, year) for year in range(sized.years)]
    left = remaining_run_rate_usd(demand) * float(sized.eligible_share)
    over = [year + 1 for year, value in enumerate(a_year) if value > left]
    if not over or not demand.savings:
        return ""
    remains = rounded(left, unit_of(max(a_year), left))
    return (
        f"The commitment of year {' and '.join(map(str, over))} ({max(a_year):,.0f} list dollars a year) "
        f"exceeds the run rate that remains if all pending changes succeed ({remains}): it rests on "
        "growth, or on changes that fail."
    )


def _without_history(demand: Demand, guard: Guard) -> str:
    if demand.history is not None:
        return ""
    return f"{guard.says} Check that what was spent in the last twelve months would carry it too."


def _no_savings(demand: Demand) -> str:
    if demand.savings:
        return ""
    return (
        "No savings are in the demand (--savings or --plan): if routing, caching or batching is pending, "
        "the commitment is too large."
    )


def _few_months(demand: Demand) -> Iterator[str]:
    if demand.history is not None and demand.history.months < MONTHS_PER_YEAR:
        yield f"{demand.history.months} months of history: a year's growth has never been seen, most of it is assumed."


def _of_offer(offer: Offer) -> Iterator[str]:
    contract = offer.contract
    if are_assumed(contract):
        yield "The bands are an assumption of buyers' advisers, no offer: read the range over the band sets."
    unused = [name for name in RIGHTS if getattr(contract, name)]
    if unused:
        yield f"Rights that somebody would have to use are left unused in the size: {', '.join(unused)}."
    last = year_months(contract, contract.years - 1)
    if last != MONTHS_PER_YEAR and contract.years > 1:
        yield f"The last contract year has {last} months; its commitment is looked up in the bands as it stands."
    if contract.seats_usd_per_month or contract.support_usd_per_year:
        yield "Seats and support are in every cost, on demand too: they are separate lines and no usage."
    if contract.channel.shadow_value:
        yield "Costs are less what they are worth in a cloud commitment; the cash invoiced is higher."
    if wacc_is_assumed(offer):
        yield (
            "No cost of capital (wacc) is stated: present value is cash, and clauses that move cash in time are priced "
            f"at an assumed {float(ASSUMED_WACC) * 100:g} % a year."
        )


def _of_scope(demand: Demand) -> Iterator[str]:
    if demand.ends is None:
        if demand.source == "ledger":
            yield "No [[commit.scope]] says which usage the contract covers: all of it is counted, seats are not."
        return
    if nothing_in_scope(demand):
        yield NOTHING_IN_SCOPE
    elif demand.ends.unknown_usd > 0:
        yield (
            f"{demand.ends.unknown_usd:,.0f} list dollars of the ledger may or may not be covered: "
            "the size is given for both ends."
        )


def _odd(demand: Demand) -> str:
    if not demand.odd:
        return ""
    count = len(demand.odd)
    months = "1 odd month is" if count == 1 else f"{count} odd months are"
    return f"{months} in the demand as recorded; nothing was removed."
