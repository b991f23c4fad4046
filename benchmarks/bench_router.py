"""How long a router takes to fit and to decide, and how large its file is.

    python benchmarks/bench_router.py [--prompts 10000] [--rounds 3] [--table FILE]

Without a table of its own it takes MMLU-Pro of the shared samples (Gemini 1.5 Flash for Pro), or made-up prompts where
the samples are not there. A decision is the whole of it: text in, model and reason out, each prompt once a round.
"""

from __future__ import annotations

import argparse
import random
import time
from pathlib import Path

import msgspec
import numpy as np

from baseload.quality.router.certify import Promise
from baseload.quality.router.decide import Router
from baseload.quality.router.document import encoded
from baseload.quality.router.fit import fit
from baseload.quality.router.table import Answers, Row, read_table

SAMPLE = Path(__file__).resolve().parents[2] / "shared" / "data" / "routing" / "mmlu_pro_gemini_llama.parquet"
STRONG, WEAK = "gemini-1.5-pro", "gemini-1.5-flash"


def made_up(prompts: int) -> Answers:
    """Prompts of 60 to 180 words of 5,000; weak fails more on long words."""
    random_ = random.Random(1)
    words = ["".join(random_.choices("abcdefghijklmnopqrstuvwxyz", k=random_.randint(2, 10))) for _ in range(5000)]
    rows = []
    for at in range(prompts):
        text = " ".join(random_.choices(words, k=random_.randint(60, 180)))
        hard = sum(len(word) > 8 for word in text.split()) / len(text.split())
        for model, chance, cost in ((STRONG, 0.85, 1.0), (WEAK, 0.85 - hard, 0.1)):
            score = float(random_.random() < chance)
            rows.append(Row(0, "", f"p{at}", text, "", model, "0", "", score, cost, "measured", False, (), ()))
    return Answers(file="made up", rows=tuple(rows), number_names=(), level_names=())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prompts", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--table", type=Path, default=SAMPLE)
    given = parser.parse_args()
    answers = read_table(given.table)[0] if given.table.is_file() else made_up(given.prompts)
    names = sorted({row.prompt_id for row in answers.rows})[: given.prompts]
    kept = set(names)
    models = {STRONG, WEAK}
    rows = tuple(row for row in answers.rows if row.prompt_id in kept and row.model in models)
    answers = msgspec.structs.replace(answers, rows=rows)
    started, cpu = time.perf_counter(), time.process_time()
    router, _ = fit(answers, STRONG, [WEAK], Promise(floor=0.95, confidence=0.90))
    took, cpu = time.perf_counter() - started, time.process_time() - cpu
    deciding = Router(router)
    prompts = [(row.prompt, row.category) for row in answers.rows if row.model == STRONG]
    spent = []
    used = time.process_time()
    for _ in range(given.rounds):
        for prompt, category in prompts:
            begun = time.perf_counter_ns()
            deciding.decide(prompt, category)
            spent.append((time.perf_counter_ns() - begun) / 1000)
    used = (time.process_time() - used) / len(spent) * 1e6
    half, tail = np.percentile(spent, [50, 99])
    print(
        f"{answers.file}: {len(prompts):,} prompts, {np.mean([len(text) for text, _ in prompts]):.0f} characters each"
    )
    print(f"fit       {took:6.1f} s  ({cpu:.1f} CPU-s), decision {router.decision}        target 30 s")
    print(
        f"decide    {np.mean(spent):6.0f} us mean, {half:.0f} median, {tail:.0f} p99, {used:.0f} of CPU   target 200 us"
    )
    print(f"file      {len(encoded(router)):6,} bytes                           target 5 MB")


if __name__ == "__main__":
    main()
