"""The `[[bar]]` tables of `baseload.toml`: how good a workload must be, how that is graded, what finding out may cost.

Plain fields only: `quality.trial.bars` makes the bar and the grader of them. Paths are relative to the project folder.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal, InvalidOperation
from typing import Annotated, Final, Literal

import msgspec

MOST_BARS: Final = 1_000
MOST_USD: Final = Decimal(10) ** 9
INCUMBENT: Final = "incumbent"
"""As `truth`: the incumbent's own recorded answer. Agreement with it is a screen, and graded as one."""

FilePath = Annotated[str, msgspec.Meta(min_length=1, max_length=1_000)]
Truth = FilePath
"""A JSONL file of {"call": id, "truth": …}, or the word "incumbent"."""
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Share = Annotated[float, msgspec.Meta(gt=0, lt=1)]
Seconds = Annotated[float, msgspec.Meta(gt=0, le=600)]
Megabytes = Annotated[int, msgspec.Meta(ge=16, le=65_536)]


class LabelTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="label"):
    """The right class scores 1. `labels` () = any text is one; `macro_recall` weighs every class alike."""

    truth: Truth
    labels: tuple[Name, ...] = ()
    aliases: dict[str, str] = msgspec.field(default_factory=dict)
    field: str = ""  # of a JSON object; "" = the text itself
    macro_recall: bool = False


class RoutingTable(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="routing"
):
    """What sending a call of the true kind to the stated place is worth: `utility` is truth -> stated -> worth."""

    truth: Truth
    utility: dict[str, dict[str, float]]
    labels: tuple[Name, ...] = ()
    aliases: dict[str, str] = msgspec.field(default_factory=dict)
    field: str = ""


class FieldTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the values at one path of a record are compared."""

    kind: Literal["auto", "number", "date", "text", "exact", "ordered"] = "auto"
    tolerance: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    relative: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    similarity: Annotated[float, msgspec.Meta(gt=0, le=1)] = 1.0
    critical: bool = False


class ExtractionTable(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="extraction"
):
    """A JSON record, by its schema and then field by field."""

    truth: Truth
    schema: str = ""  # path of a JSON Schema; "" = any record
    score: Literal["f1", "all"] = "f1"
    fields: dict[str, FieldTable] = msgspec.field(default_factory=dict)


class ParsedTable(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="parsed"
):
    """The same once parsed."""

    truth: Truth
    language: Literal["json", "xml", "python", "text"]


class SqlTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="sql"):
    """The same rows as the right query on a fixture database, which the SQL of `fixture` fills."""

    truth: Truth
    fixture: FilePath
    seconds: Seconds = 10.0
    memory_mb: Megabytes = 1024
    accept_weaker: bool = False


class CodeTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="code"):
    """Python that passes its tests; `truth` holds the tests of each call."""

    truth: Truth
    score: Literal["all", "share"] = "all"
    seconds: Seconds = 10.0
    memory_mb: Megabytes = 1024
    accept_weaker: bool = False

    def __post_init__(self) -> None:
        if self.truth == INCUMBENT:
            raise ValueError('truth is "incumbent"; expected a file of tests: an answer is no test of another')


class ToolCallTable(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="tool_call"
):
    """Exactly the right tool calls."""

    truth: Truth
    in_order: bool = False


class SignalsTable(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="signals"
):
    """No bad sign. Lengths are multiples of the incumbent's answer; None = no bound."""

    shortest: Annotated[float, msgspec.Meta(gt=0)] | None = None
    longest: Annotated[float, msgspec.Meta(gt=0)] | None = None


class JudgeTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="judge"):
    """A model as judge. `question` "" = the one that is built in."""

    model: Name
    question: Annotated[str, msgspec.Meta(max_length=4_000)] = ""


class HumanTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="human"):
    """What people said, from a file of theirs."""

    labels: FilePath
    usd_per_label: str = "0"

    def __post_init__(self) -> None:
        _check_usd("usd_per_label", self.usd_per_label)


class PluginTable(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="plugin"
):
    """A function of the company's own, "module:function" in the project folder. `tier`: what its score rests on."""

    function: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$", max_length=200)]
    truth: str = ""  # "" = it needs none
    tier: Literal["truth", "adjudicated", "same_as_incumbent"] = "truth"
    version: Name = "1"
    seconds: Seconds = 30.0


GraderTable = (
    LabelTable
    | RoutingTable
    | ExtractionTable
    | ParsedTable
    | SqlTable
    | CodeTable
    | ToolCallTable
    | SignalsTable
    | JudgeTable
    | HumanTable
    | PluginTable
)
"""One `[bar.grader]`; `kind` says which."""
GRADER_TABLES: Final[tuple[type[msgspec.Struct], ...]] = (
    LabelTable, RoutingTable, ExtractionTable, ParsedTable, SqlTable, CodeTable, ToolCallTable, SignalsTable,
    JudgeTable, HumanTable, PluginTable,
)  # fmt: skip


class BarTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How good one workload, named by id or name, must be on a cheaper model; defaults are those of `quality.bar.Bar`.

    None = the default of its kind (margin 0.02, alpha 0.05; half of each where `critical`). `approved_by` "" = nobody
    has signed it. `redact` replays both arms with typed placeholders in place of personal data.
    """

    workload: Name
    grader: GraderTable
    budget_usd: str
    margin: Share | None = None
    alpha: Share | None = None
    power: Annotated[float, msgspec.Meta(ge=0.5, lt=1)] = 0.9
    critical: bool = False
    guards: tuple[Name, ...] = ()
    most_calls: Annotated[int, msgspec.Meta(ge=1)] | None = None
    tier_required: Literal["truth", "adjudicated", "same_as_incumbent"] = "same_as_incumbent"
    not_replayable_most: Annotated[float, msgspec.Meta(ge=0, lt=1)] = 0.05
    expires_days: Annotated[int, msgspec.Meta(ge=1, le=3_660)] = 90
    cost_per_error_usd: str = ""  # "" = nobody said
    redact: bool = False
    held_back_days: Annotated[int, msgspec.Meta(ge=0, le=365)] = 0  # newest days kept out of the sample
    approved_by: Annotated[str, msgspec.Meta(max_length=200)] = ""
    approved_on: dt.date | None = None
    comment: Annotated[str, msgspec.Meta(max_length=2_000)] = ""

    def __post_init__(self) -> None:
        _check_usd("budget_usd", self.budget_usd, above_zero=True)
        _check_usd("cost_per_error_usd", self.cost_per_error_usd or "0")
        if bool(self.approved_by) != (self.approved_on is not None):
            raise ValueError("approved_by and approved_on: expected both or neither; an approval has a name and a day")


class VaultSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where recorded bodies are kept, and how many. "" = the default place; paths are relative to the project."""

    path: Annotated[str, msgspec.Meta(max_length=1_000)] = ""
    max_days: Annotated[int, msgspec.Meta(ge=1, le=3_660)] = 30
    max_mb: Annotated[int, msgspec.Meta(ge=1, le=1_048_576)] = 1024
    key_file: Annotated[str, msgspec.Meta(max_length=1_000)] = ""


def _check_usd(field: str, value: str, *, above_zero: bool = False) -> None:
    try:
        amount = Decimal(value)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or not 0 <= amount <= MOST_USD or (above_zero and not amount):
        least = "above 0" if above_zero else "0 or more"
        raise ValueError(f'{field} is {value[:60]!r}; expected dollars {least} as a decimal string, such as "25.00"')
