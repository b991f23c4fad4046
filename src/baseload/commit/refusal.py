"""How a contract that contradicts itself is refused: the field, the value, the rule."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from baseload.errors import UsageError

MOST_USD: Final = Decimal(10) ** 12
"""Of one amount. Beyond ten billion dollars a year it is a slip of the keyboard, not a contract."""
MOST_MONTHS: Final = 120
_LONGEST_SHOWN: Final = 60


class CommitError(UsageError):
    """A contract, a path of usage or a choice on them does not hold together.

    `field` is the key as offer.yaml writes it, `value` what stands there, `rule` what must hold instead.
    """

    def __init__(self, field: str, value: object, rule: str, *, where: str = "") -> None:
        self.field = field
        self.value = str(value)[:_LONGEST_SHOWN]
        self.rule = rule
        self.where = where
        parts = (where, f"{field}: {self.value}" if field else self.value)
        super().__init__(f"{': '.join(filter(None, parts))}; expected {rule}")

    def within(self, where: str) -> CommitError:
        """The same refusal, with the file it was found in."""
        return CommitError(self.field, self.value, self.rule, where=where)


def check_usd(field: str, value: Decimal) -> None:
    """An amount of US dollars: finite, not negative, not absurd."""
    if not value.is_finite() or value < 0:
        raise CommitError(field, value, "US dollars, 0 or more")
    if value > MOST_USD:
        raise CommitError(field, value, f"at most {MOST_USD:,} US dollars")


def check_share(field: str, value: Decimal, *, below_one: bool = False, most: Decimal = Decimal(1)) -> None:
    """A fraction in [0, most], or in [0, 1) where `below_one`."""
    if below_one:
        if not value.is_finite() or not 0 <= value < 1:
            raise CommitError(field, value, "a fraction from 0 up to, not including, 1 (0.20 is 20 %)")
    elif not value.is_finite() or not 0 <= value <= most:
        raise CommitError(field, value, f"a fraction from 0 to {most} (0.20 is 20 %)")


def check_months(field: str, value: int, *, least: int = 0, most: int = MOST_MONTHS) -> None:
    """A number of months within bounds, both included."""
    if not least <= value <= most:
        raise CommitError(field, value, f"{least} to {most} months")


def check_windows(field: str, months: Sequence[int]) -> None:
    """Contract months in which a right may be used: increasing, each once, month 0 is the signature and no window."""
    for month in months:
        check_months(field, month, least=1)
    if list(months) != sorted(set(months)):
        raise CommitError(field, list(months), "months in increasing order, each once")
