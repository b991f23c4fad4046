"""The text of a commented `baseload.toml`: what is settled, and a blank line to fill for what only people know."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from baseload.project import Invoice, OwnerRule, Project, WorkloadRule
from baseload.values import decimal_usd
from baseload.workloads.decisions import Subject, Usage, rule_of
from baseload.workloads.key import UNATTRIBUTED
from baseload.workloads.rules import bar_of_workload
from baseload.workloads.toml_text import table_lines, value_text

COVERED_PERCENT = 80
"""`init` asks about as many workloads as hold this share of the spend, no more."""

_GRADER_BY_TASK: Final = {
    "classification": ('kind = "label"', 'truth = "truth.jsonl"  # {"call": id, "truth": label} a line'),
    "routing": ('kind = "label"', 'truth = "truth.jsonl"  # {"call": id, "truth": label} a line'),
    "extraction": ('kind = "extraction"', 'truth = "truth.jsonl"  # {"call": id, "truth": record} a line'),
    "formatting": ('kind = "parsed"', 'language = "json"', 'truth = "truth.jsonl"  # {"call": id, "truth": text}'),
    "codegen": ('kind = "code"', 'truth = "tests.jsonl"  # {"call": id, "truth": tests} a line'),
    "agentic": ('kind = "tool_call"', 'truth = "incumbent"  # a screen; right calls in a file show quality'),
}
_JUDGED: Final = ('kind = "judge"', 'model = "claude-…"  # neither the candidate nor the model of today')
"""The grader that suits a task; anything else is judged."""

_RULE_FIELDS = (
    "id", "api_key", "workspace", "agent", "template", "source", "tag", "owner", "cost_center", "task", "latency",
    "deadline", "bar", "data_use",
)  # fmt: skip


def render_project(project: Project, usage: Usage) -> str:
    """TOML that `parse_project` reads back as `project` plus one [[workload]] for each found one that matters.

    Everything already settled is kept as it is; what is missing stands as a comment with an example. Workloads that
    together hold 80 % of the spend get a table, unowned spend is listed in full.
    """
    blocks = (
        _head(project),
        _model_aliases(project, usage),
        _invoices(project, usage),
        _owners(project, usage),
        _workloads(project, usage),
        _settings(project),
    )
    return "\n".join(line for block in blocks for line in (*block, ""))


def covered(usage: Usage, percent: int = COVERED_PERCENT) -> list[Subject]:
    """The dearest workloads that together hold `percent` of the spend; all named ones where they hold less."""
    running, found = 0, []
    for subject in usage.subjects:
        if running * 100 >= percent * usage.list_nano:
            break
        if subject.id != UNATTRIBUTED.id and subject.list_nano > 0:
            found.append(subject)
            running += subject.list_nano
    return found


def _head(project: Project) -> Iterator[str]:
    yield "# What only your company knows about its Claude usage. Every key: docs/reference/project.md."
    yield "# Lines that begin with # are examples or open questions: remove the # and fill them in."
    yield f"schema = {project.schema}"
    yield from _given_or_example("name", project.name, "Example Ltd", "as it should stand on reports")
    yield from _given_or_example("account", project.account, "org-main", "which organisation or cloud account this is")
    yield from _given_or_example("price_overlay", project.price_overlay, "prices.yaml", "your negotiated prices")
    yield from _given_or_example("owner_csv", project.owner_csv, "owners.csv", "key,owner,cost_center")
    if project.zero_data_retention:
        yield "zero_data_retention = true"


def _model_aliases(project: Project, usage: Usage) -> Iterator[str]:
    yield "# Names your logs use for models: inference-profile ARNs, gateway names."
    yield "[model_alias]"
    for raw, model in project.model_alias.items():
        yield f"{value_text(raw)} = {value_text(model)}"
    for raw in usage.unknown_models:
        if raw not in project.model_alias:
            named = _comment(value_text(raw))
            yield f'# {named} = "claude-…"  # seen in the usage, not priced until you say what it is'
    if project.key_name:
        yield from ("", "# Keys and workspaces as the Console calls them.", "[key_name]")
        yield from (f"{value_text(key)} = {value_text(name)}" for key, name in project.key_name.items())


def _invoices(project: Project, usage: Usage) -> Iterator[str]:
    yield "# One [[invoice]] per month and channel: the report opens with the bridge from it to the ledger."
    for invoice in project.invoice:
        yield from _table("invoice", _invoice_fields(invoice))
    have = {invoice.month for invoice in project.invoice}
    for month, nano in sorted(usage.months.items()):
        if month not in have:
            yield f"# [[invoice]]  # the list price of {month} is {_dollars(nano)}"
            yield from (f'# month = "{month}"', '# amount = "…"  # total to pay, tax included', '# tax = "…"')


def _owners(project: Project, usage: Usage) -> Iterator[str]:
    yield "# Who pays: the first [[owner]] whose conditions all hold; * ends a prefix. A CSV (owner_csv) does the same."
    for owner in project.owner:
        yield from _table("owner", _owner_fields(owner))
    yield from ("# [[owner]]", '# owner = "Search team"', '# cost_center = "CC-100"', '# api_key = "search-*"')
    unowned = [subject for subject in usage.subjects if not subject.owner and subject.list_nano > 0]
    if unowned:
        total = sum(subject.list_nano for subject in unowned)
        yield f"# Nobody owns {_dollars(total)} of {_dollars(usage.list_nano)}:"
        yield from (f"#   {_dollars(subject.list_nano):>16}  {_comment(subject.name)}" for subject in unowned)


def _workloads(project: Project, usage: Usage) -> Iterator[str]:
    subjects = covered(usage)
    held = sum(subject.list_nano for subject in subjects)
    share = held / usage.list_nano if usage.list_nano else 0.0
    yield f"# {len(subjects)} workloads hold {share:.0%} of the list price of this usage. For each one:"
    yield "#   owner, cost_center   who decides about it"
    yield '#   deadline             how long a result may take: "15m", "4h", "24h"; an hour or more allows batches'
    yield '#   latency              "interactive" where somebody waits, else "tolerant"'
    yield '#   data_use             may its prompts be sent again: "same_platform", "batch_allowed" or "none"'
    yield "#   [[bar]]              how good it must be on a cheaper model, how that is graded, what a trial may spend"
    yield "# Give your own name; keep the id: it binds these settings to the workload."
    by_rule = {id(rule): subject for subject in usage.subjects if (rule := rule_of(subject.id, subject.name, project))}
    for rule in project.workload:  # in their order: the first rule that matches a call wins
        yield from _workload(by_rule.get(id(rule)), rule, usage)
    for subject in subjects:
        if rule_of(subject.id, subject.name, project) is None:
            yield from _workload(subject, WorkloadRule(name=subject.name, id=subject.id), usage)
        if bar_of_workload(subject.id, subject.name, project.bar) is None:
            yield from _open_bar(subject)


def _open_bar(subject: Subject) -> Iterator[str]:
    """A bar to fill in, commented out."""
    yield from ("", f"# [[bar]]  # of {_comment(subject.name)}", f"# workload = {value_text(subject.id)}")
    yield from ('# budget_usd = "25.00"  # the most a trial may spend', "# margin = 0.02  # loss of mean score allowed")
    yield "# [bar.grader]"
    yield from (f"# {line}" for line in _GRADER_BY_TASK.get(subject.task, _JUDGED))


def _settings(project: Project) -> Iterator[str]:
    """Everything else that is settled, as it stands."""
    for bar in project.bar:
        yield from ("", *table_lines("bar", bar, listed=True))
    plain = Project()
    for name in ("vault", "limits", "plan", "commitment", "commit"):
        value = getattr(project, name)
        if value is not None and value != getattr(plain, name):
            yield from ("", *table_lines(name, value))


def _workload(subject: Subject | None, rule: WorkloadRule, usage: Usage) -> Iterator[str]:
    yield ""
    if subject is None:
        yield "# no call of it in this usage"
        yield from _table("workload", _rule_fields(rule))
        return
    share = subject.list_nano / usage.list_nano if usage.list_nano else 0.0
    yield f"# {_dollars(subject.list_nano)}, {share:.1%} of the list price"
    yield f"# task: {subject.task}; latency: {subject.latency}. {_comment(subject.latency_evidence)}".rstrip()
    yield from _table("workload", _rule_fields(rule))
    yield from _open_questions(subject, rule)


def _open_questions(subject: Subject, rule: WorkloadRule) -> Iterator[str]:
    if not (rule.owner or subject.owner):
        yield from ('# owner = "…"', '# cost_center = "…"')
    elif not rule.owner:
        yield f"# its owner by the rules above: {_comment(subject.owner)}"
    if not rule.deadline and subject.latency != "interactive":
        yield '# deadline = "24h"'
    if not rule.latency and not rule.deadline:
        yield f'# latency = "{"interactive" if subject.latency == "interactive" else "tolerant"}"'
    if not rule.data_use:
        yield '# data_use = "same_platform"'


def _table(kind: str, fields: Sequence[tuple[str, str]]) -> Iterator[str]:
    yield f"[[{kind}]]"
    yield from (f"{name} = {value}" for name, value in fields)


def _invoice_fields(invoice: Invoice) -> list[tuple[str, str]]:
    plain = Invoice(month=invoice.month, amount=invoice.amount)
    names = ("month", "amount", "currency", "channel", "tax", "credits", "seats", "overage", "account")
    return _given(invoice, plain, names, always=("month", "amount"))


def _owner_fields(owner: OwnerRule) -> list[tuple[str, str]]:
    names = ("owner", "cost_center", "api_key", "workspace", "agent", "tag")
    return _given(owner, OwnerRule(owner=""), names, always=("owner",))


def _rule_fields(rule: WorkloadRule) -> list[tuple[str, str]]:
    return _given(rule, WorkloadRule(name=""), ("name", *_RULE_FIELDS), always=("name",))


def _given(
    record: msgspec.Struct, plain: msgspec.Struct, names: Sequence[str], *, always: Sequence[str]
) -> list[tuple[str, str]]:
    """Fields of a record that differ from a plain one, as TOML."""
    values = [(name, getattr(record, name)) for name in names]
    return [(name, value_text(value)) for name, value in values if name in always or value != getattr(plain, name)]


def _given_or_example(name: str, value: str, example: str, meaning: str) -> Iterator[str]:
    yield f"{name} = {value_text(value)}" if value else f'# {name} = "{example}"  # {meaning}'


def _comment(text: str) -> str:
    """Text that cannot end a comment: what is not printable becomes a blank."""
    return "".join(char if char.isprintable() else " " for char in text)


def _dollars(nano: int) -> str:
    """Whole cents with thousands separators, for a reader of the file."""
    return f"${decimal_usd(nano):,.2f}"
