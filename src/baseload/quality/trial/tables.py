"""From a `[[bar]]` table of `baseload.toml` to the bar that is frozen, and the truths and files its grader needs."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from baseload.errors import UsageError
from baseload.project_bars import (
    INCUMBENT,
    BarTable,
    ExtractionTable,
    GraderTable,
    HumanTable,
    JudgeTable,
    LabelTable,
    PluginTable,
    RoutingTable,
    SignalsTable,
    SqlTable,
    ToolCallTable,
)
from baseload.quality.bar import Bar, Tier
from baseload.quality.graders.answers import Answer, json_in, unfenced
from baseload.quality.graders.judge import Prompt, Reply
from baseload.quality.graders.label import LabelGrader, Labels, recall_weights
from baseload.usage.normal import call_id
from baseload.values import Problem

SOURCE: Final = "truths"
Ask = Callable[[Prompt], Reply]


class GraderFiles(msgspec.Struct, frozen=True, kw_only=True):
    """What a grader is made of besides its table: read by the shell, so that nothing here touches a disk.

    `contents` maps a path as the table writes it to its bytes: all of `files_of`. `folder` is the project's, where
    plug-ins are imported from. `ask` puts a question to the judge's model; None = there is nobody to ask.
    """

    folder: Path
    contents: Mapping[str, bytes] = {}
    ask: Ask | None = None


class Approval(NamedTuple):
    """Who signed a bar, on which day, and why."""

    who: str
    on: dt.date
    comment: str


def files_of(spec: GraderTable) -> tuple[str, ...]:
    """The files a grader needs, as its table names them."""
    named = [getattr(spec, name, "") for name in ("truth", "schema", "fixture")]
    if isinstance(spec, HumanTable):
        named.append(spec.labels)
    return tuple(dict.fromkeys(name for name in named if name and name != INCUMBENT))


def kind_of(spec: GraderTable) -> str:
    """Which grader: "label", "extraction", "judge" and so on."""
    return str(type(spec).__struct_config__.tag)


def tier_of(spec: GraderTable) -> Tier:
    """On what its scores rest: the incumbent's own answers as truth make any grader a screen."""
    if isinstance(spec, PluginTable):
        return "same_as_incumbent" if spec.truth == INCUMBENT else spec.tier
    if isinstance(spec, (JudgeTable, HumanTable)):
        return "adjudicated"
    return "same_as_incumbent" if isinstance(spec, SignalsTable) or spec.truth == INCUMBENT else "truth"


def bar_of(table: BarTable, workload: str, files: GraderFiles) -> Bar:
    """The bar that is frozen and hashed, for the workload of this id.

    Its `grader` names the kind and a hash of the grader's table and files, so that another schema, fixture or file of
    truths is another bar; what people label after the replay is not part of it. With `macro_recall` the margin is
    brought from points of recall to points of the mean score. Raises UsageError on values that do not fit together.
    """
    spec, points = table.grader, table.margin
    if isinstance(spec, LabelTable) and spec.macro_recall:
        plain = _bar(table, workload, "", points)
        points = plain.points / label_grader(spec, files).scale
    return _bar(table, workload, named(spec, files), points)


def named(spec: GraderTable, files: GraderFiles) -> str:
    """A grader as a bar freezes it: its kind, and a hash of its table and files."""
    return f"{kind_of(spec)} {_digest(spec, files)}"


def approval_of(table: BarTable) -> Approval | None:
    """Who signed it; None where nobody has."""
    return Approval(table.approved_by, table.approved_on, table.comment) if table.approved_on else None


def truths_of(spec: GraderTable, files: GraderFiles) -> tuple[dict[str, Any], list[Problem]]:
    """Call id -> the reference its answers are graded against, from the grader's file of truths.

    Rows are JSON lines {"call": the provider's msg_… id or the ledger's call_id, "truth": …}. A row that cannot be
    read is a Problem; of two about one call neither counts where they differ. Empty where the incumbent's answer is
    the truth, and for graders without one.
    """
    name = _truth(spec)
    if not name or name == INCUMBENT:
        return {}, []
    found: dict[str, Any] = {}
    differing: set[str] = set()
    problems: list[Problem] = []
    for row, line in enumerate(bytes_of(name, "truth", files).splitlines(), start=1):
        if not line.strip():
            continue
        record = json_of(line)
        if not isinstance(record, dict) or not isinstance(record.get("call"), str) or "truth" not in record:
            problems.append(_problem(name, row, "bad-truth", '{"call": id, "truth": …}'))
            continue
        call = known_id(record["call"])
        if call in found and found[call] != record["truth"]:
            differing.add(call)
            problems.append(_problem(name, row, "truth-twice", "one truth for each call"))
        found.setdefault(call, record["truth"])
    return {call: truth for call, truth in found.items() if call not in differing}, problems


def needs_truths(spec: GraderTable) -> bool:
    """Whether only calls of `truths_of` can be graded."""
    return _truth(spec) not in ("", INCUMBENT)


def truth_of_incumbent(spec: GraderTable, answer: Answer) -> Any:
    """The incumbent's recorded answer in the form the grader takes for a truth. Raises Unparsable where it is none."""
    if isinstance(spec, (LabelTable, RoutingTable)):
        return labels_of(spec).of(answer)
    if isinstance(spec, ExtractionTable):
        return json_in(answer.text)
    if isinstance(spec, ToolCallTable):
        return [{"name": one.name, "input": one.input} for one in answer.tool_calls]
    return unfenced(answer.text) if isinstance(spec, SqlTable) else answer.text


def known_id(text: str) -> str:
    """The ledger's id of a call named by either id."""
    is_ours = len(text) == 32 and all(char in "0123456789abcdef" for char in text)
    return text if is_ours else call_id(message_id=text)


def label_grader(spec: LabelTable, files: GraderFiles) -> LabelGrader:
    weights: dict[str, float] = {}
    if spec.macro_recall:
        if spec.truth == INCUMBENT:
            raise UsageError("macro_recall: expected a file of truths: weights of classes are taken from them")
        truths = [truth for truth in truths_of(spec, files)[0].values() if isinstance(truth, str)]
        if not truths:
            raise UsageError(f"macro_recall: {spec.truth} has no label; expected one for every call")
        weights = recall_weights(truths)
    return LabelGrader(labels=labels_of(spec), weights=weights, tier=tier_of(spec))


def labels_of(spec: LabelTable | RoutingTable) -> Labels:
    return Labels(known=spec.labels, aliases=spec.aliases, field=spec.field)


def _truth(spec: GraderTable) -> str:
    return str(getattr(spec, "truth", ""))


def _bar(table: BarTable, workload: str, grader: str, margin: float | None) -> Bar:
    return Bar(
        workload=workload,
        grader=grader,
        margin=margin,
        alpha=table.alpha,
        power=table.power,
        critical=table.critical,
        guards=table.guards,
        budget_usd=Decimal(table.budget_usd),
        most_calls=table.most_calls,
        tier_required=table.tier_required,
        not_replayable_most=table.not_replayable_most,
        expires_days=table.expires_days,
        cost_per_error_usd=Decimal(table.cost_per_error_usd) if table.cost_per_error_usd else None,
    )


def _digest(spec: GraderTable, files: GraderFiles) -> str:
    """16 hex digits of the table and of every file that is fixed before the replay."""
    frozen = [name for name in files_of(spec) if not isinstance(spec, HumanTable)]
    hashes = [[name, hashlib.sha256(bytes_of(name, "file", files)).hexdigest()] for name in frozen]
    return hashlib.sha256(msgspec.json.encode([spec, hashes], order="sorted")).hexdigest()[:16]


def bytes_of(name: str, field: str, files: GraderFiles) -> bytes:
    if name not in files.contents:
        raise UsageError(f"{field}: {name[:100]} was not read; expected a file of the project folder")
    return files.contents[name]


def json_of(data: bytes) -> Any:
    """The value, or None where it is none."""
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


def _problem(file: str, row: int, code: str, expected: str) -> Problem:
    return Problem(
        source=SOURCE, file=file, row=row, code=code, message="The truth of a call is not used", expected=expected,
        next_step="Mend the row; a trial samples only calls whose truth is known.",
    )  # fmt: skip
