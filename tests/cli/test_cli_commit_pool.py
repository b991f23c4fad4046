"""`baseload commit pool` as people see it when the file has nothing to pool."""

from __future__ import annotations

from pathlib import Path

import pytest

from baseload.cli.main import main

OFFER = """\
term_months: 12
commit_basis: list
bands: [{from_usd: 0, discount: 0.20}]
overage: list
unused: forfeit
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    Path("offer.yaml").write_text(OFFER)


def refused(capsys: pytest.CaptureFixture[str], year: int, workload: str) -> str:
    rows = [f"{year}-{month:02d},1000,{workload}" for month in range(1, 13)]
    Path("teams.csv").write_text("\n".join(["month,list_usd,workload", *rows]) + "\n")
    with pytest.raises(SystemExit) as ended:
        main(["commit", "pool", "--demand", "teams.csv", "--offer", "offer.yaml", "--paths-count", "20"])
    assert ended.value.code == 2
    return " ".join(capsys.readouterr().err.split())


def test_one_workload_is_nothing_to_pool_and_the_file_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    said = refused(capsys, 2025, "chat")
    assert "teams.csv: workload: 1 part; expected 2 to 50 parts to pool, a workload each" in said


def test_months_that_are_all_to_come_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert "teams.csv: its first month, 2098-01, is after today" in refused(capsys, 2098, "chat")
