"""Verdict documents (`.baseload/verdicts/*.json`, schema `baseload.verdict/1`): bytes in, verdicts and problems out."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from pathlib import PurePath
from typing import Final, Literal

import msgspec

from baseload.prices.book import PriceBook
from baseload.values import Problem, Verdict, VerdictState, iso_day

SCHEMA: Final = "baseload.verdict/1"
_MOST_BYTES: Final = 1 << 20
LEAST_RATIO, MOST_RATIO = Decimal("0.05"), Decimal(20)
"""An answer a twentieth as long, or twenty times as long, is another answer: no trial found that its quality holds."""
_ID: Final = re.compile(r"[0-9a-f]{64}")
_FAILED: Final = ("breaks", "not_shown", "invalid")
_FARTHEST_RATIO = Decimal(1_000_000)
"""Of a trial that failed: answers of another length are often why, and leaving its verdict out would unsay it."""
CLEARLY_BELOW: Final = "not shown; clearly below the bar"
_STRICTEST_FIRST: Final = ("breaks", "invalid", "not_shown", "holds", "assumed")

VerdictKey = tuple[str, str, str]
"""(workload id, model id, effort): what a verdict is about."""


class _Document(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    schema: Literal["baseload.verdict/1"]
    workload: str
    model: str
    effort: Literal["", "low", "medium", "high", "xhigh", "max"] = ""
    state: VerdictState
    grade: Literal["replayed", "simulated"] = "replayed"  # of documents that do not say
    verdict_id: str
    output_ratio_low: Decimal | None = None
    output_ratio_high: Decimal | None = None
    expires_day: int | None = None
    clearly_below: bool = False  # of documents that do not say


_DECODER = msgspec.json.Decoder(_Document)


def read_verdicts(
    documents: Mapping[str, bytes], book: PriceBook, day: int
) -> tuple[dict[VerdictKey, Verdict], list[Problem]]:
    """The verdicts that count on `day`, by what they are about. `documents` maps file names to their content.

    A document that cannot be read, names an unknown model or has expired is a problem and no verdict. Of two documents
    about the same thing the stricter one counts, and that is a problem where they disagree.
    """
    found: dict[VerdictKey, Verdict] = {}
    problems: list[Problem] = []
    for path, data in sorted(documents.items()):
        verdict = _read(path, data, book, day)
        if isinstance(verdict, Problem):
            problems.append(verdict)
            continue
        key = (verdict.workload, verdict.model, verdict.effort)
        other = found.get(key)
        if other is not None and other.state != verdict.state:
            problems.append(_conflict(path, verdict, other))
        found[key] = verdict if other is None else min(other, verdict, key=_strictness)
    return found, problems


def of_own_traffic(verdicts: Mapping[VerdictKey, Verdict]) -> dict[VerdictKey, Verdict]:
    """The verdicts as a plan of real dollars takes them: what a stand-in said rules nothing out, as it proves nothing.

    A simulated trial that did not hold counts as not tested, graded simulated; its lengths are those of no model.
    """
    return {key: _untested(one) if _against_stand_in(one) else one for key, one in verdicts.items()}


def _against_stand_in(verdict: Verdict) -> bool:
    return verdict.grade == "simulated" and verdict.state in ("breaks", "not_shown")


def _untested(verdict: Verdict) -> Verdict:
    return msgspec.structs.replace(
        verdict, state="assumed", clearly_below=False, output_ratio_low=None, output_ratio_high=None
    )


def without_record(verdict: Verdict) -> Verdict:
    """What counts of a verdict whose record is not here: what it would allow does not, what it rules out still does."""
    if verdict.state in _FAILED:
        return verdict
    return msgspec.structs.replace(_untested(verdict), grade="unverified")


def ruled_out(verdict: Verdict) -> str:
    """Why a trial takes its candidate out of every plan; "" = it does not."""
    if verdict.state == "breaks":
        return f"a trial found that quality breaks ({verdict.verdict_id})"
    if verdict.state == "not_shown" and verdict.clearly_below:
        return f"{CLEARLY_BELOW} ({verdict.verdict_id})"
    return ""


def unused_verdicts(verdicts: Collection[VerdictKey], workloads: Collection[str]) -> list[Problem]:
    """One problem for each verdict about a workload that this ledger does not have."""
    return [
        _problem(
            "", "verdict-unused", "A verdict is about a workload that is not here.", workload,
            "the id of a workload of this ledger", "Run `baseload rank` for the ids: grouping rules change them.",
        )
        for workload in sorted({workload for workload, _, _ in verdicts} - set(workloads))
    ]  # fmt: skip


def _read(path: str, data: bytes, book: PriceBook, day: int) -> Verdict | Problem:
    if len(data) > _MOST_BYTES:
        return _unreadable(path, f"{len(data)} bytes", f"at most {_MOST_BYTES} bytes")
    try:
        document = _DECODER.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return _unreadable(path, type(error).__name__, _first_line(error))
    fault = _fault(document)
    if fault:
        return _other_answer(path, fault) if _is_other_answer(document) else _unreadable(path, *fault)
    model = book.resolve(document.model)
    if not model:
        expected = "a model id or a known alias"
        return _problem(
            path, "verdict-model", "A verdict names a model the price book does not know.", document.model, expected,
            "Add the model with `baseload prices add`, or map its name in baseload.toml (model_alias).",
        )  # fmt: skip
    if document.expires_day is not None and document.expires_day <= day:
        return _expired(path, document)
    given = {name: getattr(document, name) for name in Verdict.__struct_fields__}
    return Verdict(**(given | {"model": model}))


def _fault(document: _Document) -> tuple[str, str] | None:
    """(value, expected) of the first thing wrong in a document that has the right shape."""
    if not document.workload or not document.verdict_id:
        return "an empty id", "workload and verdict_id, both not empty"
    if not _ID.fullmatch(document.verdict_id):
        return "a verdict_id that is no hash", "the 64 hexadecimal digits a record ends with, as verdict_id"
    ratios = [one for one in (document.output_ratio_low, document.output_ratio_high) if one is not None]
    least, most = (1 / _FARTHEST_RATIO, _FARTHEST_RATIO) if document.state in _FAILED else (LEAST_RATIO, MOST_RATIO)
    if any(not one.is_finite() or not least <= one <= most for one in ratios):
        return _ratios_text(ratios), f"output ratios from {least:f} to {most:f}"
    if len(ratios) == 1 or (len(ratios) == 2 and ratios[0] > ratios[1]):
        return _ratios_text(ratios), "output_ratio_low <= output_ratio_high, both or neither"
    if document.clearly_below and document.state != "not_shown":
        return f"clearly_below at {document.state}", "clearly_below of not_shown alone"
    if document.expires_day is not None and not 0 <= document.expires_day < 1_000_000:
        return "expires_day", "a UTC day since 1970-01-01"
    return None


def _is_other_answer(document: _Document) -> bool:
    """Whether all that is wrong is that a trial held with answers of another length."""
    low, high = document.output_ratio_low, document.output_ratio_high
    if document.state in _FAILED or low is None or high is None or not (low.is_finite() and high.is_finite()):
        return False
    return 1 / _FARTHEST_RATIO <= low <= high <= _FARTHEST_RATIO


def _other_answer(path: str, fault: tuple[str, str]) -> Problem:
    return _problem(
        path, "verdict-unreadable",
        "A trial held with answers of another length: another answer, so it counts as not tested.", *fault,
        "Nothing to run: the trial gives the same again. Read its pairs with `baseload trial show`: a grader "
        "that passes answers of another length needs mending, or the move another prompt or effort; then try anew.",
    )  # fmt: skip


def _ratios_text(ratios: Sequence[Decimal]) -> str:
    return "output_ratio " + " to ".join(str(one)[:20] for one in ratios)


def _expired(path: str, document: _Document) -> Problem:
    return _problem(
        path, "verdict-expired", "A verdict has expired: its candidate counts as not tested.",
        iso_day(document.expires_day or 0), "a verdict that is still good on the day of the plan",
        "Run the trial again.",
    )  # fmt: skip


def _conflict(path: str, verdict: Verdict, other: Verdict) -> Problem:
    strict = min(other, verdict, key=_strictness)
    return _problem(
        path, "verdict-conflict", f"Two verdicts about one candidate disagree: {strict.state}, the stricter, counts.",
        f"{other.state}, {verdict.state}", "one verdict for each workload, model and effort",
        "Remove the verdict that no longer holds.",
    )  # fmt: skip


def _strictness(verdict: Verdict) -> tuple[int, str]:
    return _STRICTEST_FIRST.index(verdict.state), verdict.verdict_id


def _unreadable(path: str, value: str, expected: str) -> Problem:
    return _problem(
        path, "verdict-unreadable", "A verdict document cannot be read; its candidate counts as not tested.",
        value, expected, f"Write it again with the trial that made it, or remove it (schema {SCHEMA}).",
    )  # fmt: skip


def _problem(path: str, code: str, message: str, value: str, expected: str, next_step: str) -> Problem:
    return Problem(
        source="verdicts", file=PurePath(path).name, row=0, code=code, message=message, value=value[:60],
        expected=expected, next_step=next_step,
    )  # fmt: skip


def _first_line(error: Exception) -> str:
    """What msgspec expected, which names fields and types and never a value."""
    return str(error).split("\n", 1)[0][:120]
