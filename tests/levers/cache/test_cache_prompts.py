"""Calls of the ledger as prompts: places for marks, prefixes, sessions without bodies."""

from __future__ import annotations

from cache_calls import NOON_US, Sent, rows_of

from baseload.levers.cache.prompts import (
    SHARED_START,
    TAIL,
    TOOLS,
    Slot,
    Unit,
    has_positions,
    layout_of,
    positions_of,
    prompt_at,
    requests_of,
)
from baseload.usage.prefix_text import entries_of

SYSTEM_1 = Slot("system", "system:1")
TEXT = "aa:100:t bb:50:t 51:0:S c1:7:s+ c2:900:s5 d0:40:s e0:10:u f0:20:a f1:5:c f2:6:r5"


def places(text: str, moved: tuple[Unit, ...] = ()) -> list[tuple[str, int]]:
    return [(position.slot.after, position.end) for position in positions_of(list(entries_of(text)), moved)]


def test_positions_are_blocks_named_by_their_place() -> None:
    # pieces c1 and c2 are one block; a message is a turn of one side: user, assistant (text and call), result
    assert places(TEXT) == [
        ("", 100), ("last_tool", 150), ("system:0", 1057), ("system:1", 1097), ("message:0", 1107),
        ("message:1", 1127), ("message:1", 1132), ("message:2", 1138),
    ]  # fmt: skip


def test_a_moved_piece_no_longer_stands_before_what_follows() -> None:
    assert places(TEXT, (Unit(0, 0),))[2:4] == [("system:0", 1050), ("system:1", 1090)]
    assert places(TEXT, (Unit(0, 0), Unit(0, 1)))[2:4] == [("system:1", 190), ("message:0", 200)]
    last_piece = places("c1:900:s+ c2:7:s e0:10:u", (Unit(0, 1),))
    assert last_piece == [("system:0", 900), ("message:0", 910)]


def test_moving_what_differs_makes_prefixes_equal() -> None:
    one, other = (list(entries_of(f"{header}:9:s bb:900:s e0:10:u")) for header in ("11", "22"))
    assert [p.prefix for p in positions_of(one)] != [p.prefix for p in positions_of(other)]
    moved = (Unit(0, 0),)
    assert [p.prefix for p in positions_of(one, moved)] == [p.prefix for p in positions_of(other, moved)]


def test_calls_are_sorted_and_a_response_begins_with_its_first_token() -> None:
    requests = requests_of(rows_of(Sent(9, begins=2.5), Sent(4)))
    assert (requests.start_us - NOON_US).tolist() == [4_000_000, 9_000_000]
    assert (requests.begins_us - NOON_US).tolist() == [4_000_000, 11_500_000]


def test_sampled_sessions_are_not_thinned_and_sampled_calls_are() -> None:
    calls = (
        Sent(0, rate=9), Sent(1, rate=9, flags="sampled_whole,x", session="a"), Sent(2, rate=9, flags="sampled_whole"),
        Sent(3),
    )  # fmt: skip
    requests = requests_of(rows_of(*calls))
    assert requests.thinned.tolist() == [True, False, False, False]
    assert requests.whole.tolist() == [False, True, False, False]  # a prefix sampled whole has true gaps all over


def test_a_layout_has_the_prefix_at_each_place_and_those_within_reach_of_the_tail() -> None:
    other_scope = Sent(1, prefix="aa:100:t e0:10:u", scope=2)
    requests = requests_of(rows_of(Sent(0, prefix=TEXT), other_scope, Sent(2, prefix="aa:100:t e1:10:u", scope=2)))
    layout = layout_of(requests, (TOOLS, SYSTEM_1, TAIL))
    assert layout.ends.tolist() == [[150, 1097, 0], [100, 0, 0], [100, 0, 0]]
    assert layout.last_ends[:, -2:].tolist() == [[1132, 1138], [100, 110], [100, 110]]
    assert layout.ids[1, 0] == layout.ids[2, 0] != layout.ids[0, 0]
    assert layout.last_ids[1, -1] != layout.last_ids[2, -1]


def test_thinking_at_the_end_cannot_carry_the_tail() -> None:
    requests = requests_of(rows_of(Sent(0, prefix="aa:100:u bb:20:a cc:5:h")))
    assert layout_of(requests, (TAIL,)).last_ends[0, -1] == 120


def test_prefixes_of_the_first_version_tell_no_positions() -> None:
    assert not has_positions("3f9a:412 90ab:7")
    assert has_positions("3f9a:412:u")
    assert not has_positions("")


def test_a_session_without_bodies_is_a_prompt_that_grows() -> None:
    requests = requests_of(
        rows_of(
            Sent(0, billed=(4, 14_500, 2_000, 0), session="a"),
            Sent(60, billed=(4, 16_500, 1_000, 0), session="a"),  # goes on where the first ended
            Sent(90, billed=(4, 14_500, 500, 0), session="b"),  # another session starts alike
            Sent(120, billed=(4, 14_500, 4_000, 0), session="a"),  # compacted: only the start was still the same
        )
    )
    layout = layout_of(requests, (SHARED_START, TAIL))
    assert layout.last_ends[:, -3:].tolist() == [
        [0, 14_500, 16_500], [14_500, 16_500, 17_500], [0, 14_500, 15_000], [0, 14_500, 18_500],
    ]  # fmt: skip
    assert layout.last_ids[1, -2] == layout.last_ids[0, -1]
    assert layout.ids[0, 0] == layout.ids[2, 0] == layout.last_ids[2, -2]
    assert layout.last_ids[2, -1] not in layout.last_ids[0]


def test_a_prompt_for_the_exact_rules_has_the_marked_places() -> None:
    requests = requests_of(rows_of(Sent(0, prefix=TEXT, billed=(1140, 0, 0, 0))))
    layout = layout_of(requests, (TOOLS, SYSTEM_1, TAIL))
    prompt, found = prompt_at(layout, requests, 0, (TOOLS, TAIL))
    assert list(prompt.ends) == [100, 150, 1057, 1097, 1107, 1127, 1132, 1138]
    assert found == {TOOLS: 1, TAIL: 7}
    assert prompt.prompt_tokens == 1140
