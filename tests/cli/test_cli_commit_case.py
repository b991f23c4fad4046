"""`baseload commit case` as people and scripts see it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from baseload.cli.main import main

OFFER = """\
term_months: 12
commit_basis: list
bands: [{from_usd: 0, discount: 0.20}]
overage: list
unused: forfeit
"""
FEW = ("--paths-count", "200")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home of its own, no project above; an offer, two years of demand and a plan in it."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    Path("offer.yaml").write_text(OFFER)
    demand(24)
    Path("plan.json").write_text(json.dumps(plan()))


def demand(months: int) -> None:
    rows = [f"{2025 + place // 12}-{place % 12 + 1:02d},{100_000 + 4_000 * (-1) ** place}" for place in range(months)]
    Path("demand.csv").write_text("\n".join(["month,list_usd", *rows]) + "\n")


def plan(**adoption: Any) -> dict[str, Any]:
    change = {
        "workload": "w", "lever": "route", "grade": "assumed", "ships_in_week": 4, "person_days": "10",
        "needs_trial": True,
        "saving": {"low_usd": "300000", "likely_usd": "400000", "high_usd": "500000"},
    }  # fmt: skip
    return {
        "schema": "baseload.plan/1",
        "as_of": "2026-12-31",
        "totals": {"as_billed_usd": "1200000"},
        "workloads": [{"id": "w", "name": "chat", "as_billed_usd": "1200000", "steps": []}],
        "adoption": {"changes": [change], "capacity_days_per_week": "5", "trial_weeks": 2, **adoption},
    }


def run(capsys: pytest.CaptureFixture[str], *tokens: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["commit", "case", "--offer", "offer.yaml", *tokens])
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out, said.err


def document(capsys: pytest.CaptureFixture[str], *tokens: str) -> dict[str, Any]:
    ended, out, err = run(capsys, "--demand", "demand.csv", *FEW, *tokens, "--json")
    assert ended == 0, err
    found: dict[str, Any] = json.loads(out)
    assert found["schema"] == "baseload.commit.case/1"
    return found


def test_a_plan_brings_its_work_and_dates(capsys: pytest.CaptureFixture[str]) -> None:
    """Ten person-days are two weeks; at 5,000 a week and no other cost that is 10,000."""
    found = document(capsys, "--plan", "plan.json", "--week-usd", "5000", "--signing", "2027-06-30")
    assert (found["inputs"]["person_weeks"], found["inputs"]["person_weeks_from"]) == (2.0, "plan")
    assert [one["effort_usd"] for one in found["effort"]["rows"]] == ["0.00", "10000.00", "10000.00"]
    (row,) = found["schedule"]["rows"]
    assert (row["name"], row["verdict"]) == ("w/route", "proven")
    assert row["start_by"] is not None
    assert found["schedule"]["capacity_days_per_week"] == 5.0
    assert len(found["inputs"]["savings_sha256"]) == 64


def test_a_plan_without_work_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    Path("plan.json").write_text(json.dumps({**plan(), "adoption": None}))
    steps = {**plan()["adoption"]["changes"][0]}
    steps.pop("workload")
    content = plan()
    content["workloads"][0]["steps"] = [steps]
    Path("plan.json").write_text(json.dumps({**content, "adoption": None}))
    found = document(capsys, "--plan", "plan.json", "--week-usd", "5000")
    assert found["inputs"]["person_weeks"] is None
    assert [one["npv_usd"] for one in found["effort"]["rows"]] == [None] * 3
    assert any("the plan says no work" in one["says"] for one in found["missing"])


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ("--demand", "demand.csv", *FEW, "--savings", "0.3,0.4,0.5,2027-03", "--json")
    first = run(capsys, *asked, "--seed", "7")[1]
    assert first == run(capsys, *asked, "--seed", "7")[1]
    assert first != run(capsys, *asked, "--seed", "8")[1]


def test_money_is_text_with_cents(capsys: pytest.CaptureFixture[str]) -> None:
    found = document(capsys, "--savings", "0.3,0.4,0.5,2027-03", "--cloud", "aws", "--cloud-discount", "0.05")
    amounts = list(_money(found))
    assert len(amounts) > 100
    for one in amounts:
        assert one is None or (isinstance(one, str) and one[-3] == "."), one


def _money(value: Any, key: str = "") -> Any:
    if isinstance(value, dict):
        for name, part in value.items():
            yield from _money(part, name)
    elif isinstance(value, list):
        for part in value:
            yield from _money(part, key)
    elif "_usd" in key:
        yield value


def test_the_text_begins_with_the_answer(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "--demand", "demand.csv", *FEW, "--savings", "0.3,0.4,0.5,2027-03")
    assert code == 0, err
    lines = out.splitlines()
    assert lines[0] == "Beside the size, 12 months from 2027-01, 200 paths. USD."
    assert "the cheapest of five plans" in lines[2]
    assert "? schedule: Without the day of signing there is no schedule. Needs --signing." in out


@pytest.mark.parametrize(
    ("tokens", "said"),
    [
        (("--effort-weeks", "-1"), "--effort-weeks: -1.0; expected person-weeks, 0 to 10,000"),
        (("--week-usd", "nan"), "--week-usd: nan"),
        (("--running-usd-month", "-5"), "--running-usd-month: -5.0"),
        (("--signing", "soon"), "--signing: soon; expected a day, YYYY-MM-DD"),
        (
            ("--signing", "2020-01-01"),
            "--signing: 2020-01-01; expected within 5 years of the first contract month, 2027-01",
        ),
        (("--bundle", "cheaper"), "--bundle: cheaper; expected names of asks"),
        (("--bundle", "roll_50"), "--bundle: roll_50; expected an ask that this offer can hold"),
        (("--cloud-discount", "0.1"), "--cloud: missing; expected aws, gcp or azure"),
        (("--cloud", "aws"), "--cloud: aws; expected --cloud-discount or --cloud-shadow-value"),
        (("--delay-months", "0"), "--delay-months: 0; expected 1 to 11"),
        (("--seed", "-1"), "--seed: -1"),
        (("--plan", "plan.json", "--savings", "0.1,0.2,0.3,2027-01"), "--plan and --savings"),
        (("--plan", "demand.csv"), "no JSON object"),
    ],
)
def test_a_bad_command_line_is_named_and_nothing_computed(
    capsys: pytest.CaptureFixture[str], tokens: tuple[str, ...], said: str
) -> None:
    code, out, err = run(capsys, "--demand", "demand.csv", *FEW, *tokens)
    assert (code, out) == (2, "")
    assert said in " ".join(err.split())


def test_five_months_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    demand(5)
    code, out, err = run(capsys, "--demand", "demand.csv")
    assert (code, out) == (2, "")
    assert "under 6 whole months of history" in " ".join(err.split())
