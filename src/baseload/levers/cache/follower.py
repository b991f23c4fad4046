"""Each call beside the one its tokens were last sent by: what came again unread, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Literal, NamedTuple

from baseload.levers.cache.price import TTL_1H_US, TTL_5M_US
from baseload.levers.cache.prompts import Requests, has_positions
from baseload.levers.cache.rules import LOOK_BACK
from baseload.levers.cache.structure import kinds_between, listed
from baseload.prices.book import PriceBook, PriceKey
from baseload.usage.prefix_settings import SETTING_NAMES
from baseload.usage.prefix_text import Entry, entries_of
from baseload.usage.volatile import VOLATILE_KINDS

MissReason = Literal[
    "model_switched",
    "tools_changed",
    "system_changed",
    "messages_changed",
    "settings_changed",
    "gap_over_ttl",
    "parallel_requests",
    "look_back",
    "below_minimum",
    "never_marked",
    "unknown",
]
"""`parallel_requests`: sent before the first of them had begun to answer, so each wrote. `look_back`: the entry lay
more than 20 positions before the mark."""

NOISE_TOKENS: Final = 256
NOISE_SHARE: Final = 0.1
"""Token counts of blocks are estimates: smaller differences than both are not misses."""
SHRUNK: Final = 0.7
"""A conversation whose prompt falls below this share of the one before was compacted or edited."""


class Why(NamedTuple):
    reason: MissReason
    detail: str = ""
    block: int = 0  # of the system prompt, from 1; 0 where it is not one


class Miss(NamedTuple):
    """Tokens [low, high) of a prompt that came again, and why they were not read."""

    low: int
    high: int
    why: Why


class Sent(NamedTuple):
    """What a later call is compared with."""

    place: int
    start_us: int
    begins_us: int
    model: int
    prompt: int
    cached: int  # read and written
    wrote_1h: bool
    entries: tuple[Entry, ...]


class Follower:
    """Walks a workload's calls in time order, each beside the call its tokens were last sent by."""

    def __init__(self, requests: Requests, keys: Sequence[PriceKey], book: PriceBook) -> None:
        self._requests = requests
        self._batched = [key.tier == "batch" for key in keys]
        self._minimum = [
            book.models[name].min_cacheable_tokens if name in book.models else 0 for name in requests.models
        ]
        self._last_in_lane: dict[int, Sent] = {}
        self._last_with: dict[tuple[int, str], Sent] = {}

    def misses(self) -> Iterator[tuple[int, list[Miss]]]:
        """(place of the call, its misses), for the calls that have any."""
        for place in range(len(self._requests)):
            if self._batched[place]:
                continue
            call = self._call(place)
            scope, lane = int(self._requests.scope[place]), int(self._requests.lane[place])
            before = self._last_in_lane.get(lane)
            found: list[Miss] = []
            if call.entries:
                before = before or self._sharing(scope, call)
                if before is not None:
                    found = self._by_blocks(call, before, in_session=lane in self._last_in_lane)
                for entry in call.entries:
                    self._last_with[scope, entry.digest] = call
            elif before is not None:
                found = self._by_counts(call, before)
            if self._requests.has_session[place]:
                self._last_in_lane[lane] = call
            if found:
                yield place, found

    def _call(self, place: int) -> Sent:
        requests, text = self._requests, self._requests.prefixes[place]
        uncached, read, write_5m, write_1h = requests.billed[place].tolist()
        return Sent(
            place=place,
            start_us=int(requests.start_us[place]),
            begins_us=int(requests.begins_us[place]),
            model=int(requests.model[place]),
            prompt=uncached + read + write_5m + write_1h,
            cached=read + write_5m + write_1h,
            wrote_1h=write_1h > 0,
            entries=tuple(entries_of(text)) if has_positions(text) else (),
        )

    def _sharing(self, scope: int, call: Sent) -> Sent | None:
        """The latest call that has this one's largest repeated block."""
        held = [
            (entry.tokens, self._last_with[scope, entry.digest].place, entry.digest)
            for entry in call.entries
            if (scope, entry.digest) in self._last_with
        ]
        return self._last_with[scope, max(held)[2]] if held else None

    def _gap_us(self, call: Sent, before: Sent, *, in_session: bool) -> float:
        """The gap between two calls; the likely one where those between them were not kept."""
        gap = call.start_us - before.start_us
        thinned = self._requests.thinned[call.place] or (self._requests.whole[call.place] and not in_session)
        return gap / int(self._requests.rate[call.place]) if thinned else gap

    def _by_blocks(self, call: Sent, before: Sent, *, in_session: bool) -> list[Miss]:
        read = int(self._requests.billed[call.place, 1])
        shared, common = _common(call.entries, before.entries)
        gap = self._gap_us(call, before, in_session=in_session)
        found = []
        if shared - read > max(NOISE_TOKENS, NOISE_SHARE * shared):
            found.append(Miss(read, shared, self._why_shared(call, before, common, shared, gap)))
        why = self._why_changed(call, before, common, gap, in_session=in_session)
        if why is not None:
            later = _repeated_after(call.entries, before.entries, common)
            if sum(high - low for low, high in later) > NOISE_TOKENS:
                found += [Miss(max(low, read), high, why) for low, high in later if high > read]
        return found

    def _why_shared(self, call: Sent, before: Sent, common: int, shared: int, gap_us: float) -> Why:
        """Why a prefix that both calls start with was not read."""
        read = int(self._requests.billed[call.place, 1])
        if shared < self._minimum[call.model]:
            return Why("below_minimum", f"the model caches from {self._minimum[call.model]} tokens on")
        if gap_us > TTL_1H_US:
            return Why("gap_over_ttl", "more than an hour apart")
        if before.model != call.model:
            return Why("model_switched")
        if not call.cached and not _is_marked(call.entries):
            return Why("never_marked")
        if call.start_us < before.begins_us:
            return Why("parallel_requests")
        entry = _entry_end(call, before, common, shared, read)
        if not entry or read >= (1 - NOISE_SHARE) * entry:
            return Why("never_marked", "no mark where what repeats ends" if before.cached else "")
        if gap_us > (TTL_1H_US if before.wrote_1h else TTL_5M_US):
            return Why("gap_over_ttl", "5m expired, 1h would live")
        if _is_out_of_reach(call.entries, entry):
            return Why("look_back")
        return Why("unknown")

    def _why_changed(self, call: Sent, before: Sent, common: int, gap_us: float, *, in_session: bool) -> Why | None:
        """The first difference of two calls; None where they only end differently or are no one's conversation."""
        if common >= min(len(call.entries), len(before.entries)):
            return None
        if gap_us > TTL_1H_US:
            return Why("gap_over_ttl", "more than an hour apart")
        if call.prompt < self._minimum[call.model]:
            return Why("below_minimum", f"the model caches from {self._minimum[call.model]} tokens on")
        mine, theirs = call.entries[common], before.entries[common]
        why = _changed(call.entries, common, mine, theirs)
        if why.reason == "messages_changed" and not in_session:
            return None
        if before.model != call.model:
            return Why("model_switched")
        if not call.cached and not _is_marked(call.entries):
            return Why("never_marked", f"and before the part that repeats: {_in_words(why)}")
        return why

    def _by_counts(self, call: Sent, before: Sent) -> list[Miss]:
        """A miss inside a session told by token counts: what the call before had cached and this one did not read."""
        read = int(self._requests.billed[call.place, 1])
        repeated = min(before.cached or before.prompt, call.prompt)
        if repeated - read <= max(NOISE_TOKENS, NOISE_SHARE * repeated):
            return []
        gap = call.start_us - before.start_us
        if call.prompt < SHRUNK * before.prompt:
            return [Miss(read, repeated, Why("messages_changed", "the conversation was shortened"))]
        if repeated < self._minimum[call.model]:
            why = Why("below_minimum", f"the model caches from {self._minimum[call.model]} tokens on")
        elif gap > TTL_1H_US:
            why = Why("gap_over_ttl", "more than an hour apart")
        elif before.model != call.model:
            why = Why("model_switched")
        elif gap > (TTL_1H_US if before.wrote_1h else TTL_5M_US):
            why = Why("gap_over_ttl", "5m expired, 1h would live")
        elif not call.cached:
            why = Why("never_marked")
        else:
            why = Why("unknown", "no request body to compare")
        return [Miss(read, repeated, why)]


def _common(mine: Sequence[Entry], theirs: Sequence[Entry]) -> tuple[int, int]:
    """(tokens, entries) two prompts have in common from the start."""
    tokens = count = 0
    for one, other in zip(mine, theirs, strict=False):
        if one.digest != other.digest:
            break
        tokens += one.tokens
        count += 1
    return tokens, count


def _entry_end(call: Sent, before: Sent, common: int, shared: int, read: int) -> int:
    """Where the longest entry ends that the call before left inside what both share; 0 for none.

    Of one entry alone a read tells the length better than an estimate does.
    """
    if not before.cached:
        return 0
    if not _is_marked(before.entries):
        return min(before.cached, shared)
    found, end = [], 0
    for entry, theirs in zip(call.entries[:common], before.entries, strict=False):
        end += entry.tokens
        if theirs.mark:
            found.append(end)
    return read if read and len(found) == 1 else max(found, default=0)


def _repeated_after(mine: Sequence[Entry], theirs: Sequence[Entry], common: int) -> list[tuple[int, int]]:
    """[low, high) of each entry behind the first difference that the other prompt has too."""
    known = {entry.digest for entry in theirs[common:] if entry.tokens}
    found, end = [], sum(entry.tokens for entry in mine[:common])
    for entry in mine[common:]:
        if entry.digest in known:
            found.append((end, end + entry.tokens))
        end += entry.tokens
    return found


def _changed(entries: Sequence[Entry], place: int, mine: Entry, theirs: Entry) -> Why:
    """What the first difference is: a setting, a tool, the system prompt (which words), or a message."""
    if mine.is_settings or theirs.is_settings:
        here, there = (entry.aspects() if entry.is_settings else {} for entry in (mine, theirs))
        names = [name for letter, name in SETTING_NAMES.items() if here.get(letter) != there.get(letter)]
        return Why("settings_changed", ", ".join(names))
    sections = {mine.section, theirs.section}
    if "tools" in sections:
        return Why("tools_changed")
    if "system" in sections:
        kinds = [VOLATILE_KINDS[kind] for kind in kinds_between(mine, theirs)]
        block = sum(1 for entry in entries[:place] if entry.kind == "s" and not entry.goes_on) + 1
        return Why("system_changed", listed(kinds) or "text", block)
    return Why("messages_changed", "edited or shortened history")


def _in_words(why: Why) -> str:
    return detail_of(why) or why.reason.replace("_", " ")


def _is_marked(entries: Sequence[Entry]) -> bool:
    return any(entry.mark for entry in entries)


def _is_out_of_reach(entries: Sequence[Entry], end: int) -> bool:
    """Whether every mark lies more than LOOK_BACK positions behind the entry that ends at `end` tokens."""
    total = position = 0
    at_end = -1
    marks = []
    for entry in entries:
        total += entry.tokens
        if entry.goes_on or entry.is_settings:
            continue
        position += 1
        at_end = position if total <= end else at_end
        if entry.mark:
            marks.append(position)
    beyond = [mark for mark in marks if mark > at_end]
    return at_end > 0 and bool(beyond) and min(beyond) - at_end >= LOOK_BACK


def detail_of(why: Why) -> str:
    return f"{why.detail} in system block {why.block}" if why.block else why.detail
