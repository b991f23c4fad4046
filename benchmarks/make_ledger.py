"""Write a seeded ledger of any size straight in the ledger's own format: what the speed tables are measured on.

    python benchmarks/make_ledger.py build/ledger-20m --calls 20000000

60 workloads, 300 keys, 5 models, 180 days with a weekly rhythm, sessions, repeats and prefixes; nothing of it comes
from a real company. The same arguments give the same rows.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from baseload.engine.duckdb import DuckDBEngine
from baseload.ledger.columns import CALL_TABLE_COLUMNS, DERIVED_TEXT, NULLABLE_INTS, TEXT
from baseload.ledger.dimension import STORED_COLUMNS, cell_columns
from baseload.ledger.labels import SIGNATURE_FIELDS, Cell, CellKey, cell_of
from baseload.ledger.manifest import CallFile, Manifest, publish
from baseload.values import BANDS, DAY_US, HOUR_US

CHUNK = 1_000_000
WORKLOADS = 60
KEYS = 300
MODELS = (  # of the price book, sold all through the window
    "claude-opus-4-7",
    "claude-sonnet-4-6",
    "claude-haiku-4-5-20251001",
    "claude-opus-4-6",
    "claude-opus-4-5-20251101",
)
END_DAY = 20_770  # 2026-11-13


class Company(NamedTuple):
    """What is drawn once: who calls, with what, how often."""

    share: Any  # of calls, by workload
    models: Any  # preferred and second model of each workload
    keys: Any  # [workload, 8] key numbers
    prompt: Any  # median prompt tokens
    cached: Any  # share of the prompt read from cache
    output: Any  # median output tokens
    cells: list[Cell]
    cell_index: Any  # [workload, key slot, model slot, band] -> index into cells


def company(rng: np.random.Generator) -> Company:
    share = 1 / np.arange(1, WORKLOADS + 1) ** 1.1
    models = np.stack([rng.integers(0, len(MODELS), WORKLOADS) for _ in range(2)], axis=1)
    keys = rng.integers(0, KEYS, (WORKLOADS, 8))
    cells: list[Cell] = []
    index = np.zeros((WORKLOADS, 8, 2, 3), dtype=np.int64)
    known: dict[int, int] = {}
    for workload, slot, model, band in np.ndindex(index.shape):
        cell = _cell(workload, int(keys[workload, slot]), MODELS[models[workload, model]], BANDS[band])
        if cell.cell not in known:
            known[cell.cell] = len(cells)
            cells.append(cell)
        index[workload, slot, model, band] = known[cell.cell]
    return Company(
        share=share / share.sum(),
        models=models,
        keys=keys,
        prompt=rng.lognormal(8.0, 1.2, WORKLOADS),
        cached=rng.beta(0.6, 0.8, WORKLOADS),
        output=rng.lognormal(5.3, 1.2, WORKLOADS),
        cells=cells,
        cell_index=index,
    )


def _cell(workload: int, key: int, model: str, band: str) -> Cell:
    parts: dict[str, Any] = dict.fromkeys(CellKey._fields, "")
    parts |= {
        "source": "messages_jsonl",
        "account": "org-bench",
        "workspace": f"ws-{workload % 12}",
        "api_key": f"key-{key}",
        "tags": f'{{"app":"app-{workload % 20}","job":"job-{workload}"}}',
        "tools_fp": f"{workload % 7:032x}",
        "system_fp": f"{workload:032x}",
        "template_id": f"{workload:032x}",
        "grain": "call",
        "model_raw": model,
        "model": model,
        "platform": "anthropic",
        "geo": "global",
        "tier": "standard",
        "speed": "standard",
        "sampling_rate": 1,
    }
    return cell_of(CellKey(**parts), band)


def chunk_table(rng: np.random.Generator, made: Company, days: range, first_row: int, count: int) -> dict[str, Any]:
    """`count` calls of consecutive time, spread over `days`, as all columns of a calls file."""
    workload = rng.choice(WORKLOADS, size=count, p=made.share)
    slot, model = rng.integers(0, 8, count), (rng.random(count) < 0.2).astype(np.int64)
    start = np.sort(_times(rng, days, count))
    prompt = np.minimum(made.prompt[workload] * rng.lognormal(0, 0.7, count), 900_000).astype(np.int64) + 5
    read = (prompt * made.cached[workload] * rng.random(count)).astype(np.int64)
    written = ((prompt - read) * (rng.random(count) < 0.15)).astype(np.int64)
    output = (made.output[workload] * rng.lognormal(0, 0.6, count)).astype(np.int64) + 1
    cell = made.cell_index[workload, slot, model, np.searchsorted([100_000, 200_000], prompt)]
    session = rng.integers(0, max(count // 12, 1), count) + first_row * 7
    table: dict[str, Any] = _defaults(count)
    ints = {
        "start_us": start, "day": start // DAY_US, "hour": start // HOUR_US % 24, "prompt_tokens": prompt,
        "uncached_input_tokens": prompt - read - written, "cache_read_tokens": read,
        "cache_write_5m_tokens": written, "output_tokens": output, "rank": prompt + output,
        "thread": session + 1, "row_id": np.arange(first_row, first_row + count), "source_row": np.arange(count),
        "messages": rng.integers(1, 40, count), "stream": (workload % 2), "max_tokens": np.full(count, 4096),
    }  # fmt: skip
    identity = rng.integers(0, 1 << 63, (count, 2), dtype=np.int64)
    repeat = np.where(rng.random(count) < 0.03, rng.integers(0, count, count), np.arange(count))
    table |= ints | {
        "id_key": identity[:, 0],
        "request_key": identity[repeat][:, 1],
        "call_id": _hex(identity),
        "request_hash": _hex(identity[repeat][:, ::-1]),
        "session_id": _hex(np.stack([session, session], axis=1)),
        "stop_reason": np.array(["end_turn", "tool_use", "max_tokens"], dtype=object)[rng.integers(0, 3, count)],
        "prefix_blocks": _prefixes()[workload * 8 + slot],
    }
    return table | _labels(made.cells, cell)


def _times(rng: np.random.Generator, days: range, count: int) -> Any:
    numbers = np.arange(days.start, days.stop)
    weight = np.where((numbers + 3) % 7 >= 5, 0.35, 1.0)
    day = rng.choice(numbers, size=count, p=weight / weight.sum())
    return day * DAY_US + (rng.beta(3, 2.5, count) * DAY_US).astype(np.int64)


def _prefixes() -> Any:
    texts = []
    for number in range(WORKLOADS * 8):
        shared, own = number // 8, number
        texts.append(f"{shared:016x}:1500 {shared + 5000:016x}:900 {own + 9000:016x}:700")
    return np.array(texts, dtype=object)


def _hex(pairs: Any) -> Any:
    text = pairs.astype(">i8").tobytes().hex().encode()
    return np.frombuffer(text, dtype="S32").astype(str).astype(object)


def _defaults(count: int) -> dict[str, Any]:
    table: dict[str, Any] = {}
    for name in CALL_TABLE_COLUMNS:
        if name in TEXT or name in DERIVED_TEXT:
            table[name] = np.broadcast_to(np.array([""], dtype=object), count)
        elif name in NULLABLE_INTS:
            table[name] = np.ma.masked_all(count, dtype=np.int64)
        else:
            table[name] = np.broadcast_to(np.zeros(1, dtype=np.int64), count)
    ones = np.broadcast_to(np.ones(1, dtype=np.int64), count)
    return table | {"requests": ones, "sampling_rate": ones, "features_version": ones}


def _labels(cells: list[Cell], codes: Any) -> dict[str, Any]:
    values: dict[str, list[Any]] = {
        name: [getattr(cell, name) for cell in cells] for name in ("signature", "price_key", "model", "band")
    }
    values |= {name: [cell.labels[place] for cell in cells] for place, name in enumerate(SIGNATURE_FIELDS)}
    values |= {"model_raw": values["model"], "cell": [cell.cell for cell in cells]}
    for name, text in (("platform", "anthropic"), ("geo", "global"), ("tier", "standard"), ("speed", "standard")):
        values[name] = [text] * len(cells)
    arrays = {name: np.array(column, dtype=np.int64 if name == "cell" else object) for name, column in values.items()}
    return {name: array[codes] for name, array in arrays.items()}


def make_ledger(root: Path, calls: int, days: int, seed: int) -> None:
    """Write the ledger; a folder that has one is left alone."""
    if (root / "manifest.json").exists():
        return
    root.mkdir(parents=True, exist_ok=True)
    made = company(np.random.default_rng(seed))
    files = []
    chunks = -(-calls // CHUNK)
    with DuckDBEngine() as engine:
        for number in range(chunks):
            first = number * CHUNK
            span = range(END_DAY - days + days * number // chunks, END_DAY - days + -(-days * (number + 1) // chunks))
            table = chunk_table(np.random.default_rng((seed, number)), made, span, first, min(CHUNK, calls - first))
            name = f"calls-{number:032x}.parquet"
            engine.write_parquet(table, root / name)
            files.append(
                CallFile(
                    name=name, rows=len(table["day"]), min_day=int(table["day"].min()),
                    max_day=int(table["day"].max()), has_calls=True, has_aggregates=False,
                )
            )  # fmt: skip
        cells = cell_columns(made.cells)
        engine.write_parquet({name: cells[name] for name in STORED_COLUMNS}, root / f"cells-{seed:032x}.parquet")
    manifest = Manifest(next_row_id=calls, calls=tuple(files), cells=(f"cells-{seed:032x}.parquet",))
    publish(root, manifest, frozenset())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--calls", type=int, default=20_000_000)
    parser.add_argument("--days", type=int, default=180)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    began = time.process_time()
    make_ledger(given.folder, given.calls, given.days, given.seed)
    size = sum(path.stat().st_size for path in given.folder.iterdir())
    print(f"{given.calls:,} calls, {size / 1e6:,.0f} MB, {time.process_time() - began:.0f} CPU-s")


if __name__ == "__main__":
    main()
