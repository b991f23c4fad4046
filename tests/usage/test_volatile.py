"""Words that change per call are told by their form."""

from __future__ import annotations

import pytest
from usage_reading import KEY

from baseload.usage.volatile import MOST_CHARS, is_volatile, kind_of, volatile_cues


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("09:30", "t"),
        ("2026-11-22T09:30:00Z", "t"),
        ("1789000123", "t"),  # seconds since 1970
        ("1789000123456", "t"),
        ("2026-11-22", "d"),
        ("22/11/2026,", "d"),
        ("22.11.26", "d"),
        ("Monday,", "d"),
        ("November", "d"),
        ("2026", "d"),
        ("3f2b8a1c-aaaa-4bbb-8ccc-1234567890ab", "i"),
        ("req_011CSHoEeqs5C35K2UUqR7Fy", "i"),
        ("77421", "i"),
        ("ada@example.com", "e"),
        ("3.", "n"),
        ("17%", "n"),
    ],
)
def test_kinds_of_words(word: str, kind: str) -> None:
    assert is_volatile(word)
    assert kind_of(word) == kind


@pytest.mark.parametrize("word", ["May", "handbook", "Sunshine", "marching"])
def test_other_words_stay(word: str) -> None:
    assert not is_volatile(word)  # "May" is a verb more often than a month


def test_texts_that_say_the_same_but_for_a_number_have_one_masked_cue() -> None:
    one, other = volatile_cues("You have 3 parcels", KEY), volatile_cues("You have 4 parcels", KEY)
    assert (one[0], one[7]) == ("#", "n")
    assert one[:7] == other[:7]
    assert one[7:] != other[7:]


def test_a_text_without_such_words_or_a_very_long_one_has_no_cues() -> None:
    assert volatile_cues("You sort tickets.", KEY) == ""
    assert volatile_cues("7 " * MOST_CHARS, KEY) == ""
