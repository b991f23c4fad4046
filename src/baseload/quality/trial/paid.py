"""What the attempts at one candidate have cost so far: they share the bar's budget, those set aside among them."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Final

import msgspec

from baseload.errors import BaseloadError, UsageError
from baseload.quality.record import read_record
from baseload.quality.replay.errors import JournalBroken
from baseload.quality.replay.journal import Journal, Line, Seal, unchained
from baseload.quality.replay.state import State
from baseload.quality.trial.begun import DOCUMENT, SAMPLE
from baseload.quality.trial.document import load_trial
from baseload.quality.trial.evidence import NAME
from baseload.quality.trial.setup import TrialSetup

_LINES: Final = msgspec.json.Decoder(Line)
_MAY_CHANGE: Final = frozenset({"simulated", "earlier_trials", "attempt", "earlier"})
"""Of an identity: what is known only once the API has answered and the attempts are counted."""


def paid_in(folder: Path) -> Decimal:
    """Dollars of the trial in a folder, ended or not, at most: paid, and reserved for what nobody knows the end of.

    A line of a journal that cannot be read counts for nothing.
    """
    journals = sum((_paid(path) for path in _journals(folder)), Decimal(0))
    try:
        money = load_trial((folder / DOCUMENT).read_bytes()).money
    except (OSError, BaseloadError):
        return journals
    return max(journals, money.spent_usd + money.reserved_usd)


def _paid(path: Path) -> Decimal:
    state = State()
    for raw in path.read_bytes().splitlines():
        try:
            state.see(_LINES.decode(unchained(raw)[0]))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, JournalBroken):
            continue
    return state.spent_usd + state.reserved_usd


def _journals(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.glob("*.jsonl")) if path.name != NAME]


def within_budget(setup: TrialSetup) -> TrialSetup:
    """The setup with no more dollars than earlier attempts have left of the bar's. Raises UsageError where none are."""
    paid = sum((one.paid_usd for one in setup.counting), Decimal(0))
    left = setup.bar.budget_usd - paid
    if not paid or setup.cap_usd > setup.bar.budget_usd:  # the latter is refused where setups are checked
        return setup
    if left <= 0:
        raise UsageError(
            f"earlier attempts have cost ${paid:.2f} of the bar's ${setup.bar.budget_usd}, which all attempts share. "
            "Raise budget_usd of the bar."
        )
    return msgspec.structs.replace(setup, cap_usd=min(setup.cap_usd, left))


def goes_on(setup: TrialSetup, folder: Path, seal: Seal | None) -> bool:
    """Whether the folder's trial has begun, has not ended, and can be gone on with by this very setup.

    Raises JournalLocked where it is running.
    """
    if (folder / DOCUMENT).exists() or not (folder / SAMPLE).exists():
        return False
    try:
        for path in _journals(folder):
            Journal(path, seal, setup.key).close()
        record = (folder / NAME).read_bytes() if (folder / NAME).is_file() else b""
        read_record(record[: record.rfind(b"\n") + 1])
        said = msgspec.json.decode((folder / SAMPLE).read_bytes(), type=dict[str, object]).get("identity")
    except (JournalBroken, msgspec.DecodeError, UnicodeDecodeError, UsageError):
        return False
    mine = msgspec.to_builtins(setup.identity)
    return isinstance(said, dict) and _fixed(said) == _fixed(mine)


def _fixed(identity: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in identity.items() if name not in _MAY_CHANGE}
