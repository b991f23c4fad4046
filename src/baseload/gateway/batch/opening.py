"""The desk as the settings ask for it. Imported only where batches are on: the vault's cipher stands behind it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from baseload.gateway.batch.desk import BatchDesk
from baseload.gateway.batch.unbatched import NotBatched
from baseload.gateway.core import Core
from baseload.gateway.state.database import Database
from baseload.gateway.wire.client import Client
from baseload.vault.key import find_key

_KEY_FILE = "vault.key"


def open_desk(
    core: Core,
    *,
    database: Database,
    client: Client,
    keys: Callable[[], Sequence[bytes]],
    env: Mapping[str, str],
    folder: Path,
    not_batched: NotBatched | None = None,
) -> BatchDesk:
    """A desk for `core.config.batch`, its prompts sealed with the key of `sample.key_env` or `sample.key_file`.

    Raises UsageError where there is no key of the vault's, none of the upstream's, or another kind of upstream.
    """
    config = core.config
    sample = config.sample
    upstream = next(one for one in config.upstream if one.name == config.batch.upstream)
    path = folder / (sample.key_file or _KEY_FILE)
    return BatchDesk(
        core,
        database=database,
        client=client,
        upstream=upstream,
        keys=keys,
        vault_key=find_key(env.get(sample.key_env, "").strip(), path),
        not_batched=not_batched,
    )
