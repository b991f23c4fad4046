"""From a `[[bar]]` of `baseload.toml` to its bar (`quality.trial.tables`) and the grader it names."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from baseload.errors import UsageError
from baseload.project_bars import (
    CodeTable,
    ExtractionTable,
    GraderTable,
    HumanTable,
    JudgeTable,
    LabelTable,
    ParsedTable,
    PluginTable,
    RoutingTable,
    SignalsTable,
    SqlTable,
    ToolCallTable,
)
from baseload.quality.bar import Tier
from baseload.quality.graders.code import CodeGrader
from baseload.quality.graders.extraction import ExtractionGrader
from baseload.quality.graders.fields import FieldRule
from baseload.quality.graders.grader import Grader, PairGrader
from baseload.quality.graders.human import HumanGrader, read_labels
from baseload.quality.graders.judge import RUBRIC, PairwiseJudge
from baseload.quality.graders.label import UtilityGrader
from baseload.quality.graders.parsed import ParsedGrader
from baseload.quality.graders.plugin import PluginGrader
from baseload.quality.graders.sandbox import Bounds
from baseload.quality.graders.schema import Schema
from baseload.quality.graders.signals import SignalGrader
from baseload.quality.graders.sql import SqlGrader
from baseload.quality.graders.tool_call import ToolCallGrader
from baseload.quality.trial.tables import (
    Approval,
    Ask,
    GraderFiles,
    approval_of,
    bar_of,
    bytes_of,
    files_of,
    json_of,
    kind_of,
    known_id,
    label_grader,
    labels_of,
    needs_truths,
    tier_of,
    truth_of_incumbent,
    truths_of,
)

__all__ = [
    "Approval", "Ask", "GraderFiles", "approval_of", "bar_of", "files_of", "grader_of", "kind_of", "known_id",
    "needs_truths", "tier_of", "truth_of_incumbent", "truths_of",
]  # fmt: skip

_MIB: Final = 1024 * 1024


def grader_of(spec: GraderTable, files: GraderFiles) -> Grader | PairGrader:
    """The grader a `[bar.grader]` describes. A plug-in is started by this: close it when done.

    Raises UsageError naming the field: a file that is not what it must be, a judge with nobody to ask.
    """
    try:
        return _made(spec, files)
    except UsageError as error:
        raise UsageError(f"grader {kind_of(spec)}: {error}") from error


def _made(spec: GraderTable, files: GraderFiles) -> Grader | PairGrader:
    tier = tier_of(spec)
    match spec:
        case LabelTable():
            return label_grader(spec, files)
        case RoutingTable():
            return UtilityGrader(table=spec.utility, labels=labels_of(spec), tier=tier)
        case ExtractionTable():
            return _extraction_grader(spec, files)
        case ParsedTable():
            return ParsedGrader(language=spec.language, tier=tier)
        case SqlTable():
            return _of_tier(SqlGrader(_text(spec.fixture, "fixture", files), bounds=_bounds(spec)), tier)
        case CodeTable():
            return CodeGrader(bounds=_bounds(spec), score=spec.score)
        case ToolCallTable():
            return ToolCallGrader(in_order=spec.in_order, tier=tier)
        case SignalsTable():
            return SignalGrader(shortest=spec.shortest, longest=spec.longest)
        case JudgeTable():
            return _judge(spec, files)
        case HumanTable():
            return _human(spec, files)
        case PluginTable():
            return PluginGrader(
                spec.function, folder=files.folder, tier=tier, version=spec.version, seconds=spec.seconds
            )


def _extraction_grader(spec: ExtractionTable, files: GraderFiles) -> Grader:
    schema = None
    if spec.schema:
        value = json_of(bytes_of(spec.schema, "schema", files))
        if not isinstance(value, dict):
            raise UsageError(f"schema: {spec.schema} is no JSON object; expected a JSON Schema")
        schema = Schema(value)
    rules = {
        path: FieldRule(**{name: getattr(rule, name) for name in FieldRule.__struct_fields__})
        for path, rule in spec.fields.items()
    }
    return _of_tier(ExtractionGrader(schema=schema, rules=rules, score=spec.score), tier_of(spec))


def _judge(spec: JudgeTable, files: GraderFiles) -> PairwiseJudge:
    if files.ask is None:
        raise UsageError(f"model: there is nobody to ask {spec.model[:60]}; expected an API key, or another grader")
    return PairwiseJudge(files.ask, model=spec.model, rubric=spec.question or RUBRIC)


def _human(spec: HumanTable, files: GraderFiles) -> HumanGrader:
    labels, problems = read_labels(bytes_of(spec.labels, "labels", files), spec.labels)
    if not labels.d:
        raise UsageError(f"labels: {spec.labels} has no label that counts ({len(problems)} rows with problems)")
    return HumanGrader(labels=labels, usd_per_label=Decimal(spec.usd_per_label))


def _of_tier(grader: ExtractionGrader | SqlGrader, tier: Tier) -> Grader:
    grader.tier = tier
    return grader


def _bounds(spec: SqlTable | CodeTable) -> Bounds:
    return Bounds(seconds=spec.seconds, memory_bytes=spec.memory_mb * _MIB, accept_weaker=spec.accept_weaker)


def _text(name: str, field: str, files: GraderFiles) -> str:
    try:
        return bytes_of(name, field, files).decode("utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"{field}: {name[:100]} is not UTF-8 text") from error
