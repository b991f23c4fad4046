"""A pull's folder: pages and state written so that a kill at any moment leaves whole files only."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from baseload.errors import PullError
from baseload.usage.pull.state import SCHEMA, PullState

STATE_NAME: Final = ".pull-state.json"
"""Hidden, so that importing the folder reads the pages alone."""
LOCK_NAME: Final = ".pull-lock"


class PullFolder:
    """Pages of one organisation's pull. Use inside `locked_folder`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def load(self) -> PullState | None:
        """The state of the last pull here; None where there was none. Raises PullError when it cannot be read."""
        path = self.path / STATE_NAME
        try:
            state = msgspec.json.decode(path.read_bytes(), type=PullState)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError) as error:
            raise PullError(f"{path}: {error}. Remove the folder to pull everything again.") from error
        if state.schema != SCHEMA:
            raise PullError(f"{path}: {state.schema!r} is not {SCHEMA!r}: it was written by another version")
        return state

    def save(self, state: PullState, name: str = "", content: bytes = b"") -> None:
        """The page, then the state that names it; a kill in between only asks for that page once more."""
        if name:
            self._write(name, content)
        self._write(STATE_NAME, msgspec.json.format(msgspec.json.encode(state), indent=1) + b"\n")

    def remove(self, names: tuple[str, ...]) -> None:
        for name in names:
            (self.path / Path(name).name).unlink(missing_ok=True)

    def _write(self, name: str, content: bytes) -> None:
        target = self.path / Path(name).name
        temporary = target.with_name(f".{target.name}.tmp")
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)


@contextmanager
def locked_folder(path: Path) -> Iterator[PullFolder]:
    """The folder, made if need be, for this process alone. Raises PullError while another pull holds it."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        handle = os.open(path / LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise PullError(f"{path} cannot be written: {error.strerror}. Name another folder with -o.") from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise PullError(f"another pull is writing {path}. Wait for it, or name another folder with -o.") from None
        yield PullFolder(path)
    finally:
        os.close(handle)  # lets the lock go, also when the process is killed
