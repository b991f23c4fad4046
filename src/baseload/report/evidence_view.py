"""What an evidence page shows of one trial: the document, and what its record said when the page was made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from baseload.quality.trial.document import Discordant, TrialDocument
from baseload.report import evidence_words as words

MOST_PAIRS: Final = 200
MOST_STRATA: Final = 100


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """One trial as it was read. `name` is that of its folder, `record_fault` why its record gives another verdict.

    "" = the record holds together, ends in the verdict's id and gives the same walk when it is recomputed. A trial
    whose record does not is shown as invalid, whatever its document says.
    """

    name: str
    document: TrialDocument
    record_fault: str = ""


class TrialView(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    document: TrialDocument
    record_fault: str
    status: str
    meaning: str
    tone: str  # good | warn | bad
    in_words: tuple[Discordant, ...]  # with texts, which somebody asked for
    pairs: tuple[Discordant, ...]  # the others
    pairs_left_out: int
    strata: tuple[tuple[str, int], ...]  # largest first
    strata_left_out: int
    command: str
    contents: tuple[tuple[str, str], ...]


def trusted(trial: Checked) -> TrialDocument:
    """The document, as invalid where its record does not bear it out."""
    if not trial.record_fault:
        return trial.document
    return msgspec.structs.replace(trial.document, state="invalid", reason=trial.record_fault)


def trial_view(trial: Checked) -> TrialView:
    """The page's rows. Pure: the same trial always gives the same view."""
    document = trusted(trial)
    shown = document.discordant[:MOST_PAIRS]
    in_words = tuple(pair for pair in shown if pair.asked or pair.candidate_text or pair.incumbent_text)
    strata = _largest_first(document.sample.strata)
    return TrialView(
        name=trial.name,
        document=document,
        record_fault=trial.record_fault,
        status=words.status(document),
        meaning=words.meaning(document),
        tone="warn" if document.state == "holds" and document.grade == "simulated" else words.TONES[document.state],
        in_words=in_words,
        pairs=tuple(pair for pair in shown if pair not in in_words),
        pairs_left_out=max(0, document.discordant_calls - len(shown)),
        strata=strata[:MOST_STRATA],
        strata_left_out=max(0, len(strata) - MOST_STRATA),
        command=words.verify_command(trial.name, document),
        contents=(
            ("verdict", "Verdict"),
            ("path", "How it was decided"),
            ("pairs", "Where the answers differ"),
            ("controls", "Controls"),
            ("arms", "Arms"),
            ("money", "Money"),
            ("sample", "Sample"),
            ("record", "Record"),
        ),
    )


def _largest_first(counts: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
