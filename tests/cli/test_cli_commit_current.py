"""`baseload commit current`, `commit pool` and the contract in `prices impact`, as people and scripts see them."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from baseload.cli.main import main

SIGNED = """\
name: signed in March
start: 2026-03-01
end: 2027-03-01
as_of: 2026-12-01
paid_usd: 960000
remaining_usd: 400000
term_months: 12
commit_usd_by_year: 1200000
commit_basis: list
bands: [{from_usd: 0, discount: 0.20}]
overage: list
unused: forfeit
"""
OFFER = "term_months: 12\ncommit_basis: list\nbands: [{from_usd: 0, discount: 0.20}]\noverage: list\nunused: forfeit\n"
MONTHS = [f"{2024 + place // 12}-{place % 12 + 1:02d}" for place in range(11, 35)]  # 2024-12 to 2026-11


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home of its own, no project above; a signed contract, an offer and two years of 100,000 a month in it."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    Path("signed.yaml").write_text(SIGNED)
    Path("offer.yaml").write_text(OFFER)
    rows = [f"{month},{100_000 + 2_000 * (-1) ** place}" for place, month in enumerate(MONTHS)]
    Path("demand.csv").write_text("\n".join(["month,list_usd", *rows]) + "\n")


def run(capsys: pytest.CaptureFixture[str], *tokens: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(tokens)
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out, said.err


def document(capsys: pytest.CaptureFixture[str], *tokens: str) -> dict[str, Any]:
    code, out, err = run(capsys, *tokens, "--json")
    assert code == 0, err
    found: dict[str, Any] = json.loads(out)
    return found


CURRENT = ("commit", "current", "signed.yaml", "--demand", "demand.csv", "--paths-count", "200")
SAVED = ("--savings", "0.3,0.4,0.5,2026-12")


def test_a_saving_on_a_balance_that_lasts_is_little_cash(capsys: pytest.CaptureFixture[str]) -> None:
    """400,000 left and about three months of 100,000: the balance swallows nearly all of what is saved."""
    found = document(capsys, *CURRENT, *SAVED)
    assert found["schema"] == "baseload.commit.current/1"
    assert found["standing"]["months_left"] == 3
    saving = found["saving"]
    assert float(saving["list_saved_usd"]) > 0
    assert float(saving["cash_saved_usd"]) < 0.2 * float(saving["list_saved_usd"])
    total = float(saving["cash_saved_usd"]) + float(saving["swallowed_usd"])
    assert total == pytest.approx(float(saving["list_saved_usd"]), abs=0.02)
    names = [one["option"] for one in found["options"]]
    assert names == ["wait until the end", "ship now", "ship now, reforecast", "ship now, pull work forward"]
    assert found["best"] in names
    assert found["horizon_months"] == 6  # three to the end, three whose work may be pulled forward


def test_the_same_seed_gives_the_same_bytes(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, *CURRENT, *SAVED, "--json") == run(capsys, *CURRENT, *SAVED, "--json")


def test_a_renewal_without_a_commitment_takes_the_best_one(capsys: pytest.CaptureFixture[str]) -> None:
    found = document(capsys, *CURRENT, *SAVED, "--renewal", "offer.yaml")
    assert found["horizon_months"] == 15
    assert "ship now, renew early" in [one["option"] for one in found["options"]]
    assert any("renewal states no commitment" in note for note in found["notes"])


def test_the_project_names_the_contract(capsys: pytest.CaptureFixture[str]) -> None:
    folder = Path("project")
    folder.mkdir()
    (folder / "baseload.toml").write_text('[commit]\ncurrent_contract = "../signed.yaml"\n')
    found = document(
        capsys, "commit", "current", "--project", "project", "--demand", "demand.csv", "--paths-count", "50"
    )
    assert found["standing"]["name"] == "signed in March"
    assert found["saving"] is None


def test_the_text_says_what_is_cash_and_marks_the_cheapest(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, *CURRENT, *SAVED)
    assert code == 0
    for said in ("signed in March: 2026-03-01 to 2027-03-01", "in cash; the balance swallows", "\n *ship now",
                 "(the vendor must agree)", "Not stated, so assumed: period"):  # fmt: skip
        assert said in out


@pytest.mark.parametrize(
    ("tokens", "said"),
    [
        (("commit", "current", "--demand", "demand.csv"), "no signed contract given"),
        (("commit", "current", "signed.yaml"), "expected one of --demand FILE, --ledger, --paths FILE"),
        ((*CURRENT, "--pull-months", "4"), "--pull-months: 4; expected 0 to 3 months"),
        ((*CURRENT, "--reforecast-share", "1.5"), "--reforecast-share: 1.5"),
        ((*CURRENT, "--reforecast-share", "half"), "--reforecast-share: half; expected a fraction"),
        ((*CURRENT, "--seed", "-1"), "--seed: -1"),
    ],
)
def test_what_cannot_be_is_refused(capsys: pytest.CaptureFixture[str], tokens: tuple[str, ...], said: str) -> None:
    code, out, err = run(capsys, *tokens)
    assert (code, out) == (2, "")
    assert said in err


def test_a_standing_older_than_the_demand_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    Path("signed.yaml").write_text(SIGNED.replace("2026-12-01", "2026-10-15"))
    code, _, err = run(capsys, *CURRENT)
    assert code == 2
    assert "as_of: 2026-10-15; expected a day in a month after the demand ends: 2026-12" in err


def test_under_six_months_there_are_no_paths(capsys: pytest.CaptureFixture[str]) -> None:
    Path("demand.csv").write_text("month,list_usd\n2026-10,5\n2026-11,5\n")
    code, _, err = run(capsys, *CURRENT)
    assert code == 3
    assert "2 months; expected at least 6 whole months" in err
    Path("demand.csv").write_text("month,workload,list_usd\n2026-10,a,5\n2026-11,a,5\n2026-10,b,5\n2026-11,b,5\n")
    code, _, err = run(capsys, "commit", "pool", "--demand", "demand.csv", "--offer", "offer.yaml")
    assert code == 3
    assert "2 months; expected at least 6 whole months" in err


HIDDEN = "\x1b]0;owned\x07\u202e\u2028"


def hidden_in(text: str) -> list[str]:
    return [one for one in text if unicodedata.category(one) in ("Cc", "Cf", "Zl", "Zp") and one != "\n"]


def test_no_control_sequence_of_a_file_reaches_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """The contract's name, workloads, and paths in an error."""
    told = 'name: "signed \\e]0;owned\\a\\u202e in March"'
    Path("signed.yaml").write_text(SIGNED.replace("name: signed in March", told))
    code, out, err = run(capsys, *CURRENT)
    assert code == 0, err
    assert hidden_in(out + err) == []
    assert "signed \ufffd" in out
    rows = [f"{month},{name},{50_000 + 500 * (-1) ** place}"
            for place, month in enumerate(MONTHS) for name in (f"a{HIDDEN[:9]}\u202ea", "b")]  # fmt: skip
    Path("teams.csv").write_text("\n".join(["month,workload,list_usd", *rows]) + "\n")
    code, out, err = run(
        capsys, "commit", "pool", "--demand", "teams.csv", "--offer", "offer.yaml", "--paths-count", "50"
    )
    assert code in (0, 1), err
    assert hidden_in(out + err) == []
    for tokens in (
        ("commit", "current", f"no{HIDDEN}.yaml", "--demand", "demand.csv"),
        ("commit", "pool", "--demand", f"no{HIDDEN}.csv", "--offer", "offer.yaml"),
    ):
        code, out, err = run(capsys, *tokens)
        assert code > 0
        assert hidden_in(out + err) == []
    Path(f"bad{HIDDEN}.yaml").write_text("- a list\n")
    code, out, err = run(capsys, "commit", "current", f"bad{HIDDEN}.yaml", "--demand", "demand.csv")
    assert code == 2
    assert hidden_in(out + err) == []


def teams() -> None:
    rows = [f"{month},{team},{50_000 + sign * 5_000 * (-1) ** place}"
            for place, month in enumerate(MONTHS) for team, sign in (("search", 1), ("legal", -1))]  # fmt: skip
    Path("teams.csv").write_text("\n".join(["month,workload,list_usd", *rows]) + "\n")


def test_teams_are_pooled(capsys: pytest.CaptureFixture[str]) -> None:
    teams()
    asked = ("commit", "pool", "--demand", "teams.csv", "--offer", "offer.yaml", "--paths-count", "200")
    found = document(capsys, *asked)
    assert found["schema"] == "baseload.commit.pool/1"
    assert float(found["diversification_usd"]) >= 0
    assert sorted(part["name"] for part in found["parts"]) == ["legal", "search"]
    assert sum(float(part["share_usd"]) for part in found["parts"]) == pytest.approx(
        float(found["pooled_cost_usd"]), abs=0.02
    )
    code, out, _ = run(capsys, *asked)
    assert code == 0
    assert "Pooling saves $" in out


def test_one_series_is_nothing_to_pool(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "commit", "pool", "--demand", "demand.csv", "--offer", "offer.yaml")
    assert code == 2
    assert "demand.csv: workload: 1 part; expected 2 to 50" in err


USAGE = {
    "window": {"days": 28},
    "by_price_key": [
        {"price_key": "claude-sonnet-5-5|anthropic|global|standard|standard|0-100k", "output_tokens": 700_000_000},
        {"price_key": "claude-sonnet-5-5|bedrock|global|standard|standard|0-100k", "output_tokens": 70_000_000},
    ],
}
CUT = """\
schema: baseload.prices.addition/1
source: rumour
prices:
  - {model: claude-sonnet-5-5, valid_from: 2026-11-22, valid_to: open, input: 2, write_5m: 2.5, write_1h: 4, read: 0.10,
     output: 5}
"""


def impact(capsys: pytest.CaptureFixture[str], *more: str) -> dict[str, Any]:
    Path("usage.json").write_text(json.dumps(USAGE))
    Path("cut.yaml").write_text(CUT)
    return document(capsys, "prices", "impact", "usage.json", "--with", "cut.yaml", "--to", "2026-11-22", *more)


def test_a_price_move_names_the_counter_the_contract_allows(capsys: pytest.CaptureFixture[str]) -> None:
    """700 M x 10 = 7,000 in 28 days are 91,250 a year; output falls from 10 to 5. 11,406 is used of what is left.

    A fall reaches a contract off the current list by itself, and the balance swallows it; a reforecast has to be asked
    for.
    """
    Path("baseload.toml").write_text(
        '[commit]\ncurrent_contract = "signed.yaml"\n[[commit.scope]]\nin_scope = false\nplatform = "bedrock"\n'
        "[[commit.scope]]\nin_scope = true\n"
    )
    part = impact(capsys)["contract"]
    assert (part["covered_usd"], part["left_out_usd"], part["list_change"]) == ("91250.00", "9125.00", -0.5)
    counters = {one["counter"]: one for one in part["counters"]}
    assert set(counters) == {"lower_of", "reforecast", "substitution", "re_open"}
    assert (counters["lower_of"]["allowed"], counters["lower_of"]["saves_usd"]) == (True, "0.00")
    assert not counters["reforecast"]["allowed"]
    assert float(counters["reforecast"]["saves_usd"]) == pytest.approx(0.8 * (400_000 - 91_250 / 8), rel=1e-3)
    assert "97.1 % of the remaining balance" in counters["reforecast"]["says"]
    assert counters["reforecast"]["wording"] == (
        "Once, with effect from 2026-12-01, Customer may reduce the part of the Committed Amount that is not drawn yet "
        "by up to 97.1 %. The discount of the original Committed Amount continues to apply."
    )


def test_without_a_contract_there_is_no_part_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert impact(capsys)["contract"] is None
    assert impact(capsys, "--contract", "signed.yaml")["contract"]["covered_usd"] == "100375.00"


OVERLAY = """\
schema: baseload.prices.overlay/1
contract: made up
discounts:
  - {models: "claude-*", valid_from: 2026-01-01, valid_to: open, percent: 20, source: made up}
"""


def test_an_overlay_is_no_move_of_list_prices_for_a_contract(capsys: pytest.CaptureFixture[str]) -> None:
    """Both at once are refused by name; the project's own contract is left out and that is said."""
    Path("usage.json").write_text(json.dumps(USAGE))
    asked = ("prices", "impact", "usage.json", "--overlay", "overlay.yaml")
    Path("overlay.yaml").write_text(OVERLAY)
    code, out, err = run(capsys, *asked, "--contract", "signed.yaml")
    assert (code, out) == (2, "")
    assert "--overlay and --contract" in err
    Path("baseload.toml").write_text('[commit]\ncurrent_contract = "signed.yaml"\n')
    code, out, err = run(capsys, *asked, "--json")
    assert code == 0, err
    assert json.loads(out)["contract"] is None
    assert "signed.yaml is left out" in err


def test_the_counters_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    impact(capsys)
    _, out, _ = run(
        capsys,
        "prices",
        "impact",
        "usage.json",
        "--with",
        "cut.yaml",
        "--to",
        "2026-11-22",
        "--contract",
        "signed.yaml",
    )
    assert "lower-of, your right: $0" in out
    assert "reforecast, to be asked for: $" in out
    assert "For counsel: Once, with effect from 2026-12-01" in out
