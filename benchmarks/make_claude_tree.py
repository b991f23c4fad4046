"""Write a seeded tree of Claude Code transcripts with every known trap planted, and `truth.json` beside it.

    python benchmarks/make_claude_tree.py OUT [--megabytes 215] [--seed 7]

Shapes follow real transcripts (usage-sources section 2.5): a response is one to five lines with the same message id,
early lines with partial output; tool results are written twice; Task results nest a `usage` that is no call; forks
copy lines into another session; sub-agents replay lines with a new request id; some rows have no request id; some
lines are torn. File sizes follow a log-normal law like a heavy user's profile (usage-sources section 6).

The truth is known by construction, not computed by any reader: a call counts once, with its final usage, on the UTC
day of the first line that carried it.
"""

from __future__ import annotations

import argparse
import json
import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

MODELS = (
    "claude-opus-4-5-20251101",
    "claude-sonnet-4-5-20250929",
    "claude-haiku-4-5-20251001",
    "claude-opus-4-1-20250805",
)
MODEL_WEIGHTS = (45, 35, 15, 5)
CLASSES = (
    "uncached_input_tokens", "cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens", "output_tokens",
)  # fmt: skip
START = datetime(2026, 3, 1, 8, tzinfo=UTC)
_TEXT = (
    "the function returns a value when file path test error import class self None async await module config build "
    "line code user request response token cache model session agent tool result list dict string integer déjà vu "
    '“quoted” naïve → ✓ "key": value {brace} [bracket] back\\slash $HOME/src/app.ts 0x1f 42 3.14 && || <div class=x>'
)
WORDS = [*_TEXT.split(), "value\n\tindent"]


class Tree:
    """Writes sessions until the wanted size is reached, and keeps the truth."""

    def __init__(self, out: Path, seed: int, *, plain: bool = False) -> None:
        self.out = out
        self.rng = random.Random(seed)
        self.pool = " ".join(self.rng.choice(WORDS) for _ in range(200_000))
        self.plain = plain
        self.truth: dict[tuple[str, str], Counter[str]] = {}
        self.made: Counter[str] = Counter()
        self.bytes = 0

    # small things

    def text(self, size: int) -> str:
        start = self.rng.randrange(max(len(self.pool) - size, 1))
        return self.pool[start : start + size]

    def ident(self, prefix: str) -> str:
        return f"{prefix}{self.rng.getrandbits(120):030x}"

    def uuid(self) -> str:
        digits = f"{self.rng.getrandbits(128):032x}"
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"

    def usage(self, output: int) -> dict[str, Any]:
        rng = self.rng
        write_5m, write_1h = (rng.randrange(4000), 0) if rng.random() < 0.6 else (0, rng.randrange(4000))
        return {
            "input_tokens": rng.randrange(1, 900),
            "cache_creation_input_tokens": write_5m + write_1h,
            "cache_read_input_tokens": rng.randrange(5_000, 150_000),
            "cache_creation": {"ephemeral_5m_input_tokens": write_5m, "ephemeral_1h_input_tokens": write_1h},
            "output_tokens": output,
            "service_tier": "standard",
        }

    def base(self, session: str, when: datetime, cwd: str) -> dict[str, Any]:
        return {
            "parentUuid": self.uuid(), "isSidechain": False, "userType": "external", "cwd": cwd, "sessionId": session,
            "version": "2.0.14", "gitBranch": "main", "uuid": self.uuid(),
            "timestamp": when.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        }  # fmt: skip

    # lines

    def user_line(self, session: str, when: datetime, cwd: str) -> dict[str, Any]:
        line = self.base(session, when, cwd) | {"type": "user"}
        size = int(self.rng.lognormvariate(6.6, 1.2)) + 20
        if self.rng.random() < 0.2:
            return line | {"message": {"role": "user", "content": self.text(min(size, 4000))}}
        result = self.text(min(size, 60_000))
        block = {"tool_use_id": self.ident("toolu_"), "type": "tool_result", "content": result}
        line |= {"message": {"role": "user", "content": [block]}, "toolUseResult": {"stdout": result, "stderr": ""}}
        if self.rng.random() < 0.03:  # a Task result: its usage belongs to the sub-agent's own lines
            self.made["nested_task_usage"] += 1
            line["toolUseResult"] = {
                "content": [{"type": "text", "text": result[:500]}], "totalTokens": 12_345, "usage": self.usage(777),
            }  # fmt: skip
        return line

    def response_lines(self, session: str, when: datetime, cwd: str, *, agent: str = "") -> list[dict[str, Any]]:
        """The lines of one response: partial usage first, then the final one, sometimes repeated."""
        rng = self.rng
        model = rng.choices(MODELS, MODEL_WEIGHTS)[0]
        message_id, request_id = self.ident("msg_01"), self.ident("req_011C")
        partial, final = rng.choices((0, 1, 2, 3), (55, 30, 10, 5))[0], rng.choices((1, 2), (80, 20))[0]
        usage = self.usage(rng.randrange(40, 2_500))
        has_request = rng.random() > 0.01
        lines = []
        for number in range(partial + final):
            seen = usage if number >= partial else usage | {"output_tokens": rng.randrange(1, 8)}
            line = self.base(session, when + timedelta(milliseconds=700 * number), cwd)
            body = self.text(int(rng.lognormvariate(6.3, 1.1)) + 30)
            block = {"type": "text", "text": body} if rng.random() < 0.4 else {
                "type": "tool_use", "id": self.ident("toolu_"), "name": "Bash", "input": {"command": body},
            }  # fmt: skip
            line |= {
                "type": "assistant",
                "message": {
                    "id": message_id, "type": "message", "role": "assistant", "model": model, "content": [block],
                    "stop_reason": None, "stop_sequence": None, "usage": seen,
                },
            }  # fmt: skip
            if has_request:
                line["requestId"] = request_id
            if agent:
                line |= {"isSidechain": True, "agentId": agent}
            lines.append(line)
        self.made["no_request_id"] += not has_request
        self._count(lines[partial], model, usage)
        return lines

    def _count(self, line: dict[str, Any], model: str, usage: dict[str, Any]) -> None:
        split = usage["cache_creation"]
        cell = self.truth.setdefault((line["timestamp"][:10], model), Counter())
        cell.update(
            {
                "requests": 1,
                "uncached_input_tokens": usage["input_tokens"],
                "cache_read_tokens": usage["cache_read_input_tokens"],
                "cache_write_5m_tokens": split["ephemeral_5m_input_tokens"],
                "cache_write_1h_tokens": split["ephemeral_1h_input_tokens"],
                "output_tokens": usage["output_tokens"],
            }
        )

    def other_line(self, session: str, when: datetime, cwd: str) -> dict[str, Any]:
        kind = self.rng.randrange(4)
        if kind == 0:
            return {"type": "summary", "summary": self.text(60), "leafUuid": self.uuid()}
        if kind == 1:
            return {"type": "file-history-snapshot", "messageId": self.uuid(), "snapshot": {"files": {}}}
        if kind == 2:
            return self.base(session, when, cwd) | {"type": "system", "content": self.text(200), "level": "info"}
        message = {
            "id": self.uuid(),
            "model": "<synthetic>",
            "role": "assistant",
            "type": "message",
            "content": [{"type": "text", "text": "API Error: 529"}],
            "usage": {"input_tokens": 0, "output_tokens": 0},
        }
        self.made["synthetic"] += 1
        return self.base(session, when, cwd) | {"type": "assistant", "message": message, "isApiErrorMessage": True}

    # files

    def write(self, path: Path, lines: list[dict[str, Any]], *, torn: bool = False) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        spaced = (", ", ": ") if self.plain else (",", ":")
        rows = [json.dumps(line, separators=spaced, ensure_ascii=False) for line in lines]
        if torn:
            at = self.rng.randrange(len(rows) + 1)
            rows.insert(at, rows[at - 1][: self.rng.randrange(20, len(rows[at - 1]) - 5)])
            self.made["torn"] += 1
        data = ("\n".join(rows) + "\n").encode()
        path.write_bytes(data)
        self.bytes += len(data)
        self.made["files"] += 1
        self.made["lines"] += len(rows)
        self.made["usage_lines"] += sum('"usage"' in row for row in rows)

    def session(self, number: int, turns: int) -> None:
        rng = self.rng
        project = rng.randrange(25)
        cwd = f"/home/dev/src/project-{project}"
        folder = self.out / f"-home-dev-src-project-{project}"
        session = self.uuid()
        when = START + timedelta(days=rng.randrange(90), seconds=rng.randrange(86_400))
        lines: list[dict[str, Any]] = []
        for _ in range(turns):
            when += timedelta(seconds=rng.expovariate(1 / 40))
            lines.append(self.user_line(session, when, cwd))
            when += timedelta(seconds=rng.expovariate(1 / 8))
            lines += self.response_lines(session, when, cwd)
            if rng.random() < 0.04:
                lines.append(self.other_line(session, when, cwd))
        self.write(folder / f"{session}.jsonl", lines, torn=number % 40 == 3)
        if number % 9 == 4:
            self._fork(folder, lines, cwd, when)
        if number % 7 == 2:
            self._subagent(folder, session, lines, cwd, when)

    def _fork(self, folder: Path, lines: list[dict[str, Any]], cwd: str, when: datetime) -> None:
        """A resumed session: the first lines copied under a new session id, then new turns."""
        fork = self.uuid()
        kept = [line | {"sessionId": fork} if "sessionId" in line else line for line in lines[: len(lines) // 2 + 1]]
        for _ in range(3):
            when += timedelta(minutes=5)
            kept += [self.user_line(fork, when, cwd), *self.response_lines(fork, when, cwd)]
        self.write(folder / f"{fork}.jsonl", kept)
        self.made["forks"] += 1

    def _subagent(self, folder: Path, session: str, lines: list[dict[str, Any]], cwd: str, when: datetime) -> None:
        """A sub-agent's file: some of its parent's lines replayed with new request ids, then its own calls."""
        agent = f"{self.rng.getrandbits(32):08x}"
        responses = [line for line in lines if line["type"] == "assistant" and "requestId" in line]
        replayed = [
            line | {"isSidechain": True, "agentId": agent, "requestId": self.ident("req_011R")}
            for line in responses[-4:]
        ]
        self.made["replayed_lines"] += len(replayed)
        for _ in range(self.rng.randrange(2, 12)):
            when += timedelta(seconds=20)
            replayed += [self.user_line(session, when, cwd), *self.response_lines(session, when, cwd, agent=agent)]
        self.write(folder / session / "subagents" / f"agent-{agent}.jsonl", replayed)
        self.made["subagents"] += 1

    def document(self) -> dict[str, Any]:
        cells = [{"day": day, "model": model, **cell} for (day, model), cell in sorted(self.truth.items())]
        totals: Counter[str] = Counter()
        for cell in self.truth.values():
            totals.update(cell)
        return {
            "totals": dict(totals), "by_day_model": cells, "made": dict(self.made) | {"bytes": self.bytes},
        }  # fmt: skip


def make_tree(out: Path, *, megabytes: float, seed: int = 7, plain: bool = False) -> dict[str, Any]:
    """Write the tree under `out`/projects and `out`/truth.json; returns the truth. `plain` puts spaces after colons."""
    tree = Tree(out / "projects", seed, plain=plain)
    number = 0
    while tree.bytes < megabytes * 1_000_000:
        tree.session(number, 1 + min(int(tree.rng.lognormvariate(3.1, 1.35)), 1500))
        number += 1
    truth = tree.document()
    (out / "truth.json").write_text(json.dumps(truth, indent=1), encoding="utf-8")
    return truth


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--megabytes", type=float, default=215)
    parser.add_argument("--seed", type=int, default=7)
    chosen = parser.parse_args()
    truth = make_tree(chosen.out, megabytes=chosen.megabytes, seed=chosen.seed)
    print(json.dumps({"totals": truth["totals"], "made": truth["made"]}, indent=1))


if __name__ == "__main__":
    main()
