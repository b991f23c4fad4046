"""`baseload prices`: documents, tables, exit codes, and where additions are kept."""

from __future__ import annotations

import datetime as dt
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from baseload.cli.main import main
from baseload.ledger.store import Ledger
from baseload.values import DAY_US, Call, day_of_date

NEW = """
schema: baseload.prices.addition/1
source: price page, 2026-12-01
models:
  - {id: claude-opus-6, display_name: Claude Opus 6, line: opus, tokenizer: new, released: 2026-11-01}
prices:
  - {model: claude-opus-6, valid_from: 2026-11-01, valid_to: open, input: 3,
     write_5m: 3.75, write_1h: 6, read: 0.15, output: 15}
"""

SONNET = "claude-sonnet-5-5|anthropic|global|standard|standard|0-100k"
USAGE = {
    "schema": "baseload.usage/1",
    "window": {"start": "2026-10-25", "end_exclusive": "2026-11-22", "days": 28},
    "by_price_key": [
        {"price_key": SONNET, "cache_read_tokens": 2_800_000_000, "output_tokens": 28_000_000},
        {"price_key": "?claude-opus-6|anthropic|global|standard|standard|any", "output_tokens": 1_000_000},
    ],
}


@pytest.fixture(autouse=True)
def _own_config(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)


def run(capsys: pytest.CaptureFixture[str], *tokens: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as done:
        main(["prices", *tokens])
    out, err = capsys.readouterr()
    return int(str(done.value.code or 0)), out, err


def document(capsys: pytest.CaptureFixture[str], *tokens: str) -> dict[str, Any]:
    _, out, _ = run(capsys, *tokens, "--json")
    found: dict[str, Any] = json.loads(out)
    assert found["book"]["checked"] <= "9999"
    assert "Prices checked" in found["book"]["line"]  # every output prints the book's age
    return found


def test_show_lists_what_is_sold_that_day_dearest_first(capsys: pytest.CaptureFixture[str]) -> None:
    found = document(capsys, "show", "--on", "2026-11-22", "--platform", "bedrock", "--geo", "regional")
    assert found["schema"] == "baseload.prices.show/1"
    opus = next(line for line in found["models"] if line["model"] == "claude-opus-5-5")
    assert opus["low"] == {
        "uncached_input": "4.4",
        "cache_read": "0.22",
        "cache_write_5m": "5.5",
        "cache_write_1h": "8.8",
        "output": "22",
    }
    haiku = next(line for line in found["models"] if line["model"] == "claude-haiku-5-5")
    assert (haiku["low"]["output"], haiku["high"]["output"]) == ("0.55", "2.75")
    assert found["models"][-1]["model"] == "claude-haiku-5-5"
    assert "claude-3-opus-20240229" not in [line["model"] for line in found["models"]]


def test_show_of_any_spelling_tells_everything_known(capsys: pytest.CaptureFixture[str]) -> None:
    found = document(capsys, "show", "Claude Sonnet 4.5", "--on", "2026-12-01")
    assert found["models"][0]["status"] == "retired"
    assert found["models"][0]["notes"] == ["after-retirement"]
    assert [row["over_tokens"] for row in found["detail"]["history"]] == [0, 200_000]
    assert found["detail"]["capabilities"]["prefill"].startswith("ok")
    assert set(found["detail"]["sources"]) == {"S1", "S3"}


def test_show_of_an_unknown_model_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "show", "gpt-9")
    assert code == 2
    assert "'gpt-9' is no model of the price book" in err


@pytest.mark.parametrize("tokens", [("show",), ("show", "claude-haiku-5-5"), ("diff", "2026-09-01", "2026-11-22")])
def test_tables_carry_the_age_of_the_book(capsys: pytest.CaptureFixture[str], tokens: tuple[str, ...]) -> None:
    code, out, _ = run(capsys, *tokens)
    assert code == 0
    assert "claude-haiku-5-5" in out
    assert "Prices checked " in out


def test_diff_takes_its_days_in_either_order(capsys: pytest.CaptureFixture[str]) -> None:
    forth = document(capsys, "diff", "2026-10-06", "2026-10-07")
    back = document(capsys, "diff", "2026-10-07", "2026-10-06")
    assert forth == back
    assert (forth["schema"], forth["from"], forth["to"]) == ("baseload.prices.diff/1", "2026-10-06", "2026-10-07")
    assert {change["subject"] for change in forth["changes"]} >= {"claude-sonnet-5-5", "claude-haiku-5-5"}


def test_diff_says_when_nothing_changed(capsys: pytest.CaptureFixture[str]) -> None:
    assert "Nothing changed" in run(capsys, "diff", "2026-11-20", "2026-11-21")[1]


def test_check_prints_both_values_of_every_disagreement_and_exits_0(capsys: pytest.CaptureFixture[str]) -> None:
    found = document(capsys, "check", "--on", "2026-11-22")
    assert found["schema"] == "baseload.prices.check/1"
    assert found["unexpected"] == []
    assert found["agreeing"] + len(found["disagreements"]) == found["compared"]
    geo = [one for one in found["disagreements"] if one["faults"] == ["no-inference-geo"]]
    opus = next(one for one in geo if one["price_key"].startswith("claude-opus-5-5") and "input" in one["charge"])
    assert (opus["ours_usd"], opus["theirs_usd"]) == ("0.22", "0.20")  # 50,000 x 4.4 and x 4 per million
    code, out, _ = run(capsys, "check", "--on", "2026-11-22")
    assert code == 0
    assert opus["price_key"] in out
    assert "no-inference-geo" in out
    assert "0 unexpected" in out


def test_check_exits_1_on_an_unexpected_disagreement(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("baseload.prices.peer.peer_price", lambda probe: None)
    code, out, _ = run(capsys, "check", "--brief")
    assert code == 1
    assert "no price" in out


def test_check_without_the_extra_says_how_to_get_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "baseload.prices.peer", raising=False)
    monkeypatch.setitem(sys.modules, "genai_prices", None)
    code, _, err = run(capsys, "check")
    assert code == 2
    assert "pip install 'baseload[prices-check]'" in err


def test_add_keeps_a_file_and_every_command_uses_it(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "new.yaml"
    file.write_text(NEW)
    dry = document(capsys, "add", str(file), "--dry-run")
    assert (dry["schema"], dry["stored"]) == ("baseload.prices.add/1", None)
    assert run(capsys, "show", "claude-opus-6")[0] == 2  # a dry run stores nothing
    added = document(capsys, "add", str(file))
    assert Path(added["stored"]) == tmp_path / "config" / "baseload" / "prices" / "0001-new.json"
    assert added["models"] == ["claude-opus-6"]
    assert added["sources"] == ["price page, 2026-12-01"]
    shown = document(capsys, "show", "claude-opus-6", "--on", "2026-11-22")
    assert shown["models"][0]["low"]["output"] == "15"


def test_add_refuses_a_mistake_with_exit_2(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "new.yaml"
    file.write_text(NEW.replace("input: 3", "input: free"))
    code, _, err = run(capsys, "add", str(file))
    assert code == 2
    assert "new.yaml: prices[0].input: 'free'" in err
    assert run(capsys, "add", str(tmp_path / "none.yaml"))[0] == 2


def usage_file(tmp_path: Path, content: object = USAGE) -> str:
    path = tmp_path / "usage.json"
    path.write_text(json.dumps(content))
    return str(path)


def test_impact_shows_the_run_rate_before_and_after(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = usage_file(tmp_path)
    found = document(capsys, "impact", path, "--from", "2026-10-06", "--to", "2026-10-07")
    # reads: 2,800 M x 0.20 = 560 -> 280; output: 28 M x 10 = 280
    assert found["total"]["before"] == {"low_usd": "840.00", "high_usd": "840.00"}
    assert found["total"]["after"] == {"low_usd": "560.00", "high_usd": "560.00"}
    assert found["total"]["annual_delta"] == {"low_usd": "-3650.00", "high_usd": "-3650.00"}  # -280 x 365 / 28
    assert found["without_price"] == ["?claude-opus-6|anthropic|global|standard|standard|any"]
    code, out, _ = run(capsys, "impact", path, "--from", "2026-10-06", "--to", "2026-10-07")
    assert code == 1  # something had no price
    assert "-3,650.00" in out


def test_impact_tries_a_price_file_without_storing_it(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "cut.yaml"
    file.write_text(
        "schema: baseload.prices.addition/1\nsource: rumour\nprices:\n"
        "  - {model: claude-sonnet-5-5, valid_from: 2026-11-22, valid_to: open, input: 2,"
        " write_5m: 2.5, write_1h: 4, read: 0.10, output: 5}\n"
    )
    path = usage_file(tmp_path, {**USAGE, "by_price_key": USAGE["by_price_key"][:1]})  # type: ignore[index]  # a list
    found = document(capsys, "impact", path, "--with", str(file), "--to", "2026-11-22")
    assert found["total"]["delta"] == {"low_usd": "-140.00", "high_usd": "-140.00"}  # 28 M x (10 - 5)
    assert not (tmp_path / "config").exists()


def test_impact_weighs_a_contract(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    overlay = tmp_path / "contract.yaml"
    overlay.write_text(
        "schema: baseload.prices.overlay/1\n"
        "discounts: [{models: claude-*, valid_from: 2026-01-01, percent: 10, source: offer}]\n"
    )
    path = usage_file(tmp_path, {**USAGE, "by_price_key": USAGE["by_price_key"][:1]})  # type: ignore[index]  # a list
    found = document(capsys, "impact", path, "--overlay", str(overlay), "--to", "2026-11-22")
    assert (found["before"]["contract"], found["after"]["contract"]) == (False, True)
    assert found["total"]["delta"] == {"low_usd": "-56.00", "high_usd": "-56.00"}  # 10 % of 560


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"window": {"days": 0}, "by_price_key": []}, "window.days"),
        ({"window": {"days": 28}, "by_price_key": [{"price_key": "x"}]}, "price key"),
        ({"window": {"days": 28}, "by_price_key": [{"price_key": SONNET, "output_tokens": -1}]}, "output_tokens"),
        ({"schema": "something/else"}, "window"),
    ],
)
def test_impact_refuses_a_file_that_is_no_usage(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, content: object, said: str
) -> None:
    code, _, err = run(capsys, "impact", usage_file(tmp_path, content), "--from", "2026-10-06")
    assert code == 2
    assert said in err
    assert "by_price_key" in err


def test_impact_of_no_usage_and_of_no_change_say_so(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    empty = usage_file(tmp_path, {"window": {"days": 28}, "by_price_key": []})
    assert run(capsys, "impact", empty, "--from", "2026-10-06")[0] == 3
    code, _, err = run(capsys, "impact", usage_file(tmp_path))
    assert code == 2
    assert "nothing changes" in err


def test_the_projects_contract_and_names_reach_the_book(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "contract.yaml").write_text(
        "schema: baseload.prices.overlay/1\n"
        "discounts: [{models: claude-opus-5, valid_from: 2026-01-01, percent: 50, source: offer}]\n"
    )
    (tmp_path / "baseload.toml").write_text(
        'price_overlay = "contract.yaml"\n[model_alias]\n"support-bot" = "claude-opus-5"\n'
    )
    found = document(capsys, "show", "support-bot", "--on", "2026-11-22")
    assert found["models"][0]["model"] == "claude-opus-5"
    assert found["models"][0]["low"]["output"] == "12.5"
    assert found["models"][0]["notes"] == ["overlay"]


@pytest.mark.parametrize("command", ["show", "check", "diff", "impact", "add"])
def test_every_command_has_help_with_examples(capsys: pytest.CaptureFixture[str], command: str) -> None:
    code, out, _ = run(capsys, command, "--help")
    assert code == 0
    assert "Examples:" in out
    assert f" baseload prices {command} " in out.split("Examples:")[1]


def test_impact_reads_the_last_28_complete_days_of_a_ledger(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """40 days of one call each; the first and last day of an export of calls are cut, the last 28 whole ones count."""
    start = dt.date(2026, 9, 1)
    calls = [
        Call(
            call_id=f"{number:032x}",
            source="test",
            source_file="a.jsonl",
            start_us=day_of_date(start + dt.timedelta(days=number)) * DAY_US,
            model_raw="claude-sonnet-5-5" if number else "claude-opus-4-8",
            model="claude-sonnet-5-5" if number else "claude-opus-4-8",
            cache_read_tokens=1_000_000,
        )
        for number in range(40)
    ]
    with Ledger.open(tmp_path / "ledger", create=True) as ledger, ledger.writer() as writer:
        writer.append(calls)
    found = document(capsys, "impact", str(tmp_path / "ledger"), "--from", "2026-10-06", "--to", "2026-10-07")
    assert found["window"] == {"start": "2026-09-12", "end_exclusive": "2026-10-10", "days": 28}
    assert found["total"]["tokens"] == 28_000_000
    assert found["total"]["delta"] == {"low_usd": "-2.80", "high_usd": "-2.80"}  # 28 x 1 M x (0.20 - 0.10)
