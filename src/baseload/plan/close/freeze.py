"""A closed month stays as it was closed: its seal, and what computing it again says.

The hash is SHA-256 of canonical JSON: UTF-8, keys sorted, no spaces, numbers of at most four decimals. It is taken of
the file as it was written, so that a later version with more fields can still check it, and anybody can compute it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from baseload.plan.close.document import (
    SCHEMA,
    Check,
    CloseDocument,
    Figures,
    RestatedWorkload,
    RestatementPart,
    Seal,
)
from baseload.values import nano_from_usd, usd_text

_AMOUNT = re.compile(r"-?\d{1,18}\.\d{1,9}")
_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])"), "a month, YYYY-MM"
_DAY = re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"), "a day, YYYY-MM-DD"
_TEXTS = {"month": _MONTH, "against": _MONTH, "fiscal_year_start": _DAY, "fiscal_year_end_exclusive": _DAY}
FAMILY = SCHEMA.partition("/")[0] + "/"


def digest(value: Any) -> str:
    """SHA-256 of a value's canonical JSON."""
    return hashlib.sha256(msgspec.json.encode(value, order="sorted")).hexdigest()


class Frozen(NamedTuple):
    """A frozen month as it was read, and whether it is as it was sealed."""

    document: CloseDocument
    intact: bool


def sealed(document: CloseDocument, frozen_on: str, before: CloseDocument | None) -> CloseDocument:
    """The document as a frozen month, the next revision of the one before it."""
    seal = Seal(
        revision=before.seal.revision + 1 if before and before.seal else 1,
        frozen_on=frozen_on,
        previous_sha256=before.seal.sha256 if before and before.seal else "",
    )
    kept = msgspec.structs.replace(document, state="frozen", seal=seal, check=None, restatements=(), problems=())
    return msgspec.structs.replace(kept, seal=msgspec.structs.replace(seal, sha256=hash_of(msgspec.to_builtins(kept))))


def hash_of(content: Mapping[str, Any]) -> str:
    """What the seal's hash must be: of the document's JSON object, whatever version wrote it."""
    seal = {name: value for name, value in content["seal"].items() if name != "sha256"}
    return digest({name: content[name] for name in ("schema", "figures", "inputs")} | {"seal": seal})


def frozen_bytes(document: CloseDocument) -> bytes:
    """A frozen month's file: indented JSON with a final newline."""
    return msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n"


def read_frozen(data: bytes) -> Frozen:
    """A frozen month from its file. Raises msgspec.DecodeError (or its child ValidationError) on anything else."""
    try:
        document = msgspec.json.decode(data, type=CloseDocument)
        content = msgspec.json.decode(data)
        intact = document.seal is not None and document.seal.sha256 == hash_of(content)
    except (KeyError, UnicodeDecodeError, RecursionError) as error:
        raise msgspec.DecodeError(f"{type(error).__name__} in its JSON") from error
    for field, text, expected in _odd_texts(content["figures"], "figures"):
        raise msgspec.DecodeError(f"{field} is {text[:40]!r}; expected {expected}")
    return Frozen(document, intact)


def _odd_texts(value: Any, field: str) -> Iterator[tuple[str, str, str]]:
    """(field, text, what it must be) of amounts, days and months that are none, whatever hash stands over them."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield from _odd_texts(part, f"{field}.{name}")
    elif isinstance(value, list):
        for place, part in enumerate(value):
            yield from _odd_texts(part, f"{field}[{place}]")
    elif isinstance(value, str):
        name = field.rpartition(".")[2]
        pattern, expected = _TEXTS.get(name, (None, ""))
        if name == "usd" or name.endswith("_usd"):
            pattern, expected = _AMOUNT, "an amount such as 12.00"
        if pattern is not None and not pattern.fullmatch(value):
            yield field, value, expected


def checked(held: Frozen, now: CloseDocument) -> tuple[Check, RestatementPart | None]:
    """A frozen month against the same month computed from today's data."""
    frozen = held.document
    seal = frozen.seal or Seal(revision=0, frozen_on="", previous_sha256="")
    if not held.intact:
        why = "the frozen file was changed after it was sealed: its hash does not fit its figures"
        return Check(status="damaged", why=why, revision=seal.revision, sha256=seal.sha256), None
    if _lasting(frozen.figures) == _lasting(now.figures):
        why = "computed again from today's data, with the same result"
        if frozen.figures != now.figures:
            why += "; only the forecast would be another, because earlier months of its year changed"
        return Check(status="verified", why=why, revision=seal.revision, sha256=seal.sha256), None
    part = restatement(frozen, now.figures, now)
    why = f"today's data give other figures; changed: {', '.join(part.changed)}"
    return Check(status="restated", why=why, revision=seal.revision, sha256=seal.sha256), part


def _lasting(figures: Figures) -> Figures:
    """The figures without the forecast: it was made with what was known then, of other months too."""
    return msgspec.structs.replace(figures, forecast=None)


def restatement(frozen: CloseDocument, figures: Figures, now: CloseDocument) -> RestatementPart:
    """What moved between a frozen month and the same month as `figures` have it, workload by workload."""
    was = {move.id: move for move in frozen.figures.workloads}
    here = {move.id: move for move in figures.workloads}
    rows = []
    for name in sorted({*was, *here}):
        first = nano_from_usd(was[name].to_usd) if name in was else 0
        last = nano_from_usd(here[name].to_usd) if name in here else 0
        if first != last:
            rows.append(_row(name, (here.get(name) or was[name]).name, first, last))
    rows.sort(key=lambda row: (-abs(nano_from_usd(row.difference_usd)), row.id))
    first, last = nano_from_usd(frozen.figures.to_usd), nano_from_usd(figures.to_usd)
    inside = sum(nano_from_usd(row.difference_usd) for row in rows)
    return RestatementPart(
        month=figures.month,
        frozen_usd=usd_text(first),
        now_usd=usd_text(last),
        difference_usd=usd_text(last - first),
        other_usd=usd_text(last - first - inside),
        workloads=tuple(rows),
        changed=tuple(_changed(frozen, now, moved=bool(rows))),
    )


def _row(name: str, label: str, first: int, last: int) -> RestatedWorkload:
    return RestatedWorkload(
        id=name, name=label, frozen_usd=usd_text(first), now_usd=usd_text(last), difference_usd=usd_text(last - first)
    )


def _changed(frozen: CloseDocument, now: CloseDocument, *, moved: bool) -> Iterable[str]:
    """Which inputs are others; "workloads" where the same data were grouped anew, "other" where nothing else is."""
    was, is_now = frozen.inputs, now.inputs
    found = [
        name
        for name in ("data", "prices", "invoices", "plan")
        if getattr(was, f"{name}_sha256") != getattr(is_now, f"{name}_sha256")
    ]
    if was.program != is_now.program:
        found.append("program")
    if moved and "data" not in found and "prices" not in found:
        found.append("workloads")
    return found or ["earlier months"]
