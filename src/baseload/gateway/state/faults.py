"""What can go wrong with the shared state. Messages never hold an address, a user or a key."""

from __future__ import annotations

from baseload.errors import BaseloadError


class StateError(BaseloadError):
    """The state store cannot be used as it is."""


class StateDown(StateError):
    """The state store does not answer. Nothing is known of what was asked; asking again is safe."""


class StateTooNew(StateError):
    """The state store was written by a newer Baseload."""
