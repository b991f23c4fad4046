"""From invoice to ledger on the page: lines under their labels, sums exact, nothing unexplained hidden."""

from __future__ import annotations

import msgspec

from baseload.report.bridge import bridge, total_usd
from baseload.report.document import BridgeLine, BridgePart


def invoice(month: str, amount: str, currency: str = "USD", **lines: str) -> BridgePart:
    return BridgePart(
        month=month,
        channel="anthropic",
        account="",
        currency=currency,
        invoice_usd=amount,
        lines=tuple(BridgeLine(label=label, usd=usd, grade="billed") for label, usd in lines.items()),
        explained_share=1.0,
        status="reconciled",
        why="",
    )


def test_no_invoice_is_no_bridge() -> None:
    assert bridge(()) is None


def test_an_invoice_whose_lines_add_up_has_nothing_left_over() -> None:
    found = bridge([invoice("2026-10", "100.00", Tax="19.00", Ledger="81.00")])

    assert found
    assert found.invoices[0].left_over_usd is found.left_over_usd is None


def test_what_no_line_holds_is_shown_of_each_invoice_and_of_all() -> None:
    found = bridge(
        [
            invoice("2026-09", "100.00", Tax="19.00", Ledger="80.50"),  # 0.50 in no line
            invoice("2026-10", "50.00", Ledger="50.25"),  # −0.25
        ]
    )

    assert found
    assert [one.left_over_usd for one in found.invoices] == ["0.50", "-0.25"]
    assert found.left_over_usd == "0.25"


def test_every_invoice_is_under_the_same_labels_and_a_missing_line_is_not_zero() -> None:
    found = bridge(
        [
            invoice("2026-09", "100.00", Tax="19.00", Ledger="81.00"),
            invoice("2026-10", "90.00", Seats="10.00", Ledger="80.00"),
        ]
    )

    assert found
    assert found.labels == ("Tax", "Seats", "Ledger")  # where the bridge ends
    assert [one.amounts for one in found.invoices] == [("19.00", None, "81.00"), (None, "10.00", "80.00")]
    assert found.totals == ("19.00", "10.00", "161.00")
    assert found.total_usd == "190.00"


def test_two_currencies_are_never_added() -> None:
    found = bridge([invoice("2026-09", "100.00", Ledger="100.00"), invoice("2026-10", "90.00", "EUR", Ledger="90.00")])

    assert found
    assert (found.total_usd, found.totals, found.currency) == (None, None, "")


def test_a_few_invoices_are_shown_in_full_and_many_as_one_table_with_the_partial_ones_in_sight() -> None:
    good = invoice("2026-10", "1.00", Ledger="1.00")
    bad = msgspec.structs.replace(good, status="PARTIAL")
    few, many = bridge([good, good]), bridge([good, bad, good])

    assert few
    assert many
    assert (few.as_table, [one.in_full for one in few.invoices]) == (False, [True, True])
    assert (many.as_table, [one.in_full for one in many.invoices]) == (True, [False, True, False])


def test_the_sum_of_decimal_strings_is_exact() -> None:
    assert total_usd(["0.10", "0.20", "0.000000001"]) == "0.300000001"
