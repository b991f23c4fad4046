"""A prefix-hash trace of made-up coding sessions: the shape of real ones, any size.

    python benchmarks/make_prefix_trace.py FILE [--requests 100000] [--blocks 1400] [--seed 1]

A session grows turn by turn, tool loops quickly and human turns after a pause; now and then it is compacted, which
keeps the start (tools and system prompt) and replaces the rest. `--blocks` is the mean of a request's 64-token blocks.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import duckdb
import numpy as np

START_BLOCKS = 240
TURNS = 120


def make_trace(file: Path, *, requests: int, blocks: int = 1400, seed: int = 1) -> None:
    """Write the file; the same arguments give the same requests."""
    draw = np.random.default_rng(seed)
    turn = np.arange(requests) % TURNS
    session = np.arange(requests) // TURNS
    human = draw.random(requests) < 0.06
    pause = np.where(human, draw.lognormal(5.2, 1.4, requests), draw.gamma(2.0, 8.0, requests))
    since = np.cumsum(pause)
    first = since[session * TURNS]
    fresh = (draw.random(requests) < 0.02) | (turn == 0)
    era = np.cumsum(fresh)
    age = np.arange(requests) - np.maximum.accumulate(np.where(fresh, np.arange(requests), 0))
    growth = draw.gamma(2.0, 1.0, requests) * (blocks - START_BLOCKS) / 44
    grown = np.cumsum(growth) - np.maximum.accumulate(np.where(fresh, np.cumsum(growth) - growth, 0.0))
    length = (START_BLOCKS + 1 + np.minimum(grown, 4_000)).astype(np.int64)
    columns = {
        "session": session,
        "seq": turn,
        "t": np.round(since - first, 3),
        "base": START_BLOCKS + era * 4_500,
        "length": length,
        "part": draw.integers(0, 64, requests),
        "output": draw.integers(20, 2_000, requests),
        "human": (age == 0) | human,
    }
    with duckdb.connect() as connection:
        connection.register("made", columns)
        connection.execute(
            f"COPY (SELECT printf('trace_%06d', session) AS trace_id, '' AS agent_id, CAST(seq AS INTEGER) AS seq, t, "
            "CASE WHEN session % 5 = 0 THEN 'claude-sonnet-4-6' ELSE 'claude-opus-4-6' END AS model, "
            "CAST(length * 64 + part AS INTEGER) AS input_tokens, CAST(output AS INTEGER) AS output_tokens, "
            f"CAST(list_concat(range(1, {START_BLOCKS + 1}), range(base, base + length - {START_BLOCKS})) AS INT[]) "
            "AS hash_ids, CASE WHEN human THEN ['text'] ELSE ['tool_result'] END AS input_types, "
            "CASE WHEN human THEN 'end_turn' ELSE 'tool_use' END AS stop FROM made) "
            f"TO '{file}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 4096)"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--blocks", type=int, default=1400)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    make_trace(given.file, requests=given.requests, blocks=given.blocks, seed=given.seed)


if __name__ == "__main__":
    main()
