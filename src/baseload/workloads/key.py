"""What defines a workload: a key that depends on the calls' own labels and on nothing else in the data.

The id of a workload is a hash of its key, so it is the same on every machine, in every run and beside any other data.
"""

from __future__ import annotations

import hashlib
import re
from typing import NamedTuple

import msgspec

from baseload.values import Workload

ID_PATTERN = re.compile(r"w-[0-9a-f]{12}")
_ID_VERSION = "workload/1"  # changing what a key is made of changes every id: then this moves to 2


class Key(NamedTuple):
    """One defining key. `parts` alone make the id; the rest explains and steers.

    `splits` says how its calls may still be told apart: by "prompts" where the label is an owner rather than the name
    of a workload, by "projects" for a tool that works on many, "" not at all.
    """

    stage: str
    parts: tuple[tuple[str, str], ...]
    name: str
    why: str
    splits: str = ""
    base_id: str = ""  # of a part: the id of the group it was split from

    @property
    def id(self) -> str:
        """`w-` and 12 hex digits: 48 bits, so ten thousand workloads collide once in five million companies."""
        text = msgspec.json.encode([_ID_VERSION, *self.parts])
        return "w-" + hashlib.blake2b(text, digest_size=6).hexdigest()

    def within(self, stage: str, kind: str, value: str, why: str) -> Key:
        """The key of a part of this group, which no longer splits."""
        return Key(stage, (*self.parts, (kind, value)), self.name, why, base_id=self.id)


UNATTRIBUTED = Workload(
    id="unattributed",
    name="unattributed",
    stage="unattributed",
    why="Billed, but no source says by which key, workspace, tag or call.",
    task_evidence="no call of it was seen",
    latency_evidence="no call of it was seen",
)
"""Spend nobody can be asked about yet: what a control total holds beyond its calls, and rows without any label."""
