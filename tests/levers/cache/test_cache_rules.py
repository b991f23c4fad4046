"""Each published rule of the prompt cache, with its source and numbers worked out by hand.

"S3" below is anthropic-facts section 3. A prompt of the tests is a row of positions that end at the given tokens.
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baseload.levers.cache.invalidation import FALLS, ORDER, first_fallen
from baseload.levers.cache.price import TTL_1H_US, TTL_5M_US
from baseload.levers.cache.rules import Cache, IllegalMarks, Mark, Prompt, Served, scope_of

SECOND = 1_000_000
MINUTE = 60 * SECOND


def prompt(*ends: int, scope: int = 1, total: int = 0, names: str = "") -> Prompt:
    """Positions 10, 11, … unless named otherwise; what follows the last end is never cached."""
    ids = [ord(name) for name in names] if names else [10 + place for place in range(len(ends))]
    return Prompt(scope=scope, prefix_ids=ids, ends=list(ends), prompt_tokens=total or ends[-1])


def marks(*placed: int, ttl: str = "5m") -> list[Mark]:
    return [Mark(position, ttl) for position in placed]  # type: ignore[arg-type]  # "5m" or "1h", said by each test


def test_a_request_without_marks_is_plain_input() -> None:
    """S3: "Write only at breakpoints"."""
    cache = Cache()
    assert cache.serve(prompt(1000, 2000), [], 0, 0) == Served(0, 0, 0, 2000)
    assert cache.serve(prompt(1000, 2000), [], SECOND, SECOND) == Served(0, 0, 0, 2000)
    assert len(cache) == 0


def test_only_marked_positions_can_be_read_later() -> None:
    """S3: "Write only at breakpoints". The second request shares 1,000 tokens, but nothing was written there."""
    cache = Cache()
    assert cache.serve(prompt(1000, 3000, names="ab"), marks(1), 0, 0) == Served(0, 3000, 0, 0)
    assert cache.serve(prompt(1000, 2500, names="ac"), marks(1), SECOND, SECOND) == Served(0, 2500, 0, 0)
    assert cache.serve(prompt(1000, 3000, 3400, names="abd"), marks(2), 2 * SECOND, 2 * SECOND) == Served(
        3000, 400, 0, 0
    )


def test_what_follows_the_last_mark_is_plain_input() -> None:
    """S3: `input_tokens` is only the part after the last breakpoint."""
    assert Cache().serve(prompt(1000, 2000, total=2300), marks(0), 0, 0) == Served(0, 1000, 0, 1300)


def test_four_marks_are_the_most() -> None:
    """S3: "Max 4 breakpoints"."""
    five = prompt(100, 200, 300, 400, 500)
    assert Cache().serve(five, marks(0, 1, 2, 3), 0, 0) == Served(0, 400, 0, 100)
    with pytest.raises(IllegalMarks, match="5 cache marks"):
        Cache().serve(five, marks(0, 1, 2, 3, 4), 0, 0)


def test_one_hour_marks_come_first() -> None:
    """S3: "1h breakpoints must precede 5m ones"; the order they are listed in does not matter."""
    mixed = [Mark(1, "5m"), Mark(0, "1h")]
    assert Cache().serve(prompt(1000, 1500), mixed, 0, 0) == Served(0, 500, 1000, 0)
    with pytest.raises(IllegalMarks, match="1h mark at position 1 after a 5m mark at 0"):
        Cache().serve(prompt(1000, 1500), [Mark(0, "5m"), Mark(1, "1h")], 0, 0)


@pytest.mark.parametrize("wrong", [[Mark(2, "5m")], [Mark(-1, "5m")], [Mark(0, "5m"), Mark(0, "1h")]])
def test_marks_outside_the_request_or_in_one_place_are_refused(wrong: list[Mark]) -> None:
    with pytest.raises(IllegalMarks):
        Cache().serve(prompt(1000, 1500), wrong, 0, 0)


def test_a_mark_looks_back_twenty_positions_itself_the_first() -> None:
    """S3: "look back up to 20 block positions (breakpoint counts as the first)".

    The entry stands at position 0. A mark at position 19 checks 19, 18, … 0: that is twenty. One at 20 ends at 1.
    """
    ends = [100 * place for place in range(1, 23)]
    for position, expected in ((19, Served(100, 1900, 0, 0)), (20, Served(0, 2100, 0, 0))):
        cache = Cache()
        cache.serve(prompt(100), marks(0), 0, 0)
        longer = prompt(*ends[: position + 1])
        assert cache.serve(longer, marks(position), SECOND, SECOND) == expected


def test_a_second_mark_reaches_what_the_first_is_too_far_from() -> None:
    """S3: look-back starts "from each breakpoint": an intermediate mark keeps the old entry in reach."""
    ends = [100 * place for place in range(1, 32)]
    cache = Cache()
    cache.serve(prompt(100), marks(0), 0, 0)
    # The mark at 15 finds position 0; the tail's own look-back ends at 11. Read 100, write 1,500 + 1,500.
    assert cache.serve(prompt(*ends), marks(15, 30), SECOND, SECOND) == Served(100, 3000, 0, 0)


def test_the_furthest_entry_any_mark_finds_is_the_read_point() -> None:
    """S3: mixed billing reads "to A", the highest hit."""
    cache = Cache()
    cache.serve(prompt(1000, 2000, 3000), marks(0, 2), 0, 0)
    assert cache.serve(prompt(1000, 2000, 3000, 3600), marks(0, 3), SECOND, SECOND) == Served(3000, 600, 0, 0)


def test_a_prefix_below_the_minimum_is_not_cached_and_no_error() -> None:
    """S3: "Below the model minimum: no error, both cache fields 0". 1,023 of 1,024 is below, 1,024 is not."""
    cache = Cache(minimum_tokens=1024)
    assert cache.serve(prompt(1023), marks(0), 0, 0) == Served(0, 0, 0, 1023)
    assert cache.serve(prompt(1023), marks(0), SECOND, SECOND) == Served(0, 0, 0, 1023)
    assert cache.serve(prompt(1024, names="z"), marks(0), SECOND, SECOND) == Served(0, 1024, 0, 0)


def test_a_mark_below_the_minimum_leaves_its_tokens_to_the_next() -> None:
    """The 1h mark at 500 tokens does nothing: all 3,000 are one 5m write."""
    both = [Mark(0, "1h"), Mark(1, "5m")]
    assert Cache(minimum_tokens=1024).serve(prompt(500, 3000), both, 0, 0) == Served(0, 3000, 0, 0)


def test_minimums_differ_by_model_and_may_come_with_the_request() -> None:
    """S3: a 3K prefix caches on Opus 5.5 (512) and not on Opus 4.6 (4096)."""
    cache = Cache()
    assert cache.serve(prompt(3000), marks(0), 0, 0, minimum_tokens=4096) == Served(0, 0, 0, 3000)
    assert cache.serve(prompt(3000), marks(0), 0, 0, minimum_tokens=512) == Served(0, 3000, 0, 0)


@pytest.mark.parametrize(("ttl", "life_us"), [("5m", TTL_5M_US), ("1h", TTL_1H_US)])
def test_the_lifetime_counts_from_the_start_of_the_request(ttl: str, life_us: int) -> None:
    """S3: "TTL counted from request start". Its response takes two minutes to begin; that does not lengthen it."""
    written = Served(0, 1000, 0, 0) if ttl == "5m" else Served(0, 0, 1000, 0)
    for start_us, expected in ((life_us, Served(1000, 0, 0, 0)), (life_us + 1, written)):
        cache = Cache()
        cache.serve(prompt(1000), marks(0, ttl=ttl), 0, 2 * MINUTE)
        assert cache.serve(prompt(1000), marks(0, ttl=ttl), start_us, start_us) == expected


def test_a_read_refreshes_for_free() -> None:
    """S3: "refreshed free on each read": touched every four minutes, a 5m entry is alive after twelve."""
    cache = Cache()
    cache.serve(prompt(1000), marks(0), 0, 0)
    for start_us in (4 * MINUTE, 8 * MINUTE, 12 * MINUTE):
        assert cache.serve(prompt(1000), marks(0), start_us, start_us) == Served(1000, 0, 0, 0)
    assert cache.serve(prompt(1000), marks(0), 18 * MINUTE, 18 * MINUTE) == Served(0, 1000, 0, 0)


def test_an_entry_keeps_the_lifetime_it_was_written_with() -> None:
    """A 5m mark that reads a 1h entry renews the hour; a 1h mark that reads a 5m entry does not make it one."""
    cache = Cache()
    cache.serve(prompt(1000), marks(0, ttl="1h"), 0, 0)
    cache.serve(prompt(1000), marks(0), 50 * MINUTE, 50 * MINUTE)
    assert cache.serve(prompt(1000), marks(0), 100 * MINUTE, 100 * MINUTE) == Served(1000, 0, 0, 0)
    cache = Cache()
    cache.serve(prompt(1000), marks(0), 0, 0)
    assert cache.serve(prompt(1000), marks(0, ttl="1h"), MINUTE, MINUTE) == Served(1000, 0, 0, 0)
    assert cache.serve(prompt(1000), marks(0), 7 * MINUTE, 7 * MINUTE) == Served(0, 1000, 0, 0)


def test_an_hour_on_top_of_five_minutes_is_five_minutes() -> None:
    """The 1,000 tokens were paid for five minutes: a 1h write behind them does not make them last an hour.

    After ten minutes all 1,500 are written again. On top of a one-hour prefix they are read.
    """
    for first, expected in (("5m", Served(0, 1500, 0, 0)), ("1h", Served(1500, 0, 0, 0))):
        cache = Cache()
        cache.serve(prompt(1000), marks(0, ttl=first), 0, 0)
        assert cache.serve(prompt(1000, 1500), marks(1, ttl="1h"), MINUTE, MINUTE) == Served(1000, 0, 500, 0)
        assert cache.serve(prompt(1000, 1500), marks(1), 11 * MINUTE, 11 * MINUTE) == expected


def test_only_entries_a_mark_finds_are_refreshed() -> None:
    """Both were written at minute 0. Reading the long one alone lets the short one die; marking both keeps both."""
    for placed, expected in ((marks(1), Served(0, 1800, 0, 0)), (marks(0, 1), Served(1000, 800, 0, 0))):
        cache = Cache()
        cache.serve(prompt(1000, 2000, names="ab"), marks(0, 1), 0, 0)
        assert cache.serve(prompt(1000, 2000, names="ab"), placed, 4 * MINUTE, 4 * MINUTE) == Served(2000, 0, 0, 0)
        assert cache.serve(prompt(1000, 1800, names="ac"), marks(1), 8 * MINUTE, 8 * MINUTE) == expected


def test_mixed_marks_bill_read_then_one_hour_then_five_minutes() -> None:
    """S3: "read to A, 1h-write A→B, 5m-write B→C": A = 1,000, B = 4,000, C = 4,500, and 200 after it are plain."""
    cache = Cache()
    cache.serve(prompt(1000, names="a"), marks(0, ttl="1h"), 0, 0)
    mixed = [Mark(1, "1h"), Mark(2, "5m")]
    assert cache.serve(prompt(1000, 4000, 4500, total=4700, names="abc"), mixed, SECOND, SECOND) == Served(
        1000, 500, 3000, 200
    )


def test_marks_at_or_before_the_read_point_bill_nothing() -> None:
    """S3: writes start at A. The 1h mark lies inside what is read: only the rest is written, at 5m."""
    cache = Cache()
    cache.serve(prompt(1000, 4000), marks(1), 0, 0)
    mixed = [Mark(0, "1h"), Mark(2, "5m")]
    assert cache.serve(prompt(1000, 4000, 4500), mixed, SECOND, SECOND) == Served(4000, 500, 0, 0)


def test_parallel_first_requests_all_write() -> None:
    """S3: readable "only after the first response starts streaming ⇒ N parallel first requests = N writes".

    Three start together and their responses begin at second 3: each writes. One that starts at second 3 reads.
    """
    cache = Cache()
    for _ in range(3):
        assert cache.serve(prompt(1000), marks(0), 0, 3 * SECOND) == Served(0, 1000, 0, 0)
    assert cache.serve(prompt(1000), marks(0), 3 * SECOND - 1, 6 * SECOND) == Served(0, 1000, 0, 0)
    assert cache.serve(prompt(1000), marks(0), 3 * SECOND, 6 * SECOND) == Served(1000, 0, 0, 0)


def test_other_models_workspaces_and_organisations_see_nothing() -> None:
    """S3: "Caches are model-scoped. Isolation: per workspace (API, P-AWS, Foundry), per org (Bedrock, Vertex)"."""

    def scope(platform: str, **changed: str) -> int:
        named = {"model": "m", "workspace": "w", "account": "a"} | changed
        return scope_of(platform=platform, **named)

    for platform in ("anthropic", "anthropic_aws", "foundry", "google_anthropic", "bedrock", "vertex"):
        assert scope(platform) == scope(platform)
        assert scope(platform) != scope(platform, model="n")
        assert scope(platform) != scope(platform, account="b")
    for platform in ("anthropic", "anthropic_aws", "foundry", "google_anthropic"):
        assert scope(platform) != scope(platform, workspace="v")
    for platform in ("bedrock", "vertex"):
        assert scope(platform) == scope(platform, workspace="v")

    cache = Cache()
    cache.serve(prompt(1000, scope=1), marks(0), 0, 0)
    assert cache.serve(prompt(1000, scope=2), marks(0), SECOND, SECOND) == Served(0, 1000, 0, 0)


def test_a_keep_alive_refreshes_what_lives_and_nothing_else() -> None:
    cache = Cache()
    cache.serve(prompt(1000), marks(0), 0, SECOND)
    assert not cache.touch(1, 10, 0)  # not readable yet
    assert cache.touch(1, 10, 4 * MINUTE)
    assert cache.serve(prompt(1000), marks(0), 8 * MINUTE, 8 * MINUTE) == Served(1000, 0, 0, 0)
    assert not cache.touch(1, 10, 14 * MINUTE)
    assert not cache.touch(1, 99, 14 * MINUTE)


def test_requests_come_in_order_of_time() -> None:
    cache = Cache()
    cache.serve(prompt(1000), marks(0), 5, 5)
    with pytest.raises(ValueError, match="time order"):
        cache.serve(prompt(1000), marks(0), 4, 4)


def test_memory_is_that_of_the_live_entries() -> None:
    """Ten thousand requests a second apart, each of its own prefix: 301 of them are within five minutes."""
    cache = Cache()
    for number in range(10_000):
        alone = Prompt(scope=1, prefix_ids=[number], ends=[1000], prompt_tokens=1000)
        cache.serve(alone, marks(0), number * SECOND, number * SECOND)
    assert len(cache) == 301


@pytest.mark.parametrize(
    ("changed", "falls"),
    [
        (["tools"], "tools"),
        (["model"], "tools"),
        (["web_search"], "system"),
        (["citations"], "system"),
        (["speed"], "system"),
        (["tool_choice"], "messages"),
        (["images"], "messages"),
        (["thinking"], "messages"),
        (["effort"], "messages"),
        (["output_format"], "tools"),
        (["task_budget"], "tools"),
        (["tool_choice", "speed"], "system"),
        (["max_tokens", "stop_sequences"], None),
        ([], None),
    ],
)
def test_a_changed_setting_fells_a_section_and_all_behind_it(changed: list[str], falls: str | None) -> None:
    """S3: "Invalidates: tool defs → all; model → all; …"."""
    assert first_fallen(changed) == falls


def test_at_worst_thinking_and_effort_fell_everything() -> None:
    """S3: "thinking/effort change → messages (tools/system too on some models)"."""
    assert first_fallen(["effort"], worst=True) == "tools"
    assert all(ORDER.index(fall.worst) <= ORDER.index(fall.stated) for fall in FALLS.values())


@st.composite
def _runs(draw: st.DrawFn) -> list[tuple[Prompt, list[Mark], int, int]]:
    """A few requests of one conversation tree, with any legal marks."""
    run, now = [], 0
    for _ in range(draw(st.integers(1, 8))):
        length = draw(st.integers(1, 25))
        branch = draw(st.integers(0, 2))
        ids = [place if place < 10 else 100 * branch + place for place in range(length)]
        ends = [150 * (place + 1) for place in range(length)]
        places = draw(st.lists(st.integers(0, length - 1), max_size=4, unique=True).map(sorted))
        long = draw(st.integers(0, len(places)))
        placed = [Mark(place, "1h" if rank < long else "5m") for rank, place in enumerate(places)]
        now += draw(st.sampled_from([0, SECOND, 4 * MINUTE, 6 * MINUTE, 61 * MINUTE]))
        total = ends[-1] + draw(st.integers(0, 40))
        run.append((Prompt(scope=1, prefix_ids=ids, ends=ends, prompt_tokens=total), placed, now, now + SECOND))
    return run


@settings(max_examples=150, deadline=None)
@given(run=_runs(), least=st.sampled_from([0, 512, 1024]))
def test_every_token_is_billed_once_and_reads_never_pass_a_mark(
    run: list[tuple[Prompt, list[Mark], int, int]], least: int
) -> None:
    cache = Cache(minimum_tokens=least)
    for asked, placed, start_us, begins_us in run:
        served = cache.serve(asked, placed, start_us, begins_us)
        assert sum(served) == asked.prompt_tokens
        assert min(served) >= 0
        last = max((asked.ends[mark.position] for mark in placed), default=0)
        assert sum(served[:3]) <= last
        assert served.read_tokens == 0 or served.read_tokens >= least
