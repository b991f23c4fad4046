"""Which dollars of the ledger a contract covers: yes, no, or unknown, which is an answer too.

`[[commit.scope]]` rules name a platform, product, workspace or account (`*` ends a prefix, case does not matter) and
say whether its usage draws the commitment. The first rule that a row meets decides. A row that does not say what a
rule asks may meet it or not: where that leaves both answers open, its dollars are unknown, as are those no rule meets.
Seats are no usage: they are separate lines of the contract.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from baseload.ledger.frame import CLAUDE_CODE, CLAUDE_CODE_SOURCES, ints, key_parts, texts
from baseload.values import Table

Answer = Literal["yes", "no", "unknown"]
Pattern = Annotated[str, msgspec.Meta(max_length=200)]
ANSWERS: Final[tuple[Answer, ...]] = ("yes", "no", "unknown")
WHERE: Final = ("platform", "product", "workspace", "account")
API: Final = "api"
"""The product of usage that is not Claude Code's."""


class ScopeRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of `[[commit.scope]]`: every condition given must hold. No condition = everything else.

    `in_scope` "unknown": somebody knows that nobody knows it yet.
    """

    in_scope: bool | Literal["unknown"]
    platform: Pattern = ""
    product: Pattern = ""
    workspace: Pattern = ""
    account: Pattern = ""


class ScopePart(msgspec.Struct, frozen=True, kw_only=True):
    """List nano-dollars of one platform, product, workspace and account, and whether the contract covers them."""

    platform: str
    product: str
    workspace: str
    account: str
    answer: Answer
    list_nano: int


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """Dollars by answer; the parts add up to them, dearest first. `answers` has one answer per row of the table."""

    in_nano: int
    out_nano: int
    unknown_nano: int
    parts: tuple[ScopePart, ...]
    answers: NDArray[np.object_]

    @property
    def least_nano(self) -> int:
        """What is covered if nothing unknown is."""
        return self.in_nano

    @property
    def most_nano(self) -> int:
        """What is covered if everything unknown is."""
        return self.in_nano + self.unknown_nano


def scope_of(rows: Table, rules: Sequence[ScopeRule]) -> Scope:
    """Split a settled spend table (`ledger.scope.settle`) by what the rules say of each row."""
    places: dict[tuple[str, ...], int] = {}
    names = list(zip(*_columns(rows), strict=True))
    codes = np.fromiter((places.setdefault(name, len(places)) for name in names), dtype=np.int64, count=len(names))
    totals = np.zeros(len(places), dtype=np.int64)
    np.add.at(totals, codes, ints(rows, "list_nano"))
    parts = [
        ScopePart(**dict(zip(WHERE, name, strict=True)), answer=answer_of(name, rules), list_nano=int(total))
        for name, total in zip(places, totals.tolist(), strict=True)
    ]
    sums = {answer: sum(part.list_nano for part in parts if part.answer == answer) for answer in ANSWERS}
    answers = np.array([part.answer for part in parts], dtype=object)
    return Scope(
        in_nano=sums["yes"],
        out_nano=sums["no"],
        unknown_nano=sums["unknown"],
        parts=tuple(sorted(parts, key=lambda part: (-part.list_nano, _name(part)))),
        answers=answers[codes] if parts else answers,
    )


def answer_of(name: Sequence[str], rules: Sequence[ScopeRule]) -> Answer:
    """What the rules say of one (platform, product, workspace, account); "" is what the row does not say."""
    possible: set[bool] = set()
    before: list[ScopeRule] = []
    for rule in rules:
        met = _meets(name, rule)
        if met != "no" and not any(_covers(one, rule, name) for one in before):
            possible |= {True, False} if rule.in_scope == "unknown" else {rule.in_scope}
            before.append(rule)
        if met == "yes":
            break
    else:
        return "unknown"  # no rule surely meets it
    return "unknown" if len(possible) > 1 else "yes" if possible == {True} else "no"


def _meets(name: Sequence[str], rule: ScopeRule) -> Answer:
    open_question = False
    for value, field in zip(name, WHERE, strict=True):
        pattern = getattr(rule, field).casefold()
        if not pattern or pattern == "*":
            continue
        if not value:
            open_question = True
        elif not _like(value.casefold(), pattern):
            return "no"
    return "unknown" if open_question else "yes"


def _covers(earlier: ScopeRule, later: ScopeRule, name: Sequence[str]) -> bool:
    """Whether every way to fill in what the row does not say that meets the later rule meets the earlier one first."""
    for value, field in zip(name, WHERE, strict=True):
        first, second = getattr(earlier, field).casefold(), getattr(later, field).casefold()
        if value or not first or first == "*":
            continue
        if not second or not (_like(second, first) if not second.endswith("*") else _wider(first, second)):
            return False
    return True


def _wider(first: str, second: str) -> bool:
    return first.endswith("*") and second.startswith(first[:-1])


def _like(value: str, pattern: str) -> bool:
    return value.startswith(pattern[:-1]) if pattern.endswith("*") else value == pattern


def _columns(rows: Table) -> list[list[str]]:
    """platform, product, workspace, account of every row."""
    keys, source, agent, grain = (texts(rows, name) for name in ("price_key", "source", "agent", "grain"))
    platforms = [key_parts(key)[1] for key in keys.values]
    calls = grain.where({"call"})
    coded = np.where(calls, source.where(CLAUDE_CODE_SOURCES), agent.where({CLAUDE_CODE}))
    said = calls | agent.where(set(agent.values) - {""})
    product = np.where(coded, CLAUDE_CODE, np.where(said, API, ""))
    columns = [[platforms[code] for code in keys.codes.tolist()], product.tolist()]
    for field in ("workspace", "account"):
        column = texts(rows, field)
        columns.append([column.values[code] for code in column.codes.tolist()])
    return columns


def _name(part: ScopePart) -> tuple[str, ...]:
    return part.platform, part.product, part.workspace, part.account
