"""The decisions only a person can make, ranked by the dollars that wait for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from baseload.project import Project, WorkloadRule
from baseload.project_bars import BarTable
from baseload.workloads.key import UNATTRIBUTED
from baseload.workloads.rules import bar_of_workload

SMALL_SHARE = 0.01
"""Workloads under this share of the spend are asked about together: nobody answers forty questions."""
UNREAD_SHARE = 0.01
"""Unknown models on this share of the rows or more come first: what they cost is unknown because of them."""


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """One workload as a decision sees it: list nano-dollars in the window, and the highest saving by lever there."""

    id: str
    name: str
    stage: str
    list_nano: int
    share: float
    owner: str = ""
    task: str = "unknown"
    latency: str = "unknown"
    latency_evidence: str = ""
    saving_nano: Mapping[str, int] = {}  # lever -> highest saving of its best candidate


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """What the map says of the whole."""

    subjects: tuple[Subject, ...]  # dearest first, unattributed included
    list_nano: int
    rows: int = 0
    unpriced_rows: int = 0
    unknown_models: tuple[str, ...] = ()  # as logged
    months: Mapping[str, int] = {}  # complete months YYYY-MM -> list nano-dollars
    bill_known: bool = False  # some source states what was billed

    @property
    def unowned_nano(self) -> int:
        """List nano-dollars of workloads without an owner, unattributed spend included."""
        return sum(subject.list_nano for subject in self.subjects if not subject.owner)


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """One question for a person.

    `blocks_nano`: list dollars of the window that cannot move a step before it is answered; None where they are
    unknown because of the question itself. `saving_nano`: the most it could save there, None where no lever waits.
    """

    kind: str  # model | price_overlay | invoice | unattributed | owner | deadline | bar | data_use
    subject: str  # workload id, "" when it is about the whole
    subject_name: str
    question: str
    why: str
    how: str  # what to write in baseload.toml, or what to do
    blocks_nano: int | None
    saving_nano: int | None = None


class _Ask(NamedTuple):
    """One kind of question about a workload."""

    kind: str
    lever: str  # whose saving waits, "" for none
    is_open: Callable[[Subject, WorkloadRule | None, BarTable | None], bool]
    question: str
    why: str
    how: str


_ASKS = (
    _Ask(
        "owner", "", lambda subject, _rule, _bar: not subject.owner,
        "Who owns {name}?",
        "Nobody can agree to a change of it, and its cost is nobody's.",
        'owner = "…" in its [[workload]], or a line in the owners CSV',
    ),
    _Ask(
        "deadline", "batch",
        lambda subject, rule, _: not (rule and rule.deadline) and subject.latency != "interactive",
        "How long may a result of {name} take?",
        "Work that can wait an hour or a night costs half in a batch. {evidence}",
        'deadline = "24h" (or latency = "interactive") in its [[workload]]',
    ),
    _Ask(
        "bar", "route", lambda _subject, _rule, bar: bar is None,
        "How good must {name} be?",
        "Without a bar no cheaper model can be said to be good enough: how an answer is graded, what loss is allowed.",
        '[[bar]] with workload = "{id}", a grader and budget_usd; `baseload init -o -` writes one to fill in',
    ),
    _Ask(
        "data_use", "route", lambda _subject, rule, _bar: not (rule and rule.data_use),
        "May prompts of {name} be replayed in a trial?",
        "A trial sends recorded prompts to other models; somebody must be allowed to say yes.",
        'data_use = "same_platform", "batch_allowed" or "none" in its [[workload]]',
    ),
)  # fmt: skip


def decisions(usage: Usage, project: Project) -> list[Decision]:
    """Every open question, most blocked dollars first; equal dollars by saving, then in the order of the kinds.

    Questions whose dollars are unknown come first when unknown models hold a real share of the rows, else last.
    """
    found = [
        *_of_models(usage),
        *_of_prices(usage, project),
        *_of_invoices(usage, project),
        *_of_workloads(usage, project),
    ]
    unread_first = usage.unpriced_rows >= UNREAD_SHARE * max(usage.rows, 1)

    def order(decision: Decision) -> tuple[int, int, int]:
        if decision.blocks_nano is None:
            return (0 if unread_first else 2), 0, 0
        return 1, -decision.blocks_nano, -(decision.saving_nano or 0)

    return sorted(found, key=order)


def rule_of(subject_id: str, name: str, project: Project) -> WorkloadRule | None:
    """The [[workload]] table that settles a workload: by its id, else by its name."""
    rules = project.workload
    by_id = next((rule for rule in rules if rule.id == subject_id), None)
    return by_id or next((rule for rule in rules if not rule.id and rule.name == name), None)


def _of_models(usage: Usage) -> Iterator[Decision]:
    for model in usage.unknown_models:
        yield Decision(
            kind="model",
            subject="",
            subject_name=model,
            question=f"Which model is {model}?",
            why="Rows of an unknown model are not priced, so their dollars are missing from every figure.",
            how=f'{_quoted(model)} = "claude-…" under [model_alias], or `baseload prices add` for a new model',
            blocks_nano=None,
        )  # fmt: skip


def _of_prices(usage: Usage, project: Project) -> Iterator[Decision]:
    if usage.bill_known or project.price_overlay or not usage.list_nano:
        return
    yield Decision(
        kind="price_overlay",
        subject="",
        subject_name="prices",
        question="Do you pay list price?",
        why="No source states the bill, so every figure is list price; a negotiated discount lowers all of them.",
        how='price_overlay = "prices.yaml" (docs/reference/project.md), or bring a cost report',
        blocks_nano=usage.list_nano,
    )


def _of_invoices(usage: Usage, project: Project) -> Iterator[Decision]:
    have = {invoice.month for invoice in project.invoice}
    missing = {month: nano for month, nano in sorted(usage.months.items()) if month not in have and nano}
    if not missing:
        return
    named = ", ".join(missing) if len(missing) <= 3 else f"{min(missing)} to {max(missing)} ({len(missing)} months)"
    yield Decision(
        kind="invoice",
        subject="",
        subject_name=named,
        question=f"What was the invoice of {named}?",
        why="Without invoices nothing shows that this usage is the whole bill: the headline says not reconciled.",
        how="one [[invoice]] for each month: amount, tax, credits, seats",
        blocks_nano=sum(missing.values()),
    )


def _of_workloads(usage: Usage, project: Project) -> Iterator[Decision]:
    named = [subject for subject in usage.subjects if subject.id != UNATTRIBUTED.id]
    for subject in usage.subjects:
        if subject.id == UNATTRIBUTED.id and subject.list_nano:
            yield _unattributed(subject)
    for ask in _ASKS:
        waiting = [
            subject
            for subject in named
            if subject.list_nano
            and (not ask.lever or subject.saving_nano.get(ask.lever, 0) > 0)
            and ask.is_open(
                subject,
                rule_of(subject.id, subject.name, project),
                bar_of_workload(subject.id, subject.name, project.bar),
            )
        ]
        yield from (_asked(ask, subject) for subject in waiting if subject.share >= SMALL_SHARE)
        small = [subject for subject in waiting if subject.share < SMALL_SHARE]
        if small:
            yield _asked_together(ask, small)


def _unattributed(subject: Subject) -> Decision:
    return Decision(
        kind="unattributed",
        subject=subject.id,
        subject_name=subject.name,
        question="Whose is the spend that no key, tag or call explains?",
        why="It can be neither ranked nor routed, cached or batched before somebody says what it is.",
        how="give each application its own key, and bring the report grouped by key (see the readiness table)",
        blocks_nano=subject.list_nano,
    )


def _asked(ask: _Ask, subject: Subject) -> Decision:
    return Decision(
        kind=ask.kind,
        subject=subject.id,
        subject_name=subject.name,
        question=ask.question.format(name=subject.name),
        why=ask.why.format(evidence=subject.latency_evidence).strip(),
        how=ask.how.replace("{id}", subject.id),
        blocks_nano=subject.list_nano,
        saving_nano=subject.saving_nano.get(ask.lever) if ask.lever else None,
    )


def _asked_together(ask: _Ask, small: Sequence[Subject]) -> Decision:
    name = small[0].name if len(small) == 1 else f"{len(small)} small workloads"
    return Decision(
        kind=ask.kind,
        subject=small[0].id if len(small) == 1 else "",
        subject_name=name,
        question=ask.question.format(name=name),
        why=ask.why.format(evidence="").strip(),
        how=ask.how.replace("{id}", small[0].id if len(small) == 1 else "…"),
        blocks_nano=sum(subject.list_nano for subject in small),
        saving_nano=sum(subject.saving_nano.get(ask.lever, 0) for subject in small) if ask.lever else None,
    )


def _quoted(text: str) -> str:
    return msgspec.json.encode(text).decode()
