"""`baseload cache`: what every way of caching would cost on real prefixes, and how far the plan gets."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from baseload.cli.help import Json, ProjectFolder, Source

TOTALS_ONLY = (
    "this usage holds sums by day or month and no single calls: which prompts begin alike, and how long after one "
    "another they come, is not in it. Give request logs with bodies (a gateway's, Bedrock's, Claude Code transcripts) "
    "or a prefix-hash trace; `baseload map` shows what sums can."
)


def cache(
    *paths: Annotated[
        Path,
        Parameter(
            help="Prefix-hash traces (Parquet, JSONL, JSON), or usage logs or a ledger with request bodies; the "
            "project's own ledger when none."
        ),
    ],
    model: Annotated[
        str | None, Parameter(help="Price every request as this model, minimum included. Default: each its own.")
    ] = None,
    train_share: Annotated[
        str,
        Parameter(help="First share of the sessions (of the requests, without sessions) that the plan learns from."),
    ] = "0.5",
    no_minimum: Annotated[
        bool,
        Parameter(name="--no-minimum", negative=(), show_default=False, help="Traces: let every prefix be cached."),
    ] = False,
    read_multiplier: Annotated[
        str | None,
        Parameter(help="Traces: price of a cache read over plain input, 0 to 1. Default: the model's own."),
    ] = None,
    json: Json = False,
    source: Source = None,
    project: ProjectFolder = None,
    as_of: Annotated[dt.date | None, Parameter(help="Prices of this UTC day, YYYY-MM-DD. Default: today.")] = None,
) -> int:
    """What every way of caching costs on real prefixes, and how far the plan gets.

    A cache is simulated by its published rules: on request traces that hold hashes of prefix blocks and no text, or on
    the request bodies of usage logs, where missed reads are explained too. The plan learns on the first part and is
    judged on the rest, which starts cold; nothing it decides there looks ahead. Only input is priced: output costs the
    same under every policy.

    Examples
    --------
    baseload cache traces/requests.parquet
    baseload cache trace.jsonl --model claude-opus-5-5 --train-share 0.3
    baseload cache traces/ --no-minimum --read-multiplier 0.1 --json | jq '.policies[] | {name, ratio}'
    baseload cache exports/
    """
    share = _share("--train-share", train_share)
    reads = None if read_multiplier is None else _share("--read-multiplier", read_multiplier)
    files = _traces(paths)
    if not files:
        return _on_logs(paths, model, share, no_minimum or reads is not None, json, source, project, as_of)
    from baseload.cli.cache_traces import build_cache, print_cache
    from baseload.cli.output import exit_code, print_json, print_problems, progress

    with progress("Reading traces") as bar:
        document = build_cache(
            files, project, model=model, share=share, minimum=not no_minimum, reads=reads, as_of=as_of, bar=bar
        )
    if json:
        print_json(document)
    else:
        print_cache(document)
        print_problems(document.problems)
    return exit_code(document.problems)


def _on_logs(
    paths: Sequence[Path],
    model: str | None,
    share: Decimal,
    traces_only: bool,
    json: bool,
    source: str | None,
    project: Path | None,
    as_of: dt.date | None,
) -> int:
    from baseload.cli.cache_logs import print_report
    from baseload.cli.output import exit_code, print_json, print_problems
    from baseload.cli.run import build_cache_report
    from baseload.errors import NothingToRead, UsageError

    if traces_only:
        raise UsageError(
            "--no-minimum and --read-multiplier are for prefix-hash traces. Leave them out for usage logs."
        )
    report = build_cache_report(paths, project, source=source, as_of=as_of, model=model or "", train_share=float(share))
    if not report.workloads:
        raise NothingToRead(TOTALS_ONLY)
    if json:
        print_json(report)
    else:
        print_report(report)
        print_problems(report.problems)
    return exit_code(report.problems)


def _traces(paths: Sequence[Path]) -> list[Path]:
    """The trace files these PATHs stand for, each once; none where they are logs. Raises UsageError for a mixture."""
    from baseload.errors import UsageError
    from baseload.ledger.store import is_ledger
    from baseload.usage.prefix_traces import trace_files

    found = {path: trace_files(path) if path.exists() and not is_ledger(path) else [] for path in paths}
    others = [path for path, files in found.items() if not files]
    if others and len(others) < len(found):
        raise UsageError(f"{others[0]} holds no prefix-hash trace, other PATHs do. Give traces and usage logs apart.")
    return list(dict.fromkeys(file for files in found.values() for file in files))


def _share(option: str, text: str) -> Decimal:
    """A number from 0 to 1. Raises UsageError."""
    from baseload.errors import UsageError

    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal(-1)
    if not value.is_finite() or not 0 <= value <= 1:
        raise UsageError(f"{option} {text[:20]}: expected a number from 0 to 1, such as 0.5")
    return value
