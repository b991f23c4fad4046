"""What was planted, checked by hand on small cells, and how it is matched with a map."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest
from demo_window import END

from baseload.demo import DemoManifest, Planted, match_planted, planted
from baseload.demo.billing import list_nano
from baseload.demo.larkfield import LARKFIELD
from baseload.demo.planted import _half, _on, _prefix_cached, _without, _writes_plain, is_meant
from baseload.demo.truth import Cell, Truth
from baseload.prices.book import PriceBook
from baseload.report import document as doc

SERVICES = {service.name: service for service in LARKFIELD.services}
DAY = END - 5  # 15 November 2026
USD = 1_000_000_000


def cell(service: str, model: str, *, speed: str = "standard", geo: str = "global", band: str = "0-100k") -> Cell:
    return Cell(service, DAY, model, speed, geo, band)


def totals(
    requests: int = 1, uncached: int = 0, write: int = 0, output: int = 0
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.array([requests, uncached, 0, write, 0, output, 0], np.int64)


def test_fast_mode_costs_twice_the_list_price(book: PriceBook) -> None:
    cells = [(cell("meeting-notes", "claude-opus-5-5", speed="fast"), totals(uncached=1_000_000, output=100_000))]
    standard = _without(lambda found: found._replace(speed="standard"))
    # fast 8 + 0.1 x 40 = 12 USD; standard 4 + 0.1 x 20 = 6 USD
    assert standard(SERVICES["meeting-notes"], cells, book) == 6 * USD


def test_us_inference_costs_a_tenth_more(book: PriceBook) -> None:
    cells = [(cell("supplier-onboarding", "claude-opus-5-5", geo="us"), totals(uncached=1_000_000))]
    anywhere = _without(lambda found: found._replace(geo="global"))
    assert anywhere(SERVICES["supplier-onboarding"], cells, book) == 4 * USD // 10


def test_the_long_band_costs_five_times(book: PriceBook) -> None:
    cells = [(cell("thread-moderation", "claude-haiku-5-5", band="100k-200k"), totals(uncached=1_000_000))]
    short = _without(lambda found: found._replace(band="0-100k"))
    # 0.50 - 0.10 USD
    assert short(SERVICES["thread-moderation"], cells, book) == 4 * USD // 10


def test_a_batch_is_half_the_price(book: PriceBook) -> None:
    cells = [(cell("contract-extraction", "claude-opus-5"), totals(uncached=1_000_000, output=40_000))]
    # 5 + 0.04 x 25 = 6 USD
    assert _half(SERVICES["contract-extraction"], cells, book) == 3 * USD


def test_routing_is_the_difference_of_two_list_prices(book: PriceBook) -> None:
    cells = [(cell("support-triage", "claude-opus-5-5"), totals(uncached=1_000_000))]
    assert _on("claude-haiku-5-5", DAY)(SERVICES["support-triage"], cells, book) == 39 * USD // 10  # 4.00 - 0.10


def test_a_cached_prefix_is_read_instead_of_sent(book: PriceBook) -> None:
    # support-triage: 2,900 static tokens a call; 1,000 calls of 3,000 tokens
    cells = [(cell("support-triage", "claude-opus-5-5"), totals(requests=1000, uncached=3_000_000))]
    # plain 3M x 4 = 12.00; better 0.1M x 4 + 2.9M x 0.20 = 0.40 + 0.58 = 0.98
    assert _prefix_cached(SERVICES["support-triage"], cells, book) == 1102 * USD // 100


def test_a_cache_that_nobody_reads_costs_a_quarter_more(book: PriceBook) -> None:
    # help-center: header 60 + static 6,400 written, 3,540 uncached, 100 calls
    cells = [(cell("help-center-answers", "claude-opus-5-5"), totals(requests=100, uncached=354_000, write=646_000))]
    # now 0.354 x 4 + 0.646 x 5 = 1.416 + 3.230 = 4.646; better 0.36 x 4 + 0.64 x 0.20 = 1.44 + 0.128 = 1.568
    assert _prefix_cached(SERVICES["help-center-answers"], cells, book) == 3078 * USD // 1000


def test_cache_writes_that_nobody_reads_cost_a_quarter_of_their_input(book: PriceBook) -> None:
    cells = [(cell("help-center-answers", "claude-opus-4-8"), totals(requests=100, uncached=354_000, write=646_000))]
    # 0.646 x (6.25 - 5) = 0.8075 USD
    assert _writes_plain(SERVICES["help-center-answers"], cells, book) == 8075 * USD // 10_000


def test_everything_planted_is_worth_something_and_the_dearest_is_first(truth: Truth, book: PriceBook) -> None:
    found = planted(truth, LARKFIELD, book)
    amounts = [item.annual_nano for item in found]
    assert len(found) == 14
    assert min(amounts) > 0
    assert amounts == sorted(amounts, reverse=True)
    assert {item.lever for item in found} == {"route", "cache", "batch", "surcharge", "repeat", "retirement"}


def test_nothing_planted_is_worth_more_than_its_workload_costs(truth: Truth, book: PriceBook) -> None:
    for item in planted(truth, LARKFIELD, book):
        recent = [(found, total) for found, total in truth.runs[item.workload].cells.items() if found.day >= END - 28]
        spend = sum(sum(list_nano(SERVICES[item.workload], found, total, book)) for found, total in recent)
        assert item.annual_nano <= spend * 365 // 28 + 1, item.name


# matching


PLANTED = Planted(
    name="fast mode left on",
    workload="meeting-notes",
    lever="surcharge",
    annual_nano=1000 * USD,
    hints=("PT-350", "meeting-notes"),
)
TOKENS = doc.TokenTotals(
    uncached_input_tokens=0, cache_read_tokens=0, cache_write_5m_tokens=0, cache_write_1h_tokens=0, output_tokens=0
)


def workload(id_: str, name: str = "", cost_center: str = "", why: str = "") -> doc.WorkloadPart:
    return doc.WorkloadPart(
        id=id_, name=name, why=why, stage="owner", rank=1, requests=1, tokens=TOKENS, list_usd="1.00",
        list_high_usd="1.00", share=1.0, cumulative_share=1.0, usd_per_request=None, models=(), daily_usd=(),
        task="unknown", task_confidence=0.0, task_evidence="", latency="unknown", latency_evidence="", owner="",
        cost_center=cost_center, grade="sampled", sources=(),
    )  # fmt: skip


def opportunity(
    id_: str,
    low: str | None,
    high: str | None,
    lever: str = "surcharge",
    candidate: str = "standard speed",
    excluded_by: tuple[str, ...] = (),
) -> doc.OpportunityPart:
    return doc.OpportunityPart(
        workload=id_, workload_name="", lever=lever, candidate=candidate, low_usd="0.00", high_usd="0.00",
        low_annual_usd=low, high_annual_usd=high, grade="measured", assumption="", excluded_by=excluded_by,
    )  # fmt: skip


def the_map(workloads: tuple[doc.WorkloadPart, ...], opportunities: tuple[doc.OpportunityPart, ...]) -> doc.MapDocument:
    """A document of which only these two parts matter."""
    empty: dict[str, object] = dict.fromkeys(doc.MapDocument.__struct_fields__, ())
    empty |= {"workloads": workloads, "opportunities": opportunities}
    return doc.MapDocument(**empty)  # type: ignore[arg-type]  # only two parts are read


def match(workloads: tuple[doc.WorkloadPart, ...], opportunities: tuple[doc.OpportunityPart, ...]) -> doc.PlantedPart:
    (part,) = match_planted([PLANTED], the_map(workloads, opportunities))
    return part


def test_a_range_that_holds_the_planted_figure_is_found() -> None:
    part = match((workload("w", cost_center="PT-350"),), (opportunity("w", "0.00", "1100.00"),))
    assert part.found
    assert (part.planted_annual_usd, part.found_low_annual_usd, part.found_high_annual_usd) == (
        "1000.00",
        "0.00",
        "1100.00",
    )
    assert part.note == "standard speed"


@pytest.mark.parametrize(("high", "found"), [("800.00", True), ("799.00", False)])
def test_a_range_may_miss_by_a_fifth(high: str, found: bool) -> None:
    # planted 1000, less a fifth, is 800
    assert match((workload("w", cost_center="PT-350"),), (opportunity("w", "0.00", high),)).found is found


def test_another_lever_or_another_workload_is_not_it() -> None:
    other_lever = match((workload("w", cost_center="PT-350"),), (opportunity("w", "0.00", "1000.00", lever="cache"),))
    assert (other_lever.found, other_lever.note) == (False, "the map lists no surcharge opportunity for it")
    other_workload = match((workload("v", cost_center="PT-340"),), (opportunity("v", "0.00", "1000.00"),))
    assert (other_workload.found, other_workload.note) == (False, "the map shows no such workload")


def test_an_excluded_candidate_or_one_without_a_run_rate_is_not_it() -> None:
    parts = (opportunity("w", "0.00", "1000.00", excluded_by=("prefill",)), opportunity("w", None, None))
    assert match((workload("w", cost_center="PT-350"),), parts).found is False


def test_parts_of_a_split_workload_add_up_and_candidates_do_not() -> None:
    workloads = (workload("a", name="meeting-notes / 1"), workload("b", why="key meeting-notes"))
    parts = (
        opportunity("a", "0.00", "600.00"),
        opportunity("b", "0.00", "500.00"),
        opportunity("a", "0.00", "700.00", candidate="another"),
    )
    found = match(workloads, parts)
    assert (found.found, found.found_high_annual_usd, found.note) == (True, "1100.00", "standard speed")


def test_the_candidate_whose_range_holds_the_figure_is_shown_before_a_larger_one() -> None:
    parts = (opportunity("w", "0.00", "1000.00"), opportunity("w", "2000.00", "3000.00", candidate="another"))
    found = match((workload("w", cost_center="PT-350"),), parts)
    assert (found.found, found.note) == (True, "standard speed")


def test_a_cost_centre_decides_before_words_do() -> None:
    assert not is_meant(PLANTED, workload("w", name="meeting-notes", cost_center="PT-340"))
    assert is_meant(PLANTED, workload("w", name="anything", cost_center="PT-350"))


def test_the_planted_file_says_the_same(folder: Path, manifest: DemoManifest) -> None:
    written = msgspec.json.decode((folder / "planted.json").read_bytes())
    assert written["schema"] == "baseload.planted/1"
    assert [row["name"] for row in written["planted"]] == [item.name for item in manifest.planted]
