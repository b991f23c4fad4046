"""Labels, utilities, fields and formats: worked by hand."""

from __future__ import annotations

import itertools
import warnings
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baseload.errors import UsageError
from baseload.quality.graders.answers import Answer, Asked, Unparsable
from baseload.quality.graders.extraction import ExtractionGrader
from baseload.quality.graders.fields import FieldRule, compare, same_leaf
from baseload.quality.graders.grader import Grade, graded
from baseload.quality.graders.label import LabelGrader, Labels, UtilityGrader, macro_f1, recall_weights
from baseload.quality.graders.matching import best_total
from baseload.quality.graders.normal import label
from baseload.quality.graders.parsed import Language, ParsedGrader
from baseload.quality.graders.schema import Schema

ASKED = Asked(call_id="c")


def score(grader: Any, text: str, reference: Any) -> float:
    found: Grade = graded(grader, ASKED, Answer(text=text), reference)
    assert not found.fault
    return found.score


# labels


@pytest.mark.parametrize(
    "text",
    ["Card_Payment", '"card payment"', "**Card-payment**.", "```\ncard payment\n```", '{"label": "CARD payment"}'],
)
def test_a_label_is_read_however_it_is_dressed(text: str) -> None:
    assert score(LabelGrader(labels=Labels(known=("card payment", "refund"))), text, "card payment") == 1


@pytest.mark.parametrize(
    "text", ["refund", "the label is card payment", "", "card payment, refund", '{"x": "card payment"}']
)
def test_another_label_or_none_of_the_set_scores_zero(text: str) -> None:
    assert score(LabelGrader(labels=Labels(known=("card payment", "refund"))), text, "card payment") == 0


def test_labels_that_are_signs_stay_apart() -> None:
    assert label("-1") != label("1")
    assert label("+") != label("-")
    with pytest.raises(UsageError, match="apart"):
        Labels(known=("card payment", "card-payment"))


def test_aliases_and_a_field_of_the_object() -> None:
    grader = LabelGrader(labels=Labels(known=("refund",), aliases={"money back": "refund"}, field="intent"))
    assert score(grader, '{"intent": "Money back", "label": "x"}', "refund") == 1


def test_weighted_scores_have_macro_recall_for_their_mean() -> None:
    # truths: 1 spam (right), 3 ham (2 right): macro recall = (1/1 + 2/3) / 2 = 5/6
    truths = ["spam", "ham", "ham", "ham"]
    grader = LabelGrader(weights=recall_weights(truths))
    scores = [score(grader, said, truth) for said, truth in zip(["spam", "ham", "ham", "spam"], truths, strict=True)]
    assert grader.scale == 2
    assert sum(scores) / 4 * grader.scale == pytest.approx(5 / 6)
    # F1: spam 2*1/(1+2) = 2/3, ham 2*2/(3+2) = 4/5
    pairs = list(zip(truths, ["spam", "ham", "ham", "spam"], strict=True))
    assert macro_f1(pairs) == pytest.approx((2 / 3 + 4 / 5) / 2)


def test_a_label_grader_without_truth_is_set_up_wrongly() -> None:
    with pytest.raises(UsageError):
        score(LabelGrader(), "x", None)
    with pytest.raises(UsageError, match="weight"):
        score(LabelGrader(weights={"a": 1.0}), "b", "b")


def test_a_utility_table_is_scaled_from_its_least_to_its_most() -> None:
    # utilities from -2 to 2: right = (2+2)/4 = 1, to the team next door = (1+2)/4, to the wrong one = 0
    grader = UtilityGrader(table={"billing": {"billing": 2, "support": 1, "legal": -2}, "legal": {"legal": 2}})
    assert [score(grader, text, "billing") for text in ("billing", "support", "legal", "sales")] == [1, 0.75, 0, 0]
    assert (grader.scale, grader.least) == (4, -2)
    with pytest.raises(UsageError, match="row"):
        score(grader, "billing", "sales")
    with pytest.raises(UsageError, match="different"):
        UtilityGrader(table={"a": {"a": 1}})


# fields


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 4).flatmap(lambda rows: st.integers(1, 5).flatmap(lambda columns: st.lists(
    st.lists(st.integers(0, 9), min_size=columns, max_size=columns), min_size=rows, max_size=rows))))  # fmt: skip
def test_the_best_matching_is_that_of_trying_all(gains: list[list[int]]) -> None:
    rows, columns = len(gains), len(gains[0])
    wide = gains if rows <= columns else [list(column) for column in zip(*gains, strict=True)]
    every = itertools.permutations(range(max(rows, columns)), len(wide))
    assert best_total(gains) == max(sum(wide[row][column] for row, column in enumerate(way)) for way in every)


@pytest.mark.parametrize(
    ("expected", "found", "rule", "same"),
    [
        (None, None, {}, True),
        (None, "", {}, False),
        (0, False, {}, False),
        (1, True, {}, False),
        (1, 1.0, {}, True),
        (5, "5", {}, False),
        (1234.5, "1,234.50", {"kind": "number"}, True),
        (100, 100.9, {"tolerance": 1}, True),
        (100, 101.1, {"tolerance": 1}, False),
        (100, 102, {"relative": 0.02}, True),
        (100, 102.1, {"relative": 0.02}, False),
        (0.1, 0.1 + 1e-12, {}, False),
        (1, float("nan"), {"tolerance": 9}, False),
        ("2026-11-22", "20261122", {}, True),
        ("2026-11-22T10:00:00Z", "2026-11-22T11:00:00+01:00", {}, True),
        ("2026-11-22", "22.11.2026", {}, False),
        ("ACME  GmbH", "acme gmbh", {}, True),
        ("ACME GmbH", "ACME Gmb", {}, False),
        ("ACME GmbH", "ACME Gmb", {"similarity": 0.9}, True),
        ("ACME GmbH", "acme gmbh", {"kind": "exact"}, True),  # a leaf's own rule; exactness is judged one level up
        ([], None, {}, False),
        ([], [], {}, True),
        ("a", ["a"], {}, False),
    ],
)
def test_leaves_are_compared_by_their_rule(expected: Any, found: Any, rule: dict[str, Any], same: bool) -> None:
    assert same_leaf(expected, found, FieldRule(**rule)) == same


def test_field_f1_by_hand() -> None:
    # expected 5 leaves (name, total, three tags), found 5 (name, total, two tags, extra); right: name + two tags = 3
    expected = {"name": "Ada", "total": 10, "tags": ["a", "b", "c"]}
    found = {"name": "ada", "total": 11, "tags": ["c", "a"], "extra": None}
    score = compare(expected, found)
    assert (score.right, score.expected, score.found) == (3, 5, 5)
    assert score.f1 == pytest.approx(6 / 10)


def test_null_is_not_missing() -> None:
    assert compare({"a": None}, {"a": None}).f1 == 1
    assert compare({"a": 1, "b": None}, {"a": 1}).f1 == pytest.approx(2 / 3)
    assert compare({"a": 1}, {"a": 1, "b": None}).f1 == pytest.approx(2 / 3)


def test_lists_are_sets_of_records_matched_as_well_as_can_be() -> None:
    # best: first expected with second found (2 of 2), second with first (1 of 2)
    expected = [{"sku": "a", "n": 1}, {"sku": "b", "n": 2}]
    found = [{"sku": "b", "n": 9}, {"sku": "a", "n": 1}]
    assert compare(expected, found).right == 3
    assert compare(expected, found, {"": FieldRule(kind="ordered")}).right == 0
    assert compare([1, 1, 2], [1, 2, 2]).right == 2


def test_rules_reach_down_and_the_longer_path_wins() -> None:
    rules = {"lines": FieldRule(tolerance=1), "lines.n": FieldRule()}
    assert compare({"lines": [{"p": 10, "n": 1}]}, {"lines": [{"p": 10.5, "n": 1.5}]}, rules).right == 1


def test_a_critical_field_that_is_wrong_or_invented_scores_zero() -> None:
    grader = ExtractionGrader(rules={"iban": FieldRule(critical=True)})
    assert score(grader, '{"iban": "A", "x": 2}', {"iban": "A", "x": 1}) == 0.5
    assert score(grader, '{"iban": "B", "x": 1}', {"iban": "A", "x": 1}) == 0
    assert score(grader, '{"iban": "A", "x": 1}', {"x": 1}) == 0
    assert score(grader, '{"x": 1}', {"x": 1}) == 1


def test_all_or_nothing_and_equal_records() -> None:
    grader = ExtractionGrader(score="all")
    assert [score(grader, text, {"a": 1}) for text in ('{"a": 1}', '{"a": 1, "b": 2}', '{"a": 2}')] == [1, 0, 0]
    assert grader.same(Answer(text='{"a":1,"b":2}'), Answer(text='```json\n{"b": 2, "a": 1.0}\n```'))
    assert not grader.same(Answer(text='{"a":1}'), Answer(text='{"a":true}'))


@settings(max_examples=60, deadline=None)
@given(st.recursive(st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3),
                    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=2), inner, max_size=4),
                    max_leaves=12), st.randoms())  # fmt: skip
def test_a_record_agrees_with_itself_in_any_order_of_its_lists(record: Any, chance: Any) -> None:
    def shuffled(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: shuffled(inner) for name, inner in value.items()}
        if isinstance(value, list):
            mixed = [shuffled(inner) for inner in value]
            chance.shuffle(mixed)
            return mixed
        return value

    assert compare(record, shuffled(record)).f1 == pytest.approx(1)
    other = compare(record, [record, record])
    assert 0 <= other.f1 <= 1


def test_a_long_list_and_deep_nesting_take_no_time() -> None:
    numbers = [{"n": n} for n in range(3_000)]
    assert compare(numbers, numbers[::-1]).f1 == 1
    deep: Any = 1
    for _ in range(60):
        deep = [deep]
    assert compare({"a": 1}, deep).f1 == 0
    with pytest.raises(UsageError, match="nested"):
        compare(deep, 1)


# schemas


SCHEMA = {"type": "object", "required": ["total"], "properties": {"total": {"type": "number", "minimum": 0}}}


def test_a_record_that_breaks_its_schema_scores_zero_and_says_where() -> None:
    grader = ExtractionGrader(schema=Schema(SCHEMA))
    assert score(grader, '{"total": 5}', {"total": 5}) == 1
    assert score(grader, '{"total": -5}', {"total": -5}) == 0
    found = graded(grader, ASKED, Answer(text='{"total": "five secret"}'), {"total": 5})
    assert found.reason == "the record breaks its schema: type at total"
    assert score(grader, "total is 5", {"total": 5}) == 0


def test_a_schema_is_checked_and_never_fetched(tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text('{"type": "string"}')
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the library warns before it fetches, and a warning is an error here
        with pytest.raises(UsageError, match="another document"):
            Schema({"$ref": (tmp_path / "other.json").as_uri()}).fault("x")
    with pytest.raises(UsageError, match="not valid"):
        Schema({"type": "nonsense"})
    with pytest.raises(UsageError, match="another document"):
        Schema({"$ref": "http://127.0.0.1:9/schema.json"}).fault({})
    assert Schema({"$ref": "#/$defs/a", "$defs": {"a": {"type": "string"}}}).fault(1) == "type at the top"


# formats


@pytest.mark.parametrize(
    ("language", "text", "reference", "right"),
    [
        ("json", '{"b":2,"a":[1]}', '{"a": [1.0], "b": 2}', 1),
        ("json", '{"a":[1,2]}', '{"a": [2, 1]}', 0),
        ("xml", "<a x='1' y='2'>\n <b>hi</b></a>", '<a y="2" x="1"><b> hi </b></a>', 1),
        ("xml", "<a><c/><b/></a>", "<a><b/><c/></a>", 0),
        ("xml", "<a>", "<a/>", 0),
        ("xml", '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', "<a>y</a>", 0),
        ("xml", "<a>" * 300 + "</a>" * 300, "<a/>", 0),
        ("python", "x = (1+2)  # sum", "x=1+2", 1),
        ("python", "x = 2+1", "x=1+2", 0),
        ("python", "x = (", "x=1", 0),
        ("python", "(" * 5_000 + ")" * 5_000, "x=1", 0),
        ("python", "'\\d'\0", "1", 0),
        ("text", "a  \nb\n\n", "a\nb", 1),
        ("text", "a b", "a  b", 0),
    ],
)
def test_formats_are_equal_once_parsed(language: Language, text: str, reference: str, right: int) -> None:
    assert score(ParsedGrader(language=language), text, reference) == right


def test_a_reference_that_does_not_parse_is_set_up_wrongly() -> None:
    with pytest.raises(UsageError):
        score(ParsedGrader(language="json"), "{}", "{")
    with pytest.raises(Unparsable):
        ParsedGrader(language="xml").same(Answer(text="<a"), Answer(text="<a"))
