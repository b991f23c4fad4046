"""What `gateway check` and a start look at: virtual keys, the keys that go upstream, and budgets for either."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator

from baseload.cli.gateway_finding import Finding, fault, is_installed, note, ok
from baseload.cli.gateway_settings import Setup, state_store
from baseload.errors import BaseloadError
from baseload.gateway.config import LOOPBACK, UpstreamSettings
from baseload.gateway.making import project_of, read_secret
from baseload.gateway.state.records import KeyRow

_OF_KIND = {"bedrock": ("botocore", "bedrock"), "vertex": ("google.auth", "vertex")}
_MOST_SHOWN = 200


def keys(setup: Setup) -> Iterator[Finding]:
    """The virtual keys, and the key that goes upstream in their place."""
    config, rows = setup.config, key_rows(setup)
    if rows is None:
        return  # the state store's own finding says so
    asks = bool(rows) if config.virtual_keys is None else config.virtual_keys
    in_force = sum(row.revoked_us is None for row in rows)
    if not config.listen.is_loopback and not asks:
        yield fault(
            "keys",
            f"host {config.listen.host} is beyond loopback and no virtual key is defined. Make one with "
            "`baseload gateway keys new NAME`, or listen on 127.0.0.1.",
        )
    elif asks and not in_force:
        yield note(
            "keys",
            "virtual keys are asked for and none is in force: every call gets a 401 until there is one. "
            "Make one: baseload gateway keys new NAME",
        )
    elif not asks:
        yield ok("keys", "none: callers' own credentials are passed on")
    else:
        yield ok("keys", f"{in_force} in force")
    batched = config.batch.upstream if config.batch.enabled else ""
    for upstream in config.upstream:
        if upstream.kind == "anthropic" and (asks or upstream.name == batched):
            yield _own_key(setup, upstream)
        elif upstream.name == batched:
            yield fault("batch", f"batch.upstream {upstream.name} is of kind {upstream.kind}; expected anthropic")


def _own_key(setup: Setup, upstream: UpstreamSettings) -> Finding:
    what = f"upstream {upstream.name}"
    if upstream.key_file:
        read_secret(setup.loaded.folder / upstream.key_file)
        return ok(what, "its key is in its file")
    if not os.environ.get(upstream.key_env, "").strip(", "):
        return fault(
            what, f"{upstream.key_env or 'key_env'} is not in the environment; expected the key that goes upstream"
        )
    return ok(what, f"its key is in {upstream.key_env}")


def key_rows(setup: Setup) -> list[KeyRow] | None:
    """Every virtual key; None where the state store does not answer. A store that is not there is not made."""
    if file_is_absent(setup):
        return []
    try:
        with state_store(setup) as store:
            return store.key_rows()
    except BaseloadError:
        return None


def file_is_absent(setup: Setup) -> bool:
    settings = setup.config.state
    return not settings.url_env and not (setup.loaded.folder / settings.file).exists()


def upstreams(setup: Setup) -> Iterator[Finding]:
    for one in setup.config.upstream:
        what, origin = f"upstream {one.name}", one.origin
        module, extra = _OF_KIND.get(one.kind, ("", ""))
        if module and not is_installed(module):
            yield fault(what, f"kind {one.kind} needs the extra {extra}: pip install 'baseload[{extra}]'")
        elif not origin.tls and origin.host not in LOOPBACK:
            yield note(what, f"{one.base_url} without TLS: credentials and prompts go in the clear")
        else:
            yield ok(what, f"{one.kind}, {one.base_url}" if one.kind == "anthropic" else f"{one.kind}, {one.region}")


def budgets(setup: Setup) -> Iterator[Finding]:
    """Budgets that no call can count in, and two for the same calls."""
    config, rows = setup.config, key_rows(setup)
    known = {entry.workload.id for entry in setup.loaded.policy.entries}
    named = sorted({one.workload for one in config.budget} - known - {""})
    if named:
        yield note("budget", f"no entry of the policy has these workloads, so nothing counts in them: {_listed(named)}")
    if rows is not None:
        of_project = project_of(config.policy.settings, setup.loaded.folder).key_name.values()
        names = {row.name or row.key_id for row in rows} | set(of_project)
        unknown = sorted({one.key for one in config.budget} - names - {""})
        if unknown:
            yield note("budget", f"no virtual key has these names, so nothing counts in them: {_listed(unknown)}")
    twice = Counter((one.workload, one.key) for one in config.budget)
    for (workload, key), count in sorted(twice.items()):
        if count > 1:
            of = ", ".join(filter(None, (f"workload {workload}" * bool(workload), f"key {key}" * bool(key))))
            yield note("budget", f"{count} budgets for {of or 'everything'}: the smallest counts"[:_MOST_SHOWN])


def _listed(names: list[str]) -> str:
    return ", ".join(names)[:_MOST_SHOWN]
