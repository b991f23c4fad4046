"""Which calls are one workload, and why: the cascade from explicit labels down to templates."""

from __future__ import annotations

import json

import pytest
from workload_tables import USD, hours, shapes, signatures

from baseload.project import OwnerRule, WorkloadRule
from baseload.values import Workload
from baseload.workloads.grouping import group
from baseload.workloads.key import UNATTRIBUTED
from baseload.workloads.naming import distinct


def tags(**values: str) -> str:
    return json.dumps(values, sort_keys=True, separators=(",", ":"))


def grouped(*rows: dict[str, str], spend: dict[str, int] | None = None, calls: dict[str, int] | None = None,
            rules: tuple[WorkloadRule, ...] = (), **more: object) -> dict[str, Workload]:  # fmt: skip
    names = [row["signature"] for row in rows]
    nano = {name: (spend or {}).get(name, 1) * USD for name in names}
    counts = {row["signature"]: (calls or {}).get(row["signature"], 100) for row in rows if row.get("grain") != "day"}
    found, problems = group(signatures(*rows), nano, shapes(**counts), rules, (), **more)  # type: ignore[arg-type]
    assert problems == []
    return found


def test_a_rule_of_the_user_wins_over_every_label() -> None:
    row = {"signature": "s", "api_key": "prod", "tags": tags(workload="triage"), "agent": "bot"}
    found = grouped(row, rules=(WorkloadRule(name="Mine", api_key="prod"),))["s"]
    assert (found.name, found.stage) == ("Mine", "rule")
    assert "baseload.toml" in found.why


def test_the_first_of_two_matching_rules_wins_and_rules_of_one_name_are_one_workload() -> None:
    rules = (
        WorkloadRule(name="Search", api_key="search-*"),
        WorkloadRule(name="Rest", source="messages"),
        WorkloadRule(name="Search", agent="Finder"),
    )
    found = grouped({"signature": "a", "api_key": "Search-prod"}, {"signature": "b", "agent": "finder"},
                    {"signature": "c", "source": "litellm", "agent": "finder"}, rules=rules)  # fmt: skip
    assert [found[s].name for s in "abc"] == ["Search", "Rest", "Search"]
    assert found["a"].id == found["c"].id


def test_all_conditions_of_a_rule_must_hold_and_an_absent_label_holds_none() -> None:
    rules = (WorkloadRule(name="Both", api_key="k", tag={"team": "search"}), WorkloadRule(name="Any", workspace="*"))
    found = grouped(
        {"signature": "a", "api_key": "k", "tags": tags(Team="Search")},
        {"signature": "b", "api_key": "k"},
        {"signature": "w", "workspace": "x"},
        rules=rules,
    )
    assert found["a"].name == "Both"
    assert found["b"].stage == "owner"
    assert found["w"].name == "Any"


@pytest.mark.parametrize(
    ("labels", "name"),
    [
        (tags(workload="Ticket Triage"), "ticket-triage"),
        (tags(useCase="refunds", app="Portal"), "portal/refunds"),
        (tags(feature="search"), "search"),
        (tags(**{"service.name": "billing"}), "billing"),
    ],
)
def test_a_workload_like_tag_is_the_workload(labels: str, name: str) -> None:
    found = grouped({"signature": "s", "tags": labels, "api_key": "shared"})["s"]
    assert (found.stage, found.name) == ("tag", name)


def test_the_same_tag_spelled_two_ways_under_two_keys_is_one_workload() -> None:
    found = grouped(
        {"signature": "a", "tags": tags(useCase="Refunds"), "api_key": "eu"},
        {"signature": "b", "tags": tags(use_case="refunds"), "api_key": "us"},
    )
    assert found["a"].id == found["b"].id


def test_a_team_tag_is_an_owner_so_its_agents_stay_apart() -> None:
    found = grouped(
        {"signature": "a", "tags": tags(team="search"), "agent": "reranker"},
        {"signature": "b", "tags": tags(team="search"), "agent": "indexer"},
    )
    assert sorted(one.name for one in found.values()) == ["search/indexer", "search/reranker"]


def test_an_agent_name_is_a_workload_across_keys_unless_half_the_world_uses_it() -> None:
    found = grouped(
        {"signature": "a", "agent": "invoice-reader", "api_key": "k1"},
        {"signature": "b", "agent": "invoice-reader", "api_key": "k2"},
        {"signature": "c", "agent": "assistant", "api_key": "k1"},
        {"signature": "d", "agent": "assistant", "api_key": "k2"},
    )
    assert found["a"].id == found["b"].id
    assert found["c"].id != found["d"].id
    assert found["c"].name == "k1/assistant"


def test_claude_code_is_one_workload_from_every_source_and_a_persons_big_projects_stand_apart() -> None:
    rows = (
        {"signature": "shop", "source": "claude_code", "agent": "claude-code", "workspace": "shop"},
        {"signature": "blog", "source": "claude_code", "agent": "claude-code", "workspace": "blog"},
        {"signature": "otel", "source": "claude_code_otel", "agent": "repl_main_thread"},
        {"signature": "bill", "source": "admin_api/claude_code", "agent": "claude_code", "grain": "day"},
    )
    found = grouped(*rows, spend={"shop": 96, "blog": 4, "otel": 0})  # 4 % does not stand apart
    assert len({one.id for one in found.values()}) == 1
    assert (found["bill"].name, found["bill"].task, found["bill"].latency) == ("claude-code", "agentic", "interactive")
    company = [row | {"account": "org"} for row in rows]
    assert len({one.id for one in grouped(*company, spend={"shop": 60, "blog": 40}).values()}) == 1
    found = grouped(*rows, spend={"shop": 60, "blog": 40})
    assert [found[s].name for s in ("shop", "blog", "otel", "bill")] == [
        "claude-code/shop", "claude-code/blog", "claude-code/other", "claude-code/other",
    ]  # fmt: skip


def test_the_way_in_is_no_caller_and_words_for_none_are_no_owner() -> None:
    found = grouped(
        {"signature": "a", "agent": "messages_api", "api_key": "k", "grain": "day"},
        {"signature": "b", "api_key": "k"},
        {"signature": "c", "api_key": "no-key", "workspace": "no-workspace", "grain": "day"},
        {"signature": "d", "api_key": "no-key", "workspace": "no-workspace", "agent": "cowork", "grain": "day"},
    )
    assert found["a"].id == found["b"].id
    assert found["c"] == UNATTRIBUTED
    assert found["d"].name == "cowork"


def test_billing_rows_of_a_key_and_calls_of_that_key_are_one_workload() -> None:
    found = grouped(
        {"signature": "bill", "api_key": "apikey_01AbCdEfGhIj", "workspace": "wrkspc_1", "source": "admin_api",
         "grain": "day", "account": "org-1"},
        {"signature": "calls", "api_key": "apikey_01AbCdEfGhIj", "template_id": "t"},
    )  # fmt: skip
    assert found["bill"].id == found["calls"].id
    assert found["bill"].stage == "owner"
    assert found["bill"].name == "key-efghij"


def test_keys_of_one_name_in_two_accounts_are_two_workloads() -> None:
    found = grouped({"signature": "a", "api_key": "prod", "account": "one"},
                    {"signature": "b", "api_key": "prod", "account": "two"})  # fmt: skip
    assert found["a"].id != found["b"].id
    assert len({one.name for one in found.values()}) == 2


def test_billing_rows_without_any_label_are_unattributed() -> None:
    assert grouped({"signature": "s", "grain": "day", "source": "admin_api"})["s"] == UNATTRIBUTED


def test_a_role_is_an_owner_but_a_persons_fingerprint_is_not() -> None:
    found = grouped(
        {"signature": "role", "user_id": "arn:aws:sts::1:assumed-role/ReportWriter/session"},
        {"signature": "ann", "user_id": "a" * 32},
        {"signature": "bob", "user_id": "b" * 32},
    )
    assert found["role"].name == "reportwriter"
    assert found["ann"].id == found["bob"].id


TWO_TEMPLATES = (
    {"signature": "a", "api_key": "k", "template_id": "t1", "system_fp": "s1", "task_cues": "classify"},
    {"signature": "b", "api_key": "k", "template_id": "t2", "system_fp": "s2", "task_cues": "summarise"},
    {"signature": "bill", "api_key": "k", "grain": "day", "source": "console_csv"},
)


def test_a_key_that_is_only_an_id_is_named_by_its_task_too() -> None:
    row = {"signature": "a", "api_key": "apikey_01AbCdEfGhIj", "task_cues": "summarise"}
    assert grouped(row)["a"].name == "summarisation-key-efghij"


def test_billing_rows_of_a_key_whose_calls_are_tagged_belong_to_the_tag_while_they_are_a_gap() -> None:
    tagged = {"signature": "a", "api_key": "k", "tags": tags(app="search")}
    bill = {"signature": "bill", "api_key": "k", "grain": "day", "source": "admin_api"}
    found = grouped(tagged, bill, spend={"a": 100, "bill": 10})
    assert found["bill"].id == found["a"].id
    # 11 dollars beside 100 are more than a gap: something else uses the key
    found = grouped(tagged, bill, spend={"a": 100, "bill": 11})
    assert (found["bill"].name, found["a"].name) == ("k", "search")
    # so is a second workload under the key
    other = {"signature": "b", "api_key": "k", "tags": tags(app="ads")}
    assert grouped(tagged, bill, other, spend={"a": 94, "b": 6, "bill": 1})["bill"].name == "k"


def test_openings_that_differ_only_in_their_data_are_one_program() -> None:
    rows = [{"signature": f"s{n}", "api_key": "k", "template_id": f"t{n}", "task_cues": "format"} for n in range(8)]
    same = {f"s{n}": {"uncached_input_tokens": 100_000 + 900 * n, "output_tokens": 20_000} for n in range(8)}
    found, _ = group(signatures(*rows), dict.fromkeys(same, USD), shapes(**same), (), ())
    assert len({one.id for one in found.values()}) == 1
    far = same | {"s7": {"uncached_input_tokens": 900_000, "output_tokens": 20_000}}  # nine times the prompt
    found, _ = group(signatures(*rows), dict.fromkeys(same, USD), shapes(**far), (), ())
    assert len({one.id for one in found.values()}) == 2
    assert (found["s0"].stage, found["s7"].stage) == ("near_duplicate", "template")


def test_one_system_prompt_with_several_kinds_of_request_is_several_workloads() -> None:
    rows = [
        {"signature": "a", "api_key": "k", "system_fp": "helpful", "template_id": "t1", "task_cues": "classify"},
        {"signature": "b", "api_key": "k", "system_fp": "helpful", "template_id": "t2", "task_cues": "summarise"},
    ]
    assert {one.name for one in grouped(*rows).values()} == {"k/classification", "k/summarisation"}
    alike = [row | {"task_cues": "answer"} for row in rows]
    assert {one.name for one in grouped(*alike).values()} == {"k"}


def test_a_system_prompt_that_was_edited_late_keeps_its_template_and_stays_one_workload() -> None:
    rows = [{"signature": f"s{n}", "api_key": "k", "system_fp": f"v{n}", "template_id": "t"} for n in range(3)]
    other = {"signature": "o", "api_key": "k", "system_fp": "x", "template_id": "u"}
    found = grouped(*rows, other)
    assert len({found[f"s{n}"].id for n in range(3)}) == 1
    assert found["o"].id != found["s0"].id


def test_two_big_templates_behind_one_key_are_two_workloads_and_the_rest_stays_with_the_key() -> None:
    found = grouped(*TWO_TEMPLATES)
    assert found["a"].stage == found["b"].stage == "template"
    assert {found[s].name for s in ("a", "b", "bill")} == {"k/classification", "k/summarisation", "k/other"}
    assert found["bill"].stage == "owner"
    assert found["bill"].id == grouped(TWO_TEMPLATES[2])["bill"].id


def test_a_template_under_one_twentieth_of_its_keys_spend_does_not_stand_apart() -> None:
    # 1 of 21 dollars is 4.8 %
    found = grouped(*TWO_TEMPLATES, spend={"a": 20, "b": 1})
    assert found["a"].id == found["b"].id == found["bill"].id
    # 1 of 20 dollars is 5 %
    found = grouped(*TWO_TEMPLATES, spend={"a": 19, "b": 1})
    assert found["a"].id != found["b"].id


def test_a_template_seen_nine_times_does_not_stand_apart() -> None:
    assert len({one.id for one in grouped(*TWO_TEMPLATES, calls={"a": 100, "b": 9}).values()}) == 1
    assert len({one.id for one in grouped(*TWO_TEMPLATES, calls={"a": 100, "b": 10}).values()}) == 3


def test_unpriced_calls_split_by_their_number() -> None:
    found = grouped(*TWO_TEMPLATES, spend={"a": 0, "b": 0, "bill": 0})
    assert found["a"].id != found["b"].id


def test_a_part_that_the_project_names_stays_a_part_however_small() -> None:
    small = grouped(*TWO_TEMPLATES)["b"]
    rule = WorkloadRule(name="Digest", id=small.id, owner="Ann", deadline="24h")
    found = grouped(*TWO_TEMPLATES, spend={"a": 999, "b": 1}, rules=(rule,))
    assert (found["b"].id, found["b"].name, found["b"].owner) == (small.id, "Digest", "Ann")
    assert found["b"].latency == "tolerant"
    assert found["a"].id != found["b"].id


def test_a_chats_first_messages_are_not_templates_but_its_system_prompt_is_one_workload() -> None:
    chat = [{"signature": f"c{n}", "api_key": "k", "system_fp": "chat", "template_id": f"free{n}"} for n in range(40)]
    popular = {"signature": "hi", "api_key": "k", "system_fp": "chat", "template_id": "hello"}
    job = {"signature": "job", "api_key": "k", "system_fp": "job", "template_id": "job"}
    found = grouped(*chat, popular, job, spend={"hi": 8, "job": 30})
    assert len({found[row["signature"]].id for row in (*chat, popular)}) == 1
    assert found["job"].id != found["hi"].id
    assert "system prompt" in found["hi"].why


def test_a_prompt_with_a_changing_header_is_one_workload_by_its_masked_template() -> None:
    rows = [{"signature": f"r{n}", "api_key": "k", "system_fp": f"dated{n}", "template_id": "t"} for n in range(30)]
    other = {"signature": "o", "api_key": "k", "system_fp": "s", "template_id": "u"}
    found = grouped(*rows, other, spend={"o": 10})
    assert len({found[f"r{n}"].id for n in range(30)}) == 1
    assert found["o"].id != found["r0"].id


def test_without_prompts_tools_and_features_tell_programs_apart() -> None:
    found = grouped(
        {"signature": "a", "api_key": "k", "tools_fp": "tools"},
        {"signature": "b", "api_key": "k", "request_features": "images_pdf"},
    )
    assert found["a"].id != found["b"].id
    assert {one.stage for one in found.values()} == {"structure"}


def test_a_feature_used_now_and_then_does_not_split_a_prompt() -> None:
    found = grouped(
        {"signature": "a", "api_key": "k", "template_id": "t", "request_features": "images_pdf"},
        {"signature": "b", "api_key": "k", "template_id": "t"},
    )
    assert found["a"].id == found["b"].id
    assert found["a"].request_features == ("images_pdf",)


def test_versions_of_one_prompt_are_one_workload_named_by_the_oldest() -> None:
    # 900 of 1,000 tokens in equal blocks: 90 %, over the 80 % that makes near-duplicates
    prefixes = {"t1": "a:500 b:400 x:100", "t2": "a:500 b:400 y:100", "t3": "z:1000"}
    rows = [{"signature": s, "api_key": "k", "template_id": t, "system_fp": t}
            for s, t in (("a", "t1"), ("b", "t2"), ("c", "t3"))]  # fmt: skip
    shape = shapes(a={"first_start_us": 5}, b={"first_start_us": 9}, c={"first_start_us": 1})
    table, nano = signatures(*rows), dict.fromkeys("abc", USD)
    found, _ = group(table, nano, shape, (), (), prefixes=prefixes)
    alone, _ = group(table, nano, shape, (), ())
    assert found["a"].id == found["b"].id == alone["a"].id
    assert found["a"].stage == "near_duplicate"
    assert found["c"].id == alone["c"].id
    assert alone["a"].id != alone["b"].id


def test_an_owner_rule_gives_a_workload_its_owner_and_cost_centre() -> None:
    owners = (OwnerRule(owner="Search", cost_center="CC-1", api_key="search-*"), OwnerRule(owner="All", api_key="*"))
    table = signatures({"signature": "a", "api_key": "search-eu"}, {"signature": "b", "api_key": "x"})
    found, _ = group(table, {"a": 1, "b": 1}, shapes(a=1, b=1), (), owners)
    assert (found["a"].owner, found["a"].cost_center) == ("Search", "CC-1")
    assert found["b"].owner == "All"


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        (WorkloadRule(name="x"), "workload-rule-empty"),
        (WorkloadRule(name="x", id="w-12"), "workload-rule-value"),
        (WorkloadRule(name="x", id="w-123456789abc"), "workload-rule-unmet"),
        (WorkloadRule(name="x", api_key="nobody"), "workload-rule-unmet"),
        (WorkloadRule(name="x", api_key="k", task="poetry"), "workload-rule-value"),
        (WorkloadRule(name="x", api_key="k", latency="slow"), "workload-rule-value"),
        (WorkloadRule(name="x", api_key="k", deadline="soon"), "workload-rule-value"),
        (WorkloadRule(name="x", api_key="k", data_use="maybe"), "workload-rule-value"),
    ],
)
def test_a_rule_that_cannot_be_used_is_one_problem(rule: WorkloadRule, code: str) -> None:
    _, problems = group(signatures({"signature": "s", "api_key": "k"}), {"s": 1}, shapes(s=1), (rule,), ())
    assert [problem.code for problem in problems] == [code]
    assert problems[0].row == 1
    assert problems[0].next_step


def test_a_rule_without_conditions_takes_no_calls() -> None:
    found, _ = group(
        signatures({"signature": "s", "api_key": "k"}), {"s": 1}, shapes(s=1), (WorkloadRule(name="x"),), ()
    )
    assert found["s"].name == "k"


def test_only_names_that_collide_get_digits_of_their_id() -> None:
    assert distinct({"w-aaaa11112222": "a", "w-bbbb11112222": "b", "w-cccc11112222": "a"}) == {
        "w-aaaa11112222": "a-aaaa",
        "w-bbbb11112222": "b",
        "w-cccc11112222": "a-cccc",
    }


def test_a_schedule_over_days_makes_a_workload_tolerant() -> None:
    table = signatures({"signature": "s", "api_key": "k"})
    day_us = 86_400_000_000
    for days, latency in ((7, "tolerant"), (6, "unknown")):
        shape = shapes(s={"first_start_us": day_us, "last_start_us": (1 + days) * day_us})
        found, _ = group(table, {"s": 1}, shape, (), (), hours=hours("s", {2: 90, 3: 10}))
        assert found["s"].latency == latency


def test_an_empty_ledger_has_no_workloads() -> None:
    assert group(signatures(), {}, shapes(), (), ()) == ({}, [])
