"""A gateway as a process of its own, as the command runs it, without what only people need: killed by the tests."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import uvloop

from baseload.gateway.reload import Overrides, load
from baseload.gateway.runtime import Gateway
from baseload.prices.load import load_book
from baseload.values import OrgKey


async def main() -> None:
    folder = Path(sys.argv[1])
    loaded = load(folder / "gateway.toml", Overrides(), folder)
    gateway = Gateway(loaded, load_book(), env=dict(os.environ), org_key=OrgKey(b"key of the kills"), name="killed")
    await gateway.start()
    print("port", gateway.port, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main())
