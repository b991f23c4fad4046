"""Our side's edition: four arguments answered, asks by dollars, trades, where to walk away, every figure traceable."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest
from brief_planting import Planted
from msgspec.structs import replace

from baseload.commit.brief.arguments import DEEPER, LOCK, ONE_NUMBER, OVERAGE
from baseload.commit.brief.asks import ask_rows, walk_away
from baseload.commit.brief.document import InternalBrief, Line
from baseload.commit.brief.figures import read_size, run_id
from baseload.commit.brief.internal import internal_brief
from baseload.commit.brief.render import internal_markdown, plain
from baseload.commit.case.document import CaseDocument
from baseload.commit.refusal import CommitError
from baseload.commit.size.document import ClauseRow, CurvePoint, SizeDocument, TimingRow


def point(commit: int, cost: int) -> CurvePoint:
    return CurvePoint(
        commit_usd=f"{commit}.00",
        expected_cost_usd=f"{cost}.00",
        cvar_regret_usd="0.00",
        p10_cost_usd=f"{cost - 50_000}.00",
        p90_cost_usd=f"{cost + 50_000}.00",
    )


def clause(name: str, value: int, low: int, high: int, points: float = 1.0, kind: str = "ask") -> ClauseRow:
    return ClauseRow(
        clause=name,
        kind=kind,
        measure="cost",
        says=f"what {name} says",
        value_usd=f"{value}.00",
        low_usd=f"{low}.00",
        high_usd=f"{high}.00",
        discount_points=points,
        points_beyond=False,
        at_fixed_usd="0.00",
        commit_usd_by_year=("600000.00",),
        wording=f"wording of {name}",
    )


def size(**changes: Any) -> SizeDocument:
    """600,000 recommended at 860,000; on demand 940,000. Larger sizes cost 880,000, 930,000 and 1,000,000."""
    document = Planted(1).document
    best = replace(
        document.recommended,
        commit_usd_by_year=("600000.00",),
        expected_cost_usd="860000.00",
        p10_cost_usd="780000.00",
        p90_cost_usd="960000.00",
        utilization=0.97,
        p_shortfall=0.12,
        p_overage=0.88,
        break_even_utilization=0.8,
        cash_at_risk_usd="41234.00",
        saving_usd="80450.00",
        saving_p10_usd="32000.00",
        saving_p90_usd="131000.00",
        decision="commit",
    )
    given: dict[str, Any] = {
        "recommended": best,
        "on_demand_usd": "940000.00",
        "on_demand_p10_usd": "700000.00",
        "on_demand_p90_usd": "1100000.00",
        "curve": (point(0, 940_000), point(600_000, 860_000), point(700_000, 880_000), point(1_000_000, 930_000),
                  point(1_500_000, 1_000_000)),
        "clauses": (clause("one_point", 9_000, 8_000, 10_000), clause("overage_committed", 54_000, 52_000, 56_000, 6.3),
                    clause("credits", 7_000, 6_500, 7_500, kind="has"), clause("roll_50", -10, -20, 0)),
    }  # fmt: skip
    given["inputs"] = replace(document.inputs, term_months=12)
    return replace(document, **{**given, **changes})


def answers(found: InternalBrief, claim: str) -> str:
    return " ".join(line.says for one in found.arguments if one.claim == claim for line in one.answers)


def test_each_of_the_four_arguments_is_answered_with_figures() -> None:
    """1,000,000 is the first size beyond 1.5 x 600,000: 70,000 more. On demand 400,000 wide, signed 180,000."""
    found = internal_brief(size(), version="1")
    assert [one.claim for one in found.arguments] == [DEEPER, LOCK, OVERAGE, ONE_NUMBER]
    deeper = answers(found, DEEPER)
    assert "At $1,000,000 a year instead of $600,000" in deeper
    assert "$70,000 higher" in deeper
    assert "pays only above 80 % use; 97 % is expected, and it falls short with a chance of 12 %" in deeper
    assert "what one_point says: worth $9,000 (90 %: $8,000 to $10,000)" in deeper
    assert "a lock is worth nothing" in answers(found, LOCK)
    overage = answers(found, OVERAGE)
    assert "overage has a chance of 88 %" in overage
    assert "about $1,500,000 a year and cost $140,000 more" in overage
    number = answers(found, ONE_NUMBER)
    assert "$860,000 over the term, 80 % of paths $780,000 to $960,000; of it $41,200" in number
    assert "55 % narrower" in number


def test_asks_are_ranked_by_dollars_with_what_may_be_given_for_each() -> None:
    """54,000 (52,000 at its low end) pays for a commitment that costs up to 912,000: 700,000. 8,000 pays for none."""
    rows = ask_rows(size())
    assert [row.ask for row in rows] == ["overage_committed", "one_point"]
    first, second = rows
    assert (first.worth, first.between, first.points) == ("$54,000", "$52,000 to $56,000", "6.3")
    assert first.gives == (
        "a commitment of up to $700,000 a year",
        "up to 6.3 points of discount",
        "the clause credits that the offer holds (worth $7,000 (90 %: $6,500 to $7,500))",
    )
    assert second.gives == ("the clause credits that the offer holds (worth $7,000 (90 %: $6,500 to $7,500))",)
    assert (first.wording, first.source) == ("wording of overage_committed", "clauses[1]")


def test_an_ask_that_may_be_worth_nothing_is_worth_no_concession() -> None:
    rows = ask_rows(size(clauses=(clause("one_point", 5, -3, 12),)))
    assert rows[0].gives == ()


def test_the_walk_away_is_the_largest_size_that_is_no_dearer_than_on_demand() -> None:
    """1,000,000 costs 930,000 of 940,000; 1,500,000 a million."""
    lines = walk_away(size())
    assert "above $1,000,000 a year this offer costs more than on demand ($940,000" in lines[0].says
    assert lines[0].source == "curve[3], on_demand_usd"
    none = walk_away(size(curve=(point(0, 940_000), point(600_000, 950_000))))
    assert "no size of this offer" in none[0].says


def test_the_walk_away_discount_is_where_the_size_found_costs_as_much_as_none() -> None:
    document = size()
    bands = replace(document.tornado[0], input="bands", flips_at=-0.071)
    lines = walk_away(replace(document, tornado=(bands,)))
    assert "every discount is 7.1 points lower" in lines[1].says
    assert lines[1].source == "tornado[0].flips_at"


def test_every_figure_names_a_field_of_the_document() -> None:
    document = size()
    plain_document = msgspec.to_builtins(document)
    found = internal_brief(document, version="1")
    sources = [one["source"] for one in _nodes(msgspec.to_builtins(found)) if "source" in one]
    assert len(sources) > 20
    for source in sources:
        first, *rest = re.sub(r" \(\w+\)$", "", source).split(", ")
        there = _at(plain_document, first)
        parent = _at(plain_document, first.rpartition(".")[0])
        for name in rest:
            _at(plain_document if name.partition(".")[0].partition("[")[0] in plain_document else parent, name)
        assert there is not None or "scope" in source


def _nodes(value: Any) -> Any:
    if isinstance(value, dict):
        yield value
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ():
        yield from _nodes(one)


def _at(document: Any, path: str) -> Any:
    for name, place in re.findall(r"(\w+)(?:\[(\d+)\])?", path):
        document = document[name]
        document = document[int(place)] if place else document
    return document


def test_the_run_id_is_of_inputs_seed_and_version() -> None:
    inputs = size().inputs
    assert run_id(inputs, "1") == run_id(inputs, "1")
    assert re.fullmatch(r"run-[0-9a-f]{16}", run_id(inputs, "1"))
    others = [run_id(inputs, "2"), run_id(replace(inputs, seed=inputs.seed + 1), "1")]
    others.append(run_id(replace(inputs, demand_sha256="0" * 64), "1"))
    assert len({run_id(inputs, "1"), *others}) == 4


def test_the_page_has_reliability_tags_wording_for_counsel_and_the_run() -> None:
    document = size()
    assert document.bands is not None
    sets = tuple(replace(one, reliability=tag) for one, tag in
                 zip(document.bands.sets, ("vendor", "adviser", "press"), strict=True))  # fmt: skip
    text = internal_markdown(internal_brief(replace(document, bands=replace(document.bands, sets=sets)), version="1"))
    for part in (
        "[P] assumption",
        "[A] assumption",
        "[B] assumption",
        "For counsel",
        "> wording of overage\\_committed",
    ):
        assert part in text
    assert run_id(document.inputs, "1") in text
    assert "Not for the counterparty" in text


def test_text_from_outside_stays_text() -> None:
    assert plain("[A](http://x)") == "\\[A\\](http://x)"
    assert plain("a [A] b") == "a [A] b"
    document = size(warnings=("<script>alert(1)</script>\n# head | cell",))
    text = internal_markdown(internal_brief(document, version="1"))
    assert "<script>" not in text
    assert "\n# head" not in text


def test_what_is_no_size_is_refused() -> None:
    good = msgspec.json.encode(size())
    assert read_size(good, "size.json") == size()
    for data, said in (
        (b"{", r"size\.json"),
        (b"\xff", r"size\.json"),
        (good.replace(b"baseload.commit.size/1", b"baseload.commit.size/9"), "schema: baseload.commit.size/9"),
    ):
        with pytest.raises(CommitError, match=said):
            read_size(data, "size.json")
    with pytest.raises(CommitError, match="expected_cost_usd: null; expected dollars"):
        internal_brief(replace(size(), recommended=replace(size().recommended, expected_cost_usd=None)), version="1")
    with pytest.raises(CommitError, match="commit_usd: lots"):
        internal_brief(size(curve=(replace(point(1, 1), commit_usd="lots"),)), version="1")


def test_a_comparison_is_its_own_run_and_another_document_is_refused() -> None:
    with pytest.raises(CommitError, match="--compare"):
        internal_brief(size(), version="1", compare=b"{}")


def test_a_case_adds_leverage_effort_and_schedule_with_their_fields() -> None:
    document = size()
    case = Planted(9, CaseDocument).document
    same = ("offer_sha256", "demand_source", "demand_sha256", "savings", "savings_sha256", "first_month", "term_months")
    case = replace(case, inputs=replace(case.inputs, **{one: getattr(document.inputs, one) for one in same}))
    data = msgspec.json.encode(case)
    found = internal_brief(document, version="1", case=data)
    assert found.case_id is not None
    sources = [one["source"] for one in _nodes(msgspec.to_builtins(found)) if "source" in one]
    cased = [one.removeprefix("case: ") for one in sources if one.startswith("case: ")]
    assert len(cased) >= 3 + 3 + 3 + 3 + 3 + 2
    for source in cased:
        assert _at(msgspec.to_builtins(case), source)
    text = internal_markdown(found)
    for title in ("## What can be done instead", "## What the work is worth", "## Backwards from the signing"):
        assert title in text
        assert title not in internal_markdown(internal_brief(document, version="1"))
    assert f"`case` is `{found.case_id}`" in text


def test_a_case_of_another_demand_is_refused() -> None:
    case = Planted(9, CaseDocument).document
    with pytest.raises(CommitError, match="--case: another offer_sha256; expected the offer, demand and savings"):
        internal_brief(size(), version="1", case=msgspec.json.encode(case))
    with pytest.raises(CommitError, match=r"--case: baseload\.size/1; expected baseload\.commit\.case/1"):
        internal_brief(size(), version="1", case=msgspec.json.encode(replace(case, schema="baseload.size/1")))
    with pytest.raises(CommitError, match="--case"):
        internal_brief(size(), version="1", case=b"{}")


def test_an_ask_is_not_offered_back_for_itself() -> None:
    """More discount for more discount, and the clause that would be changed, are no price for it."""
    held = clause("unused", 7_000, 6_500, 7_500, kind="has")
    rows = ask_rows(size(clauses=(clause("next_band", 54_000, 52_000, 56_000), clause("refund_50", 9_000, 8_000, 9_500),
                                  held)))  # fmt: skip
    given = {row.ask: " ".join(row.gives) for row in rows}
    assert "points of discount" not in given["next_band"]
    assert "the clause unused" in given["next_band"]
    assert "points of discount" in given["refund_50"]
    assert "the clause unused" not in given["refund_50"]


def test_the_saving_stands_in_the_answer_with_its_own_interval() -> None:
    """940,000 and 860,000 differ by 80,000, however wide demand is: the 80,450 of the document would not add up."""
    best = replace(size().recommended, p10_cost_usd="500000.00", p90_cost_usd="1500000.00")
    found = internal_brief(size(recommended=best), version="1")
    said = "It saves $80,000 (80 % of paths: $32,000 to $131,000), 8.6 %, against on demand"
    assert any(said in line.says for line in found.answer)
    assert "it saves $80,000" in answers(found, ONE_NUMBER)
    older = replace(best, saving_p10_usd=None, saving_p90_usd=None)
    found = internal_brief(size(recommended=older), version="1")
    assert any("It saves $80,000, 8.6 %, against on demand" in line.says for line in found.answer)


def timing(plan: str, month: int | None, cost: str, *commits: str, **more: Any) -> TimingRow:
    given = {"p10_usd": "800000.00", "p90_usd": "1600000.00", "npv_usd": cost, "cheapest": False, "says": plan}
    return TimingRow(
        plan=plan, signs_in_month=month, commit_usd_by_year=commits, expected_cost_usd=cost, **{**given, **more}
    )


def test_plans_of_signing_are_told_apart_and_their_part_years_named() -> None:
    """1,154,216 and 1,206,000 would be the same 1,200,000 by their interval; the unit is that of the document, 100."""
    document = size(
        timing=(
            timing("day_0", 0, "1154216.42", "1017000.00"),
            timing("bridge", 3, "1206310.00", "759669.00"),
            timing("on_demand", None, "1315329.80"),
        )
    )
    cells = [row.cells for row in internal_brief(document, version="1").timing]
    assert [row[1] for row in cells] == ["$1,017,000 a year", "$760,000 for 9 months", "nothing"]
    assert [row[2] for row in cells] == ["$1,154,200", "$1,206,300", "$1,315,300"]
    years = replace(document, inputs=replace(document.inputs, term_months=24))
    rows = (timing("bridge", 3, "1206310.00", "800000.00", "600000.00"),)
    (row,) = internal_brief(replace(years, timing=rows), version="1").timing
    assert row.cells[1] == "$800,000 for 12 months, $600,000 for 9 months"


def test_a_part_year_of_the_recommendation_is_no_year() -> None:
    """Eighteen months at 600,000 and 300,000: no "a year" stands beside the half."""
    best = replace(size().recommended, commit_usd_by_year=("600000.00", "600000.00"))
    document = size(recommended=best)
    found = internal_brief(replace(document, inputs=replace(document.inputs, term_months=18)), version="1")
    assert "Commit $600,000 for 12 months, $600,000 for 6 months" in found.answer[0].says


def test_what_signing_later_costs_more_has_its_own_interval() -> None:
    later = timing("bridge", 3, "1206310.00", "759669.00", over_cheapest_usd="52093.58",
                   over_cheapest_low_usd="41000.00", over_cheapest_high_usd="64000.00")  # fmt: skip
    document = size(timing=(timing("day_0", 0, "1154216.42", "1017000.00", cheapest=True), later))
    cells = [row.cells for row in internal_brief(document, version="1").timing]
    assert [row[4] for row in cells] == ["", "$52,100 ($41,000 to $64,000)"]


def no_commitment(**changes: Any) -> SizeDocument:
    """No size pays: on demand 940,000 is the cheapest; one ask makes a commitment worth 5,000, one next to nothing."""
    best = replace(
        size().recommended,
        decision="do_not_commit",
        reason="Every commitment costs more than on demand.",
        commit_usd_by_year=("0.00",),
        expected_cost_usd="940000.00",
        p10_cost_usd="700000.00",
        p90_cost_usd="1100000.00",
        saving_usd="0.00",
        saving_p10_usd="0.00",
        saving_p90_usd="0.00",
        utilization=None,
        p_shortfall=None,
        p_overage=None,
        p_dearer_than_on_demand=None,
        break_even_utilization=None,
        cash_at_risk_usd="0.00",
        buffer=None,
    )
    given: dict[str, Any] = {
        "recommended": best,
        "curve": (point(0, 940_000), point(600_000, 955_000), point(1_000_000, 990_000)),
        "clauses": (clause("refund_50", 5_000, 4_000, 6_000), clause("one_point", 0, 0, 1)),
    }
    return size(**{**given, **changes})


def test_an_edition_of_no_commitment_says_so_and_what_would_change_it() -> None:
    found = internal_brief(no_commitment(), version="1")
    text = internal_markdown(found)
    first = " ".join(line.says for line in found.answer)
    assert first.startswith("Do not commit. Every commitment costs more than on demand.")
    assert "On demand costs $940,000 over 12 months (80 % of paths: $700,000 to $1,100,000)" in first
    assert "The least costly commitment looked at, $600,000 a year, costs $15,000 more than on demand" in first
    for nonsense in ("not known", "$0", "recommended size", "cash at risk", "Regret", "a chance of"):
        assert nonsense not in text.partition("## Cautions")[0].replace("a lock is worth nothing", ""), nonsense
    assert [row.ask for row in found.asks] == ["refund_50"]
    assert "At $600,000 a year, its deeper discount included, the expected cost over the term is $15,000 higher" in (
        answers(found, DEEPER)
    )
    assert "paid at list" in answers(found, OVERAGE)
    assert "The number is $940,000 over the term" in answers(found, ONE_NUMBER)
    none = internal_markdown(internal_brief(no_commitment(clauses=(clause("one_point", 0, 0, 1),)), version="1"))
    assert "No ask by itself makes a commitment cheaper than on demand." in none


def test_a_forecast_that_the_past_does_not_carry_says_what_it_would_save() -> None:
    """The guard refuses what the curve would recommend: 600,000 at 920,000 is 20,000 less than on demand."""
    curve = (point(0, 940_000), point(600_000, 920_000), point(1_000_000, 990_000))
    found = internal_brief(no_commitment(curve=curve), version="1")
    said = " ".join(line.says for line in found.answer)
    assert "$600,000 a year, costs $20,000 less than on demand on the forecast" in said


@pytest.mark.parametrize(("flips_at", "said"), [(-0.158, "15.8 points lower"), (0.021, "2.1 points higher")])
def test_the_walk_away_discount_is_said_by_its_side(flips_at: float, said: str) -> None:
    document = size()
    lines = walk_away(replace(document, tornado=(replace(document.tornado[0], input="bands", flips_at=flips_at),)))
    assert f"every discount is {said}" in lines[1].says


def test_a_line_without_a_source_cannot_be_made() -> None:
    with pytest.raises(TypeError):
        Line(says="one")  # type: ignore[call-arg]  # what is tested
