"""The seam to fitted routers: which model a session goes to. What stands behind it needs numpy and is loaded late."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from baseload.gateway.decide.facts import Facts


class Chosen(NamedTuple):
    """The model a session goes to; `note` says why the router abstained, "" where it did not."""

    model: str
    note: str = ""


class Chooser(Protocol):
    """A router of one workload. Pure: the same facts, the same choice."""

    def choose(self, facts: Facts) -> Chosen:
        """The model of a session that begins so."""
