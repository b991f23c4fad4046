"""Where a private ledger lies: one folder for one set of PATHs, one version, one way of seeing a request."""

from __future__ import annotations

from pathlib import Path

import pytest

from baseload.cli import places
from baseload.cli.places import map_ledger_folder
from baseload.values import OrgKey

KEY = OrgKey(b"k" * 32)


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def test_the_same_paths_in_any_order_are_one_ledger(tmp_path: Path) -> None:
    one, other = tmp_path / "a", tmp_path / "b"
    assert map_ledger_folder([one, other], KEY) == map_ledger_folder([other, one], KEY)
    assert map_ledger_folder([one], KEY) != map_ledger_folder([other], KEY)


def test_another_key_is_another_ledger(tmp_path: Path) -> None:
    assert map_ledger_folder([tmp_path], KEY) != map_ledger_folder([tmp_path], OrgKey(b"l" * 32))


@pytest.mark.parametrize(("name", "value"), [("FEATURES_VERSION", -1), ("__version__", "0.0.0")])
def test_a_new_version_of_what_readers_see_starts_anew(
    name: str, value: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = map_ledger_folder([tmp_path], KEY)
    monkeypatch.setattr(places, name, value)
    after = map_ledger_folder([tmp_path], KEY)
    assert before.name == after.name
    assert before.parent != after.parent
    assert str(value) in after.parent.name
