"""Writing `offer.yaml`: every parameter, in the order of the table, with what it means beside it.

Nothing here can be read back differently: text is quoted, numbers are plain decimals.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec

from baseload.commit.contract import Contract
from baseload.commit.offer import ALONE

COMMENTS: Final = {
    "name": "how this offer is called in tables",
    "currency": "USD alone; convert before you write",
    "term_months": "[1] contract years are of twelve months; the last may be shorter",
    "commit_usd_by_year": "[2] in dollars of commit_basis; leave it out to have it sized",
    "commit_basis": "[3] which dollars draw the balance: list, or net. Ask: it changes the size by 1/(1-d)",
    "period": "[4] when the balance is tested: month, quarter, year, term",
    "bands": "[5] from so many dollars of commitment on, this discount as a fraction",
    "band_key": "[6] what is looked up: annual_commit, average_annual, tcv",
    "band_mode": "[7] all_units: one discount on every dollar; marginal: each dollar at its own band's",
    "overage": "[8] beyond the balance: list, committed, {rule: multiple, multiple: 1.2}, next_band",
    "overage_retro": "[9] true: a year whose usage reaches a higher band is re-rated at it",
    "unused": "[10] forfeit, {rule: roll, months, share, cap}, {rule: credit, months}, {rule: refund, share}, "
    "{rule: extend, months}",
    "roll_condition": "[11] {renew_at_least: 1.0}: roll only into a year that commits as much",
    "roll_order": "[12] rolled_first or new_first",
    "carry_forward": "[13] {share, cap}: excess lowers next year's commitment",
    "shortfall_rate": "[14] arrears: unused commitment invoiced net, or back at list",
    "price_rule": "[15] disc_off_current_list, fixed_price, lower_of, {rule: capped, cap_per_year: 0.05}",
    "hold_months": "[16] how long that holds; the term when left out",
    "list_decrease_passthrough": "[17] true makes fixed_price lower_of",
    "new_model_rule": "[18] same_discount, family_substitution, list",
    "metering_freeze": "[19] true: tokens are counted as at signature",
    "mfn": "[20] recorded, not simulated",
    "payment": "[21] upfront, annual, quarterly, monthly, arrears (as drawn, then a true-up)",
    "payment_lag_days": "[22] days from the due date to the money leaving",
    "wacc": "[22] cost of capital per year, as a fraction",
    "prepay_discount": "[23] added to the discount where payment is upfront",
    "step_down": "[24] {windows: [6], share: 0.2, notice_months, count, fee_usd}",
    "step_down_band": "[25] keep or retier",
    "step_up": "[26] {windows: [6], band: prospective or retroactive}",
    "true_forward": "[27] {share, window_months}: next year's least commitment from this year's peak",
    "termination": "[28] {month: 12, share: 0.5}: leave, paying this share of what remains",
    "renewal": "[29] {auto, rate_cap, notice_days, commit_floor}",
    "seats_usd_per_month": "[30] a separate line, no usage",
    "support_usd_per_year": "[30]",
    "credits_usd": "[30] promotional, in dollars of commit_basis, drawn first",
    "credits_months": "[30] 0 = the term",
    "channel": "[31] direct, or {name: aws, eligible_share, marketplace_cap, cloud_commit_usd_per_year, shadow_value}",
    "carve_outs": "[32] [{name, usage_share}] outside at list, or {name, minimum_share} inside (recorded)",
    "bridge": "[33] {term_months: 3, discount, commit_usd, resign: frozen or none}",
    "capacity_usd_per_year": "[34] recorded, not simulated",
}
_HEADER: Final = (
    "An offer, as `baseload commit` reads it. Every key: docs/reference/offer.md.",
    "Amounts are US dollars without tax, shares and discounts are fractions. A key that is left out is assumed.",
)


def write_offer(contract: Contract, *, notes: Sequence[str] = (), every_key: bool = True) -> str:
    """The file. With `every_key` false only what differs from the default, and what every offer must say."""
    lines = [f"# {line}".rstrip() for line in (*_HEADER, *notes)]
    for field in msgspec.structs.fields(contract):
        value = getattr(contract, field.name)
        if not every_key and not field.required and value == field.default:
            continue
        lines += ["", f"# {COMMENTS[field.name]}"]
        lines += _key(field.name, value)
    return "\n".join(lines) + "\n"


def _key(name: str, value: Any) -> Iterator[str]:
    """A key with its value; one that is not there is a comment."""
    if value is None or value == ():
        yield f"# {name}:"
    elif name == "bands":
        yield f"{name}:"
        yield from (f"  - {_flow(band)}" for band in value)
    else:
        yield f"{name}: {_alone(name, value) or _flow(value)}"


def _alone(name: str, value: Any) -> str:
    """A clause of which only the one key differs from its defaults, as that value; "" for any other."""
    if name not in ALONE:
        return ""
    stated, key = _stated(value), ALONE[name]
    if not stated:  # nothing differs: the key is written all the same
        return _flow(getattr(value, key))
    return _flow(stated[key]) if set(stated) == {key} else ""


def _stated(value: msgspec.Struct) -> dict[str, Any]:
    """Keys of a clause that differ from their defaults, and those that have none."""
    return {
        field.name: getattr(value, field.name)
        for field in msgspec.structs.fields(value)
        if field.required or getattr(value, field.name) != field.default
    }


def _flow(value: Any) -> str:
    """A value on one line."""
    if isinstance(value, msgspec.Struct):
        return "{" + ", ".join(f"{name}: {_flow(part)}" for name, part in _stated(value).items()) + "}"
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, int):
        return str(value)
    text = str(value)
    return (
        text
        if text.replace("_", "").isalpha() and text not in ("true", "false", "null")
        else json.dumps(text, ensure_ascii=False)
    )
