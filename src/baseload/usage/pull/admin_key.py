"""The admin key: from the environment or a private file, and never into a message, a log or a file of ours."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from baseload.errors import UsageError

VARIABLE: Final = "ANTHROPIC_ADMIN_KEY"
_OAUTH: Final = "sk-ant-oat"


class AdminKey(msgspec.Struct, frozen=True):
    """An Admin key, or an OAuth token with org:admin. Its text is never shown."""

    secret: str

    def __repr__(self) -> str:
        return "AdminKey(…)"

    def headers(self) -> dict[str, str]:
        if self.secret.startswith(_OAUTH):
            return {"authorization": f"Bearer {self.secret}"}
        return {"x-api-key": self.secret}

    def hidden_in(self, text: str) -> str:
        """`text` without the key."""
        return text.replace(self.secret, "…")


def admin_key(environment: Mapping[str, str], file: Path | None) -> AdminKey:
    """The key from `file` where one is named, else from the environment. Raises UsageError with the next step."""
    text = _file_text(file) if file is not None else environment.get(VARIABLE, "")
    secret = text.strip()
    if not secret:
        where = f"{file} is empty" if file is not None else f"{VARIABLE} is not set"
        raise UsageError(f"{where}. Put an Admin key (sk-ant-admin…) there; docs/how-to/pull.md shows how to make one.")
    if not secret.isascii() or not secret.isprintable() or " " in secret:
        raise UsageError(f"the key in {file or VARIABLE} is not one line of printable characters")
    return AdminKey(secret)


def _file_text(path: Path) -> str:
    """The file's text, if nobody but its owner may read it."""
    try:
        mode = path.stat().st_mode
        if os.name == "posix" and stat.S_IMODE(mode) & 0o077:
            raise UsageError(f"{path} can be read by others (mode {stat.S_IMODE(mode):04o}). Run: chmod 600 {path}")
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
