"""The tables of the batch queue, as numbered migrations beside those of the shared state. Times are UTC microseconds.

Prompts and answers (`kept`, `answer`) are sealed; everything else is ids, counts and times.
"""

from __future__ import annotations

from typing import Final

OWNER: Final = "batch"

MIGRATIONS: Final = (
    (
        """CREATE TABLE batch_items (
            item_id TEXT PRIMARY KEY, grp TEXT NOT NULL, mode TEXT NOT NULL, replica_id TEXT NOT NULL,
            wants TEXT NOT NULL, sent TEXT NOT NULL, intent_id TEXT NOT NULL, tries BIGINT NOT NULL,
            key_id TEXT NOT NULL, idem TEXT, same TEXT NOT NULL, workload TEXT NOT NULL, created_us BIGINT NOT NULL,
            form_us BIGINT NOT NULL, due_us BIGINT NOT NULL, ends_us BIGINT NOT NULL, changed_us BIGINT NOT NULL,
            size BIGINT NOT NULL, kept TEXT NOT NULL, answer TEXT, budgets TEXT NOT NULL, held_nano BIGINT NOT NULL,
            holder TEXT NOT NULL, UNIQUE (key_id, idem))""",
        "CREATE INDEX batch_items_sent ON batch_items (sent, wants)",
        "CREATE INDEX batch_items_replica ON batch_items (replica_id, wants)",
        "CREATE INDEX batch_items_intent ON batch_items (intent_id)",
        "CREATE INDEX batch_items_same ON batch_items (same)",
        """CREATE TABLE batch_intents (
            intent_id TEXT PRIMARY KEY, grp TEXT NOT NULL, state TEXT NOT NULL, replica_id TEXT NOT NULL,
            batch_id TEXT NOT NULL, items BIGINT NOT NULL, intent_us BIGINT NOT NULL, sent_us BIGINT NOT NULL,
            ended_us BIGINT NOT NULL, adopted BIGINT NOT NULL, cancelled BIGINT NOT NULL, deleted BIGINT NOT NULL)""",
        "CREATE INDEX batch_intents_state ON batch_intents (state)",
        "CREATE TABLE batch_replicas (replica_id TEXT PRIMARY KEY, seen_us BIGINT NOT NULL)",
        "CREATE TABLE batch_leader (name TEXT PRIMARY KEY, replica_id TEXT NOT NULL, until_us BIGINT NOT NULL)",
        "INSERT INTO batch_leader (name, replica_id, until_us) VALUES ('desk', '', 0)",
        "CREATE TABLE batch_counts (name TEXT PRIMARY KEY, count BIGINT NOT NULL)",
    ),
)
