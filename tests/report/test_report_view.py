"""What the page shows of a document: order, caps that are stated, and nothing lost between."""

from __future__ import annotations

from decimal import Decimal

import msgspec
from map_fixture import company_map, many_map

from baseload.report import opportunities as levers
from baseload.report import view as views
from baseload.report.document import LeverPart


def test_what_needs_no_quality_test_comes_first() -> None:
    groups = levers.lever_groups(company_map())

    assert [[section.part.lever for section in group.levers] for group in groups] == [
        ["surcharge", "repeat", "retirement"],
        ["cache", "batch"],
        ["route"],
    ]


def test_a_lever_this_page_does_not_know_is_shown_last_and_not_lost() -> None:
    document = company_map()
    odd = msgspec.structs.replace(document.levers[0], lever="negotiate", title="Negotiate")
    groups = levers.lever_groups(msgspec.structs.replace(document, levers=(odd, *document.levers)))

    assert groups[-1].title == "Other levers"
    assert [section.part.title for section in groups[-1].levers] == ["Negotiate"]


def test_one_lever_without_a_yearly_range_puts_all_in_the_period() -> None:
    one = company_map().levers[0]
    without = msgspec.structs.replace(one, low_annual_usd=None, high_annual_usd=None)

    assert levers.lever_unit((one, one)) == "a year"
    assert levers.lever_unit((one, without)) == "in the period"
    assert levers.range_of(one, "in the period") == (one.low_usd, one.high_usd)


def test_opportunities_are_dearest_first_and_the_impossible_ones_apart() -> None:
    route = next(
        section
        for group in levers.lever_groups(company_map())
        for section in group.levers
        if section.part.lever == "route"
    )

    highs = [Decimal(item.high_usd) for item in route.rows]
    assert highs == sorted(highs, reverse=True)
    assert [item.workload_name for item in route.excluded] == ["Claude Code: platform team"]
    assert not [item for item in route.rows if item.excluded_by]


def test_an_assumption_all_rows_share_is_said_once() -> None:
    sections = {s.part.lever: s for group in levers.lever_groups(company_map()) for s in group.levers}

    assert sections["batch"].assumption == "Calls judged latency tolerant, at batch price."
    assert sections["cache"].assumption == ""  # three rows, three assumptions: each row says its own


def test_rows_and_what_is_left_out_add_up_to_every_workload() -> None:
    seen = views.view(many_map(5_400))

    assert len(seen.rows) == 5_000
    assert seen.rows_left_out == 400
    assert (seen.drills, sum(row.printed for row in seen.rows)) == (100, 25)


def test_verdicts_count_every_cell_and_the_list_holds_only_what_differs() -> None:
    seen = views.view(company_map())

    assert {item.verdict: item.cells for item in seen.verdicts} == {"agrees": 53, "differs": 7}
    assert {item.verdict for item in seen.reconciliation} == {"differs"}
    sizes = [abs(Decimal(item.difference_usd)) for item in seen.reconciliation]
    assert sizes == sorted(sizes, reverse=True)


def test_a_long_reconciliation_says_how_many_it_leaves_out() -> None:
    document = company_map()
    differing = tuple(item for item in document.reconciliation if item.verdict == "differs") * 20  # 140
    seen = views.view(msgspec.structs.replace(document, reconciliation=differing))

    assert (len(seen.reconciliation), seen.reconciliation_left_out) == (100, 40)


def test_a_lever_without_any_opportunity_is_still_a_section() -> None:
    empty = LeverPart(
        lever="batch", title="Batch", low_usd="0.00", high_usd="0.00", low_annual_usd=None, high_annual_usd=None,
        grade="assumed", sentence="Nobody waits.",
    )  # fmt: skip
    document = msgspec.structs.replace(company_map(), levers=(empty,), opportunities=())

    (group,) = levers.lever_groups(document)
    assert group.levers[0].rows == group.levers[0].excluded == ()
