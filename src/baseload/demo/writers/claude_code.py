"""Claude Code transcripts: a file a session, as `~/.claude/projects` holds them (usage-sources section 2.5).

With their traps: a response on two lines of one message id, the first of them with the output so far; tool results
twice; and now and then a resumed session that copied its beginning from another file.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby, zip_longest
from typing import Any

import msgspec
import numpy as np

from baseload.demo.company import Era, Service
from baseload.demo.ids import generator, random_ids, random_uuids
from baseload.demo.scripts import Wording
from baseload.demo.truth import Run
from baseload.demo.writers.analytics import key_id
from baseload.demo.writers.bodies import Counted, usage, words_of
from baseload.demo.writers.files import Output
from baseload.demo.writers.messages import counted_rows, note_of, timestamp
from baseload.values import DAY_US

DEVELOPERS = 96
REPOSITORIES = ("storefront", "order-service", "pricing", "warehouse-api", "data-models", "mobile-app", "infra")
RESUMED_EVERY = 23  # sessions: one in so many was resumed, which copies its first half into a new file
_ENCODER = msgspec.json.Encoder()

Turn = tuple[dict[str, int], Counted, Era]


def write_claude_code(output: Output, folder: str, service: Service, run: Run) -> None:
    """`projects/<slug>/<session>.jsonl` for every sampled session below `folder`, and the sampling note."""
    rng = generator(service.name, len(run.sample["unit"]))
    words = words_of(service)
    sessions = [list(turns) for _, turns in groupby(counted_rows(run), key=lambda turn: turn[0]["unit"])]
    for index, turns in enumerate(sessions):
        session = Session(service, words, turns[0][0]["unit"], rng)
        lines = [line for turn, following in zip_longest(turns, turns[1:]) for line in session.lines(turn, following)]
        output.write_lines(f"{folder}/projects/{session.slug}/{session.id}.jsonl", map(_ENCODER.encode, lines))
        output.sampled_calls += len(turns)
        if index % RESUMED_EVERY == 0:
            resumed = random_uuids(rng, 1)[0]
            copied = ({**line, "sessionId": resumed} for line in lines[: len(lines) // 2])
            output.write_lines(f"{folder}/projects/{session.slug}/{resumed}.jsonl", map(_ENCODER.encode, copied))
    note = msgspec.structs.replace(note_of(service), api_key=key_id(service))
    output.note(folder, note)


def _so_far(whole: dict[str, Any], number: int) -> dict[str, Any]:
    """The usage an early line shows: all input, hardly any output yet."""
    known = {name: value for name, value in whole.items() if name != "output_tokens_details"}
    return {**known, "output_tokens": min(whole["output_tokens"], 1 + number % 4)}


class Session:
    """One transcript: who, where, and the chain of lines."""

    def __init__(self, service: Service, words: Wording, unit: int, rng: np.random.Generator) -> None:
        self._service = service
        self._words = words
        self._rng = rng
        self._unit = unit
        self._developer = unit * 7919 % DEVELOPERS
        self._repository = REPOSITORIES[unit * 31 % len(REPOSITORIES)]
        self._parent: str | None = None
        self._tool_id = ""
        self.id = random_uuids(rng, 1)[0]

    @property
    def cwd(self) -> str:
        return f"/home/dev{self._developer:03d}/src/{self._repository}"

    @property
    def slug(self) -> str:
        return self.cwd.replace("/", "-")

    def lines(self, turn: Turn, following: Turn | None) -> Iterator[dict[str, Any]]:
        """The lines of one turn: what was asked or returned, then the response on one or two lines."""
        row, counted, era = turn
        number = self._unit * 127 + row["turn"]
        yield self._asked(row, number)
        message_id, request_id = random_ids(self._rng, "msg_01", 1)[0], random_ids(self._rng, "req_011C", 1, 20)[0]
        blocks = self._blocks(number, calls_tool=following is not None and following[0]["tool"] == 1)
        whole = usage(counted, "standard", era, era.model)
        for place, block in enumerate(blocks):
            last = place == len(blocks) - 1
            spent = whole if last or number % 2 else _so_far(whole, number)
            body = {
                "id": message_id,
                "type": "message",
                "role": "assistant",
                "model": era.model,
                "content": [block],
                "stop_reason": ("tool_use" if self._tool_id else "end_turn") if last else None,
                "stop_sequence": None,
                "usage": spent,
            }
            moment = row["end_us"] - (len(blocks) - 1 - place) * 400_000
            yield {**self._line("assistant", row, moment), "message": body, "requestId": request_id}

    def _blocks(self, number: int, *, calls_tool: bool) -> list[dict[str, Any]]:
        self._tool_id = ""
        text = {"type": "text", "text": self._words.reply(number)}
        if not calls_tool:
            return [text]
        self._tool_id = random_ids(self._rng, "toolu_01", 1)[0]
        name, given = (
            ("Bash", {"command": "make test", "description": "Run the tests"}),
            ("Read", {"file_path": f"{self.cwd}/services/{number % 40}/handler.py"}),
            ("Grep", {"pattern": "round_half_even", "path": self.cwd}),
            ("Edit", {"file_path": f"{self.cwd}/services/handler.py", "old_string": "a", "new_string": "b"}),
        )[number % 4]
        tool = {"type": "tool_use", "id": self._tool_id, "name": name, "input": given}
        return [tool] if number % 3 else [text, tool]

    def _asked(self, row: dict[str, int], number: int) -> dict[str, Any]:
        text = self._words.passage(row["added"], number)
        line = self._line("user", row, row["start_us"])
        if not self._tool_id:
            return {**line, "message": {"role": "user", "content": text}}
        result = {"tool_use_id": self._tool_id, "type": "tool_result", "content": text}
        return {
            **line,
            "message": {"role": "user", "content": [result]},
            "toolUseResult": {"stdout": text, "stderr": ""},
        }

    def _line(self, kind: str, row: dict[str, int], moment_us: int) -> dict[str, Any]:
        """What every line has. A response that ends past midnight is stamped within its own day."""
        own = random_uuids(self._rng, 1)[0]
        last_us = (row["start_us"] // DAY_US + 1) * DAY_US - 1000
        line = {
            "parentUuid": self._parent,
            "isSidechain": False,
            "userType": "external",
            "cwd": self.cwd,
            "sessionId": self.id,
            "version": f"2.1.{row['start_us'] // DAY_US % 200 + 120}",
            "gitBranch": "main",
            "type": kind,
            "uuid": own,
            "timestamp": timestamp(min(max(moment_us, row["start_us"]), last_us)),
        }
        self._parent = own
        return line
