"""What stands around a conversation: all of a body but the value of its `messages`, worked out once.

Requests of one caller differ in their conversation and in little else. JSON is read from left to right: where a body
begins and ends as an earlier one did, and one whole array stands between the two, the rest says what it said then.
That is compared byte by byte, so what is returned is of this very body.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from msgspec import Raw

from baseload.gateway.decide.heads import Head
from baseload.gateway.decide.notes import Params, SystemNote, ToolsNote
from baseload.gateway.decide.splice import Located, Place
from baseload.plan.policy_match import RequestFacts

LONG_BYTES: Final = 4_096
"""A member of this length is held once for all frames."""
_ENDS: Final = (slice(0, 256), slice(-256, None), slice(0, 32), slice(-32, None))
"""A frame is looked for by how a body begins or ends, the longer first."""
_MOST_ALIKE: Final = 8
_MOST_WHO: Final = 32
_OBJECT_BYTES: Final = 2_048
"""What a frame takes besides the bytes of its members."""
_BEGINS, _ENDS_WITH = b"["[0], b"]"[0]


class Known(NamedTuple):
    """What the members of a body but its conversation say; `prompt_bytes` is the length of tools and system."""

    tools: ToolsNote
    system: SystemNote
    params: Params
    prompt_bytes: int
    has_model: bool


class Frame:
    """A body but its conversation, and what is known of it. Holds prompts: its repr shows none."""

    __slots__ = ("_after", "_before", "_members", "_who", "begins", "known", "left", "marked", "pieces")

    def __init__(self, known: Known) -> None:
        self.known = known
        self.marked = known.tools.marked or known.system.marked or known.params.marked
        self.begins, self.left = 0, 0  # where the conversation begins, and how many bytes follow its end
        self.pieces: tuple[tuple[int, bytes], ...] = ()  # where each stands: those after it from the end, below 0
        self._members: dict[str, Raw] = {}
        self._before: Located = {}  # up to the conversation
        self._after: dict[str, Place] = {}  # counted from the end
        self._who: dict[tuple[Head, str, str], RequestFacts] = {}

    def __repr__(self) -> str:
        return f"Frame({self.begins} + {self.left} bytes)"

    def learn(self, body: bytes, members: Mapping[str, Raw], located: Located, long: Mapping[str, bytes]) -> None:
        """How to know it again in other bodies, from one whose conversation was located; `long` members as they are
        held already. Nothing of the body is kept but the bytes around its conversation."""
        size = len(body)
        _, self.begins, end = located["messages"]
        self.left = size - end
        self._before = {name: place for name, place in located.items() if place[1] <= self.begins}
        self._after = {
            name: (place[0] - size, place[1] - size, place[2] - size)
            for name, place in located.items()
            if place[1] > self.begins
        }
        self._members = {
            name: Raw(long[name]) if name in long else Raw(b"[]") if name == "messages" else raw.copy()
            for name, raw in members.items()
        }
        held = {located[name][1]: data for name, data in long.items()}
        found = [
            (at if at < self.begins else at - size, held.get(at) or body[at:stop])
            for at, stop in _gaps(located, long, size)
        ]
        self.pieces = tuple(sorted(found, key=lambda one: len(one[1])))  # the short ones tell most frames apart

    def fits(self, body: bytes) -> bool:
        """Whether a body is this frame around something that may be one array."""
        end = len(body) - self.left
        if end <= self.begins:
            return False
        for at, piece in self.pieces:
            if not body.startswith(piece, at):
                return False
        return body[self.begins] == _BEGINS and body[end - 1] == _ENDS_WITH

    def members(self, messages: Raw) -> dict[str, Raw]:
        """The members of a body with this conversation, in order."""
        members = self._members.copy()
        members["messages"] = messages
        return members

    def located(self, size: int) -> Located:
        """Where the members of a body of so many bytes stand, in order."""
        places = self._before.copy()
        start, value, _ = places["messages"]
        places["messages"] = start, value, size - self.left
        for name, (start, value, end) in self._after.items():
            places[name] = start + size, value + size, end + size
        return places

    def who(self, head: Head, key: str, template: str) -> RequestFacts:
        """What a request says of itself; the very same for all in this frame that say the same."""
        named = head, key, template
        who = self._who.get(named)
        if who is None:
            if len(self._who) >= _MOST_WHO:
                self._who.clear()
            known = self.known
            who = head.who(key, known.params.tags, known.tools.fp, known.system.fp, template)
            self._who[named] = who
        return who


def _gaps(located: Located, long: Mapping[str, bytes], size: int) -> Iterator[tuple[int, int]]:
    """Where the long members stand and what is between them, but for the conversation."""
    at = 0
    for name, (_, start, end) in located.items():
        if name == "messages" or name in long:
            yield at, start
            if name in long:
                yield start, end
            at = end
    yield at, size


class Frames:
    """The frames met last, bounded by the bytes they hold."""

    __slots__ = ("_found", "_held", "_most", "_times")

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._held = 0
        self._found: OrderedDict[bytes, tuple[Frame, ...]] = OrderedDict()
        self._times: dict[int, int] = {}  # how many frames share a long piece

    def __repr__(self) -> str:
        return f"Frames({len(self._found)})"

    @property
    def held_bytes(self) -> int:
        return self._held

    def find(self, body: bytes) -> Frame | None:
        """The frame of a body, where it was met before."""
        found = self._found
        for part in _ENDS:
            for frame in found.get(body[part], ()):
                if frame.fits(body):
                    return frame
        return None

    def keep(self, frame: Frame, body: bytes) -> None:
        """Find it the next time, by the longer of its two ends. `body` is one that it fits."""
        if sum([len(piece) for _, piece in frame.pieces]) * 4 > self._most:
            return
        before, length = frame.begins >= frame.left, max(frame.begins, frame.left)
        part = next((part for part in _ENDS if (part.start == 0) == before and len(body[part]) <= length), None)
        if part is None:
            return
        alike = self._found.get(body[part], ())
        if len(alike) >= _MOST_ALIKE:
            self._count(alike[-1], -1)
        self._found[body[part]] = (frame, *alike[: _MOST_ALIKE - 1])
        self._count(frame, 1)
        while self._held > self._most:
            for old in self._found.popitem(last=False)[1]:
                self._count(old, -1)

    def _count(self, frame: Frame, sign: int) -> None:
        self._held += sign * _OBJECT_BYTES
        for _, piece in frame.pieces:
            if len(piece) < LONG_BYTES:
                self._held += sign * 2 * len(piece)  # the piece, and its members
                continue
            times = self._times.pop(id(piece), 0) + sign
            if times:
                self._times[id(piece)] = times
            if times == (sign > 0):
                self._held += sign * len(piece)
