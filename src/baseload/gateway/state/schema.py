"""The tables of the shared state, as numbered migrations. Money is nano-dollars, times are UTC microseconds."""

from __future__ import annotations

from typing import Final

OWNER: Final = "state"

MIGRATIONS: Final = (
    (
        "CREATE TABLE changes (topic TEXT PRIMARY KEY, count BIGINT NOT NULL)",
        "INSERT INTO changes (topic, count) VALUES ('keys', 0), ('routes', 0), ('rollbacks', 0), ('budgets', 0)",
        """CREATE TABLE virtual_keys (
            key_id TEXT PRIMARY KEY, hash TEXT NOT NULL UNIQUE, name TEXT NOT NULL, scope TEXT NOT NULL,
            created_us BIGINT NOT NULL, expires_us BIGINT, revoked_us BIGINT)""",
        """CREATE TABLE routes (
            workload TEXT NOT NULL, policy_id TEXT NOT NULL, events BIGINT NOT NULL, state TEXT NOT NULL,
            changed_us BIGINT NOT NULL, PRIMARY KEY (workload, policy_id))""",
        """CREATE TABLE rollbacks (
            workload TEXT NOT NULL, candidate TEXT NOT NULL, policy_id TEXT NOT NULL, reason TEXT NOT NULL,
            says TEXT NOT NULL, at_us BIGINT NOT NULL, lifted_us BIGINT, PRIMARY KEY (workload, candidate))""",
        """CREATE TABLE budgets (
            budget TEXT NOT NULL, period TEXT NOT NULL, cap_nano BIGINT NOT NULL, spent_nano BIGINT NOT NULL,
            leased_nano BIGINT NOT NULL, held_nano BIGINT NOT NULL, PRIMARY KEY (budget, period))""",
        """CREATE TABLE leases (
            replica_id TEXT NOT NULL, budget TEXT NOT NULL, period TEXT NOT NULL, granted_nano BIGINT NOT NULL,
            spent_nano BIGINT NOT NULL, held_nano BIGINT NOT NULL, state TEXT NOT NULL, renewed_us BIGINT NOT NULL,
            PRIMARY KEY (replica_id, budget, period))""",
    ),
    (
        """CREATE TABLE budget_releases (
            budget TEXT NOT NULL, period TEXT NOT NULL, at_us BIGINT NOT NULL, held_nano BIGINT NOT NULL,
            spent_nano BIGINT NOT NULL, who TEXT NOT NULL, why TEXT NOT NULL,
            PRIMARY KEY (budget, period, at_us))""",
    ),
)
