"""`baseload.toml`: what only the company knows, parsed into frozen records.

Every table is optional; an absent file is an empty project. Dates are `YYYY-MM-DD`, months `YYYY-MM`, money is a
quoted decimal string (a bare TOML float is refused, because it is not exact).
"""

from __future__ import annotations

import datetime as dt
import tomllib
from decimal import Decimal, InvalidOperation
from typing import Annotated, Literal

import msgspec

from baseload.errors import ProjectError
from baseload.project_bars import MOST_BARS, BarTable, VaultSettings
from baseload.values import nano_from_usd

Money = str
MOST_MONEY = Decimal(10) ** 12
"""Of one amount: nothing beyond it is an invoice, and up to it every sum stays exact."""
MOST_SCOPE_ROWS = 1_000
MOST_OFFERS = 20
ScopeText = Annotated[str, msgspec.Meta(max_length=200)]
FilePath = Annotated[str, msgspec.Meta(max_length=1_000)]
PersonDaysKind = Literal["config", "gateway_policy", "code", "prompt", "trial"]
Month = Annotated[str, msgspec.Meta(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")]


class Invoice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One invoice of one month: what the bridge starts from.

    `amount` is the total to pay; `tax`, `credits` (positive = reduces the bill) and `seats` are the parts of it that
    are not API usage. `overage` is what usage beyond a commitment cost *more* than at the committed price. `channel`
    names who sent it: "anthropic", "aws", "gcp", "azure", "openrouter".
    """

    month: Month
    amount: Money
    currency: str = "USD"
    channel: str = "anthropic"
    tax: Money = "0"
    credits: Money = "0"
    seats: Money = "0"
    overage: Money = "0"
    account: str = ""

    def __post_init__(self) -> None:
        for field in ("amount", "tax", "credits", "seats", "overage"):
            _check_money(field, getattr(self, field))

    @property
    def amount_nano(self) -> int:
        return nano_from_usd(self.amount)


class OwnerRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who owns the calls that carry a key, workspace, user, agent or tag. The first matching rule wins."""

    owner: str
    cost_center: str = ""
    api_key: str = ""
    workspace: str = ""
    agent: str = ""
    tag: dict[str, str] = msgspec.field(default_factory=dict)


class WorkloadRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A group the user names; it wins over every other stage. All given conditions must hold; `*` ends a prefix."""

    name: str
    id: str = ""  # set by `init`: binds the settings below to a found workload instead of a match
    api_key: str = ""
    workspace: str = ""
    agent: str = ""
    template: str = ""
    source: str = ""
    tag: dict[str, str] = msgspec.field(default_factory=dict)
    owner: str = ""
    cost_center: str = ""
    task: str = ""
    latency: str = ""  # interactive | tolerant
    deadline: str = ""  # "15m", "4h", "24h": how long a result may take
    bar: str = ""  # quality bar in words; a [[bar]] says it so that a trial can show it
    data_use: str = ""  # may its prompts be sent again: none | same_platform | batch_allowed; yes, no: older spellings


class PoolLimits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one rate-limit pool takes a minute. `input_tokens` are all but cache reads; 0 = no limit."""

    requests: Annotated[int, msgspec.Meta(ge=0)] = 0
    input_tokens: Annotated[int, msgspec.Meta(ge=0)] = 0
    output_tokens: Annotated[int, msgspec.Meta(ge=0)] = 0


class DeclaredLimits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rate limits as the provider's console shows them: the usage tier, and single pools that differ from it."""

    tier: Literal["", "start", "build", "scale"] = ""
    pool: dict[str, PoolLimits] = msgspec.field(default_factory=dict)


class PlanSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How fast the company changes things, and what a list dollar costs it. Every default is an assumption."""

    fiscal_year_start: Annotated[int, msgspec.Meta(ge=1, le=12)] = 1  # month
    effective_rate: str = ""  # "0.85"; "" = billed over list, where bills say
    capacity_days_per_week: str = "5"
    realization: str = "0.8"  # share of a planned saving that lands
    trial_weeks: Annotated[int, msgspec.Meta(ge=0, le=52)] = 2
    gateway: bool = True  # false: what a gateway would do is code
    batch_window: Annotated[str, msgspec.Meta(pattern=r"^\d{1,6}(s|m|h|d)$")] = "10m"
    batch_completion: str = ""  # path of the company's own completion times
    person_days: dict[PersonDaysKind, str] = msgspec.field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_share("effective_rate", self.effective_rate or "1", most=Decimal(2))
        _check_share("realization", self.realization, least=Decimal(0))
        _check_share("capacity_days_per_week", self.capacity_days_per_week, most=Decimal(1_000))
        for kind, days in self.person_days.items():
            _check_share(f"person_days.{kind}", days, most=Decimal(1_000))


class CommitmentLeft(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is left of a prepaid commitment on `as_of`; what is left of it on `ends` (exclusive) is forfeited."""

    balance: Money
    as_of: dt.date
    ends: dt.date
    overage_rate: str = ""  # share of list that usage costs beyond the balance; "" = the effective rate

    def __post_init__(self) -> None:
        _check_money("balance", self.balance)
        if Decimal(self.balance) < 0:
            raise ValueError(f"balance is {self.balance[:60]!r}; expected 0 or more: what is left to use")
        if self.as_of >= self.ends:
            raise ValueError(
                f"as_of {self.as_of} is not before ends {self.ends}; expected the day of the balance first"
            )
        _check_share("overage_rate", self.overage_rate or "1", most=Decimal(2))

    @property
    def balance_nano(self) -> int:
        return nano_from_usd(self.balance)


class ScopeRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Does usage of this platform, product, workspace and account draw a contract? All given conditions must hold.

    `*` ends a prefix; no condition = everything else. `in_scope` "unknown" says that nobody knows yet. `contract`
    names which one, where there are several; "" = the only one.
    """

    in_scope: bool | Literal["unknown"]
    platform: ScopeText = ""
    product: ScopeText = ""
    workspace: ScopeText = ""
    account: ScopeText = ""
    contract: ScopeText = ""

    def __post_init__(self) -> None:
        for field in ("platform", "product", "workspace", "account"):
            if "*" in getattr(self, field)[:-1]:
                raise ValueError(
                    f"{field} is {getattr(self, field)[:60]!r}; expected * at its end only: it ends a prefix"
                )


class CommitSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a commitment covers, the contract already signed and the offers on the table; paths from this file's folder.

    No `scope` = nobody has said what a contract covers, so that all usage is unknown.
    """

    scope: Annotated[tuple[ScopeRow, ...], msgspec.Meta(max_length=MOST_SCOPE_ROWS)] = ()
    current_contract: FilePath = ""
    offers: Annotated[tuple[FilePath, ...], msgspec.Meta(max_length=MOST_OFFERS)] = ()

    def __post_init__(self) -> None:
        if len(set(self.offers)) != len(self.offers) or "" in self.offers:
            raise ValueError("offers holds a path twice, or an empty one; expected each offer's file once")


class Project(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One project folder's settings."""

    schema: int = 1
    name: str = ""
    account: str = ""
    price_overlay: str = ""
    model_alias: dict[str, str] = msgspec.field(default_factory=dict)  # ARN or gateway name -> model id
    key_name: dict[str, str] = msgspec.field(default_factory=dict)  # api key or workspace id -> its name in the Console
    invoice: tuple[Invoice, ...] = ()
    owner: tuple[OwnerRule, ...] = ()
    owner_csv: str = ""  # "key,owner[,cost_center]" with a header row
    workload: tuple[WorkloadRule, ...] = ()
    zero_data_retention: bool = False  # an organisation-wide agreement: some models and batch stores are out
    limits: DeclaredLimits = DeclaredLimits()
    plan: PlanSettings = msgspec.field(default_factory=PlanSettings)
    commitment: CommitmentLeft | None = None
    commit: CommitSettings = CommitSettings()
    bar: Annotated[tuple[BarTable, ...], msgspec.Meta(max_length=MOST_BARS)] = ()
    vault: VaultSettings = VaultSettings()


def parse_project(text: str, path: str = "baseload.toml") -> Project:
    """The project a TOML text describes. Raises ProjectError naming the key, the value and what was expected."""
    try:
        return msgspec.convert(tomllib.loads(text), Project)
    except tomllib.TOMLDecodeError as error:
        raise ProjectError(f"{path}: not valid TOML: {error}. Mend that line and run again.") from error
    except msgspec.ValidationError as error:
        raise ProjectError(f"{path}: {error}. See docs/reference/project.md for every key.") from error


def _check_money(field: str, value: str) -> None:
    try:
        amount = Decimal(value)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or not -MOST_MONEY <= amount <= MOST_MONEY:
        raise ValueError(f'{field} is {value[:60]!r}; expected a decimal string such as "1234.56", at most 1e12')


def _check_share(field: str, value: str, *, least: Decimal = Decimal("0.000001"), most: Decimal = Decimal(1)) -> None:
    try:
        share = Decimal(value)
    except InvalidOperation:
        share = Decimal("NaN")
    if not share.is_finite() or not least <= share <= most:
        raise ValueError(f'{field} is {value[:60]!r}; expected a decimal string such as "0.85", {least} to {most}')
