"""The evidence record of a trial: append-only lines in a hash chain, from which anybody recomputes the verdict offline.

Each line is canonical JSON with its number, the hash of the line before and its own: SHA-256 over everything else in
it. The last hash is the verdict's id; it stands in the policy, the report and the brief, so that any edit of any line
shows. Lines hold hashes, scores and differences, never a word of a prompt or an answer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal

import msgspec

from baseload.errors import BaseloadError, UsageError
from baseload.quality.bar import Bar
from baseload.quality.decide import Decision
from baseload.quality.graders.controls import Controls
from baseload.quality.trial.document import GuardResult
from baseload.quality.trial.facts import difference_of, graded_of, order_of, terms_of
from baseload.quality.trial.tested import Terms, decided

SCHEMA: Final = "baseload.evidence/1"
FIRST: Final = "0" * 64
"""What the first line names as the hash before it."""
MOST_LINE_BYTES: Final = 1 << 20

_TESTED: Final = ("sample", "control", "pair")
_IDENTITY: Final = ("workload", "incumbent", "candidate", "effort", "simulated")
_LAST_DAY: Final = 1_000_000
Kind = Literal["bar", "sample", "rewrite", "control", "pair", "verdict", "approval", "event"]


class Tampered(BaseloadError):
    """An evidence record does not say what its hashes say it said."""


class Line(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One fact. `body` is a JSON object whose fields depend on `kind`; see docs/reference/evidence.md."""

    seq: int
    kind: Kind
    body: Mapping[str, Any]
    before: str
    sha256: str = ""


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """A record that holds together: its head, its bar, and the verdict recomputed from its differences.

    `tested_margin` and `alpha` are what was tested: where a judge graded, less than the bar's. `controls` are those of
    the judge, recomputed from its graded controls; None where nobody judged. `decision` counts guards and faults.
    """

    head: str
    lines: int
    bar: Bar
    pairs: int
    decision: Decision
    recorded: str  # the verdict the record states; "" where the trial has not ended
    agrees: bool  # the recorded verdict, margin and alpha are the recomputed ones
    tested_margin: float
    alpha: float
    controls: Controls | None
    guards: tuple[GuardResult, ...]
    identity: Mapping[str, Any]  # what the trial was of: workload, incumbent, candidate, effort, simulated
    decided_on: int | None  # UTC day; None where the trial has not ended, or does not say
    document_sha256: str  # of its trial.json; "" where the record does not say
    attempt: int  # from 1, as the record states
    alpha_left: float  # what the earlier ones it names left of the bar's alpha, as a share of it


_LINES: Final = msgspec.json.Decoder(Line)


def chained(kind: Kind, body: Mapping[str, Any], before: Line | None) -> Line:
    """The next line of a record; None before begins one."""
    line = Line(
        seq=0 if before is None else before.seq + 1,
        kind=kind,
        body=body,
        before=FIRST if before is None else before.sha256,
    )
    return msgspec.structs.replace(line, sha256=_sha256(line))


def line_bytes(line: Line) -> bytes:
    """The line as it is written, newline included."""
    return msgspec.json.encode(line, order="sorted") + b"\n"


def _sha256(line: Line) -> str:
    bare = msgspec.structs.replace(line, sha256="")
    return hashlib.sha256(msgspec.json.encode(bare, order="sorted")).hexdigest()


def read_record(data: bytes) -> list[Line]:
    """The lines of a record. Raises Tampered, naming the line, where the chain does not hold."""
    found: list[Line] = []
    for number, raw in enumerate(data.removesuffix(b"\n").split(b"\n") if data else (), start=1):
        line = _decoded(raw, number)
        before = found[-1].sha256 if found else FIRST
        for field, is_so in (
            ("seq", line.seq == number - 1),
            ("before", line.before == before),
            ("sha256", line.sha256 == _sha256(line)),
            ("spelling", line_bytes(line) == raw + b"\n"),
        ):
            if not is_so:
                raise Tampered(
                    f"line {number}: {field} does not fit; expected an untouched record. "
                    "Get the record again from where the trial ran."
                )
        found.append(line)
    if not found:
        raise Tampered("line 1: the record is empty; expected at least the bar")
    return found


def _decoded(raw: bytes, number: int) -> Line:
    if len(raw) > MOST_LINE_BYTES:
        raise Tampered(f"line {number}: {len(raw)} bytes; expected at most {MOST_LINE_BYTES}")
    try:
        return _LINES.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Tampered(f"line {number}: {type(error).__name__}; expected a line of an evidence record") from error


def _since(lines: Sequence[Line], head: str) -> str:
    """Why a record does not end in `head`: an approval gives it a new last line, an edit a new chain."""
    at = next((number for number, line in enumerate(lines, 1) if line.sha256 == head.strip().lower()), 0)
    if not at:
        return "The record was changed or cut after the verdict."
    added = [line.kind for line in lines[at:]]
    count = "1 line" if len(added) == 1 else f"{len(added)} lines"
    return (
        f"In this record that is line {at}, and {count} ({', '.join(sorted(set(added)))}) "
        f"{'was' if len(added) == 1 else 'were'} added since: the lines up to it are as they were, and the id of the "
        "verdict is the new head."
    )


def verify(data: bytes, head: str | None = None) -> Verified:
    """Recompute the verdict from the record alone: the chain, the bar before all else, every difference in order.

    Raises Tampered where the chain is broken, where it does not end in `head`, where the bar is not the first line or
    was changed later, or where the record cannot be a trial.
    """
    lines = read_record(data)
    if head is not None and lines[-1].sha256 != head.strip().lower():
        raise Tampered(f"head: {lines[-1].sha256}; expected {head.strip()[:64]}. {_since(lines, head)}")
    bar = _bar_of(lines)
    _check_differences(lines)
    bodies = {kind: [line.body for line in lines if line.kind == kind] for kind in _TESTED}
    try:
        terms = terms_of(bar, bodies["sample"], bodies["control"], [body.get("how") for body in bodies["pair"]])
        pairs = graded_of(bodies["pair"], order_of(bodies["sample"]))
    except (ValueError, UsageError) as error:
        raise Tampered(f"record: {error}") from error
    found = decided(terms, pairs)
    return Verified(
        head=lines[-1].sha256,
        lines=len(lines),
        bar=bar,
        pairs=len(pairs),
        decision=found.decision,
        recorded=str(_recorded(lines).get("verdict", "")),
        agrees=_agrees(_recorded(lines), found.state, terms),
        tested_margin=terms.margin,
        alpha=terms.alpha,
        controls=terms.controls,
        guards=found.guards,
        identity=_identity(bodies["sample"]),
        decided_on=_day(_recorded(lines).get("decided_on")),
        document_sha256=str(_recorded(lines).get("document_sha256", "")),
        attempt=terms.attempt,
        alpha_left=terms.alpha_left,
    )


def _check_differences(lines: Iterable[Line]) -> None:
    for line in lines:
        if line.kind == "pair":
            try:
                difference_of(line.body)
            except ValueError as error:
                raise Tampered(f"line {line.seq + 1}: {error}") from error


def _agrees(recorded: Mapping[str, Any], state: str, terms: Terms) -> bool:
    """What the record states is what its lines give; a trial that has not ended states nothing."""
    given = {"verdict": state, "margin": terms.margin, "alpha": terms.alpha, "alpha_left": terms.alpha_left}
    return all(recorded.get(name, value) == value for name, value in given.items())


def _identity(sample: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    summary = next((body for body in sample if body.get("of") == "summary"), {})
    return {name: summary[name] for name in _IDENTITY if name in summary}


def _day(value: object) -> int | None:
    return value if type(value) is int and 0 <= value < _LAST_DAY else None


def _bar_of(lines: Iterable[Line]) -> Bar:
    bars = [line for line in lines if line.kind == "bar"]
    if len(bars) != 1 or bars[0].seq != 0:
        raise Tampered(f"bar: {len(bars)} lines; expected one, the first: a bar is fixed before anything is sampled")
    try:
        return msgspec.convert(bars[0].body, Bar)
    except msgspec.ValidationError as error:
        raise Tampered(f"line 1: {error}; expected a bar") from error


def _recorded(lines: Iterable[Line]) -> Mapping[str, Any]:
    """The body of the last verdict line; empty where there is none."""
    said = [line.body for line in lines if line.kind == "verdict"]
    return said[-1] if said else {}
