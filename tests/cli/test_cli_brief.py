"""`baseload brief` from a size that `commit size` made: both editions, on files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from baseload.cli.main import main

OFFER = """\
name: SECRETOFFER
term_months: 12
commit_basis: list
bands: [{from_usd: 100000, discount: 0.05}, {from_usd: 500000, discount: 0.14}, {from_usd: 1000000, discount: 0.18}]
overage: list
unused: forfeit
"""


@pytest.fixture
def size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    """size.json of a made-up company of two workloads with telling names, savings on their way."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    Path("offer.yaml").write_text(OFFER)
    names = (("SECRETTRIAGE", 70_000), ("SECRETCONTRACTS", 40_000))
    rows = [f"{2025 + place // 12}-{place % 12 + 1:02d},{name},{usd + 137 * place + 3_000 * (-1) ** place}"
            for place in range(22) for name, usd in names]  # fmt: skip
    Path("demand.csv").write_text("\n".join(["month,workload,list_usd", *rows]) + "\n")
    run(capsys, "commit", "size", "--demand", "demand.csv", "--offer", "offer.yaml", "--paths-count", "200",
        "--seed", "3", "--savings", "0.2,0.3,0.4,2027-01", "--json", keep="size.json")  # fmt: skip
    return Path("size.json")


def run(capsys: pytest.CaptureFixture[str], *tokens: str, keep: str = "") -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(tokens)
    said = capsys.readouterr()
    if keep:
        Path(keep).write_text(said.out)
    return int(ended.value.code or 0), said.out, said.err


def test_the_internal_brief_holds_the_answer_and_the_walk_away(size: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "brief", "--size", str(size), "-o", "brief.md")
    assert code == 0, err
    text = Path("brief.md").read_text()
    found = json.loads(size.read_text())
    commit = float(found["recommended"]["commit_usd_by_year"][0])
    for part in (f"${commit:,.0f}", "## Where to walk away", "“Lock the price now.”", "[A] assumption", "## Evidence",
                 found["inputs"]["demand_sha256"]):  # fmt: skip
        assert part in text
    assert "run-" in out


def test_the_counterparty_brief_holds_none_of_it(size: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The real document: every figure of the future, every name, in every way a figure is written."""
    code, _, err = run(capsys, "brief", "--size", str(size), "--audience", "counterparty", "-o", "theirs.md")
    assert code == 0, err
    written = Path("theirs.md").read_text()
    assert "SECRET" not in written
    found = json.loads(size.read_text())
    shown = found["guard"]["last_12_months_usd"]
    used = f"${float(shown):,.0f}"
    assert used in written
    written = written.replace(used, "")
    for secret in _money({**found, "guard": {}}):
        for form in (secret, f"{float(secret):,.0f}", f"{float(secret):.0f}"):
            assert len(form) < 5 or form not in written
    for word in ("regret", "walk", "p90", "forecast", "savings", "0.2,0.3"):
        assert word not in written.lower()


def _money(value: object, key: str = "") -> list[str]:
    if isinstance(value, dict):
        return [one for name, part in value.items() for one in _money(part, str(name))]
    if isinstance(value, list):
        return [one for part in value for one in _money(part, key)]
    return [value] if "_usd" in key and isinstance(value, str) else []


def test_the_same_size_gives_the_same_brief(size: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "brief", "--size", str(size)) == run(capsys, "brief", "--size", str(size))
    _, out, _ = run(capsys, "brief", "--size", str(size), "--json")
    assert json.loads(out)["schema"] == "baseload.brief/1"


def test_offers_compared_stand_in_the_brief(size: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("other.yaml").write_text(OFFER.replace("SECRETOFFER", "OTHER").replace("overage: list", "overage: committed"))
    code, _, err = run(capsys, "commit", "compare", "offer.yaml", "other.yaml", "--demand", "demand.csv",
                       "--paths-count", "200", "--json", keep="compare.json")  # fmt: skip
    assert code == 0, err
    code, out, err = run(capsys, "brief", "--size", str(size), "--compare", "compare.json")
    assert code == 0, err
    assert "## Offers compared" in out
    assert "| 1 | OTHER |" in out


def test_a_case_stands_in_our_own_brief_alone(size: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ("commit", "case", "--demand", "demand.csv", "--offer", "offer.yaml", "--paths-count", "200", "--json")
    code, _, err = run(capsys, *asked, "--savings", "0.2,0.3,0.4,2027-01", "--signing", "2027-06-30", keep="case.json")
    assert code == 0, err
    code, out, err = run(capsys, "brief", "--size", str(size), "--case", "case.json")
    assert code == 0, err
    for title in ("## What can be done instead", "## What the work is worth", "## Backwards from the signing"):
        assert title in out
    run(capsys, *asked, keep="other.json")  # nothing saved: another case
    code, _, err = run(capsys, "brief", "--size", str(size), "--case", "other.json")
    assert code == 2
    assert "--case: another savings" in err


@pytest.mark.parametrize(
    ("tokens", "said"),
    [
        (("--map", "map.json"), "--map means nothing to --audience internal"),
        (("--audience", "counterparty", "--compare", "c.json"), "--compare means nothing to --audience counterparty"),
        (("--audience", "counterparty", "--case", "c.json"), "--case means nothing to --audience counterparty"),
        (("--audience", "counterparty", "--ask", "cheaper"), "--ask: cheaper"),
        (("--audience", "counterparty", "--map", "map.json"), "--map without --channel"),
        (("--audience", "counterparty", "--by-month"), "--by-month without --map"),
        (("--audience", "counterparty", "--map", "map.json", "--channel", "anthropic"), "a size of --demand"),
        (("-o", "missing/brief.md"), "expected a file that can be written"),
    ],
)
def test_what_cannot_be_is_refused(
    size: Path, capsys: pytest.CaptureFixture[str], tokens: tuple[str, ...], said: str
) -> None:
    Path("map.json").write_text('{"schema": "baseload.map/1", "window": {"end_exclusive": "2026-11-03"}}')
    code, _, err = run(capsys, "brief", "--size", str(size), *tokens)
    assert code == 2
    assert said in err


def test_a_file_that_is_no_size_is_refused(size: Path, capsys: pytest.CaptureFixture[str]) -> None:
    size.write_text('{"schema": "baseload.map/1"}')
    code, _, err = run(capsys, "brief", "--size", str(size))
    assert code == 2
    assert "size.json: " in err
