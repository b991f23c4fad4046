"""What of a policy each export carries, and what it says of the rest."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from baseload.gateway.export import envoy, litellm
from baseload.gateway.export.envoy_lua import text
from baseload.gateway.export.envoy_rules import rules_of
from baseload.gateway.export.parts import Exported
from baseload.levers.options import CacheMark
from baseload.plan.policy import Batch, Cache, Entry, Match, Policy, Router, WorkloadRef, policy
from baseload.prices.load import load_book

BOOK = load_book()
OPUS, HAIKU = "claude-opus-4-8", "claude-haiku-4-5"
MARKS = Cache(marks=(CacheMark(section="system", after="system:0", ttl="5m"),))


def entry(name: str, match: Match, **more: Any) -> Entry:
    fields: dict[str, Any] = {"decision": "pin", "model": HAIKU, "verdict_id": "v", **more}
    if fields["decision"] == "leave":
        fields |= {"model": "", "verdict_id": ""}
    return Entry(workload=WorkloadRef(id=name), match=match, **fields)


def made(*entries: Entry) -> Policy:
    return policy(entries, created="2026-11-23", prices_checked="2026-11-21")


def to_envoy(*entries: Entry, **more: Any) -> Exported:
    return envoy.exported(made(*entries), BOOK, upstream="https://api.anthropic.com", port=8788, **more)


def lost(found: Exported) -> list[tuple[str, str]]:
    return [(one.workload, one.extent) for one in found.lost]


TAG = Match(tag={"app": "letters"})
ROUTE = {"decision": "route", "router": Router(path="r.json", sha256="0" * 64), "model": OPUS}
BATCH = Batch(deadline="4h")


@pytest.mark.parametrize(
    ("given", "of_litellm", "of_envoy"),
    [
        (entry("a", TAG), [], []),
        (entry("a", TAG, decision="leave"), [], []),
        (entry("a", TAG, cache=MARKS), [], [("a", "part")]),
        (entry("a", TAG, decision="leave", cache=MARKS), [], [("a", "entry")]),
        (entry("a", TAG, batch=BATCH), [("a", "part")], [("a", "part")]),
        (entry("a", TAG, decision="leave", batch=BATCH), [("a", "entry")], [("a", "entry")]),
        (entry("a", TAG, **ROUTE), [("a", "entry")], [("a", "entry")]),
        (entry("a", TAG, pin_original=True, batch=BATCH), [], []),
        (entry("a", Match(system_fp=("f",))), [], [("a", "entry")]),
        (entry("a", Match(system_fp=("f",)), pin_original=True), [], []),
        (entry("a", Match(api_key=("night",))), [], [("a", "entry")]),
        (entry("a", Match(api_key=("*",))), [], []),
        (entry("a", Match(tag={"app": "Straße"})), [], [("a", "entry")]),
        (entry("a", TAG, model="claude-of-tomorrow"), [("a", "entry")], [("a", "entry")]),
    ],
)
def test_what_is_lost_is_said(given: Entry, of_litellm: list[Any], of_envoy: list[Any]) -> None:
    assert lost(litellm.exported(made(given), "", BOOK)) == of_litellm
    assert lost(to_envoy(given)) == of_envoy


def test_every_loss_is_a_problem_with_a_next_step() -> None:
    found = to_envoy(entry("a", TAG, cache=MARKS), entry("b", Match(system_fp=("f",)))).problems
    assert [(one.code, one.value) for one in found] == [("partly-exported", "a"), ("not-exported", "b")]
    assert all(one.next_step and one.message for one in found)


def test_envoy_does_not_take_along_requests_of_an_entry_it_cannot_see() -> None:
    hidden = entry("hidden", Match(tag={"app": "letters"}, system_fp=("f",)), decision="leave")
    apart = entry("apart", Match(tag={"app": "parcels"}))
    wide = entry("wide", Match(tag={"app": "let*"}))
    by_key = entry("by-key", Match(api_key=("night",)))
    found = to_envoy(hidden, apart, wide, by_key, keys={"night": "NIGHT_KEY"})
    assert lost(found) == [("wide", "entry"), ("by-key", "entry")]
    assert found.workloads == ("apart",)


def test_stronger_claims_are_tried_first() -> None:
    one_tag, two_tags = entry("z", TAG), entry("y", Match(tag={"app": "letters", "use_case": "legal"}))
    key_too = entry("x", Match(tag={"app": "letters"}, api_key=("*",)))
    found = rules_of(made(one_tag, two_tags, key_too), BOOK, {})
    assert [rule.workload for rule in found.rules] == ["y", "x", "z"]


def test_a_move_that_needs_more_than_fixed_members_is_not_made() -> None:
    found = rules_of(made(entry("a", TAG, from_models=(OPUS,))), BOOK, {}).rules[0].moves[0]
    assert (found.names, found.target, found.members) == (("claude-opus-4-8",), "claude-haiku-4-5-20251001", {})
    assert {"temperature", "thinking", "output_config"} <= set(found.not_members)
    assert found.most_tokens == 64_000
    newer = rules_of(made(entry("a", TAG, model="claude-sonnet-5-5", from_models=(OPUS,))), BOOK, {}).rules[0].moves[0]
    assert newer.members == {"thinking": '{"type":"between_tools"}'}
    assert "tool_choice" in newer.not_members  # a forced tool is refused beside thinking
    assert newer.not_prefilled


def test_no_key_and_no_address_of_a_secret_is_in_the_files() -> None:
    found = to_envoy(entry("a", Match(api_key=("night",))), keys={"night": "NIGHT_KEY"})
    assert found.lost == ()
    assert 'os.getenv("NIGHT_KEY")' in found.files[envoy.BOOTSTRAP]


def test_text_of_a_policy_is_only_text_in_lua_and_yaml() -> None:
    hostile = 'x"] = 1}; os.execute("touch /") --\n]]'
    found = to_envoy(entry(hostile, Match(tag={"app": hostile})), entry("b", Match(agent=(hostile,))))
    read = yaml.safe_load(found.files[envoy.BOOTSTRAP])
    filters = read["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]["http_filters"]
    lua = filters[0]["typed_config"]["default_source_code"]["inline_string"]
    assert "os.execute(" in lua
    assert 'os.execute("' not in lua
    assert text('"\\\n') == '"\\034\\092\\010"'
    assert text("é") == '"\\195\\169"'


def test_tls_is_verified_by_name() -> None:
    cluster = yaml.safe_load(to_envoy(entry("a", TAG)).files[envoy.BOOTSTRAP])["static_resources"]["clusters"][0]
    context = cluster["transport_socket"]["typed_config"]
    assert context["sni"] == "api.anthropic.com"
    names = context["common_tls_context"]["validation_context"]["match_typed_subject_alt_names"]
    assert names == [{"san_type": "DNS", "matcher": {"exact": "api.anthropic.com"}}]
    assert cluster["type"] == "STRICT_DNS"


def test_litellms_files_are_yaml_and_python_whatever_the_names() -> None:
    text_ = "schema_version: 1\n"
    found = litellm.exported(
        made(entry("a", TAG)), text_, BOOK, names={'o"pus: x': OPUS}, upstream="http://127.0.0.1:1"
    )
    compile(found.files[litellm.PLUGIN], litellm.PLUGIN, "exec")
    config = yaml.safe_load(found.files[litellm.CONFIG])
    assert [model["model_name"] for model in config["model_list"]] == ["claude-*", 'o"pus: x']
    assert config["model_list"][1]["litellm_params"]["model"] == "anthropic/claude-opus-4-8"
    assert config["litellm_settings"]["callbacks"] == ["baseload_litellm.plugin"]
    assert found.files[litellm.POLICY] == text_
