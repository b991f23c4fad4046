"""Gateway processes from their start to their drain: signals, reload, workers, the one line that says it listens."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final, NamedTuple

import msgspec
import uvloop

from baseload.cli.gateway_checks import check_start, taken
from baseload.cli.gateway_settings import Setup, book_of, org_key_of
from baseload.errors import UsageError
from baseload.gateway.assembly import parts_of
from baseload.gateway.reload import Reloader
from baseload.gateway.runtime import Gateway, process_name, settle_memory, watch_files
from baseload.gateway.shipping import TableSender, one_line
from baseload.gateway.telemetry.logs import log_to
from baseload.gateway.telemetry.together import Beside, sockets_for
from baseload.gateway.workers import Workers, reserve
from baseload.prices.book import PriceBook
from baseload.values import OrgKey

SCHEMA: Final = "baseload.gateway/1"
_STOPS: Final = (signal.SIGTERM, signal.SIGINT)
_LAST_SHIP_S: Final = 60.0
log = logging.getLogger("baseload.gateway")


class Run(NamedTuple):
    """What every process of one gateway is made from; all of it was read before the first fork."""

    setup: Setup
    book: PriceBook
    org_key: OrgKey
    says: Callable[[int], None]  # it listens on this port
    own_sockets: tuple[socket.socket, ...] = ()  # where each of several processes answers for itself; () = nowhere


def serve_until_told(setup: Setup, *, as_json: bool) -> int:
    """Serve in this process, or in several; the exit code is 0 when all of them drained. Raises UsageError."""
    log_to(level=setup.config.telemetry.log_level)
    check_start(setup, log.warning)
    run = Run(setup, book_of(setup), org_key_of(setup.config), partial(_announce, setup, as_json))
    listen = setup.config.listen
    code = _several(run) if listen.workers > 1 else uvloop.run(_serve(run, 0, port=listen.port, shared=False))
    if setup.config.log.ship_to == "ledger":
        _ship_now(setup)
    return code


def _several(run: Run) -> int:
    """Processes that share a port."""
    listen = run.setup.config.listen
    if listen.admin_port is not None:
        run = run._replace(own_sockets=sockets_for(listen.workers))
    with _reserved(listen.host, listen.port) as held:
        port = int(held.getsockname()[1])
        first, last = os.pipe()  # a byte a process: who takes the last one says that all of them listen
        os.set_blocking(first, False)
        os.write(last, bytes(reversed(range(listen.workers))))

        def serve(number: int) -> int:
            def says(port: int) -> None:
                with contextlib.suppress(BlockingIOError):
                    if os.read(first, 1) == b"\0":
                        run.says(port)

            return uvloop.run(_serve(run._replace(says=says), number, port=port, shared=True))

        gc.collect()
        gc.freeze()  # so that the processes share what was loaded
        return Workers(listen.workers, serve, log.warning).run()


@contextlib.contextmanager
def _reserved(host: str, port: int) -> Iterator[socket.socket]:
    try:
        held = reserve(host, port)
    except OSError as error:
        raise _taken(host, port, error) from error
    with held:
        yield held


async def _serve(run: Run, number: int, *, port: int, shared: bool) -> int:
    """One process until it is told to stop. Raises UsageError, StateDown."""
    stop, hup = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in _STOPS:
        loop.add_signal_handler(name, stop.set)
    loop.add_signal_handler(signal.SIGHUP, hup.set)
    gateway = _gateway(run, number, port)
    try:
        await gateway.start(reuse_port=shared)
    except BaseException as error:
        gateway.core.log.close()
        await gateway.state.close()
        if isinstance(error, OSError):
            raise _taken(run.setup.config.listen.host, port, error) from error
        raise
    settle_memory()
    gateway.read = run.setup.read
    reloader = Reloader(run.setup.loaded, run.setup.read, run.setup.loaded.files, _say)
    watching = asyncio.create_task(watch_files(gateway, reloader, at_once=hup))
    run.says(gateway.port)
    await stop.wait()
    if not shared:  # told twice, what is under way is broken off; a supervisor repeats what the terminal said
        for name in _STOPS:
            loop.add_signal_handler(name, lambda: loop.create_task(gateway.server.stop()))
    watching.cancel()
    await gateway.stop()
    for part in gateway.parts:
        if isinstance(part, TableSender):
            await asyncio.to_thread(part.close)
    return 0


def _gateway(run: Run, number: int, port: int) -> Gateway:
    config = run.setup.config
    listen = msgspec.structs.replace(config.listen, port=port)
    loaded = msgspec.structs.replace(run.setup.loaded, config=msgspec.structs.replace(config, listen=listen))
    beside = Beside(number, run.own_sockets) if run.own_sockets else None
    return Gateway(
        loaded,
        run.book,
        env=os.environ,
        org_key=run.org_key,
        name=process_name(),
        parts=partial(parts_of, number=number, ship_command=ship_command(run.setup), beside=beside),
    )


def _taken(host: str, port: int, error: OSError) -> UsageError:
    return UsageError(taken(host, port, error))


# what is said


def _announce(setup: Setup, as_json: bool, port: int) -> None:
    config, policy = setup.config, setup.loaded.policy
    host = "127.0.0.1" if config.listen.host == "localhost" else config.listen.host
    shown = f"[{host}]" if ":" in host else host
    scheme = "https" if config.listen.tls_cert else "http"
    address = f"{scheme}://{shown}:{port}"
    mode = "observe" if config.policy.observe or not policy.policy_id else "policy"
    if as_json:
        document = {
            "schema": SCHEMA, "address": address, "port": port, "mode": mode, "policy_id": policy.policy_id,
            "workers": config.listen.workers, "pid": os.getpid() if config.listen.workers == 1 else os.getppid(),
        }  # fmt: skip
        line = msgspec.json.encode(document).decode()
    else:
        does = "only measures" if mode == "observe" else f"serves policy {policy.policy_id}"
        line = f"Listening on {address}, {does}; stop with Ctrl-C. Clients: {_to_paste(host, address)}"
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _to_paste(host: str, address: str) -> str:
    """What a client sets. Nobody reaches a machine by the address that stands for all of its own."""
    if host not in ("0.0.0.0", "::"):  # noqa: S104 - compared with, never listened on
        return f"export ANTHROPIC_BASE_URL={address}"
    scheme, port = address.partition(":")[0], address.rpartition(":")[2]
    return f"export ANTHROPIC_BASE_URL={scheme}://NAME:{port}, with the NAME they reach this machine by"


def _say(line: str) -> None:
    (log.warning if "refused" in line else log.info)(line)


# the ledger


def ship_command(setup: Setup) -> tuple[str, ...]:
    """The command line that ships this gateway's complete segments, and deletes those whose days are over."""
    program = "from baseload.cli.main import main; main()"
    config, folder = setup.config, setup.loaded.folder
    where = ("--log", str(folder / config.log.folder), "--ledger", str(folder / config.log.ledger))
    settings = ("--config", str(setup.path)) if setup.path is not None else ()
    keep = ("--delete-after", str(config.log.keep_shipped_days))
    return (sys.executable, "-c", program, "gateway", "ship", *where, *keep, *settings)


def _ship_now(setup: Setup) -> None:
    """After the last process completed its segment."""
    try:
        command = ship_command(setup)
        done = subprocess.run(  # noqa: S603 - ours
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=_LAST_SHIP_S, check=False
        )
    except subprocess.TimeoutExpired:
        log.warning("the call log was not shipped in time; the next start or `baseload gateway ship` does it")
        return
    if done.returncode not in (0, 1):
        log.warning("the call log was not shipped (%d): %s", done.returncode, one_line(done.stderr))
    elif done.returncode:
        log.warning("some records of the call log had problems, which the ledger keeps: %s", one_line(done.stderr))
