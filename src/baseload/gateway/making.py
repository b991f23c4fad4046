"""The parts of a gateway made from its settings; what is heavy is imported only where the settings ask for it."""

from __future__ import annotations

import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from baseload.errors import UsageError
from baseload.gateway.config import BudgetSettings, GatewayConfig, LimitSettings, StateSettings, dollars
from baseload.gateway.core import OnlinePlanner, budget_name
from baseload.gateway.decide.router import Chooser
from baseload.gateway.state.budgets import Budget
from baseload.gateway.state.database import Database
from baseload.gateway.state.records import KeyRow
from baseload.gateway.state.sqlite import SqliteDatabase
from baseload.gateway.wire.limits import Limits
from baseload.plan.policy import Policy
from baseload.prices.book import PriceBook
from baseload.project import Project, parse_project
from baseload.values import NANO_PER_USD

MIB: Final = 1024 * 1024
SETTINGS: Final = "baseload.toml"
"""A project's settings, found by themselves in the gateway's folder."""


def database_of(settings: StateSettings, folder: Path, env: Mapping[str, str]) -> Database:
    """The state store's database. Raises UsageError where its address is missing."""
    if not settings.url_env:
        return SqliteDatabase(folder / settings.file)
    dsn = env.get(settings.url_env, "")
    if not dsn:
        raise UsageError(
            f"state.url_env: {settings.url_env} is not in the environment; expected a postgresql:// address"
        )
    from baseload.gateway.state.postgres import PostgresDatabase

    return PostgresDatabase(dsn)


def project_of(settings: str, folder: Path) -> Project:
    """The project whose settings the policy names, else the one of this folder; an empty one where there is neither.

    Raises UsageError.
    """
    path = folder / (settings or SETTINGS)
    if not settings and not path.is_file():
        return Project()
    try:
        return parse_project(path.read_text(encoding="utf-8"), path.name)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"policy.settings: {path} cannot be read ({type(error).__name__})") from error


def routers_of(policy: Policy, folder: Path) -> dict[str, Chooser]:
    """The fitted routers that a policy names, by workload. Raises UsageError where one is missing or another."""
    found: dict[str, Chooser] = {}
    for entry in policy.entries:
        if entry.router is None:
            continue
        from baseload.gateway.decide.fitted_router import FittedRouter

        path = folder / entry.router.path
        try:
            data = path.read_bytes()
        except OSError as error:
            raise UsageError(f"{path}: {error.strerror}; expected the router that the policy names") from error
        found[entry.workload.id] = FittedRouter(data, entry.router.sha256, path.name)
    return found


def online_of(book: PriceBook) -> OnlinePlanner:
    """The online cache planner."""
    from baseload.gateway.decide.online import OnlineMarks

    return OnlineMarks(book)


def limits_of(given: LimitSettings) -> Limits:
    """What the wire holds to."""
    return Limits(
        head_bytes=given.head_bytes,
        headers=given.headers,
        body_bytes=given.body_bytes,
        held_bytes=given.buffered_mb * MIB,
        connections=given.connections,
        head_s=given.head_s,
        body_s=given.body_s,
        idle_s=given.idle_s,
    )


def budgets_of(config: GatewayConfig, keys: Iterable[KeyRow] = ()) -> tuple[Budget, ...]:
    """The settings' budgets and those of virtual keys; of two for the same calls the smaller counts."""
    found: dict[str, Budget] = {}
    of_keys = (BudgetSettings(usd=row.scope.budget, key=row.name or row.key_id) for row in keys if row.scope.budget)
    for one in (*config.budget, *of_keys):
        budget = _budget(one)
        known = found.get(budget.name)
        found[budget.name] = budget if known is None or budget.cap_nano < known.cap_nano else known
    return tuple(found.values())


def _budget(given: BudgetSettings) -> Budget:
    return Budget(
        name=budget_name(given.workload, given.key),
        cap_nano=int(dollars(given.usd) * NANO_PER_USD),
        fail=given.when_down,
    )


def read_secret(path: Path) -> bytes:
    """A secret from a file that nobody else may read. Raises UsageError; its content is in no message."""
    try:
        mode = path.stat().st_mode
        data = path.read_bytes().strip()
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}; expected a file with a secret, mode 0600") from error
    if stat.S_IMODE(mode) & 0o077:
        raise UsageError(f"{path}: others may read it; expected mode 0600 (chmod 600 {path.name})")
    if not data or b"\n" in data:
        raise UsageError(f"{path}: expected one line with the secret")
    return data
