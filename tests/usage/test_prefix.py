"""A request's prefix block by block: what is told apart, what is shared, and how many tokens each part is."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from usage_reading import KEY

from baseload.levers.cache.invalidation import FALLS
from baseload.usage.prefix import CHARS_PER_TOKEN, MEDIA_TOKENS, MOST_ENTRIES, PIECE_CHARS, prefix_blocks
from baseload.usage.prefix_settings import SETTING_NAMES
from baseload.usage.prefix_text import Entry, chained, ends_of, entries_of, joined, written

MARK = {"type": "ephemeral"}
HOUR = {"type": "ephemeral", "ttl": "1h"}


def asked(text: str = "Hello", **changes: Any) -> dict[str, Any]:
    return {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": text}]} | changes


def text_block(text: str, **changes: Any) -> dict[str, Any]:
    return {"type": "text", "text": text} | changes


def entries(request: dict[str, Any], **options: int) -> list[Entry]:
    return list(entries_of(prefix_blocks(request, KEY, **options)))


def codes(request: dict[str, Any]) -> list[str]:
    """Kind of each entry, `+` where its block goes on, its mark."""
    return [entry.kind + "+" * entry.goes_on + entry.mark for entry in entries(request)]


def digests(request: dict[str, Any]) -> list[str]:
    return [entry.digest for entry in entries(request)]


# positions


def test_every_tool_system_block_and_message_block_is_an_entry_in_render_order() -> None:
    turns = [
        {"role": "user", "content": [text_block("a"), {"type": "image", "source": {"data": "x"}}]},
        {"role": "assistant", "content": [{"type": "thinking", "thinking": "", "signature": "s"}, text_block("b")]},
        {"role": "user", "content": "c"},
    ]
    request = asked(messages=turns, system=[text_block("one"), text_block("two")], tools=[{"name": "x"}, {"name": "y"}])
    assert codes(request) == ["t", "t", "s", "s", "M", "u", "u", "h", "a", "u"]  # M: the images are a setting


def test_a_run_of_tool_calls_or_of_results_is_one_position() -> None:
    calls = [{"type": "tool_use", "id": str(n), "name": "x", "input": {}} for n in range(3)]
    results = [{"type": "tool_result", "tool_use_id": str(n), "content": "ok"} for n in range(3)]
    turns = [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": [text_block("I look."), *calls]},
        {"role": "user", "content": [*results, text_block("and then")]},
    ]
    assert codes(asked(messages=turns)) == ["u", "a", "c", "r", "u"]


def test_marks_are_kept_with_their_lifetime_and_stay_out_of_the_hashes() -> None:
    plain = asked(system=[text_block("S")], tools=[{"name": "x"}])
    marked = asked(system=[text_block("S", cache_control=MARK)], tools=[{"name": "x", "cache_control": HOUR}])
    assert codes(marked) == ["t1h", "s5m", "u"]
    assert digests(marked) == digests(plain)


def test_an_automatic_mark_stands_on_the_last_block_that_can_carry_one() -> None:
    thought = [{"type": "thinking", "thinking": "", "signature": "s"}]
    turns = [{"role": "user", "content": "a"}, {"role": "assistant", "content": thought}]
    assert codes(asked(messages=turns, cache_control=HOUR)) == ["u1h", "h"]


def test_spellings_of_one_text_are_one_block() -> None:
    spelled = asked(system=[text_block("S")], messages=[{"role": "user", "content": [text_block("Hello")]}])
    assert digests(asked(system="S")) == digests(spelled)


def test_an_early_edit_leaves_later_blocks_as_they_were() -> None:
    one = digests(asked(system=[text_block("It is 9:30."), text_block("The handbook.")]))
    other = digests(asked(system=[text_block("It is 10:45 now."), text_block("The handbook.")]))
    assert [a == b for a, b in zip(one, other, strict=True)] == [False, True, True]


# long blocks


def test_long_texts_with_different_ends_share_their_first_pieces() -> None:
    lines = "".join(f"Rule {n}: hand the parcel to the depot of its region.\n" for n in range(400))  # 22,000 characters
    one, other = (entries(asked(system=lines + end)) for end in ("Today: Monday.", "Today: a long Tuesday."))
    assert len(one) == len(other) > 8
    assert [entry.digest for entry in one[:-2]] == [entry.digest for entry in other[:-2]]
    assert one[-2].digest != other[-2].digest
    assert [entry.goes_on for entry in one] == [True] * (len(one) - 2) + [False, False]


def test_pieces_find_each_other_again_behind_an_edit() -> None:
    lines = "".join(f"Rule {n}: {'word ' * (n % 17)}\n" for n in range(900))
    one, other = (digests(asked(system=start + lines)) for start in ("Monday\n", "Wednesday the 4th\n"))
    assert one[0] != other[0]
    assert one[-3:] == other[-3:]


@given(st.lists(st.text(max_size=3 * PIECE_CHARS), min_size=2, max_size=6), st.integers(1, 300_000))
def test_a_conversation_that_goes_on_keeps_its_blocks_from_the_start(texts: list[str], tokens: int) -> None:
    turns = [{"role": "user" if n % 2 == 0 else "assistant", "content": text or "x"} for n, text in enumerate(texts)]
    shorter, longer = digests(asked(messages=turns[:-1])), digests(asked(messages=turns))
    assert longer[: len(shorter)] == shorter
    assert sum(entry.tokens for entry in entries(asked(messages=turns), prompt_tokens=tokens)) == tokens


def test_the_longest_prompts_stay_within_a_few_hundred_entries() -> None:
    # pieces of 4,096 characters (no line ends), doubling every 64: 4 million characters need under 500
    assert len(entries(asked("y" * 4_000_000))) < 500


# tokens


def test_tokens_are_shares_by_length() -> None:
    # "system\ntext\n" + 88 + "\n" is 101 characters, "user\ntext\n" + 90 + "\n" is 101: half of 1,000 each
    found = entries(asked("u" * 90, system="s" * 88), prompt_tokens=1000)
    assert [entry.tokens for entry in found] == [500, 500]


def test_what_was_cached_lies_before_the_last_mark() -> None:
    request = asked("u" * 90, system=[text_block("s" * 88, cache_control=MARK)])
    found = entries(request, prompt_tokens=1000, cached_tokens=900)
    assert [entry.tokens for entry in found] == [900, 100]
    assert [entry.tokens for entry in entries(request, prompt_tokens=1000)] == [500, 500]  # nothing was cached


def test_without_billed_tokens_four_characters_are_a_token() -> None:
    assert abs(sum(entry.tokens for entry in entries(asked("x" * 10_000))) - 10_000 / CHARS_PER_TOKEN) < 10


def test_an_image_weighs_a_flat_estimate_whatever_its_bytes_and_wherever_it_stands() -> None:
    image = {"type": "image", "source": {"data": "A" * 500_000}}
    result = {"type": "tool_result", "tool_use_id": "1", "content": [image]}
    for block in (image, result):
        found = entries(asked(messages=[{"role": "user", "content": [block]}]))
        assert MEDIA_TOKENS <= sum(entry.tokens for entry in found) < MEDIA_TOKENS + 50


# settings


SETTINGS: list[tuple[str, dict[str, Any], str]] = [
    ("output_format", {"output_config": {"format": {"type": "json_schema"}}}, "f"),
    ("task_budget", {"output_config": {"task_budget": {"total": 20_000}}}, "b"),
    ("speed", {"speed": "fast"}, "s"),
    ("web_search", {"tools": [{"type": "web_search_20260209", "name": "web_search"}]}, "w"),
    ("tool_choice", {"tool_choice": {"type": "any"}}, "c"),
    ("thinking", {"thinking": {"type": "adaptive"}}, "k"),
    ("effort", {"output_config": {"effort": "low"}}, "e"),
]
SECTION = {"T": "tools", "S": "system", "M": "messages"}


@pytest.mark.parametrize(("name", "changes", "letter"), SETTINGS)
def test_a_setting_forks_the_prefix_where_the_api_does(name: str, changes: dict[str, Any], letter: str) -> None:
    tool = {"name": "x"}
    base = asked(system="S", tools=[tool])
    changed = base | changes | {"tools": [tool, *changes.get("tools", [])]}
    (entry,) = [entry for entry in entries(changed) if entry.is_settings]
    assert SECTION[entry.kind] == entry.section == FALLS[name].stated
    assert set(entry.aspects()) == {letter}
    assert entry.tokens == 0
    assert [entry.digest for entry in entries(changed) if not entry.is_settings] == digests(base)
    assert letter in SETTING_NAMES


def test_citations_and_images_anywhere_are_settings() -> None:
    document = {"type": "document", "source": {}, "citations": {"enabled": True}}
    picture = {"type": "tool_result", "tool_use_id": "1", "content": [{"type": "image", "source": {}}]}
    found = entries(asked(messages=[{"role": "user", "content": [document, picture]}]))
    assert [(entry.kind, set(entry.aspects())) for entry in found if entry.is_settings] == [("S", {"q"}), ("M", {"i"})]


def test_defaults_are_no_setting() -> None:
    assert codes(asked(tool_choice={"type": "auto"}, speed="standard")) == ["u"]


# cues


def test_a_time_stamp_is_told_from_the_text_around_it() -> None:
    def header(text: str) -> dict[str, str]:
        return entries(asked(system=[text_block(text), text_block("Rules.")]))[0].aspects()

    one, later = header("It is 2026-11-22 09:30:05, user 8."), header("It is 2026-11-22 09:30:44, user 8.")
    assert {kind for kind in one if one[kind] != later[kind]} == {"t"}
    reworded = header("Now 2026-11-22 09:30:05, user 8.")
    assert {kind for kind in one if one[kind] != reworded[kind]} == {"#"}


def test_only_the_system_prompt_and_the_opening_are_looked_through() -> None:
    turns = [
        {"role": "user", "content": [text_block("Today is 2026-11-22."), text_block("Order 17?")]},
        {"role": "assistant", "content": "Order 17 is on its way."},
        {"role": "user", "content": "And order 18?"},
    ]
    assert [bool(entry.cues) for entry in entries(asked(messages=turns))] == [True, True, False, False]
    assert [bool(entry.cues) for entry in entries(asked("Order 17?", system="It is 9:30."))] == [True, False]


# the text form


ENTRY = st.builds(
    Entry,
    digest=st.integers(0, 16**12 - 1).map(lambda number: f"{number:012x}"),
    tokens=st.integers(0, 10**6),
    kind=st.sampled_from("TtSsMyurach"),
    goes_on=st.booleans(),
    mark=st.sampled_from(["", "5m", "1h"]),
    stands_for=st.integers(1, 900),
    cues=st.sampled_from(["", "#a1b2c3", "#a1b2c3t0f0f0f"]),
)


@given(st.lists(ENTRY, min_size=1, max_size=8))
def test_what_is_written_is_read_again(found: list[Entry]) -> None:
    assert list(entries_of(written(found))) == found


@given(st.lists(ENTRY, min_size=1, max_size=8), st.integers(0, 8), st.integers(0, 8))
def test_joining_entries_does_not_change_which_prefixes_are_equal(found: list[Entry], one: int, other: int) -> None:
    low, high = sorted((one % len(found), other % len(found)))
    shortened = [*found[:low], joined(found[low : high + 1]), *found[high + 1 :]]
    assert list(ends_of(written(shortened)))[low:] == list(ends_of(written(found)))[high:]


def test_entries_of_the_first_version_have_no_code() -> None:
    assert list(entries_of("3f9a1c20b7de0011:412 broken 90ab:x 90ab44de01c2aa00:7")) == [
        Entry("3f9a1c20b7de0011", 412),
        Entry("90ab44de01c2aa00", 7),
    ]
    assert chained(0, "zz") != chained(0, "zy")  # names that are no hash still differ


def test_the_middle_of_an_endless_conversation_becomes_one_entry_but_for_its_marks() -> None:
    turns: list[dict[str, Any]] = [
        {"role": "user" if n % 2 == 0 else "assistant", "content": [text_block(f"turn {n}")]} for n in range(2_000)
    ]
    turns[600]["content"][0]["cache_control"] = MARK
    found = entries(asked(messages=turns), prompt_tokens=50_000)
    # 256 at the start, 512 at the end, and between them 345 turns up to the mark (256 … 600) and 887 after it
    assert len(found) == MOST_ENTRIES + 2
    assert [entry.stands_for for entry in found if entry.stands_for > 1] == [345, 887]
    assert [entry.mark for entry in found if entry.mark] == ["5m"]
    assert sum(entry.tokens for entry in found) == 50_000
    shorter = list(ends_of(prefix_blocks(asked(messages=turns[:-1]), KEY)))
    longer = list(ends_of(prefix_blocks(asked(messages=turns), KEY)))
    assert shorter[-1][0] == longer[-2][0]  # the prefixes are still the same


def test_no_words_of_a_prompt_are_kept() -> None:
    request = asked("My password is swordfish", system="Secret plan 2026-11-22 for ada@example.com")
    text = prefix_blocks(request, KEY)
    assert not any(word in text for word in ("swordfish", "ada", "2026", "Secret"))
