"""A trial's evidence page as text: the figures of the document are on it, nothing from outside can act in it."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from msgspec.structs import replace
from test_plan_report_html import Parsed
from trial_fixture import HEAD, HOSTILE, TRIALS, breaking, empty, holding, hostile, simulated

from baseload.report import evidence_words as words
from baseload.report.evidence_html import render_evidence_html
from baseload.report.evidence_view import trial_view, trusted
from baseload.report.evidence_words import break_even, passage


def text_of(name: str) -> str:
    return Parsed(render_evidence_html(TRIALS[name]())).text


@pytest.mark.parametrize("name", sorted(TRIALS))
def test_the_same_trial_always_gives_the_same_bytes(name: str) -> None:
    assert render_evidence_html(TRIALS[name]()) == render_evidence_html(TRIALS[name]())


def test_the_page_says_the_verdict_the_sentence_to_quote_and_how_to_recompute_it() -> None:
    text = text_of("holding")

    assert "proven A trial shows that its answers are no worse than the bar allows." in text
    assert holding().document.sentence in text
    assert f"baseload trial verify .baseload/trials/email-triage--claude-haiku-5-5/record.jsonl --head {HEAD}" in text
    assert "The record was recomputed when this page was made, and agrees." in text


def test_a_broken_move_is_called_broken_and_its_grader_was_seen_to_see() -> None:
    text = text_of("breaking")

    assert "broken A trial shows that its answers are worse" in text
    assert "55 noticed; 28 of 30 where the candidate was spoilt. At least 78.4 % at 99 %" in text.replace("\xa0", " ")
    assert "tested at 1.568 points for what the judge may overlook" in text
    assert "Nobody has approved this move yet." in text


def test_money_is_said_with_the_break_even_of_a_miss_rounded_down() -> None:
    """4.3561 is said as 4.35: a miss that costs 4.356 already costs more than is said."""
    text = text_of("holding")

    assert "Pays unless a miss costs more than $4.35. If it is as bad as the bar allows: $0.94." in text
    assert "$267.46" in text
    assert "What a miss costs, by the bar $0.25" in text


def test_no_break_even_is_said_where_no_quality_is_lost_and_none_where_nothing_is_saved() -> None:
    document = holding().document
    misses = replace(document.misses, break_even_usd_per_miss=None, break_even_at_margin_usd_per_miss=None)
    money = replace(document.money, saving_per_call_usd=Decimal("-0.01"))

    assert break_even(replace(document, misses=misses)) == (
        "No quality is lost at the estimate, so it pays whatever a miss costs."
    )
    assert break_even(replace(document, money=money)).startswith("It does not pay at any price of a miss")


def test_a_simulated_trial_says_that_it_proves_nothing() -> None:
    assert "it proves nothing about either model" in text_of("simulated")
    assert "it proves nothing about either model" not in text_of("holding")


def test_without_texts_the_page_says_so_and_with_them_it_warns() -> None:
    assert "It holds no word of any prompt or answer." in text_of("holding")
    shown = text_of("simulated")
    assert "Please cancel order <PHONE_1>." in shown
    assert "hand it on with care" in shown


def test_a_long_text_is_cut_and_what_is_cut_is_said() -> None:
    assert str(passage("word " * 1_200)).endswith("…\n[2,000 more characters]")


def test_texts_beside_a_table_of_those_without() -> None:
    seen = trial_view(simulated())

    assert len(seen.in_words) == 2
    assert len(seen.pairs) == len(simulated().document.discordant) - 2


def test_a_trial_whose_record_does_not_bear_it_out_is_shown_as_invalid() -> None:
    fault = replace(holding(), record_fault="estimate is 0.1 in trial.json and -0.3 by the record")
    text = Parsed(render_evidence_html(fault)).text

    assert trusted(fault).state == "invalid"
    assert "proven" not in text
    assert "Record does not bear it out Estimate is 0.1 in trial.json and -0.3 by the record." in text
    assert "the record did not bear this verdict out" in text


def test_an_invalid_trial_without_a_path_or_prices_still_has_every_section() -> None:
    page = Parsed(render_evidence_html(empty()))

    ids = {attrs.get("id") for tag, attrs in page.tags if tag == "section"}
    assert ids == {"verdict", "path", "pairs", "controls", "arms", "money", "sample", "record"}
    assert "Nothing was tested: there is no path." in page.text
    assert "Whether it pays cannot be said: no call was compared." in page.text


def test_hostile_names_are_text_and_nothing_else() -> None:
    page = render_evidence_html(hostile())
    parsed = Parsed(page)

    assert HOSTILE[:25] not in page.decode()
    assert "\u202e" not in page.decode()
    assert [tag for tag, _ in parsed.tags].count("script") == 3
    assert not [name for _, attrs in parsed.tags for name in attrs if name.startswith("on")]


def test_the_policy_allows_only_what_the_page_carries() -> None:
    page = render_evidence_html(holding()).decode()
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)

    assert policy is not None
    assert policy[1].startswith("default-src &#39;none&#39;; script-src &#39;sha256-")
    assert not re.search(r'(?:src|href)="(?:https?:)?//', page)


def test_every_point_of_the_path_is_in_the_table() -> None:
    page = Parsed(render_evidence_html(breaking())).text
    for point in breaking().document.wealth[:5]:
        assert f" {point.n} " in page


def test_a_verdict_whose_interval_crosses_the_bar_says_what_decided_and_others_say_nothing() -> None:
    document = trusted(holding())
    decision = replace(document.decision, e_value=30.0, alpha=0.05, low=-0.0515, high=0.031)
    crossing = replace(document, state="holds", tested_margin=0.05, decision=decision)
    assert "a one-sided test at 5 % at every look" in words.across(crossing)
    assert words.points_range(decision.low, decision.high) == "−5.15 to +3.10"
    assert words.across(replace(crossing, tested_margin=0.06)) == ""
    assert words.across(replace(crossing, state="not_shown")) == ""
    vetoed = replace(crossing, state="breaks", decision=replace(decision, e_value_break=2.0))
    assert words.across(vetoed) == ""  # a guard broke, the wealth of the whole did not
