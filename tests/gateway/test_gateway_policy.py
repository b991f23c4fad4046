"""A policy at work: who is moved, who is not, what is refused, and what it costs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import msgspec
import pytest
from served import KEY, Served, serving, settings
from test_gateway_sdk import ASK, HAIKU, records

from baseload.demo.upstream.faults import Fault
from baseload.demo.upstream.server import Upstream
from baseload.gateway.state.keys import new_key
from baseload.gateway.state.records import KeyScope
from baseload.usage.gateway_records import End, Start

OPUS = "claude-opus-4-8"
POLICY = """schema_version: 1
entries:
  - workload: {id: triage}
    match: {tag: {app: triage}}
    decision: pin
    model: claude-haiku-4-5
    verdict_id: v1
    cache:
      marks:
        - {section: system, after: "system:0", ttl: 5m}
"""
AT_ONCE = '[policy]\nstart = "at_once"\nholdback = 0.0\n'
TAGGED = {"x-baseload-tag-app": "triage"}
LONG = "You sort letters. " * 2_000


_OPEN: list[anthropic.Anthropic] = []


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """Every client of a test is closed after it."""
    yield
    while _OPEN:
        _OPEN.pop().close()


def client(gateway: Served, key: str = "sk-ant-caller") -> anthropic.Anthropic:
    _OPEN.append(anthropic.Anthropic(base_url=gateway.base_url, api_key=key, max_retries=0))
    return _OPEN[-1]


def asked(upstream: Upstream) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(upstream.requests[-1].body)
    return found


def test_a_tagged_request_goes_to_the_pinned_model_with_its_marks_and_an_untagged_one_does_not(
    upstream: Upstream, tmp_path: Path
) -> None:
    with serving(settings(upstream.base_url, AT_ONCE, POLICY, tmp_path)) as gateway:
        given: dict[str, Any] = {"model": OPUS, "max_tokens": 30, "messages": ASK, "system": LONG}
        moved = client(gateway).messages.with_raw_response.create(**given, extra_headers=TAGGED)
        assert moved.headers["x-baseload-model"] == "claude-haiku-4-5-20251001"
        assert moved.headers["x-baseload-reason"] == "candidate"
        sent = asked(upstream)
        assert sent["model"] == moved.parse().model == HAIKU
        assert sent["system"] == [{"type": "text", "text": LONG, "cache_control": {"type": "ephemeral"}}]
        assert sent["messages"] == ASK
        assert not any(name.lower().startswith("x-baseload") for name, _ in upstream.requests[-1].headers)
        kept = client(gateway).messages.create(**given)
        assert asked(upstream) == given
        assert kept.model == OPUS
    starts = [record for record in records(tmp_path) if isinstance(record, Start)]
    assert [(one.workload, one.model, one.sent_model, one.reason) for one in starts] == [
        ("triage", OPUS, HAIKU, "candidate"),
        ("", OPUS, "", "no-entry"),
    ]


def test_a_caller_pins_the_original_by_one_header(upstream: Upstream, tmp_path: Path) -> None:
    with serving(settings(upstream.base_url, AT_ONCE, POLICY, tmp_path)) as gateway:
        given: dict[str, Any] = {"model": OPUS, "max_tokens": 30, "messages": ASK, "system": LONG}
        client(gateway).messages.create(**given, extra_headers={**TAGGED, "x-baseload-pin": "original"})
        assert asked(upstream) == given


def test_without_a_stage_of_its_own_a_route_rests_in_shadow(upstream: Upstream, tmp_path: Path) -> None:
    with serving(settings(upstream.base_url, "", POLICY, tmp_path)) as gateway:
        raw = client(gateway).messages.with_raw_response.create(
            model=OPUS, max_tokens=30, messages=ASK, extra_headers=TAGGED
        )
        assert raw.headers["x-baseload-reason"] in ("shadow", "holdback")
        assert asked(upstream)["model"] == OPUS


def test_what_the_target_refuses_goes_out_as_its_caller_wrote_it(upstream: Upstream, tmp_path: Path) -> None:
    """The caller began the answer itself, which Opus 4.5 takes and Sonnet 5.5 does not."""
    policy = POLICY.replace("claude-haiku-4-5", "claude-sonnet-5-5")
    with serving(settings(upstream.base_url, AT_ONCE, policy, tmp_path)) as gateway:
        given: dict[str, Any] = {
            "model": "claude-opus-4-5",
            "max_tokens": 30,
            "messages": [*ASK, {"role": "assistant", "content": "My answer is"}],
        }
        raw = client(gateway).messages.with_raw_response.create(**given, extra_headers=TAGGED)
        assert asked(upstream) == given
        assert raw.parse().content
        assert (raw.headers["x-baseload-model"], raw.headers["x-baseload-reason"]) == ("claude-opus-4-5", "refused")
    (start,) = [record for record in records(tmp_path) if isinstance(record, Start)]
    assert (start.sent_model, start.reason, start.effort) == ("", "refused", "")
    (rule,) = start.changes
    assert rule.startswith("refused prefill")
    assert "My answer is" not in rule


def test_the_effort_of_the_record_is_the_one_that_was_sent(upstream: Upstream, tmp_path: Path) -> None:
    """Low is wanted. Opus 4.8 has effort; Haiku 4.5 has none, so the body has none either; what is refused keeps its
    own."""
    given: dict[str, Any] = {"model": "claude-opus-4-5", "max_tokens": 30, "messages": ASK}
    prefilled = {**given, "messages": [*ASK, {"role": "assistant", "content": "My answer is"}]}
    for number, (model, body, expected) in enumerate(
        [("claude-opus-4-8", given, "low"), ("claude-haiku-4-5", given, ""), ("claude-sonnet-5-5", prefilled, "")]
    ):
        folder = tmp_path / str(number)
        policy = POLICY.replace("model: claude-haiku-4-5", f"model: {model}\n    effort: low")
        with serving(settings(upstream.base_url, AT_ONCE, policy, folder)) as gateway:
            client(gateway).messages.create(**body, extra_headers=TAGGED)
        sent = asked(upstream).get("output_config", {}).get("effort", "")
        (start,) = [record for record in records(folder) if isinstance(record, Start)]
        assert (start.effort, sent) == (expected, expected)


@pytest.mark.parametrize("status", [400, 404, 413])
def test_an_edit_that_the_upstream_refuses_is_taken_back(upstream: Upstream, tmp_path: Path, status: int) -> None:
    """Its caller sees one answer, the original's; both attempts are on record."""
    given: dict[str, Any] = {"model": OPUS, "max_tokens": 30, "messages": ASK, "system": LONG}
    with serving(settings(upstream.base_url, AT_ONCE, POLICY, tmp_path)) as gateway:
        upstream.faults.add(Fault(kind="status", status=status))
        raw = client(gateway).messages.with_raw_response.create(**given, extra_headers=TAGGED)
        assert raw.parse().model == raw.headers["x-baseload-model"] == OPUS
        assert raw.headers["x-baseload-reason"] == "refused-upstream"
        assert asked(upstream) == given
    found = records(tmp_path)
    starts = [one for one in found if isinstance(one, Start)]
    assert [(one.attempt, one.sent_model, one.reason) for one in starts] == [
        (1, HAIKU, "candidate"),
        (2, "", "refused-upstream"),
    ]
    assert [one.status for one in found if isinstance(one, End)] == [status, 200]


def test_a_mistake_of_the_callers_own_is_told_once(upstream: Upstream, tmp_path: Path) -> None:
    with serving(settings(upstream.base_url, AT_ONCE, POLICY, tmp_path)) as gateway:
        before = len(upstream.requests)
        with pytest.raises(anthropic.BadRequestError):
            client(gateway).messages.create(model=OPUS, max_tokens=30, messages=[], extra_headers=TAGGED)
        assert len(upstream.requests) - before <= 2


def test_with_virtual_keys_the_callers_credential_never_goes_upstream(upstream: Upstream, tmp_path: Path) -> None:
    made = new_key("team", KeyScope(), 0)
    limited = new_key("small", KeyScope(models=("claude-haiku*",)), 0)
    loaded = settings(upstream.base_url, "", "", tmp_path)
    loaded = msgspec.structs.replace(loaded, config=msgspec.structs.replace(loaded.config, virtual_keys=True))
    with serving(loaded, env={"ANTHROPIC_API_KEY": "sk-ant-ours"}) as gateway:
        for key in (made, limited):
            gateway.call(lambda key=key: gateway.gateway.state(lambda store: store.add_key(key.row)))
        gateway.call(lambda: gateway.gateway._changed(frozenset({"keys"})))
        given: dict[str, Any] = {"model": OPUS, "max_tokens": 30, "messages": ASK}
        client(gateway, made.secret).messages.create(**given)
        sent = {name.lower(): value for name, value in upstream.requests[-1].headers}
        assert sent["x-api-key"] == "sk-ant-ours"
        assert made.secret not in str(upstream.requests[-1].headers)
        before = len(upstream.requests)
        with pytest.raises(anthropic.AuthenticationError):
            client(gateway, "sk-ant-caller").messages.create(**given)
        with pytest.raises(anthropic.PermissionDeniedError):
            client(gateway, limited.secret).messages.create(**given)
        assert len(upstream.requests) == before
        gateway.call(lambda: gateway.gateway.state(lambda store: store.revoke_key(made.row.key_id, 1)))
        gateway.call(lambda: gateway.gateway._changed(frozenset({"keys"})))
        with pytest.raises(anthropic.AuthenticationError):
            client(gateway, made.secret).messages.create(**given)
    text = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert made.secret.encode() not in text
    assert b"sk-ant-ours" not in text


def test_revoking_the_last_key_opens_nothing_and_no_virtual_key_goes_upstream(
    upstream: Upstream, tmp_path: Path
) -> None:
    """`virtual_keys` is left to what is in the store: a key that was ever made keeps callers asked for one."""
    made, stray = new_key("team", KeyScope(), 0), new_key("stray", KeyScope(), 0)
    given: dict[str, Any] = {"model": OPUS, "max_tokens": 30, "messages": ASK}
    with serving(settings(upstream.base_url, "", "", tmp_path), env={"ANTHROPIC_API_KEY": "sk-ant-ours"}) as gateway:
        with pytest.raises(anthropic.AuthenticationError):
            client(gateway, stray.secret).messages.create(**given)
        assert len(upstream.requests) == 0
        assert client(gateway).messages.create(**given)
        gateway.call(lambda: gateway.gateway.state(lambda store: store.add_key(made.row)))
        gateway.call(lambda: gateway.gateway.state(lambda store: store.revoke_key(made.row.key_id, 1)))
        gateway.call(lambda: gateway.gateway._changed(frozenset({"keys"})))
        for secret in ("sk-ant-caller", made.secret):
            with pytest.raises(anthropic.AuthenticationError):
                client(gateway, secret).messages.create(**given)
        assert len(upstream.requests) == 1


def test_a_budget_that_is_used_up_refuses_before_anything_is_sent(upstream: Upstream, tmp_path: Path) -> None:
    """A call reserves about 2.9 cents (1,000 tokens of Opus at the dearest) and costs about a tenth of one."""
    with serving(settings(upstream.base_url, '[[budget]]\nusd = "0.05"\n', "", tmp_path)) as gateway:
        given: dict[str, Any] = {"model": OPUS, "max_tokens": 1_000, "messages": ASK}
        served = 0
        for _ in range(60):
            before = len(upstream.requests)
            try:
                client(gateway).messages.create(**given)
            except anthropic.RateLimitError:
                assert len(upstream.requests) == before
                break
            served += 1
        else:
            pytest.fail("the budget never refused")
    ends = [record for record in records(tmp_path) if isinstance(record, End)]
    assert len(ends) == served > 1
    spent = [end.cost_nano for end in ends if end.cost_nano is not None]
    assert len(spent) == served
    assert 0 < sum(spent) <= 50_000_000


def test_fingerprints_are_those_the_ledger_has(upstream: Upstream, tmp_path: Path) -> None:
    with serving(settings(upstream.base_url, "", "", tmp_path)) as gateway:
        client(gateway).messages.create(model=OPUS, max_tokens=30, messages=ASK, system=LONG)
    start = next(record for record in records(tmp_path) if isinstance(record, Start))
    from baseload.usage.features import features_of

    features = features_of({"model": OPUS, "max_tokens": 30, "messages": ASK, "system": LONG}, KEY)
    assert (start.template_id, start.system_fp, start.tools_fp) == (
        features.template_id,
        features.system_fp,
        features.tools_fp,
    )
