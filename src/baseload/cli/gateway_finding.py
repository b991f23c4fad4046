"""One finding of `gateway check`, and of a start, which looks at the same."""

from __future__ import annotations

import importlib.util
from typing import Literal

import msgspec

State = Literal["ok", "note", "fault"]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """`fault`: a start fails, and says this. `note`: it starts and says this, since somebody should know."""

    what: str
    state: State
    says: str


def ok(what: str, says: str) -> Finding:
    return Finding(what=what, state="ok", says=says)


def note(what: str, says: str) -> Finding:
    return Finding(what=what, state="note", says=says)


def fault(what: str, says: str) -> Finding:
    return Finding(what=what, state="fault", says=says)


def is_installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False
