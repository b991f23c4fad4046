"""From the [[bar]] of a file to the bar that is frozen and the grader that grades."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path

import pytest

from baseload.errors import UsageError
from baseload.project import parse_project
from baseload.project_bars import BarTable
from baseload.quality.graders.answers import Answer, Asked, ToolUse
from baseload.quality.graders.grader import Grader, PairGrader, graded
from baseload.quality.graders.judge import Prompt, Reply
from baseload.quality.graders.plugin import PluginGrader
from baseload.quality.trial.bars import (
    GraderFiles,
    approval_of,
    bar_of,
    files_of,
    grader_of,
    kind_of,
    known_id,
    needs_truths,
    tier_of,
    truth_of_incumbent,
    truths_of,
)
from baseload.usage.normal import call_id

ASKED = Asked(call_id="c")


def table(grader: str, bar: str = "") -> BarTable:
    [found] = parse_project(f'[[bar]]\nworkload = "w"\nbudget_usd = "25"\n{bar}\n[bar.grader]\n{grader}\n').bar
    return found


def files(**contents: str) -> GraderFiles:
    return GraderFiles(
        folder=Path(),
        contents={name.replace("_", "."): text.encode() for name, text in contents.items()},
        ask=lambda prompt: Reply(text='{"better": "tie"}'),
    )


def score(grader: Grader | PairGrader, text: str, reference: object) -> float:
    assert not isinstance(grader, PairGrader)
    return grader.grade(ASKED, Answer(text=text), reference).score


def test_labels_with_other_spellings_in_a_field_are_graded() -> None:
    spec = table(
        'kind = "label"\ntruth = "t.jsonl"\nlabels = ["refund", "other"]\nfield = "queue"\naliases = { rf = "refund" }'
    ).grader
    grader = grader_of(spec, files(t_jsonl=""))
    assert score(grader, '{"queue": "RF"}', "refund") == 1
    assert score(grader, '{"queue": "other"}', "refund") == 0
    assert grader.tier == "truth"


def test_a_utility_table_is_scaled_to_scores() -> None:
    spec = table('kind = "routing"\ntruth = "t.jsonl"\nutility = { a = { a = 4, b = 2 }, b = { b = 4, a = 0 } }').grader
    # from 0 to 4: a call of kind a in place b is worth 2, half a score
    assert score(grader_of(spec, files()), "b", "a") == 0.5


def test_fields_go_by_their_own_rules_and_a_schema_comes_first() -> None:
    spec = table(
        'kind = "extraction"\ntruth = "t.jsonl"\nschema = "s.json"\n[bar.grader.fields.total]\nkind = "number"\n'
        "tolerance = 0.5\n[bar.grader.fields.name]\ncritical = true"
    ).grader
    assert files_of(spec) == ("t.jsonl", "s.json")
    grader = grader_of(spec, files(s_json='{"required": ["total"]}'))
    right = {"total": 10, "name": "Ann"}
    assert score(grader, '{"total": "10.4", "name": "ann"}', right) == 1
    assert score(grader, '{"total": 10, "name": "Bob"}', right) == 0  # the critical field is wrong
    assert "breaks its schema" in graded_fault(grader, '{"name": "Ann"}')


def graded_fault(grader: Grader | PairGrader, text: str) -> str:
    assert not isinstance(grader, PairGrader)
    return graded(grader, ASKED, Answer(text=text), {"total": 10}).reason


def test_formats_queries_programs_calls_and_signals_are_graded() -> None:
    assert (
        score(grader_of(table('kind = "parsed"\ntruth = "t"\nlanguage = "json"').grader, files()), "[1 ]", "[1]") == 1
    )
    sql = table('kind = "sql"\ntruth = "t"\nfixture = "f.sql"\naccept_weaker = true').grader
    grader = grader_of(sql, files(f_sql="create table t (a int); insert into t values (1), (2);"))
    assert score(grader, "select a from t where a > 1", "select 2") == 1
    code = table('kind = "code"\ntruth = "t"\nscore = "share"\naccept_weaker = true').grader
    tests = ["assert f(1) == 2", "assert f(2) == 5"]
    assert score(grader_of(code, files()), "def f(x): return x + 1", tests) == 0.5
    signals = grader_of(table('kind = "signals"\nlongest = 2').grader, files())
    assert (score(signals, "one two", "one"), score(signals, "one two three", "one")) == (1, 0)


def test_tool_calls_are_graded_in_order_only_where_asked() -> None:
    calls = (ToolUse(name="b", input={}), ToolUse(name="a", input={}))
    right = [{"name": "a"}, {"name": "b"}]
    for order, worth in (("false", 1), ("true", 0)):
        grader = grader_of(table(f'kind = "tool_call"\ntruth = "t"\nin_order = {order}').grader, files())
        assert not isinstance(grader, PairGrader)
        assert grader.grade(ASKED, Answer(tool_calls=calls), right).score == worth


def test_a_judge_is_asked_the_question_of_the_file() -> None:
    seen: list[Prompt] = []

    def ask(prompt: Prompt) -> Reply:
        seen.append(prompt)
        return Reply(text='{"better": "tie"}')

    spec = table('kind = "judge"\nmodel = "claude-opus-5-5"\nquestion = "Which names the right clause?"').grader
    judge = grader_of(spec, GraderFiles(folder=Path(), ask=ask))
    assert isinstance(judge, PairGrader)
    assert judge.compare(ASKED, Answer(text="x"), Answer(text="y")).d == 0
    assert all(prompt.system.startswith("Which names the right clause?") for prompt in seen)
    with pytest.raises(UsageError, match="grader judge: model: there is nobody to ask claude-opus-5-5"):
        grader_of(spec, GraderFiles(folder=Path()))


def test_people_are_read_from_their_file() -> None:
    spec = table('kind = "human"\nlabels = "p.csv"\nusd_per_label = "1.50"').grader
    grader = grader_of(spec, files(p_csv="call,winner,by\nc,candidate,Ann\nc,tie,Bob\n"))
    assert isinstance(grader, PairGrader)
    found = grader.compare(ASKED, Answer(text="x"), Answer(text="y"))
    assert (found.d, found.usd) == (0.5, Decimal("3.00"))
    with pytest.raises(UsageError, match=r"grader human: labels: p\.csv has no label that counts"):
        grader_of(spec, files(p_csv="call,winner\n,candidate\n"))


def test_a_plug_in_is_imported_from_the_project_folder(tmp_path: Path) -> None:
    (tmp_path / "ours_graders.py").write_text("def score(call, output, reference):\n    return 0.25\n")
    spec = table('kind = "plugin"\nfunction = "ours_graders:score"\ntier = "adjudicated"\nversion = "3"').grader
    grader = grader_of(spec, GraderFiles(folder=tmp_path))
    assert isinstance(grader, PluginGrader)
    with grader:
        assert (score(grader, "x", None), grader.tier, grader.version) == (0.25, "adjudicated", "3")


@pytest.mark.parametrize(
    ("grader", "answer", "truth"),
    [
        ('kind = "label"', Answer(text="**Refund**."), "refund"),
        ('kind = "extraction"', Answer(text='```json\n{"a": 1}\n```'), {"a": 1}),
        ('kind = "parsed"\nlanguage = "text"', Answer(text=" as it is "), " as it is "),
        ('kind = "sql"\nfixture = "f.sql"', Answer(text="```sql\nselect 1\n```"), "select 1"),
        ('kind = "tool_call"', Answer(tool_calls=(ToolUse(name="a", input=1),)), [{"name": "a", "input": 1}]),
    ],
)  # fmt: skip
def test_the_incumbents_answer_as_truth_makes_every_grader_a_screen(grader: str, answer: Answer, truth: object) -> None:
    spec = table(f'{grader}\ntruth = "incumbent"').grader
    assert truth_of_incumbent(spec, answer) == truth
    made = grader_of(spec, files(f_sql="select 1;"))
    assert (tier_of(spec), made.tier) == ("same_as_incumbent", "same_as_incumbent")
    assert not needs_truths(spec)
    assert truths_of(spec, files()) == ({}, [])


def test_truths_are_found_by_either_id_and_a_row_that_is_none_is_said() -> None:
    ours = "0123456789abcdef0123456789abcdef"
    rows = [
        json.dumps({"call": "msg_1", "truth": "a"}),
        json.dumps({"call": ours, "truth": {"b": 1}}),
        "",
        "{torn",
        json.dumps({"call": 5, "truth": "a"}),
        json.dumps({"call": "msg_1"}),
        json.dumps({"call": "msg_2", "truth": "a"}),
        json.dumps({"call": "msg_2", "truth": "b"}),  # nobody knows which: neither counts
        json.dumps({"call": "msg_1", "truth": "a"}),  # the same again is no contradiction
    ]
    spec = table('kind = "label"\ntruth = "t.jsonl"').grader
    found, problems = truths_of(spec, files(t_jsonl="\n".join(rows)))
    assert found == {call_id(message_id="msg_1"): "a", ours: {"b": 1}}
    assert [(one.row, one.code) for one in problems] == [
        (4, "bad-truth"), (5, "bad-truth"), (6, "bad-truth"), (8, "truth-twice"),
    ]  # fmt: skip
    assert needs_truths(spec)
    assert known_id(ours) == ours != known_id(ours.upper())


def test_the_bar_is_what_the_table_says_for_the_workloads_id() -> None:
    found = bar_of(
        table(
            'kind = "label"\ntruth = "t.jsonl"',
            'margin = 0.03\ncritical = true\nguards = ["4k|qa|tools|end_turn"]\nmost_calls = 900\n'
            'cost_per_error_usd = "0.40"\ntier_required = "truth"\nexpires_days = 30',
        ),
        "w-0123456789ab",
        files(t_jsonl=""),
    )
    assert (found.workload, found.points, found.level, found.critical) == ("w-0123456789ab", 0.03, 0.025, True)
    assert (found.budget_usd, found.cost_per_error_usd, found.most_calls) == (Decimal(25), Decimal("0.40"), 900)
    assert (found.guards, found.tier_required, found.expires_days) == (("4k|qa|tools|end_turn",), "truth", 30)
    assert found.grader.startswith("label ")


def test_another_table_or_another_file_of_truths_is_another_bar() -> None:
    one = table('kind = "label"\ntruth = "t.jsonl"')
    other = table('kind = "label"\ntruth = "t.jsonl"\nlabels = ["a"]')
    hashes = {
        bar_of(one, "w", files(t_jsonl="")).sha256,
        bar_of(one, "w", files(t_jsonl="\n")).sha256,
        bar_of(other, "w", files(t_jsonl="")).sha256,
        bar_of(one, "w2", files(t_jsonl="")).sha256,
    }
    assert len(hashes) == 4
    assert bar_of(one, "w", files(t_jsonl="")).sha256 in hashes  # the same again is the same bar


def test_what_people_label_after_the_replay_changes_no_bar() -> None:
    human = table('kind = "human"\nlabels = "p.csv"')
    assert bar_of(human, "w", files(p_csv="a")) == bar_of(human, "w", files(p_csv="b")) == bar_of(human, "w", files())


def test_points_of_macro_recall_become_points_of_the_mean_score() -> None:
    # 3 ham and 1 spam: weights 4 / (2 x 3) = 2/3 and 4 / (2 x 1) = 2; two points of recall are 0.02 / 2 of the score
    rows = "\n".join(json.dumps({"call": f"msg_{n}", "truth": "spam" if n == 0 else "ham"}) for n in range(4))
    spec = table('kind = "label"\ntruth = "t.jsonl"\nmacro_recall = true')
    assert bar_of(spec, "w", files(t_jsonl=rows)).points == pytest.approx(0.01)
    grader = grader_of(spec.grader, files(t_jsonl=rows))
    assert (score(grader, "spam", "spam"), score(grader, "ham", "ham")) == (1, pytest.approx(1 / 3))
    with pytest.raises(UsageError, match=r"macro_recall: t\.jsonl has no label"):
        bar_of(spec, "w", files(t_jsonl=""))


@pytest.mark.parametrize(
    ("grader", "contents", "said"),
    [
        ('kind = "extraction"\ntruth = "t"\nschema = "s.json"', {"s_json": "[]"}, "schema: s.json is no JSON object"),
        ('kind = "extraction"\ntruth = "t"\nschema = "s.json"', {"s_json": '{"type": 5}'}, "not valid JSON Schema"),
        ('kind = "extraction"\ntruth = "t"\nschema = "s.json"', {}, "schema: s.json was not read"),
        ('kind = "routing"\ntruth = "t"\nutility = { a = { a = 1 } }', {}, "at least two different"),
        ('kind = "label"\ntruth = "t"\nlabels = ["a", "A"]', {}, "two labels of the set differ in case"),
        ('kind = "label"\ntruth = "incumbent"\nmacro_recall = true', {}, "macro_recall: expected a file of truths"),
        ('kind = "plugin"\nfunction = "no_such_module_here:score"', {}, "cannot be loaded"),
    ],
)
def test_a_grader_that_cannot_be_made_names_the_field(grader: str, contents: dict[str, str], said: str) -> None:
    spec = table(grader).grader
    with pytest.raises(UsageError, match=said) as raised:
        grader_of(spec, files(**contents))
    assert str(raised.value).startswith(f"grader {kind_of(spec)}: ")


def test_an_approval_is_a_name_and_a_day() -> None:
    signed = table('kind = "signals"', 'approved_by = "Ann"\napproved_on = 2026-11-20\ncomment = "fine"')
    assert approval_of(signed) == ("Ann", dt.date(2026, 11, 20), "fine")
    assert approval_of(table('kind = "signals"')) is None


def test_a_fixture_that_is_no_text_is_refused() -> None:
    spec = table('kind = "sql"\ntruth = "t"\nfixture = "f.sql"').grader
    with pytest.raises(UsageError, match=r"grader sql: fixture: f\.sql is not UTF-8"):
        grader_of(spec, GraderFiles(folder=Path(), contents={"f.sql": b"\xff"}))
