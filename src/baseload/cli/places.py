"""Where things live on this machine: the one place that reads the environment for folders and the key."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from baseload import __version__
from baseload.errors import ProjectError, UsageError
from baseload.project import Project, parse_project
from baseload.usage.features import FEATURES_VERSION
from baseload.values import OrgKey

PROJECT_FILE = "baseload.toml"
KEY_VARIABLE = "BASELOAD_ORG_KEY"


def config_folder() -> Path:
    return _xdg("XDG_CONFIG_HOME", ".config")


def cache_folder() -> Path:
    return _xdg("XDG_CACHE_HOME", ".cache")


def map_ledger_folder(paths: Sequence[Path], org_key: OrgKey) -> Path:
    """The private ledger of one set of PATHs: the same set on the next run finds it again.

    A new version of Baseload, or of what its readers see in a request, starts anew.
    """
    named = "\n".join(sorted(str(path.resolve()) for path in paths))
    return (
        cache_folder()
        / f"ledgers-{__version__}-{FEATURES_VERSION}"
        / hashlib.blake2b(named.encode(), digest_size=8, key=org_key.secret).hexdigest()
    )


def find_project(start: Path) -> Path | None:
    """The nearest folder at or above `start` that holds a `baseload.toml`, or None."""
    return next((folder for folder in (start, *start.parents) if (folder / PROJECT_FILE).is_file()), None)


def load_project(folder: Path | None) -> Project:
    """The settings of a project folder; an empty project where there is none. Raises ProjectError.

    A folder that was named and is none is an error: without its file, invoices, owners and prices would be missing in
    every figure, and nothing would say so.
    """
    if folder is not None and not folder.is_dir():
        raise ProjectError(f"--project {folder}: no such folder. Name the folder that holds {PROJECT_FILE}.")
    if folder is None or not (folder / PROJECT_FILE).is_file():
        return Project()
    path = folder / PROJECT_FILE
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ProjectError(f"{path}: byte {error.start} is not UTF-8. Save the file as UTF-8 and run again.") from error
    except OSError as error:
        raise ProjectError(f"{path}: cannot be read: {error.strerror}. Check its permissions.") from error
    return parse_project(text, str(path))


def load_org_key() -> OrgKey:
    """The organisation's fingerprint key: from the environment, else a 0600 file made on first use.

    Share the file (or the variable) between machines, and workload ids agree between them.
    """
    given = os.environ.get(KEY_VARIABLE, "")
    if given:
        if len(given) < 16:
            raise UsageError(f"{KEY_VARIABLE} has {len(given)} characters; expected at least 16 random ones")
        return OrgKey(hashlib.blake2b(given.encode(), digest_size=32).digest())
    path = config_folder() / "org.key"
    try:
        return OrgKey(_read_key(path) or _new_key(path))
    except OSError as error:
        raise UsageError(
            f"{path}: the organisation's key cannot be kept there ({error.strerror or error}). "
            f"Set {KEY_VARIABLE} to at least 16 random characters, the same on every run."
        ) from error
    except ValueError as error:
        raise UsageError(
            f"{path} is no key; expected 64 hex digits. Restore it, or remove it for a new key and new workload ids."
        ) from error


def _read_key(path: Path) -> bytes:
    return bytes.fromhex(path.read_text(encoding="ascii").strip()) if path.is_file() else b""


def _new_key(path: Path) -> bytes:
    """A key made now, or the one another process made at the same moment."""
    path.parent.mkdir(parents=True, exist_ok=True)
    secret = secrets.token_bytes(32)
    temporary = path.with_name(f".org.key.{os.getpid()}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(secret.hex() + "\n")
    try:
        os.link(temporary, path)  # two first runs at once: one key wins, both use it
    except FileExistsError:
        return _read_key(path)
    finally:
        temporary.unlink()
    return secret


def _xdg(variable: str, fallback: str) -> Path:
    """A relative value counts as unset (XDG Base Directory Specification)."""
    base = Path(os.environ.get(variable, ""))
    return (base if base.is_absolute() else Path.home() / fallback) / "baseload"
