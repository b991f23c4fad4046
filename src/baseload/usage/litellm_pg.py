"""LiteLLM's spend log straight from its PostgreSQL database, read-only and row by row.

Rows come through a server-side cursor in the order (startTime, request_id), so memory does not grow with the table and
a later run goes on from a time. `startTime` is naive UTC in LiteLLM's schema. Needs the extra `pg`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any, Final

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import dict_row

from baseload.errors import UsageError
from baseload.usage.litellm import read_rows
from baseload.usage.litellm_row import NAME
from baseload.usage.normal import problem
from baseload.usage.reader import ReadContext, Record
from baseload.usage.rows import Row
from baseload.values import Problem

TABLE: Final = "LiteLLM_SpendLogs"
ROWS_AT_ONCE: Final = 2_000
CONNECT_SECONDS: Final = 15
_ORDER: Final = ("startTime", "request_id")
_NEEDED: Final = frozenset({*_ORDER, "model", "prompt_tokens", "completion_tokens"})
_COLUMNS: Final = (
    "request_id",
    "call_type",
    "api_key",
    "spend",
    "total_tokens",
    "prompt_tokens",
    "completion_tokens",
    "startTime",
    "endTime",
    "completionStartTime",
    "model",
    "model_group",
    "custom_llm_provider",
    "api_base",
    "user",
    "metadata",
    "cache_hit",
    "request_tags",
    "team_id",
    "organization_id",
    "end_user",
    "session_id",
    "status",
    "agent_id",
)
_BODIES: Final = ("messages", "response", "proxy_server_request")
"""Large where prompts are stored: left in the database when features are not wanted."""
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def read_postgres(dsn: str, context: ReadContext, since_us: int = 0) -> Iterator[Record]:
    """Calls of the spend log that started at or after `since_us` (UTC microseconds), oldest first.

    A row read twice has the same id, so `since_us` may overlap the last run. `source_file` is the address without
    user and password. Raises UsageError when the database cannot be reached or holds no spend log; a connection that
    breaks off later is one Problem.
    """
    shown = shown_address(dsn)
    try:
        connection = psycopg.connect(dsn, connect_timeout=CONNECT_SECONDS)
    except psycopg.Error as error:
        raise _unreachable(shown, error) from None
    with closing(connection):  # not `with connection`: its commit would fail where the server went away
        connection.read_only = True
        connection.execute("SET TIME ZONE 'UTC'")
        columns = _columns(connection, shown, with_bodies=context.want_features)
        yield from read_rows(_rows(connection, columns, since_us, shown), shown, context)


def shown_address(dsn: str) -> str:
    """The address for people and provenance: host, port and database; never user, password or options.

    >>> shown_address("postgresql://ada:secret@db.example:5433/litellm?sslmode=require")
    'postgresql://db.example:5433/litellm'
    """
    try:
        parts = conninfo_to_dict(dsn)
    except psycopg.Error:
        return "postgresql://(unreadable address)"
    host = str(parts.get("host") or "localhost")
    port = f":{parts['port']}" if parts.get("port") else ""
    return f"postgresql://{host}{port}/{parts.get('dbname') or ''}"


def _unreachable(shown: str, error: psycopg.Error) -> UsageError:
    """What went wrong in our own words: the driver's text may repeat parts of the address."""
    text = str(error).lower()
    reasons = {
        "password authentication failed": "user or password is wrong",
        "no password supplied": "a password is needed",
        "does not exist": "the database or role does not exist",
        "refused": "nothing listens there",
        "timeout": f"no answer within {CONNECT_SECONDS} s",
        "could not translate host name": "the host name is unknown",
        "failed to resolve host": "the host name is unknown",
    }
    reason = next((words for mark, words in reasons.items() if mark in text), "the server refused or broke off")
    return UsageError(
        f"{shown} cannot be read: {reason}. Expected postgresql://USER:PASSWORD@HOST:PORT/DATABASE of a LiteLLM proxy "
        "(its DATABASE_URL, with a read-only role); special characters in the password are percent-encoded."
    )


def _columns(connection: psycopg.Connection[Any], shown: str, *, with_bodies: bool) -> list[str]:
    """The columns to read among those this version of the table has. Raises UsageError when it is not there."""
    found = connection.execute(
        "SELECT column_name FROM information_schema.columns"
        " WHERE table_name = %s AND table_schema = ANY(current_schemas(false))",
        (TABLE,),
    ).fetchall()
    present = {str(row[0]) for row in found}
    if not present >= _NEEDED:
        missing = ", ".join(sorted(_NEEDED - present)) if present else f'the table "{TABLE}"'
        raise UsageError(
            f"{shown} has no LiteLLM spend log: {missing} is missing for this role and search path. Expected the "
            "database of a LiteLLM proxy; another schema is named by ?options=-csearch_path%3DSCHEMA."
        )
    wanted = _COLUMNS + (_BODIES if with_bodies else ())
    return [name for name in wanted if name in present]


def _rows(
    connection: psycopg.Connection[Any], columns: list[str], since_us: int, shown: str
) -> Iterator[Row | Problem]:
    """Rows of the table with the number they have in this run."""
    number = 0
    query = sql.SQL("SELECT {} FROM {} WHERE {} >= %s ORDER BY {}").format(
        sql.SQL(", ").join(map(sql.Identifier, columns)),
        sql.Identifier(TABLE),
        sql.Identifier("startTime"),
        sql.SQL(", ").join(map(sql.Identifier, _ORDER)),
    )
    since = _EPOCH + dt.timedelta(microseconds=since_us)
    try:
        with connection.cursor(name="baseload", row_factory=dict_row) as cursor:
            cursor.itersize = ROWS_AT_ONCE
            cursor.execute(query, (since.replace(tzinfo=None),))
            for record in cursor:
                number += 1
                yield Row(number, _plain(record))
    except psycopg.Error as error:
        yield problem(
            NAME,
            shown,
            number,
            "connection-lost",
            "The database broke off after this row; what came before was read",
            value=error.sqlstate or type(error).__name__,
            expected="all rows",
            next_step="Run the same command again: rows already read are recognised.",
        )


def _plain(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """The row with times as ISO text, as an export writes them."""
    return {name: value.isoformat() if isinstance(value, dt.datetime) else value for name, value in record.items()}
