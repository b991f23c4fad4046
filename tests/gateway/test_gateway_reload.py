"""New settings replace old ones whole, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from baseload.gateway.config import GatewayConfigError
from baseload.gateway.reload import Overrides, Reloader, load
from baseload.plan.policy import PolicyError

POLICY = """schema_version: 1
entries:
  - workload: {id: w1}
    match: {api_key: [team-a]}
    decision: pin
    model: claude-haiku-4-5
    verdict_id: v1
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "gateway.toml").write_text('[policy]\nfile = "policy.yaml"\n')
    (tmp_path / "policy.yaml").write_text(POLICY)
    return tmp_path


def reloader(folder: Path, said: list[str]) -> Reloader:
    config = folder / "gateway.toml"

    def read() -> object:
        return load(config, Overrides(), folder)

    return Reloader(load(config, Overrides(), folder), read, (config, folder / "policy.yaml"), said.append)  # type: ignore[arg-type]


def test_without_files_it_is_a_pipe(tmp_path: Path) -> None:
    found = load(None, Overrides(), tmp_path)
    assert (found.policy.entries, found.config.listen.port) == ((), 8788)


def test_the_command_line_wins_over_the_file(folder: Path) -> None:
    given = Overrides(upstream="http://127.0.0.1:9", port=0, observe=True, workers=2)
    found = load(folder / "gateway.toml", given, folder).config
    assert (found.upstream[0].origin.port, found.listen.port, found.listen.workers) == (9, 0, 2)
    assert found.policy.observe


def test_a_bad_address_on_the_command_line_is_named(tmp_path: Path) -> None:
    with pytest.raises(GatewayConfigError, match="expected https://"):
        load(None, Overrides(upstream="api.anthropic.com"), tmp_path)


def test_a_policy_that_is_not_there_is_named(folder: Path) -> None:
    (folder / "policy.yaml").unlink()
    with pytest.raises(GatewayConfigError, match=r"policy\.yaml"):
        load(folder / "gateway.toml", Overrides(), folder)


def test_a_changed_policy_is_taken_once_it_stands_still(folder: Path) -> None:
    said: list[str] = []
    found = reloader(folder, said)
    assert found.poll() is None
    (folder / "policy.yaml").write_text(POLICY.replace("haiku", "sonnet"))
    assert found.poll() is None  # it changed just now
    taken = found.poll()
    assert taken is not None
    assert taken.policy.entries[0].model == "claude-sonnet-4-5"
    assert found.poll() is None
    assert len(said) == 1


def test_a_file_torn_in_the_middle_leaves_the_last_good_one(folder: Path) -> None:
    said: list[str] = []
    found = reloader(folder, said)
    for length in range(0, len(POLICY) - 1, 7):
        (folder / "policy.yaml").write_text(POLICY[:length])
        before = found.current
        taken = found.now()
        assert taken is None or taken.policy.entries == () or taken.policy.entries[0].decision in ("pin", "leave")
        assert found.current is (taken or before)
    (folder / "policy.yaml").write_text("{")
    assert found.now() is None
    assert found.now() is None
    assert sum("refused" in line for line in said) == len({line for line in said if "refused" in line})


def test_settings_and_policy_are_refused_together(folder: Path) -> None:
    """Good settings beside a bad policy change nothing."""
    said: list[str] = []
    found = reloader(folder, said)
    (folder / "gateway.toml").write_text('[listen]\nport = 1\n[policy]\nfile = "policy.yaml"\n')
    (folder / "policy.yaml").write_text(POLICY.replace("decision: pin", "decision: maybe"))
    assert found.now() is None
    assert found.current.config.listen.port == 8788
    assert "last good ones keep serving" in said[0]


def test_a_policy_somebody_changed_by_hand_is_refused(folder: Path) -> None:
    (folder / "policy.yaml").write_text(POLICY + 'policy_id: "p-00"\n')
    with pytest.raises(PolicyError, match="hashes to"):
        load(folder / "gateway.toml", Overrides(), folder)
