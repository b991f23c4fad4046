"""`baseload close` on a machine: what it prints, writes, freezes and refuses."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from baseload.cli.close_files import FOLDER, load_frozen, write_frozen
from baseload.cli.main import main
from baseload.errors import UsageError
from baseload.plan.close.freeze import hash_of

MTOK = 1_000_000


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.delenv("BASELOAD_ORG_KEY", raising=False)
    monkeypatch.chdir(tmp_path)


def call(number: int, day: str, prompt: int = MTOK) -> str:
    row = {
        "timestamp": f"{day}T00:00:00Z",
        "request": {"model": "claude-opus-5-5", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]},
        "response": {
            "id": f"msg_{number:020d}", "type": "message", "role": "assistant", "model": "claude-opus-5-5",
            "content": [{"type": "text", "text": "billing"}], "stop_reason": "end_turn",
            "usage": {"input_tokens": prompt, "output_tokens": 0},
        },
    }  # fmt: skip
    return json.dumps(row) + "\n"


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """A call of 4 dollars (a million tokens into Opus 5.5) on every day of September and October; one more on two."""
    folder = tmp_path / "logs"
    folder.mkdir()
    days = [f"2026-09-{day:02d}" for day in range(22, 31)] + [f"2026-10-{day:02d}" for day in range(1, 32)]
    (folder / "calls.jsonl").write_text("".join(call(place, day) for place, day in enumerate(days)))
    return folder


def run(capfd: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    out, err = capfd.readouterr()
    return int(ended.value.code or 0), out, err


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def closed(capfd: pytest.CaptureFixture[str], logs: Path, *more: object, code: int = 1) -> dict[str, Any]:
    """The document; the code is 1 because September begins on the 22nd."""
    given, out, err = run(capfd, "close", "2026-10", logs, "--as-of", "2026-11-22", "--json", *more)
    assert given == code, err
    found: dict[str, Any] = json.loads(out)
    return found


def test_the_bridge_in_json(logs: Path, capfd: pytest.CaptureFixture[str]) -> None:
    document = closed(capfd, logs)
    lines = {line["line"]: line["usd"] for line in document["figures"]["lines"] if line["usd"] != "0.00"}

    assert document["schema"] == "baseload.close/1"
    # 9 days of September at 4 dollars, 31 of October
    assert (document["figures"]["from_usd"], document["figures"]["to_usd"]) == ("36.00", "124.00")
    assert lines == {"days": "88.00"}
    assert [problem["code"] for problem in document["problems"]] == ["month-incomplete"]


def test_the_terminal_says_bills_lines_and_what_is_missing(logs: Path, capfd: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capfd, "close", "2026-10", logs, "--as-of", "2026-11-22")

    assert code == 1
    for text in ("2026-10 against 2026-09", "Bill of 2026-09", "$36.00", "Days of data", "$88.00", "$124.00"):
        assert text in out
    assert "2026-09: 9 of 30 days have data" in out
    assert "month-incomplete × 1" in err


def test_printed_lines_add_up_as_printed(logs: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with (logs / "calls.jsonl").open("a") as file:
        # thirds of a cent: 333,333 tokens and odd counts
        file.writelines(call(900 + place, f"2026-10-{place + 1:02d}", 333_333 + place) for place in range(9))
    code, out, _ = run(capfd, "close", "2026-10", logs, "--as-of", "2026-11-22")
    rows = [line for line in out.splitlines() if line.startswith(("   ", " Bill of"))]
    cents = [_cents(row) for row in rows if "$" in row][:20]

    assert code == 1
    assert len(cents) > 4
    assert cents[0] + sum(cents[1:-1]) == cents[-1]


def _cents(row: str) -> int:
    amount = next(part for part in row.split() if "$" in part)
    return int(amount.replace("$", "").replace("−", "-").replace(",", "").replace(".", ""))


def test_a_month_that_has_no_usage_is_code_3(logs: Path, capfd: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capfd, "close", "2026-03", logs)
    assert code == 3
    assert "2026-03 has no usage here; the data hold 2026-09 to 2026-10" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["2026-1x"], "expected YYYY-MM"),
        (["2026-10", "--year-start", "13"], "expected a month, 1 to 12"),
        (["2026-10", "--against", "2026-10"], "--against 2026-10: expected a month before 2026-10, such as 2026-09"),
        (["2026-09", "--against", "2026-10"], "--against 2026-10: expected a month before 2026-09, such as 2026-08"),
    ],
)
def test_a_wrong_argument_is_code_2(
    arguments: list[str], said: str, logs: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    code, _, err = run(capfd, "close", arguments[0], logs, *arguments[1:])
    assert (code, said in err) == (2, True)


def test_freezing_keeps_the_month_and_the_next_run_verifies_it(
    logs: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    closed(capfd, logs, "--freeze")
    kept = tmp_path / ".baseload" / "close" / "2026-10.json"
    before = kept.read_bytes()

    document = closed(capfd, logs, "--freeze")

    assert document["check"]["status"] == "verified"
    assert kept.read_bytes() == before
    assert names(kept.parent) == ["2026-10.json"]


def test_anybody_can_compute_the_hash_of_a_frozen_month(
    logs: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    closed(capfd, logs, "--freeze")
    kept = json.loads((tmp_path / ".baseload" / "close" / "2026-10.json").read_bytes())
    sha256 = kept["seal"].pop("sha256")
    under = {name: kept[name] for name in ("schema", "figures", "inputs", "seal")}
    canonical = json.dumps(under, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

    assert hashlib.sha256(canonical).hexdigest() == sha256


def test_late_data_are_told_and_taken_over_only_on_request(
    logs: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    closed(capfd, logs, "--freeze")
    folder = tmp_path / ".baseload" / "close"
    first = (folder / "2026-10.json").read_bytes()
    with (logs / "calls.jsonl").open("a") as file:
        file.write(call(999, "2026-10-31"))

    late = closed(capfd, logs, "--freeze")
    assert late["check"]["status"] == "restated"
    assert (late["figures"]["to_usd"], late["restatements"][0]["difference_usd"]) == ("124.00", "4.00")
    assert (folder / "2026-10.json").read_bytes() == first

    taken = closed(capfd, logs, "--refreeze")
    assert (taken["check"]["status"], taken["figures"]["to_usd"]) == ("verified", "128.00")
    assert taken["seal"]["revision"] == 2
    assert (folder / "2026-10.r1.json").read_bytes() == first
    assert names(folder) == ["2026-10.json", "2026-10.r1.json"]


def test_a_month_that_is_not_over_is_not_frozen(logs: Path, capfd: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capfd, "close", "2026-10", logs, "--as-of", "2026-10-31", "--freeze")
    assert code == 2
    assert "2026-10 is not over on 2026-10-31" in err


def test_an_edited_frozen_file_is_damaged(logs: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    closed(capfd, logs, "--freeze")
    kept = tmp_path / ".baseload" / "close" / "2026-10.json"
    kept.write_text(kept.read_text().replace('"124.00"', '"24.00"'))
    document = closed(capfd, logs)

    assert document["check"]["status"] == "damaged"
    assert document["figures"]["to_usd"] == "124.00"
    assert "close-damaged" in [problem["code"] for problem in document["problems"]]


@pytest.mark.parametrize(
    ("field", "text", "said"),
    [
        ("to_usd", "a lot", "figures.to_usd is 'a lot'; expected an amount such as 12.00"),
        ("to_usd", "1e9", "figures.to_usd is '1e9'"),
        ("against", "../../../etc", "figures.against is '../../../etc'; expected a month, YYYY-MM"),
        ("forecast", "soon", "figures.forecast.fiscal_year_start is 'soon'; expected a day, YYYY-MM-DD"),
    ],
)
@pytest.mark.parametrize("sealed_again", [False, True])
def test_tampered_text_of_a_frozen_month_is_named(
    field: str,
    text: str,
    said: str,
    sealed_again: bool,
    logs: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    closed(capfd, logs, "--freeze")
    kept = tmp_path / ".baseload" / "close" / "2026-10.json"
    content = json.loads(kept.read_bytes())
    place = content["figures"]["forecast"] if field == "forecast" else content["figures"]
    place["fiscal_year_start" if field == "forecast" else field] = text
    if sealed_again:
        content["seal"]["sha256"] = hash_of(content)
    kept.write_text(json.dumps(content))
    code, out, err = run(capfd, "close", "2026-10", logs, "--as-of", "2026-11-22")
    assert (code, out) == (2, "")
    assert "2026-10.json: not a frozen month" in err
    assert said in " ".join(err.split())


def test_a_damaged_month_says_nothing_about_what_it_was_compared_with(
    logs: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    closed(capfd, logs, "--freeze", "--year-start", "7")
    kept = tmp_path / ".baseload" / "close" / "2026-10.json"
    kept.write_text(kept.read_text().replace('"against": "2026-09"', '"against": "2026-08"'))
    document = closed(capfd, logs)
    assert document["check"]["status"] == "damaged"
    assert document["figures"]["against"] == "2026-09"
    assert document["figures"]["forecast"]["fiscal_year_start"] == "2026-01-01"


@pytest.mark.parametrize("content", ["", "[]", "[" * 100_000, '{"schema": "baseload.map/1"}', "\x00"])
def test_a_file_that_is_no_frozen_month_is_code_2_and_left_alone(
    content: str, logs: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / ".baseload" / "close"
    folder.mkdir(parents=True)
    (folder / "2026-10.json").write_text(content)
    code, _, err = run(capfd, "close", "2026-10", logs, "--refreeze")

    assert code == 2
    assert "not a frozen month" in err
    assert (folder / "2026-10.json").read_text() == content


def test_the_folder_holds_the_document_and_its_tables(
    logs: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    document = closed(capfd, logs, "-o", tmp_path / "out")

    assert json.loads((tmp_path / "out" / "close.json").read_bytes()) == document
    lines = (tmp_path / "out" / "lines.csv").read_text("utf-8-sig").splitlines()
    assert lines[0] == "line,label,usd,share,grade,low_usd,high_usd,note"
    assert any(line.startswith("days,Days of data,88.00,") for line in lines)
    workloads = (tmp_path / "out" / "workloads.csv").read_text("utf-8-sig").splitlines()
    assert workloads[0].startswith("id,name,owner,state,")
    assert len(workloads) == 1 + len(document["figures"]["workloads"])


def test_nobodys_file_is_overwritten(logs: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "lines.csv").write_text("mine")
    code, _, err = run(capfd, "close", "2026-10", logs, "-o", tmp_path / "out")

    assert code == 2
    assert "was not written by `close`" in err
    assert (tmp_path / "out" / "lines.csv").read_text() == "mine"


def test_a_name_that_a_spreadsheet_would_run_is_text(
    logs: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "baseload.toml").write_text('[[workload]]\nname = "=1+1"\nsource = "messages"\n')
    closed(capfd, logs, "-o", tmp_path / "out")
    rows = (tmp_path / "out" / "workloads.csv").read_text("utf-8-sig").splitlines()[1:]

    assert any(",'=1+1," in row for row in rows), rows
    assert not any(",=1+1," in row for row in rows)


def test_a_first_freeze_replaces_no_file_that_appeared_meanwhile(
    logs: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    closed(capfd, logs, "--freeze")
    held = load_frozen(tmp_path, "2026-10")
    assert held
    before = (tmp_path / FOLDER / "2026-10.json").read_bytes()
    with pytest.raises(UsageError, match="exists and is not overwritten"):
        write_frozen(tmp_path, held.document, replaces=0)
    write_frozen(tmp_path, held.document, replaces=1)
    with pytest.raises(UsageError, match=r"2026-10\.r1\.json exists and is not overwritten"):
        write_frozen(tmp_path, held.document, replaces=1)

    assert (tmp_path / FOLDER / "2026-10.json").read_bytes() == before
    assert names(tmp_path / FOLDER) == ["2026-10.json", "2026-10.r1.json"]


def test_the_fiscal_year_is_the_projects_unless_said(
    logs: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "baseload.toml").write_text("[plan]\nfiscal_year_start = 2\n")
    assert closed(capfd, logs)["figures"]["forecast"]["fiscal_year_start"] == "2026-02-01"
    assert closed(capfd, logs, "--year-start", 10)["figures"]["forecast"]["fiscal_year_start"] == "2026-10-01"


def test_a_month_frozen_with_another_fiscal_year_is_still_verified(
    logs: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    closed(capfd, logs, "--freeze", "--year-start", 10)
    (tmp_path / "baseload.toml").write_text("[plan]\nfiscal_year_start = 2\n")
    document = closed(capfd, logs)
    assert document["check"]["status"] == "verified"
    assert document["figures"]["forecast"]["fiscal_year_start"] == "2026-10-01"


def test_what_overage_cost_more_is_a_line_of_its_own(
    logs: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    # list price of the calls is 36 in September and 124 in October; 10 more were paid because a commitment was used up
    (tmp_path / "baseload.toml").write_text(
        '[[invoice]]\nmonth = "2026-09"\namount = "36.00"\n'
        '[[invoice]]\nmonth = "2026-10"\namount = "134.00"\noverage = "10.00"\n'
    )
    document = closed(capfd, logs)
    lines = {line["line"]: line["usd"] for line in document["figures"]["lines"] if line["usd"] != "0.00"}

    assert (document["figures"]["from_usd"], document["figures"]["to_usd"]) == ("36.00", "134.00")
    assert lines == {"days": "88.00", "overage": "10.00"}


def test_an_overage_that_changes_later_is_a_restatement(
    logs: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    settings = (
        '[[invoice]]\nmonth = "2026-09"\namount = "36.00"\n'
        '[[invoice]]\nmonth = "2026-10"\namount = "134.00"\noverage = "10.00"\n'
    )
    (tmp_path / "baseload.toml").write_text(settings)
    assert closed(capfd, logs, "--freeze")["check"]["status"] == "verified"
    (tmp_path / "baseload.toml").write_text(settings.replace('"10.00"', '"4.00"'))
    assert closed(capfd, logs)["check"]["status"] == "restated"


def test_a_bill_compared_by_the_ledger_has_an_asterisk_and_its_reason(
    logs: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "baseload.toml").write_text('[[invoice]]\nmonth = "2026-10"\namount = "134.00"\n')  # none of September
    _, out, _ = run(capfd, "close", "2026-10", logs, "--as-of", "2026-11-22")
    assert "Bill of 2026-09 *" in out
    assert "Bill of 2026-10 *" in out
    assert "so both are compared by the ledger" in " ".join(out[out.index("\n* ") :].split())
