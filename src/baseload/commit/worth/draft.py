"""The market's first draft, clause by clause: what an offer's clause is compared with.

Advisers agree on it (facts, commit.md 1a): overage at list, unused forfeited, the discount off that month's list, no
rights, no credits. Payment is by contract year, the default of `offer.yaml`.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import msgspec

from baseload.commit.clauses import ZERO, CarryForward, Channel, Overage, PriceRule, Unused
from baseload.commit.contract import Contract
from baseload.commit.offer_write import write_offer
from baseload.commit.worth.options import Measure


class Clause(NamedTuple):
    """Fields of a contract that are one clause, and their values in the first draft. `measure`: cash, or its worth."""

    name: str
    draft: dict[str, Any]
    measure: Measure = "cost"


CLAUSES: Final = (
    Clause("overage", {"overage": Overage(rule="list")}),
    Clause("overage_retro", {"overage_retro": False}),
    Clause("unused", {"unused": Unused(rule="forfeit"), "roll_condition": None, "roll_order": "rolled_first"}),
    Clause("carry_forward", {"carry_forward": CarryForward()}),
    Clause("price_rule", {"price_rule": PriceRule(), "hold_months": None, "list_decrease_passthrough": None}),
    Clause("new_model_rule", {"new_model_rule": "same_discount"}),
    Clause("metering_freeze", {"metering_freeze": False}),
    Clause("payment", {"payment": "annual", "prepay_discount": ZERO, "shortfall_rate": "net"}, "npv"),
    Clause("period", {"period": "year"}),
    Clause("band_mode", {"band_mode": "all_units"}),
    Clause("step_down", {"step_down": None, "step_down_band": "keep"}),
    Clause("step_up", {"step_up": None}),
    Clause("termination", {"termination": None}),
    Clause("true_forward", {"true_forward": None}),
    Clause("credits", {"credits_usd": ZERO, "credits_months": 0}),
    Clause("carve_outs", {"carve_outs": ()}),
    Clause("channel", {"channel": Channel()}),
)
"""What a contract is made of beside its term, its bands and its size. Fees are no clause: they cost what they cost."""
BY_NAME: Final = {clause.name: clause for clause in CLAUSES}
NOT_PRICED: Final = ("renewal", "bridge", "mfn", "capacity_usd_per_year")
"""Terms that change nothing inside one term: renewal and bridge are questions of timing, the others are recorded."""


def held(contract: Contract) -> tuple[Clause, ...]:
    """The clauses in which an offer differs from the first draft."""
    return tuple(clause for clause in CLAUSES if any(getattr(contract, name) != v for name, v in clause.draft.items()))


def without(contract: Contract, clause: Clause) -> Contract:
    """The offer with one clause as in the first draft."""
    return replaced(contract, clause.draft)


def replaced(contract: Contract, fields: dict[str, Any]) -> Contract:
    """The offer with these fields. Raises CommitError where what results contradicts itself."""
    plain: Contract = msgspec.structs.replace(contract, **fields)
    return plain


def stated(contract: Contract, fields: tuple[str, ...]) -> str:
    """How an offer's file writes these fields: the ones that are not assumed, else the first."""
    lines = {
        line.partition(":")[0]: line.partition(":")[2].strip()
        for line in write_offer(contract).splitlines()
        if line and not line.startswith(("#", " "))
    }
    lines["bands"] = _bands(contract)
    plain = {field.name: field.default for field in msgspec.structs.fields(contract) if not field.required}
    shown = [name for name in fields if name in lines and getattr(contract, name) != plain.get(name, msgspec.UNSET)]
    shown = [name for name in shown if name != "commit_basis" or len(shown) == 1] or list(fields[:1])
    return ", ".join(f"{name} {lines[name]}" if name in lines else f"no {name}" for name in shown)


def _bands(contract: Contract) -> str:
    """Bands in a few words, in the offer's basis."""
    first, last = contract.bands[0], contract.bands[-1]
    low, high = (f"{float(band.discount) * 100:g} %" for band in (first, last))
    top = f"{high} from {last.from_usd:,.0f} {contract.commit_basis}"
    return top if len(contract.bands) == 1 else f"{low} from {first.from_usd:,.0f} to {top}"
