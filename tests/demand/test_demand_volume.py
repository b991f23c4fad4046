"""Volume from the ledger: price cuts and model moves are no demand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import numpy as np
import pytest

from baseload.demand.history import DemandError
from baseload.demand.months import parse_month
from baseload.demand.volume import REST, ledger_volume, today_nano
from baseload.prices.load import load_book
from baseload.values import TOKEN_CLASSES, Window, day_of_date

BOOK = load_book()
TODAY = day_of_date(dt.date(2026, 11, 1))
OPUS_41 = "claude-opus-4-1-20250805|anthropic|global|standard|standard|0-100k"
SONNET = "claude-sonnet-4-5-20250929|anthropic|global|standard|standard|0-100k"
MTOK = 1_000_000


def table(rows: Sequence[dict[str, object]]) -> dict[str, np.ndarray]:
    """Spend rows; what a row does not say is 0, a request is counted."""
    plain = {**dict.fromkeys(TOKEN_CLASSES, 0), "web_search_requests": 0, "ttl_unknown": 0, "list_nano": 0}
    full = [{**plain, "requests": 1, "requests_known": 1, "rows": 1, "price_key": SONNET, **row} for row in rows]
    columns = {name: np.array([row[name] for row in full]) for name in full[0] if name != "price_key"}
    return {**columns, "price_key": np.array([row["price_key"] for row in full], dtype=object)}


def month_rows(month: str, **more: object) -> dict[str, object]:
    return {"day": day_of_date(dt.date.fromisoformat(f"{month}-15")), **more}


def months(first: str, count: int) -> list[str]:
    start = parse_month(first)
    return [f"{m // 12}-{m % 12 + 1:02d}" for m in range(start, start + count)]


def window(first: str, last_exclusive: str) -> Window:
    days = [day_of_date(dt.date.fromisoformat(f"{month}-01")) for month in (first, last_exclusive)]
    return Window(start_day=days[0], end_day_exclusive=days[1])


def test_a_row_costs_what_its_tokens_cost_today_whatever_they_cost_then():
    # a million plain input tokens of Sonnet 4.5 at 3 dollars; the dollars it had are not looked at
    rows = table([month_rows("2026-05", uncached_input_tokens=MTOK, list_nano=99)])
    nano, problems = today_nano(rows, BOOK, TODAY)
    assert nano.tolist() == [3 * 10**9]
    assert problems == []


def test_a_model_without_a_price_today_keeps_its_dollars_and_is_said():
    rows = table([month_rows("2026-05", uncached_input_tokens=MTOK, list_nano=77, price_key="?unheard-of|x|x|x|x|x")])
    nano, problems = today_nano(rows, BOOK, TODAY)
    assert nano.tolist() == [77]
    assert [one.code for one in problems] == ["no-price-today"]


def test_the_same_requests_on_a_cheaper_model_are_the_same_demand():
    # 100 requests a month; until July at 1.0 dollar each, from August at 0.2: demand never moved
    named = months("2026-03", 8)
    rows = table([month_rows(month, requests=100, output_tokens=1_000) for month in named])
    cost = np.array([100 * (10**9 if month < "2026-08" else 2 * 10**8) for month in named])
    volume = ledger_volume(rows, ["w"] * 8, cost, window("2026-03", "2026-11"))
    assert volume.history.usd.tolist() == [pytest.approx([20.0] * 8)]
    assert volume.workloads[0].unit == "requests"
    assert volume.workloads[0].unit_usd == pytest.approx(0.2)
    assert volume.problems == ()


def test_tokens_are_the_unit_where_requests_are_not_counted():
    named = months("2026-06", 4)
    rows = table([month_rows(m, requests_known=0, output_tokens=1_000 * (place + 1)) for place, m in enumerate(named)])
    cost = np.array([1, 2, 3, 4]) * 10**9
    volume = ledger_volume(rows, ["w"] * 4, cost, window("2026-06", "2026-10"))
    assert volume.workloads[0].unit == "tokens"
    # the last three months: 9 dollars for 9,000 tokens
    assert volume.history.usd.tolist() == [pytest.approx([1.0, 2.0, 3.0, 4.0])]
    assert volume.workloads[0].requests == (None,) * 4
    with pytest.raises(DemandError, match="does not count its requests"):
        ledger_volume(rows, ["w"] * 4, cost, window("2026-06", "2026-10"), unit="requests")


def test_longer_requests_are_said_because_requests_do_not_show_them():
    named = months("2026-04", 6)
    rows = table([month_rows(m, requests=10, output_tokens=100 if m < "2026-07" else 150) for m in named])
    volume = ledger_volume(rows, ["w"] * 6, np.full(6, 10**9), window("2026-04", "2026-10"))
    assert volume.workloads[0].tokens_per_request_change == pytest.approx(0.5)


def test_months_that_are_not_whole_are_left_out_and_said():
    rows = table([month_rows(month, output_tokens=10) for month in ("2026-08", "2026-09", "2026-10")])
    cut = Window(start_day=day_of_date(dt.date(2026, 8, 2)), end_day_exclusive=day_of_date(dt.date(2026, 10, 20)))
    volume = ledger_volume(rows, ["w"] * 3, np.full(3, 10**9), cut)
    assert (volume.history.first_month, volume.history.months) == (parse_month("2026-09"), 1)
    assert [(one.code, one.value) for one in volume.problems] == [
        ("partial-month", "2026-08"),
        ("partial-month", "2026-10"),
    ]


def test_a_workload_that_stopped_is_not_carried_on_and_that_is_said():
    rows = table(
        [
            *(month_rows(month, output_tokens=10) for month in months("2026-03", 6)),
            month_rows("2026-03", output_tokens=10),
        ]
    )
    volume = ledger_volume(rows, ["w"] * 6 + ["old"], np.full(7, 10**9), window("2026-03", "2026-09"))
    assert volume.history.names == ("w",)
    assert [(one.code, one.value) for one in volume.problems] == [("workload-ended", "old")]


def test_a_young_workload_has_no_past():
    rows = table(
        [
            *(month_rows(month, output_tokens=10) for month in months("2026-03", 6)),
            month_rows("2026-08", output_tokens=10),
        ]
    )
    volume = ledger_volume(rows, ["w"] * 6 + ["new"], np.full(7, 10**9), window("2026-03", "2026-09"))
    assert volume.history.names == ("w", "new")
    assert np.isnan(volume.history.usd[1, :5]).all()
    assert volume.history.usd[1, 5] == pytest.approx(1.0)


def test_beyond_fifty_the_small_ones_are_one_series_and_nothing_is_lost():
    rows = table([month_rows("2026-08", output_tokens=10) for _ in range(53)])
    cost = np.arange(1, 54) * 10**9
    names = [f"w{place:02d}" for place in range(53)]
    volume = ledger_volume(rows, names, cost, window("2026-08", "2026-09"))
    assert len(volume.history.names) == 51
    assert volume.history.names[-1] == REST
    assert volume.history.usd[-1, 0] == pytest.approx(1 + 2 + 3)
    assert volume.history.total[0] == pytest.approx(sum(range(1, 54)))
    assert [one.code for one in volume.problems] == ["workloads-summed"]


def test_an_empty_span_is_refused():
    rows = table([month_rows("2026-08", output_tokens=10)])
    with pytest.raises(DemandError, match="no whole month"):
        ledger_volume(rows, ["w"], np.array([1]), Window(start_day=TODAY, end_day_exclusive=TODAY + 20))
    with pytest.raises(DemandError, match="nothing to carry on"):
        ledger_volume(rows, ["w"], np.array([1]), window("2026-09", "2026-10"))


def test_opus_moves_are_priced_at_the_days_own_rates():
    rows = table([month_rows("2026-05", output_tokens=MTOK, price_key=OPUS_41)])
    nano, _ = today_nano(rows, BOOK, day_of_date(dt.date(2026, 5, 1)))
    assert nano.tolist() == [75 * 10**9]
