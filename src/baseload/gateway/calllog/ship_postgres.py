"""The call log of many replicas in one PostgreSQL table, record by record; from there into the ledger like a file.

A record is named by (replica_id, seq, kind), so sending it again changes nothing. How far a segment was sent is
remembered beside the records, in the same transaction: a live segment is followed, at most a second behind.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from baseload.gateway.calllog.records import End, Head, LogRecord, Note, Start
from baseload.gateway.calllog.segment import SUFFIX
from baseload.gateway.state.database import Database, Transaction, migrate
from baseload.usage.fields import BadRecord
from baseload.usage.gateway_pairs import Pair, Pairing, Placed, record_at
from baseload.usage.gateway_records import json_of, record_of

OWNER: Final = "call_log"
AT_ONCE_BYTES: Final = 1024 * 1024
READ_AT_ONCE: Final = 5_000
_ROWS_AT_ONCE: Final = 200
_DAY_US: Final = 86_400_000_000

MIGRATIONS: Final = (
    (
        """CREATE TABLE call_log (
            replica_id TEXT NOT NULL, seq BIGINT NOT NULL, kind TEXT NOT NULL, day INTEGER NOT NULL,
            record TEXT NOT NULL, PRIMARY KEY (replica_id, seq, kind))""",
        "CREATE INDEX call_log_by_day ON call_log (day)",
        """CREATE TABLE call_log_heads (
            replica_id TEXT PRIMARY KEY, record TEXT NOT NULL, is_dead INTEGER NOT NULL)""",
        """CREATE TABLE call_log_sent (
            replica_id TEXT NOT NULL, segment TEXT NOT NULL, sent_bytes BIGINT NOT NULL,
            PRIMARY KEY (replica_id, segment))""",
    ),
)


class _Row(NamedTuple):
    seq: int
    kind: str
    day: int
    record: str


class PostgresSink:
    """Sends whole lines of a replica's segments. Its database is PostgreSQL, or SQLite in a pinch."""

    def __init__(self, database: Database) -> None:
        self._database = database
        migrate(database, OWNER, MIGRATIONS)

    def send(self, folder: Path, replica_id: str) -> int:
        """Sends what is new in the replica's segments; returns how many records. Raises StateDown: send again."""
        sent = 0
        for path in sorted(folder.glob(f"calls-{replica_id}-*{SUFFIX}")):
            with contextlib.suppress(FileNotFoundError):  # another process deleted it: it was sent to its end
                while count := self._send_piece(path, replica_id):
                    sent += count
        return sent

    def has_all_of(self, path: Path, replica_id: str) -> bool:
        """Whether every byte of a complete segment was sent, and each of its lines could be read. Raises StateDown.

        A line that is torn is in no table: its segment stays, for a reader of files to tell.
        """
        with self._database.transaction() as run:
            found = run.rows(
                "SELECT sent_bytes FROM call_log_sent WHERE replica_id = ? AND segment = ?", (replica_id, path.name)
            )
        if not found or int(found[0][0]) != path.stat().st_size:
            return False
        with path.open("rb") as file:
            return all(not isinstance(record_at(line[:-1]), BadRecord) for line in file if line != b"\n")

    def mark_dead(self, replica_id: str) -> None:
        """Its log was recovered and sent: what has no end there never will."""
        with self._database.transaction() as run:
            run.run("UPDATE call_log_heads SET is_dead = 1 WHERE replica_id = ?", (replica_id,))

    def pairs(self, first_day: int = 0) -> Iterator[Pair]:
        """Every attempt that started on or after a day (since 1970), by replica and seq; in flight only of the dead."""
        with self._database.transaction() as run:
            heads = run.rows("SELECT replica_id, record, is_dead FROM call_log_heads ORDER BY replica_id")
        for replica_id, record, is_dead in heads:
            records = self._records(replica_id, first_day)
            yield from _pairs(record_of(record.encode()), records, is_dead=bool(is_dead))

    # inside

    def _records(self, replica_id: str, first_day: int) -> Iterator[str]:
        """In portions, a transaction each: memory does not grow with the table."""
        after = 0
        while True:
            with self._database.transaction() as run:
                rows = run.rows(
                    "SELECT seq, record FROM call_log WHERE replica_id = ? AND day >= ? AND seq > ?"
                    " AND seq <= (SELECT COALESCE(MAX(seq), 0) FROM (SELECT seq FROM call_log WHERE replica_id = ?"
                    " AND day >= ? AND seq > ? ORDER BY seq LIMIT ?) AS portion) ORDER BY seq, kind DESC",
                    (replica_id, first_day, after, replica_id, first_day, after, READ_AT_ONCE),
                )
            if not rows:
                return
            yield from (record for _, record in rows)
            after = int(rows[-1][0])

    def _send_piece(self, path: Path, replica_id: str) -> int:
        """The next whole lines of one segment, in one transaction; 0 at its end."""
        with self._database.transaction() as run:
            found = run.rows(
                "INSERT INTO call_log_sent (replica_id, segment, sent_bytes) VALUES (?, ?, 0)"
                " ON CONFLICT (replica_id, segment) DO UPDATE SET sent_bytes = call_log_sent.sent_bytes"
                " RETURNING sent_bytes",
                (replica_id, path.name),
            )
            offset = int(found[0][0])
            lines, size = _next_lines(path, offset)
            if not size:
                return 0
            count = _insert(run, replica_id, lines)
            run.run(
                "UPDATE call_log_sent SET sent_bytes = ? WHERE replica_id = ? AND segment = ?",
                (offset + size, replica_id, path.name),
            )
            return max(1, count)


def _next_lines(path: Path, offset: int) -> tuple[list[bytes], int]:
    """Whole lines from an offset, and how many bytes they are; at least one where there is one."""
    with path.open("rb") as file:
        file.seek(offset)
        data = file.read(AT_ONCE_BYTES)
        end = data.rfind(b"\n") + 1
        if not end and len(data) == AT_ONCE_BYTES:
            data += file.readline()
            end = len(data) if data.endswith(b"\n") else 0
    return data[:end].split(b"\n")[:-1], end


def _insert(run: Transaction, replica_id: str, lines: list[bytes]) -> int:
    rows: list[_Row] = []
    for line in lines:
        body = json_of(line)
        record = record_at(line)
        if body is None or isinstance(record, BadRecord):
            continue  # the file keeps it, and a reader of the file says so
        if isinstance(record, Head):
            run.run(
                "INSERT INTO call_log_heads (replica_id, record, is_dead) VALUES (?, ?, 0) ON CONFLICT DO NOTHING",
                (replica_id, body.decode()),
            )
        elif isinstance(record, Start | End | Note):
            rows.append(_Row(record.seq, _kind(record), record.us // _DAY_US, body.decode()))
    for place in range(0, len(rows), _ROWS_AT_ONCE):
        some = rows[place : place + _ROWS_AT_ONCE]
        run.run(
            "INSERT INTO call_log (replica_id, seq, kind, day, record) VALUES "
            + ", ".join(["(?, ?, ?, ?, ?)"] * len(some))
            + " ON CONFLICT DO NOTHING",
            [value for row in some for value in (replica_id, *row)],
        )
    return len(rows)


def _kind(record: LogRecord) -> str:
    return type(record).__name__.lower()


def _pairs(head: LogRecord, records: Iterable[str], *, is_dead: bool) -> Iterator[Pair]:
    pairing = Pairing()
    pairing.take(Placed(0, head))
    for row, text in enumerate(records, start=1):
        try:
            pair = pairing.take(Placed(row, record_of(text.encode())))
        except BadRecord:
            continue  # an end whose start was before the first day
        if pair is not None:
            yield pair
    if is_dead and isinstance(head, Head):
        yield from (Pair(head, start, None, row) for start, row in pairing.open.values())
