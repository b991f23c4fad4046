"""Which dollars a contract covers: yes, no, unknown."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from baseload.commit.scope import ScopeRule, answer_of, scope_of

COLUMNS = ("price_key", "source", "agent", "grain", "workspace", "account", "list_nano")


def table(*rows: tuple[str, str, str, str, str, str, int]) -> dict[str, np.ndarray]:
    found = {
        name: np.array(values, dtype=object) for name, values in zip(COLUMNS, zip(*rows, strict=True), strict=True)
    }
    found["list_nano"] = found["list_nano"].astype(np.int64)
    return {**found, "day": np.zeros(len(rows), dtype=np.int64)}


def key(platform: str) -> str:
    return f"claude-opus-5-5|{platform}|global|standard|standard|0-100k"


ROWS = table(
    (key("anthropic"), "litellm", "", "call", "prod", "acme", 100),
    (key("anthropic"), "claude_code", "", "call", "", "acme", 40),
    (key("anthropic"), "admin_usage", "", "day", "", "acme", 7),
    (key("bedrock"), "bedrock_log", "", "call", "", "12345", 20),
)


def split(*rules: ScopeRule) -> tuple[int, int, int]:
    found = scope_of(ROWS, rules)
    return found.in_nano, found.out_nano, found.unknown_nano


def test_without_rules_everything_is_unknown() -> None:
    assert split() == (0, 0, 167)


def test_a_platform_is_out_and_the_rest_in() -> None:
    assert split(ScopeRule(in_scope=False, platform="bedrock"), ScopeRule(in_scope=True)) == (147, 20, 0)


def test_a_row_that_does_not_say_what_a_rule_asks_is_unknown_unless_the_answer_is_the_same() -> None:
    """The report's 7 do not say their product, Claude Code's 40 no workspace."""
    product = ScopeRule(in_scope=False, product="claude_code")
    assert split(product, ScopeRule(in_scope=True, platform="anthropic")) == (100, 40, 27)
    prod = ScopeRule(in_scope=True, workspace="prod")
    assert split(prod, ScopeRule(in_scope=True)) == (167, 0, 0)
    assert split(prod, ScopeRule(in_scope=False)) == (100, 0, 67)
    assert split(prod) == (100, 0, 67)


def test_the_first_rule_decides_and_names_are_compared_without_case() -> None:
    rules = (ScopeRule(in_scope=True, account="ACM*"), ScopeRule(in_scope=False))
    assert split(*rules) == (147, 20, 0)
    assert split(*reversed(rules)) == (0, 167, 0)


def test_both_ends_of_the_unknown_and_the_parts_add_up() -> None:
    found = scope_of(ROWS, [ScopeRule(in_scope=True, product="api")])
    assert (found.least_nano, found.most_nano) == (120, 167 - 0)
    assert [part.list_nano for part in found.parts] == [100, 40, 20, 7]
    assert found.answers.tolist() == ["yes", "unknown", "unknown", "yes"]


names = st.sampled_from(["", "a", "b"])
rules = st.builds(ScopeRule, in_scope=st.booleans(), platform=names, product=names, workspace=names, account=names)


@given(name=st.tuples(names, names, names, names), several=st.lists(rules, max_size=5))
def test_unknown_is_exactly_where_filling_in_what_is_not_said_could_change_the_answer(
    name: tuple[str, ...], several: list[ScopeRule]
) -> None:
    """Every way to fill the blanks in; a value that no rule names stands for all others."""
    filled: list[tuple[str, ...]] = [()]
    for value in name:
        filled = [(*one, other) for one in filled for other in ((value,) if value else ("a", "b", "other"))]
    answers = {answer_of(one, several) for one in filled}
    told = answer_of(name, several)
    assert told in answers if len(answers) == 1 else told == "unknown"


def test_an_empty_table_has_no_dollars() -> None:
    nothing = {name: column[:0] for name, column in ROWS.items()}
    assert scope_of(nothing, [ScopeRule(in_scope=True)]).most_nano == 0


@pytest.mark.parametrize("platform", ["anthropic", "bedrock"])
def test_conditions_of_one_rule_must_all_hold(platform: str) -> None:
    rule = ScopeRule(in_scope=True, platform=platform, account="acme")
    assert split(rule, ScopeRule(in_scope=False)) == ((147, 20, 0) if platform == "anthropic" else (0, 167, 0))
