"""Which parts one gateway process has, by its settings. What is heavy is imported only where they ask for it."""

from __future__ import annotations

from collections.abc import Sequence

from baseload.errors import UsageError
from baseload.gateway.making import database_of
from baseload.gateway.runtime import Gateway, Part
from baseload.gateway.shipping import LedgerShipper, TableSender


def parts_of(gateway: Gateway, *, number: int = 0, ship_command: Sequence[str] = ()) -> tuple[Part, ...]:
    """The parts of the `number`-th process that shares a port; what one of them does for all is the first one's.

    `ship_command` ships sealed segments to the ledger; empty = nobody does from here. Raises UsageError.
    """
    settings = gateway.loaded.config.log
    folder = gateway.folder / settings.folder
    if settings.ship_to == "ledger" and ship_command and number == 0:
        return (LedgerShipper(folder, ship_command),)
    if settings.ship_to == "postgresql":
        return (table_sender(gateway),)
    return ()


def table_sender(gateway: Gateway) -> TableSender:
    """Who sends this process's call log to the shared table. Raises UsageError where no database is named."""
    config = gateway.loaded.config
    if not config.state.url_env:
        raise UsageError('log.ship_to is "postgresql" without state.url_env; expected the variable with its address')
    folder = gateway.folder / config.log.folder
    return TableSender(
        folder, gateway.replica_id, lambda: database_of(config.state, gateway.folder, gateway.env)
    )  # fmt: skip
