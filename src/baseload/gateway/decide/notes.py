"""What the parts of a body are found to be: its tools, its system prompt, and its small members."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple

SessionFrom = Literal["header", "metadata", "user", "prefix", ""]
HEAD_CHARS: Final = 2048
"""Of a text, no less than `usage.features` masks for a template id."""


class ToolsNote(NamedTuple):
    """What the `tools` of a request are.

    `light`: each tool without what is long; None where they are no list of objects. `special`: those that are more
    than a name and a schema, as JSON. `end`: where in the slice the last of them ends; 0 where it carries no mark.
    """

    fp: str
    size: int
    marked: bool
    light: tuple[Mapping[str, Any], ...] | None
    special: bytes = b"[]"
    end: int = 0


class SystemNote(NamedTuple):
    """What the `system` of a request is. `is_text`: not in blocks; `plain`: nothing but text.

    `ends`: where in the slice each block ends; 0 where it carries no mark. A text that is not empty is one block.
    """

    fp: str
    head: str
    marked: bool = False
    plain: bool = True
    is_text: bool = False
    ends: tuple[int, ...] = ()

    def __repr__(self) -> str:
        return f"SystemNote(fp={self.fp!r})"


class Params(NamedTuple):
    """What the members of a body say that are neither its prompt nor its tools. `user`: `metadata.user_id`; `tags`:
    what else metadata says in plain words. `special`: those that decide which models take it, as they were written."""

    model: str
    effort: str
    fast: bool
    thread: bool
    marked: bool
    stream: bool
    max_tokens: int | None
    user: str
    tags: tuple[tuple[str, str], ...]
    special: tuple[tuple[str, bytes], ...]

    def __repr__(self) -> str:
        return f"Params({self.model!r})"


NO_TOOLS: Final = ToolsNote("", 0, False, ())
NO_SYSTEM: Final = SystemNote("", "")
NO_PARAMS: Final = Params("", "", False, False, False, False, None, "", (), ())
