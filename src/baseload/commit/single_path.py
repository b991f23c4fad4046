"""One path through the ledger in exact decimal dollars: the table a finance person can audit.

Written apart from `simulate`, line by line as the clauses read, so that each checks the other (tests hold them to half
a cent of each other). No right is exercised here. Amounts are exact; `audit.in_cents` rounds a column for print.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from baseload.commit.audit import AuditRow, UsageMonth
from baseload.commit.bands import Discounts, discounts_at, key_of_year, monthly_commit_usd
from baseload.commit.clauses import ONE, ZERO
from baseload.commit.contract import MONTHS_PER_YEAR, Contract
from baseload.commit.refusal import CommitError
from baseload.commit.schedule import payment_month
from baseload.commit.state import periods

_NEVER: Final = 10_000


def audit(contract: Contract, usage: Sequence[UsageMonth]) -> tuple[AuditRow, ...]:
    """The ledger of one path over exactly the contract's term.

    Raises CommitError where the contract is not sized or the path is shorter than its term.
    """
    if not contract.commit_usd_by_year:
        raise CommitError("commit_usd_by_year", "missing", f"{contract.years} amounts: the contract has no size yet")
    if len(usage) < contract.term_months:
        raise CommitError("usage", f"{len(usage)} months", f"at least the term, {contract.term_months} months")
    ledger = _Ledger(contract)
    return tuple(ledger.month(month, usage[month]) for month in range(contract.term_months))


class _Part:
    """Dollars of the balance that expire together."""

    def __init__(self, kind: str, amount: Decimal, expires: int) -> None:
        self.kind, self.amount, self.expires = kind, amount, expires


class _Year:
    """What a contract year adds up to: usage and excess in the contract's basis, the rest in list dollars and cash."""

    def __init__(self) -> None:
        self.usage: list[Decimal] = []
        self.drawn_list = self.excess_list = self.excess = self.overage = ZERO


class _Closed:
    """The end of a month: lost and returned in the contract's basis, trued up and refunded in cash."""

    def __init__(self) -> None:
        self.lost = self.returned = self.true_up = self.refund = ZERO


class _Ledger:
    """The account between two months."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self.committed = list(monthly_commit_usd(contract))
        self.parts: list[_Part] = []
        self.vouchers: list[_Part] = []
        self.floor = ZERO
        self.resettled = ZERO
        self.year = _Year()
        if contract.credits_usd:
            until = contract.credits_months or contract.term_months
            self.parts.append(_Part("credit", contract.credits_usd, until))

    def _discounts(self, month: int) -> Discounts:
        return discounts_at(self.contract, key_of_year(self.contract, month // MONTHS_PER_YEAR))

    def _unit_price(self, month: int) -> Decimal:
        return ONE - self._discounts(month).committed if self.contract.commit_basis == "list" else ONE

    def _in_list(self, units: Decimal, month: int) -> Decimal:
        return units if self.contract.commit_basis == "list" else units / (ONE - self._discounts(month).committed)

    def _cash_of(self, month: int) -> Decimal:
        return self.committed[month] * self._unit_price(month)

    def month(self, month: int, used: UsageMonth) -> AuditRow:
        contract, discounts = self.contract, self._discounts(month)
        outside = used.list_usd * (ONE - contract.eligible_share) if used.outside_usd is None else used.outside_usd
        self._open(month)
        commitment = self._due(month)
        resettled, self.resettled = self.resettled, ZERO
        rated, listed = self._rate(month, used, used.list_usd - outside)
        usage = rated if contract.commit_basis == "list" else rated * (ONE - discounts.committed)
        drawn = self._draw(usage)
        excess = usage - sum(drawn.values(), ZERO)
        beyond = self._in_list(excess, month)
        overage = self._overage(month, beyond, listed / rated if rated else ZERO)
        self.year.usage.append(usage)
        self.year.drawn_list += self._in_list(drawn["rolled"] + drawn["new"], month)
        self.year.excess, self.year.excess_list = self.year.excess + excess, self.year.excess_list + beyond
        self.year.overage += overage
        bill = drawn["new"] * self._unit_price(month) if contract.payment == "arrears" else ZERO
        closed = self._close(month)
        rerated = self._close_year(month)
        return AuditRow(
            month=month,
            list_usd=used.list_usd,
            usage=usage,
            credits_drawn=drawn["credit"],
            rolled_drawn=drawn["rolled"],
            commit_drawn=drawn["new"],
            excess=excess,
            expired=closed.lost,
            returned=closed.returned,
            balance=sum((part.amount for part in self.parts), ZERO),
            commitment_usd=commitment,
            resettled_usd=resettled,
            support_usd=contract.support_usd_per_year if month % MONTHS_PER_YEAR == 0 else ZERO,
            drawn_bill_usd=bill,
            true_up_usd=closed.true_up,
            overage_usd=overage,
            outside_usd=outside,
            seats_usd=contract.seats_usd_per_month,
            credit_note_usd=-closed.refund - rerated,
        )

    def _open(self, month: int) -> None:
        for start, end in periods(self.contract):
            if start == month:
                self.parts.append(_Part("new", sum(self.committed[start:end], ZERO), end))

    def _due(self, month: int) -> Decimal:
        payment, term = self.contract.payment, self.contract.term_months
        if payment == "arrears":
            return ZERO
        return sum((self._cash_of(m) for m in range(month, term) if payment_month(payment, m) == month), ZERO)

    def _rate(self, month: int, used: UsageMonth, inside: Decimal) -> tuple[Decimal, Decimal]:
        """List dollars the contract rates, and at that month's list."""
        contract, index = self.contract, used.price_index
        listed = inside / used.metering if contract.metering_freeze else inside
        reference = index
        if month < contract.held_months:
            if contract.price_rule_name == "fixed_price":
                reference = ONE
            elif contract.price_rule_name in ("lower_of", "capped"):
                growth = ONE + contract.price_rule.cap_per_year
                reference = min(index, growth ** (month // MONTHS_PER_YEAR))
        old, new = ONE - used.new_model_share, used.new_model_share
        if contract.new_model_rule == "family_substitution":
            old, new = ONE, ZERO
        if contract.new_model_rule == "list":
            new /= ONE - self._discounts(month).committed
        return listed * (old * reference / index + new), listed

    def _draw(self, usage: Decimal) -> dict[str, Decimal]:
        order = ["credit", "rolled", "new"] if self.contract.roll_order == "rolled_first" else [
            "credit", "new", "rolled"
        ]  # fmt: skip
        drawn = dict.fromkeys(order, ZERO)
        for part in sorted(self.parts, key=lambda one: (order.index(one.kind), one.expires)):
            taken = min(usage, part.amount)
            part.amount -= taken
            usage -= taken
            drawn[part.kind] += taken
        return drawn

    def _overage(self, month: int, beyond: Decimal, list_ratio: Decimal) -> Decimal:
        rule, discounts = self.contract.overage, self._discounts(month)
        at_list = beyond * list_ratio
        if rule.rule == "list":
            cost = at_list
        elif rule.rule == "next_band":
            cost = beyond * (ONE - discounts.above)
        else:
            cost = beyond * (ONE - discounts.beyond) * rule.multiple
        open_usd = at_list
        for voucher in sorted(self.vouchers, key=lambda one: one.expires):
            if voucher.expires > month:
                taken = min(open_usd, voucher.amount)
                voucher.amount -= taken
                open_usd -= taken
        return cost * open_usd / at_list if at_list else cost

    def _close(self, month: int) -> _Closed:
        """What runs out with the month; where a period ends, its unused clause first."""
        end, closed = month + 1, _Closed()
        for start, stop in periods(self.contract):
            if stop == end:
                closed = self._settle(start, end)
        for part in self.parts:
            if part.expires <= end and part.kind != "credit":
                closed.lost += part.amount
        self.parts = [part for part in self.parts if part.expires > end]
        return closed

    def _settle(self, start: int, end: int) -> _Closed:
        """The period's own unused dollars leave its balance: kept, given back, or left there to run out."""
        contract, rule, closed = self.contract, self.contract.unused, _Closed()
        own = next(part for part in self.parts if part.kind == "new")
        price = self._unit_price(end - 1)
        if contract.shortfall_rate == "list":
            price /= ONE - self._discounts(end - 1).committed
        closed.true_up = own.amount * price if contract.payment == "arrears" else ZERO
        until = end + rule.months if rule.months else _NEVER
        if rule.rule == "refund":
            closed.returned = rule.share * own.amount
            closed.refund = closed.returned * price
        elif rule.rule == "credit":
            closed.returned = own.amount
            self.vouchers.append(_Part("voucher", own.amount * price, until))
        elif rule.rule == "extend":
            self._keep(own, own.amount, until)
        else:
            self._keep(own, self._rolled(own.amount, start, end), min(until, contract.term_months))
        own.amount -= closed.returned
        return closed

    def _keep(self, own: _Part, amount: Decimal, until: int) -> None:
        own.amount -= amount
        self.parts.append(_Part("rolled", amount, until))

    def _rolled(self, unused: Decimal, start: int, end: int) -> Decimal:
        contract, rule = self.contract, self.contract.unused
        if rule.rule != "roll" or end >= contract.term_months:
            return ZERO
        commits = contract.commit_usd_by_year
        before, after = commits[(end - 1) // MONTHS_PER_YEAR], commits[end // MONTHS_PER_YEAR]
        if contract.roll_condition and after < contract.roll_condition.renew_at_least * before:
            return ZERO
        rolled = rule.share * unused
        return rolled if rule.cap is None else min(rolled, rule.cap * sum(self.committed[start:end], ZERO))

    def _close_year(self, month: int) -> Decimal:
        """The credit note of re-rating; next year's commitment is set."""
        first, contract = month + 1, self.contract
        if first % MONTHS_PER_YEAR and first != contract.term_months:
            return ZERO
        credit = self._rerated(month) if contract.overage_retro else ZERO
        if first < contract.term_months:
            self._next_year(first)
        self.year = _Year()
        return credit

    def _rerated(self, month: int) -> Decimal:
        signed = self._discounts(month).committed
        reached = discounts_at(self.contract, sum(self.year.usage, ZERO)).committed
        if reached <= signed:
            return ZERO
        drawn = (reached - signed) * self.year.drawn_list
        return drawn + max(ZERO, self.year.overage - (ONE - reached) * self.year.excess_list)

    def _next_year(self, first: int) -> None:
        contract = self.contract
        months = range(first, min(first + MONTHS_PER_YEAR, contract.term_months))
        before = sum((self.committed[m] for m in months), ZERO)
        after = before - contract.carry_forward.share * min(self.year.excess, contract.carry_forward.cap * before)
        if contract.true_forward:
            window = contract.true_forward.window_months
            sums = [sum(self.year.usage[m : m + window], ZERO) for m in range(len(self.year.usage) - window + 1)]
            self.floor = max(self.floor, contract.true_forward.share * max(sums) * 12 / window)
            after = max(after, self.floor * len(months) / 12)
        for part in self.parts:
            if part.kind == "new" and part.expires > first:  # a period of the whole term is under way
                after = before + max(after - before, -part.amount)
                part.amount += after - before
        paid = [m for m in months if contract.payment != "arrears" and payment_month(contract.payment, m) < first]
        old = sum((self._cash_of(m) for m in paid), ZERO)
        for m in months:
            self.committed[m] = after / len(months)
        self.resettled += sum((self._cash_of(m) for m in paid), ZERO) - old
