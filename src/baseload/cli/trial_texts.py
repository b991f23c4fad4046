"""What was asked and answered where a trial's arms differ, for whoever asks: read again, redacted, never kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from baseload.cli.trial_folder import JOURNAL, TRIALS
from baseload.errors import BaseloadError
from baseload.values import Problem

if TYPE_CHECKING:
    from baseload.cli.trial_inputs import TrialInputs
    from baseload.quality.replay.journal import Seal
    from baseload.quality.trial.document import Discordant
    from baseload.report.evidence_view import Checked
    from baseload.vault.body import Body


def with_texts(trial: Checked, folder: Path, *, most: int) -> tuple[Checked, list[Problem]]:
    """The trial with the redacted texts of its largest differences, and a problem for each body that is gone.

    Prompts and recorded answers come from the source files or the vault, the candidate's from the trial's journal.
    """
    from baseload.cli.trial_inputs import trial_inputs
    from baseload.cli.trial_setup import journal_seal

    document = trial.document
    pairs = document.discordant[:most]
    inputs = trial_inputs(folder, document.workload, document.candidate, document.effort)
    bodies, problems = _bodies(folder, inputs, {pair.call_id for pair in pairs})
    answers = _answers(folder / TRIALS / trial.name / JOURNAL, journal_seal(inputs))
    shown = [_shown(pair, bodies.get(pair.call_id), answers.get(pair.call_id)) for pair in pairs]
    rest = document.discordant[len(pairs) :]
    return (
        msgspec.structs.replace(
            trial, document=msgspec.structs.replace(document, discordant=(*shown, *rest))
        ),
        problems,
    )  # fmt: skip


def _bodies(folder: Path, inputs: TrialInputs, wanted: set[str]) -> tuple[dict[str, Body], list[Problem]]:
    from baseload.cli.bodies import open_bodies
    from baseload.cli.run import PROJECT_LEDGER
    from baseload.ledger.store import Ledger

    calls = [call for call in inputs.calls if call.call_id in wanted]
    found: dict[str, Body] = {}
    problems: list[Problem] = []
    with Ledger.open(folder / PROJECT_LEDGER) as ledger:
        for call, body in open_bodies(folder, inputs.project, calls, ledger=ledger, as_of_day=inputs.as_of_day):
            if isinstance(body, Problem):
                problems.append(body)
            else:
                found[call.call_id] = body
    return found, problems


def _answers(path: Path, seal: Seal | None) -> dict[str, Mapping[str, Any]]:
    """The candidate's answers by call, as far as they can be read: those under a seal need its key."""
    from baseload.quality.replay.journal import Line, Result, unchained

    if not path.is_file():
        return {}
    decoder = msgspec.json.Decoder(Line)
    found: dict[str, Mapping[str, Any]] = {}
    for raw in path.read_bytes().splitlines():
        try:
            line = decoder.decode(unchained(raw)[0])
            if isinstance(line, Result) and line.body and line.item.startswith("candidate/"):
                found[line.item.removeprefix("candidate/")] = _message(line.body, seal)
        except (msgspec.DecodeError, UnicodeDecodeError, BaseloadError):
            continue  # a line being written, or an answer under another key's seal
    return found


def _message(body: bytes, seal: Seal | None) -> dict[str, Any]:
    """An answer as it lies in the journal: plain where the trial had no key."""
    plain = body if body.startswith(b"{") or seal is None else seal.open(body)
    found: dict[str, Any] = msgspec.json.decode(plain, type=dict[str, Any])
    return found


def _shown(pair: Discordant, body: Body | None, answer: Mapping[str, Any] | None) -> Discordant:
    from baseload.quality.sampling.redact import Redactor

    redactor = Redactor()  # one for all texts of a call: the same value has the same placeholder
    asked = redactor.redact(_asked(body.request)) if body else ""
    return msgspec.structs.replace(
        pair,
        asked=asked,
        incumbent_text=redactor.redact(_said(body.response)) if body else "",
        candidate_text=redactor.redact(_said(answer)) if answer else "",
    )


def _asked(request: Mapping[str, Any]) -> str:
    """The text of the last turn that a person or a tool wrote."""
    messages = request.get("messages")
    turns = [one for one in messages if isinstance(one, Mapping)] if isinstance(messages, list) else []
    last = next((one for one in reversed(turns) if one.get("role") == "user"), None)
    return _text(last.get("content")) if last else ""


def _said(response: Mapping[str, Any]) -> str:
    return _text(response.get("content"))


def _text(content: object) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(_of_blocks(content)) if isinstance(content, list) else ""


def _of_blocks(content: Iterable[object]) -> Iterable[str]:
    for block in content:
        if not isinstance(block, Mapping):
            continue
        if isinstance(block.get("text"), str):
            yield str(block["text"])
        elif block.get("type") == "tool_use":
            yield f"[tool {block.get('name')}] {msgspec.json.encode(block.get('input'), order='sorted').decode()}"
        elif block.get("type") == "tool_result":
            yield _text(block.get("content"))
