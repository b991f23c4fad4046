"""Who sends Larkfield's invoices: two Claude organisations and a cloud account."""

from __future__ import annotations

from decimal import Decimal

from baseload.demo.company import Account

MAIN = "larkfield"
BRAND = "papertrail"
AWS = "418273650912"

ACCOUNTS = (
    Account(
        id=MAIN,
        name="Larkfield Group",
        channel="anthropic",
        reports="analytics",
        discount=Decimal("0.94"),
        monthly_seats_usd=Decimal(9600),
        credit_usd=Decimal(2500),
    ),
    Account(
        id=BRAND,
        name="Papertrail Ltd",
        channel="anthropic",
        reports="console",
        discount=Decimal(1),
        tax_rate=Decimal("0.2"),
    ),
    Account(id=AWS, name="Larkfield Cover (AWS)", channel="aws", reports="cur", discount=Decimal(1)),
)
