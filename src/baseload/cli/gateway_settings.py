"""What a `gateway` command works with: its settings file, the project beside it, the book, the key, the state store."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from baseload.cli.book import open_book
from baseload.cli.places import KEY_VARIABLE, PROJECT_FILE, find_project, load_org_key, load_project
from baseload.errors import UsageError
from baseload.gateway.config import GatewayConfig
from baseload.gateway.config_words import words_of
from baseload.gateway.making import database_of
from baseload.gateway.reload import Loaded, Overrides, load
from baseload.gateway.state.store import StateStore
from baseload.gateway.wire.tls import server_context
from baseload.prices.book import PriceBook
from baseload.values import OrgKey

CONFIG_FILE: Final = "gateway.toml"
LEAST_KEY_CHARS: Final = 16
_EXTRA: Final = ("httptools", "uvloop")


class Setup(NamedTuple):
    """Settings as they were read, and how to read them again. `path` None = no file."""

    path: Path | None
    overrides: Overrides
    loaded: Loaded
    start: Path

    def read(self) -> Loaded:
        """The same files once more. Raises UsageError."""
        return load(self.path, self.overrides, self.start)

    @property
    def config(self) -> GatewayConfig:
        return self.loaded.config


def read_setup(config: Path | None, overrides: Overrides | None = None) -> Setup:
    """Settings from the file named, else from the project's, else the defaults. Raises UsageError."""
    start = (find_project(Path.cwd()) or Path.cwd()).absolute()
    beside = start / CONFIG_FILE
    path = config.absolute() if config is not None else beside if beside.is_file() else None
    given = overrides or Overrides()
    loaded = load(path, given, start)
    found = msgspec.to_builtins(loaded.config)
    try:
        msgspec.convert(found, GatewayConfig)  # options skipped the bounds of the file
    except msgspec.ValidationError as error:
        raise UsageError(_of_option(words_of(str(error), found))) from error
    return Setup(path, given, loaded, start)


def _of_option(said: str) -> str:
    """An error in the words of the option that brought it.

    >>> _of_option("listen.port is 99999; expected at most 65535")
    '--port 99999; expected at most 65535'
    """
    key, _, rest = said.partition(" is ")
    option = key.partition(".")[2].replace("_", "-") if key.startswith("listen.") else ""
    return f"--{option} {rest}" if option and rest else f"{said}. See docs/reference/gateway.md for every key."


def book_of(setup: Setup) -> PriceBook:
    """The price book of the project the settings name, else of the one they lie in."""
    named = setup.config.policy.settings
    folder = (setup.loaded.folder / named).parent if named else setup.loaded.folder
    if named and not (folder / PROJECT_FILE).is_file():
        raise UsageError(f"policy.settings: no {PROJECT_FILE} in {folder}; expected the path of a project's settings")
    return open_book(load_project(folder), folder)


def org_key_of(config: GatewayConfig) -> OrgKey:
    """The key that every other command of this organisation has, so that workloads are met by the same ids."""
    text = os.environ.get(config.org_key_env, "")
    if config.org_key_env == KEY_VARIABLE or not text:
        return load_org_key()
    if len(text) < LEAST_KEY_CHARS:
        raise UsageError(f"{config.org_key_env} has {len(text)} characters; expected at least {LEAST_KEY_CHARS}")
    return OrgKey(hashlib.blake2b(text.encode(), digest_size=32).digest())  # as places.load_org_key does


@contextmanager
def state_store(setup: Setup) -> Iterator[StateStore]:
    """The state store, closed afterwards. Raises UsageError, StateDown."""
    store = StateStore(database_of(setup.config.state, setup.loaded.folder, os.environ))
    try:
        yield store
    finally:
        store.close()


def check_tls(setup: Setup) -> None:
    """Raises UsageError where certificate and key are named and cannot be used."""
    listen = setup.config.listen
    if not listen.tls_cert:
        return
    try:
        server_context(setup.loaded.folder / listen.tls_cert, setup.loaded.folder / listen.tls_key)
    except (OSError, ssl.SSLError) as error:
        why = (
            error.strerror if isinstance(error, FileNotFoundError | PermissionError) else "they do not belong together"
        )
        files = f"listen.tls_cert {listen.tls_cert} and tls_key {listen.tls_key}"
        raise UsageError(f"{files}: {why}; expected a PEM certificate and its key") from error


def needs_extra() -> None:
    """Raises UsageError where the extra is not installed."""
    if any(importlib.util.find_spec(name) is None for name in _EXTRA):
        raise UsageError("gateway needs the extra gateway: pip install 'baseload[gateway]'")
