"""The policy file: what it may say, what it hashes to, what is read back, and what is refused with which words."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from baseload.levers.options import CacheMark
from baseload.plan.policy import (
    Batch,
    Cache,
    Entry,
    Match,
    Policy,
    PolicyError,
    Router,
    WorkloadRef,
    policy,
    policy_id,
)
from baseload.plan.policy_read import MOST_BYTES, read_policy
from baseload.plan.policy_schema import policy_schema
from baseload.plan.policy_write import scalar, write_policy

TRIAGE = Entry(
    workload=WorkloadRef(id="w-1", name="triage", owner="Ann: platform"),
    match=Match(tag={"app": "support", "use_case": "no"}, template_ids=tuple(f"{index:032x}" for index in range(5))),
    decision="pin",
    model="claude-haiku-5-5",
    effort="low",
    from_models=("claude-opus-5-5",),
    cache=Cache(
        marks=(
            CacheMark(section="tools", after="last_tool", ttl="1h"),
            CacheMark(section="system", after="system:0", ttl="1h"),
            CacheMark(section="messages", after="message:2", ttl="5m"),
            CacheMark(section="messages", after="tail", ttl="5m"),
        ),
        keep_alive=True,
    ),
    batch=Batch(deadline="4h", window="15m"),
    verdict_id="a" * 64,
)
ROUTED = Entry(
    workload=WorkloadRef(id="w-2"),
    match=Match(api_key=("prod-*",)),
    decision="route",
    model="claude-opus-5-5",
    router=Router(path="router.json", sha256="0" * 64),
    verdict_id="b" * 64,
)
LEFT = Entry(workload=WorkloadRef(id="w-3"), pin_original=True)


def made(*entries: Entry) -> Policy:
    return policy(entries, created="2026-11-22", prices_checked="2026-11-21")


def read(text: str) -> Policy:
    return read_policy(text.encode())


def refusal(text: str | bytes) -> str:
    with pytest.raises(PolicyError) as caught:
        read_policy(text if isinstance(text, bytes) else text.encode())
    return str(caught.value)


def test_what_is_written_is_read_back() -> None:
    one = made(TRIAGE, ROUTED, LEFT)
    assert read(write_policy(one, {"w-1": ["Runs on Opus.\nSaves: a lot # really"]})) == one


def test_an_empty_policy_is_written_and_read_back() -> None:
    assert read(write_policy(made())) == made()


_WORDS = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)


@settings(max_examples=80, deadline=None)
@given(
    _WORDS, _WORDS, st.dictionaries(st.text(min_size=1, max_size=8), _WORDS, max_size=3), st.lists(_WORDS, max_size=3)
)
def test_any_text_survives_the_file(name: str, owner: str, tag: dict[str, str], keys: list[str]) -> None:
    """Controls, quotes, colons, YAML's own words: names come from logs."""
    kept = {key: value for key, value in tag.items() if value}
    match = Match(tag=kept, api_key=tuple(key for key in keys if key))
    one = made(Entry(workload=WorkloadRef(id="w-1", name=name, owner=owner), match=match))
    written = write_policy(one, {"w-1": [name, owner]})
    assert read(written) == one
    assert yaml.safe_load(written)["entries"][0]["workload"].get("name", "") == name


@pytest.mark.parametrize(
    "word", ["yes", "No", "null", "~", "1", "1.5", "2026-11-22", "0x1f", "- a", "a: b", "", "on", "{"]
)
def test_text_that_yaml_would_take_for_something_else_is_quoted(word: str) -> None:
    assert yaml.safe_load(scalar(word)) == word


# the id


def test_the_id_is_stable_under_order_layout_comments_and_dates() -> None:
    """The same decisions a day later, hand-written in another order and layout, are the same policy."""
    by_hand = f"""
# a comment
entries:
- {{workload: {{owner: x, id: w-2}}, decision: route, model: claude-opus-5-5,
   router: {{sha256: "{"0" * 64}", path: router.json}}, verdict_id: {"b" * 64}, match: {{api_key: ["prod-*"]}}}}
- {{pin_original: true, workload: {{id: w-3, name: other}}}}
schema_version: 1
"""
    assert read(by_hand).policy_id == made(LEFT, ROUTED).policy_id


CHANGES: dict[str, Callable[[Entry], Entry]] = {
    "model": lambda one: replace(one, model="claude-sonnet-5-5"),
    "effort": lambda one: replace(one, effort="high"),
    "from_models": lambda one: replace(one, from_models=()),
    "match": lambda one: replace(one, match=Match(tag={"app": "support"})),
    "cache": lambda one: replace(one, cache=None),
    "keep_alive": lambda one: replace(one, cache=replace(one.cache, keep_alive=False)),  # type: ignore[type-var]  # set
    "batch": lambda one: replace(one, batch=Batch(deadline="5h", window="15m")),
    "verdict": lambda one: replace(one, verdict_id="c" * 64),
    "workload": lambda one: replace(one, workload=replace(one.workload, id="w-9")),
}


@pytest.mark.parametrize("what", CHANGES)
def test_another_decision_has_another_id(what: str) -> None:
    assert policy_id(made(CHANGES[what](TRIAGE))) != policy_id(made(TRIAGE))


def test_an_owner_opts_out_in_one_line_without_a_new_id() -> None:
    text = write_policy(made(TRIAGE, ROUTED))
    opted = text.replace("pin_original: false", "pin_original: true", 1)
    found = read(opted)
    assert [entry.pin_original for entry in found.entries].count(True) == 1
    assert found.policy_id == made(TRIAGE, ROUTED).policy_id


def test_a_changed_decision_under_the_old_id_is_refused_with_the_way_out() -> None:
    said = refusal(write_policy(made(TRIAGE)).replace("effort: low", "effort: high"))
    assert "policy_id: 'p-" in said
    assert "delete the line policy_id" in said


def test_a_file_without_an_id_gets_the_one_it_hashes_to() -> None:
    assert read("schema_version: 1\nentries:\n- {workload: {id: w-3}}").policy_id == made(LEFT).policy_id


# what is refused

HEAD = "schema_version: 1\nentries:\n"
REFUSED = {
    "empty": ("", "empty; expected schema_version and entries"),
    "only a list": ("- a", "a list; expected a mapping with schema_version and entries"),
    "no entries": ("schema_version: 1", "no entries; expected one at the top level"),
    "another version": ("schema_version: 2\nentries: []", "schema_version: '2'; expected 1"),
    "a nested version": ("schema_version: [1]\nentries: []", "schema_version: a list; expected 1"),
    "unknown key": (HEAD + "- {workload: {id: w}, colour: red}", "entries[0]: Object contains unknown field `colour`"),
    "unknown key of a mark": (
        HEAD + "- {workload: {id: w}, cache: {marks: [{section: tools, after: last_tool, ttl: 5m, x: 1}]}}",
        "entries[0].cache.marks[0]: Object contains unknown field `x`",
    ),
    "no workload": (HEAD + "- {decision: leave}", "entries[0]: Object missing required field `workload`"),
    "empty id": (HEAD + "- {workload: {id: ''}}", "entries[0].workload.id: ''"),
    "wrong type": (HEAD + "- {workload: {id: w}, pin_original: maybe}", "entries[0].pin_original: 'maybe'"),
    "text for a list": (
        HEAD + "- {workload: {id: w}, match: {agent: bot}}",
        "entries[0].match.agent: 'bot'; Expected a list",
    ),
    "unknown decision": (HEAD + "- {workload: {id: w}, decision: drop}", "entries[0].decision: 'drop'"),
    "pin to nothing": (HEAD + "- {workload: {id: w}, decision: pin}", "entries[0]: decision pin without a model"),
    "leave with a model": (HEAD + "- {workload: {id: w}, model: m}", "decision leave with a model"),
    "route without a router": (HEAD + "- {workload: {id: w}, decision: route, model: m}", "belongs to decision route"),
    "pin with a router": (
        HEAD + f"- {{workload: {{id: w}}, decision: pin, model: m, router: {{path: r, sha256: '{'0' * 64}'}}}}",
        "belongs to decision route alone",
    ),
    "a pin nobody tried": (
        HEAD + "- {workload: {id: w-7}, decision: pin, model: m}",
        "entries[0]: workload 'w-7': verdict_id is empty at decision pin; expected the id of the trial that allows m",
    ),
    "a route nobody tried": (
        HEAD + f"- {{workload: {{id: w}}, decision: route, model: m, router: {{path: r, sha256: '{'0' * 64}'}}}}",
        "entries[0]: workload 'w': verdict_id is empty at decision route",
    ),
    "a day that is none": (
        "schema_version: 1\nentries: []\ncreated: '2026-02-30'",
        "created '2026-02-30' is no day; expected YYYY-MM-DD of the calendar",
    ),
    "prices of no day": ("schema_version: 1\nentries: []\nprices_checked: '2026-13-01'", "prices_checked '2026-13-01'"),
    "a hash that is none": (
        HEAD + "- {workload: {id: w}, decision: route, model: m, router: {path: r, sha256: abc}}",
        "entries[0].router.sha256: 'abc'",
    ),
    "five marks": (
        HEAD + "- {workload: {id: w}, cache: {marks: ["
        + ", ".join(f"{{section: system, after: 'system:{index}', ttl: 5m}}" for index in range(5)) + "]}}",
        "entries[0].cache: 5 marks; expected at most 4",
    ),
    "marks out of order": (
        HEAD + "- {workload: {id: w}, cache: {marks: [{section: messages, after: tail, ttl: 5m},"
        " {section: tools, after: last_tool, ttl: 5m}]}}",
        "marks out of order",
    ),
    "the same mark twice": (
        HEAD + "- {workload: {id: w}, cache: {marks: [{section: messages, after: tail, ttl: 5m},"
        " {section: messages, after: tail, ttl: 5m}]}}",
        "each place once",
    ),
    "an hour after five minutes": (
        HEAD + "- {workload: {id: w}, cache: {marks: [{section: tools, after: last_tool, ttl: 5m},"
        " {section: messages, after: tail, ttl: 1h}]}}",
        "entries[0].cache: a 1h mark after a 5m mark",
    ),
    "a mark nowhere": (
        HEAD + "- {workload: {id: w}, cache: {marks: [{section: tools, after: tail, ttl: 5m}]}}",
        "mark after 'tail' in tools; expected last_tool",
    ),
    "no such ttl": (
        HEAD + "- {workload: {id: w}, cache: {marks: [{section: tools, after: last_tool, ttl: 2h}]}}",
        "entries[0].cache.marks[0].ttl: '2h'",
    ),
    "a deadline in words": (
        HEAD + "- {workload: {id: w}, batch: {deadline: soon}}",
        "entries[0].batch.deadline: 'soon'",
    ),
    "no time to gather": (
        HEAD + "- {workload: {id: w}, batch: {deadline: 10m, window: 10m}}",
        "entries[0].batch: window 10m of deadline 10m; expected 0 < window < deadline",
    ),
    "two entries of a workload": (
        HEAD + "- {workload: {id: w}}\n- {workload: {id: w}}",
        "workload 'w' has two entries",
    ),
    "a key twice": ("schema_version: 1\nentries: []\nentries: []", "line 3: the key 'entries' is given twice"),
    "an anchor": ("schema_version: 1\nentries: &a []", "line 2: an anchor (&)"),
    "an alias": ("schema_version: 1\nentries: *a", "line 2: "),
    "a tag": ("schema_version: 1\nentries: !!python/object/apply:os.system [ls]", "line 2: the tag "),
    "a merge key": ("schema_version: 1\nentries: []\n<<: {a: 1}", "unknown field `<<`"),
    "a list as key": ("{[a]: b}", "line 1: a list as a key; expected text"),
    "two documents": ("a: 1\n---\nb: 2", "a second document; expected one"),
    "broken": ("a: [", "not readable as YAML: line "),
    "a null byte": ("\x00", "not readable as YAML"),
    "a huge text": (HEAD + f"- {{workload: {{id: w, name: {'x' * 501}}}}}", "entries[0].workload.name: 'x"),
}  # fmt: skip


@pytest.mark.parametrize("why", REFUSED)
def test_a_bad_file_is_refused_with_its_place_and_the_page_to_read(why: str) -> None:
    text, expected = REFUSED[why]
    said = refusal(text)
    assert said.startswith("policy.yaml: ")
    assert expected in said
    assert len(said) < 400
    assert "docs/reference/policy.md" in said or "hand" in said


def test_a_billion_laughs_cost_nothing() -> None:
    bomb = "a: &a [x, x]\n" + "\n".join(f"b{index}: &b{index} [*a, *a]" for index in range(50))
    assert "an anchor (&)" in refusal(bomb)


@pytest.mark.parametrize("opening", [b"[", b"{a: ", b"- ", b"? "])
def test_deep_nesting_is_refused_and_not_followed(opening: bytes) -> None:
    assert "nested more than 10 deep" in refusal(opening * 200_000)


def test_a_file_beyond_any_policy_is_not_even_parsed() -> None:
    assert "expected at most 16,777,216" in refusal(b" " * (MOST_BYTES + 1))


def test_a_file_that_is_not_utf8_says_where() -> None:
    assert "not UTF-8 at byte 3" in refusal(b"abc\xff")


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.binary(max_size=200), st.text("[]{}:,-&*!|>'\"#%@` \nabc", max_size=80).map(str.encode)))
def test_no_bytes_escape_as_another_error(data: bytes) -> None:
    with contextlib.suppress(PolicyError):
        read_policy(data)


def test_a_value_in_an_error_is_shortened() -> None:
    said = refusal(HEAD + f"- {{workload: {{id: w}}, decision: {'secret' * 50}}}")
    assert "secret" * 10 in said
    assert "secret" * 11 not in said
    assert "k" * 61 not in refusal(HEAD + f"- {{workload: {{id: w}}, {'k' * 300}: 1}}")


# the schema


def test_the_committed_schema_is_the_one_of_the_records(root: Path) -> None:
    """Run `python tools/policy_schema.py` when the records change."""
    assert (root / "docs" / "reference" / "policy.schema.json").read_bytes() == policy_schema()


def test_the_schema_knows_every_key_a_full_policy_has() -> None:
    schema: dict[str, Any] = msgspec.json.decode(policy_schema())
    known = {name for part in schema["$defs"].values() for name in part.get("properties", {})}
    assert keys(msgspec.to_builtins(made(TRIAGE, ROUTED, LEFT))) - {"app", "use_case"} <= known


def keys(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value) | {name for one in value.values() for name in keys(one)}
    return {name for one in value for name in keys(one)} if isinstance(value, list | tuple) else set()


def test_the_reference_names_every_key(root: Path) -> None:
    text = (root / "docs" / "reference" / "policy.md").read_text(encoding="utf-8")
    schema: dict[str, Any] = msgspec.json.decode(policy_schema())
    for part in schema["$defs"].values():
        assert [name for name in part.get("properties", {}) if f"`{name}`" not in text] == []


def test_the_example_of_the_reference_is_a_policy(root: Path) -> None:
    """The full example in the docs is read by the program, and the words of it are those the program writes."""
    text = (root / "docs" / "reference" / "policy.md").read_text(encoding="utf-8")
    example = text.split("```yaml\n")[1].split("```")[0]
    found = read(example)
    assert {entry.decision for entry in found.entries} == {"pin", "route", "leave"}
