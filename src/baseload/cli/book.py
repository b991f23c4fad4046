"""The price book as this user sees it: the packaged one, what they added, their contract and their own names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from baseload.errors import UsageError

if TYPE_CHECKING:
    from baseload.prices.book import PriceBook
    from baseload.project import Project


def additions_folder() -> Path:
    """Where `prices add` keeps what it was given: `prices/` in the user's configuration folder."""
    from baseload.cli.places import config_folder

    return config_folder() / "prices"


def open_book(
    project: Project, folder: Path | None, *, overlay: Path | None = None, extra: Sequence[bytes] = ()
) -> PriceBook:
    """The packaged book with the user's additions, the project's contract prices and model names.

    `overlay` stands in for the project's own `price_overlay` (a path relative to `folder`); `extra` additions come
    last. Raises PriceBookError or UsageError.
    """
    from baseload.prices.additions import stored_additions
    from baseload.prices.load import load_book

    contract = overlay or ((folder or Path()) / project.price_overlay if project.price_overlay else None)
    return load_book(
        overlay=None if contract is None else read_file(contract),
        additions=[*stored_additions(additions_folder()), *extra],
        aliases=project.model_alias,
    )


def read_file(path: Path, what: str = "price file") -> bytes:
    """The bytes of a file the user named. Raises UsageError saying why it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}; expected a readable {what}") from error
