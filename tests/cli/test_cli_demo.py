"""`baseload demo` on a sliver of the company: the plan stands beside the map, and both are of the same bill."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from baseload.cli.main import main
from baseload.plan.policy_read import read_policy


def test_the_plan_is_written_beside_the_map(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["demo", "--scale", "0.002", "-o", "report"])
    out = capfd.readouterr().out
    folder = tmp_path / "report"
    mapped = json.loads((folder / "map.json").read_bytes())
    planned = json.loads((folder / "plan.json").read_bytes())
    assert ended.value.code in (None, 0)
    assert {"index.html", "map.json", "plan.html", "plan.json", "policy.yaml"} <= {
        path.name for path in folder.iterdir()
    }
    # the plan's dollars are whole cents, the map's are exact
    mapped_usd = Decimal(mapped["totals"]["annual_run_rate_usd"])
    assert Decimal(planned["totals"]["as_billed_usd"]) == mapped_usd.quantize(Decimal("0.01"))
    assert planned["headline"] in out
    assert "Plan: report/plan.html" in out
    assert len(mapped["planted"]) == 14
    policy = read_policy((folder / "policy.yaml").read_bytes())
    assert {entry.workload.id for entry in policy.entries} <= {one["id"] for one in planned["workloads"]}
    assert (
        list((tmp_path / "XDG_CACHE_HOME" / "baseload").glob("ledgers-*/*")) == []
    )  # nobody can map these files again
