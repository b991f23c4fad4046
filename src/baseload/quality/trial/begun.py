"""What lies in a trial's folder before it runs: the sample it was begun with, and the document it ended with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from baseload.errors import UsageError
from baseload.quality.sampling.sample import Sample
from baseload.quality.trial.borne_out import document_fault
from baseload.quality.trial.document import TrialDocument, load_trial
from baseload.quality.trial.evidence import NAME, write_whole
from baseload.quality.trial.setup import TrialSetup, checked, chosen_from, sampled, user_texts
from baseload.quality.trial.tested import in_stratum
from baseload.values import Call, Problem
from baseload.vault.body import Body

DOCUMENT: Final = "trial.json"
SAMPLE: Final = "sample.json"
_MOST_TEXTS: Final = 20_000

Bodies = Callable[[Sequence[Call]], Iterable[tuple[Call, Body | Problem]]]


class _Kept(msgspec.Struct, frozen=True, kw_only=True):
    """`sample.json`: what this folder's trial is of. The ledger may grow; a resumed trial keeps its sample."""

    identity: dict[str, Any]
    sample: Sample


def check_guards(setup: TrialSetup, sample: Sample) -> None:
    """Raises UsageError where a guard watches nothing of the sample: it could never veto."""
    unmet = [name for name in setup.bar.guards if not any(in_stratum(name, one) for one in sample.strata)]
    if unmet:
        listed = ", ".join(sorted({part for one in sample.strata for part in one.split("|") if part})[:12])
        raise UsageError(f"guard {unmet[0][:40]!r} is of no call of the sample; expected a stratum or a part: {listed}")


def finished(folder: Path, setup: TrialSetup | None = None) -> TrialDocument | None:
    """The folder's trial where it has ended; None where it has not. Raises UsageError where it is another one, or
    its record does not bear it out.
    """
    path = folder / DOCUMENT
    if not path.exists():
        return None
    data, record = path.read_bytes(), folder / NAME
    found = load_trial(data)
    fault = document_fault(found, record.read_bytes() if record.is_file() else b"", data)
    if fault:
        raise UsageError(f"{folder}: {fault}. Get the folder back as the trial left it, or begin anew with --again.")
    if setup is not None and found.bar_sha256 != setup.bar.sha256:
        raise UsageError(f"{folder}: the trial there was under another bar. Begin anew with --again, which keeps it.")
    return found


def drawn(setup: TrialSetup, folder: Path, bodies: Bodies) -> Sample:
    """What the trial in `folder` replays: the sample it began with, else the one it will begin with; writes nothing.

    Raises UsageError where there can be no trial, or nothing to replay.
    """
    checked(setup)
    begun = _read(folder / SAMPLE)
    return _draw(setup, bodies) if begun is None else begun.sample


def _read(path: Path) -> _Kept | None:
    """The sample that lies there; None where none does."""
    if not path.exists():
        return None
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Kept)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: {type(error).__name__}; expected the sample of a trial. Use --again.") from error


def kept_sample(setup: TrialSetup, folder: Path, bodies: Bodies, sample: Sample | None) -> Sample:
    """The folder's sample, or a new one that is on disk when this returns. Raises UsageError on another trial's."""
    path = folder / SAMPLE
    identity = msgspec.to_builtins(setup.identity)
    found = _read(path)
    if found is not None:
        if found.identity != identity:
            changed = sorted(name for name in identity if found.identity.get(name) != identity[name])
            raise UsageError(
                f"{folder}: the trial there has another {', '.join(changed) or 'setup'}. Go on with what it was begun "
                "with, or begin anew with --again, which keeps it."
            )
        return found.sample
    made = _Kept(identity=identity, sample=sample or _draw(setup, bodies))
    write_whole(path, msgspec.json.encode(made, order="sorted"))
    return made.sample


def _draw(setup: TrialSetup, bodies: Bodies) -> Sample:
    population = chosen_from(setup)
    wanted = {member.call_id for member in population.members}
    texts = {}
    if len(wanted) <= _MOST_TEXTS:
        texts = user_texts(bodies([call for call in setup.calls if call.call_id in wanted]))
    return sampled(setup, population, texts)


def bodies_of(setup: TrialSetup, sample: Sample, bodies: Bodies) -> dict[str, Body | Problem]:
    wanted = {drawn.call_id for drawn in sample.order}
    calls = [call for call in setup.calls if call.call_id in wanted]
    return {call.call_id: found for call, found in bodies(calls)}
