"""Settings and policy are loaded together, validated whole, and replace what serves only when all of it is good.

A file that is being written is not read: it must have stood still for a moment (SIGHUP reads at once). What cannot be
read leaves the last good settings serving, and says so once per content.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import msgspec

from baseload.errors import UsageError
from baseload.gateway.config import GatewayConfig, GatewayConfigError, parse_config
from baseload.plan.policy import Policy
from baseload.plan.policy_read import MOST_BYTES, read_policy

MOST_CONFIG_BYTES = 1 << 20
NO_POLICY = Policy()


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """What serves: settings, policy, the folder their paths start from, and the digest of both files' bytes."""

    config: GatewayConfig
    policy: Policy = NO_POLICY
    folder: Path
    sha256: str = ""
    files: tuple[Path, ...] = ()  # whose change means new settings


class Overrides(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line says in place of the file; None = nothing."""

    upstream: str | None = None
    host: str | None = None
    port: int | None = None
    admin_port: int | None = None
    policy: str | None = None
    observe: bool | None = None
    workers: int | None = None


def load(config: Path | None, overrides: Overrides, folder: Path) -> Loaded:
    """Read both files; paths in the settings start from their file's folder, else from `folder`.

    Raises GatewayConfigError or PolicyError, and never half of one.
    """
    data = _read(config, MOST_CONFIG_BYTES, "settings") if config is not None else b""
    home = config.parent if config is not None else folder
    try:
        settings = _overridden(parse_config(data.decode("utf-8"), config.name if config else "settings"), overrides)
    except UnicodeDecodeError as error:
        raise GatewayConfigError(f"{config}: not UTF-8 at byte {error.start}; expected a TOML file") from error
    except ValueError as error:
        raise GatewayConfigError(f"settings: {error}") from error
    policy_bytes, policy = b"", NO_POLICY
    files = (config,) if config is not None else ()
    if settings.policy.file:
        path = (folder if overrides.policy is not None else home) / settings.policy.file
        policy_bytes = _read(path, MOST_BYTES, "policy")
        policy = read_policy(policy_bytes, path.name)
        files = (*files, path)
    digest = hashlib.sha256(len(data).to_bytes(8, "big") + data + policy_bytes).hexdigest()
    return Loaded(config=settings, policy=policy, folder=home, sha256=digest, files=files)


def _read(path: Path, most: int, what: str) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        raise GatewayConfigError(f"{path}: {error.strerror}; expected a readable file of {what}") from error
    if len(data) > most:
        raise GatewayConfigError(f"{path}: more than {most} bytes; expected a file of {what}")
    return data


def _overridden(settings: GatewayConfig, given: Overrides) -> GatewayConfig:
    replace = msgspec.structs.replace
    listen = {
        name: value
        for name, value in (
            ("host", given.host), ("port", given.port), ("admin_port", given.admin_port), ("workers", given.workers)
        )
        if value is not None
    }  # fmt: skip
    policy = {name: value for name, value in (("file", given.policy), ("observe", given.observe)) if value is not None}
    if given.upstream is not None:
        first = replace(settings.upstream[0], base_url=given.upstream)
        settings = replace(settings, upstream=(first, *settings.upstream[1:]))
    return replace(settings, listen=replace(settings.listen, **listen), policy=replace(settings.policy, **policy))


class Stamp(NamedTuple):
    """What tells one state of the files from another without reading them."""

    files: tuple[tuple[str, int, int, int], ...]  # path, inode, size, time of change in ns; -1 where absent


def stamp(paths: tuple[Path, ...]) -> Stamp:
    """The files as they are now."""
    found = []
    for path in paths:
        try:
            status = path.stat()
            found.append((str(path), status.st_ino, status.st_size, status.st_mtime_ns))
        except OSError:
            found.append((str(path), -1, -1, -1))
    return Stamp(tuple(found))


class Reloader:
    """Asked now and then (`poll`) or by SIGHUP (`now`), it gives new settings once, or None.

    `says` gets one line for people about what was taken or refused; never a value of a secret.
    """

    def __init__(self, first: Loaded, read: Callable[[], Loaded], paths: tuple[Path, ...], says: Callable[[str], None]):
        self.current = first
        self._read = read
        self._paths = paths
        self._says = says
        self._seen = stamp(paths)
        self._pending: Stamp | None = None
        self._refused = ""

    def poll(self) -> Loaded | None:
        """New settings where the files changed and then stood still for one round."""
        now = stamp(self._paths)
        if now == self._seen:
            self._pending = None
            return None
        if now != self._pending:
            self._pending = now
            return None
        return self.now()

    def now(self) -> Loaded | None:
        """New settings, whether or not the files seem to have changed; None where they say the same or are refused."""
        self._seen, self._pending = stamp(self._paths), None
        try:
            found = self._read()
        except UsageError as error:
            if str(error) != self._refused:
                self._refused = str(error)
                self._says(f"settings refused, the last good ones keep serving: {error}")
            return None
        self._refused = ""
        if found.sha256 == self.current.sha256:
            return None
        self.current = found
        if found.files and found.files != self._paths:
            self._paths, self._seen = found.files, Stamp(())
        self._says(f"settings loaded: policy {found.policy.policy_id or 'none'}, {len(found.policy.entries)} entries")
        return found
