"""`baseload commit focus` as people and scripts see it: what it refuses to write, and a signed contract completed."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from baseload.cli.main import main

OFFER = """\
name: "=HYPERLINK(1)"
term_months: 12
commit_usd_by_year: 2000000
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


def run(capsys: pytest.CaptureFixture[str], *tokens: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(("commit", "focus", *tokens))
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out, said.err


def export(capsys: pytest.CaptureFixture[str], *more: str, start: str = "2027-01-01") -> tuple[int, str, str]:
    return run(capsys, "export", "offer.yaml", "--start", start, *more)


def test_no_cell_of_the_csv_is_a_formula(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = export(capsys)
    assert code == 0, err
    (row,) = csv.DictReader(io.StringIO(out))
    assert row["ContractCommitmentDescription"] == "'=HYPERLINK(1), part 1 of 1"
    assert not [cell for cell in row.values() if cell[:1] in tuple("=+-@\t\r")]


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@x", "\t=1", " =1", "a\rb", "x\u202ey", "a\x1b[31m"])
def test_an_id_that_would_run_or_mislead_is_refused(capsys: pytest.CaptureFixture[str], name: str) -> None:
    code, out, err = export(capsys, f"--id={name}")
    assert (code, out) == (2, "")
    assert "--id: " in err
    assert "\x1b" not in err


@pytest.mark.parametrize("start", ["9999-12-31", "9999-01-01", "0001-01-01", "2150-01-01"])
def test_a_day_beyond_the_calendar_is_refused(capsys: pytest.CaptureFixture[str], start: str) -> None:
    code, out, err = export(capsys, start=start)
    assert (code, out) == (2, "")
    assert "--start: " in err


def size_file(**changes: Any) -> None:
    """What of a size the export reads, of the offer as it lies there."""
    inputs = {"offer_sha256": hashlib.sha256(OFFER.encode()).hexdigest(), "term_months": 12, "commit_basis": "list"}
    recommended = {"decision": "commit", "commit_usd_by_year": ["1017000.00"], "reason": "The least expected cost."}
    document = {"schema": "baseload.commit.size/1", "inputs": inputs, "recommended": recommended}
    for key, value in changes.items():
        part = inputs if key in inputs else recommended
        part[key] = value
    Path("size.json").write_bytes(msgspec.json.encode(document))


def test_a_size_of_this_offer_is_exported(capsys: pytest.CaptureFixture[str]) -> None:
    size_file()
    code, out, err = export(capsys, "--size", "size.json", "--json")
    assert code == 0, err
    assert json.loads(out)["rows"][0]["ContractCommitmentQuantity"] == "1017000.00"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"offer_sha256": "0" * 64}, "size.json: offer_sha256: 000"),
        ({"commit_basis": "net"}, "size.json: commit_basis: net"),
        ({"term_months": 24}, "size.json: term_months: 24"),
        ({"decision": "do_not_commit", "commit_usd_by_year": ["0.00"]}, "size.json: decision: do_not_commit"),
        ({"commit_usd_by_year": []}, "size.json: commit_usd_by_year: "),
        ({"commit_usd_by_year": ["lots"]}, "size.json: commit_usd_by_year: lots"),
        ({"commit_usd_by_year": ["NaN"]}, "size.json: commit_usd_by_year: NaN"),
    ],
)
def test_a_size_that_is_not_of_this_offer_is_refused(
    capsys: pytest.CaptureFixture[str], changes: dict[str, Any], said: str
) -> None:
    size_file(**changes)
    code, out, err = export(capsys, "--size", "size.json")
    assert (code, out) == (2, "")
    assert said in err


def test_an_import_is_completed_for_commit_current(capsys: pytest.CaptureFixture[str]) -> None:
    """Start and end are kept; what remains is said in the file, and once it is answered the contract is read."""
    from baseload.commit.current_file import read_current

    _, out, _ = export(capsys, "--id", "C-1")
    Path("signed.csv").write_text(out)
    run(capsys, "import", "signed.csv", "-o", "signed.yaml")
    text = Path("signed.yaml").read_text()
    assert "start: 2027-01-01\n" in text
    assert "end: 2028-01-01  # exclusive\n" in text
    assert "offer new" not in text
    _, out, _ = run(capsys, "import", "signed.csv", "--json")
    found = json.loads(out)
    assert (found["start"], found["end"]) == ("2027-01-01", "2028-01-01")
    assert found["missing"][-3:] == ["as_of", "paid_usd", "remaining_usd"]
    answers = {"as_of": "2027-03-01", "paid_usd": "1600000", "remaining_usd": "1700000", "overage": "list",
               "unused": "forfeit", "price_rule": "lower_of", "metering_freeze": "false",
               "new_model_rule": "same_discount", "step_down": "none", "true_forward": "none",
               "renewal": "{auto: false}", "bands": "[{from_usd: 0, discount: 0.2}]"}  # fmt: skip
    for key in found["missing"]:
        text = text.replace(f"{key}: unknown", f"{key}: {answers[key]}")
    assert "unknown" not in "".join(line for line in text.splitlines(keepends=True) if not line.startswith("#"))
    signed, _ = read_current(text.encode())
    assert (signed.start.isoformat(), signed.end.isoformat()) == ("2027-01-01", "2028-01-01")
