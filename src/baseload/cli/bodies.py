"""The bodies of recorded calls for commands that need text: from the source files, else from the project's vault."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from baseload.cli.places import config_folder, load_org_key
from baseload.errors import UsageError

if TYPE_CHECKING:
    from baseload.ledger.store import Ledger
    from baseload.project import Project
    from baseload.values import Call, Problem
    from baseload.vault.body import Body
    from baseload.vault.key import VaultKey
    from baseload.vault.store import Caps, Vault

VAULT_FOLDER = Path(".baseload") / "vault"
"""Of a project that says no other place."""
KEY_NAME = "vault.key"
_NEEDS_EXTRA = "the vault needs the extra vault: pip install 'baseload[vault]'"
_MIB = 1024 * 1024


def open_bodies(
    folder: Path, project: Project, calls: Iterable[Call], *, ledger: Ledger | None = None, as_of_day: int
) -> Iterator[tuple[Call, Body | Problem]]:
    """Each call with its body, or with the one Problem that says why there is none. Order is by file, not as given.

    Source files come first, and are verified; the project's vault (if there is one) has what they lack. With the
    `ledger` files are found that an import run from another folder named by a relative path. Raises VaultKeyError
    where a body lies in a vault whose key is not at hand.
    """
    from baseload.vault.bodies import bodies_of

    wanted = list(calls)
    moved = beside({call.source_file for call in wanted}, ledger)
    vault = open_vault(folder, project)
    yield from bodies_of(wanted, load_org_key(), base=folder.absolute(), beside=moved, vault=vault, as_of_day=as_of_day)


def stored_calls(folder: Path, project: Project, *, as_of_day: int) -> frozenset[str]:
    """The calls whose bodies the project's vault would give out on that day: `population(in_vault=)`. No key needed."""
    if not vault_folder(folder, project).is_dir():
        return frozenset()
    vault = open_vault(folder, project, with_key=False)
    if vault is None:
        return frozenset()
    return frozenset(entry.call_id for entry in vault.entries if as_of_day - entry.day < vault.caps.days)


def vault_folder(folder: Path, project: Project) -> Path:
    """Where the project's vault is, or would be."""
    return folder / (project.vault.path or VAULT_FOLDER)


def key_file(folder: Path, project: Project) -> Path:
    """Where the vault's key is kept, unless the environment holds it: not beside the vault."""
    return folder / project.vault.key_file if project.vault.key_file else config_folder() / KEY_NAME


def caps_of(project: Project) -> Caps:
    """What the project's vault may keep."""
    from baseload.vault.store import Caps

    return Caps(total_bytes=project.vault.max_mb * _MIB, days=project.vault.max_days)


def open_vault(folder: Path, project: Project, *, with_key: bool = True) -> Vault | None:
    """The project's vault; None where nobody made one. Without a key at hand it can be listed and not read.

    Raises VaultKeyError where the key at hand is another's or others may read its file, UsageError without the extra.
    """
    root = vault_folder(folder, project)
    if not root.is_dir():
        return None
    try:
        from baseload.vault.mark import MARK_NAME
        from baseload.vault.store import Vault
    except ImportError as error:
        raise UsageError(_NEEDS_EXTRA) from error
    if not (root / MARK_NAME).is_file():
        return None
    return Vault.open(root, _key(folder, project) if with_key else None, caps=caps_of(project))


def make_vault(folder: Path, project: Project) -> tuple[Vault, Path | None]:
    """The project's vault, made where there is none, and the key file if one was made now.

    A vault that exists is never opened under a new key: where its key is gone this raises VaultKeyError.
    """
    try:
        from baseload.vault.key import VARIABLE, make_key
        from baseload.vault.mark import MARK_NAME
        from baseload.vault.store import Vault
    except ImportError as error:
        raise UsageError(_NEEDS_EXTRA) from error
    from baseload.vault.faults import VaultKeyError

    root, path = vault_folder(folder, project), key_file(folder, project)
    key, made = _key(folder, project), None
    if key is None and (root / MARK_NAME).is_file():
        raise VaultKeyError(f"{root} is a vault and its key is gone; expected {VARIABLE}, or {path}. Restore the key.")
    if key is None:
        key, made = make_key(path), path
    return Vault.open(root, key, create=True, caps=caps_of(project)), made


def _key(folder: Path, project: Project) -> VaultKey | None:
    from baseload.vault.key import VARIABLE, find_key

    return find_key(os.environ.get(VARIABLE, ""), key_file(folder, project))


def beside(names: Collection[str], ledger: Ledger | None) -> Sequence[Path]:
    """Files the ledger was read from that could be the ones named: by their absolute paths."""
    if ledger is None:
        return ()
    ends = tuple(f"/{name.lstrip('./')}" for name in names if name)
    marks = (name for name in ledger.file_marks if "://" not in name)
    return tuple(Path(name) for name in marks if f"/{name}".endswith(ends)) if ends else ()
