"""What stops a replay. None of these messages holds a key, a prompt or an answer."""

from __future__ import annotations

from baseload.errors import BaseloadError


class ReplayError(BaseloadError):
    """A replay cannot go on; its journal says how far it came, and it can be resumed."""


class JournalBroken(ReplayError):
    """A journal does not say what a replay writes: not one line more is trusted."""


class JournalLocked(ReplayError):
    """Another process is replaying with this journal."""
