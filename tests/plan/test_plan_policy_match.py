"""Which entry a request belongs to: a table for the precedence, and the ledger's own signatures for the conditions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baseload.plan.policy import Entry, Match, WorkloadRef, policy
from baseload.plan.policy_match import Matcher, RequestFacts, facts_of, match_entry
from baseload.plan.policy_places import places
from baseload.project import WorkloadRule
from baseload.values import Table, Workload
from baseload.workloads.key import UNATTRIBUTED
from baseload.workloads.signature import Signature, signature_rows

# precedence


def entry(id_: str, **match: Any) -> Entry:
    return Entry(workload=WorkloadRef(id=id_, name=f"name of {id_}"), match=Match(**match))


ENTRIES = policy(
    (
        entry("tag", tag={"app": "Support"}),
        entry("two tags", tag={"app": "support", "use_case": "triage"}),
        entry("key", api_key=("apikey_1",)),
        entry("key and template", api_key=("apikey_1",), template_ids=("t1", "t2")),
        entry("keys of a team", api_key=("prod-*",)),
        entry("agent", agent=("nightly-digest",)),
        entry("tools", tools_fp=("f1",)),
        entry("system", system_fp=("s1",)),
        entry("template", template_ids=("t1",)),
        entry("workspace", workspace=("wrkspc_1",)),
        entry("nothing"),
    ),
    created="",
    prices_checked="",
)
CASES: dict[str, tuple[dict[str, Any], str]] = {
    "nothing known": ({}, ""),
    "a tag, whatever its case": ({"tags": {"app": "SUPPORT"}}, "tag"),
    "more tags win": ({"tags": {"app": "support", "use_case": "triage"}}, "two tags"),
    "a tag before everything else": (
        {"tags": {"app": "support"}, "api_key": "apikey_1", "template_id": "t1", "agents": ("nightly-digest",)},
        "tag",
    ),
    "another tag is none": ({"tags": {"app": "sales"}}, ""),
    "a key": ({"api_key": "apikey_1"}, "key"),
    "a key and a prompt of its own": ({"api_key": "apikey_1", "template_id": "t2"}, "key and template"),
    "a key and an unknown prompt": ({"api_key": "apikey_1", "template_id": "t9"}, "key"),
    "a star at the end": ({"api_key": "Prod-search"}, "keys of a team"),
    "no star inside": ({"api_key": "my-prod-search"}, ""),
    "key before agent": ({"api_key": "apikey_1", "agents": ("nightly-digest",)}, "key"),
    "agent before tools": ({"agents": ("nightly-digest",), "tools_fp": "f1"}, "agent"),
    "either spelling of the agent": ({"agents": ("x", "Nightly-Digest")}, "agent"),
    "tools before prompts": ({"tools_fp": "f1", "system_fp": "s1", "template_id": "t1"}, "tools"),
    "system before template": ({"system_fp": "s1", "template_id": "t1"}, "system"),
    "template before workspace": ({"template_id": "t1", "workspace": "wrkspc_1"}, "template"),
    "a workspace": ({"workspace": "wrkspc_1"}, "workspace"),
    "fingerprints keep their case": ({"template_id": "T1"}, ""),
    "the workload's own name first": ({"workload": "name of nothing", "tags": {"app": "support"}}, "nothing"),
    "its id too": ({"workload": "nothing", "api_key": "apikey_1"}, "nothing"),
    "a name nobody has": ({"workload": "unheard of", "api_key": "apikey_1"}, "key"),
}


@pytest.mark.parametrize("case", CASES)
def test_the_strongest_claim_wins(case: str) -> None:
    facts, expected = CASES[case]
    found = match_entry(ENTRIES, RequestFacts(**facts))
    assert (found.workload.id if found else "") == expected


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.builds(
            Match,
            tag=st.dictionaries(st.sampled_from(("app", "use_case")), st.sampled_from(("x", "Y*", "z")), max_size=2),
            api_key=st.sampled_from(((), ("k1",), ("K2", "k*"))),
            agent=st.sampled_from(((), ("bot",))),
            template_ids=st.sampled_from(((), ("t1", "t2"))),
        ),
        max_size=6,
    ),
    st.builds(
        RequestFacts,
        workload=st.sampled_from(("", "w0", "nobody")),
        tags=st.dictionaries(st.sampled_from(("app", "use_case")), st.sampled_from(("x", "yes", "Z")), max_size=2),
        api_key=st.sampled_from(("", "k1", "K2", "k3")),
        agents=st.sampled_from(((), ("Bot", "x"))),
        template_id=st.sampled_from(("", "t1", "t3")),
    ),
)
def test_the_index_finds_what_reading_every_entry_finds(matches: list[Match], facts: RequestFacts) -> None:
    entries = tuple(Entry(workload=WorkloadRef(id=f"w{index}"), match=match) for index, match in enumerate(matches))
    made = policy(entries, created="", prices_checked="")
    assert Matcher(made.entries).entry(facts) == match_entry(made, facts)


def test_equal_claims_go_to_the_smaller_id_whatever_the_order() -> None:
    twins = (entry("b", agent=("bot",)), entry("a", agent=("bot",)))
    for order in (twins, twins[::-1]):
        found = match_entry(policy(order, created="", prices_checked=""), RequestFacts(agents=("bot",)))
        assert found is not None
        assert found.workload.id == "a"


def test_claude_code_is_one_caller_under_all_its_names() -> None:
    rows = [Signature("s", source="claude_code", agent=agent) for agent in ("", "main", "claude-code")]
    assert {facts_of(row).agents[0] for row in rows} == {"claude-code"}


# conditions from signatures


def table(*rows: dict[str, str]) -> Table:
    """Signatures s0, s1, … of plain calls with what each row says."""
    full = [{"signature": f"s{index}", "source": "messages", **row} for index, row in enumerate(rows)]
    names = ("signature", "source", "api_key", "workspace", "agent", "tags", "tools_fp", "system_fp", "template_id")
    return {
        name: np.array([*(row.get(name, "") for row in full), None], dtype=object)[:-1]
        for name in (*names, "request_features", "grain")
    } | {"grain": np.array([*(row.get("grain", "call") for row in full), None], dtype=object)[:-1]}


def owned(*ids: str) -> dict[str, Workload]:
    """Signature -> workload, in the order of the rows; "-" is unattributed."""
    plain = {id_: Workload(id=id_, name=id_, stage="tag", why="") for id_ in ids}
    return {f"s{index}": UNATTRIBUTED if id_ == "-" else plain[id_] for index, id_ in enumerate(ids)}


def test_a_workload_of_a_tag_is_told_by_the_tag_alone() -> None:
    rows = (
        {"tags": '{"app":"support"}', "api_key": "k1"},
        {"tags": '{"app":"support"}', "api_key": "k2"},
        {"api_key": "k1"},
    )
    found, problems = places(table(*rows), owned("a", "a", "b"))
    assert found == {"a": Match(tag={"app": "support"}), "b": Match(api_key=("k1",))}
    assert problems == []


def test_near_duplicates_list_their_templates_and_the_rest_keeps_the_key() -> None:
    """One key, two versions of one prompt, and chatter: the chatter's key yields to the prompts."""
    rows = [{"api_key": "k1", "template_id": template} for template in ("t1", "t2", "t3", "")]
    found, problems = places(table(*rows), owned("prompt", "prompt", "rest", "rest"))
    assert found["prompt"] == Match(api_key=("k1",), template_ids=("t1", "t2"))
    assert found["rest"] == Match(api_key=("k1",))
    assert problems == []


def test_a_template_shared_by_two_keys_needs_the_key_too() -> None:
    rows = [{"api_key": key, "template_id": "t1"} for key in ("k1", "k2")] + [{"api_key": "k1", "template_id": "t2"}]
    found, problems = places(table(*rows), owned("a", "b", "c"))
    assert found["a"] == Match(api_key=("k1",), template_ids=("t1",))
    assert found["b"] == Match(api_key=("k2",))
    assert found["c"] == Match(api_key=("k1",), template_ids=("t2",))
    assert problems == []


def test_what_nothing_tells_apart_is_left_without_conditions_and_said() -> None:
    """Two workloads whose requests look alike to a gateway: routing one would take the other along."""
    rows = [{"api_key": "k1", "request_features": "effort"}, {"api_key": "k1", "request_features": "prefill"}]
    found, problems = places(table(*rows), owned("a", "b"))
    assert Match() in found.values()
    assert [problem.code for problem in problems] == ["policy-no-match"] * len(problems)
    assert problems


def test_the_rest_of_a_key_keeps_it_beside_an_agent_that_uses_it() -> None:
    """Key before agent: the agent of the same key is told by both, so that the rest of the key stays its own."""
    rows = ({"api_key": "k1", "agent": "bot"}, {"api_key": "k1", "grain": "day"})
    found, problems = places(table(*rows), owned("bot", "rest"))
    assert found == {"bot": Match(api_key=("k1",), agent=("bot",)), "rest": Match(api_key=("k1",))}
    assert problems == []


def test_a_rule_of_the_project_keeps_its_own_patterns() -> None:
    rule = WorkloadRule(name="a", api_key="prod-*", tag={"team": "x"})
    found, problems = places(table({"api_key": "prod-1", "tags": '{"team":"x"}'}), owned("a"), [rule])
    assert found == {"a": Match(tag={"team": "x"}, api_key=("prod-*",))}
    assert problems == []


def test_unattributed_spend_has_no_conditions() -> None:
    assert places(table({"api_key": "k1"}, {}), owned("a", "-")) == ({"a": Match(api_key=("k1",))}, [])


def test_buckets_count_only_where_no_call_was_seen() -> None:
    rows = (
        {"api_key": "k1", "template_id": "t1"},
        {"api_key": "k1", "grain": "day"},
        {"api_key": "k2", "grain": "day"},
    )
    found, _ = places(table(*rows), owned("a", "a", "b"))
    assert found == {"a": Match(api_key=("k1",)), "b": Match(api_key=("k2",))}


_LABEL = st.sampled_from(("", "a", "b"))
_ROW = st.fixed_dictionaries(
    {
        "api_key": _LABEL,
        "agent": _LABEL,
        "workspace": _LABEL,
        "template_id": _LABEL,
        "tools_fp": _LABEL,
        "tags": st.sampled_from(("", '{"app":"x"}', '{"app":"y","use_case":"z"}', '{"team":"t"}', '{"colour":"red"}')),
    }
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(_ROW, st.sampled_from(("u", "v", "w"))), min_size=1, max_size=8))
def test_no_request_is_ever_given_to_another_workload(rows: list[tuple[dict[str, str], str]]) -> None:
    """However calls are grouped: what has conditions meets all its own requests and no others."""
    signatures, workload_of = table(*(row for row, _ in rows)), owned(*(owner for _, owner in rows))
    found, problems = places(signatures, workload_of)
    entries = tuple(Entry(workload=WorkloadRef(id=id_), match=match) for id_, match in found.items())
    made = policy(entries, created="", prices_checked="")
    for row in signature_rows(signatures):
        mine = workload_of[row.signature].id
        claimed = match_entry(made, facts_of(row))
        assert (claimed.workload.id if claimed else "") == (mine if found[mine] != Match() else "")
    assert {problem.value for problem in problems} == {id_ for id_ in found if found[id_] == Match()}
