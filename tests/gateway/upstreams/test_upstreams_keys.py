"""Our own keys: the first that does not rest, by model."""

from __future__ import annotations

import pytest

from baseload.errors import UsageError
from baseload.gateway.upstreams.keys import Keys, keys_in

S = 1_000_000_000


def test_keys_of_a_setting_stand_between_commas() -> None:
    assert keys_in(b" k1, k2 ,,") == (b"k1", b"k2")
    assert keys_in(b"  ") == ()


def test_the_first_key_is_used_until_it_rests_for_this_model() -> None:
    keys = Keys(lambda: (b"k1", b"k2"))
    keys.rest(b"k1", "claude-opus-5-5", 10 * S)
    assert keys.fresh("claude-opus-5-5", 0) == b"k2"
    assert keys.fresh("claude-haiku-5-5", 0) == b"k1"  # limits count by model
    assert keys.fresh("claude-opus-5-5", 10 * S) == b"k1"


def test_where_all_rest_none_is_fresh_and_the_one_that_rests_least_is_best() -> None:
    keys = Keys(lambda: (b"k1", b"k2"))
    keys.rest(b"k1", "m", 10 * S)
    keys.rest(b"k2", "m", 8 * S)
    assert keys.fresh("m", 0) == b""
    assert keys.best("m", 0) == b"k2"


def test_no_key_is_none() -> None:
    keys = Keys(lambda: ())
    assert (keys.best("m", 0), keys.fresh("m", 0)) == (b"", b"")


def test_a_replaced_file_is_seen_within_five_seconds_and_an_unreadable_one_changes_nothing() -> None:
    answers: list[tuple[bytes, ...] | UsageError] = [(b"old",), (b"old",), (b"new",), UsageError("gone")]

    def read() -> tuple[bytes, ...]:
        found = answers.pop(0)
        if isinstance(found, UsageError):
            raise found
        return found

    keys = Keys(read)
    assert [keys.best("m", at * S) for at in (0, 4, 5, 11)] == [b"old", b"old", b"new", b"new"]
    assert answers == []


def test_a_file_that_cannot_be_read_at_the_start_is_said_at_the_start() -> None:
    def read() -> tuple[bytes, ...]:
        raise UsageError("others may read it")

    with pytest.raises(UsageError):
        Keys(read)


def test_what_is_printed_of_keys_is_their_number() -> None:
    assert repr(Keys(lambda: (b"sk-ant-secret",))) == "Keys(1)"
