"""`baseload commit size` as people and scripts see it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import duckdb
import pytest

from baseload.cli.main import main

OFFER = """\
term_months: 12
commit_basis: list
bands: [{from_usd: 0, discount: 0.20}]
overage: list
unused: forfeit
"""
MONTHS = [f"{year}-{month:02d}" for year in (2025, 2026) for month in range(1, 13)]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home of its own, no project above; an offer and two years of demand in it."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "offer.yaml").write_text(OFFER)
    demand([100_000 + 4_000 * (-1) ** place for place in range(24)])


def demand(values: list[Any], months: list[str] = MONTHS, name: str = "demand.csv") -> None:
    rows = [f"{month},{value}" for month, value in zip(months, values, strict=False)]
    Path(name).write_text("\n".join(["month,list_usd", *rows]) + "\n")


def paths_file(totals: list[float], months: int = 12) -> None:
    rows = " UNION ALL ".join(
        f"SELECT {path} AS path, m::INTEGER AS month, {total} / 12.0 AS list_usd FROM range({months}) t(m)"
        for path, total in enumerate(totals)
    )
    with duckdb.connect() as connection:
        connection.execute(f"COPY ({rows}) TO 'paths.parquet' (FORMAT parquet)")


def run(capsys: pytest.CaptureFixture[str], *tokens: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["commit", "size", "--offer", "offer.yaml", *tokens])
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out, said.err


def document(capsys: pytest.CaptureFixture[str], *tokens: str, code: int = 0) -> dict[str, Any]:
    ended, out, err = run(capsys, *tokens, "--quick", "--json")
    assert ended == code, err
    found: dict[str, Any] = json.loads(out)
    assert found["schema"] == "baseload.commit.size/1"
    return found


def test_a_demand_file_is_sized(capsys):
    found = document(capsys, "--demand", "demand.csv", "--paths-count", "300")
    recommended = found["recommended"]
    assert recommended["decision"] == "commit"
    assert 700_000 < float(recommended["commit_usd_by_year"][0]) < 1_400_000
    assert float(recommended["expected_cost_usd"]) < float(found["on_demand_usd"])
    assert recommended["p_shortfall"] == pytest.approx(0.2, abs=0.02)  # the quantile that the discount asks for
    assert found["inputs"]["first_month"] == "2027-01"
    assert len(found["curve"]) >= 41
    assert set(found["curve"][0]) >= {"commit_usd", "expected_cost_usd", "cvar_regret_usd"}


def test_the_keys_of_the_recommendation(capsys):
    paths_file([100_000, 200_000, 300_000])
    found = document(capsys, "--paths", "paths.parquet")["recommended"]
    assert set(found) >= {
        "commit_usd_by_year", "expected_cost_usd", "effective_rate", "utilization", "p_shortfall", "p_overage",
        "regret_mean_usd", "regret_p95_usd", "cash_at_risk_usd",
    }  # fmt: skip
    assert (found["commit_usd_by_year"], found["expected_cost_usd"]) == (["100000.00"], "180000.00")


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(capsys):
    asked = ("--demand", "demand.csv", "--paths-count", "60", "--savings", "0.2,0.3,0.4,2027-03", "--json")
    first, again = (run(capsys, *asked, "--seed", "5")[1] for _ in range(2))
    assert first == again
    assert run(capsys, *asked, "--seed", "6")[1] != first
    assert json.loads(first)["clauses"]
    assert json.loads(first)["timing"]


def test_the_text_begins_with_the_verdict(capsys):
    code, out, err = run(capsys, "--demand", "demand.csv", "--paths-count", "100", "--quick")
    assert code == 0
    assert out.startswith("Commit ")
    assert "The same paths, other sizes" in out
    assert err == ""  # no terminal, no progress


def test_a_shortfall_budget_is_kept_in_expectation(capsys):
    paths_file([100_000 * place for place in range(1, 11)])
    Path("offer.yaml").write_text(OFFER.replace("0.20", "0.40"))
    found = document(capsys, "--paths", "paths.parquet", "--shortfall-budget", "6000")["recommended"]
    assert (found["commit_usd_by_year"], found["expected_unused_usd"]) == (["200000.00"], "6000.00")


def test_savings_lower_the_size(capsys):
    plain = document(capsys, "--demand", "demand.csv", "--paths-count", "200")
    saved = document(capsys, "--demand", "demand.csv", "--paths-count", "200", "--savings", "0.4,0.5,0.6,2027-01-01")
    sizes = [float(one["recommended"]["commit_usd_by_year"][0]) for one in (plain, saved)]
    assert sizes[1] < sizes[0]
    assert [one["scenario"] for one in saved["scenarios"]] == ["none", "proven", "expected", "all"]


def test_five_months_are_refused_without_an_error(capsys):
    demand([100] * 5)
    found = document(capsys, "--demand", "demand.csv")
    assert found["recommended"]["decision"] == "do_not_commit"
    assert found["recommended"]["p_shortfall"] is None
    assert len(found["stated_ranges"]) == 3


def test_own_paths_with_savings_need_a_date_for_their_first_month(capsys):
    paths_file([100_000, 200_000])
    asked = ("--paths", "paths.parquet", "--savings", "0.4,0.5,0.6,2027-01-01")
    code, out, err = run(capsys, *asked)
    assert (code, out) == (2, "")
    assert "--start" in err
    assert document(capsys, *asked, "--start", "2027-01")["inputs"]["first_month"] == "2027-01"


def test_a_carve_out_leaves_the_guard_on(capsys):
    """Months that grow by 15 %: half of them outside the contract, and the last twelve carry no such commitment."""
    demand([round(5_000 * 1.15**place, 2) for place in range(24)])
    Path("offer.yaml").write_text(OFFER + "carve_outs: [{name: cc, usage_share: 0.5}]\n")
    found = document(capsys, "--demand", "demand.csv", "--paths-count", "100")
    assert found["guard"]["holds"] is False
    assert found["recommended"]["decision"] == "do_not_commit"
    assert "past_supports" in found["recommended"]["reason"]
    refused = next(one for one in found["alternatives"] if one["name"] == "refused_by_guard")
    assert float(found["guard"]["break_even_usd"]) == pytest.approx(float(refused["commit_usd_by_year"][0]) * 1.6)


def test_a_plan_enters_by_its_changes(capsys):
    change = {
        "workload": "w", "lever": "route", "grade": "assumed", "ships_in_week": 2,
        "saving": {"low_usd": "300000", "likely_usd": "400000", "high_usd": "500000"},
    }  # fmt: skip
    plan = {
        "schema": "baseload.plan/1",
        "as_of": "2026-12-31",
        "totals": {"as_billed_usd": "1200000"},
        "workloads": [{"id": "w", "name": "chat", "as_billed_usd": "1200000", "steps": []}],
        "adoption": {"changes": [change]},
    }
    Path("plan.json").write_text(json.dumps(plan))
    found = document(capsys, "--demand", "demand.csv", "--paths-count", "200", "--plan", "plan.json")
    none, _, expected, every = (float(one["on_demand_usd"]) for one in found["scenarios"])
    assert none > expected > every
    assert found["inputs"]["savings"] == "plan"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([100, -5, 100], "list_usd -5"),
        ([100, "nan", 100], "nan"),
        ([100, "1e999", 100], "1e999"),
        ([100, "999999999999999", 100], "999999999999999"),
    ],
)
def test_a_bad_amount_is_named_and_nothing_computed(capsys, values, said):
    demand(values * 8)
    code, out, err = run(capsys, "--demand", "demand.csv")
    assert (code, out) == (2, "")
    assert "row" in err
    assert said in err


def test_missing_months_and_mixed_currencies_are_named(capsys):
    demand([100] * 23, [*MONTHS[:5], *MONTHS[6:]])
    code, out, err = run(capsys, "--demand", "demand.csv")
    assert (code, out) == (2, "")
    assert "2025-06 is missing" in err
    Path("demand.csv").write_text("month,list_usd,currency\n2026-01,5,USD\n2026-02,5,EUR\n")
    code, out, err = run(capsys, "--demand", "demand.csv")
    assert (code, out) == (2, "")
    assert "'EUR'" in err


@pytest.mark.parametrize(
    ("tokens", "said"),
    [
        ((), "--demand"),
        (("--demand", "demand.csv", "--ledger"), "--demand and --ledger"),
        (("--demand", "demand.csv", "--plan", "p.json", "--savings", "1,2,3,2027-01"), "--plan and --savings"),
        (("--demand", "demand.csv", "--savings", "0.5,0.4,0.6,2027-01"), "do not rise"),
        (("--demand", "demand.csv", "--plan", "offer.yaml"), "no JSON"),
        (("--demand", "demand.csv", "--start", "2026-06"), "2027-01"),
        (("--demand", "demand.csv", "--start", "june"), "YYYY-MM"),
        (("--demand", "demand.csv", "--seed", "-1"), "--seed"),
        (("--demand", "demand.csv", "--paths-count", "1"), "--paths-count"),
        (("--demand", "demand.csv", "--paths-count", "1000000000"), "--paths-count"),
        (("--demand", "demand.csv", "--risk-weight", "1.5"), "--risk-weight"),
        (("--demand", "demand.csv", "--risk-weight", "nan"), "--risk-weight"),
        (("--demand", "demand.csv", "--shortfall-budget", "-1"), "--shortfall-budget"),
        (("--demand", "absent.csv"), "absent.csv"),
        (("demand.csv", "--demand", "demand.csv"), "--ledger only"),
        (("--paths", "demand.csv"), "Parquet"),
    ],
)
def test_a_bad_command_line_is_named_and_nothing_computed(capsys, tokens, said):
    code, out, err = run(capsys, *tokens)
    assert (code, out) == (2, "")
    assert said in err


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("discount: 0.20", "discount: 20", "bands.discount"),
        ("[{from_usd: 0, discount: 0.20}]",
         "[{from_usd: 9, discount: 0.2}, {from_usd: 5, discount: 0.3}]", "increasing"),
        ("term_months: 12", "term_months: 24\ncommit_usd_by_year: [1, 2, 3]", "commit_usd_by_year"),
        ("overage: list", "overage: {rule: multiple, multiple: 0.9}", "overage.multiple"),
        ("unused: forfeit", "unused: forfeit\ncurrency: EUR", "currency"),
        ("unused: forfeit", "unused: forfeit\ncommit_usd_by_year: 1e15", "commit_usd_by_year"),
    ],
)  # fmt: skip
def test_an_offer_that_contradicts_itself_is_named_and_nothing_computed(capsys, old, new, said):
    Path("offer.yaml").write_text(OFFER.replace(old, new))
    code, out, err = run(capsys, "--demand", "demand.csv")
    assert (code, out) == (2, "")
    assert said in err


def test_own_paths_shorter_than_the_term_are_refused(capsys):
    paths_file([100_000, 200_000], months=11)
    code, out, err = run(capsys, "--paths", "paths.parquet")
    assert (code, out) == (2, "")
    assert "month: 11 months" in err


MODEL = "claude-sonnet-4-5-20250929"
SCOPE = """schema = 1

[[commit.scope]]
in_scope = true
workspace = "prod"

[[commit.scope]]
in_scope = false
workspace = "lab"
"""


def usage(folder: Path) -> Path:
    """Eight months, a call a day in each of three workspaces: of ten parts 6 are prod, 3 lab, 1 is silent."""
    folder.mkdir()
    lines = []
    for month in range(1, 9):
        for day in range(1, 32 if month in (1, 3, 5, 7, 8) else 29 if month == 2 else 31):
            for team, size in (("prod", 6), ("lab", 3), ("", 1)):
                used = {"input_tokens": size * 30_000, "output_tokens": 1}
                call: dict[str, Any] = {
                    "timestamp": f"2026-{month:02d}-{day:02d}T10:00:00Z",
                    "request": {"model": MODEL, "max_tokens": 5, "messages": []},
                    "response": {
                        "type": "message", "model": MODEL, "usage": used, "id": f"msg_{month}_{day}_{team}",
                        "role": "assistant", "content": [],
                    },
                }  # fmt: skip
                lines.append(json.dumps({**call, **({"workspace_id": team} if team else {})}))
    (folder / "calls.jsonl").write_text("\n".join(lines) + "\n")
    return folder


def test_a_ledger_is_sized_and_its_scope_at_both_ends_of_the_unknown(capsys, tmp_path):
    folder = usage(tmp_path / "logs")
    asked = ("--ledger", str(folder), "--as-of", "2026-09-01", "--paths-count", "101", "--project", str(tmp_path))
    _, out, err = run(capsys, *asked, "--quick", "--json")
    assert out, err
    whole = json.loads(out)
    assert whole["scope"] is None
    assert any("No [[commit.scope]]" in one for one in whole["warnings"])
    (tmp_path / "baseload.toml").write_text(SCOPE)
    split = json.loads(run(capsys, *asked, "--quick", "--json")[1])
    scope = split["scope"]
    dollars = [float(scope[f"{name}_usd"]) for name in ("in_scope", "out_of_scope", "unknown")]
    assert [round(one / sum(dollars), 3) for one in dollars] == [0.6, 0.3, 0.1]
    least, most = (float(scope[f"commit_{end}_usd_by_year"][0]) for end in ("least", "most"))
    assert most / least == pytest.approx(7 / 6, rel=0.02)
    assert float(split["on_demand_usd"]) / float(whole["on_demand_usd"]) == pytest.approx(0.6, rel=0.01)
    assert "scope_unknown" in {one["input"] for one in split["tornado"]}


def test_the_hash_of_a_ledger_is_of_its_usage_and_its_scope(capsys, tmp_path):
    """The same usage in another order has the same hash; one token more, or another scope, has another."""
    folder = usage(tmp_path / "logs")
    asked = ("--ledger", str(folder), "--as-of", "2026-09-01", "--paths-count", "10", "--project", str(tmp_path))

    def sha() -> str:
        found: str = json.loads(run(capsys, *asked, "--quick", "--json")[1])["inputs"]["demand_sha256"]
        return found

    first = sha()
    assert re.fullmatch("[0-9a-f]{64}", first)
    calls = folder / "calls.jsonl"
    lines = calls.read_text().splitlines()
    calls.write_text("\n".join(reversed(lines)) + "\n")
    assert sha() == first
    (tmp_path / "baseload.toml").write_text(SCOPE)
    assert sha() != first
    (tmp_path / "baseload.toml").unlink()
    july = next(place for place, line in enumerate(lines) if "2026-07-10" in line)
    lines[july] = lines[july].replace('"input_tokens": 180000', '"input_tokens": 180001')
    calls.write_text("\n".join(lines) + "\n")
    assert sha() != first


def test_months_that_are_all_to_come_are_no_history(capsys):
    demand([100_000] * 6, [f"2099-{month:02d}" for month in range(1, 7)])
    code, out, err = run(capsys, "--demand", "demand.csv")
    assert (code, out) == (2, "")
    said = " ".join(err.split())
    assert "demand.csv: its first month, 2099-01, is after today, " in said
