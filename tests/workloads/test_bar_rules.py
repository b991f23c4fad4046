"""Which workload a [[bar]] binds to, what is said of one that binds to none, and the levels of `data_use`."""

from __future__ import annotations

import pytest

from baseload.project import WorkloadRule
from baseload.project_bars import BarTable, SignalsTable
from baseload.values import Workload
from baseload.workloads.rules import bar_of_workload, bar_problems, rule_problems


def bar(workload: str, budget: str = "25") -> BarTable:
    return BarTable(workload=workload, grader=SignalsTable(), budget_usd=budget)


def workload(id_: str, name: str) -> Workload:
    return Workload(id=id_, name=name, stage="rule", why="")


HERE = [workload("w-1", "Triage"), workload("w-2", "Search"), workload("w-3", "Search")]


def test_an_id_comes_before_a_name_and_the_first_of_several_counts() -> None:
    bars = [bar("Triage", "1"), bar("w-1", "2"), bar("w-1", "3")]
    found = bar_of_workload("w-1", "Triage", bars)
    assert found is not None
    assert found.budget_usd == "2"
    assert bar_of_workload("w-9", "triage", bars) is None  # names are as `rank` shows them


@pytest.mark.parametrize(
    ("bars", "codes"),
    [
        ([bar("Triage"), bar("w-2")], []),
        ([bar("Nobody")], [(1, "bar-unmet")]),
        ([bar("w-1"), bar("Search")], [(2, "bar-ambiguous")]),
        ([bar("w-1"), bar("Triage")], [(2, "bar-twice")]),
        ([bar("w-2"), bar("w-2"), bar("w-7")], [(2, "bar-twice"), (3, "bar-unmet")]),
    ],
)
def test_a_bar_that_cannot_be_used_as_it_stands_is_one_problem(
    bars: list[BarTable], codes: list[tuple[int, str]]
) -> None:
    found = bar_problems(bars, HERE)
    assert [(problem.row, problem.code) for problem in found] == codes
    assert all(problem.next_step and problem.value for problem in found)


@pytest.mark.parametrize("said", ["", "none", "no", "yes", "same_platform", "batch_allowed"])
def test_every_level_of_data_use_is_one_and_so_are_the_older_words(said: str) -> None:
    assert rule_problems([WorkloadRule(name="x", api_key="k", data_use=said)]) == []


def test_another_word_for_it_is_a_problem_that_lists_the_levels() -> None:
    [problem] = rule_problems([WorkloadRule(name="x", api_key="k", data_use="batch")])
    assert (problem.code, problem.value) == ("workload-rule-value", "batch")
    assert problem.expected == "none, same_platform or batch_allowed"
