"""`[[commit.scope]]` of `baseload.toml` as the rules of one contract."""

from __future__ import annotations

from collections.abc import Sequence

from baseload.commit.refusal import CommitError
from baseload.commit.scope import ScopeRule
from baseload.project import ScopeRow


def rules_of(rows: Sequence[ScopeRow], contract: str = "") -> tuple[ScopeRule, ...]:
    """The rules as they bear on one contract; "" = on any of them, as one pooled contract would see it.

    What another contract covers is out of this one's scope, and what another surely does not cover says nothing here.
    Raises CommitError where no row names the contract although rows name others.
    """
    named = contracts_of(rows)
    if contract and named and contract.casefold() not in {name.casefold() for name in named}:
        raise CommitError("contract", contract, f"a contract of [[commit.scope]]: {', '.join(named)}")
    return tuple(rule for row in rows for rule in _rule(row, contract))


def contracts_of(rows: Sequence[ScopeRow]) -> tuple[str, ...]:
    """The contracts that rows name, in their order, each once."""
    found: dict[str, str] = {}
    for row in rows:
        if row.contract:
            found.setdefault(row.contract.casefold(), row.contract)
    return tuple(found.values())


def _rule(row: ScopeRow, contract: str) -> Sequence[ScopeRule]:
    answer = row.in_scope
    if contract and row.contract and row.contract.casefold() != contract.casefold():
        if answer is False:
            return ()
        answer = False if answer is True else answer
    return (
        ScopeRule(
            in_scope=answer,
            platform=row.platform,
            product=row.product,
            workspace=row.workspace,
            account=row.account,
        ),
    )
