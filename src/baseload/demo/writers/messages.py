"""Request and response JSON lines, as a company's own client wrapper logs them: one line a call.

A line has the call's start, how long it took, its HTTP status, ids of request, key and workspace, and the two bodies.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any, NamedTuple

import msgspec

from baseload.demo.answers.cases import KINDS
from baseload.demo.answers.speaker import answer_text, recorded_take
from baseload.demo.company import Account, Dialogue, Era, Service, Single, Streams
from baseload.demo.ids import generator, named_id, random_ids
from baseload.demo.truth import Run
from baseload.demo.writers.analytics import key_id
from baseload.demo.writers.bodies import (
    Counted,
    answer,
    dialogue_request,
    message,
    single_request,
    stream_request,
    words_of,
)
from baseload.demo.writers.files import Output
from baseload.usage.source_note import SCHEMA, SourceNote
from baseload.values import DAY_US, date_of_day, iso_day

_ENCODER = msgspec.json.Encoder()
TOKENS_PER_US = 62 / 1_000_000
FIRST_TOKEN_MS = 700
RETRY_AFTER_US = 2_000_000
FAILED_EVERY = 6

Entry = tuple[int, bytes]
"""(start of the call in UTC microseconds, its line)."""


class SpecialDays(NamedTuple):
    """Days on which the log differs from the bill."""

    unlogged: int  # the log shipper was down
    incident: int  # the API was overloaded: some calls failed first, unbilled, and were tried again


class Logged(msgspec.Struct, frozen=True, kw_only=True):
    """One call before it becomes a line."""

    start_us: int
    request: dict[str, Any]
    content: list[dict[str, Any]]
    counted: Counted
    era: Era
    session: str = ""
    number: int | None = None  # of the record asked about, where its true answer is known


class Truthful(NamedTuple):
    """A logged call whose true answer is known by its record's number."""

    message_id: str
    number: int


def write_messages(
    output: Output, folder: str, service: Service, account: Account, run: Run, days: SpecialDays, seed: int
) -> list[Truthful]:
    """A JSONL file a month below `folder`, lines in order of their start, and the sampling note.

    Returns the message id and number of each call that can be graded, in order of writing.
    """
    rng = generator(service.name, len(run.sample["unit"]))
    months: dict[str, list[Entry]] = {}
    ids = iter(random_ids(rng, "", 3 * len(run.sample["unit"])))
    gradeable: list[Truthful] = []
    for logged in _calls(service, run, seed):
        day = logged.start_us // DAY_US
        if day != days.unlogged:
            entries = months.setdefault(f"{date_of_day(day):%Y-%m}", [])
            if day == days.incident and service.volume.incident > 1 and output.sampled_calls % FAILED_EVERY == 0:
                entries.append(_failed(service, account, logged, f"req_011C{next(ids)[:20]}"))
            message_id = f"msg_01{next(ids)}"
            line = _line(service, account, logged, message_id, f"req_011C{next(ids)[:20]}")
            if logged.number is not None:
                gradeable.append(Truthful(message_id, logged.number))
            entries.append((logged.start_us, line))
            output.sampled_calls += 1
    for month, entries in months.items():
        output.write_lines(f"{folder}/{month}.jsonl", (line for _, line in sorted(entries)))
    output.note(folder, note_of(service))
    return gradeable


def note_of(service: Service) -> SourceNote:
    unit = {Single: "call", Dialogue: "session", Streams: "prefix_day"}[type(service.shape)]
    return SourceNote(schema=SCHEMA, sampling_rate=service.sampling_rate, sampling_unit=unit, account=service.account)


def workspace_id(service: Service) -> str:
    return named_id("wrkspc", service.account, service.workspace)


def rows_of(run: Run) -> Iterator[dict[str, int]]:
    """The sample as one mapping of plain integers a row."""
    names = list(run.sample)
    for values in zip(*(run.sample[name].tolist() for name in names), strict=True):
        yield dict(zip(names, values, strict=True))


def _calls(service: Service, run: Run, seed: int) -> Iterator[Logged]:
    if isinstance(service.shape, Dialogue):
        return _turns(service, service.shape, run)
    return _singles(service, run, seed)


def _singles(service: Service, run: Run, seed: int) -> Iterator[Logged]:
    """Independent calls; a repeat carries the number of its original, so that its request is identical."""
    for row, counted, era in counted_rows(run):
        number = row["unit"] if "prefix" not in row else row["start_us"] // 1_000_000 % 10_000_000
        if "prefix" in row:
            request = stream_request(service, era, row["variable"], number, row["prefix"])
        else:
            request = single_request(service, era, row["variable"], number, row["start_us"])
        copy = row.get("copy", 0)
        is_gradeable = service.name in KINDS
        said = answer_text(service.name, era.model, number, seed=seed, take=recorded_take(copy)) if is_gradeable else ""
        yield Logged(
            start_us=row["start_us"],
            request=request,
            content=answer(words_of(service), number + copy, counted, said),
            counted=counted,
            era=era,
            number=number if is_gradeable else None,
        )


def counted_rows(run: Run) -> Iterator[tuple[dict[str, int], Counted, Era]]:
    """Sampled rows with their usage, and the era they belong to."""
    for row in rows_of(run):
        counted = Counted(
            uncached=row["uncached"],
            read=row["read"],
            write_5m=row["write"],
            output=row["output"],
            thinking=row["thinking"],
            searches=row.get("searches", 0),
        )
        yield row, counted, run.eras[row["era"]]


def _turns(service: Service, shape: Dialogue, run: Run) -> Iterator[Logged]:
    """Turns of dialogues, each request holding the whole conversation so far."""
    rows = list(counted_rows(run))
    talk = Talk(service, shape)
    for (row, counted, era), following in zip_longest(rows, rows[1:]):
        calls_tool = following is not None and following[0]["unit"] == row["unit"] and following[0]["tool"] == 1
        request, content = talk.turn(row, counted, era, calls_tool=calls_tool)
        session = f"{service.name}-{row['unit']:07d}"
        yield Logged(
            start_us=row["start_us"], request=request, content=content, counted=counted, era=era, session=session
        )


class Talk:
    """One conversation at a time, its messages kept encoded because every later request repeats them."""

    def __init__(self, service: Service, shape: Dialogue) -> None:
        self._service = service
        self._own_tokens = shape.own
        self._words = words_of(service)
        self._history: list[msgspec.Raw] = []
        self._unit = -1
        self._prompt = 0
        self._tool_id = ""

    def turn(
        self, row: dict[str, int], counted: Counted, era: Era, *, calls_tool: bool
    ) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """The request of one turn and the content of its answer; a smaller prompt than before means a compaction."""
        number = row["unit"] * 101 + row["turn"]
        prompt = counted.read + counted.write_5m
        if row["unit"] != self._unit or prompt < self._prompt:
            self._unit, self._history, self._tool_id = row["unit"], [], ""
        self._prompt = prompt
        asked = self._asked(row, number)
        own = self._words.passage(self._own_tokens, row["unit"])
        request = dialogue_request(self._service, era, own, self._history, asked)
        content = answer(self._words, number, counted)
        self._tool_id = ""
        if calls_tool and self._words.script.tools:
            self._tool_id = f"toolu_01{number:020d}"
            tool = self._words.script.tools[number % len(self._words.script.tools)]
            given = {name: self._words.passage(1, number) for name in tool["input_schema"]["properties"]}
            content.append({"type": "tool_use", "id": self._tool_id, "name": tool["name"], "input": given})
        self._history += [_raw(asked), _raw({"role": "assistant", "content": content})]
        return request, content

    def _asked(self, row: dict[str, int], number: int) -> dict[str, Any]:
        text = self._words.passage(row["added"], number)
        if self._tool_id:
            return {"role": "user", "content": [{"type": "tool_result", "tool_use_id": self._tool_id, "content": text}]}
        opening = self._words.opening(row["unit"]) if not self._history else ""
        return {"role": "user", "content": [{"type": "text", "text": opening + text}]}


def _raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(_ENCODER.encode(value))


def _line(service: Service, account: Account, logged: Logged, message_id: str, request_id: str) -> bytes:
    model = logged.request["model"]
    record = _envelope(service, account, logged, logged.start_us, 200, request_id)
    record["duration_ms"] = FIRST_TOKEN_MS + int(logged.counted.output / TOKENS_PER_US) // 1000
    if service.stream:
        record["ttft_ms"] = FIRST_TOKEN_MS
    record["request"] = logged.request
    record["response"] = message(message_id, model, logged.content, logged.counted, service, logged.era)
    return _ENCODER.encode(record)


def _failed(service: Service, account: Account, logged: Logged, request_id: str) -> Entry:
    """The attempt before a call, turned away by an overloaded API and not billed."""
    start_us = logged.start_us - RETRY_AFTER_US
    record = _envelope(service, account, logged, start_us, 529, request_id)
    record["duration_ms"] = 180
    record["request"] = logged.request
    error = {"type": "overloaded_error", "message": "Overloaded"}
    record["response"] = {"type": "error", "error": error, "request_id": request_id}
    return start_us, _ENCODER.encode(record)


def _envelope(
    service: Service, account: Account, logged: Logged, start_us: int, status: int, request_id: str
) -> dict[str, Any]:
    record: dict[str, Any] = {
        "timestamp": timestamp(start_us),
        "status": status,
        "request_id": request_id,
        **_caller(service, account),
    }
    if logged.session:
        record["session_id"] = logged.session
    if service.app_tag:
        record["tags"] = {"app": service.name}
    return record


def _caller(service: Service, account: Account) -> dict[str, str]:
    """Key and workspace in the words of the account's own reports: ids beside the API's, names beside the Console's."""
    if account.reports == "console":
        return {"api_key": service.api_key_name, "workspace": service.workspace}
    return {"api_key_id": key_id(service), "workspace_id": workspace_id(service)}


def timestamp(time_us: int) -> str:
    """RFC 3339 with milliseconds.

    >>> timestamp(1_789_000_123_456_789)
    '2026-09-10T00:28:43.456Z'
    """
    seconds, rest = divmod(time_us, 1_000_000)
    days, clock = divmod(seconds, 86_400)
    hour, minute = divmod(clock // 60, 60)
    return f"{iso_day(days)}T{hour:02d}:{minute:02d}:{clock % 60:02d}.{rest // 1000:03d}Z"
