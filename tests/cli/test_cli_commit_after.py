"""After signing and around the table: `commit track`, `log`, `offer new` and `focus` as a person runs them."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from baseload.cli.main import main

OFFER = """\
name: signed
term_months: 24
commit_usd_by_year: 365000
commit_basis: list
bands: [{from_usd: 0, discount: 0.20}]
overage: list
unused: forfeit
renewal: {auto: true, notice_days: 90}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("offer.yaml").write_text(OFFER)
    Path("counter.yaml").write_text(OFFER.replace("overage: list", "overage: committed"))
    Path("usage.csv").write_text(days(dt.date(2026, 1, 1), 181, 1_000.0))
    Path("history.csv").write_text(days(dt.date(2025, 1, 1), 365, 1_000.0))
    return tmp_path


def days(first: dt.date, count: int, usd: float) -> str:
    rows = "".join(f"{first + dt.timedelta(days=place)},{usd}\n" for place in range(count))
    return f"date,list_usd\n{rows}"


def run(*tokens: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(["commit", *tokens])
    return int(left.value.code or 0)


def document(capsys: pytest.CaptureFixture[str], *tokens: str) -> Any:
    capsys.readouterr()
    run(*tokens, "--json")
    return json.loads(capsys.readouterr().out)


TRACK = ("track", "--offer", "offer.yaml", "--start", "2026-01-01", "--usage", "usage.csv", "--demand", "history.csv")


@pytest.mark.usefixtures("folder")
def test_track_shows_the_balance_and_the_days_not_to_miss(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*TRACK) == 0

    shown = capsys.readouterr().out
    assert "Balance 365,000, drawn 181,000, left 184,000, beyond it 0" in shown
    assert "Alert: quiet." in shown
    assert "2027-10-03: last day to stop the automatic renewal" in shown


@pytest.mark.usefixtures("folder")
def test_track_reads_a_signed_contract_s_file(capsys: pytest.CaptureFixture[str]) -> None:
    standing = "start: 2026-01-01\nend: 2028-01-01\nas_of: 2026-07-01\npaid_usd: 292000\nremaining_usd: 184000\n"
    Path("signed.yaml").write_text(OFFER + standing)
    found = document(capsys, "track", "--contract", "signed.yaml", "--usage", "usage.csv", "--demand", "history.csv")

    assert found["schema"] == "baseload.commit.track/1"
    assert (found["drawn_usd"], found["remaining_usd"]) == ("181000.00", "184000.00")
    assert found["problems"] == []


@pytest.mark.usefixtures("folder")
def test_track_needs_one_contract(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("track", "--usage", "usage.csv") == 2
    assert "Give --contract FILE, or --offer FILE with --start" in capsys.readouterr().err


@pytest.mark.usefixtures("folder")
def test_rounds_are_kept_in_the_project_and_priced(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("log", "add", "offer.yaml", "--side", "vendor", "--by", "account team", "--date", "2026-11-02") == 0
    given = ("--side", "buyer", "--by", "us", "--date", "2026-11-03", "--demand", "history.csv")
    assert run("log", "add", "counter.yaml", *given) == 0

    assert len(Path(".baseload/commit/rounds.jsonl").read_text().splitlines()) == 2
    found = document(capsys, "log", "show")
    assert found["schema"] == "baseload.commit.log/1"
    assert [row["side"] for row in found["rounds"]] == ["vendor", "buyer"]
    assert float(found["rounds"][1]["move"]["earned_usd"]) > 0
    again = document(capsys, "log", "show", "--demand", "history.csv")
    assert again["since_first"]["earned_usd"] == found["rounds"][1]["move"]["earned_usd"]


@pytest.mark.usefixtures("folder")
def test_a_log_that_somebody_edited_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    run("log", "add", "offer.yaml", "--side", "vendor", "--by", "account team", "--date", "2026-11-02")
    log = Path(".baseload/commit/rounds.jsonl")
    log.write_text(log.read_text().replace("365000", "300000"))

    assert run("log", "show") == 2
    assert "a round was changed, left out or put in" in capsys.readouterr().err


@pytest.mark.usefixtures("folder")
def test_a_log_without_a_round_computes_nothing() -> None:
    assert run("log", "show") == 3


@pytest.mark.usefixtures("folder")
def test_offer_new_writes_what_is_known_and_ranks_what_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    known = "term_months: 12\ncommit_basis: list\nunused: forfeit\nprice_rule: lower_of\nmetering_freeze: true\n"
    known += "step_down: none\ntrue_forward: none\npayment: annual\nbands: [{from_usd: 0, discount: 0.2}]\n"
    Path("answers.yaml").write_text(known)
    found = document(capsys, "offer", "new", "--answers", "answers.yaml", "--demand", "history.csv", "-o", "new.yaml")

    assert found["schema"] == "baseload.commit.questions/1"
    assert [row["key"] for row in found["questions"]] == ["overage"]
    assert float(found["questions"][0]["swing_usd"]) > 0
    assert "overage: unknown" in Path("new.yaml").read_text()
    assert "overage:\n  - committed" in Path("new.unknown.yaml").read_text()


@pytest.mark.usefixtures("folder")
def test_offer_new_takes_answers_from_the_command_line_and_overwrites_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run("offer", "new", "--set", "overage=list", "--set", "term_months=", "-o", "new.yaml") == 0
    assert "without --demand nobody knows which costs most" in capsys.readouterr().out
    assert "term_months: unknown" in Path("new.yaml").read_text()

    assert run("offer", "new", "--set", "overage=list", "-o", "new.yaml") == 2
    assert "new.yaml exists and is not overwritten" in capsys.readouterr().err
    assert run("offer", "new", "--set", "rebate=list", "-o", "other.yaml") == 2
    assert "--set: rebate=list; expected key=value" in capsys.readouterr().err


@pytest.mark.usefixtures("folder")
def test_focus_rows_go_out_and_come_back(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("focus", "export", "offer.yaml", "--start", "2027-01-01", "--id", "C-1", "-o", "rows.csv") == 0
    assert "Not in FOCUS: bands, overage, unused, renewal." in capsys.readouterr().err

    found = document(capsys, "focus", "import", "rows.csv")
    assert (found["schema"], found["contract_id"]) == ("baseload.commit.focus/1", "C-1")
    assert found["terms"]["commit_usd_by_year"] == ["365000", "365000"]
    assert "overage" in found["missing"]
    assert run("focus", "import", "rows.csv", "-o", "signed.yaml") == 1
    assert "overage: unknown" in Path("signed.yaml").read_text()


@pytest.mark.usefixtures("folder")
def test_focus_takes_the_commitment_of_a_size_document(capsys: pytest.CaptureFixture[str]) -> None:
    sha = hashlib.sha256(Path("offer.yaml").read_bytes()).hexdigest()
    size = {
        "schema": "baseload.commit.size/1",
        "inputs": {"offer_sha256": sha, "term_months": 24, "commit_basis": "list"},
        "recommended": {"decision": "commit", "commit_usd_by_year": ["500000", "600000"]},
    }
    Path("size.json").write_text(json.dumps(size))
    found = document(capsys, "focus", "export", "offer.yaml", "--size", "size.json", "--start", "2027-01-01")

    assert [row["ContractCommitmentQuantity"] for row in found["rows"]] == ["500000", "600000"]
    Path("size.json").write_text("{}")
    assert run("focus", "export", "offer.yaml", "--size", "size.json", "--start", "2027-01-01") == 2
