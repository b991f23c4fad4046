"""What a declared company is made of: accounts, services, how often each calls Claude and with what.

Only records live here; the figures of each service are in `services.py` and `subsidiaries.py`. Token counts are
declared in the newer tokenizer's tokens; a model of the older family sees them divided by `OLD_TOKENIZER_RATIO`
(anthropic-facts section 0.3).
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

OLD_TOKENIZER_RATIO = 1.3

Spread = tuple[float, float]
"""(median, sigma) of a log-normal number of tokens."""


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """One organisation or cloud account that sends an invoice."""

    id: str
    name: str
    channel: str  # as in baseload.toml: "anthropic" | "aws"
    reports: str  # what its totals come from: "analytics" | "console" | "cur"
    discount: Decimal  # billed = list x discount, in the account's contract
    monthly_seats_usd: Decimal = Decimal(0)  # claude.ai seats on the same invoice
    tax_rate: Decimal = Decimal(0)
    credit_usd: Decimal = Decimal(0)  # a one-off credit, on the first invoice


class Volume(msgspec.Struct, frozen=True, kw_only=True):
    """How many units a service starts each day. A unit is a call, a session or a prefix-day, as its shape says.

    `per_day` is an ordinary working day at the end of the window; growth runs backwards from there.
    """

    per_day: float
    week: tuple[float, ...]  # Monday … Sunday, 1 = ordinary
    hours: tuple[float, ...]  # weight of each UTC hour of the day
    growth: float = 0.0  # per 30 days, compounding
    holiday: float = 1.0  # factor on a public holiday
    month_end: float = 1.0  # factor on the last three working days of a month
    noise: float = 0.04  # sigma of a day's own log-normal factor
    launched: int = 0  # days before the end on which it left its pilot; 0 = before the window
    pilot: float = 0.1  # factor before that
    incident: float = 1.0  # factor on the day of the incident


class Era(msgspec.Struct, frozen=True, kw_only=True):
    """What a service calls from a UTC day on, until its next era."""

    start: str  # YYYY-MM-DD inclusive; "" = since before the window
    model: str
    speed: str = "standard"
    geo: str = "global"


class Single(msgspec.Struct, frozen=True, kw_only=True):
    """One call, one answer. The prompt is [header] + static + variable tokens, in this order."""

    static: int  # instructions and tools, the same in every call
    variable: Spread
    output: Spread  # without thinking
    header: int = 0  # a volatile line (time, user) put before the static part
    thinking: Spread | None = None  # added where the model thinks by default
    cached: bool = False  # a 5m breakpoint at the end of the system part
    long_share: float = 0.0  # of calls whose variable part is drawn from `long` instead
    long: Spread = (1.0, 0.0)
    repeat_mean: float = 0.0  # identical repeats per call
    search_share: float = 0.0  # calls that make one web search


class Dialogue(msgspec.Struct, frozen=True, kw_only=True):
    """A session of turns over a growing prompt with a 5m breakpoint on its last message."""

    shared: int  # tokens of the prefix that all sessions share (tools, instructions)
    own: int  # further tokens of the first prompt, the session's own
    turns: Spread
    turn_input: Spread  # a user message or a tool result
    output: Spread  # thinking included
    thinking_share: float  # of the output
    think_time: Spread  # seconds a person takes before the next turn
    tool_share: float  # of turns that are the program's own next step, within seconds
    break_share: float = 0.0  # of turns after a pause of 10 to 90 minutes
    max_turns: int = 100
    compact_at: int = 150_000  # the prompt is replaced by a summary past this size


class Streams(msgspec.Struct, frozen=True, kw_only=True):
    """Calls that share one of many long prefixes (a customer's database schema), each under a 5m breakpoint.

    A unit is one prefix on one day; `calls` is its mean number of calls on an ordinary day.
    """

    prefixes: int
    calls: float
    static: int
    variable: Spread
    output: Spread
    thinking: Spread | None = None


Shape = Single | Dialogue | Streams


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """One application of the company and how it is recorded."""

    name: str
    owner: str  # "" = nobody has claimed it
    cost_center: str
    account: str
    api_key_name: str
    workspace: str
    logs: str  # messages | claude_code | bedrock | batch | "" (billing only)
    sampling_rate: int  # 1-in-N units are kept in the call-level files
    volume: Volume
    eras: tuple[Era, ...]
    shape: Shape
    platform: str = "anthropic"
    tier: str = "standard"
    stream: bool = False
    max_tokens: int = 1024
    app_tag: bool = False  # its logger writes {"app": name}; the others must be recognised by what they send


class Company(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    accounts: tuple[Account, ...]
    services: tuple[Service, ...]
    incident_before_end: int  # days between the incident day and the exclusive end of the window
    log_gap_before_end: int  # the same for the one day no request log was kept
    restated_day_of_month: int  # the day of the last closed month that was revised after the first pull

    def account(self, account_id: str) -> Account:
        return next(account for account in self.accounts if account.id == account_id)
