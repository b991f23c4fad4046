"""A contract: the 34 parameters of commit.md section 2b as one frozen, validated record.

Numbers in square brackets are the rows of that table. [20] `mfn` and [34] `capacity_usd_per_year` are recorded and
printed, never simulated. A contract without `commit_usd_by_year` is an offer whose size is still open. What
contradicts itself is refused by `CommitError`; what the records leave out is a default, and `offer` says which.
"""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from typing import Final, Literal

import msgspec

from baseload.commit.clauses import (
    ONE,
    ZERO,
    Band,
    Bridge,
    CarryForward,
    CarveOut,
    Channel,
    Overage,
    PriceRule,
    Renewal,
    RollCondition,
    StepDown,
    StepUp,
    Termination,
    Text,
    TrueForward,
    Unused,
)
from baseload.commit.refusal import MOST_MONTHS, CommitError, check_months, check_share, check_usd

MONTHS_PER_YEAR: Final = 12
MOST_BANDS: Final = 50

Basis = Literal["list", "net"]
Period = Literal["month", "quarter", "year", "term"]
BandKey = Literal["annual_commit", "average_annual", "tcv"]
Payment = Literal["upfront", "annual", "quarterly", "monthly", "arrears"]


class Contract(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was offered or signed. Amounts are US dollars exclusive of tax in the basis `commit_basis` says."""

    name: Text = ""
    currency: str = "USD"
    term_months: int  # [1] contract years are of twelve months; the last may be shorter
    commit_usd_by_year: tuple[Decimal, ...] = ()  # [2] least usage per contract year; () = not sized yet
    commit_basis: Basis  # [3] which dollars draw the balance down: list, or net of the discount
    period: Period = "year"  # [4] when the balance is tested
    bands: tuple[Band, ...]  # [5] in dollars of `commit_basis`; below the first band there is no discount
    band_key: BandKey = "annual_commit"  # [6] what is looked up in the bands
    band_mode: Literal["all_units", "marginal"] = "all_units"  # [7] one discount on all, or each dollar at its band's
    overage: Overage  # [8]
    overage_retro: bool = False  # [9] a year whose usage reaches a higher band is re-rated at it as a whole
    unused: Unused  # [10]
    roll_condition: RollCondition | None = None  # [11]
    roll_order: Literal["rolled_first", "new_first"] = "rolled_first"  # [12] which dollars are drawn first
    carry_forward: CarryForward = CarryForward()  # [13]
    shortfall_rate: Basis = "net"  # [14] arrears: the true-up invoices unused commitment net, or back at list
    price_rule: PriceRule = PriceRule()  # [15]
    hold_months: int | None = None  # [16] how long the price rule holds; None = the whole term
    list_decrease_passthrough: bool | None = None  # [17] true makes fixed_price lower_of
    new_model_rule: Literal["same_discount", "family_substitution", "list"] = "same_discount"  # [18]
    metering_freeze: bool = False  # [19] tokens are counted as at signature
    mfn: bool = False  # [20] recorded, not simulated
    payment: Payment = "annual"  # [21] always at the start of what is paid; arrears = as drawn, then a true-up
    payment_lag_days: int = 0  # [22] from the due date to the money leaving
    wacc: Decimal = ZERO  # [22] cost of capital per year
    prepay_discount: Decimal = ZERO  # [23] added to the discount where payment is upfront
    step_down: StepDown | None = None  # [24]
    step_down_band: Literal["keep", "retier"] = "keep"  # [25] is the discount looked up again for the lower commitment
    step_up: StepUp | None = None  # [26]
    true_forward: TrueForward | None = None  # [27]
    termination: Termination | None = None  # [28]
    renewal: Renewal = Renewal()  # [29]
    seats_usd_per_month: Decimal = ZERO  # [30]
    support_usd_per_year: Decimal = ZERO  # [30] paid at the start of each contract year, whole for a part of one
    credits_usd: Decimal = ZERO  # [30] promotional, in dollars of `commit_basis`, drawn before all else
    credits_months: int = 0  # [30] until which month they may be drawn; 0 = the term
    channel: Channel = Channel()  # [31]
    carve_outs: tuple[CarveOut, ...] = ()  # [32]
    bridge: Bridge | None = None  # [33]
    capacity_usd_per_year: Decimal = ZERO  # [34] recorded, not simulated

    def __post_init__(self) -> None:
        _check_alone(self)
        _check_commit(self)
        _check_bands(self)
        _check_prices(self)
        _check_rights(self)

    @property
    def years(self) -> int:
        """Contract years, a last part of one counted."""
        return -(-self.term_months // MONTHS_PER_YEAR)

    @property
    def price_rule_name(self) -> str:
        """[15] with [17]: a fixed price that passes list decreases on is `lower_of`."""
        if self.price_rule.rule == "fixed_price" and self.list_decrease_passthrough:
            return "lower_of"
        return self.price_rule.rule

    @property
    def held_months(self) -> int:
        """[16] Months for which the price rule holds; after them the discount is off that month's list."""
        return self.term_months if self.hold_months is None else self.hold_months

    @property
    def eligible_share(self) -> Decimal:
        """[32] Share of usage that draws the balance, where the paths do not say it themselves."""
        return ONE - sum((part.usage_share for part in self.carve_outs), ZERO)

    def sized(self, *commit_usd_by_year: Decimal | int) -> Contract:
        """The same contract with these commitments; one amount stands for every year."""
        commits = tuple(Decimal(value) for value in commit_usd_by_year)
        return msgspec.structs.replace(self, commit_usd_by_year=commits * self.years if len(commits) == 1 else commits)


def year_months(contract: Contract, year: int) -> int:
    """Months of contract year `year` (0-based): twelve, fewer where the term ends inside it."""
    return min(MONTHS_PER_YEAR, contract.term_months - year * MONTHS_PER_YEAR)


def _check_alone(contract: Contract) -> None:
    if contract.currency != "USD":
        raise CommitError("currency", contract.currency, "USD: currencies are not mixed, convert the offer first")
    check_months("term_months", contract.term_months, least=1)
    check_share("wacc", contract.wacc)
    if not 0 <= contract.payment_lag_days <= 365:
        raise CommitError("payment_lag_days", contract.payment_lag_days, "0 to 365 days")
    for field in ("seats_usd_per_month", "support_usd_per_year", "credits_usd", "capacity_usd_per_year"):
        check_usd(field, getattr(contract, field))
    check_months("credits_months", contract.credits_months)
    if contract.eligible_share < 0:
        raise CommitError("carve_outs.usage_share", ONE - contract.eligible_share, "shares that sum to at most 1")


def _check_commit(contract: Contract) -> None:
    commits = contract.commit_usd_by_year
    for value in commits:
        check_usd("commit_usd_by_year", value)
    if commits and len(commits) != contract.years:
        raise CommitError(
            "commit_usd_by_year",
            f"{len(commits)} amounts",
            f"{contract.years}, one for each contract year of a term of {contract.term_months} months",
        )


def _check_bands(contract: Contract) -> None:
    if not 1 <= len(contract.bands) <= MOST_BANDS:
        raise CommitError("bands", f"{len(contract.bands)} bands", f"1 to {MOST_BANDS}")
    for lower, upper in pairwise(contract.bands):
        if upper.from_usd <= lower.from_usd:
            raise CommitError("bands.from_usd", f"{upper.from_usd} after {lower.from_usd}", "increasing amounts")
        if upper.discount < lower.discount:
            raise CommitError(
                "bands.discount", f"{upper.discount} after {lower.discount}", "discounts that do not fall as bands rise"
            )
    check_share("prepay_discount", contract.prepay_discount, below_one=True)
    check_share("prepay_discount", contract.prepay_discount + contract.bands[-1].discount, below_one=True)
    if contract.overage_retro and contract.band_mode == "marginal":
        raise CommitError("overage_retro", True, "false beside band_mode marginal: no dollar changes its band there")
    if contract.overage_retro and contract.band_key == "tcv":
        raise CommitError("overage_retro", True, "false beside band_key tcv: a year has no band there")


def _check_prices(contract: Contract) -> None:
    rule = contract.price_rule.rule
    if contract.hold_months is not None:
        check_months("hold_months", contract.hold_months, most=contract.term_months)
        if rule == "disc_off_current_list" and contract.hold_months:
            raise CommitError(
                "hold_months", contract.hold_months, "a price_rule that holds something: fixed_price, lower_of, capped"
            )
    if contract.list_decrease_passthrough is False and rule != "fixed_price":
        raise CommitError("list_decrease_passthrough", False, f"nothing or true beside price_rule {rule}")
    if contract.roll_condition and contract.unused.rule != "roll":
        raise CommitError("roll_condition", contract.roll_condition.renew_at_least, "unused: roll beside it")
    if contract.step_down_band == "retier" and not contract.step_down:
        raise CommitError("step_down_band", "retier", "a step_down beside it")
    if contract.shortfall_rate == "list" and contract.payment != "arrears":
        raise CommitError("shortfall_rate", "list", f"net beside payment {contract.payment}: it is for arrears alone")


def _check_rights(contract: Contract) -> None:
    last = contract.term_months - 1
    for field, windows in (
        ("step_down.windows", contract.step_down.windows if contract.step_down else ()),
        ("step_up.windows", contract.step_up.windows if contract.step_up else ()),
        ("termination.month", (contract.termination.month,) if contract.termination else ()),
    ):
        if windows and windows[-1] > last:
            raise CommitError(field, windows[-1], f"at most {last}: a month inside the term, the first being 0")
    check_months("unused.months", contract.unused.months, most=MOST_MONTHS)
