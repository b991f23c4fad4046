"""Who owns the spend: rules, the CSV of keys and teams, and what nobody has claimed."""

from __future__ import annotations

import pytest
from workload_tables import USD, signatures

from baseload.project import OwnerRule, Project
from baseload.workloads.owners import owner_spend, read_owner_csv, with_owner_csv


def test_a_csv_of_keys_and_teams_becomes_owner_rules() -> None:
    data = b"key,owner,cost_center\nsearch-prod,Search,CC-1\nads-*,Ads,\n"
    rules, problems = read_owner_csv(data, "owners.csv")
    assert problems == []
    assert [(rule.api_key, rule.owner, rule.cost_center) for rule in rules] == [
        ("search-prod", "Search", "CC-1"),
        ("ads-*", "Ads", ""),
    ]


@pytest.mark.parametrize(
    "data",
    [
        "\ufeffTeam;API Key\nSearch;k\n".encode(),
        b"Cost Centre\tTeam\tKey name\r\n\tSearch\tk\r\n\r\n",
        b'"owner","api-key-id"\n"Search","k"',
    ],
)
def test_columns_are_found_by_name_in_any_order_and_dialect(data: bytes) -> None:
    rules, problems = read_owner_csv(data, "f")
    assert [(rule.owner, rule.api_key) for rule in rules] == [("Search", "k")]
    assert problems == []


@pytest.mark.parametrize(
    ("data", "code", "row"),
    [
        (b"key,owner\nk,\n", "owner-csv-no-owner", 2),
        (b"key,owner\n,Search\n", "owner-csv-no-key", 2),
        (b"key,owner\nk,=HYPERLINK(1)\n", "owner-csv-formula", 2),
        (b"key,owner\nk,A\nK,B\n", "owner-csv-twice", 3),
        (b"key,owner\nsk-ant-api03-abcdefghijkl,A\n", "owner-csv-secret", 2),
        (b"who,what\nk,A\n", "owner-csv-header", 1),
        (b"", "owner-csv-header", 1),
        (b"key,owner\n\xff,A\n", "owner-csv-encoding", 0),
        (b'key,owner\n"k,A\n', "owner-csv-quotes", 2),
    ],
)
def test_a_row_that_cannot_be_used_is_one_problem(data: bytes, code: str, row: int) -> None:
    _, problems = read_owner_csv(data, "owners.csv")
    assert [(problem.code, problem.row) for problem in problems] == [(code, row)]
    assert problems[0].next_step


def test_a_secret_in_the_csv_is_never_quoted() -> None:
    _, problems = read_owner_csv(b"key,owner\nsk-ant-api03-abcdefghijkl,A\n", "f")
    assert "sk-ant" not in repr(problems)


def test_the_same_row_twice_is_no_problem() -> None:
    rules, problems = read_owner_csv(b"key,owner\nk,A\nk,A\n", "f")
    assert (len(rules), problems) == (1, [])


def test_spend_of_owners_is_exact_and_the_rest_is_nobodys() -> None:
    table = signatures({"signature": "a", "api_key": "k1"}, {"signature": "b", "workspace": "W"}, {"signature": "c"})
    rules = (OwnerRule(owner="Ann", api_key="k*"), OwnerRule(owner="Bob", cost_center="7", workspace="w"))
    found = owner_spend(table, {"a": 3 * USD, "b": 5 * USD, "c": USD, "gone": USD}, rules)
    assert [(one.owner, one.cost_center, one.list_nano) for one in found] == [
        ("Bob", "7", 5 * USD),
        ("Ann", "", 3 * USD),
        ("", "", 2 * USD),
    ]


def test_the_first_rule_that_matches_wins() -> None:
    table = signatures({"signature": "a", "api_key": "k1", "agent": "x"})
    rules = (OwnerRule(owner="Ann", agent="x"), OwnerRule(owner="Bob", api_key="k1"))
    assert owner_spend(table, {"a": 1}, rules)[0].owner == "Ann"


def test_rules_of_the_project_win_over_its_csv() -> None:
    project = Project(owner=(OwnerRule(owner="Ann", api_key="k"),), owner_csv="o.csv")
    found, problems = with_owner_csv(project, b"key,owner\nk,Bob\nj,Bob\n", "o.csv")
    table = signatures({"signature": "a", "api_key": "k"}, {"signature": "b", "api_key": "j"})
    assert [one.owner for one in owner_spend(table, {"a": 2, "b": 1}, found.owner)] == ["Ann", "Bob"]
    assert problems == []
