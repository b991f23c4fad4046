"""Values of metric labels, from a closed list: a caller cannot make a new series."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from baseload.gateway.core import Core
from baseload.gateway.decide.decide import SAYS
from baseload.plan.policy import Policy

OTHER: Final = "other"
NONE: Final = "none"
LEAVE: Final = "leave"
MOST_WORKLOADS: Final = 200


class Labels:
    """The known values: workloads of the policy (the first 200), models of the price book, reasons of decisions."""

    def __init__(self, core: Core, policy: Policy) -> None:
        self._core = core
        self._workloads: frozenset[str] = frozenset()
        self.policy_id = ""
        self.learn(policy)

    def learn(self, policy: Policy) -> None:
        """Another policy serves."""
        self.policy_id = policy.policy_id
        self._workloads = frozenset(sorted(entry.workload.id for entry in policy.entries)[:MOST_WORKLOADS])

    def workload(self, name: str) -> str:
        return _known(name, self._workloads)

    def model(self, name: str) -> str:
        return _known(self._core.book.resolve(name) or OTHER, self._core.book.models) if name else NONE

    def reason(self, name: str) -> str:
        return _known(name, SAYS)


def arm_of(arm: str, reason: str) -> str:
    """The side a session is on. An entry that leaves the model alone has no candidate: those it reaches with marks and
    batches are `leave`, against the holdback it does not reach."""
    return LEAVE if arm == "candidate" and reason == "leave" else arm or NONE


def _known(name: str, known: Collection[str]) -> str:
    if not name:
        return NONE
    return name if name in known else OTHER
