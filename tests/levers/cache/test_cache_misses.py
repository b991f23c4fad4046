"""Why tokens that came again were not read, and what that cost. A MTok: 5 plain, 6.25 and 10 written, 0.50 read."""

from __future__ import annotations

from typing import get_args

import pytest
from cache_calls import DAY, MODEL, Sent, rows_of

from baseload.levers.cache.follower import MissReason
from baseload.levers.cache.misses import REASON_OF_DIAGNOSTICS, MissRow, explain_misses
from baseload.prices.book import PriceBook
from baseload.prices.load import load_book
from baseload.usage.exchange_rows import MISS_REASONS


@pytest.fixture(scope="module")
def book() -> PriceBook:
    return load_book()


def misses(book: PriceBook, *calls: Sent) -> list[MissRow]:
    found, problems = explain_misses(rows_of(*calls), book, DAY)
    assert problems == []
    return found


def only(book: PriceBook, *calls: Sent) -> MissRow:
    (row,) = misses(book, *calls)
    return row


WRITTEN = (100, 0, 5000, 0)
MARKED = "5a:5000:s5 {}:100:u"


def marked(second: float, own: str, billed: tuple[int, int, int, int] = WRITTEN, **changes: object) -> Sent:
    return Sent(second, MARKED.format(own), billed)._replace(**changes)


def test_the_first_write_is_no_miss_and_neither_is_a_read(book: PriceBook) -> None:
    assert misses(book, marked(0, "01"), marked(60, "02", (100, 5000, 0, 0))) == []


def test_an_entry_that_expired_costs_what_writing_again_does_beyond_reading(book: PriceBook) -> None:
    row = only(book, marked(0, "01"), marked(301, "02"))
    assert (row.reason, row.detail) == ("gap_over_ttl", "5m expired, 1h would live")
    assert (row.calls, row.tokens, row.nano_usd) == (1, 5000, round(5000 * (6.25 - 0.5) * 1000))


def test_beyond_the_hour_no_lifetime_helps(book: PriceBook) -> None:
    assert only(book, marked(0, "01"), marked(3601, "02")).detail == "more than an hour apart"


def test_an_hour_entry_lives_longer(book: PriceBook) -> None:
    # 301 s after a 1h write nothing had expired: no reason is known
    row = only(book, marked(0, "01", (100, 0, 0, 5000)), marked(301, "02"))
    assert row.reason == "unknown"


def test_a_prompt_nobody_marked(book: PriceBook) -> None:
    row = only(book, Sent(0, "5a:5000:s 01:100:u", (5100, 0, 0, 0)), Sent(60, "5a:5000:s 02:100:u", (5100, 0, 0, 0)))
    assert (row.reason, row.tokens, row.nano_usd) == ("never_marked", 5000, round(5000 * 4.5 * 1000))


def test_a_prefix_shorter_than_the_model_caches(book: PriceBook) -> None:
    calls = [Sent(at, f"5a:900:s5 {at:02x}:100:u", (1000, 0, 0, 0)) for at in (0, 60)]
    row = only(book, *calls)
    assert (row.reason, row.detail) == ("below_minimum", "the model caches from 1024 tokens on")


def test_another_model_has_another_cache(book: PriceBook) -> None:
    row = only(book, marked(0, "01", model="claude-opus-5-5"), marked(60, "02"))
    assert row.reason == "model_switched"


def test_calls_at_once_all_write(book: PriceBook) -> None:
    row = only(book, marked(0, "01", begins=5.0), marked(2, "02"))
    assert row.reason == "parallel_requests"


def test_a_time_stamp_in_front_breaks_what_follows_it(book: PriceBook) -> None:
    calls = [
        Sent(60 * n, f"0{n}:40:s:#aaaaaad00{n}000t0{n}0000 5a:5000:s5 {n:02x}:100:u", (100, 0, 5040, 0)) for n in (1, 2)
    ]
    row = only(book, *calls)
    assert (row.reason, row.detail) == ("system_changed", "time stamp and date in system block 1")
    assert (row.tokens, row.nano_usd) == (5000, round(5000 * (6.25 - 0.5) * 1000))


def test_a_block_is_named_by_what_changes_in_it_most(book: PriceBook) -> None:
    # the time changes twice; the date with it once
    cues = ("d111111t111111", "d111111t222222", "d222222t333333", "d222222t444444")
    calls = [Sent(60 * n, f"0{n}:40:s:#aaaaaa{cue} 5a:5000:s5", (0, 0, 5040, 0)) for n, cue in enumerate(cues)]
    row = only(book, *calls)
    assert (row.detail, row.calls) == ("time stamp in system block 1", 3)


def test_text_that_changes_is_named_as_text(book: PriceBook) -> None:
    calls = [Sent(60 * n, f"0{n}:40:s:#00000{n}d00{n}000 5a:5000:s5", (0, 0, 5040, 0)) for n in (1, 2)]
    assert only(book, *calls).detail == "text in system block 1"


def test_a_changed_tool_breaks_everything(book: PriceBook) -> None:
    calls = [Sent(60 * n, f"0{n}:300:t 5a:5000:s5", (0, 0, 5300, 0)) for n in (1, 2)]
    row = only(book, *calls)
    assert (row.reason, row.tokens) == ("tools_changed", 5000)


def test_a_changed_setting_is_named(book: PriceBook) -> None:
    calls = [
        Sent(0, "5a:5000:s 01:0:M:c111111k222222 77:3000:u 01:50:a 02:20:u5", (0, 0, 8070, 0), "s"),
        Sent(60, "5a:5000:s 02:0:M:k333333 77:3000:u 01:50:a 02:20:u 03:9:a 04:9:u5", (0, 5000, 3088, 0), "s"),
    ]
    row = only(book, *calls)
    assert (row.reason, row.detail) == ("settings_changed", "tool choice, thinking")
    assert row.tokens == 3070  # the messages both have


def test_an_edited_history_breaks_a_conversation_and_nothing_else(book: PriceBook) -> None:
    one, two = "5a:2000:s 01:300:u 02:3000:u5", "5a:2000:s 09:300:u 02:3000:u5"
    in_session = [Sent(0, one, (0, 0, 5300, 0), "s"), Sent(60, two, (0, 2000, 3300, 0), "s")]
    row = only(book, *in_session)
    assert (row.reason, row.tokens) == ("messages_changed", 3000)
    assert misses(book, *(call._replace(session="") for call in in_session)) == []  # two questions about one document


def test_a_mark_that_stands_too_early_leaves_the_rest_unread(book: PriceBook) -> None:
    calls = [
        Sent(0, "5a:2000:s5 6b:4000:s 01:10:u", (4010, 0, 2000, 0)),
        Sent(60, "5a:2000:s5 6b:4000:s 02:10:u", (4010, 2000, 0, 0)),
    ]
    row = only(book, *calls)
    assert (row.reason, row.detail, row.tokens) == ("never_marked", "no mark where what repeats ends", 4000)


def test_an_entry_more_than_twenty_positions_back_is_not_found(book: PriceBook) -> None:
    head = "5a:5000:u5"
    tail = " ".join(f"b{n:02x}:10:{'au'[n % 2]}" for n in range(21))
    calls = [Sent(0, head, (0, 0, 5000, 0), "s"), Sent(60, f"5a:5000:u {tail}5", (0, 0, 5210, 0), "s")]
    assert only(book, *calls).reason == "look_back"
    near = " ".join(f"b{n:02x}:10:{'au'[n % 2]}" for n in range(19))
    assert only(book, calls[0], Sent(60, f"5a:5000:u {near}5", (0, 0, 5190, 0), "s")).reason == "unknown"


def test_the_reason_the_api_logged_wins(book: PriceBook) -> None:
    row = only(book, marked(0, "01"), marked(60, "02", flags="miss_tools_changed,x"))
    assert (row.reason, row.detail, row.logged) == ("tools_changed", "", 1)
    assert set(REASON_OF_DIAGNOSTICS) == MISS_REASONS
    assert set(REASON_OF_DIAGNOSTICS.values()) <= set(get_args(MissReason))


def test_counts_of_a_sample_are_scaled_and_its_gaps_shortened(book: PriceBook) -> None:
    # 1 in 100, 3,000 s apart: about 30 s between calls, so nothing had expired
    row = only(book, marked(0, "01", rate=100), marked(3000, "02", rate=100))
    assert (row.reason, row.calls, row.tokens) == ("unknown", 100, 500_000)


def test_small_differences_are_estimates_not_misses(book: PriceBook) -> None:
    assert misses(book, marked(0, "01"), marked(60, "02", (100, 4600, 400, 0))) == []


def test_batches_are_left_out(book: PriceBook) -> None:
    assert misses(book, marked(0, "01", tier="batch"), marked(301, "02", tier="batch")) == []


def test_the_dearest_reason_comes_first(book: PriceBook) -> None:
    calls = [marked(0, "01"), marked(301, "02"), marked(700, "03"), marked(760, "04", model="claude-opus-5-5")]
    assert [(row.reason, row.calls) for row in misses(book, *calls)] == [("gap_over_ttl", 2), ("model_switched", 1)]


# without bodies


def session(second: float, *billed: int, **changes: object) -> Sent:
    uncached, read, written = billed
    return Sent(second, "", (uncached, read, written, 0), "s")._replace(**changes)


def test_without_bodies_a_gap_a_model_and_a_shorter_conversation_are_told(book: PriceBook) -> None:
    first = session(0, 5, 0, 20_000)
    assert misses(book, first, session(60, 5, 20_000, 900)) == []
    assert only(book, first, session(301, 5, 0, 21_000)).reason == "gap_over_ttl"
    assert only(book, first, session(60, 5, 0, 21_000, model="claude-opus-5-5")).reason == "model_switched"
    assert only(book, first, session(60, 5, 2_000, 6_000)).reason == "messages_changed"
    assert only(book, first, session(60, 21_000, 0, 0)).reason == "never_marked"
    assert only(book, first, session(60, 5, 0, 21_000)).detail == "no request body to compare"


def test_what_a_session_repeats_without_a_read_is_what_it_costs(book: PriceBook) -> None:
    # 14,500 of 20,000 were read again; 5,500 were written at 6.25 instead of read at 0.50
    row = only(book, session(0, 5, 0, 20_000), session(301, 5, 14_500, 6_500))
    assert (row.tokens, row.nano_usd) == (5_500, round(5_500 * 5.75 * 1000))


def test_nothing_is_said_of_calls_that_have_neither_body_nor_session(book: PriceBook) -> None:
    assert misses(book, Sent(0, billed=WRITTEN), Sent(400, billed=WRITTEN)) == []


def test_the_model_of_the_examples_costs_what_they_say(book: PriceBook) -> None:
    assert book.models[MODEL].min_cacheable_tokens == 1024
