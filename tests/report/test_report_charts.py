"""Chart options: the document's figures, in plain JSON, safe to put into a page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from map_fixture import GAP, OUTLIER, company_map, first_day_map, hostile_map, many_map, unpriced_map

from baseload.report.chart_kit import Chart, embedded
from baseload.report.charts import charts

FUNCTIONS = {"fn:usd", "fn:day", "fn:text", "fn:name", "fn:tip", "fn:roomy", "fn:range"}


def strings(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """(key, text) of every string in an option."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from strings(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner, key)
    elif isinstance(value, str):
        yield key, value


def series(chart: Chart) -> list[dict[str, Any]]:
    option = chart.option.get("baseOption", chart.option)
    found: list[dict[str, Any]] = option["series"]
    return found


def test_the_boxes_of_the_treemap_are_the_dollars_of_the_workloads() -> None:
    document = company_map()
    (tree,) = series(charts(document)["treemap"])

    assert [node["value"] for node in tree["data"]] == [float(part.list_usd) for part in document.workloads]
    for node in tree["data"]:
        assert sum(child["value"] for child in node["children"]) == pytest.approx(node["value"])


def test_the_smallest_of_many_workloads_share_one_box() -> None:
    (tree,) = series(charts(many_map(100))["treemap"])

    assert len(tree["data"]) == 61
    assert tree["data"][-1]["name"] == "40 smaller workloads"


def test_the_stacked_days_are_the_dollars_of_the_days() -> None:
    document = company_map()
    bars = [one for one in series(charts(document)["daily"]) if one["type"] == "bar"]

    first = document.by_day[0]
    assert sum(one["data"][0] or 0 for one in bars) == pytest.approx(float(first.list_usd))
    assert {len(one["data"]) for one in bars} == {180}


def test_empty_days_outliers_and_the_run_rate_window_are_marked() -> None:
    found = {one.get("name"): one for one in series(charts(company_map())["daily"])}

    assert found["No data"]["data"] == [[GAP.isoformat(), 0]]
    assert found["Outlier day"]["data"][0][0] == OUTLIER.isoformat()
    level = found["Run rate"]["data"]
    assert [value is not None for value in level] == [False] * 152 + [True] * 28


def test_an_incomplete_day_is_drawn_pale() -> None:
    document = company_map()
    last = msgspec.structs.replace(document.by_day[-1], complete=False)
    daily = charts(msgspec.structs.replace(document, by_day=(*document.by_day[:-1], last)))["daily"]

    pale = [one["data"][-1] for one in series(daily) if one["type"] == "bar" and one["data"][-1] is not None]
    assert all(value["itemStyle"]["opacity"] < 1 for value in pale)


def test_only_one_candidate_of_a_lever_and_workload_is_drawn() -> None:
    chart = charts(company_map())["ranges"]
    labels = chart.option["baseOption"]["yAxis"]["data"]

    assert sum(label.startswith("Email triage\nroute") for label in labels) == 1
    assert not [label for label in labels if "platform team" in label and "route" in label]  # excluded by a feature


def test_a_document_without_spend_has_no_chart() -> None:
    assert charts(unpriced_map()) == {}


def test_one_box_is_no_treemap_and_one_workload_no_concentration() -> None:
    assert set(charts(first_day_map())) == {"daily"}


def test_functions_are_only_named_where_the_page_looks_for_them() -> None:
    for chart in charts(hostile_map()).values():
        for key, text in strings(chart.option):
            if text.startswith("fn:"):
                assert key in {"formatter", "renderItem", "labelLayout"}
                assert text in FUNCTIONS


def test_a_workload_called_like_a_function_stays_a_name() -> None:
    document = company_map()
    first = msgspec.structs.replace(document.workloads[0], name="fn:usd")
    (tree,) = series(charts(msgspec.structs.replace(document, workloads=(first, *document.workloads[1:])))["treemap"])

    assert tree["data"][0]["tip"][0] == "fn:usd"
    assert "formatter" not in tree["data"][0]


def test_embedded_options_cannot_end_their_script_element_and_read_back_the_same() -> None:
    drawn = charts(hostile_map())
    text = embedded(drawn)

    assert not set(text) & set("<>&\u2028\u2029")
    assert set(json.loads(text)) == set(drawn)
    assert "<script>alert(1)</script>" in json.loads(text)["treemap"]["series"][0]["data"][0]["tip"][0]


def test_every_chart_says_in_words_what_it_shows() -> None:
    drawn = charts(company_map())

    assert all(len(chart.description) > 60 for chart in drawn.values())
    assert "Claims intake: read and extract" in drawn["treemap"].description
    assert "7 of 12 workloads hold 80 %" in drawn["concentration"].description
    for name, option in json.loads(embedded(drawn)).items():
        assert option.get("baseOption", option)["aria"]["label"]["description"] == drawn[name].description


def test_what_is_worth_nothing_at_the_run_rate_is_not_drawn() -> None:
    document = company_map()
    gone = tuple(
        msgspec.structs.replace(item, low_annual_usd="0.00", high_annual_usd="0.00") if item.lever == "route" else item
        for item in document.opportunities
    )
    chart = charts(msgspec.structs.replace(document, opportunities=gone))["ranges"]

    labels = chart.option["baseOption"]["yAxis"]["data"]
    assert labels[0].startswith("Claims intake: read and extract\nbatch")  # the dearest that is left
    assert not [label for label in labels if "route:" in label]
