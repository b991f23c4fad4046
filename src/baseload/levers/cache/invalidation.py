"""What a changed request setting does to a cached prefix: the first section that falls, and everything behind it.

Render order is tools, system, messages, and a cache is an exact prefix, so a section falls with all that follow it.
Source: anthropic-facts section 3 (prompt-caching documentation of 2026-08 and the skill text of 2026-11).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from baseload.levers.options import Section

ORDER: Final[tuple[Section, ...]] = ("tools", "system", "messages")


class Fall(NamedTuple):
    """From which section on a change empties the cache: as stated, and at worst on some models.

    Where the documentation names the change but no section, both are "tools": nothing is promised to survive.
    """

    stated: Section
    worst: Section


FALLS: Final[Mapping[str, Fall]] = {
    "model": Fall("tools", "tools"),
    "tools": Fall("tools", "tools"),
    "web_search": Fall("system", "system"),
    "citations": Fall("system", "system"),
    "speed": Fall("system", "system"),
    "system": Fall("system", "system"),
    "tool_choice": Fall("messages", "messages"),
    "images": Fall("messages", "messages"),
    "thinking": Fall("messages", "tools"),
    "effort": Fall("messages", "tools"),
    "output_format": Fall("tools", "tools"),
    "task_budget": Fall("tools", "tools"),
    "context_editing": Fall("messages", "messages"),
}
"""Changed setting -> what falls. `images`: added or removed anywhere. `context_editing` falls from the cleared point
on, which lies in the messages. `system` is the text itself changing; so is `tools`."""


def first_fallen(changed: Iterable[str], *, worst: bool = False) -> Section | None:
    """The first section these changes empty, None where none of them touches a cache.

    A setting that is not in `FALLS` (max_tokens, stop_sequences, metadata, stream ...) is no part of the prefix.
    `worst` takes what happens on the models that keep the least.
    """
    fallen = {FALLS[name].worst if worst else FALLS[name].stated for name in changed if name in FALLS}
    return next((section for section in ORDER if section in fallen), None)
