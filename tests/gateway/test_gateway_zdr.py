"""An organisation that keeps no data: nothing of it goes into batches, which keep results."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from served import serving, settings

from baseload.demo.upstream.server import Upstream
from baseload.errors import UsageError
from baseload.gateway.assembly import parts_of

SETTINGS = '[policy]\nsettings = "baseload.toml"\n'
ENV = {"ANTHROPIC_API_KEY": "sk-ant-ours", "BASELOAD_VAULT_KEY": base64.b64encode(b"k" * 32).decode()}


def test_batches_are_refused_at_the_start(upstream: Upstream, tmp_path: Path) -> None:
    (tmp_path / "baseload.toml").write_text("zero_data_retention = true\n")
    loaded = settings(upstream.base_url, SETTINGS + "[batch]\nenabled = true\n", "", tmp_path)
    with pytest.raises(UsageError, match="zero_data_retention"), serving(loaded, env=ENV, parts=parts_of):
        pass


def test_the_capability_table_is_read_for_it(upstream: Upstream, tmp_path: Path) -> None:
    for said, zdr in (("true", True), ("false", False)):
        (tmp_path / "baseload.toml").write_text(f"zero_data_retention = {said}\n[key_name]\nabc = 'team'\n")
        with serving(settings(upstream.base_url, SETTINGS, "", tmp_path), parts=parts_of) as gateway:
            core = gateway.gateway.core
            assert core.capabilities.zdr is zdr
            assert core.memo.key_names == {"abc": "team"}
