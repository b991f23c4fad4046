"""The text form of a prompt's prefix (`Call.prefix_blocks`): one entry per block or piece of a block, never its words.

    3f9a1c20b7de:412:t1   tool definition, 412 tokens, a 1h cache mark after it
    90ab44de01c2:900:s+   the start of a long system block, which goes on in the next entry
    …                     hash:tokens[:code[:cues]], separated by single spaces, in render order

The code is a letter of `KINDS`, then `+` where the same block goes on, `5` or `1` for a cache mark of that lifetime,
and `x<n>` where one entry stands for n. Cues are a letter and six hex digits each: fingerprints of one aspect of an
entry, so that two entries can be compared by aspect. Entries of features version 1 have no code.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, Literal, NamedTuple
from zlib import crc32

Section = Literal["tools", "system", "messages", ""]

SECTION_OF_KIND: Final[Mapping[str, Section]] = {
    "T": "tools",  # settings that fork everything; no position
    "t": "tools",
    "S": "system",  # settings that fork system and messages; no position
    "s": "system",
    "M": "messages",  # settings that fork messages; no position
    "y": "messages",  # a system message among the messages
    "u": "messages",  # text or media of a user
    "r": "messages",  # tool results
    "a": "messages",  # text of the assistant
    "c": "messages",  # tool calls
    "h": "messages",  # thinking: cannot carry a mark
    "": "",
}
KINDS: Final = "".join(SECTION_OF_KIND)
SETTINGS: Final = "TSM"
MARKS: Final = {"5": "5m", "1": "1h"}
HASH_DIGITS: Final = 12
CUE_CHARS: Final = 7  # a letter and six hex digits

_MASK: Final = (1 << 4 * HASH_DIGITS) - 1
_FACTOR: Final = 0x9E3779B97F4B


class Entry(NamedTuple):
    """One block of a prompt, or a piece of a long one."""

    digest: str
    tokens: int
    kind: str = ""
    goes_on: bool = False  # the next entry is of the same block
    mark: str = ""  # "5m" | "1h" | ""
    stands_for: int = 1  # entries of the prompt
    cues: str = ""

    @property
    def section(self) -> Section:
        return SECTION_OF_KIND.get(self.kind, "")

    @property
    def is_settings(self) -> bool:
        return self.kind in ("T", "S", "M")

    def aspects(self) -> dict[str, str]:
        """Cue letter -> fingerprint."""
        return {self.cues[at]: self.cues[at + 1 : at + CUE_CHARS] for at in range(0, len(self.cues), CUE_CHARS)}


def written(entries: Iterable[Entry]) -> str:
    """The text form; of an entry that stands for several the digest must come from `joined`."""
    return " ".join(_written(entry) for entry in entries)


def entries_of(text: str) -> Iterator[Entry]:
    """Entries of the text form; what cannot be read is left out."""
    for part in text.split(" "):
        digest, _, rest = part.partition(":")
        tokens, _, rest = rest.partition(":")
        if not tokens.isdecimal():
            continue
        code, _, cues = rest.partition(":")
        if not code:
            yield Entry(digest, int(tokens))
            continue
        letter, count = code, 1
        if "x" in code:
            letter, _, many = code.partition("x")
            count = int(many) if many.isdecimal() else 1
        yield Entry(digest, int(tokens), letter[:1], "+" in letter, MARKS.get(letter[-1:], ""), count, cues)


def ends_of(text: str) -> Iterator[tuple[int, int]]:
    """(identity of the prefix, its tokens) after every entry of the text form; quicker than `entries_of`."""
    prefix = total = 0
    for part in text.split(" "):
        fields = part.split(":")
        if len(fields) < 2 or not fields[1].isdecimal():
            continue
        total += int(fields[1])
        stands_for = 1
        if len(fields) > 2 and "x" in fields[2]:
            many = fields[2].partition("x")[2]
            stands_for = int(many) if many.isdecimal() else 1
        prefix = chained(prefix, fields[0], stands_for)
        yield prefix, total


def chained(prefix: int, digest: str, stands_for: int = 1) -> int:
    """The identity of a prefix that goes on with an entry: equal for equal entries from the start, however joined."""
    factor = _FACTOR if stands_for == 1 else pow(_FACTOR, stands_for, _MASK + 1)
    return (prefix * factor + _number(digest)) & _MASK


def joined(entries: Iterable[Entry]) -> Entry:
    """One unmarked entry for several, of the last one's kind: `chained` over it leads where they lead."""
    value = tokens = count = 0
    kind = ""
    for entry in entries:
        value = chained(value, entry.digest, entry.stands_for)
        tokens += entry.tokens
        count += entry.stands_for
        kind = entry.kind
    return Entry(f"{value:0{HASH_DIGITS}x}", tokens, kind, stands_for=count)


def _written(entry: Entry) -> str:
    code = entry.kind + ("+" if entry.goes_on else "") + ("1" if entry.mark == "1h" else "5" if entry.mark else "")
    if entry.stands_for > 1:
        code += f"x{entry.stands_for}"
    text = f"{entry.digest}:{entry.tokens}"
    if code:
        text += f":{code}"
    return f"{text}:{entry.cues}" if entry.cues else text


def _number(digest: str) -> int:
    try:
        return int(digest, 16)
    except ValueError:  # another program's names
        return crc32(digest.encode())
