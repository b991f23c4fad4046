"""Digests of every query of the source on small seeded data: equal on every engine and version, or something is wrong.

    python tools/digests.py            prints {"engine": …, "digests": {query: sha256 of its sorted rows}}

Needs only duckdb, numpy and msgspec, so that it also runs in the second environment (requirements-duckdb15.lock).
"""

from __future__ import annotations

import hashlib
import json
import random
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

import duckdb
import msgspec
import numpy as np

from baseload.engine.duckdb import DuckDBEngine
from baseload.engine.port import Engine
from baseload.ledger import peaks, prompt_sizes, queries, request_settings, session_models
from baseload.ledger.store import Ledger
from baseload.levers.batch import ledger as batch
from baseload.quality.trial import planning_population
from baseload.values import CALL_FIELDS, DAY_US, Call, Table
from baseload.workloads import latency, neighbours

MODULES = (
    queries, peaks, prompt_sizes, request_settings, session_models, latency, neighbours, batch, planning_population,
)  # fmt: skip


def questions(module: ModuleType) -> dict[str, Callable[[], str]]:
    """Every query a module itself defines: "module.name" -> its text."""
    place = module.__name__.removeprefix("baseload.")
    return {
        f"{place}.{name}": found
        for name, found in sorted(vars(module).items())
        if name.endswith("_sql") and not name.startswith("_") and found.__module__ == module.__name__
    }


QUERIES = {name: query for module in MODULES for name, query in questions(module).items()}
FIRST_DAY = 20_750
MODELS = ("claude-opus-4-8", "claude-haiku-5-5", "")


def sample_calls(count: int = 600, seed: int = 7) -> list[Call]:
    """Calls and buckets with everything the queries look at: sessions, repeats, failures, copies, restated totals."""
    rng = random.Random(seed)
    calls = [_call(rng, number) for number in range(count)]
    calls += [
        msgspec.structs.replace(call, rank=call.rank - 1, output_tokens=1) for call in rng.sample(calls, count // 10)
    ]
    for day in range(10):
        for version in range(1 + day % 3):
            calls.append(_bucket(rng, day, version))
    return calls


def _call(rng: random.Random, number: int) -> Call:
    model, session = rng.choice(MODELS), rng.randrange(40)
    flags = rng.choice(("", "", "ttl_unknown"))
    start = FIRST_DAY * DAY_US + rng.randrange(20) * 43_200_000_000 + rng.randrange(900_000_000)
    return Call(
        call_id=_hex(f"call {number}"),
        rank=rng.randrange(100),
        source=rng.choice(("claude_code", "messages_jsonl")),
        account=rng.choice(("", "org-1")),
        source_file=f"file-{number % 9}.jsonl",
        source_row=number,
        flags=flags,
        requests=0 if number % 31 == 0 else 1,
        sampling_rate=rng.choice((1, 1, 10)),
        start_us=start,
        first_token_us=rng.choice((None, start + 700_000)),
        end_us=rng.choice((None, start + rng.randrange(400_000_000))),
        workspace=rng.choice(("", "ws-a", "ws-b")),
        user_id=_hex(f"user {number % 5}"),
        tags=rng.choice(("", '{"job":"nightly-20261122"}')),
        model_raw=model or "glm-5|x",
        model=model,
        tier=rng.choice(("standard", "batch")),
        stream=rng.choice((None, True, False)),
        max_tokens=rng.choice((None, 0, 4_096)),
        effort=rng.choice(("", "low")),
        stop_reason=rng.choice(("end_turn", "tool_use", "max_tokens")),
        http_status=rng.choice((None, 200, 529)),
        uncached_input_tokens=rng.randrange(150_000),
        cache_read_tokens=rng.randrange(120_000),
        cache_write_5m_tokens=rng.choice((0, rng.randrange(9_000))),
        cache_write_1h_tokens=rng.choice((0, 0, rng.randrange(9_000))),
        output_tokens=rng.randrange(3_000),
        thinking_tokens=rng.choice((None, rng.randrange(500))),
        session_id=_hex(f"session {session}") if session % 8 else "",
        request_hash=_hex(f"request {rng.randrange(80)}") if number % 3 else "",
        template_id=rng.choice(("", "t1", "t2", "t3", "t4")),
        task_cues=rng.choice(("", "summarise", "summarise,tool_result")),
        messages=rng.choice((None, 3)),
        prefix_blocks=rng.choice(("", "aa:1200 bb:900")),
        reported_cost_nano_usd=rng.choice((None, rng.randrange(1 << 40))),
    )


def _bucket(rng: random.Random, day: int, version: int) -> Call:
    return Call(
        call_id=_hex(f"bucket {day}"),
        rank=version,
        source="admin_api",
        account="org-1",
        source_file=f"cost-{version}.json",
        source_row=day,
        grain="day",
        requests=None,
        start_us=(FIRST_DAY + day) * DAY_US,
        model_raw=MODELS[0],
        model=MODELS[0],
        context="0-200k",
        uncached_input_tokens=1_000_000 + version,
        billed_nano_usd=5_000_000_000 * (version + 1) + rng.randrange(1 << 50),
        cost_type="tokens",
        token_class="uncached_input_tokens",
    )


def _hex(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def write_sample(root: Path, calls: Iterable[Call], commit_every: int = 150) -> None:
    """A ledger of the calls, in several commits."""
    listed = list(calls)
    with Ledger.open(root, create=True) as ledger:
        for first in range(0, len(listed), commit_every):
            with ledger.writer() as writer:
                writer.append(listed[first : first + commit_every])


def prices(keys: list[str]) -> Table:
    """Two intervals for every price key but the last, which has none."""
    priced = keys[:-1]
    return {
        "price_key": np.array(priced * 2, dtype=object),
        "from_day": np.array([0] * len(priced) + [FIRST_DAY + 5] * len(priced), dtype=np.int64),
        "to_day_exclusive": np.array([FIRST_DAY + 5] * len(priced) + [1 << 40] * len(priced), dtype=np.int64),
        "price_id": np.arange(2 * len(priced)),
    }


def register_all(ledger: Ledger, engine: Engine) -> None:
    """The ledger's own tables, and the small ones some queries join: prices, and four workloads made of signatures."""
    ledger.attach(engine)
    engine.register("price_interval", prices(ledger.price_keys()))
    signatures = sorted(ledger.signatures()["signature"].tolist())
    workload_of = {signature: f"workload-{place % 4}" for place, signature in enumerate(signatures)}
    engine.register("signature_workload", peaks.signature_workload(workload_of))
    stored = engine.query("SELECT call_id FROM stored_calls WHERE call_id <> ''")["call_id"]
    engine.register("vault_calls", {"call_id": np.unique(stored.astype(str))[::3].astype(object)})
    named = list(workload_of.items())[1:]
    columns = zip(("signature", "workload"), zip(*named, strict=True), strict=True)
    engine.register("trial_workload", {name: np.array(values, dtype=object) for name, values in columns})
    engine.register("batch_signatures", batch.signatures_table(dict(list(workload_of.items())[1:])))


def digest(table: Table) -> str:
    """sha256 of the rows, sorted, with the column names; "none" stands for a missing value."""
    rows = sorted("\t".join("none" if value is None else str(value) for value in row) for row in _rows(table))
    return hashlib.sha256("\n".join(["\t".join(table), *rows]).encode()).hexdigest()


def _rows(table: Table) -> Iterable[tuple[Any, ...]]:
    return zip(*(column.tolist() for column in table.values()), strict=True)


def query_digests(ledger: Ledger, engine: Engine) -> dict[str, str]:
    """Digest of every query, and of one sequential function over sorted groups."""
    register_all(ledger, engine)
    found = {name: digest(engine.query(query())) for name, query in QUERIES.items()}
    conversations = "SELECT thread, start_us, id_key, output_tokens FROM stored_calls WHERE thread <> 0"
    found["map_sorted"] = digest(engine.map_sorted(conversations, ["thread"], ["start_us", "id_key"], thread_shapes))
    return found


def thread_shapes(rows: Table) -> Table:
    """Per thread its calls, and output tokens weighted by place: wrong as soon as a group is split or unsorted."""
    starts = np.flatnonzero(np.diff(rows["thread"], prepend=rows["thread"][:1] - 1)) if len(rows["thread"]) else []
    groups = np.split(np.arange(len(rows["thread"])), starts[1:]) if len(starts) else []
    return {
        "thread": np.array([rows["thread"][group[0]] for group in groups], dtype=np.int64),
        "calls": np.array([len(group) for group in groups], dtype=np.int64),
        "weighted": np.array(
            [int((rows["output_tokens"][group] * np.arange(1, len(group) + 1)).sum()) for group in groups],
            dtype=np.int64,
        ),
    }


def canonical_digest(ledger: Ledger) -> str:
    """Digest of every field of every call that counts: what must not depend on the order or the crashes of imports."""
    with DuckDBEngine(threads=1) as engine:
        ledger.attach(engine)
        columns = ", ".join(f"stored_calls.{name}" for name in CALL_FIELDS)
        return digest(
            engine.query(
                f"SELECT {columns} FROM stored_calls LEFT JOIN superseded ON superseded.row_id = stored_calls.row_id "
                "WHERE superseded.row_id IS NULL"
            )
        )


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        write_sample(Path(folder), sample_calls())
        with Ledger.open(Path(folder)) as ledger, DuckDBEngine(threads=2, bucket_rows=100) as engine:
            digests = query_digests(ledger, engine) | {"canonical": canonical_digest(ledger)}
    print(json.dumps({"engine": f"duckdb {duckdb.__version__}", "digests": digests}, indent=1))


if __name__ == "__main__":
    main()
