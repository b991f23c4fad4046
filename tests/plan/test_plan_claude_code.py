"""The managed-settings fragment of Claude Code."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from planned_cases import HAIKU, OPUS, plan, usd, workload

from baseload.levers.options import Fix, Menu, RouteOption
from baseload.plan.choice import Choice
from baseload.plan.claude_code import coding_agents, settings_fragment
from baseload.plan.planned import Planned
from baseload.values import Table

TODAY = RouteOption(model=OPUS, effort="high", today=True)


def agent(
    name: str,
    *,
    kind: str = "claude_code",
    model: str = HAIKU,
    effort: str = "low",
    billed: int = 1_000,
    verdict: Any = "holds",
) -> Planned:
    routes = (TODAY, RouteOption(model=model, effort=effort, verdict=verdict))
    return plan(
        ("route", usd(1, 2, 3), "replayed"),
        choice=Choice(route=1),
        options=Menu(workload=name, routes=routes),
        of=workload(name),
        billed=billed,
        coding_agent=kind,
    )


def test_model_effort_and_sub_agents_have_their_keys() -> None:
    found = settings_fragment([agent("main"), agent("sub", kind="claude_code_subagent", effort="")])
    assert json.loads(found.json()) == {
        "model": HAIKU,
        "modelSettings": {HAIKU: {"effortLevel": "low"}},
        "env": {"CLAUDE_CODE_SUBAGENT_MODEL": HAIKU},
    }
    assert any("every sub-agent" in note for note in found.notes)


def test_an_effort_alone_does_not_set_the_model() -> None:
    found = settings_fragment([agent("main", model=OPUS, effort="medium")])
    assert found.settings == {"modelSettings": {OPUS: {"effortLevel": "medium"}}}


def test_an_effort_that_cannot_be_saved_is_said_and_not_written() -> None:
    found = settings_fragment([agent("main", effort="max")])
    assert found.settings == {"model": HAIKU}
    assert "Effort max cannot be saved in settings: people choose it in each session." in found.notes


def test_the_larger_workload_decides_and_the_other_is_named() -> None:
    found = settings_fragment([agent("small", billed=10), agent("large", model="claude-sonnet-5-5", billed=20)])
    assert found.settings["model"] == "claude-sonnet-5-5"
    assert any(note.startswith("small was planned on claude-haiku-5-5") for note in found.notes)


def test_an_untested_move_says_so() -> None:
    assert "not tested" in settings_fragment([agent("main", verdict="assumed")]).notes[0]


def test_fast_mode_is_switched_off_where_the_plan_fixes_it() -> None:
    one = plan(
        ("fix", usd(1, 1, 1), "measured"), choice=Choice(fixes=(0,)), coding_agent="claude_code",
        options=Menu(workload="m", routes=(TODAY,), fixes=(Fix(kind="speed"),)),
    )  # fmt: skip
    assert settings_fragment([one]).settings == {"fastMode": False}


def test_without_claude_code_there_is_nothing_to_set() -> None:
    found = settings_fragment([agent("api", kind="")])
    assert (found.settings, found.notes) == ({}, ())


def test_a_workload_is_claude_code_when_all_its_calls_are() -> None:
    rows = (
        ("s0", "claude_code", "claude-code"), ("s1", "claude_code", "claude-code-subagent"), ("s2", "messages", "bot"),
        ("s3", "claude_code", "claude-code"), ("s4", "claude_code", "claude-code-subagent"),
    )  # fmt: skip
    table: Table = {
        name: np.array([*(row[index] for row in rows), None], dtype=object)[:-1]
        for index, name in enumerate(("signature", "source", "agent"))
    }
    owners = {"s0": "main", "s1": "sub", "s2": "mixed", "s3": "mixed", "s4": "main"}
    found = coding_agents(table, {signature: workload(name) for signature, name in owners.items()})
    assert found == {"w-main": "claude_code", "w-sub": "claude_code_subagent"}
