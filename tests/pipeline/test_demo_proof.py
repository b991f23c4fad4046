"""The demo as a proof: what the map finds of a company whose truth is known, over several companies."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from baseload.cli.main import main
from baseload.demo.write import write_company
from baseload.prices.load import load_book
from baseload.values import day_of_date, decimal_usd

END = dt.date(2026, 11, 20)


@pytest.mark.prove
@pytest.mark.parametrize("seed", [7, 8, 9, 10, 11])
def test_the_map_finds_the_money_of_a_company_whose_truth_is_known(
    seed: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    record_property: Callable[[str, object], None],
) -> None:
    """Totals within half a per cent of the truth, every invoice explained, most of what was planted found."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    truth = write_company(tmp_path / "truth", seed=seed, as_of_day=day_of_date(END), book=load_book())
    with pytest.raises(SystemExit):
        main(["demo", "--seed", str(seed), "--json"])
    document = json.loads(capfd.readouterr().out)
    listed, billed = Decimal(document["totals"]["list_usd"]), Decimal(document["totals"]["billed_usd"])
    found = sum(part["found"] for part in document["planted"])
    record_property("truth list USD", f"{decimal_usd(truth.list_nano):,.0f}")
    record_property("map list USD", f"{listed:,.0f}")
    record_property("truth billed USD", f"{decimal_usd(truth.billed_nano):,.2f}")
    record_property("map billed USD", f"{billed:,.2f}")
    record_property("status", document["headline"]["status"])
    record_property("planted found", f"{found} of {len(document['planted'])}")
    assert abs(listed / decimal_usd(truth.list_nano) - 1) < Decimal("0.005")
    assert abs(billed / decimal_usd(truth.billed_nano) - 1) < Decimal("0.0001")
    assert document["headline"]["status"] == "reconciled"
    assert found >= len(document["planted"]) - 4
