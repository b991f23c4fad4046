"""Which parts one gateway process has, by its settings. What is heavy is imported only where they ask for it."""

from __future__ import annotations

from collections.abc import Sequence

from baseload.errors import UsageError
from baseload.gateway.batch.unbatched import NotBatched
from baseload.gateway.making import database_of
from baseload.gateway.runtime import Gateway, Part
from baseload.gateway.shipping import LedgerShipper, TableSender
from baseload.gateway.telemetry.together import Beside
from baseload.values import DAY_US


def parts_of(
    gateway: Gateway, *, number: int = 0, ship_command: Sequence[str] = (), beside: Beside | None = None
) -> tuple[Part, ...]:
    """The parts of the `number`-th process that shares a port; what one of them does for all is the first one's.

    `beside`: the processes whose metrics are one page.

    `ship_command` ships sealed segments to the ledger; empty = nobody does from here. Raises UsageError.
    """
    from baseload.gateway.watching.parts import parts_of as watching_parts

    config = gateway.loaded.config
    decides = bool(config.policy.file) and not config.policy.observe
    counts = NotBatched(gateway.core, lambda: gateway.loaded.policy, has_desk=config.batch.enabled)
    shipping = _shipping(gateway, number, ship_command)
    desk = _batches(gateway, counts)
    watching = watching_parts(gateway, not_batched=counts if decides else None, beside=beside)
    return (*desk, *shipping, *((counts,) if decides else ()), *watching)


def _batches(gateway: Gateway, counts: NotBatched) -> tuple[Part, ...]:
    """The batch desk, where the settings want one; it answers at the door. Raises UsageError."""
    config = gateway.loaded.config
    if not config.batch.enabled:
        return ()
    if gateway.core.capabilities.zdr:
        raise UsageError(
            "batch.enabled with zero_data_retention in the project: batches keep results. Set it to false."
        )
    try:
        from baseload.gateway.batch.opening import open_desk
    except ImportError as error:
        raise UsageError(
            "batch.enabled needs the extra `vault`: what waits is kept encrypted. pip install 'baseload[vault]'"
        ) from error
    upstream = next(one for one in config.upstream if one.name == config.batch.upstream)
    desk = open_desk(
        gateway.core,
        database=database_of(config.state, gateway.folder, gateway.env),
        client=gateway.client,
        keys=lambda: gateway.upstream_keys(upstream),
        env=gateway.env,
        folder=gateway.folder,
        not_batched=counts,
    )
    gateway.door.diversion = desk
    return (desk,)


def _shipping(gateway: Gateway, number: int, ship_command: Sequence[str]) -> tuple[Part, ...]:
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
        folder,
        gateway.replica_id,
        lambda: database_of(config.state, gateway.folder, gateway.env),
        keep_us=config.log.keep_shipped_days * DAY_US,
    )
