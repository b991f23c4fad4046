"""What every attempt shows for free, counted between two ticks: signals, what served, and how calls came in."""

from __future__ import annotations

import bisect
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from baseload.gateway.trip import Finished
from baseload.gateway.watching.answers import message_in
from baseload.prices.book import PriceBook
from baseload.quality.watch.drift import Reference
from baseload.quality.watch.events import Answered, Event, Inputs, Seen, Signal

CUT: Final = ("max_tokens", "model_context_window_exceeded")
ASKED_AGAIN_US: Final = 600_000_000
"""The same request of the same session within so long: its caller was not content."""
MOST_ASKED: Final = 20_000
EDGES: Final[Mapping[str, tuple[float, ...]]] = {
    "prompt_tokens": (100.0, 300.0, 1_000.0, 3_000.0, 10_000.0, 30_000.0, 100_000.0),
    "messages": (2.0, 4.0, 8.0, 16.0, 32.0),
}
"""Features that are compared with how they were when the route began, and the bins they are counted in."""
_PROMPT_EDGES: Final = EDGES["prompt_tokens"]
_MESSAGES_EDGES: Final = EDGES["messages"]
_CONTENT: Final = ("end_turn", "tool_use")
"""How most answers end: they show nothing."""
_OF_THE_ROUTE: Final = frozenset(("candidate", "incumbent", "shadow", "mid-session"))
LEARNED_FROM: Final = 1_000
"""Calls that a reference is made of."""


class AskedAgain:
    """Who asked what, the last while; keyed hashes only."""

    __slots__ = ("_last",)

    def __init__(self) -> None:
        self._last: OrderedDict[tuple[str, str], int] = OrderedDict()

    def seen(self, session: str, request_hash: str, now_us: int) -> bool:
        """Whether this is the same request once more. Without a hash nothing can be said: no."""
        if not request_hash or not session:
            return False
        key = (session, request_hash)
        before = self._last.pop(key, None)
        self._last[key] = now_us
        if len(self._last) > MOST_ASKED:
            self._last.popitem(last=False)
        return before is not None and now_us - before < ASKED_AGAIN_US


class Tally:
    """One route's attempts since the last tick. `take` runs on the data path: a few additions."""

    __slots__ = ("_answers", "_bad", "_bins", "_calls", "_learned", "_seen", "_told")

    def __init__(self) -> None:
        self._calls = 0
        self._bad: dict[Signal, int] = {}
        self._answers: list[bytes] = []  # to be held against the schema asked for
        self._bins = {name: [0] * (len(edges) + 1) for name, edges in EDGES.items()}
        self._learned = {name: [0] * (len(edges) + 1) for name, edges in EDGES.items()}
        self._seen: set[tuple[str, str, str, str]] = set()
        self._told: set[tuple[str, str, str, str]] = set()

    def take(self, attempt: Finished, again: bool, book: PriceBook) -> None:
        """One answer of status 200 to a call of this route."""
        facts, end = attempt.facts, attempt.end
        bins = self._bins
        bins["prompt_tokens"][bisect.bisect_right(_PROMPT_EDGES, facts.prompt_tokens)] += 1
        bins["messages"][bisect.bisect_right(_MESSAGES_EDGES, len(facts.messages))] += 1
        served = book.resolve(end.model) or (end.model if attempt.start.platform == "anthropic" else "")
        if not was_moved(attempt):
            self._seen.add(("", served, facts.who.system_fp, facts.who.tools_fp))
            return
        self._seen.add((served, "", facts.who.system_fp, facts.who.tools_fp))
        self._calls += 1
        if again or end.stop_reason not in _CONTENT:
            for signal in signals_of(end.stop_reason, again=again):
                self._bad[signal] = self._bad.get(signal, 0) + 1
        if attempt.answer and asks_for_schema(facts.members):
            self._answers.append(attempt.answer)

    def replayed(self, stop_reason: str) -> None:
        """The candidate answered a shadow call in a stage where it serves nobody."""
        self._calls += 1
        for signal in signals_of(stop_reason, again=False):
            self._bad[signal] = self._bad.get(signal, 0) + 1

    def drain(self, now_us: int, features: frozenset[str], *, names_candidate: bool) -> Iterator[Event]:
        """The events of what was counted; nothing is counted twice. `names_candidate`: the route has one model."""
        if self._calls:
            wrong = sum(not _is_json(answer) for answer in self._answers)
            if wrong:
                self._bad["schema"] = wrong
            yield Answered(at_us=now_us, calls=self._calls, bad=self._bad)
        binned = {name: tuple(found) for name, found in self._bins.items() if name in features and any(found)}
        if binned:
            yield Inputs(at_us=now_us, counts=binned)
        fresh = self._seen - self._told if len(self._told) < MOST_ASKED else set()
        for candidate, incumbent, system, tools in sorted(fresh):
            yield Seen(
                at_us=now_us,
                candidate=candidate if names_candidate else "",
                incumbent=incumbent,
                system_sha=system,
                tools_sha=tools,
            )
        for name, found in self._bins.items():
            self._learned[name] = [a + b for a, b in zip(self._learned[name], found, strict=True)]
            self._bins[name] = [0] * len(found)
        self._told |= fresh
        self._calls, self._bad, self._answers, self._seen = 0, {}, [], set()

    def references(self) -> dict[str, Reference]:
        """How this replica's calls were distributed, once there are enough of them; {} before."""
        if sum(next(iter(self._learned.values()))) < LEARNED_FROM:
            return {}
        return {name: Reference(counts=tuple(found), edges=EDGES[name]) for name, found in self._learned.items()}


def was_moved(attempt: Finished) -> bool:
    """Whether the candidate served it: decided so, and not refused by a rewrite that cannot be made."""
    decision = attempt.decision
    return decision.reason == "candidate" and (not decision.model or bool(attempt.start.sent_model))


def counts(attempt: Finished) -> bool:
    """Whether an attempt says something of its route: answered, and one of the calls the trial spoke of."""
    return (
        attempt.decision.reason in _OF_THE_ROUTE and attempt.end.status == 200 and attempt.end.outcome == "ok"
    )  # fmt: skip


def signals_of(stop_reason: str, *, again: bool) -> Iterator[Signal]:
    """What an answer shows by how it ended, and by being asked for once more."""
    if stop_reason == "refusal":
        yield "refusal"
    if stop_reason in CUT:
        yield "truncation"
    if again:
        yield "retry"


def asks_for_schema(members: Mapping[str, msgspec.Raw]) -> bool:
    """Whether a request asks for an answer to a schema."""
    config = members.get("output_config")
    return config is not None and b'"json_schema"' in bytes(config)


def _is_json(answer: bytes) -> bool:
    """An answer that cannot be read at all is not held against the model."""
    message = message_in(answer)
    if message is None:
        return True
    texts = [b.get("text", "") for b in message.get("content") or () if isinstance(b, dict) and b.get("type") == "text"]
    try:
        msgspec.json.decode("".join(texts))
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return False
    return True
