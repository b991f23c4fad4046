"""After a crash: what dead replicas left in a log folder is cut to its last whole line, sealed, and told.

Whoever starts on the folder does it, before it serves. A segment whose writer lives is locked and left alone.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from baseload.gateway.calllog.records import End, Head, Seal, Start, booked_nano, line_of
from baseload.gateway.calllog.segment import SUFFIX
from baseload.gateway.state.leases import Place, Used
from baseload.usage.fields import BadRecord
from baseload.usage.gateway_pairs import Pairing, Placed, record_at
from baseload.values import Problem

NAME: Final = "gateway_log"
_TAIL_BYTES: Final = 256 * 1024


class Recovered(msgspec.Struct, frozen=True, kw_only=True):
    """One dead replica's log: what of each budget it had spent, and what its calls in flight had reserved."""

    replica_id: str
    segments: int  # sealed now
    in_flight: tuple[Start, ...]
    used: dict[Place, Used]
    torn_bytes: int
    problems: tuple[Problem, ...]


def recover(folder: Path, clock_us: Callable[[], int]) -> list[Recovered]:
    """Seal what is unsealed and nobody's; one result for each replica that died. Nothing to do = an empty list.

    Its leases are then reclaimed by `used`. A crash while this runs only means that it runs again.
    """
    by_replica: dict[str, list[Path]] = {}
    for path in sorted(folder.glob(f"calls-*{SUFFIX}")):
        by_replica.setdefault(path.name[len("calls-") :].rpartition("-")[0], []).append(path)
    return [found for name, paths in by_replica.items() if (found := _replica(name, paths, clock_us)) is not None]


def _replica(replica_id: str, paths: list[Path], clock_us: Callable[[], int]) -> Recovered | None:
    """Reads from its first unsealed segment on; starts and totals from before stand at that one's head."""
    files: list[BinaryIO] = []
    try:
        paths = [path for path in paths if path.exists()]  # others delete what was shipped, or died empty, meanwhile
        first = next((place for place, path in enumerate(paths) if not is_sealed(path)), None)
        if first is None:
            return None
        paths = paths[first:]
        files.extend(path.open("rb+") for path in paths)
        for file in files:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        unsealed = [place for place, path in enumerate(paths) if not is_sealed(path)]
        return _sealed(replica_id, paths, files, unsealed, clock_us) if unsealed else None
    except BlockingIOError:
        return None  # its writer lives, or another start is at it
    except FileNotFoundError:  # deleted this very moment, as shipped segments are
        return _replica(replica_id, paths, clock_us)
    finally:
        for file in files:
            file.close()


def _sealed(
    replica_id: str, paths: list[Path], files: Sequence[BinaryIO], unsealed: list[int], clock_us: Callable[[], int]
) -> Recovered:
    torn = sum(_cut(files[place].fileno()) for place in unsealed)
    read = _Reading()
    for path in paths:
        read.segment(path)
    for place in unsealed:
        fd = files[place].fileno()
        if not os.fstat(fd).st_size:
            paths[place].unlink()  # it died before the head was written
            continue
        carried = tuple(sorted(read.left_open[place] & read.starts_after(place)))
        os.lseek(fd, 0, os.SEEK_END)
        os.write(fd, line_of(Seal(us=clock_us(), why="recovered", carried=carried)))
        os.fsync(fd)
    return Recovered(
        replica_id=replica_id,
        segments=len(unsealed),
        in_flight=tuple(read.open.values()),
        used=read.used(),
        torn_bytes=torn,
        problems=tuple(read.problems),
    )


class _Reading:
    """Segments of one replica, in order."""

    def __init__(self) -> None:
        self.open: dict[int, Start] = {}
        self.left_open: list[set[int]] = []  # by segment: its starts without an end in it
        self.problems: list[Problem] = []
        self._starts: list[set[int]] = []
        self._spent: dict[Place, int] = {}

    def segment(self, path: Path) -> None:
        pairing = Pairing()
        starts: set[int] = set()
        for placed in whole_lines(path):
            try:
                pair = pairing.take(placed)
            except BadRecord as bad:
                self.problems.append(bad.problem(NAME, path.name, placed.row))
                continue
            if isinstance(placed.record, Head) and not self._starts:
                self._spent = {Place(b, p): n for p, by in placed.record.spent.items() for b, n in by.items()}
            elif isinstance(placed.record, Start):
                starts.add(placed.record.seq)
            elif pair is not None and pair.end is not None:
                self._spend(pair.start, pair.end)
        for seq in starts:
            self.open.pop(seq, None)
        self._starts.append(starts)
        self.left_open.append(set(pairing.open))
        self.open.update({seq: start for seq, (start, _) in pairing.open.items()})

    def starts_after(self, place: int) -> set[int]:
        """Starts that stand again in a later segment."""
        return set().union(*self._starts[place + 1 :])

    def used(self) -> dict[Place, Used]:
        held: dict[Place, int] = {}
        for start in self.open.values():
            for budget in start.budgets:
                place = Place(budget, start.period)
                held[place] = held.get(place, 0) + start.held_nano
        return {
            place: Used(self._spent.get(place, 0), held.get(place, 0)) for place in sorted(self._spent.keys() | held)
        }

    def _spend(self, start: Start, end: End) -> None:
        cost = booked_nano(start, end)
        for budget in start.budgets:
            place = Place(budget, start.period)
            self._spent[place] = self._spent.get(place, 0) + cost


def whole_lines(path: Path) -> Iterator[Placed]:
    """The records of a segment; a last line that was cut is left out without a word: `recover` cuts it off."""
    with path.open("rb") as file:
        for row, line in enumerate(file, start=1):
            if line.endswith(b"\n") and len(line) > 1:
                yield Placed(row, record_at(line[:-1]))


def is_sealed(path: Path) -> bool:
    """Whether the last line of a segment is a seal."""
    with path.open("rb") as file:
        file.seek(0, os.SEEK_END)
        file.seek(max(0, file.tell() - _TAIL_BYTES))
        tail = file.read()
    last = tail.rstrip(b"\n").rpartition(b"\n")[2]
    return tail.endswith(b"\n") and isinstance(record_at(last), Seal)


def _cut(fd: int) -> int:
    """Takes off what follows the last line feed; how many bytes that was."""
    size = os.lseek(fd, 0, os.SEEK_END)
    end = size
    while end > 0:
        start = max(0, end - _TAIL_BYTES)
        found = os.pread(fd, end - start, start).rfind(b"\n")
        if found >= 0:
            end = start + found + 1
            break
        end = start
    os.ftruncate(fd, end)
    return size - end
