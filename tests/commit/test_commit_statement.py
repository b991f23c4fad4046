"""`baseload commit simulate`: the usage file, the document, the command."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest
from commit_making import contract

from baseload.cli.commit import app
from baseload.commit.audit import UsageMonth
from baseload.commit.clauses import StepDown, Unused
from baseload.commit.offer import Offer
from baseload.commit.refusal import CommitError
from baseload.commit.statement import statement_of
from baseload.commit.usage_file import read_usage
from baseload.errors import UsageError

MONTHS = "".join(f"2027-{month:02d},100.10\n" for month in range(1, 13))
USAGE = f"month,list_usd\n{MONTHS}"


def test_a_year_of_usage_in_cents() -> None:
    months, rows = read_usage(USAGE.encode())
    assert (months[0], months[-1], len(rows)) == ("2027-01", "2027-12", 12)
    assert rows[0] == UsageMonth(list_usd=Decimal("100.10"))


def test_months_may_be_numbered_and_carry_prices() -> None:
    months, rows = read_usage(b"month,list_usd,price_index,metering,currency\n0,5,1,1,USD\n1,6,0.5,1.3,\n")
    assert months == ("0", "1")
    assert rows[1] == UsageMonth(list_usd=Decimal(6), price_index=Decimal("0.5"), metering=Decimal("1.3"))


REFUSED = {
    "negative": ("100.10", "-1", "u.csv: line 2, list_usd: -1; expected 0 to 10,000,000,000"),
    "absurd": ("100.10", "1000000000000", "list_usd: 1000000000000; expected 0 to"),
    "no number": ("100.10", "a lot", "line 2, list_usd: a lot; expected a plain number"),
    "not a number": ("100.10", "nan", "list_usd: nan; expected a plain number"),
    "empty": ("100.10", "", "line 2, list_usd: empty; expected a plain number"),
    "a month missing": ("2027-05,100.10\n", "", "line 6, month: 2027-06; expected 2027-05: every month once"),
    "a month twice": ("2027-05", "2027-04", "line 6, month: 2027-04; expected 2027-05"),
    "no month": ("2027-05", "May", "line 6, month: May; expected YYYY-MM"),
    "months counted from one": ("2027-01", "1", "line 3, month: 2027-02; expected 2: every"),
    "no usage column": ("list_usd", "usd", "u.csv: list_usd: missing"),
    "another column": ("list_usd", "list_usd,note", "column 'note'; expected columns, each once, of month"),
    "no rows": (MONTHS, "", "u.csv: 0 rows; expected 1 to 240 months"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_usage_file_that_is_not_whole_is_refused(name: str) -> None:
    old, new, message = REFUSED[name]
    with pytest.raises(CommitError) as refused:
        read_usage(USAGE.replace(old, new, 1).encode(), "u.csv")
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"month,list_usd,currency\n0,1,EUR\n", "line 2, currency: EUR; expected USD: currencies are not mixed"),
        (b"month,list_usd,outside_usd\n0,1,2\n", "line 2, outside_usd: 2; expected at most list_usd"),
        (b"month,list_usd\n1,1\n", "line 2, month: 1; expected 0, the first month"),
        (b"\xff", "byte 0; expected text in UTF-8"),
        (b"", "month: missing"),
        (b" " * 2_000_000, "2,000,000 bytes; expected at most"),
    ],
)
def test_other_files_that_are_not_whole(data: bytes, message: str) -> None:
    with pytest.raises(CommitError) as refused:
        read_usage(data, "u.csv")
    assert message in str(refused.value)


def test_totals_of_a_statement() -> None:
    """1,200 at 20 % paid 960; 1,201.20 used, so 1.20 beyond in the last month; at 21 % from the end of the year."""
    one = contract(1_200, wacc=Decimal("0.21"))
    months, rows = read_usage(USAGE.encode())
    found = statement_of(Offer(contract=one), months, rows)
    assert (found.cost_usd, found.list_usd, found.overage_usd) == ("961.20", "1201.20", "1.20")
    assert (found.committed_usd, found.drawn_usd, found.utilization) == ("1200.00", "1200.00", 1.0)
    assert found.effective_rate == 0.8002  # 961.20 / 1,201.20 = 0.800200
    assert found.npv_usd == "960.99"  # 960 + 1.20 / 1.21
    assert [row["cash_usd"] for row in found.rows] == ["960.00", *["0.00"] * 10, "1.20"]
    assert (found.rows[0]["month"], found.rows[0]["balance_usd"]) == ("2027-01", "1099.90")


def test_refunds_are_committed_dollars_too() -> None:
    one = contract(1_200, unused=Unused(rule="refund", share=Decimal("0.5")))
    found = statement_of(Offer(contract=one), ["0"] * 12, [UsageMonth(list_usd=Decimal(50))] * 12)
    assert (found.committed_usd, found.drawn_usd, found.expired_usd) == ("1200.00", "600.00", "300.00")
    assert found.cost_usd == "720.00"


def test_what_is_left_out_is_said() -> None:
    one = contract(1_200, mfn=True, step_down=StepDown(windows=(6,), share=Decimal("0.1")))
    found = statement_of(Offer(contract=one), ["0"] * 13, [UsageMonth(list_usd=Decimal(1))] * 13)
    assert found.recorded == ("mfn",)
    assert "13 months; the term is 12" in found.notes[0]
    assert "step_down" in found.notes[1]


@pytest.fixture
def files(tmp_path: Path, root: Path) -> tuple[str, str]:
    usage = tmp_path / "usage.csv"
    usage.write_text("month,list_usd\n" + "".join(f"{month},66666.67\n" for month in range(12)), encoding="utf-8")
    return str(root / "examples" / "offers" / "founding-example.yaml"), str(usage)


def run(*tokens: str) -> int:
    result = app(list(tokens), result_action="return_value")
    assert isinstance(result, int)
    return result


def test_the_command_prints_the_founding_example(files: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    offer, usage = files
    assert run("simulate", offer, "--usage", usage) == 0
    out = capsys.readouterr().out
    assert "2.0000 dollars a list dollar" in out
    assert "1,933,333.33" in out
    assert "Not stated, so assumed: period" in out
    assert "All dollars: computed, the offer's terms on this usage;" in out


def test_the_command_as_json_is_the_same_twice(
    files: tuple[str, str], capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    offer, usage = files
    documents = []
    for _ in range(2):
        assert run("simulate", offer, "--usage", usage, "--commit", "1000000", "--json") == 0
        documents.append(capsysbinary.readouterr().out)
    assert documents[0] == documents[1]
    found = json.loads(documents[0])
    assert (found["schema"], found["cost_usd"], found["committed_usd"]) == (
        "baseload.commit.simulate/1", "800000.00", "1000000.00"
    )  # fmt: skip


def test_an_offer_is_shown_as_it_is_read(files: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run("offer", files[0]) == 0
    out = capsys.readouterr().out
    assert "# [34] recorded, not simulated" in out
    assert "bands:\n  - {from_usd: 0, discount: 0.20}" in out


def test_what_the_command_cannot_do_is_refused(files: tuple[str, str]) -> None:
    offer, usage = files
    with pytest.raises(CommitError, match="--commit: much"):
        run("simulate", offer, "--usage", usage, "--commit", "much")
    with pytest.raises(UsageError, match="expected a readable offer"):
        run("simulate", f"{offer}x", "--usage", usage)
