"""Outside text as a reader sees it: one line, nothing hidden, bounded."""

from __future__ import annotations

import doctest
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baseload.report import names


def test_the_examples_in_the_module_hold() -> None:
    assert doctest.testmod(names).failed == 0


@pytest.mark.parametrize(
    ("given_text", "read"),
    [
        ("invoice\u202egnp.exe", "invoice�gnp.exe"),  # right-to-left override would read "exe.png"
        ("a\u2066b\u2069", "a�b�"),
        ("zero\u200bwidth", "zero�width"),
        ("\x1b[31mred", "�[31mred"),
        ("two\r\nlines\tand  more", "two lines and more"),
        ("été 日本 \U0001f4b6", "été 日本 \U0001f4b6"),
        ("45\u00a0%", "45\u00a0%"),
    ],
)
def test_hidden_characters_are_shown_as_removed_and_others_are_kept(given_text: str, read: str) -> None:
    assert names.clean(given_text) == read


def test_a_long_name_ends_in_an_ellipsis() -> None:
    assert names.shorten("x" * 65) == "x" * 63 + "…"
    assert names.shorten("x" * 64) == "x" * 64


@given(st.text(max_size=6_000), st.integers(2, 400))
def test_cleaned_text_is_bounded_and_has_nothing_hidden(text: str, most: int) -> None:
    cleaned = names.clean(text, most)

    assert len(cleaned) <= most
    assert not [c for c in cleaned if unicodedata.category(c) in {"Cc", "Zl", "Zp", "Cs"}]
    assert not set(cleaned) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f")


@given(st.text())
def test_an_anchor_is_plain_and_stable(identity: str) -> None:
    anchor = names.anchor("w", identity)

    assert anchor == names.anchor("w", identity)
    assert anchor.isascii()
    assert all(character.isalnum() or character in "-_" for character in anchor)
