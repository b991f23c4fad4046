"""Our list price against the provider's own, and the band mix that explains the difference (anthropic-facts 9)."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from spend_rows import call, cost, key, report, table, total

from baseload.ledger.price_checks import band_share
from baseload.ledger.scope import settle


def test_the_same_list_price_agrees_and_the_discount_is_realised() -> None:
    settled = settle(table(report(plain=10_000_000), cost(billed=80_000_000, listed=100_000_000)))
    (check,) = settled.checks
    assert (check.model, check.month, check.verdict) == ("opus", "1970-01", "agrees")
    assert (check.difference_share, check.discount) == (Decimal(0), Decimal("0.2"))


def test_half_a_per_cent_off_is_the_gate() -> None:
    rows = [report(plain=1_005_000_000), cost(billed=1, listed=10_000_000_000)]  # 0.5 % over
    assert settle(table(*rows)).checks[0].verdict == "agrees"
    rows = [report(plain=1_006_000_000), cost(billed=1, listed=10_000_000_000)]
    assert settle(table(*rows)).checks[0].verdict == "differs"


def test_priority_tokens_are_dropped_because_their_cost_is_not_reported() -> None:
    priority = report(plain=50_000_000, price_key=key(tier="priority"))
    settled = settle(table(report(plain=10_000_000), priority, cost(billed=1, listed=100_000_000)))
    assert (settled.checks[0].list_nano, settled.checks[0].verdict) == (100_000_000, "agrees")


def test_only_days_that_both_sides_cover_are_compared() -> None:
    settled = settle(table(report(day=1, plain=10), report(day=2, plain=99), cost(day=1, billed=100, listed=100)))
    assert [(check.list_nano, check.reported_list_nano) for check in settled.checks] == [(100, 100)]


def test_searches_are_compared_only_where_the_report_mixes_them_in() -> None:
    by_type = settle(table(report(plain=10, searches=1), cost(billed=100, listed=100)))
    mixed = settle(table(report(plain=10, searches=1), cost(billed=1, listed=10_000_100, cost_type="other")))
    assert [settled.checks[0].list_nano for settled in (by_type, mixed)] == [100, 10_000_100]


def test_rows_rounded_to_the_cent_may_be_half_a_cent_off_each() -> None:
    rounded = [cost(billed=1, listed=0, source="console_csv") for _ in range(8)]  # up to 4 cents unseen
    assert settle(table(report(plain=4_000_000), *rounded)).checks[0].verdict == "agrees"
    exact = [cost(billed=1, listed=0) for _ in range(8)]
    assert settle(table(report(plain=4_000_000), *exact)).checks[0].verdict == "differs"


def test_a_model_that_we_cannot_price_is_unpriced_and_not_off() -> None:
    settled = settle(table(report(plain=10, times=0), cost(billed=1, listed=100_000_000)))
    assert settled.checks[0].verdict == "unpriced"


def test_a_report_without_list_price_checks_nothing() -> None:
    assert settle(table(report(plain=10), cost(billed=100))).checks == ()


def test_the_band_share_solves_the_mix() -> None:
    # 1,000 at the low price, 5,000 at the dear one, 1,400 reported: a tenth of the tokens was dear
    assert band_share(1_000, 5_000, 1_400) == Decimal("0.1")
    assert band_share(1_000, 5_000, 1_000) == 0
    assert band_share(1_000, 5_000, 5_000) == 1


def test_what_no_mix_explains_has_no_share() -> None:
    assert band_share(1_000, 5_000, 6_000) is None
    assert band_share(1_000, 5_000, 900) is None
    assert band_share(1_000, 1_000, 1_000) is None


def test_the_share_is_cut_to_its_range_within_the_gate() -> None:
    assert band_share(1_000_000, 5_000_000, 999_000) == 0  # 0.1 % under


@given(st.integers(1, 10**12), st.integers(2, 5), st.fractions(0, 1))
def test_the_solved_share_gives_the_report_back(low: int, times: int, share: float) -> None:
    high = low * times
    reported = low + round(share * (high - low))
    solved = band_share(low, high, reported)
    assert solved is not None
    assert abs((1 - solved) * low + solved * high - reported) <= Decimal("0.001")


def test_a_solved_month_costs_what_the_provider_says() -> None:
    rows = table(
        report(day=1, plain=30_000_000, high=5),
        report(day=2, plain=70_000_000, high=5),
        cost(day=1, billed=1, listed=500_000_000),
        cost(day=2, billed=1, listed=900_000_000),
    )
    settled = settle(rows)
    (check,) = settled.checks
    assert (check.verdict, check.band_share) == ("band-mix", Decimal("0.1"))
    assert total(settled.rows, "list_nano") == total(settled.rows, "list_high_nano") == 1_400_000_000
    # the added 400 million follow the open range: 3 to 7
    assert total(settled.rows, "list_nano", day=1) == 420_000_000
    left = settle(rows, solve_bands=False).rows
    assert (total(left, "list_nano"), total(left, "list_high_nano")) == (1_000_000_000, 5_000_000_000)


def test_what_calls_are_known_to_cost_is_taken_off_before_solving() -> None:
    settled = settle(
        table(
            call(plain=10_000_000, times=5),
            report(plain=100_000_000, high=5),
            cost(billed=1, listed=1_600_000_000),
        )
    )
    # 1,600 million in all; the calls are 500 of it; the other 90 million tokens cost 1,100 instead of 900
    assert settled.checks[0].band_share == Decimal("0.15")
    assert total(settled.rows, "list_nano", part="call") == 500_000_000
    assert total(settled.rows, "list_nano", part="rest") == 1_100_000_000
