"""The gateway beside its peers: requests a second, CPU a request, stream events, added latency, memory, start.

    python benchmarks/bench_gateway.py [--rounds 10] [--seconds 3]

A stand-in upstream and a load generator (../shared/bench, built with gcc) run on one core, the contender on the other.
Rounds are interleaved and medians shown. Latency is what a contender adds: the difference to no gateway of the same
round at 500 requests a second against an upstream that takes 50 ms, with a bootstrap interval over the rounds. CPU a
request is the contender's own CPU time, which other work on the machine does not move.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from gateway_contenders import HEADERS, LOAD_CORE, ROOT, Contender, Running, contenders, free_port, listens, running

BENCH = ROOT.parent / "shared" / "bench"
BUILT = ROOT / "build" / "bench"
TICKS = os.sysconf("SC_CLK_TCK")
FAST_RPS = 1_500
"""Who carries fewer is not asked for 500 a second beside other work."""
FULL = "ours, policy, marks, budgets, metering and log"


def build() -> None:
    BUILT.mkdir(parents=True, exist_ok=True)
    for name in ("mock", "loadgen"):
        if not (BUILT / name).exists():
            subprocess.run(["gcc", "-O2", "-o", str(BUILT / name), str(BENCH / f"{name}.c")], check=True)


@contextmanager
def upstream(*flags: str) -> Iterator[int]:
    port = free_port()
    command = ["taskset", "-c", str(LOAD_CORE), str(BUILT / "mock"), "-p", str(port), *flags]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        while not listens(port):
            time.sleep(0.02)
        yield port
        process.kill()


def load(port: int, body: str, *flags: str, headers: tuple[str, ...] = (), seconds: float = 3.0) -> dict[str, Any]:
    given = [part for header in (*HEADERS, *headers) for part in ("-H", header)]
    command = ["taskset", "-c", str(LOAD_CORE), str(BUILT / "loadgen"), "-u", f"127.0.0.1:{port}", "-P", "/v1/messages"]
    command += ["-f", str(BENCH / body), *given, "-d", str(seconds), "-w", "0.5", *flags]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + 60)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def cpu_s(pid: int) -> float:
    """CPU seconds of a process and its children."""
    total = 0.0
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = status.read_text().rpartition(")")[2].split()
            if int(status.parent.name) == pid or int(fields[2]) == pid:
                total += (int(fields[11]) + int(fields[12])) / TICKS
    return total


def rss_mb(pid: int) -> float:
    """Resident memory of a process group."""
    total = 0
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = status.read_text().rpartition(")")[2].split()
            if int(fields[2]) == pid:
                total += int(fields[21]) * os.sysconf("SC_PAGE_SIZE")
    return total / 2**20


def throughput(one: Running | None, port: int, seconds: float) -> dict[str, float]:
    """Requests a second and CPU microseconds a request at 2 KB and 110 KB; stream events a second."""
    headers = one.contender.headers if one else ()
    found: dict[str, float] = {}
    for name, body, flags in (
        ("2 KB", "body_small_json.json", ("-c", "32")),
        ("110 KB", "body_large_json.json", ("-c", "32")),
        ("SSE", "body_small_stream.json", ("-c", "16", "-H", "x-mock-deltas: 200", "-e", "200")),
    ):
        before = cpu_s(one.pid) if one else 0.0
        result = load(port, body, *flags, headers=headers, seconds=seconds)
        used = cpu_s(one.pid) - before if one else 0.0
        found[f"{name} errors"] = result["err"]
        if name == "SSE":
            found["SSE events/s"] = result["ev_s"]
            found["SSE CPU us/event"] = used / max(result["total"] * 200, 1) * 1e6
        else:
            found[f"{name} rps"] = result["rps"]
            found[f"{name} CPU us"] = used / max(result["total"], 1) * 1e6
    return found


def latency(one: Running | None, port: int, seconds: float) -> dict[str, float]:
    headers = one.contender.headers if one else ()
    result = load(port, "body_small_json.json", "-c", "64", "-r", "500", headers=headers, seconds=seconds)
    return {"p50": result["p50"] / 1000, "p99": result["p99"] / 1000, "errors": result["err"]}


def paced(one: Running | None, port: int, seconds: float) -> dict[str, float]:
    """Delay of each event in 40 streams that send one every 20 ms."""
    headers = (*(one.contender.headers if one else ()), "x-mock-deltas: 50", "x-mock-interval-us: 20000")
    result = load(port, "body_small_stream.json", "-c", "40", "-e", "50", headers=headers, seconds=seconds)
    return {"d50": result["d50"] / 1000, "d99": result["d99"] / 1000}


def starts(contender: Contender, port: int) -> bool:
    """Whether it can be measured here; said where not."""
    try:
        with running(contender, port):
            return True
    except RuntimeError as error:
        print(f"{contender.name}: not measured, {str(error).splitlines()[0][:60]}")
        return False


def medians(rounds: list[dict[str, float]]) -> dict[str, float]:
    return {name: statistics.median(one[name] for one in rounds) for name in rounds[0]}


def interval(differences: list[float]) -> str:
    """Median of paired differences with a 95 % bootstrap interval."""
    chance = np.random.default_rng(1)
    values = np.array(differences)
    drawn = np.median(values[chance.integers(0, len(values), (4000, len(values)))], axis=1)
    low, high = np.quantile(drawn, (0.025, 0.975))
    return f"{np.median(values):6.2f} ({low:.2f} to {high:.2f})"


def measure_throughput(found: list[Contender], rounds: int, seconds: float) -> dict[str, dict[str, float]]:
    results: defaultdict[str, list[dict[str, float]]] = defaultdict(list)
    with upstream() as port:
        for _ in range(rounds):
            results["no gateway"].append(throughput(None, port, seconds))
            for contender in found:
                with running(contender, port) as one:
                    load(one.port, "body_small_json.json", "-c", "8", headers=one.contender.headers, seconds=1)  # warm
                    results[contender.name].append(throughput(one, one.port, seconds))
    return {name: medians(each) for name, each in results.items()}


def measure_latency(found: list[Contender], rounds: int, seconds: float) -> None:
    print("\nAdded by a contender at 500 requests a second, upstream of 50 ms: ms, median of paired differences")
    with upstream("-l", "50000") as port:
        for contender in found:
            added: dict[str, list[float]] = {"p50": [], "p99": []}
            events: list[float] = []
            events99: list[float] = []
            errors = 0.0
            with running(contender, port) as one:
                load(one.port, "body_small_json.json", "-c", "8", headers=one.contender.headers, seconds=1)
                for _ in range(rounds):
                    direct, through = latency(None, port, seconds), latency(one, one.port, seconds)
                    errors += through["errors"]
                    for name, values in added.items():
                        values.append(through[name] - direct[name])
                for _ in range(max(3, rounds // 3)):
                    direct, through = paced(None, port, seconds), paced(one, one.port, seconds)
                    events.append(through["d50"])
                    events99.append(through["d99"])
            print(
                f"{contender.name:<48} p50 {interval(added['p50'])}  p99 {interval(added['p99'])}  event delay p50 "
                f"{statistics.median(events):.2f} p99 {statistics.median(events99):.2f}  errors {errors:.0f}",
                flush=True,
            )


def measure_rest(found: list[Contender]) -> None:
    print("\nStart until it listens, memory at rest, memory with 2,000 open streams")
    with upstream() as port:
        for contender in found:
            with running(contender, port) as one:
                time.sleep(1)
                rest = rss_mb(one.pid)
                flags = ("-c", "2000", "-e", "10")
                slow = (*one.contender.headers, "x-mock-deltas: 10", "x-mock-interval-us: 400000")
                with subprocess.Popen(_command(one.port, flags, slow), stdout=subprocess.DEVNULL) as generator:
                    time.sleep(3)
                    open_mb = rss_mb(one.pid)
                    generator.kill()
            print(f"{contender.name:<48} {one.started_s:5.2f} s  {rest:6.0f} MB  {open_mb:6.0f} MB", flush=True)


def _command(port: int, flags: tuple[str, ...], headers: tuple[str, ...]) -> list[str]:
    given = [part for header in (*HEADERS, *headers) for part in ("-H", header)]
    base = ["taskset", "-c", str(LOAD_CORE), str(BUILT / "loadgen"), "-u", f"127.0.0.1:{port}", "-P", "/v1/messages"]
    return [*base, "-f", str(BENCH / "body_small_stream.json"), *given, "-d", "8", *flags]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--only", default="", help="names that hold this word, ours always")
    given = parser.parse_args()
    if not BENCH.is_dir():
        print(f"the stand-in upstream is not there ({BENCH.name}); nothing was measured")
        return
    build()
    with upstream() as port:
        found = [one for one in contenders() if one.name.startswith("our") or given.only in one.name]
        found = [one for one in found if starts(one, port)]
    table = measure_throughput(found, max(3, given.rounds // 3), given.seconds)
    base, peer = table["our bare pipe"], table.get("Envoy + Lua rewrite")
    print(
        f"{'one core':<48} {'2 KB rps':>9} {'CPU us':>7} {'110 KB rps':>10} {'CPU us':>7} {'events/s':>9} {'errors':>6}"
    )
    for name, row in table.items():
        errors = row["2 KB errors"] + row["110 KB errors"] + row["SSE errors"]
        print(
            f"{name:<48} {row['2 KB rps']:9,.0f} {row['2 KB CPU us']:7.0f} {row['110 KB rps']:10,.0f} "
            f"{row['110 KB CPU us']:7.0f} {row['SSE events/s']:9,.0f} {errors:6.0f}"
        )
    full = table[FULL]
    print(f"\nfull over bare: {full['2 KB rps'] / base['2 KB rps']:.2f} at 2 KB, "
          f"{full['110 KB rps'] / base['110 KB rps']:.2f} at 110 KB (limit 0.60)")  # fmt: skip
    if peer:
        print(f"full over Envoy + Lua: {full['2 KB rps'] / peer['2 KB rps']:.2f} at 2 KB (limit 1.10), "
              f"{full['110 KB rps'] / peer['110 KB rps']:.2f} at 110 KB (limit 0.50)")  # fmt: skip
    fast = [one for one in found if table[one.name]["2 KB rps"] > FAST_RPS]
    measure_latency(fast, given.rounds, given.seconds)
    measure_rest(found)
    print(f"\ncommand of the full one: {' '.join(found[2].start(0, 0, BUILT))}".replace(str(ROOT), "."))


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    main()
