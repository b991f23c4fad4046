"""What a buyer may ask for: one table, each ask with what it does to a contract and wording for counsel.

The wording is a starting point for a lawyer, not advice; terms in capitals are defined in the ask itself. Nothing here
says that a vendor would agree.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final, NamedTuple

import msgspec

from baseload.commit.bands import discounts_at, key_of_year
from baseload.commit.clauses import ONE, Band, CarryForward, Overage, PriceRule, StepDown, StepUp, Termination, Unused
from baseload.commit.contract import Contract
from baseload.commit.paths import Paths
from baseload.commit.refusal import CommitError
from baseload.commit.worth.draft import replaced
from baseload.commit.worth.options import Measure

MID_YEAR: Final = 6
Change = Callable[[Contract], dict[str, Any]]


class Ask(NamedTuple):
    """`clause`: the part of the contract that it changes (two asks of one clause exclude each other)."""

    name: str
    clause: str
    says: str
    wording: str
    change: Change
    measure: Measure = "cost"
    blend: bool = False  # overage half way: priced as the mean of list and committed overage, at every size its own
    needs: str = ""  # what the paths or the offer must hold for it to be worth anything: see `why_not`


def _half_way(contract: Contract) -> dict[str, Any]:
    """The multiple of the committed rate that is half way to list at the stated size, else at the middle band."""
    middle = contract.bands[len(contract.bands) // 2].discount
    sized = bool(contract.commit_usd_by_year)
    discount = discounts_at(contract, key_of_year(contract, 0)).beyond if sized else middle
    multiple = ((ONE + ONE - discount) / 2) / (ONE - discount)
    return {"overage": Overage(rule="multiple", multiple=multiple.quantize(Decimal("0.0001")))}


def _roll(share: str) -> Change:
    unused = Unused(rule="roll", months=12, share=Decimal(share))
    return lambda _: {"unused": unused, "roll_condition": None}


def _step_down(share: str, band: str) -> Change:
    right = StepDown(windows=(MID_YEAR,), share=Decimal(share))
    return lambda _: {"step_down": right, "step_down_band": band}


def _price(rule: str) -> Change:
    return lambda _: {
        "price_rule": msgspec.convert({"rule": rule}, PriceRule),
        "hold_months": None,
        "list_decrease_passthrough": None,
    }


def _pay(payment: str) -> Change:
    return lambda _: {"payment": payment, "shortfall_rate": "net"}


def _next_bands(contract: Contract) -> dict[str, Any]:
    bands = contract.bands
    raised = [*(band.discount for band in bands[1:]), bands[-1].discount]
    return {"bands": tuple(Band(from_usd=b.from_usd, discount=new) for b, new in zip(bands, raised, strict=True))}


def _one_point(contract: Contract) -> dict[str, Any]:
    return {"bands": tuple(Band(from_usd=b.from_usd, discount=b.discount + Decimal("0.01")) for b in contract.bands)}


def _set(**fields: Any) -> Change:
    return lambda _: fields


ASKS: Final = (
    Ask(
        "overage_committed",
        "overage",
        "Usage beyond the balance at the committed rate",
        "Usage in excess of the Committed Amount in a Contract Year shall be invoiced at the Committed Rate, being "
        "List Price less the discount of the band of the Committed Amount.",
        _set(overage=Overage(rule="committed")),
    ),
    Ask(
        "overage_half_way",
        "overage",
        "Usage beyond the balance half way between the committed rate and list",
        "Usage in excess of the Committed Amount shall be invoiced at the mean of the Committed Rate and List Price.",
        _half_way,
        blend=True,
    ),
    Ask(
        "overage_retro",
        "overage_retro",
        "A year whose usage reaches a higher band is re-rated at it, with no commitment too",
        "Where usage in a Contract Year reaches the threshold of a higher band, all usage of that year shall be "
        "re-rated at that band's discount and the difference credited within 30 days of its end.",
        _set(overage_retro=True),
        needs="annual bands",
    ),
    Ask(
        "refund_50",
        "unused",
        "Half of what was paid for unused commitment comes back",
        "Within 30 days of the end of a Contract Year, Provider shall refund 50 % of fees paid for the Unused Amount, "
        "being the Committed Amount less Eligible Usage.",
        _set(unused=Unused(rule="refund", share=Decimal("0.5")), roll_condition=None),
    ),
    Ask(
        "roll_50",
        "unused",
        "Half of unused commitment rolls on for 12 months",
        "50 % of the Unused Amount of a Contract Year may be drawn in the following 12 months, before that year's "
        "Committed Amount.",
        _roll("0.5"),
        needs="two years",
    ),
    Ask(
        "roll_100",
        "unused",
        "All unused commitment rolls on for 12 months",
        "The Unused Amount of a Contract Year may be drawn in the following 12 months, before that year's Committed "
        "Amount.",
        _roll("1"),
        needs="two years",
    ),
    Ask(
        "credit_12",
        "unused",
        "Unused commitment becomes a credit against usage beyond the balance for 12 months",
        "Fees paid for the Unused Amount shall be credited against invoices for usage beyond the Committed Amount in "
        "the following 12 months, at List Price.",
        _set(unused=Unused(rule="credit", months=12), roll_condition=None),
        needs="two years",
    ),
    Ask(
        "extend_3",
        "unused",
        "Unused commitment may be drawn for 3 months more, past the end of the term too",
        "Customer may draw the Unused Amount for three months after the period for which it was committed, including "
        "after expiry of this Order.",
        _set(unused=Unused(rule="extend", months=3), roll_condition=None),
        needs="months after the term",
    ),
    Ask(
        "carry_forward_50",
        "carry_forward",
        "Half of usage beyond the balance counts toward next year's commitment",
        "50 % of usage in excess of the Committed Amount of a Contract Year shall reduce the Committed Amount of the "
        "next, by at most 25 % of it.",
        _set(carry_forward=CarryForward(share=Decimal("0.5"), cap=Decimal("0.25"))),
        needs="two years",
    ),
    Ask(
        "step_down_20_keep",
        "step_down",
        "Lower the remaining commitment by up to 20 % at month 6, discount kept",
        "Once, with effect from the seventh month, Customer may reduce the Committed Amount of the remaining months by "
        "up to 20 %. The discount of the original Committed Amount continues to apply.",
        _step_down("0.20", "keep"),
        needs="month 6",
    ),
    Ask(
        "step_down_30_keep",
        "step_down",
        "Lower the remaining commitment by up to 30 % at month 6, discount kept",
        "Once, with effect from the seventh month, Customer may reduce the Committed Amount of the remaining months by "
        "up to 30 %. The discount of the original Committed Amount continues to apply.",
        _step_down("0.30", "keep"),
        needs="month 6",
    ),
    Ask(
        "step_down_20_retier",
        "step_down",
        "Lower the remaining commitment by up to 20 % at month 6, at the lower commitment's discount",
        "Once, with effect from the seventh month, Customer may reduce the Committed Amount of the remaining months by "
        "up to 20 %, at the discount of the band of the reduced Committed Amount.",
        _step_down("0.20", "retier"),
        needs="month 6",
    ),
    Ask(
        "step_up_6",
        "step_up",
        "Add commitment at month 6, the band following from then on",
        "With effect from the seventh month Customer may increase the Committed Amount; the discount of the increased "
        "Committed Amount applies from that month.",
        _set(step_up=StepUp(windows=(MID_YEAR,))),
        needs="month 6",
    ),
    Ask(
        "leave_12",
        "termination",
        "Leave after 12 months, paying half of what remains",
        "Customer may terminate with effect from the end of the first Contract Year against payment of 50 % of the "
        "Committed Amounts not yet due.",
        _set(termination=Termination(month=12, share=Decimal("0.5"))),
        needs="two years",
    ),
    Ask(
        "lower_of",
        "price_rule",
        "The discount off the lower of today's and then-current list price",
        "Prices shall be List Price less the discount, where List Price is the lower of that published on the "
        "Effective Date and that published on the date of use.",
        _price("lower_of"),
        needs="list prices that move",
    ),
    Ask(
        "fixed_price",
        "price_rule",
        "The discount off today's list price for the whole term",
        "Prices shall be the List Price published on the Effective Date less the discount, for the whole term.",
        _price("fixed_price"),
        needs="list prices that move",
    ),
    Ask(
        "price_hold_12",
        "price_rule",
        "The lower of today's and then-current list price for 12 months",
        "For twelve months from the Effective Date, List Price is the lower of that published on the Effective Date "
        "and that published on the date of use.",
        lambda contract: {**_price("lower_of")(contract), "hold_months": min(12, contract.term_months)},
        needs="list prices that move, beyond a year",
    ),
    Ask(
        "metering_freeze",
        "metering_freeze",
        "Tokens are counted as at signature",
        "Usage shall be metered by the definitions, tokenizer and token classes in force on the Effective Date, or by "
        "an equivalence that leaves the charge for the same input and output unchanged.",
        _set(metering_freeze=True),
        needs="metering that moves",
    ),
    Ask(
        "pay_quarterly",
        "payment",
        "Pay quarterly in place of as offered (present value)",
        "The Committed Amount of a Contract Year shall be invoiced in four equal parts, at the start of each quarter.",
        _pay("quarterly"),
        measure="npv",
    ),
    Ask(
        "pay_arrears",
        "payment",
        "Pay as drawn, the rest at the end of the year (present value)",
        "Usage shall be invoiced monthly in arrears; the Unused Amount, net of the discount, within 30 days of the end "
        "of the Contract Year.",
        _pay("arrears"),
        measure="npv",
    ),
    Ask(
        "all_units",
        "band_mode",
        "The band's discount on every dollar",
        "The discount of the band of the Committed Amount applies to all Eligible Usage from the first dollar.",
        _set(band_mode="all_units"),
        needs="marginal bands",
    ),
    Ask(
        "next_band",
        "bands",
        "Every commitment at the discount of the band above",
        "The discount of the band next above the Committed Amount applies.",
        _next_bands,
        needs="two bands",
    ),
    Ask(
        "one_point",
        "bands",
        "One point more discount in every band",
        "Each discount of the band table is increased by one percentage point.",
        _one_point,
    ),
)
"""In the order in which they are printed where dollars are equal."""
BY_NAME: Final = {ask.name: ask for ask in ASKS}


def apply(ask: Ask, contract: Contract) -> Contract:
    """The offer with the ask granted. Raises CommitError where the offer cannot hold it."""
    return replaced(contract, ask.change(contract))


def ask_named(name: str) -> Ask:
    """Raises CommitError on a name that is not in the table."""
    if name not in BY_NAME:
        raise CommitError("clauses", name, f"one of {', '.join(BY_NAME)}, or a clause that the offer holds")
    return BY_NAME[name]


def why_not(ask: Ask, contract: Contract, paths: Paths) -> str:
    """Why an ask is worth nothing on this offer and these paths, or cannot be granted; "" where it can be priced."""
    term = contract.term_months
    missing = {
        "annual bands": contract.band_mode == "marginal" or contract.band_key == "tcv",
        "two years": term <= 12,
        "months after the term": paths.months <= term,
        "month 6": term <= MID_YEAR,
        "list prices that move": paths.price_index is None,
        "list prices that move, beyond a year": paths.price_index is None or term <= 12,
        "metering that moves": paths.metering is None,
        "marginal bands": contract.band_mode != "marginal",
        "two bands": len(contract.bands) < 2,
    }
    if missing.get(ask.needs):
        return f"needs {ask.needs}"
    try:
        granted = apply(ask, contract)
    except CommitError as error:
        return str(error)
    return "the offer holds it" if granted == contract else ""
