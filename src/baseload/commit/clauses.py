"""The clauses of a contract that carry more than one number, each a small record checked by itself.

Numbers in square brackets are the rows of the parameter table in facts, commit.md section 2b. Shares are fractions,
money is US dollars exclusive of tax, contract months count from 0 (the first month of the term).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

import msgspec

from baseload.commit.refusal import CommitError, check_months, check_share, check_usd, check_windows

Text = Annotated[str, msgspec.Meta(max_length=200)]
ZERO = Decimal(0)
ONE = Decimal(1)


class Band(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[5] From this many dollars of commitment on (inclusive), this discount off list."""

    from_usd: Decimal
    discount: Decimal

    def __post_init__(self) -> None:
        check_usd("bands.from_usd", self.from_usd)
        check_share("bands.discount", self.discount, below_one=True)


class Overage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[8] The price of usage beyond the balance.

    `list` is the price list of that month, without price protection; `committed` the contract's own rate; `multiple`
    that rate times `multiple`; `next_band` the rate of the band above the signed one (the last band's own rate at the
    top).
    """

    rule: Literal["list", "committed", "multiple", "next_band"]
    multiple: Decimal = ONE

    def __post_init__(self) -> None:
        if not self.multiple.is_finite() or not 1 <= self.multiple <= 10:
            raise CommitError(
                "overage.multiple", self.multiple, "1 to 10: overage never costs less than the committed rate"
            )
        if self.multiple != 1 and self.rule != "multiple":
            raise CommitError("overage.multiple", self.multiple, f"no multiple beside rule {self.rule}")


class Unused(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[10] What happens to the balance left when it is tested.

    `roll`: min(`share` x unused, `cap` x that period's commitment) stays drawable for `months` more. Rolled dollars do
    not roll again, and die with the term unless it is renewed. `credit`: the dollars paid for it pay usage beyond the
    balance at list price for `months`. `refund`: `share` of the dollars paid for it come back. `extend`: all of it
    stays drawable for `months` more, past the end of the term too. `months` 0 = until the term ends (roll), for good
    (credit, extend).
    """

    rule: Literal["forfeit", "roll", "credit", "extend", "refund"]
    months: int = 0
    share: Decimal = ONE
    cap: Decimal | None = None

    def __post_init__(self) -> None:
        check_months("unused.months", self.months)
        check_share("unused.share", self.share)
        if self.cap is not None:
            check_share("unused.cap", self.cap)
        if self.rule in ("forfeit", "credit", "extend") and self.share != 1:
            raise CommitError("unused.share", self.share, f"no share beside rule {self.rule}")
        if self.rule != "roll" and self.cap is not None:
            raise CommitError("unused.cap", self.cap, "a cap beside rule roll only")
        if self.rule in ("forfeit", "refund") and self.months:
            raise CommitError("unused.months", self.months, f"no months beside rule {self.rule}")


class RollCondition(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[11] Unused dollars roll only into a year that commits at least this share of the year they come from."""

    renew_at_least: Decimal

    def __post_init__(self) -> None:
        check_share("roll_condition.renew_at_least", self.renew_at_least, most=Decimal(10))


class CarryForward(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[13] `share` of usage beyond the balance lowers next year's commitment, up to `cap` of that commitment."""

    share: Decimal = ZERO
    cap: Decimal = ONE

    def __post_init__(self) -> None:
        check_share("carry_forward.share", self.share)
        check_share("carry_forward.cap", self.cap)


class PriceRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[15] Which list price the discount is taken off.

    `fixed_price`: the one at signature. `disc_off_current_list`: that month's. `lower_of`: whichever is lower.
    `capped`: that month's, at most the one at signature grown by `cap_per_year` with each contract year.
    """

    rule: Literal["fixed_price", "disc_off_current_list", "lower_of", "capped"] = "disc_off_current_list"
    cap_per_year: Decimal = ZERO

    def __post_init__(self) -> None:
        check_share("price_rule.cap_per_year", self.cap_per_year, most=Decimal(5))
        if self.cap_per_year and self.rule != "capped":
            raise CommitError("price_rule.cap_per_year", self.cap_per_year, f"no cap beside rule {self.rule}")


class StepDown(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[24] The buyer may lower the commitment of the months that remain, by at most `share`, in each window.

    `count`: how often (0 = in every window). `notice_months`: how long before its month a window must be used.
    `fee_usd`: per use.
    """

    windows: tuple[int, ...]
    share: Decimal
    notice_months: int = 0
    count: int = 1
    fee_usd: Decimal = ZERO

    def __post_init__(self) -> None:
        check_windows("step_down.windows", self.windows)
        check_share("step_down.share", self.share)
        check_months("step_down.notice_months", self.notice_months)
        check_usd("step_down.fee_usd", self.fee_usd)
        if not 0 <= self.count <= len(self.windows):
            raise CommitError("step_down.count", self.count, f"0 to {len(self.windows)}, the number of windows")
        if self.windows and self.notice_months > self.windows[0]:
            raise CommitError("step_down.notice_months", self.notice_months, "notice that fits before the first window")


class StepUp(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[26] The buyer may add commitment for the months that remain; the band follows from then on, or for the year."""

    windows: tuple[int, ...]
    band: Literal["prospective", "retroactive"] = "prospective"

    def __post_init__(self) -> None:
        check_windows("step_up.windows", self.windows)


class TrueForward(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[27] Next year's commitment is at least `share` of the year's peak, annualized, and never falls again.

    The peak is the highest running total of `window_months` whole months of the contract year.
    """

    share: Decimal
    window_months: int = 1

    def __post_init__(self) -> None:
        check_share("true_forward.share", self.share)
        check_months("true_forward.window_months", self.window_months, least=1, most=12)


class Termination(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[28] The buyer may leave at the start of contract month `month`, paying `share` of what remains committed."""

    month: int
    share: Decimal = ZERO

    def __post_init__(self) -> None:
        check_months("termination.month", self.month, least=1)
        check_share("termination.share", self.share)


class Renewal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[29] The next term: does it start by itself, how much may the rate rise, how low may its commitment be.

    `rate_cap` is the highest rise of the committed rate (None = no promise: the discount may end); `commit_floor` the
    least commitment as a share of the last year's.
    """

    auto: bool = False
    rate_cap: Decimal | None = None
    notice_days: int = 0
    commit_floor: Decimal = ZERO

    def __post_init__(self) -> None:
        if self.rate_cap is not None:
            check_share("renewal.rate_cap", self.rate_cap, most=Decimal(5))
        check_share("renewal.commit_floor", self.commit_floor, most=Decimal(5))
        if not 0 <= self.notice_days <= 730:
            raise CommitError("renewal.notice_days", self.notice_days, "0 to 730 days")


class Channel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[31] Who sends the invoice, and what its dollars are worth to a cloud commitment.

    `shadow_value`: what one burned-down dollar saves = P(the cloud commitment would otherwise fall short) x the share
    that would be forfeited. At most `marketplace_cap` of `cloud_commit_usd_per_year` burns down in a contract year.
    """

    name: Literal["direct", "aws", "gcp", "azure"] = "direct"
    eligible_share: Decimal = ONE
    marketplace_cap: Decimal = ONE
    cloud_commit_usd_per_year: Decimal = ZERO
    shadow_value: Decimal = ZERO

    def __post_init__(self) -> None:
        check_share("channel.eligible_share", self.eligible_share)
        check_share("channel.marketplace_cap", self.marketplace_cap)
        check_usd("channel.cloud_commit_usd_per_year", self.cloud_commit_usd_per_year)
        check_share("channel.shadow_value", self.shadow_value)
        if self.name == "direct" and self.shadow_value:
            raise CommitError("channel.shadow_value", self.shadow_value, "0 beside channel direct: nothing burns down")
        if self.shadow_value and not self.cloud_commit_usd_per_year:
            raise CommitError(
                "channel.cloud_commit_usd_per_year", 0, "the cloud commitment that burns down, beside a shadow_value"
            )


class CarveOut(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[32] Usage that stays outside the contract at list price, or a model's least share inside it (recorded)."""

    name: Text
    usage_share: Decimal = ZERO
    minimum_share: Decimal = ZERO

    def __post_init__(self) -> None:
        check_share("carve_outs.usage_share", self.usage_share)
        check_share("carve_outs.minimum_share", self.minimum_share)
        if self.usage_share and self.minimum_share:
            raise CommitError("carve_outs", self.name, "usage_share (outside) or minimum_share (inside), not both")


class Bridge(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[33] A short contract first: its months, its discount, its commitment in whole, and the right to sign this one.

    `resign`: `frozen` = the bands of this offer still hold at its end; `none` = they are negotiated anew.
    """

    term_months: int
    discount: Decimal
    commit_usd: Decimal = ZERO
    resign: Literal["frozen", "none"] = "none"

    def __post_init__(self) -> None:
        check_months("bridge.term_months", self.term_months, least=1, most=12)
        check_share("bridge.discount", self.discount, below_one=True)
        check_usd("bridge.commit_usd", self.commit_usd)
