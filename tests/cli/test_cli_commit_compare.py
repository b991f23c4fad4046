"""`baseload commit compare` as a person runs it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from baseload.cli.main import main

OFFER = """\
term_months: 12
commit_basis: list
bands: [{from_usd: 250000, discount: 0.10}, {from_usd: 500000, discount: 0.14}, {from_usd: 1000000, discount: 0.18}]
overage: list
unused: forfeit
"""
# 559,000 = 650,000 list x 0.86; floors are the list ones times their rates
NET = """\
term_months: 12
commit_basis: net
commit_usd_by_year: 559000
bands: [{from_usd: 225000, discount: 0.10}, {from_usd: 430000, discount: 0.14}, {from_usd: 820000, discount: 0.18}]
overage: list
unused: forfeit
"""
GROWTH = (1.0, 1.04, 0.97, 1.06, 1.1, 1.02, 1.12, 1.18, 1.09, 1.2, 1.25, 1.16, 1.22, 1.3, 1.27, 1.35, 1.31, 1.4)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("a.yaml").write_text(OFFER)
    Path("b.yaml").write_text(OFFER.replace("overage: list", "overage: committed"))
    Path("listed.yaml").write_text(OFFER + "commit_usd_by_year: 650000\n")
    Path("net.yaml").write_text(NET)
    months = [f"{2025 + place // 12}-{place % 12 + 1:02d}" for place in range(len(GROWTH))]
    rows = [f"{month},{60_000 * share:.2f}" for month, share in zip(months, GROWTH, strict=True)]
    Path("demand.csv").write_text("\n".join(["month,list_usd", *rows]) + "\n")
    return tmp_path


@pytest.fixture
def run(capsysbinary: pytest.CaptureFixture[bytes]) -> Callable[..., tuple[int, str, str]]:
    def go(*tokens: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            main(["commit", "compare", *tokens])
        said = capsysbinary.readouterr()
        code = left.value.code
        return (code if isinstance(code, int) else 0), said.out.decode(), said.err.decode()

    return go


Run = Callable[..., tuple[int, str, str]]
DRAWN = ("--demand", "demand.csv", "--paths-count", "300")


def document(run: Run, *tokens: str) -> dict[str, Any]:
    code, out, err = run(*tokens, "--json")
    assert (code, err) == (0, "")
    found: dict[str, Any] = json.loads(out)
    return found


def test_the_better_overage_comes_first_and_says_why(run: Run) -> None:
    found = document(run, "a.yaml", "b.yaml", *DRAWN)
    first, second = found["offers"]
    assert found["schema"] == "baseload.commit.compare/1"
    assert [one["name"] for one in found["offers"]] == ["b", "a"]
    assert [part["term"] for part in second["parts"]] == ["overage"]
    assert second["parts"][0]["more_usd"] == second["more_usd"]
    assert Decimal(second["more_low_usd"]) <= Decimal(second["more_usd"]) <= Decimal(second["more_high_usd"])
    more = Decimal(second["best"]["expected_cost_usd"]) - Decimal(first["best"]["expected_cost_usd"])
    assert abs(more - Decimal(second["more_usd"])) <= Decimal("0.01")
    assert "overage worth" in found["why"]
    assert "period" in first["assumed"]


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(run: Run) -> None:
    one, again = (run("a.yaml", "b.yaml", *DRAWN, "--seed", "5", "--json")[1] for _ in range(2))
    assert one == again
    assert run("a.yaml", "b.yaml", *DRAWN, "--seed", "6", "--json")[1] != one


def test_one_offer_in_list_and_in_net_basis_costs_the_same(run: Run) -> None:
    found = document(run, "listed.yaml", "net.yaml", *DRAWN)
    one, other = found["offers"]
    for size in ("best", "stated"):
        costs = {key: (one[size][key], other[size][key]) for key in ("expected_cost_usd", "p10_usd", "p90_usd")}
        assert all(left == right for left, right in costs.values()), costs
    assert other["more_usd"] == "0.00"
    assert "cost the same on every path" in found["why"]


def test_a_table_for_people(run: Run) -> None:
    code, out, _ = run("a.yaml", "listed.yaml", *DRAWN)
    assert code == 0
    assert "listed" in out
    assert "as stated" in out
    assert "leaves" in out  # terms that are assumed are counted


def test_what_steers_a_terminal_is_not_passed_on(run: Run) -> None:
    Path("a.yaml").write_text(OFFER + 'name: "cheap\\u202eoffer"\n')
    code, out, _ = run("a.yaml", *DRAWN)
    assert code in (0, 2)  # a reader that refuses such a name is as good
    assert "\u202e" not in out


def test_savings_make_everything_smaller(run: Run) -> None:
    plain = document(run, "a.yaml", *DRAWN)
    saved = document(run, "a.yaml", *DRAWN, "--savings", "0.3,0.4,0.5,2026-07")
    assert Decimal(saved["on_demand_usd"]) < Decimal(plain["on_demand_usd"])


def test_own_paths_are_taken_as_they_are(run: Run, folder: Path) -> None:
    """12,000 on one path, 24,000 on the other; a commitment is not worth it below 250,000: both stay on demand."""
    rows = ", ".join(f"({path}, {month}, {1000 * (path + 1)})" for path in range(2) for month in range(12))
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT * FROM (VALUES {rows}) AS t(path, month, list_usd)) TO '{folder}/p.parquet' (FORMAT parquet)"
        )
    found = document(run, "a.yaml", "--paths", "p.parquet")
    assert found["on_demand_usd"] == "18000.00"
    assert found["offers"][0]["best"]["commit_usd_by_year"] == ["0.00"]


@pytest.mark.parametrize(
    ("tokens", "said"),
    [
        ((), "no offer given"),
        (("a.yaml",), "no demand given"),
        (("a.yaml", "a.yaml", *DRAWN), "given twice"),
        (("a.yaml", "none.yaml", *DRAWN), "none.yaml"),
        (("a.yaml", *DRAWN, "--wacc", "10"), "--wacc: 10"),
        (("a.yaml", *DRAWN, "--wacc", "ten"), "--wacc: ten"),
        (("a.yaml", *DRAWN, "--at", "stated"), "a stated size in every offer"),
        (("a.yaml", *DRAWN, "--seed", "-1"), "--seed"),
    ],
)
def test_what_cannot_be_compared_names_field_and_rule(run: Run, tokens: tuple[str, ...], said: str) -> None:
    code, out, err = run(*tokens)
    assert (code, out) == (2, "")
    assert said in err.replace("\n", " ")


def test_under_six_months_nothing_is_compared(run: Run) -> None:
    Path("demand.csv").write_text("month,list_usd\n2026-01,1000\n2026-02,1000\n2026-03,1000\n")
    code, out, err = run("a.yaml", "--demand", "demand.csv")
    assert (code, out) == (2, "")
    assert "under 6 whole months" in err.replace("\n", " ")


def test_without_files_the_project_s_offers_are_compared(run: Run, folder: Path) -> None:
    """Paths are from baseload.toml's own folder, wherever the command is run."""
    (folder / "baseload.toml").write_text('[commit]\noffers = ["a.yaml", "b.yaml"]\n')
    (folder / "inside").mkdir()
    named = document(run, "a.yaml", "b.yaml", *DRAWN)
    found = document(run, "--project", ".", *DRAWN)
    assert found["offers"] == named["offers"]
    (folder / "inside" / "demand.csv").write_bytes((folder / "demand.csv").read_bytes())
    os.chdir("inside")
    assert document(run, *DRAWN)["offers"] == named["offers"]
