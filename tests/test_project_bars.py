"""`[[bar]]` and `[vault]` of baseload.toml: every kind of grader is read, and what does not belong is named."""

from __future__ import annotations

import datetime as dt

import pytest

from baseload.errors import ProjectError
from baseload.project import parse_project
from baseload.project_bars import (
    GRADER_TABLES,
    BarTable,
    CodeTable,
    ExtractionTable,
    FieldTable,
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

HEAD = '[[bar]]\nworkload = "Triage"\nbudget_usd = "25"\n'
KINDS = {
    LabelTable: 'truth = "t.jsonl"\nlabels = ["a", "b"]\nfield = "queue"\naliases = { A = "a" }',
    RoutingTable: 'truth = "t.jsonl"\nutility = { a = { a = 1, b = 0.5 } }',
    ExtractionTable: 'truth = "t.jsonl"\nschema = "s.json"\nscore = "all"',
    ParsedTable: 'truth = "incumbent"\nlanguage = "xml"',
    SqlTable: 'truth = "t.jsonl"\nfixture = "f.sql"\nseconds = 2.5',
    CodeTable: 'truth = "t.jsonl"\nscore = "share"\naccept_weaker = true',
    ToolCallTable: 'truth = "incumbent"\nin_order = true',
    SignalsTable: "shortest = 0.5\nlongest = 2",
    JudgeTable: 'model = "claude-opus-5-5"\nquestion = "Which is right?"',
    HumanTable: 'labels = "people.csv"\nusd_per_label = "1.50"',
    PluginTable: 'function = "my_graders:score"\ntier = "adjudicated"',
}


def bar(text: str) -> BarTable:
    [found] = parse_project(text).bar
    return found


@pytest.mark.parametrize("table", GRADER_TABLES)
def test_every_kind_of_grader_is_read(table: type) -> None:
    kind = table.__struct_config__.tag  # type: ignore[attr-defined]
    found = bar(f'{HEAD}[bar.grader]\nkind = "{kind}"\n{KINDS[table]}\n')
    assert isinstance(found.grader, table)


def test_a_bar_says_what_is_left_to_the_defaults() -> None:
    found = bar(f'{HEAD}[bar.grader]\nkind = "signals"\n')
    assert (found.margin, found.alpha, found.power, found.critical, found.expires_days) == (None, None, 0.9, False, 90)
    assert (found.tier_required, found.not_replayable_most, found.redact) == ("same_as_incumbent", 0.05, False)
    assert (found.approved_by, found.approved_on, found.cost_per_error_usd) == ("", None, "")


def test_a_field_of_a_record_has_its_own_rule_and_an_approval_its_day() -> None:
    found = bar(
        HEAD + 'approved_by = "Ann"\napproved_on = 2026-11-20\n[bar.grader]\nkind = "extraction"\ntruth = "t"\n'
        '[bar.grader.fields."lines.price"]\nkind = "number"\ntolerance = 0.01\ncritical = true\n'
    )
    assert isinstance(found.grader, ExtractionTable)
    assert found.grader.fields == {"lines.price": FieldTable(kind="number", tolerance=0.01, critical=True)}
    assert found.approved_on == dt.date(2026, 11, 20)


def test_several_bars_stay_in_their_order() -> None:
    one = '[bar.grader]\nkind = "signals"\n'
    assert [one.workload for one in parse_project(HEAD + one + HEAD.replace("Triage", "Other") + one).bar] == [
        "Triage", "Other",
    ]  # fmt: skip


def test_a_vault_has_the_defaults_of_the_page() -> None:
    assert parse_project("").vault == VaultSettings(path="", max_days=30, max_mb=1024, key_file="")
    assert parse_project("[vault]\nmax_days = 7\nmax_mb = 10").vault == VaultSettings(max_days=7, max_mb=10)


SIGNALS = '[bar.grader]\nkind = "signals"\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEAD, r"missing required field `grader` - at `\$\.bar\[0\]`"),
        (HEAD.replace('budget_usd = "25"\n', "") + SIGNALS, r"missing required field `budget_usd`"),
        (HEAD.replace('"25"', "25") + SIGNALS, r"Expected `str`, got `int` - at `\$\.bar\[0\]\.budget_usd`"),
        (HEAD.replace('"25"', '"-1"') + SIGNALS, r"budget_usd is .-1.; expected dollars above 0 as"),
        (HEAD.replace('"25"', '"0.00"') + SIGNALS, r"budget_usd is .0\.00.; expected dollars above 0 as"),
        (HEAD + "margin = 1.0\n" + SIGNALS, r"< 1\.0 - at `\$\.bar\[0\]\.margin`"),
        (HEAD + "margin = 0\n" + SIGNALS, r"> 0\.0 - at `\$\.bar\[0\]\.margin`"),
        (HEAD + "expires_days = 0\n" + SIGNALS, r">= 1 - at `\$\.bar\[0\]\.expires_days`"),
        (HEAD + 'tier_required = "best"\n' + SIGNALS, r"[Ii]nvalid enum value .best."),
        (HEAD + 'cost_per_error_usd = "NaN"\n' + SIGNALS, r"cost_per_error_usd is .NaN.; expected dollars 0 or more"),
        (HEAD + 'approved_by = "Ann"\n' + SIGNALS, r"approved_by and approved_on: expected both"),
        (HEAD + 'grade = "x"\n' + SIGNALS, r"unknown field `grade`"),
        (HEAD + '[bar.grader]\ntruth = "t"', r"missing required field `kind` - at `\$\.bar\[0\]\.grader`"),
        (HEAD + '[bar.grader]\nkind = "labels"', r"[Ii]nvalid value .labels. - at `\$\.bar\[0\]\.grader\.kind`"),
        (HEAD + '[bar.grader]\nkind = "label"', r"missing required field `truth` - at `\$\.bar\[0\]\.grader`"),
        (HEAD + '[bar.grader]\nkind = "label"\ntruth = ""', r"length >= 1 - at `\$\.bar\[0\]\.grader\.truth`"),
        (HEAD + '[bar.grader]\nkind = "label"\ntruth = "t"\nschema = "s"', r"unknown field `schema`"),
        (HEAD + '[bar.grader]\nkind = "code"\ntruth = "incumbent"', r"truth is .incumbent.; expected a file of tests"),
        (HEAD + '[bar.grader]\nkind = "plugin"\nfunction = "score"', r"at `\$\.bar\[0\]\.grader\.function`"),
        (HEAD + '[bar.grader]\nkind = "human"\nlabels = "l"\nusd_per_label = "much"', r"usd_per_label is .much."),
        ("[vault]\nmax_days = 0", r">= 1 - at `\$\.vault\.max_days`"),
        ("[vault]\nmax_gb = 1", r"unknown field `max_gb`"),
    ],
)  # fmt: skip
def test_what_does_not_belong_is_named_with_its_place(text: str, said: str) -> None:
    with pytest.raises(ProjectError, match=said):
        parse_project(text + "\n")
