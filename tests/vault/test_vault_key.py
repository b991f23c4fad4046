"""The vault's key: where it comes from, who may read it, and that it never shows."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from baseload.vault.faults import VaultKeyError
from baseload.vault.key import VaultKey, find_key, make_key, parse_key

HEX = "ab" * 32


def test_the_variable_wins_over_the_file_and_neither_is_no_key(tmp_path: Path) -> None:
    path = tmp_path / "vault.key"
    assert find_key("", path) is None
    made = make_key(path)
    assert find_key("", path) == made
    assert find_key(HEX, path) == VaultKey(b"\xab" * 32)


def test_a_made_key_is_in_a_0600_file_and_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "vault.key"
    made = make_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(made.secret) == 32
    with pytest.raises(VaultKeyError, match="File exists"):
        make_key(path)
    assert find_key("", path) == made


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o601])
def test_a_file_that_others_may_touch_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "vault.key"
    make_key(path)
    path.chmod(mode)
    with pytest.raises(VaultKeyError, match="chmod 600"):
        find_key("", path)


@pytest.mark.parametrize("text", ["", "ab" * 31, "ab" * 33, "zz" * 32, "a passphrase"])
def test_what_is_no_key_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(VaultKeyError, match="64 hex digits") as refused:
        parse_key(text, "BASELOAD_VAULT_KEY")
    assert not text or text not in str(refused.value)


def test_a_key_does_not_show() -> None:
    assert HEX not in repr(parse_key(HEX, "x"))
