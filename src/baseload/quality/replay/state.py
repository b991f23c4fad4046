"""What a journal says so far: dollars spent and reserved, what is open, what is known of each item."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from baseload.quality.replay.errors import JournalBroken
from baseload.quality.replay.journal import Absent, Begun, Deleted, Intent, Line, Lost, Result, Settled, Submitted


class State:
    """A fold over lines; the same lines always give the same state."""

    def __init__(self, lines: Iterable[Line] = ()) -> None:
        self.begun: Begun | None = None
        self.intents: dict[int, Intent] = {}
        self.batches: dict[int, Submitted] = {}
        self.results: dict[str, Result] = {}
        self.settled: dict[int, Decimal] = {}
        self.lost: dict[int, Lost] = {}
        self.absent: set[int] = set()
        self.deleted: set[str] = set()
        for line in lines:
            self.see(line)

    def see(self, line: Line) -> None:
        match line:
            case Begun():
                self.begun = line
            case Intent(n=n):
                if n in self.intents:
                    raise JournalBroken(f"intent {n} is there twice; expected each once")
                self.intents[n] = line
            case Submitted(n=n):
                self.batches[n] = line
            case Result(item=item):
                self.results[item] = line
            case Settled(n=n, usd=usd):
                self.settled[n] = usd
            case Lost(n=n):
                self.lost[n] = line
            case Absent(n=n):
                self.absent.add(n)
            case Deleted(batch_id=batch_id):
                self.deleted.add(batch_id)

    @property
    def next_intent(self) -> int:
        return max(self.intents, default=0) + 1

    @property
    def open(self) -> list[Intent]:
        """Intents whose end is not known, in order."""
        ended = self.settled.keys() | self.lost.keys() | self.absent
        return [intent for n, intent in sorted(self.intents.items()) if n not in ended]

    @property
    def undeleted(self) -> list[str]:
        """Batches whose results are here and still upstream too."""
        return [
            one.batch_id for n, one in self.batches.items() if n in self.settled and one.batch_id not in self.deleted
        ]

    @property
    def spent_usd(self) -> Decimal:
        return sum(self.settled.values(), Decimal(0))

    @property
    def reserved_usd(self) -> Decimal:
        """For what is open, and for good for what was lost."""
        return sum((one.reserved_usd for one in self.open), self.lost_usd)

    @property
    def lost_usd(self) -> Decimal:
        """At most so much was paid for calls whose answers nobody has."""
        return sum((self.intents[n].reserved_usd for n in self.lost), Decimal(0))
