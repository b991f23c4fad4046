"""The text of baseload.toml: what it says is read back, what is missing stands as a question."""

from __future__ import annotations

import datetime as dt
import re
import zlib
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from workload_tables import USD

from baseload.project import Invoice, OwnerRule, Project, WorkloadRule, parse_project
from baseload.project_bars import (
    BarTable,
    CodeTable,
    ExtractionTable,
    FieldTable,
    GraderTable,
    HumanTable,
    JudgeTable,
    LabelTable,
    ParsedTable,
    PluginTable,
    RoutingTable,
    SignalsTable,
    SqlTable,
    ToolCallTable,
    VaultSettings,
)
from baseload.workloads.decisions import Subject, Usage
from baseload.workloads.init_file import covered, render_project
from baseload.workloads.key import UNATTRIBUTED


def subject(label: str, usd: int, **more: object) -> Subject:
    digits = f"w-{zlib.crc32(label.encode()):012x}"
    return Subject(**({"id": digits, "name": label, "stage": "owner", "list_nano": usd * USD, "share": 0.1} | more))  # type: ignore[arg-type]


def usage(*subjects: Subject, **more: object) -> Usage:
    return Usage(subjects=subjects, list_nano=sum(one.list_nano for one in subjects), **more)  # type: ignore[arg-type]


FOUR = usage(subject("a", 50, owner="Ann"), subject("b", 25), subject("c", 15), subject("d", 10))


def test_workloads_that_hold_80_percent_get_a_table_and_the_rest_do_not() -> None:
    # 50 + 25 = 75 of 100 is short of 80; with 15 it is 90
    assert [one.name for one in covered(FOUR)] == ["a", "b", "c"]
    rules = parse_project(render_project(Project(), FOUR)).workload
    assert [(rule.name, rule.id) for rule in rules] == [(one.name, one.id) for one in FOUR.subjects[:3]]


def test_a_workload_that_brings_it_to_exactly_80_percent_is_the_last() -> None:
    assert [one.name for one in covered(usage(subject("a", 50), subject("b", 30), subject("c", 20)))] == ["a", "b"]


def test_unattributed_spend_gets_no_table_but_is_listed_as_unowned() -> None:
    rest = Subject(id=UNATTRIBUTED.id, name="unattributed", stage="unattributed", list_nano=60 * USD, share=0.6)
    text = render_project(Project(), usage(rest, subject("a", 40, owner="Ann")))
    assert [rule.name for rule in parse_project(text).workload] == ["a"]
    assert "# Nobody owns $60.00 of $100.00:" in text
    assert re.search(r"#\s+\$60\.00\s+unattributed", text)


def test_the_questions_stand_as_comments_and_an_answered_one_is_not_asked() -> None:
    text = render_project(Project(), usage(subject("a", 1, owner="Ann", latency="interactive")))
    table = text[text.index("[[workload]]") :]
    assert "# [[bar]]" in table
    assert '# data_use = "same_platform"' in table
    assert "# deadline" not in table
    assert "# its owner by the rules above: Ann" in table


def test_what_is_settled_is_kept_and_rules_keep_their_order() -> None:
    project = Project(
        name="Larkfield",
        account="main",
        price_overlay="p.yaml",
        owner_csv="o.csv",
        model_alias={"arn:aws:x": "claude-opus-5-5"},
        invoice=(Invoice(month="2026-10", amount="12.50", tax="2", channel="aws", currency="EUR"),),
        owner=(OwnerRule(owner="Ann", tag={"team": "search"}), OwnerRule(owner="Bob", api_key="k*")),
        workload=(
            WorkloadRule(name="rare", api_key="rare-*", tag={"app": 'p"q'}),
            WorkloadRule(name="a", source="messages", deadline="4h", bar="98 % agree", data_use="yes"),
        ),
    )
    found = parse_project(render_project(project, FOUR))
    assert found.workload[:2] == project.workload
    assert [rule.name for rule in found.workload[2:]] == ["b", "c"]
    assert replace(found, workload=project.workload) == project


def test_a_bar_to_fill_in_is_one_once_its_marks_are_gone() -> None:
    graders = {"classification": "label", "routing": "label", "extraction": "extraction", "formatting": "parsed",
               "codegen": "code", "agentic": "tool_call", "summarisation": "judge"}  # fmt: skip
    for task, kind in graders.items():
        text = render_project(Project(), usage(subject("a", 1, task=task)))
        commented = text[text.index("# [[bar]]") :]
        [bar] = parse_project(re.sub(r"^# ", "", commented, flags=re.MULTILINE)).bar
        assert bar.workload == subject("a", 1).id
        assert bar.grader.__struct_config__.tag == kind


def test_a_workload_that_has_its_bar_is_not_asked_for_one() -> None:
    bar = BarTable(workload="a", grader=SignalsTable(longest=2.5), budget_usd="25")
    text = render_project(Project(bar=(bar,)), usage(subject("a", 1)))
    assert "# [[bar]]" not in text
    assert parse_project(text).bar == (bar,)


def test_every_setting_of_the_page_survives(root: Path) -> None:
    page = (root / "docs" / "reference" / "project.md").read_text(encoding="utf-8")
    example = re.findall(r"```toml\n(.*?)```", page.partition("## A complete example")[2], re.DOTALL)[0]
    project = replace(parse_project(example), zero_data_retention=True, key_name={"key 1": 'a "name"'})
    found = parse_project(render_project(project, FOUR))
    assert replace(found, workload=project.workload) == project
    assert found.workload[: len(project.workload)] == project.workload


def test_every_kind_of_grader_survives() -> None:
    fields = {"lines.price": FieldTable(kind="number", tolerance=0.01), "name": FieldTable(critical=True)}
    graders: tuple[GraderTable, ...] = (
        LabelTable(truth="t", labels=("a", 'b"'), aliases={"x y": "a"}, macro_recall=True),
        RoutingTable(truth="t", utility={"a b": {"a": 1.0, "b": -0.5}}),
        ExtractionTable(truth="t", schema="s", score="all", fields=fields),
        ParsedTable(truth="incumbent", language="xml"),
        SqlTable(truth="t", fixture="f", seconds=2.5, memory_mb=64, accept_weaker=True),
        CodeTable(truth="t", score="share"),
        ToolCallTable(truth="t", in_order=True),
        SignalsTable(shortest=0.5),
        JudgeTable(model="m", question="Which?\nSay."),
        HumanTable(labels="l", usd_per_label="1.50"),
        PluginTable(function="a.b:c", tier="adjudicated"),
    )
    bars = tuple(
        BarTable(
            workload=f"w{place}", grader=grader, budget_usd="1", margin=0.015, critical=True, guards=("4k|qa",),
            most_calls=900, cost_per_error_usd="0.5", approved_by="Ann", approved_on=dt.date(2026, 11, 20),
        )
        for place, grader in enumerate(graders)
    )  # fmt: skip
    project = Project(bar=bars, vault=VaultSettings(path="v", max_days=7))
    found = parse_project(render_project(project, usage()))
    assert (found.bar, found.vault) == (bars, project.vault)


def test_writing_it_again_adds_nothing() -> None:
    once = parse_project(render_project(Project(), FOUR))
    assert parse_project(render_project(once, FOUR)) == once


def test_unknown_models_and_missing_invoices_are_prepared_as_comments() -> None:
    text = render_project(Project(), usage(subject("a", 1), unknown_models=("arn:x",), months={"2026-10": 7 * USD}))
    assert '# "arn:x" = "claude-…"' in text
    assert '# month = "2026-10"' in text
    assert "$7.00" in text
    assert parse_project(text).invoice == ()


def test_an_empty_ledger_still_gives_a_file_to_fill_in() -> None:
    assert parse_project(render_project(Project(), usage())) == Project()


names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)


@settings(max_examples=80, deadline=None)
@given(names, names, names, st.dictionaries(names, names, max_size=3))
def test_no_name_breaks_out_of_its_quotes_or_its_comment(name: str, owner: str, raw: str, tags: dict[str, str]) -> None:
    project = Project(name=name, workload=(WorkloadRule(name=name, tag=tags, owner=owner),), model_alias={raw: name})
    shown = usage(
        subject("one", 9, name=name + "x", owner=owner, latency_evidence=raw), subject("two", 1, name=raw),
        unknown_models=(owner,), months={"2026-10": USD},
    )  # fmt: skip
    found = parse_project(render_project(project, shown))
    assert (found.name, found.workload[0], found.model_alias) == (name, project.workload[0], project.model_alias)
    assert {rule.name for rule in found.workload} <= {name, name + "x", raw}
