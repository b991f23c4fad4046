"""What finance received: one invoice a month and account, for every month that lies whole inside the window."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import ROUND_HALF_EVEN, Decimal

import msgspec

from baseload.demo.billing import BillLine, of_account
from baseload.demo.calendar import next_month
from baseload.demo.company import Account, Company
from baseload.values import Window, date_of_day, decimal_usd

_CENT = Decimal("0.01")


class DemoInvoice(msgspec.Struct, frozen=True, kw_only=True):
    """Dollars to the cent. `amount` = usage + seats + tax - credits."""

    month: str
    account: Account
    usage: Decimal
    seats: Decimal
    tax: Decimal
    credits: Decimal

    @property
    def amount(self) -> Decimal:
        return self.usage + self.seats + self.tax - self.credits


def invoices(lines: Sequence[BillLine], company: Company, window: Window) -> tuple[DemoInvoice, ...]:
    """Every invoice, by month and then account. Usage is the exact billed total of the month, rounded once."""
    found = []
    for account in company.accounts:
        own = of_account(lines, company, account.id)
        for index, month in enumerate(whole_months(window)):
            billed = sum(sum(line.billed_nano) for line in own if line.day in month)
            usage = _cents(decimal_usd(billed))
            taxed = usage + account.monthly_seats_usd
            found.append(
                DemoInvoice(
                    month=f"{date_of_day(month.start_day):%Y-%m}",
                    account=account,
                    usage=usage,
                    seats=_cents(account.monthly_seats_usd),
                    tax=_cents(taxed * account.tax_rate),
                    credits=_cents(account.credit_usd if index == 0 else Decimal(0)),
                )
            )
    return tuple(sorted(found, key=lambda invoice: invoice.month))


def whole_months(window: Window) -> Iterator[Window]:
    """Each calendar month of which the window has every day."""
    day = window.start_day
    while day < window.end_day_exclusive:
        after = next_month(day)
        if date_of_day(day).day == 1 and after <= window.end_day_exclusive:
            yield Window(start_day=day, end_day_exclusive=after)
        day = after


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(_CENT, rounding=ROUND_HALF_EVEN)
