"""A gateway process that kills itself, with SIGKILL, at a named step of a batch's life.

    python batch_process.py FOLDER UPSTREAM KEY STEP [DSN]

Prints its address and serves until it is killed.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from batch_world import OUR_KEY, batched

from baseload.gateway.batch.api import BatchApi
from baseload.gateway.runtime import Gateway
from baseload.gateway.state.postgres import PostgresDatabase


def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class KillingApi(BatchApi):
    """The API of a process that dies around one of its calls."""

    step = ""

    async def create(self, *given: Any) -> Any:
        if self.step == "intent":
            kill()
        made = await super().create(*given)
        if self.step == "submitted":
            kill()
        return made

    async def results(self, *given: Any) -> Any:
        found = await super().results(*given)
        if self.step == "fetched":
            kill()
        return found


def main() -> None:
    folder, upstream, key, step, *dsn = sys.argv[1:]
    KillingApi.step = step

    def api(gateway: Gateway) -> BatchApi:
        settings = gateway.loaded.config.upstream[0]
        return KillingApi(gateway.client, settings.origin, lambda: (OUR_KEY.encode(),), gateway.core.memo.org_key, 60.0)

    database = (lambda: PostgresDatabase(dsn[0])) if dsn else None
    world: Any = SimpleNamespace(base_url=upstream)
    with batched(world, Path(folder), key=key, api=api, database=database, name="mortal") as gateway:
        if step == "recorded":
            gateway.desk._queue.settle = lambda *_: kill()  # type: ignore[method-assign]  # between log and queue
        print(gateway.served.base_url, flush=True)
        time.sleep(60)


if __name__ == "__main__":
    main()
