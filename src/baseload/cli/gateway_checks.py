"""What `gateway check` looks at, and a start before it serves: a finding a subject. Nothing is written."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from baseload.cli.gateway_checks_keys import budgets, file_is_absent, keys, upstreams
from baseload.cli.gateway_finding import Finding, fault, is_installed, note, ok
from baseload.cli.gateway_settings import Setup, book_of, check_tls, needs_extra, org_key_of, state_store
from baseload.errors import BaseloadError, UsageError
from baseload.gateway.config import LOOPBACK
from baseload.gateway.making import project_of, routers_of
from baseload.gateway.state.faults import StateDown
from baseload.gateway.watching.project_says import unshadowed
from baseload.gateway.workers import reserve
from baseload.vault.key import find_key

_WILD: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared with, never listened on
_MOST_SHOWN: Final = 200
_EXIT_3: Final = frozenset({"state store", "call log"})


def findings_of(read: Callable[[], Setup]) -> list[Finding]:
    """All of them; only the first where the settings cannot be read."""
    try:
        needs_extra()
        setup = read()
    except BaseloadError as error:
        return [fault("settings", str(error))]
    return findings_in(setup)


def findings_in(setup: Setup) -> list[Finding]:
    """Of settings that were read."""
    found = [ok("settings", str(setup.path or "none: a pipe that measures"))]
    for what, look in _LOOKS:
        try:
            found.extend(look(setup))
        except BaseloadError as error:
            found.append(fault(what, str(error)))
        except OSError as error:
            found.append(fault(what, f"{error.filename}: {error.strerror}"))
    return found


def check_start(setup: Setup, says: Callable[[str], None]) -> None:
    """Every note is said; the first fault is raised as UsageError, or as BaseloadError where a store cannot be used."""
    found = findings_in(setup)
    for one in found:
        if one.state == "note":
            says(f"{one.what}: {one.says}")
    for one in found:
        if one.state == "fault":
            raise (BaseloadError if one.what in _EXIT_3 else UsageError)(_sentence(one))


def _sentence(one: Finding) -> str:
    return one.says if one.what in one.says else f"{one.what}: {one.says}"


def _policy(setup: Setup) -> Iterator[Finding]:
    policy, settings = setup.loaded.policy, setup.config.policy
    book = book_of(setup)
    if not settings.file:
        yield ok("policy", "none: nothing is changed")
        return
    yield ok("policy", f"{policy.policy_id}, {len(policy.entries)} entries" + (", observed only" * settings.observe))
    routers = routers_of(policy, (setup.loaded.folder / settings.file).parent)
    if routers:
        yield ok("routers", f"{len(routers)} loaded and as the policy names them")
    unknown = sorted({one.model for one in policy.entries if one.model and not book.resolve(one.model)})
    if unknown:
        yield note("policy", f"models the price book does not know, which are left alone: {_listed(unknown)}")
    bare = sorted(one.workload.id for one in policy.entries if one.match == type(one.match)() and not one.pin_original)
    if bare:
        yield note("policy", f"entries without a condition, met only by name: {_listed(bare)}")
    waits = sorted(one.workload.id for one in policy.entries if one.batch is not None)
    if waits and not setup.config.batch.enabled and not settings.observe:
        yield note("batch", f"the policy lets these wait for a batch, but [batch] is not enabled: {_listed(waits)}")


def _shadow(setup: Setup) -> Iterator[Finding]:
    """Routes that will never leave the shadow stage, by the reason."""
    if not setup.config.policy.file:
        return
    project = project_of(setup.config.policy.settings, setup.loaded.folder)
    beside = (setup.loaded.folder / setup.config.policy.settings).parent
    by_reason: dict[str, list[str]] = {}
    for workload, why in unshadowed(setup.config, project, setup.loaded.policy, beside).items():
        by_reason.setdefault(why, []).append(workload)
    for why, workloads in sorted(by_reason.items()):
        yield note("shadow", f"{why}; these stay in the shadow stage: {_listed(sorted(workloads))}")


def _tls(setup: Setup) -> Iterator[Finding]:
    listen = setup.config.listen
    if listen.tls_cert:
        check_tls(setup)
        yield ok("tls", "certificate and key belong together")
    elif not listen.is_loopback:
        yield note("tls", f"none on {listen.host}: put it behind something that speaks TLS")


def _listen(setup: Setup) -> Iterator[Finding]:
    listen = setup.config.listen
    try:
        _bound(listen.host, listen.port, shared=listen.workers > 1)
    except OSError as error:
        yield fault("listen", taken(listen.host, listen.port, error))
    else:
        yield ok("listen", f"{listen.host}:{listen.port}" if listen.port else f"{listen.host}, a free port")


def taken(host: str, port: int, error: OSError) -> str:
    """What is said of an address that cannot be listened on."""
    return (
        f"{host}:{port} cannot be listened on ({error.strerror or error}). Stop what listens there, or take another "
        "--port; 0 takes a free one."
    )


def _bound(host: str, port: int, *, shared: bool) -> None:
    """Take a port and give it back. Raises OSError."""
    if shared:
        reserve(host, port).close()
        return
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind, protocol) as trying:
        trying.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        trying.bind(address)


def _admin(setup: Setup) -> Iterator[Finding]:
    listen = setup.config.listen
    if listen.admin_port is None:
        return
    if not os.environ.get(listen.admin_token_env):
        yield fault("admin", f"{listen.admin_token_env} is not in the environment; expected the admin endpoints' token")
    elif listen.admin_port and listen.admin_port == listen.port and _same_host(listen.host, listen.admin_host):
        yield fault("admin", f"admin_port {listen.admin_port} is the port that callers use; expected another")
    else:
        try:
            _bound(listen.admin_host, listen.admin_port, shared=listen.workers > 1)
        except OSError as error:
            why = error.strerror or str(error)
            yield fault("admin", f"{listen.admin_host}:{listen.admin_port} cannot be listened on ({why})")
        else:
            yield ok("admin", f"{listen.admin_host}:{listen.admin_port}")


def _same_host(one: str, other: str) -> bool:
    return one == other or bool({one, other} & _WILD) or {one, other} <= (LOOPBACK - {"::1"})


def _org_key(setup: Setup) -> Iterator[Finding]:
    org_key_of(setup.config)
    yield ok("org key", "there")


def _state(setup: Setup) -> Iterator[Finding]:
    settings = setup.config.state
    if file_is_absent(setup):
        yield _can_be_made("state store", setup.loaded.folder / settings.file)
        return
    try:
        with state_store(setup) as store:
            store.changes()
    except StateDown as error:
        if not settings.url_env:
            raise
        yield note("state store", f"it does not answer now; keys, stages and budgets wait until it does ({error})")
    else:
        yield ok("state store", f"PostgreSQL by {settings.url_env}" if settings.url_env else settings.file)


def _log(setup: Setup) -> Iterator[Finding]:
    settings = setup.config.log
    yield _can_be_made("call log", setup.loaded.folder / settings.folder, is_folder=True)
    if settings.ship_to == "postgresql" and not setup.config.state.url_env:
        yield fault("log", 'ship_to is "postgresql" without state.url_env; expected the variable with its address')
    if settings.ship_to == "ledger":
        yield _can_be_made("ledger", setup.loaded.folder / settings.ledger, is_folder=True)


def _can_be_made(what: str, path: Path, *, is_folder: bool = False) -> Finding:
    """Whether a file or folder is there and writable, or the folder that will hold it is."""
    there = next(one for one in (path, *path.parents) if one.exists())
    if (there != path or is_folder) and not there.is_dir():
        return fault(what, f"{there} is no folder; expected one")
    if not os.access(there, os.W_OK | (os.X_OK if there.is_dir() else 0)):
        return fault(what, f"{there} cannot be written; expected a folder of this user's")
    return ok(what, str(path) if there == path else f"{path}, made at the start")


def _seals(setup: Setup) -> Iterator[Finding]:
    """What keeps bodies needs the vault's extra and key, and an organisation that keeps data."""
    config = setup.config
    wanted = [name for name, on in (("batch", config.batch.enabled), ("sample", bool(config.sample.folder))) if on]
    if not wanted:
        return
    names = " and ".join(wanted)
    if config.batch.enabled and project_of(config.policy.settings, setup.loaded.folder).zero_data_retention:
        yield fault("batch", "enabled with zero_data_retention in the project: batches keep results. Set it to false.")
    if not is_installed("cryptography"):
        yield fault(names, "bodies at rest are encrypted: pip install 'baseload[vault]'")
        return
    given = os.environ.get(config.sample.key_env, "").strip()
    path = setup.loaded.folder / (config.sample.key_file or "vault.key")
    if find_key(given, path) is None:
        yield fault(
            names, f"{config.sample.key_env} is not in the environment; expected the key that bodies are kept under"
        )
        return
    yield ok(names, "its key is there")


def _spans(setup: Setup) -> Iterator[Finding]:
    endpoint = setup.config.telemetry.otlp_endpoint
    if not endpoint:
        return
    if not is_installed("opentelemetry.exporter.otlp"):
        yield fault("spans", "telemetry.otlp_endpoint needs the extra otel: pip install 'baseload[otel]'")
    else:
        yield ok("spans", endpoint)


def _listed(names: list[str]) -> str:
    return ", ".join(names)[:_MOST_SHOWN]


_LOOKS: Final[tuple[tuple[str, Callable[[Setup], Iterator[Finding]]], ...]] = (
    ("policy", _policy), ("state store", _state), ("keys", keys), ("upstreams", upstreams), ("budget", budgets),
    ("tls", _tls), ("listen", _listen), ("admin", _admin), ("org key", _org_key), ("call log", _log),
    ("seals", _seals), ("spans", _spans), ("shadow", _shadow),
)  # fmt: skip
