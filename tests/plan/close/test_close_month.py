"""A month's document: what it says of its data, what it is frozen with, and what late data make of it."""

from __future__ import annotations

import datetime as dt
import io
from typing import Any

import msgspec
import pytest
from close_company import AFTER, BEFORE, Company, Use, request
from msgspec.structs import replace
from rich.console import Console

from baseload.cli.close_text import print_close
from baseload.errors import NothingToRead, UsageError
from baseload.plan.close.document import CloseDocument
from baseload.plan.close.freeze import Frozen, frozen_bytes, hash_of, read_frozen, sealed
from baseload.plan.close.months import month_window
from baseload.plan.close.promises import Promise, Promises
from baseload.plan.close.run import CloseRequest, close_month
from baseload.project import Invoice
from baseload.values import Problem, day_of_date

# 2.40 USD a day for each workload (test_close_effects), 74.40 a month
STEADY = Company(before={"triage": Use()}, after={"triage": Use(), "claims": Use(per_day=50)})


def codes(problems: list[Problem]) -> list[str]:
    return [problem.code for problem in problems]


def frozen(of: CloseRequest) -> Frozen:
    """The month as it is read back from its file."""
    return again(sealed(close_month(of)[0], "2026-11-22", None))


def again(document: CloseDocument) -> Frozen:
    return read_frozen(frozen_bytes(document))


def test_a_close_says_both_bills_and_what_lies_between() -> None:
    document, problems = close_month(request(STEADY))
    figures = document.figures

    assert (figures.against, figures.from_usd, figures.to_usd, figures.difference_usd) == (
        BEFORE, "74.40", "111.60", "37.20",
    )  # fmt: skip
    assert {line.line: line.usd for line in figures.lines if line.usd != "0.00"} == {"new": "37.20"}
    assert document.state == "open"
    assert problems == []


def test_the_month_compared_with_is_the_last_one_that_has_data() -> None:
    skipped = replace(STEADY, months=("2026-05", "2026-08"))
    assert close_month(request(skipped))[0].figures.against == "2026-05"


def test_a_month_without_a_row_is_nothing_to_close() -> None:
    with pytest.raises(NothingToRead, match=r"2026-06 has no usage here; the data hold 2026-07 to 2026-08"):
        close_month(request(STEADY, month="2026-06"))
    with pytest.raises(NothingToRead, match=r"2026-01 has no usage"):
        close_month(request(STEADY, against="2026-01"))


@pytest.mark.parametrize("text", ["2026-13", "2026", "August", "1999-01", "2026-8"])
def test_a_month_is_written_with_four_and_two_digits(text: str) -> None:
    with pytest.raises(UsageError, match="expected YYYY-MM"):
        month_window(text)


def test_the_first_month_there_is_has_a_bill_and_no_bridge() -> None:
    figures = close_month(request(STEADY, month=BEFORE))[0].figures

    assert (figures.against, figures.from_usd, figures.lines, figures.to_usd) == (None, None, (), "74.40")
    assert [(part.state, part.to_usd) for part in figures.workloads] == [("first", "74.40")]


def test_days_without_data_are_named_and_are_a_problem_once_the_month_is_over() -> None:
    cut = replace(STEADY, after={"triage": Use(days=20)})
    document, problems = close_month(request(cut))

    assert document.figures.cover.days_with_data == 20
    assert document.figures.cover.missing_days[0] == "2026-08-21"
    assert "2026-08: 20 of 31 days have data; none on 2026-08-21 to 2026-08-31." in document.figures.notes
    assert codes(problems) == ["month-incomplete"]


def test_a_month_that_is_not_over_says_so_and_misses_no_day_to_come() -> None:
    cut = replace(STEADY, after={"triage": Use(days=20)})
    document, problems = close_month(request(cut, as_of_day=day_of_date(dt.date(2026, 8, 21))))

    assert document.state == "running"
    assert "2026-08 is not over: its bill is what the data hold so far." in document.figures.notes
    assert problems == []


def test_a_report_over_the_edge_of_the_month_is_a_problem() -> None:
    asked = request(STEADY)
    rows = dict(asked.rows)
    rows["grain"], rows["end_day_exclusive"] = rows["grain"].copy(), rows["end_day_exclusive"].copy()
    rows["grain"][-1], rows["end_day_exclusive"][-1] = "range", rows["day"][-1] + 5

    assert codes(close_month(replace(asked, rows=rows))[1]) == ["month-straddled"]


def test_a_frozen_month_is_verified_by_computing_it_again() -> None:
    kept = frozen(request(STEADY))
    document, problems = close_month(request(STEADY, frozen={AFTER: kept}))

    assert kept.intact
    assert (document.state, document.check and document.check.status) == ("frozen", "verified")
    assert document.figures == kept.document.figures
    assert problems == []


def test_later_months_do_not_change_a_frozen_one() -> None:
    kept = frozen(request(STEADY))
    later = request(STEADY, frozen={AFTER: kept})
    september = request(replace(STEADY, before={}, after={"claims": Use(per_day=500)}, months=("2026-06", "2026-09")))
    rows = {name: _joined(later.rows[name], september.rows[name]) for name in later.rows}

    document, _ = close_month(replace(later, rows=rows, whole_days=([], sorted(set(rows["day"].tolist())))))

    assert document.check
    assert document.check.status == "verified"


def _joined(first: Any, last: Any) -> Any:
    import numpy as np

    join = np.ma.concatenate if isinstance(first, np.ma.MaskedArray) else np.concatenate
    return join([first, last])


def test_late_data_are_a_restatement_and_change_no_frozen_figure() -> None:
    kept = frozen(request(STEADY))
    late = replace(STEADY, after={"triage": Use(), "claims": Use(per_day=60)})
    document, problems = close_month(request(late, frozen={AFTER: kept}))

    assert document.figures.to_usd == "111.60"
    (part,) = document.restatements
    # ten more calls a day: 0.24 USD x 31
    assert (part.frozen_usd, part.now_usd, part.difference_usd, part.other_usd) == ("111.60", "119.04", "7.44", "0.00")
    assert [(row.id, row.difference_usd) for row in part.workloads] == [("claims", "7.44")]
    assert part.changed == ("data",)
    assert codes(problems) == ["close-restated"]


def test_a_late_invoice_restates_the_bill_outside_the_workloads() -> None:
    bills = tuple(Invoice(month=month, amount="111.60", account="acme") for month in (BEFORE, AFTER))
    paid = replace(STEADY, paid=(100, 100), invoices=bills)
    kept = frozen(request(paid))
    corrected = (bills[0], Invoice(month=AFTER, amount="131.60", tax="20.00", account="acme"))
    (part,) = close_month(request(replace(paid, invoices=corrected), frozen={AFTER: kept}))[0].restatements

    assert (part.difference_usd, part.other_usd, part.workloads, part.changed) == ("20.00", "20.00", (), ("invoices",))


def test_a_frozen_file_that_was_edited_is_damaged_and_todays_figures_are_shown() -> None:
    kept = frozen(request(STEADY))
    edited = replace(kept.document, figures=replace(kept.document.figures, to_usd="1.00"))
    document, problems = close_month(request(STEADY, frozen={AFTER: again(edited)}))

    assert document.check
    assert document.check.status == "damaged"
    assert document.figures.to_usd == "111.60"
    assert codes(problems) == ["close-damaged"]


@pytest.mark.parametrize("field", ["revision", "frozen_on", "previous_sha256"])
def test_the_seal_itself_is_under_the_hash(field: str) -> None:
    kept = frozen(request(STEADY)).document
    assert kept.seal
    changed = replace(kept, seal=replace(kept.seal, **{field: 7 if field == "revision" else "x"}))
    assert not again(changed).intact


def test_the_hash_leaves_out_what_depends_on_the_day_it_is_looked_at() -> None:
    kept = frozen(request(STEADY)).document
    assert again(replace(kept, title="Other", as_of="2027-01-01")).intact


def test_a_file_with_fields_of_a_later_version_still_checks() -> None:
    kept = frozen(request(STEADY)).document
    assert kept.seal
    content = msgspec.to_builtins(kept)
    content["figures"]["of_a_later_version"] = "1.00"
    content["seal"]["sha256"] = hash_of(content)
    assert read_frozen(msgspec.json.encode(content)).intact


def test_the_next_revision_names_the_one_before() -> None:
    first = frozen(request(STEADY)).document
    second = sealed(close_month(request(STEADY))[0], "2026-12-01", first)

    assert first.seal
    assert second.seal
    assert (second.seal.revision, second.seal.previous_sha256) == (2, first.seal.sha256)


def test_the_bridge_starts_from_the_frozen_bill_and_restates_first() -> None:
    june = replace(STEADY, before={}, after={"triage": Use(per_day=90)}, months=("2026-06", BEFORE))
    kept = frozen(request(june))
    assert kept.document.figures.to_usd == "66.96"
    figures = close_month(request(STEADY, frozen={BEFORE: kept}))[0].figures

    assert (figures.from_usd, figures.to_usd) == ("66.96", "111.60")
    assert {line.line: line.usd for line in figures.lines if line.usd != "0.00"} == {
        "restatement": "7.44",
        "new": "37.20",
    }


def test_what_nobody_says_is_as_the_month_was_frozen_with() -> None:
    three = replace(STEADY, months=("2026-05", AFTER))
    kept = frozen(request(three, fiscal_year_start=7))
    document, _ = close_month(request(three, frozen={AFTER: kept}))

    assert document.check
    assert document.check.status == "verified"
    assert document.figures.forecast
    assert document.figures.forecast.fiscal_year_start == "2026-07-01"


def test_figures_do_not_depend_on_the_day_once_the_month_is_over() -> None:
    days = [day_of_date(dt.date(2026, 9, 1)), day_of_date(dt.date(2027, 3, 1))]
    first, last = (close_month(request(STEADY, as_of_day=day))[0] for day in days)
    assert first.figures == last.figures
    assert first.inputs == last.inputs


def test_a_bill_frozen_by_its_invoice_is_not_restated_by_the_ledger() -> None:
    june = Company(
        before={"triage": Use()}, after={"triage": Use()}, months=("2026-06", BEFORE), paid=(100, 100),
        invoices=tuple(Invoice(month=month, amount="174.40", account="acme") for month in ("2026-06", BEFORE)),
    )  # fmt: skip
    kept = frozen(request(june))
    assert kept.document.figures.to_usd == "174.40"
    corrected = (june.invoices[0], replace(june.invoices[1], amount="180.00"))
    august = replace(STEADY, paid=(100, 100), invoices=corrected)
    document, _ = close_month(request(august, frozen={BEFORE: kept}))

    # August has no invoice: both are compared by the ledger, and July's own change stands apart
    assert document.figures.from_usd == "74.40"
    assert "restatement" not in {line.line for line in document.figures.lines if line.usd != "0.00"}
    assert [(part.month, part.difference_usd) for part in document.restatements] == [(BEFORE, "5.60")]


def test_an_edited_earlier_month_is_no_start_of_a_bridge() -> None:
    june = replace(STEADY, before={}, after={"triage": Use()}, months=("2026-06", BEFORE))
    kept = frozen(request(june)).document
    edited = again(replace(kept, figures=replace(kept.figures, to_usd="1.00")))
    assert close_month(request(STEADY, frozen={BEFORE: edited}))[0].figures.from_usd == "74.40"


def test_a_month_frozen_with_a_plan_is_verified_without_it() -> None:
    promise = Promise(workload="triage", name="triage", billed_nano=100, saved_nano=25, shortens=False)
    promises = Promises(plan_id="p", window=month_window(BEFORE), promises=(promise,), sha256="p")
    kept = frozen(request(STEADY, promises=promises))
    document, _ = close_month(request(STEADY, frozen={AFTER: kept}))

    assert document.check
    assert document.check.status == "verified"
    assert document.figures.savings


def test_data_of_other_months_move_the_forecast_only() -> None:
    kept = frozen(request(STEADY))
    asked = request(STEADY, frozen={AFTER: kept})
    march = request(replace(STEADY, before={}, after={"old": Use()}, months=("2026-02", "2026-03"))).rows
    rows = {name: _joined(march[name], asked.rows[name]) for name in march}
    document, problems = close_month(replace(asked, rows=rows))

    assert document.check
    assert (document.check.status, problems) == ("verified", [])
    assert "only the forecast would be another" in document.check.why


def test_a_report_of_a_month_covers_every_day_of_it() -> None:
    asked = request(replace(STEADY, before={"triage": Use(days=1)}))
    rows = dict(asked.rows)
    rows["grain"] = rows["grain"].copy()
    rows["grain"][0] = "month"
    cover = close_month(replace(asked, rows=rows))[0].figures.cover_against

    assert cover
    assert (cover.days_with_data, cover.missing_days) == (31, ())


def test_days_not_exported_yet_are_no_problem_of_a_running_month() -> None:
    cut = replace(STEADY, after={"triage": Use(days=18)})
    _, problems = close_month(request(cut, as_of_day=day_of_date(dt.date(2026, 8, 21))))
    assert problems == []


def test_printed_lines_are_rounded_together() -> None:
    document, _ = close_month(request(STEADY))
    thirds = ("0.333333333", "0.333333333", "0.333333334")
    lines = tuple(replace(line, usd=usd) for line, usd in zip(document.figures.lines[3:6], thirds, strict=True))
    console = Console(width=80, record=True, file=io.StringIO())
    print_close(
        replace(document, figures=replace(document.figures, lines=lines, from_usd="1.00", to_usd="2.00")), console
    )
    text = console.export_text()
    rows = [row for row in text.splitlines() if row.startswith(("   Days", "   Volume", "   Prompt"))]

    assert sorted(row.split("$")[1].split()[0] for row in rows) == ["0.33", "0.33", "0.34"]
