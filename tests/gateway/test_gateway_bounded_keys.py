"""A virtual key that is held to models, workloads or a budget stays held: by any path, any body, any fault of ours."""

from __future__ import annotations

import http.client
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

import msgspec
import pytest
from served import KEY, Served, serving, settings

from baseload.demo.upstream.server import Upstream
from baseload.gateway import door as door_module
from baseload.gateway.state.keys import new_key
from baseload.gateway.state.records import KeyScope

DEAR = b'{"model":"claude-opus-4-8","max_tokens":30,"messages":[{"role":"user","content":"x"}]}'
CHEAP = DEAR.replace(b"claude-opus-4-8", b"claude-haiku-4-5")
HELD = KeyScope(models=("claude-haiku*",), account=True)


@contextmanager
def keyed(
    upstream: Upstream, folder: Path, scope: KeyScope, more: str = "", policy: str = ""
) -> Iterator[tuple[Served, str]]:
    """A gateway that takes one virtual key of this scope."""
    made = new_key("team", scope, 0)
    loaded = settings(upstream.base_url, more, policy, folder)
    loaded = msgspec.structs.replace(loaded, config=msgspec.structs.replace(loaded.config, virtual_keys=True))
    with serving(loaded, env={"ANTHROPIC_API_KEY": "sk-ant-ours"}) as gateway:
        gateway.call(lambda: gateway.gateway.state(lambda store: store.add_key(made.row)))
        gateway.call(lambda: gateway.gateway._changed(frozenset({"keys"})))
        yield gateway, made.secret


def status(
    gateway: Served,
    key: str,
    body: bytes,
    path: str = "/v1/messages",
    method: str = "POST",
    claims: Mapping[str, str] = MappingProxyType({}),
) -> int:
    connection = http.client.HTTPConnection(urlsplit(gateway.base_url).netloc, timeout=10)
    try:
        connection.request(method, path, body, {"x-api-key": key, "anthropic-version": "2023-06-01", **claims})
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


@pytest.mark.parametrize("scheme", ["Basic", "basic", "Token"])
def test_a_virtual_key_comes_as_x_api_key_or_bearer_and_no_other_way(
    upstream: Upstream, tmp_path: Path, scheme: str
) -> None:
    with keyed(upstream, tmp_path, KeyScope()) as (gateway, key):
        assert status(gateway, "", CHEAP, claims={"x-api-key": "", "authorization": f"Bearer {key}"}) == 200
        assert status(gateway, "", CHEAP, claims={"x-api-key": "", "authorization": f"{scheme} {key}"}) == 401
        assert len(upstream.requests) == 1


ROUND = [
    "/v1/messages/batches", "//v1/messages", "/v1/messages/", "/v1/%6dessages", "/v1/./messages", "/V1/Messages",
    "/v1/messages;x=1", "/v1/complete", "/v1/messages/batches/../../messages/cancel",
]  # fmt: skip
FREE = [
    ("POST", "/v1/messages/count_tokens"), ("POST", "/v1/messages/batches/msgbatch_1/cancel"), ("POST", "/v1/files"),
    ("GET", "/v1/messages/batches"), ("GET", "/v1/models?limit=5"), ("DELETE", "/v1/files/file_1"),
]  # fmt: skip


@pytest.mark.parametrize("path", ROUND)
def test_a_key_held_to_models_reaches_no_path_whose_cost_nobody_looks_at(
    upstream: Upstream, tmp_path: Path, path: str
) -> None:
    with keyed(upstream, tmp_path, HELD) as (gateway, key):
        assert status(gateway, key, CHEAP) == 200
        before = len(upstream.requests)
        assert status(gateway, key, DEAR, path) == 403
        assert status(gateway, key, DEAR, method="PUT") == 403
        assert len(upstream.requests) == before


def test_what_costs_nothing_stays_open_to_a_key_that_is_held(upstream: Upstream, tmp_path: Path) -> None:
    with keyed(upstream, tmp_path, HELD) as (gateway, key):
        for method, path in FREE:
            before = len(upstream.requests)
            status(gateway, key, DEAR if method == "POST" else b"", path, method)
            assert len(upstream.requests) == before + 1, path


@pytest.mark.parametrize(
    ("scope", "more", "expected"),
    [
        (KeyScope(account=True), "", 200),
        (KeyScope(), "", 403),
        (KeyScope(account=True, budget="5"), "", 403),
        (KeyScope(account=True, workloads=("w",)), "", 403),
        (KeyScope(account=True), '[[budget]]\nusd = "5"\n', 403),
        (KeyScope(account=True), '[[budget]]\nusd = "5"\nkey = "team"\n', 403),
        (KeyScope(account=True), '[[budget]]\nusd = "5"\nkey = "another"\n', 200),
    ],
)
def test_batches_are_for_keys_that_nothing_holds(
    upstream: Upstream, tmp_path: Path, scope: KeyScope, more: str, expected: int
) -> None:
    batch = b'{"requests":[{"custom_id":"a","params":%b}]}' % CHEAP
    with keyed(upstream, tmp_path, scope, more) as (gateway, key):
        assert status(gateway, key, batch, "/v1/messages/batches") == expected


@pytest.mark.parametrize(("method", "path"), FREE)
def test_what_belongs_to_the_whole_account_needs_a_key_made_for_it(
    upstream: Upstream, tmp_path: Path, method: str, path: str
) -> None:
    """One team's key does not read another's batches or files; counting tokens and listing models anybody may."""
    shared = "count_tokens" not in path and "models" not in path
    with keyed(upstream, tmp_path, KeyScope()) as (gateway, key):
        found = status(gateway, key, CHEAP if method == "POST" else b"", path, method)
        assert (found == 403) is shared
        assert (len(upstream.requests) == 0) is shared


def test_a_fault_of_ours_opens_nothing_to_a_key_that_is_held(
    upstream: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a body nobody thought of")

    with keyed(upstream, tmp_path, HELD) as (gateway, key):
        monkeypatch.setattr(door_module, "facts_of", broken)
        assert status(gateway, key, DEAR) == 403
        assert len(upstream.requests) == 0


def test_a_budget_that_is_used_up_stays_so_whatever_fails_in_the_decision(
    upstream: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One call of 30 tokens costs more than the cap of a thousandth of a cent, which was looked at before it went."""

    def broken(*_: object) -> None:
        raise RuntimeError("a body nobody thought of")

    with keyed(upstream, tmp_path, KeyScope(budget="0.00001")) as (gateway, key):
        assert status(gateway, key, DEAR) == 429
        monkeypatch.setattr(door_module, "facts_of", broken)
        assert [status(gateway, key, DEAR) for _ in range(3)][-1] == 429


@pytest.mark.parametrize("depth", range(940, 1_000))
def test_no_depth_of_nesting_is_a_way_round(depth: int, tmp_path: Path) -> None:
    """Read once at one depth of the stack and once at another: what the first still reads may be too deep later."""
    from baseload.gateway.decide.facts import facts_of
    from baseload.gateway.decide.memo import Memo
    from baseload.gateway.exchange import Inbound

    for name in (b"metadata", b"output_config", b"system", b"tools", b"thinking"):
        body = DEAR.replace(b'"max_tokens"', b'"%b":{"x":%b%b},"max_tokens"' % (name, b"[" * depth, b"]" * depth))
        facts_of(Inbound(b"POST", b"/v1/messages", (), body, us=0), Memo(KEY))


def test_a_body_that_says_its_model_twice_is_not_for_a_key_held_to_models(upstream: Upstream, tmp_path: Path) -> None:
    """The upstream may read the first, the gateway reads the last."""
    with keyed(upstream, tmp_path, HELD) as (gateway, key):
        assert status(gateway, key, b'{"model":"claude-opus-4-8",' + CHEAP[1:]) == 403
        assert len(upstream.requests) == 0


POLICY = """schema_version: 1
entries:
  - workload: {id: all}
    match: {api_key: ["*"]}
    decision: pin
    model: claude-haiku-4-5
    verdict_id: v1
"""
AT_ONCE = '[policy]\nstart = "at_once"\nholdback = 0.0\n'


def test_a_key_is_held_to_what_it_asks_for_and_the_policy_to_nothing_of_it(upstream: Upstream, tmp_path: Path) -> None:
    """Moved by its owner's policy, a key for Opus goes on; one for Haiku may not ask for Opus and count on the policy:
    an upstream that refuses the edit would be asked for Opus."""
    for scope, expected in ((KeyScope(models=("claude-opus*",)), 200), (HELD, 403)):
        with keyed(upstream, tmp_path / str(expected), scope, AT_ONCE, POLICY) as (gateway, key):
            assert status(gateway, key, DEAR) == expected
    assert [msgspec.json.decode(one.body)["model"] for one in upstream.requests] == ["claude-haiku-4-5-20251001"]


TWO = """schema_version: 1
entries:
  - workload: {id: drafts}
    match: {tag: {app: drafts}}
  - workload: {id: triage}
    match: {tag: {app: triage}}
"""
DRAFTS = KeyScope(workloads=("drafts",))


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({"x-baseload-workload": "drafts"}, 200),
        ({"x-baseload-tag-app": "drafts"}, 200),
        ({"x-baseload-workload": "triage"}, 403),
        ({"x-baseload-tag-app": "triage"}, 403),
        ({"x-baseload-workload": "triage", "x-baseload-tag-app": "drafts"}, 403),
        ({"x-baseload-workload": "nobody"}, 403),
        ({}, 403),
    ],
)
def test_a_key_held_to_a_workload_is_served_as_that_one_and_as_no_other(
    upstream: Upstream, tmp_path: Path, claims: dict[str, str], expected: int
) -> None:
    """The header is its caller's word: only the key bounds it."""
    with keyed(upstream, tmp_path, DRAFTS, policy=TWO) as (gateway, key):
        assert status(gateway, key, CHEAP, claims=claims) == expected
        assert len(upstream.requests) == (expected == 200)


@pytest.mark.parametrize("claims", [{}, {"x-baseload-workload": "nobody"}, {"x-baseload-tag-app": "nothing"}])
def test_a_key_made_for_one_workload_spends_its_budget_whatever_its_calls_say(
    upstream: Upstream, tmp_path: Path, claims: dict[str, str]
) -> None:
    """As `keys new --workload drafts` makes it: what names no workload, or none there is, counts as drafts."""
    scope = KeyScope(workloads=("drafts",), workload="drafts")
    with keyed(upstream, tmp_path / "open", scope, policy=TWO) as (gateway, key):
        assert status(gateway, key, CHEAP, claims=claims) == 200
        assert status(gateway, key, CHEAP, claims={"x-baseload-workload": "triage"}) == 403
    cap = '[[budget]]\nusd = "0.000001"\nworkload = "drafts"\n'
    for more in ("", "[policy]\nobserve = true\n"):
        with keyed(upstream, tmp_path / f"used{bool(more)}", scope, cap + more, TWO) as (gateway, key):
            assert status(gateway, key, CHEAP, claims=claims) == 429


def test_a_key_made_for_a_workload_that_no_entry_names_counts_as_that_one(upstream: Upstream, tmp_path: Path) -> None:
    cap = '[[budget]]\nusd = "0.000001"\nworkload = "letters"\n'
    with keyed(upstream, tmp_path, KeyScope(workloads=("letters",), workload="letters"), cap, TWO) as (gateway, key):
        assert status(gateway, key, CHEAP) == 429


def test_a_key_made_for_one_workload_is_moved_as_that_workload_is(upstream: Upstream, tmp_path: Path) -> None:
    moved = TWO.replace("match: {tag: {app: drafts}}", "match: {tag: {app: drafts}}\n    decision: pin\n"
                        "    model: claude-haiku-4-5\n    verdict_id: v1")  # fmt: skip
    with keyed(upstream, tmp_path, KeyScope(workloads=("drafts",), workload="drafts"), AT_ONCE, moved) as (
        gateway,
        key,
    ):
        assert status(gateway, key, DEAR) == 200
    assert msgspec.json.decode(upstream.requests[-1].body)["model"] == "claude-haiku-4-5-20251001"


def test_a_workloads_budget_is_spent_by_whoever_claims_it_with_a_key_that_is_not_held(
    upstream: Upstream, tmp_path: Path
) -> None:
    """What the how-to warns of: the claim decides which budget a call counts in."""
    cap = '[[budget]]\nusd = "0.000001"\nworkload = "triage"\n'
    with keyed(upstream, tmp_path, KeyScope(), cap, TWO) as (gateway, key):
        assert status(gateway, key, CHEAP, claims={"x-baseload-workload": "triage"}) == 429
        assert status(gateway, key, CHEAP, claims={"x-baseload-workload": "drafts"}) == 200


def test_who_would_refuse_every_call_for_want_of_a_key_of_its_own_is_not_ready(
    upstream: Upstream, tmp_path: Path
) -> None:
    """A load balancer sends it nobody; nor would it start so (`gateway check`)."""
    loaded = settings(upstream.base_url, folder=tmp_path)
    loaded = msgspec.structs.replace(loaded, config=msgspec.structs.replace(loaded.config, virtual_keys=True))
    for env, ready in (({}, False), ({"ANTHROPIC_API_KEY": "sk-ant-ours"}, True)):
        with serving(loaded, env=env) as gateway:
            assert gateway.gateway.ready is ready
