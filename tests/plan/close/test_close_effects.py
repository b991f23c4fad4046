"""Each cause planted alone is found by its own line, in dollars worked out by hand; all together add up exactly."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from close_company import (
    AFTER,
    BEFORE,
    BIG,
    NEWER,
    OLD,
    Company,
    Use,
    addition,
    alike,
    bridged,
    changed,
    months_of,
    rows_of,
    usd,
    workload,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from baseload.plan.close.bills import Invoices, Overage
from baseload.plan.close.bridge import LINES, Bridge, Months, _parts_of, bridge
from baseload.plan.close.months import month_window
from baseload.prices.load import load_book
from baseload.project import Invoice

# 100 calls a day x 6,000 prompt + 400 output tokens x 31 days = 18.6 M prompt, 1.24 M output tokens
# on Sonnet 4.6 at 3 and 15 USD per million: 55.80 + 18.60 = 74.40 USD


def moved(use: Use | None = None, other: Use | None = None, **change: Any) -> dict[str, Decimal]:
    before, after = alike(use or Use(), **change)
    return usd(bridged(Company(before={"triage": before}, after={"triage": other or after})))


def dollars(**amounts: str) -> dict[str, Decimal]:
    return {name: Decimal(amount) for name, amount in amounts.items()}


def test_nothing_moved() -> None:
    assert moved() == {}


def test_more_calls_are_volume() -> None:
    # half as many again: 0.5 x 74.40
    assert moved(per_day=150) == dollars(volume="37.20")


def test_a_shorter_month_is_days_and_not_volume() -> None:
    # 28 days of data against 31: -3 x 2.40 a day
    assert moved(days=28) == dollars(days="-7.20")


def test_longer_prompts_are_prompt_text() -> None:
    # 3,000 more tokens on 3,100 calls = 9.3 M at 3
    assert moved(prompt=9_000) == dollars(prompt="27.90")


def test_longer_answers_are_output_text() -> None:
    # 100 more on 3,100 calls = 0.31 M at 15
    assert moved(output=500) == dollars(output="4.65")


def test_a_dearer_model_of_the_same_tokenizer_is_model_mix() -> None:
    # a fifth of the text to Opus 4.6 at 5/25: 0.2 x (18.6 x 2 + 1.24 x 10)
    assert moved(models={OLD: 80, BIG: 20}) == dollars(model="9.92")


def test_a_move_to_the_newer_tokenizer_is_split_into_price_of_the_model_and_more_tokens() -> None:
    # all text to Sonnet 5 at 2/10: mix -(18.6 x 1 + 1.24 x 5), then 30 % more tokens at 2/10: 0.3 x (37.20 + 12.40)
    assert moved(models={NEWER: 100}) == dollars(model="-24.80", tokenizer="14.88")


def test_a_move_back_to_the_older_tokenizer_saves_the_tokens_again() -> None:
    # on Sonnet 5: 24.18 M and 1.612 M tokens, 48.36 + 16.12 USD. The mix to 3/15 adds 24.18 + 8.06; then 0.3 of 1.3
    # of the tokens go, at 3/15: -(24.18 x 3 + 1.612 x 15) x 0.3 / 1.3
    assert moved(Use(models={NEWER: 100}), models={OLD: 100}) == dollars(model="32.24", tokenizer="-22.32")


def test_what_stays_on_its_tokenizer_is_untouched_by_what_moves() -> None:
    # half is on Sonnet 5 before and after; a tenth moves from Opus 4.6 to Sonnet 4.6, both of the older family
    use = Use(models={NEWER: 50, OLD: 20, BIG: 30})
    # 0.1 x -(18.6 x 2 + 1.24 x 10)
    assert moved(use, models={NEWER: 50, OLD: 30, BIG: 20}) == dollars(model="-4.96")


def test_more_reads_from_the_cache_are_cache() -> None:
    # 60 % read at 0.30 instead of 3, 10 % written at 3.75: 18.6 x (0.6 x -2.70 + 0.1 x 0.75)
    assert moved(read=60, write_5m=10) == dollars(cache="-28.74")


def test_batch_is_half_price() -> None:
    # 40 % of the calls: 0.4 x 74.40 / 2
    assert moved(batch=40) == dollars(batch="-14.88")


def test_a_region_is_an_option() -> None:
    # US inference is 1.1 times the price of Sonnet 4.6
    assert moved(geo="us") == dollars(options="7.44")


def test_searches_are_other_charges() -> None:
    # one on each of 3,100 calls at 10 USD per thousand
    assert moved(searches=1) == dollars(other="31.00")


def test_searches_grow_with_volume_like_everything() -> None:
    # 0.5 x (74.40 + 31.00)
    assert moved(Use(searches=1), per_day=150) == dollars(volume="52.70")


def test_a_price_move_is_the_price_of_the_same_tokens() -> None:
    book = load_book(additions=[addition(OLD, dt.date(2026, 8, 1), ("2.4", "3", "4.8", "0.24", "12"))])
    same = Company(before={"triage": Use()}, after={"triage": Use()})
    # 20 % off: -0.2 x 74.40
    assert usd(bridged(same, book)) == dollars(price="-14.88")


def test_a_price_that_moved_inside_last_month_is_charged_as_it_was() -> None:
    # Sonnet 5.5 reads cost 0.20 until 6 October and 0.10 from the 7th: 31 days x 0.6 M prompt tokens, all read.
    # October 6 x 0.6 x 0.2 + 25 x 0.6 x 0.1 = 2.22 and output 31 x 0.04 x 10 = 12.40; November has 30 days.
    # days: -(2.22 + 12.40) / 31; price: 30 x 0.6 x 0.1 - 2.22 x 30 / 31
    model = "claude-sonnet-5-5"
    use = Use(models={model: 100}, read=100)
    company = Company(before={"triage": use}, after={"triage": use}, months=("2026-10", "2026-11"))
    assert usd(bridged(company)) == dollars(days="-0.47", price="-0.35")


def test_a_model_that_was_not_sold_last_month_moves_no_price() -> None:
    # Opus 5 was released on 24 July: the mix is priced at its own first price
    assert set(moved(Use(models={"claude-opus-4-8": 100}), models={"claude-opus-5": 100})) == set()


def test_a_better_discount_is_discount() -> None:
    company = Company(before={"triage": Use()}, after={"triage": Use()}, paid=(90, 80))
    assert usd(bridged(company)) == dollars(discount="-7.44")


def test_a_steady_discount_is_in_every_line_and_is_no_line() -> None:
    company = Company(before={"triage": Use()}, after={"triage": Use(per_day=150)}, paid=(80, 80))
    # 0.8 x 37.20
    assert usd(bridged(company)) == dollars(volume="29.76")


def test_a_contract_of_the_users_own_price_file_is_discount_too() -> None:
    overlay = b"""
schema: baseload.prices.overlay/1
discounts:
  - {models: ["claude-*"], percent: 10, valid_from: 2026-01-01, valid_to: 2026-08-01, source: contract}
  - {models: ["claude-*"], percent: 25, valid_from: 2026-08-01, source: contract}
"""
    same = Company(before={"triage": Use()}, after={"triage": Use()})
    # 15 points of 74.40
    assert usd(bridged(same, load_book(overlay=overlay))) == dollars(discount="-11.16")


def test_a_list_move_under_a_steady_contract_is_price() -> None:
    overlay = b"""
schema: baseload.prices.overlay/1
discounts:
  - {models: ["claude-*"], percent: 10, valid_from: 2026-01-01, source: contract}
"""
    moves = [addition(OLD, dt.date(2026, 8, 1), ("2.4", "3", "4.8", "0.24", "12"))]
    same = Company(before={"triage": Use()}, after={"triage": Use()})
    assert usd(bridged(same, load_book(overlay=overlay, additions=moves))) == dollars(price="-13.39")


def test_a_new_workload_is_new_and_one_that_ended_is_retired() -> None:
    company = Company(before={"old": Use(), "both": Use()}, after={"both": Use(), "late": Use(per_day=50)})
    assert usd(bridged(company)) == dollars(retired="-74.40", new="37.20")


def test_usage_that_names_nobody_grows_on_its_own_line() -> None:
    company = Company(
        before={"triage": Use(), "unattributed": Use(counted=False)},
        after={"triage": Use(), "unattributed": Use(counted=False, per_day=150)},
    )
    assert usd(bridged(company)) == dollars(unattributed="37.20")


def test_where_nobody_is_named_at_all_growth_is_volume() -> None:
    company = Company(
        before={"unattributed": Use(counted=False)}, after={"unattributed": Use(counted=False, per_day=150)}
    )
    assert usd(bridged(company)) == dollars(volume="37.20")


def test_without_counted_calls_volume_is_prompt_text() -> None:
    before = Use(counted=False)
    assert moved(before, per_day=150) == dollars(volume="37.20")
    assert moved(before, output=500) == dollars(output="4.65")


def test_calls_known_in_one_month_only_are_not_used() -> None:
    assert moved(Use(counted=False), Use(per_day=150)) == dollars(volume="37.20")


def invoice(month: str, amount: str, **more: str) -> Invoice:
    return Invoice(month=month, amount=amount, account="acme", **more)


def test_parts_of_invoices_are_their_own_lines() -> None:
    company = Company(
        before={"triage": Use()},
        after={"triage": Use()},
        paid=(100, 100),
        invoices=(
            invoice(BEFORE, "174.40", seats="100.00"),
            invoice(AFTER, "247.40", seats="120.00", tax="18.00", credits="5.00"),
        ),
        overages=(Overage(month=AFTER, account="acme", usd="10.00"),),
    )
    # usage on the second invoice: 247.40 - 120 - 18 - 10 + 5 = 104.40, of which the sources hold 74.40
    assert usd(bridged(company)) == dollars(
        overage="10.00", unexplained="30.00", tax="18.00", credits="-5.00", seats="20.00"
    )


def test_without_a_cost_report_the_invoice_gives_the_discount() -> None:
    company = Company(
        before={"triage": Use()}, after={"triage": Use()}, invoices=(invoice(BEFORE, "66.96"), invoice(AFTER, "59.52"))
    )
    # 90 % and 80 % of 74.40
    found = bridged(company)
    assert usd(found) == dollars(discount="-7.44")
    assert (found.from_nano, found.to_nano) == (66_960_000_000, 59_520_000_000)


def test_an_invoice_above_list_price_is_unexplained_and_no_price() -> None:
    company = Company(
        before={"triage": Use()}, after={"triage": Use()}, invoices=(invoice(BEFORE, "74.40"), invoice(AFTER, "99.40"))
    )
    assert usd(bridged(company)) == dollars(unexplained="25.00")


def test_one_invoice_alone_is_not_compared_with_a_ledger() -> None:
    company = Company(before={"triage": Use()}, after={"triage": Use()}, invoices=(invoice(BEFORE, "174.40"),))
    found = bridged(company)
    assert usd(found) == {}
    assert found.from_nano == 74_400_000_000


PLANTED = {
    "days": {"days": 27},
    "volume": {"per_day": 140},
    "prompt": {"prompt": 8_000},
    "output": {"output": 600},
    "model": {"models": {OLD: 30, BIG: 70}},
    "cache": {"read": 50, "write_5m": 20},
    "batch": {"batch": 50},
    "options": {"geo": "us"},
    "other": {"searches": 2},
}


@pytest.mark.parametrize("line", PLANTED)
def test_one_workloads_cause_leaves_the_other_workloads_alone(line: str) -> None:
    steady = {"a": Use(models={OLD: 50, NEWER: 50}, read=30, batch=20), "b": Use(models={BIG: 100}, searches=1)}
    before, after = alike(Use(), **PLANTED[line])
    days = {"days": 27} if line == "days" else {}
    found = bridged(
        Company(
            before={**steady, "c": before},
            after={name: alike(use, **days)[1] for name, use in steady.items()} | {"c": after},
            paid=(85, 85),
        )
    )
    assert set(usd(found)) == {line}


uses = st.builds(
    Use,
    per_day=st.integers(1, 20).map(lambda tens: tens * 100),
    prompt=st.integers(0, 50).map(lambda k: k * 1_000),
    output=st.integers(0, 20).map(lambda k: k * 100),
    models=st.sampled_from([{OLD: 100}, {NEWER: 100}, {OLD: 50, NEWER: 50}, {BIG: 20, OLD: 80}, {BIG: 100}]),
    read=st.integers(0, 60),
    write_5m=st.integers(0, 40),
    batch=st.integers(0, 100),
    searches=st.integers(0, 2),
    geo=st.sampled_from(["global", "us"]),
    counted=st.booleans(),
    days=st.just(3),
)
companies = st.builds(
    Company,
    before=st.dictionaries(st.sampled_from(["a", "b", "unattributed"]), uses, min_size=1),
    after=st.dictionaries(st.sampled_from(["a", "b", "unattributed"]), uses, min_size=1),
    paid=st.tuples(st.integers(0, 100), st.integers(0, 100)),
)


@given(companies)
@settings(max_examples=60, deadline=None)
def test_lines_add_up_to_the_difference_and_effects_to_their_workloads(company: Company) -> None:
    found = bridged(company)

    assert sum(found.lines.values()) == found.to_nano - found.from_nano
    assert list(found.lines) == [name for name in LINES if name != "restatement"]
    for move in found.moves:
        assert sum(move.effects.values()) == move.after_nano - move.before_nano
    usage = [sum(move.after_nano for move in found.moves), sum(move.before_nano for move in found.moves)]
    bills = [found.accounts_after, found.accounts_before]
    assert usage == [sum(account.usage_nano for account in side.values()) for side in bills]


@given(companies)
@settings(max_examples=30, deadline=None)
def test_a_month_against_itself_moves_nothing(company: Company) -> None:
    same = Company(before=company.before, after=company.before, paid=(company.paid[0], company.paid[0]))
    assert usd(bridged(same)) == {}


def test_the_tokenizers_range_is_that_of_the_price_book() -> None:
    before, after = alike(Use(), models={NEWER: 100})
    move = bridged(Company(before={"triage": before}, after={"triage": after})).moves[0]
    # at a ratio of 1 nothing is due to the tokenizer; at 1.35 it is 0.35 of 1.3 / 1.35 of the text, at 2/10
    assert move.tokenizer_low_nano == 0
    assert move.tokenizer_high_nano == pytest.approx(0.35 * 1.3 / 1.35 * 49.60e9, rel=1e-6)


def test_a_bill_that_does_not_belong_to_the_usage_is_no_discount() -> None:
    # 90 % of list price, then 20 %: nobody has such a discount; the second month is taken at list price
    found = bridged(Company(before={"triage": Use()}, after={"triage": Use()}, paid=(90, 20)))
    # 10 points up to list price, and 80 % of 74.40 that nothing billed
    assert usd(found) == dollars(discount="7.44", uncovered="-59.52")


def test_an_invoice_for_something_else_is_unexplained_and_no_discount() -> None:
    company = Company(
        before={"triage": Use()}, after={"triage": Use()}, invoices=(invoice(BEFORE, "74.40"), invoice(AFTER, "7.44"))
    )
    assert usd(bridged(company)) == dollars(unexplained="-66.96")


STEADY = Company(before={"triage": Use()}, after={"triage": Use()})


def bridged_rows(rows: Any, company: Company = STEADY) -> Bridge:
    names = {name: workload(name) for name in (*company.before, *company.after)}
    return bridge(Months.of(rows, names, load_book(), Invoices(company.invoices)), BEFORE, AFTER)


def test_dollars_that_moved_without_a_price_move_are_an_option() -> None:
    # the prompt band of a report is solved from its dollars: a quarter more on the output of August, no price moved
    def dearer(row: dict[str, int]) -> dict[str, int]:
        more = row["output_nano"] // 4
        return {"output_nano": row["output_nano"] + more, "list_nano": row["list_nano"] + more}

    rows = changed(rows_of(STEADY, load_book()), dearer, from_day=month_window(AFTER).start_day)
    # 0.25 x 18.60
    assert usd(bridged_rows(rows)) == dollars(options="4.65")


def test_dollars_of_no_tokens_are_other_charges() -> None:
    def charged(row: dict[str, int]) -> dict[str, int]:
        return {"cache_write_1h_nano": 1_000_000_000, "list_nano": row["list_nano"] + 1_000_000_000}

    rows = changed(rows_of(STEADY, load_book()), charged, from_day=month_window(AFTER).start_day)
    assert usd(bridged_rows(rows)) == dollars(other="31.00")


def test_calls_of_a_row_that_counts_only_some_are_not_known() -> None:
    def some(row: dict[str, int]) -> dict[str, int]:
        return {"rows": 2, "requests": row["requests"] // 2}

    rows = changed(rows_of(STEADY, load_book()), some, from_day=month_window(AFTER).start_day)
    found = bridged_rows(rows)
    assert found.moves[0].unit == "text"
    assert usd(found) == {}


def test_an_account_of_one_month_only_is_paid_for_as_in_that_month() -> None:
    company = Company(before={}, after={"late": Use()}, paid=(0, 80))
    rows = dict(rows_of(company, load_book()))
    steady = rows_of(STEADY, load_book())
    joined = {name: np.ma.concatenate([steady[name], rows[name]]) for name in rows}
    joined["account"] = np.array([*steady["account"].tolist(), *["other"] * len(rows["day"])], dtype=object)
    found = bridged_rows(joined, Company(before=STEADY.before, after={**STEADY.after, **company.after}))
    # 80 % of 74.40, and no discount that got better
    assert usd(found) == dollars(new="59.52")


def test_an_invoice_without_an_account_is_of_every_account_that_has_none_of_its_own() -> None:
    bills = tuple(Invoice(month=month, amount=amount) for month, amount in ((BEFORE, "74.40"), (AFTER, "80.40")))
    company = Company(before={"triage": Use()}, after={"triage": Use()}, paid=(100, 100), invoices=bills)
    assert usd(bridged(company)) == dollars(unexplained="6.00")


def test_an_account_with_an_invoice_of_its_own_is_not_on_the_other_one() -> None:
    own = (invoice(BEFORE, "74.40"), invoice(AFTER, "80.40"))
    rest = tuple(Invoice(month=month, amount="5.00") for month in (BEFORE, AFTER))
    company = Company(before={"triage": Use()}, after={"triage": Use()}, paid=(100, 100), invoices=own + rest)
    found = bridged(company)
    assert usd(found) == dollars(unexplained="6.00")
    assert {owner: account.list_nano for owner, account in found.accounts_after.items()} == {
        ("anthropic", ""): 0,
        ("anthropic", "acme"): 74_400_000_000,
    }


def test_an_invoice_in_another_currency_is_not_compared() -> None:
    bills = tuple(invoice(month, "999.00", currency="EUR") for month in (BEFORE, AFTER))
    company = Company(before={"triage": Use()}, after={"triage": Use()}, invoices=bills)
    assert months_of(company).invoices.foreign == {BEFORE: [("anthropic", "acme")], AFTER: [("anthropic", "acme")]}
    assert usd(bridged(company)) == {}


def test_what_only_the_last_digit_says_takes_no_part_in_rounding() -> None:
    assert _parts_of(2, {"batch": Decimal("1e-20"), "volume": Decimal(1)}) == {"batch": 0, "volume": 2}


bases = st.builds(
    Use,
    per_day=st.integers(1, 20).map(lambda tens: tens * 100),
    prompt=st.integers(1, 50).map(lambda k: k * 1_000),
    output=st.integers(1, 20).map(lambda k: k * 100),
    models=st.sampled_from([{OLD: 100}, {OLD: 60, NEWER: 40}]),
    read=st.sampled_from([0, 20, 40]),
    write_5m=st.sampled_from([0, 10]),
    batch=st.sampled_from([0, 30, 50]),
    searches=st.integers(0, 2),
    days=st.just(6),
)
plants = st.sampled_from([
    ("days", lambda use: {"days": 3}),
    ("volume", lambda use: {"per_day": use.per_day * 2}),
    ("prompt", lambda use: {"prompt": use.prompt * 2}),
    ("output", lambda use: {"output": use.output * 2}),
    ("model", lambda use: {"models": {**use.models, OLD: use.models[OLD] - 30, BIG: 30}}),
    ("cache", lambda use: {"read": use.read + 30}),
    ("batch", lambda use: {"batch": use.batch + 40}),
    ("options", lambda use: {"geo": "us"}),
    ("other", lambda use: {"searches": use.searches + 1}),
])  # fmt: skip


@given(bases, bases, plants, st.sampled_from([(0, 0), (85, 85)]))
@settings(max_examples=60, deadline=None)
def test_a_planted_cause_gets_its_whole_effect_in_any_company(
    use: Use, steady: Use, plant: tuple[str, Any], paid: tuple[int, int]
) -> None:
    line, change = plant
    days = {"days": 3} if line == "days" else {}
    before, after = alike(use, **change(use))
    lines = dict(
        bridged(
            Company(before={"a": before, "b": steady}, after={"a": after, "b": alike(steady, **days)[1]}, paid=paid)
        ).lines
    )
    planted = abs(lines.pop(line))
    # the generator gives whole tokens a day: that is all there is on other lines
    assert planted > 0
    assert sum(map(abs, lines.values())) <= planted / 1_000
