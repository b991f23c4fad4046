"""Whether a logged input count contains cached tokens: told from the numbers themselves (usage-sources section 1.2).

Gateways and tracers write the same field in three ways; a wrong guess counts cached tokens twice, or not at all. A row
may prove its own convention (parts that add up); otherwise all rows of one source and model decide together: one row
whose cached tokens exceed its input proves that the field excludes them; where cached tokens are the larger part of
the input and never exceed it, the field includes them. What stays open follows the source's documented convention and
is flagged `input_ambiguous`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator
from typing import Final, Literal, NamedTuple

import msgspec

from baseload.usage.normal import join_flags
from baseload.usage.reader import Record
from baseload.values import Call

Contains = Literal["all", "reads", "none"]
"""What the input field holds besides uncached tokens: reads and writes, reads only, or neither."""

FLAG: Final = "input_ambiguous"
BATCH_ROWS: Final = 20_000
"""Rows that may wait for evidence: bounds memory; what comes later in a longer file forms further batches."""
AGAINST_DOCUMENTED: Final = 10
"""Rows needed to read a field as including cached tokens where its source documents that it does not."""


class Counts(NamedTuple):
    """Token counts of one row as logged. `total` and `text` are None where the row does not state them."""

    input: int
    read: int
    write: int
    output: int = 0
    total: int | None = None
    text: int | None = None  # the uncached part of the input, where the source states it apart

    @property
    def cached(self) -> int:
        return self.read + self.write


def proven(counts: Counts) -> Contains | None:
    """What this row alone proves, None when it proves nothing. Rows without cached tokens never matter."""
    if not counts.cached:
        return "none"
    return _by_text(counts) or _by_total(counts) or ("none" if counts.cached > counts.input else None)


def _by_text(counts: Counts) -> Contains | None:
    if counts.text is None:
        return None
    included = counts.input - counts.text
    if included == counts.cached:
        return "all"
    if included == 0:
        return "none"
    return "reads" if included == counts.read else None


def _by_total(counts: Counts) -> Contains | None:
    """Tokens of the total that are neither input nor output are outside the input field."""
    beyond = None if counts.total is None else counts.total - counts.output - counts.input
    if beyond == counts.cached:
        return "none"
    return "reads" if beyond == counts.write and counts.write else None


def uncached_of(counts: Counts, contains: Contains) -> int:
    """The uncached input under a convention; never negative, because a row that contradicts it proved another."""
    included = {"all": counts.cached, "reads": counts.read, "none": 0}[contains]
    return max(counts.input - included, 0)


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A call whose uncached input waits for the convention of its `key` (source, provider and model)."""

    call: Call
    counts: Counts
    key: Hashable


class Evidence:
    """What the rows of one batch say about each key. Evidence outlives a batch within a file."""

    def __init__(self, documented: Contains) -> None:
        self._documented = documented
        self._least = 1 if documented == "all" else AGAINST_DOCUMENTED
        self._excluding: dict[Hashable, Contains] = {}
        self._including: Counter[Hashable] = Counter()

    def see(self, draft: Draft) -> Contains | None:
        """Note one row; its own proof, if it has one."""
        counts, found = draft.counts, proven(draft.counts)
        if counts.cached:
            if found in ("none", "reads"):
                self._excluding.setdefault(draft.key, found)
            elif found == "all" or 2 * counts.cached >= counts.input:
                self._including[draft.key] += 1
        return found

    def decide(self, key: Hashable) -> tuple[Contains, bool]:
        """The convention of rows that prove nothing themselves, and whether it is sure."""
        if key in self._excluding:
            return self._excluding[key], True
        if self._including[key] >= self._least:
            return "all", True
        return self._documented, False


def settle(records: Iterable[Draft | Record], documented: Contains) -> Iterator[Record]:
    """Drafts as calls with disjoint classes; other records pass through. Open rows wait for the rest of their batch."""
    evidence = Evidence(documented)
    waiting: list[Draft] = []
    for record in records:
        if not isinstance(record, Draft):
            yield record
            continue
        found = evidence.see(record)
        if found is not None:
            yield _settled(record, found)
            continue
        waiting.append(record)
        if len(waiting) >= BATCH_ROWS:
            yield from _flushed(waiting, evidence)
            waiting.clear()
    yield from _flushed(waiting, evidence)


def _flushed(waiting: list[Draft], evidence: Evidence) -> Iterator[Call]:
    for draft in waiting:
        contains, sure = evidence.decide(draft.key)
        yield _settled(draft, contains, "" if sure else FLAG)


def _settled(draft: Draft, contains: Contains, flag: str = "") -> Call:
    call = draft.call
    return msgspec.structs.replace(
        call,
        uncached_input_tokens=uncached_of(draft.counts, contains),
        flags=join_flags(*call.flags.split(","), flag),
    )
