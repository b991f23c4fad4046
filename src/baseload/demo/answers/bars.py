"""The bars of the demo company, the trials it runs, and what those have to find."""

from __future__ import annotations

from decimal import Decimal
from typing import Final, Literal, NamedTuple

import msgspec

from baseload.demo.answers.cases import QUEUES
from baseload.demo.answers.skills import planted_difference
from baseload.demo.company import Service
from baseload.demo.truth import QualityTruth

INCUMBENT: Final = "claude-opus-4-8"
TRUTHS: Final = "truths"
SCHEMAS: Final = "schemas"
APPROVED_ON: Final = "2026-11-19"

Planted = Literal["holds", "breaks", "not_shown"]


class Try(NamedTuple):
    """One candidate, and what is planted about it."""

    model: str
    state: Planted


class DemoBar(msgspec.Struct, frozen=True, kw_only=True):
    """One `[[bar]]` of the demo's project. `grader` are the lines of its table but for the file of truths."""

    service: str
    grader: tuple[str, ...]
    margin: float
    budget_usd: Decimal
    tries: tuple[Try, ...]
    approved_by: str
    comment: str
    most_calls: int | None = None
    cost_per_error_usd: Decimal | None = None
    critical: bool = False

    @property
    def truths(self) -> str:
        """Path of the true answers, from the project's folder."""
        return f"{TRUTHS}/{self.service}.jsonl"


BARS: Final = (
    DemoBar(
        service="support-triage",
        grader=('kind = "label"', 'field = "category"', f"labels = {msgspec.json.encode(list(QUEUES)).decode()}"),
        margin=0.02,
        budget_usd=Decimal(25),
        tries=(Try("claude-haiku-5-5", "holds"),),
        approved_by="Head of Customer Support",
        comment="Two more of a hundred in the wrong queue would not be felt.",
        cost_per_error_usd=Decimal("0.40"),
    ),
    DemoBar(
        service="contract-extraction",
        grader=('kind = "extraction"', f'schema = "{SCHEMAS}/contract-extraction.json"', 'score = "all"'),
        margin=0.05,
        budget_usd=Decimal(250),
        tries=(Try("claude-haiku-5-5", "breaks"), Try("claude-sonnet-5-5", "holds")),
        approved_by="General Counsel",
        comment="Five more of a hundred with a wrong term: each contract is read again before it is signed.",
    ),
    DemoBar(
        service="address-enrichment",
        grader=('kind = "parsed"', 'language = "json"'),
        margin=0.02,
        budget_usd=Decimal(10),
        tries=(Try("claude-haiku-5-5", "not_shown"),),
        approved_by="Head of Fulfilment",
        comment="A wrong house number is a parcel that comes back.",
        most_calls=200,
    ),
)


def quality_truths() -> tuple[QualityTruth, ...]:
    """What is planted, trial by trial."""
    return tuple(
        QualityTruth(
            service=bar.service,
            candidate=one.model,
            incumbent=INCUMBENT,
            difference=planted_difference(bar.service, one.model, INCUMBENT),
            margin=bar.margin,
            state=one.state,
        )
        for bar in BARS
        for one in bar.tries
    )


def bar_of(service: Service) -> DemoBar | None:
    """The bar of a workload; None where nobody set one."""
    return next((bar for bar in BARS if bar.service == service.name), None)
