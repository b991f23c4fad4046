"""What `gateway check` looks at: a finding a subject. Nothing is written; only the state store is asked."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, Literal

import msgspec

from baseload.cli.gateway_settings import Setup, book_of, check_tls, needs_extra, org_key_of, state_store
from baseload.errors import BaseloadError
from baseload.gateway.config import LOOPBACK, UpstreamSettings
from baseload.gateway.making import read_secret, routers_of
from baseload.vault.key import find_key

State = Literal["ok", "note", "fault"]
_OF_KIND: Final = {"bedrock": ("botocore", "bedrock"), "vertex": ("google.auth", "vertex")}


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """`fault`: a start would fail, or refuse calls. `note`: it starts, and somebody should know."""

    what: str
    state: State
    says: str


def findings_of(read: Callable[[], Setup]) -> list[Finding]:
    """All of them; only the first where the settings cannot be read."""
    try:
        needs_extra()
        setup = read()
    except BaseloadError as error:
        return [_fault("settings", str(error))]
    found = [Finding(what="settings", state="ok", says=str(setup.path or "none: a pipe that measures"))]
    for look in (_policy, _keys, _upstreams, _tls, _admin, _org_key, _state, _log, _seals):
        try:
            found.extend(look(setup))
        except BaseloadError as error:
            found.append(_fault(look.__name__.strip("_").replace("_", " "), str(error)))
        except OSError as error:
            found.append(_fault(look.__name__.strip("_").replace("_", " "), f"{error.filename}: {error.strerror}"))
    return found


def _ok(what: str, says: str) -> Finding:
    return Finding(what=what, state="ok", says=says)


def _note(what: str, says: str) -> Finding:
    return Finding(what=what, state="note", says=says)


def _fault(what: str, says: str) -> Finding:
    return Finding(what=what, state="fault", says=says)


def _policy(setup: Setup) -> Iterator[Finding]:
    policy, settings = setup.loaded.policy, setup.config.policy
    book = book_of(setup)
    if not settings.file:
        yield _ok("policy", "none: nothing is changed")
        return
    yield _ok("policy", f"{policy.policy_id}, {len(policy.entries)} entries" + (", observed only" * settings.observe))
    routers = routers_of(policy, (setup.loaded.folder / settings.file).parent)
    if routers:
        yield _ok("routers", f"{len(routers)} loaded and as the policy names them")
    unknown = sorted({one.model for one in policy.entries if one.model and not book.resolve(one.model)})
    if unknown:
        yield _note("policy", f"models the price book does not know, which are left alone: {', '.join(unknown)[:200]}")
    bare = sorted(one.workload.id for one in policy.entries if one.match == type(one.match)() and not one.pin_original)
    if bare:
        yield _note("policy", f"entries without a condition, met only by name: {', '.join(bare)[:200]}")


def _keys(setup: Setup) -> Iterator[Finding]:
    """The virtual keys, and the key that goes upstream in their place."""
    config = setup.config
    in_force = _keys_in_force(setup)
    if in_force is None:
        return  # `_state` says so
    asks = bool(in_force) if config.virtual_keys is None else config.virtual_keys
    if not config.listen.is_loopback and not asks:
        yield _fault(
            "keys",
            f"host {config.listen.host} is beyond loopback and no virtual key is defined. Make one with "
            "`baseload gateway keys new NAME`, or listen on 127.0.0.1.",
        )
    elif asks and not in_force:
        yield _fault(
            "keys", "virtual keys are asked for and none is in force. Make one: baseload gateway keys new NAME"
        )
    elif not asks:
        yield _ok("keys", "none: callers' own credentials are passed on")
    else:
        yield _ok("keys", f"{in_force} in force")
    for upstream in config.upstream if asks and upstream_needs_key(config.upstream) else ():
        if upstream.kind == "anthropic":
            yield _own_key(setup, upstream)


def upstream_needs_key(upstreams: tuple[UpstreamSettings, ...]) -> bool:
    """Whether any of them is asked with a key of its own."""
    return any(one.kind == "anthropic" for one in upstreams)


def _own_key(setup: Setup, upstream: UpstreamSettings) -> Finding:
    what = f"upstream {upstream.name}"
    if upstream.key_file:
        read_secret(setup.loaded.folder / upstream.key_file)
        return _ok(what, "its key is in its file")
    if not os.environ.get(upstream.key_env, "").strip(", "):
        return _fault(
            what, f"{upstream.key_env or 'key_env'} is not in the environment; expected the key that goes upstream"
        )
    return _ok(what, f"its key is in {upstream.key_env}")


def _keys_in_force(setup: Setup) -> int | None:
    """None where the state store does not answer."""
    if _file_is_absent(setup):
        return 0
    try:
        with state_store(setup) as store:
            return sum(row.revoked_us is None for row in store.key_rows())
    except BaseloadError:
        return None


def _upstreams(setup: Setup) -> Iterator[Finding]:
    for one in setup.config.upstream:
        what, origin = f"upstream {one.name}", one.origin
        module, extra = _OF_KIND.get(one.kind, ("", ""))
        if module and not _installed(module):
            yield _fault(what, f"kind {one.kind} needs the extra {extra}: pip install 'baseload[{extra}]'")
        elif not origin.tls and origin.host not in LOOPBACK:
            yield _note(what, f"{one.base_url} without TLS: credentials and prompts go in the clear")
        else:
            yield _ok(what, f"{one.kind}, {one.base_url}" if one.kind == "anthropic" else f"{one.kind}, {one.region}")


def _installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _tls(setup: Setup) -> Iterator[Finding]:
    listen = setup.config.listen
    if listen.tls_cert:
        check_tls(setup)
        yield _ok("tls", "certificate and key belong together")
    elif not listen.is_loopback:
        yield _note("tls", f"none on {listen.host}: put it behind something that speaks TLS")


def _admin(setup: Setup) -> Iterator[Finding]:
    listen = setup.config.listen
    if listen.admin_port is None:
        return
    if not os.environ.get(listen.admin_token_env):
        yield _fault(
            "admin", f"{listen.admin_token_env} is not in the environment; expected the admin endpoints' token"
        )
        return
    yield _ok("admin", f"{listen.admin_host}:{listen.admin_port}")


def _org_key(setup: Setup) -> Iterator[Finding]:
    org_key_of(setup.config)
    yield _ok("org key", "there")


def _state(setup: Setup) -> Iterator[Finding]:
    settings = setup.config.state
    if _file_is_absent(setup):
        path = setup.loaded.folder / settings.file
        yield _can_be_made("state store", path)
        return
    with state_store(setup) as store:
        store.changes()
    yield _ok("state store", f"PostgreSQL by {settings.url_env}" if settings.url_env else settings.file)


def _file_is_absent(setup: Setup) -> bool:
    settings = setup.config.state
    return not settings.url_env and not (setup.loaded.folder / settings.file).exists()


def _log(setup: Setup) -> Iterator[Finding]:
    settings = setup.config.log
    yield _can_be_made("call log", setup.loaded.folder / settings.folder)
    if settings.ship_to == "postgresql" and not setup.config.state.url_env:
        yield _fault(
            "call log", 'ship_to is "postgresql" without state.url_env; expected the variable with its address'
        )
    if settings.ship_to == "ledger":
        yield _can_be_made("ledger", setup.loaded.folder / settings.ledger)


def _can_be_made(what: str, path: Path) -> Finding:
    """Whether a file or folder is there and writable, or the folder that will hold it is."""
    there = next(one for one in (path, *path.parents) if one.exists())
    if not os.access(there, os.W_OK | (os.X_OK if there.is_dir() else 0)):
        return _fault(what, f"{there} cannot be written; expected a folder of this user's")
    if there != path and not there.is_dir():
        return _fault(what, f"{there} is no folder; expected one")
    return _ok(what, str(path) if there == path else f"{path}, made at the start")


def _seals(setup: Setup) -> Iterator[Finding]:
    """What keeps bodies needs the vault's extra and key."""
    config = setup.config
    wanted = [name for name, on in (("batch", config.batch.enabled), ("sample", bool(config.sample.folder))) if on]
    if not wanted:
        return
    names = " and ".join(wanted)
    if not _installed("cryptography"):
        yield _fault(names, "bodies at rest are encrypted: pip install 'baseload[vault]'")
        return
    given = os.environ.get(config.sample.key_env, "").strip()
    if not given and not config.sample.key_file:
        yield _fault(
            names, f"{config.sample.key_env} is not in the environment; expected the key that bodies are kept under"
        )
        return
    find_key(given, setup.loaded.folder / config.sample.key_file)
    yield _ok(names, "its key is there")
