"""Virtual keys: shown once, hashed at rest, scoped, and gone the moment they are revoked."""

from __future__ import annotations

import base64

import msgspec
import pytest

from baseload.errors import UsageError
from baseload.gateway.state.keys import KeyView, hash_of, is_virtual, may_use, new_key
from baseload.gateway.state.records import KeyScope

NOW_US = 1_795_003_200_000_000


def test_a_key_is_256_random_bits_and_only_its_hash_is_in_the_row() -> None:
    one, two = (new_key("team", KeyScope(), NOW_US) for _ in range(2))
    assert one.secret != two.secret
    assert one.secret.startswith("blk_")
    assert len(base64.urlsafe_b64decode(one.secret[4:] + "=")) == 32
    assert one.row.hash == hash_of(one.secret.encode())
    assert one.secret[4:] not in msgspec.json.encode(one.row).decode()


def test_no_repr_shows_a_key_or_its_hash() -> None:
    key = new_key("team", KeyScope(), NOW_US)
    shown = f"{key!r} {key.row!r} {KeyView([key.row])!r}"
    assert key.secret not in shown
    assert key.row.hash not in shown
    assert key.row.key_id in shown


def test_a_view_finds_the_keys_in_force() -> None:
    good, late = new_key("a", KeyScope(), NOW_US), new_key("b", KeyScope(), NOW_US, expires_us=NOW_US + 10)
    view = KeyView([good.row, late.row], NOW_US)
    assert view.find(good.secret.encode(), NOW_US) == good.row
    assert view.find(late.secret.encode(), NOW_US + 9) == late.row
    assert view.find(late.secret.encode(), NOW_US + 10) is None
    assert view.find(b"blk_unknown", NOW_US) is None
    assert view.find(b"", NOW_US) is None


def test_a_revoked_key_serves_nothing_from_the_next_view_on() -> None:
    key = new_key("a", KeyScope(), NOW_US)
    view = KeyView([key.row])
    view.replace([msgspec.structs.replace(key.row, revoked_us=NOW_US + 1)], NOW_US + 1)
    assert view.find(key.secret.encode(), NOW_US + 2) is None
    assert len(view) == 0


def test_a_virtual_key_is_told_by_its_form() -> None:
    assert is_virtual(b"blk_abc")
    assert not is_virtual(b"sk-ant-abc")


def test_a_scope_allows_what_it_names() -> None:
    assert may_use(KeyScope(), "w", "m")
    scope = KeyScope(workloads=("w",), models=("claude-haiku-4-5", "claude-sonnet-*"))
    assert may_use(scope, "w", "claude-sonnet-5")
    assert may_use(scope, "w", "claude-haiku-4-5")
    assert not may_use(scope, "w", "claude-haiku-4-5-x")
    assert not may_use(scope, "other", "claude-sonnet-5")


@pytest.mark.parametrize(
    ("name", "scope"), [(" ", KeyScope()), ("a", KeyScope(models=("",))), ("a", KeyScope(workloads=("w", " ")))]
)
def test_a_key_with_an_empty_name_or_bound_is_not_made(name: str, scope: KeyScope) -> None:
    """An unset variable of a script is no wish for a key without bounds."""
    with pytest.raises(UsageError, match="empty name, workload or model"):
        new_key(name, scope, 0)
