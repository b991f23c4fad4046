"""What a project says of the workloads a policy routes: what may be done with their prompts, and what grades them.

For the process that serves, and for people: `unshadowed` is why a route stays where it is. Nothing heavy is loaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from baseload.gateway.config import GatewayConfig
from baseload.gateway.watching.graded_by import graded_by
from baseload.gateway.watching.terms import has_route
from baseload.plan.policy import Policy
from baseload.project import Project
from baseload.project_bars import INCUMBENT
from baseload.vault.data_use import DataUse, parse_data_use

_FILES = ("truth", "schema", "fixture", "labels")
"""Fields of a grader's table that name a file (`quality.trial.tables.files_of`; a test holds the two together)."""


def data_uses(project: Project, policy: Policy) -> dict[str, DataUse]:
    """What may be done with the prompts of the policy's workloads, as the project says; by workload id."""
    said = {rule.name: rule.data_use for rule in project.workload if rule.data_use}
    return {
        entry.workload.id: parse_data_use(said.get(entry.workload.name) or said.get(entry.workload.id, ""))
        for entry in policy.entries
    }


def graders_of(project: Project, policy: Policy) -> dict[str, dict[str, Any]]:
    """The table of each workload's grader, of those that have a route."""
    bars = {bar.workload: bar.grader for bar in project.bar}
    found = {}
    for entry in policy.entries:
        grader = bars.get(entry.workload.id) or bars.get(entry.workload.name)
        if grader is not None and has_route(entry):
            found[entry.workload.id] = msgspec.to_builtins(grader)
    return found


def graded_by_of(project: Project, policy: Policy) -> dict[str, str]:
    """By what the shadow calls of each routed workload are graded, in words; by workload id."""
    uses, graders = data_uses(project, policy), graders_of(project, policy)
    return {
        entry.workload.id: graded_by(graders.get(entry.workload.id))
        if uses[entry.workload.id] != "none"
        else "nothing: data_use of the workload is none, so no call is sent twice"
        for entry in policy.entries
        if has_route(entry)
    }


def without_files(graders: Mapping[str, Mapping[str, Any]], folder: Path) -> dict[str, str]:
    """Workloads whose grader cannot be made, with the file of its table that is missing: no answer could be graded."""
    found = {}
    for workload, table in graders.items():
        names = [str(table.get(field) or "") for field in _FILES if isinstance(table.get(field) or "", str)]
        gone = [name for name in names if name and name != INCUMBENT and not (folder / name).is_file()]
        if gone:
            found[workload] = gone[0]
    return found


def unshadowed(config: GatewayConfig, project: Project, policy: Policy, folder: Path) -> dict[str, str]:
    """Why no call of a routed workload is sent to its candidate as well, in words, by workload id; left out where some
    are, or where none is needed (`start = "at_once"`). A route with a reason here never leaves the shadow stage.

    `folder` is the project's. Raises UsageError on a `data_use` that is none.
    """
    settings = config.policy
    if settings.start == "at_once" or settings.observe:
        return {}
    uses, gone = data_uses(project, policy), without_files(graders_of(project, policy), folder)
    found = {}
    for entry in policy.entries:
        if has_route(entry):
            why = _why(config, uses[entry.workload.id], gone.get(entry.workload.id, ""))
            if why:
                found[entry.workload.id] = why
    return found


def _why(config: GatewayConfig, use: DataUse, gone: str) -> str:
    if not Decimal(config.shadow.usd_per_day):
        return "no shadow calls: [shadow] usd_per_day is 0"
    if use == "none":
        return "no shadow calls: no data_use in the workload's [[workload]] of baseload.toml"
    if gone:
        return f"no shadow calls: its grader's file {gone[:60]} is not beside baseload.toml"
    if not any(one.kind == "anthropic" for one in config.upstream):
        return "no shadow calls: no upstream is of kind anthropic"
    return ""
