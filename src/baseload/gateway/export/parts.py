"""What an export is: files, what of the policy is in them, and what is not and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from baseload.plan.policy import Entry
from baseload.values import Problem

Extent = Literal["entry", "part"]


class Lost(msgspec.Struct, frozen=True, kw_only=True):
    """What the other gateway cannot do of one entry. `entry`: nothing of it is done; `part`: the rest of it is."""

    workload: str
    name: str
    extent: Extent
    why: str
    next_step: str = "Run this workload through `baseload gateway`, or leave it as it is."


class Exported(msgspec.Struct, frozen=True, kw_only=True):
    """Files by name, the ids of the workloads that they serve, and what was lost on the way."""

    schema: Literal["baseload.export/1"] = "baseload.export/1"
    target: Literal["litellm", "envoy"]
    policy_id: str
    workloads: tuple[str, ...]
    lost: tuple[Lost, ...]
    files: Mapping[str, str]

    @property
    def problems(self) -> tuple[Problem, ...]:
        """One for each thing lost."""
        return tuple(
            Problem(
                source=f"export-{self.target}",
                file="policy",
                row=0,
                code="not-exported" if one.extent == "entry" else "partly-exported",
                message=f"workload {(one.name or one.workload)[:60]!r}: {one.why}",
                value=one.workload[:60],
                next_step=one.next_step,
            )
            for one in self.lost
        )


def lost(entry: Entry, why: str, extent: Extent = "entry", next_step: str = "") -> Lost:
    """What is said of an entry; `next_step` "" = the usual one."""
    said = {"next_step": next_step} if next_step else {}
    return Lost(workload=entry.workload.id, name=entry.workload.name, extent=extent, why=why, **said)


def does_nothing(entry: Entry) -> bool:
    """Whether an entry leaves every request as it is."""
    has_marks = entry.cache is not None and bool(entry.cache.marks)
    return entry.pin_original or (entry.decision == "leave" and entry.batch is None and not has_marks)
