"""Dollars in scope, out of scope and unknown by month, and demand at both ends of the unknown."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from baseload.commit.refusal import CommitError
from baseload.commit.scope import ScopeRule, answer_of
from baseload.commit.scoping.rules import contracts_of, rules_of
from baseload.commit.scoping.scoped import ScopedMonth, paths_at, scoped
from baseload.demand.paths import Paths
from baseload.project import Invoice, ScopeRow
from baseload.values import Window, day_of_date

SPAN = Window(
    start_day=day_of_date(dt.date(2026, 1, 1)), end_day_exclusive=day_of_date(dt.date(2026, 5, 12))
)  # January to April are whole


def table(*rows: tuple[str, str, str, int]) -> dict[str, np.ndarray]:
    """(day, platform, workspace, list nano-dollars), all calls of the API."""
    days = [day_of_date(dt.date.fromisoformat(day)) for day, _, _, _ in rows]
    texts = {
        "price_key": [f"claude-opus-5-5|{platform}|global|standard|standard|0-100k" for _, platform, _, _ in rows],
        "source": ["litellm"] * len(rows),
        "agent": [""] * len(rows),
        "grain": ["call"] * len(rows),
        "workspace": [workspace for _, _, workspace, _ in rows],
        "account": ["acme"] * len(rows),
    }
    found = {name: np.array(values, dtype=object) for name, values in texts.items()}
    found["day"] = np.array(days, dtype=np.int64)
    found["list_nano"] = np.array([nano for *_, nano in rows], dtype=np.int64)
    return found


ROWS = table(
    ("2026-01-10", "anthropic", "prod", 100),
    ("2026-02-10", "anthropic", "prod", 60),
    ("2026-02-11", "anthropic", "", 40),
    ("2026-03-10", "bedrock", "prod", 30),
    ("2026-04-10", "anthropic", "lab", 5),
    ("2026-05-01", "anthropic", "prod", 1_000),  # a month that is not whole
)
LABELS = ["chat", "chat", "chat", "chat", "lab", "chat"]
RULES = (
    ScopeRule(in_scope=False, platform="bedrock"),
    ScopeRule(in_scope=True, workspace="prod"),
    ScopeRule(in_scope=False, workspace="lab"),
)


def test_every_whole_month_is_split_and_seats_stand_beside() -> None:
    seats = (
        Invoice(month="2026-02", amount="9", seats="3"),
        Invoice(month="2026-02", amount="9", seats="2", channel="aws"),
    )
    found = scoped(ROWS, LABELS, RULES, SPAN, invoices=seats)
    assert found.months == (
        ScopedMonth(month="2026-01", in_nano=100, out_nano=0, unknown_nano=0),
        ScopedMonth(month="2026-02", in_nano=60, out_nano=0, unknown_nano=40, seats_nano=5 * 10**9),
        ScopedMonth(month="2026-03", in_nano=0, out_nano=30, unknown_nano=0),
        ScopedMonth(month="2026-04", in_nano=0, out_nano=5, unknown_nano=0),
    )
    assert (found.scope.in_nano, found.scope.out_nano, found.scope.unknown_nano) == (1_160, 35, 40)


def test_shares_are_of_the_last_three_whole_months() -> None:
    """chat, February to April: 60 yes, 40 unknown, 30 no. lab: 5 no."""
    found = scoped(ROWS, LABELS, RULES, SPAN)
    assert found.shares(("chat", "lab"), "least") == pytest.approx([60 / 130, 0])
    assert found.shares(("chat", "lab"), "most") == pytest.approx([100 / 130, 0])
    dearer = np.array([1, 2, 2, 0, 1, 1], dtype=np.int64)  # today's dollars: bedrock's model is free today
    assert scoped(ROWS, LABELS, RULES, SPAN, cost_nano=dearer).shares(("chat",), "least") == pytest.approx([0.5])


def test_a_name_the_ledger_does_not_know_is_every_workload_that_is_not_named() -> None:
    """All but chat: lab's 5, out. All: 60 of 135."""
    found = scoped(ROWS, LABELS, RULES, SPAN)
    assert found.shares(("chat", "all smaller workloads"), "most") == pytest.approx([100 / 130, 0])
    assert found.shares(("all",), "least") == pytest.approx([60 / 135])


def test_a_workload_without_recent_dollars_is_nothing_at_one_end_and_everything_at_the_other() -> None:
    found = scoped(ROWS, ["old", *LABELS[1:]], RULES, SPAN)
    assert found.shares(("old",), "least") == pytest.approx([0])
    assert found.shares(("old",), "most") == pytest.approx([1])


def paths() -> Paths:
    """Two workloads of 130 and 10 dollars a month; a retirement of half of chat, one of a tenth of all, a launch."""
    ones = np.ones((1, 2))
    return Paths(
        first_month=0,
        names=("chat", "lab"),
        workloads=np.array([ones * 130, ones * 10]),
        event_names=("half of chat", "a tenth", "launch"),
        event_workloads=("chat", "all", ""),
        events=np.array([ones * -65, ones * -14, ones * 7]),
        price=ones,
        metering=ones,
        seed=0,
    )


def test_paths_at_both_ends_share_their_draws_and_the_most_is_never_below_the_least() -> None:
    """least: 60 of chat's 130, nothing of lab; the tenth becomes a tenth of 60 over 140 dollars."""
    found = scoped(ROWS, LABELS, RULES, SPAN)
    least, most = paths_at(found, paths(), "least"), paths_at(found, paths(), "most")
    assert least.workloads[:, 0, 0] == pytest.approx([60, 0])
    assert least.events[:, 0, 0] == pytest.approx([-30, -14 * 60 / 140, 7])
    assert most.workloads[:, 0, 0] == pytest.approx([100, 0])
    assert (most.usage >= least.usage).all()


def test_without_rules_all_is_unknown() -> None:
    found = scoped(ROWS, LABELS, (), SPAN)
    assert {month.unknown_nano for month in found.months} == {100, 30, 5}
    assert found.shares(("chat",), "least") == pytest.approx([0])
    assert found.shares(("chat",), "most") == pytest.approx([1])


ROW_A = ScopeRow(in_scope=True, platform="anthropic", contract="Direct")
ROW_B = ScopeRow(in_scope=True, platform="bedrock", contract="AWS")


def test_what_another_contract_covers_is_out_of_this_one() -> None:
    name = ("bedrock", "api", "prod", "acme")
    assert answer_of(name, rules_of((ROW_A, ROW_B), "direct")) == "no"
    assert answer_of(name, rules_of((ROW_A, ROW_B), "AWS")) == "yes"
    assert answer_of(name, rules_of((ROW_A, ROW_B))) == "yes"  # pooled: one of them covers it


def test_what_another_contract_does_not_cover_says_nothing_here() -> None:
    not_theirs = ScopeRow(in_scope=False, platform="anthropic", contract="AWS")
    assert answer_of(("anthropic", "", "", ""), rules_of((not_theirs, ROW_A), "Direct")) == "yes"


def test_a_row_may_say_that_nobody_knows() -> None:
    rows = (ScopeRow(in_scope="unknown", product="claude_code"), ScopeRow(in_scope=True))
    assert answer_of(("anthropic", "claude_code", "", ""), rules_of(rows)) == "unknown"
    assert answer_of(("anthropic", "api", "", ""), rules_of(rows)) == "yes"


def test_a_contract_no_row_names_is_refused() -> None:
    assert contracts_of((ROW_A, ROW_B, ROW_A)) == ("Direct", "AWS")
    with pytest.raises(CommitError, match=r"contract: Azure; expected a contract of .*: Direct, AWS"):
        rules_of((ROW_A, ROW_B), "Azure")
    assert len(rules_of((ScopeRow(in_scope=True),), "Azure")) == 1
