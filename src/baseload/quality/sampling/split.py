"""Hold the newest days back: a verdict is tried on what came later, not on what it was made from."""

from __future__ import annotations

from collections.abc import Sequence

from baseload.errors import UsageError
from baseload.quality.sampling.population import Member
from baseload.values import day_of


def time_split(members: Sequence[Member], held_back_days: int) -> tuple[list[Member], list[Member]]:
    """(older, newest): sessions that reach into the last days are newest as a whole. 0 days hold nothing back.

    The last day is that of the newest call. Raises UsageError on a negative number.
    """
    if held_back_days < 0:
        raise UsageError(f"held back days {held_back_days}; expected 0 or more")
    if not members or not held_back_days:
        return list(members), []
    first_held = max(day_of(member.start_us) for member in members) - held_back_days + 1
    newest = {member.session for member in members if day_of(member.start_us) >= first_held}
    return (
        [member for member in members if member.session not in newest],
        [member for member in members if member.session in newest],
    )
