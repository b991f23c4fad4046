"""Two programs, one call a day each, whose plan can be worked out by hand.

USD per million tokens: Opus 5.5 costs 4 in and 20 out, Sonnet 5.5 half of it (2 and 10), Opus 4.8 5 and 25.

    triage    50,000 in + 5,000 out on Opus 5.5    0.20 + 0.10 = 0.30 a day = 109.50 a year
    extract  100,000 in + 2,000 out on Opus 4.8    0.50 + 0.05 = 0.55 a day = 200.75 a year
"""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

TODAY = dt.date(2026, 11, 22)
FIRST = dt.date(2026, 10, 12)
DAYS = 40
"""To 2026-11-20: with its first and last day left out, more than the 28 complete days of a run rate."""

_TOKENS_HEADER = (
    "usage_date_utc,model_version,api_key,workspace,usage_type,usage_input_tokens_no_cache,"
    "usage_input_tokens_cache_write_5m,usage_input_tokens_cache_write_1h,usage_input_tokens_cache_read,"
    "usage_output_tokens,web_search_count\n"
)


def write_logs(folder: Path, days: int = DAYS) -> Path:
    """A Messages log of both programs; returns its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for place in range(days):
        day = FIRST + dt.timedelta(days=place)
        rows.append(_call(2 * place, day, "triage", "claude-opus-5-5", 50_000, 5_000))
        rows.append(_call(2 * place + 1, day, "extract", "claude-opus-4-8", 100_000, 2_000))
    (folder / "calls.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return folder


def write_report(path: Path) -> Path:
    """A Console export of Opus 5.5 with three times the tokens of triage: 0.90 a day."""
    days = (FIRST + dt.timedelta(days=place) for place in range(DAYS))
    rows = (f"{day},claude-opus-5-5,,,standard,150000,0,0,0,15000,0\n" for day in days)
    path.write_text(_TOKENS_HEADER + "".join(rows), encoding="utf-8")
    return path


VERDICT_ID = "ab" * 32


def write_verdict(project: Path, workload: str, **changes: str) -> Path:
    """A trial that found Sonnet 5.5 to hold, with as many output tokens as before."""
    folder = project / ".baseload" / "verdicts"
    folder.mkdir(parents=True, exist_ok=True)
    document = {
        "schema": "baseload.verdict/1",
        "workload": workload,
        "model": "claude-sonnet-5-5",
        "state": "holds",
        "verdict_id": VERDICT_ID,
        "output_ratio_low": "1",
        "output_ratio_high": "1",
    }
    path = folder / "trial.json"
    path.write_text(json.dumps(document | changes), encoding="utf-8")
    return path


def _call(number: int, day: dt.date, key: str, model: str, prompt: int, output: int) -> dict[str, Any]:
    return {
        "timestamp": f"{day}T09:00:00Z",
        "api_key_id": key,
        "request": {
            "model": model,
            "max_tokens": 9_000,
            "system": f"You are {key}.",
            "messages": [{"role": "user", "content": f"Item {number}"}],
        },
        "response": {
            "id": f"msg_{number:020d}",
            "type": "message",
            "role": "assistant",
            "model": model,
            "content": [{"type": "text", "text": "ok"}],
            "stop_reason": "end_turn",
            "usage": {"input_tokens": prompt, "output_tokens": output},
        },
    }
