"""`baseload demo upstream`: a local stand-in for the Claude API, for tests of your own and a first look at trials."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

if TYPE_CHECKING:
    from baseload.demo.upstream.server import Upstream


def upstream(
    *,
    port: Annotated[int, Parameter(help="Port on 127.0.0.1; 0 takes a free one.")] = 8787,
    answers: Annotated[
        Path | None, Parameter(help="Recorded answers, JSONL. Default: words drawn from a seed.")
    ] = None,
    faults: Annotated[Path | None, Parameter(help="Faults to play, a JSON list.")] = None,
    seed: Annotated[int, Parameter(help="Of the drawn words and the order of batch results.")] = 7,
    latency: Annotated[float, Parameter(help="Seconds before the first byte.")] = 0.0,
    event_gap: Annotated[float, Parameter(help="Seconds between the events of a stream.")] = 0.0,
    batch_seconds: Annotated[float, Parameter(help="Seconds a batch takes.")] = 2.0,
) -> int:
    """Serve Messages, Batches, count_tokens and Models on loopback until interrupted.

    Any key is taken and nothing leaves this machine. Answers come from the file, by model and request; without a file
    they are drawn from the seed; what neither knows is a 404. Nothing it says is evidence of a model's quality.

    Examples
    --------
    baseload demo upstream --port 8787
    ANTHROPIC_BASE_URL=http://127.0.0.1:8787 ANTHROPIC_API_KEY=any python my_app.py
    baseload demo upstream --answers answers.jsonl --batch-seconds 30
    """
    import asyncio
    import contextlib

    import msgspec

    from baseload.cli.book import read_file
    from baseload.demo.upstream.answers import Answers, read_answers
    from baseload.demo.upstream.faults import Behaviour, Fault
    from baseload.demo.upstream.seeded import seeded_answers
    from baseload.demo.upstream.server import Upstream
    from baseload.demo.upstream.service import Service
    from baseload.errors import UsageError
    from baseload.prices.load import load_book

    if not 0 <= port < 2**16:
        raise UsageError(f"--port {port}: expected 0 to 65535; 0 takes a free one")
    if answers is None:
        said = Answers(fallback=seeded_answers(seed))
    else:
        said = Answers(read_answers(read_file(answers, "file of recorded answers").splitlines()))
    service = Service(said, load_book(), seed=seed)
    service.behaviour = Behaviour(latency_s=latency, event_gap_s=event_gap, batch_s=batch_seconds)
    server = Upstream(service)
    if faults is not None:
        try:
            planned = msgspec.json.decode(read_file(faults, "file of faults"), type=list[Fault])
        except msgspec.DecodeError as error:
            raise UsageError(f"{faults}: {error}; expected a list of faults (docs/reference/upstream.md)") from error
        server.faults.add(*planned)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(server, port))
    return 0


async def _serve(server: Upstream, port: int) -> None:
    import asyncio

    from baseload.cli.output import stdout

    await server.start(port)
    stdout().print(f"Listening on {server.base_url}; stop with Ctrl-C.", markup=False, soft_wrap=True)
    try:
        await asyncio.Event().wait()
    finally:
        await server.stop()
