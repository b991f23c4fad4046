"""`baseload gateway ship` where replicas share a table: the real PostgreSQL, the real command, the same ledger."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from log_writing import Clock, one_call
from postgres_server import postgres

from baseload.cli.main import main
from baseload.gateway.calllog.segment import CallLog
from baseload.gateway.shipping import TableSender
from baseload.gateway.state.postgres import PostgresDatabase
from baseload.ledger.store import Ledger

SETTINGS = '[log]\nfolder = "log"\nship_to = "postgresql"\n[state]\nurl_env = "STATE_URL"\n'


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with postgres() as found:
        yield found


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("BASELOAD_ORG_KEY", "the organisation's key of the tests")
    (tmp_path / "gateway.toml").write_text(SETTINGS)
    return tmp_path


def shipped(capsys: pytest.CaptureFixture[str], *more: str) -> tuple[str, int]:
    with pytest.raises(SystemExit):
        main(["gateway", "ship", "--json", *more])
    document = json.loads(capsys.readouterr().out)
    return document["log"], document["new_rows"]


@pytest.mark.postgres
def test_what_replicas_sent_and_deleted_reaches_the_ledger_once(
    address: str, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATE_URL", address)
    clock = Clock()
    for replica in ("a.1", "b.1"):  # two pods, each with a folder of its own
        log = CallLog(folder / replica, replica, clock_us=clock)
        one_call(log, message_id=f"msg_{replica}")
        database = PostgresDatabase(address)
        sender = TableSender(folder / replica, replica, lambda opened=database: opened, keep_us=0)  # type: ignore[misc]  # bound now
        log.close()
        sender.close()
        assert len(sender.delete_sent(4 * 10**15)) == 1
        assert not list((folder / replica).glob("calls-*.log"))
        database.close()
    assert shipped(capsys) == ("postgresql:call_log", 2)
    assert shipped(capsys) == ("postgresql:call_log", 0)
    assert shipped(capsys, "--since", "2100-01-01", "--ledger", "other") == ("postgresql:call_log", 0)
    with Ledger.open(folder / ".baseload/ledger") as ledger:
        assert ledger.rows == 2


@pytest.mark.parametrize(
    ("given", "settings", "says"),
    [
        (("--delete-after", "3"), SETTINGS, "replicas remove their own"),
        (("--since", "yesterday"), SETTINGS, "expected a day such as 2026-11-01"),
        ((), SETTINGS.partition("[state]")[0], "without state.url_env"),
        (("--since", "2026-11-01"), "", "without a table"),
    ],
)
def test_what_a_table_has_not_is_refused(
    given: tuple[str, ...], settings: str, says: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "gateway.toml").write_text(settings)
    with pytest.raises(SystemExit) as stopped:
        main(["gateway", "ship", *given])
    assert stopped.value.code == 2
    assert says in " ".join(capsys.readouterr().err.split())
