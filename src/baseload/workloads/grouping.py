"""Signatures -> workloads: the whole cascade, and why each group is one (docs/concepts-workloads.md)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from baseload.project import OwnerRule, WorkloadRule
from baseload.values import Problem, Table, Workload
from baseload.workloads.alike import Member
from baseload.workloads.cascade import base_key
from baseload.workloads.joining import joined_bills
from baseload.workloads.key import UNATTRIBUTED, Key
from baseload.workloads.latency import Arrivals, arrivals_by_signature, judge
from baseload.workloads.naming import distinct, is_opaque, readable
from baseload.workloads.neighbours import families
from baseload.workloads.owners import main_owner
from baseload.workloads.rules import TASKS, is_usable, latency_by_rule, rule_problems, unmet_problem
from baseload.workloads.shape import Shape, hours_by_signature, shapes_by_signature, total_shape
from baseload.workloads.signature import Signature, signature_rows
from baseload.workloads.splitting import split
from baseload.workloads.task import Verdict, classify


class _Facts(NamedTuple):
    """What is known per signature, beside its labels."""

    spend_nano: Mapping[str, int]
    shapes: Mapping[str, Shape]
    hours: Mapping[str, Counter[int]]
    arrivals: Mapping[str, Arrivals]


def group(
    signatures: Table,
    spend_nano: Mapping[str, int],
    shapes: Table,
    rules: Sequence[WorkloadRule],
    owners: Sequence[OwnerRule],
    *,
    hours: Table | None = None,
    arrivals: Table | None = None,
    pauses: Table | None = None,
    prefixes: Mapping[str, str] | None = None,
) -> tuple[dict[str, Workload], list[Problem]]:
    """Signature -> its workload, for every signature of the table, and what is wrong with the user's rules.

    `shapes` and `hours` are rows of the ledger's queries of those names, `arrivals` and `pauses` of
    `latency.arrivals_sql` and `pauses_sql`, `prefixes` template id -> leading blocks of one prompt
    (`neighbours.template_prefixes_sql`); what comes after the `*` only adds evidence. Aggregate rows without any
    label are UNATTRIBUTED. Ids do not depend on spend or on other rows; whether a small part stands apart from its
    owner does (`splitting.MIN_SHARE`).
    """
    rows = list(signature_rows(signatures))
    facts = _Facts(
        spend_nano, shapes_by_signature(shapes), hours_by_signature(hours), arrivals_by_signature(arrivals, pauses)
    )
    keys = _keys(rows, rules, facts, _first_starts(shapes), prefixes or {})
    members: defaultdict[str, list[Signature]] = defaultdict(list)
    for row in rows:
        if row.signature in keys:
            members[keys[row.signature].id].append(row)
    key_of = {key.id: key for key in keys.values()}
    whole = {id_: _describe(key_of[id_], group_rows, facts, owners) for id_, group_rows in members.items()}
    named = _named(whole, key_of)
    ruled, problems = _apply_rules(named, rules)
    found = {row.signature: ruled[keys[row.signature].id] if row.signature in keys else UNATTRIBUTED for row in rows}
    return found, [*rule_problems(rules), *problems]


def _keys(
    rows: Sequence[Signature],
    rules: Sequence[WorkloadRule],
    facts: _Facts,
    first_starts: Mapping[str, int],
    prefixes: Mapping[str, str],
) -> dict[str, Key]:
    bases, members = _base_groups(rows, rules, facts)
    pinned = {rule.id for rule in rules if rule.id}
    found: dict[str, Key] = {}
    for id_, base in bases.items():
        found.update(split(base, _members(members[id_], facts, first_starts, prefixes), pinned))
    return found


def _base_groups(
    rows: Sequence[Signature], rules: Sequence[WorkloadRule], facts: _Facts
) -> tuple[dict[str, Key], dict[str, list[Signature]]]:
    """Keys of the first half of the cascade by id, and the rows of each; rows without any label are in none."""
    bases: dict[str, Key] = {}
    members: defaultdict[str, list[Signature]] = defaultdict(list)
    for row in rows:
        key = base_key(row, rules)
        if key is not None:
            bases.setdefault(key.id, key)
            members[key.id].append(row)
    for owner_id, base_id in joined_bills(bases, members, facts.spend_nano).items():
        members[base_id] += members.pop(owner_id)
        del bases[owner_id]
    return bases, members


def _members(
    rows: Sequence[Signature], facts: _Facts, first_starts: Mapping[str, int], prefixes: Mapping[str, str]
) -> list[Member]:
    """Members of one base group; near-duplicates are looked for inside it alone, so that others cannot change it."""
    born: dict[str, int] = {}
    for row in rows:
        if row.template_id in prefixes and row.signature in first_starts:
            start = first_starts[row.signature]
            born[row.template_id] = min(start, born.get(row.template_id, start))
    leader_of = families({template: prefixes[template] for template in born}, born)
    found = []
    for row in rows:
        shape = facts.shapes.get(row.signature, Shape())
        found.append(
            Member(
                row=row,
                spend_nano=facts.spend_nano.get(row.signature, 0),
                calls=shape.calls,
                family=leader_of.get(row.template_id, row.template_id),
                prompt_tokens=shape.prompt_tokens,
                output_tokens=shape.output_tokens,
                first_start_us=first_starts.get(row.signature, 0),
            )
        )
    return found


def _first_starts(shapes: Table) -> dict[str, int]:
    if "first_start_us" not in shapes:
        return {}
    pairs = zip(shapes["signature"].tolist(), shapes["first_start_us"].tolist(), strict=True)
    return {signature: int(start) for signature, start in pairs if start is not None}


def _describe(key: Key, rows: Sequence[Signature], facts: _Facts, owners: Sequence[OwnerRule]) -> Workload:
    """The workload of a key, with everything but its final name and the user's settings."""
    signatures = [row.signature for row in rows]
    shape = total_shape(facts.shapes, signatures)
    features = tuple(sorted({name for row in rows for name in row.request_features.split(",") if name}))
    verdict = _task(key, rows, shape, facts, features)
    latency, latency_evidence = judge(
        shape,
        sum((facts.hours[s] for s in signatures if s in facts.hours), Counter()),
        sum((facts.arrivals[s] for s in signatures if s in facts.arrivals), Arrivals()),
        is_coding_agent=all(row.is_coding_agent for row in rows),
        names=(key.name,),
    )
    owner, cost_center = main_owner(rows, facts.spend_nano, owners)
    return Workload(
        id=key.id,
        name=key.name,
        stage=key.stage,
        why=key.why,
        owner=owner,
        cost_center=cost_center,
        task=verdict.task,
        task_confidence=verdict.confidence,
        task_evidence=verdict.evidence,
        latency=latency,
        latency_evidence=latency_evidence,
        request_features=features,
    )


def _task(key: Key, rows: Sequence[Signature], shape: Shape, facts: _Facts, features: tuple[str, ...]) -> Verdict:
    cues: Counter[str] = Counter()
    for row in rows:
        if row.is_call and row.signature in facts.shapes:
            cues[row.task_cues] += facts.shapes[row.signature].calls
    is_coding_agent = all(row.is_coding_agent for row in rows)
    return classify(shape, cues, names=(key.name,), is_coding_agent=is_coding_agent, features=features)


def _named(whole: Mapping[str, Workload], key_of: Mapping[str, Key]) -> dict[str, Workload]:
    """Workloads under their readable names, each its own."""
    split_bases = {key_of[id_].base_id for id_ in whole if key_of[id_].base_id}
    wanted = {id_: _name(one, key_of[id_], is_rest=id_ in split_bases) for id_, one in whole.items()}
    names = distinct(wanted)
    return {id_: replace(workload, name=names[id_]) for id_, workload in whole.items()}


def _name(workload: Workload, key: Key, *, is_rest: bool) -> str:
    """A part is named by its project or task, what a split leaves is "other", a key that is only an id by its task."""
    kind, value = key.parts[-1]
    task = "" if workload.task == "unknown" else workload.task
    if key.base_id:
        return f"{workload.name}/{readable(value) if kind == 'project' else task or 'prompt'}"
    if is_rest:
        return f"{workload.name}/other"
    return (
        f"{task}-{workload.name}" if task and kind in ("api_key", "workspace") and is_opaque(value) else workload.name
    )


def _apply_rules(
    workloads: Mapping[str, Workload], rules: Sequence[WorkloadRule]
) -> tuple[dict[str, Workload], list[Problem]]:
    """Workloads with what the user settled about them, and a problem for each usable rule that met no call."""
    found, problems = dict(workloads), []
    by_name = {workload.name: id_ for id_, workload in workloads.items() if workload.stage == "rule"}
    for row, rule in enumerate(rules, start=1):
        id_ = rule.id or by_name.get(rule.name, "")
        if id_ in found:
            found[id_] = _settled(found[id_], rule)
        elif is_usable(rule):
            problems.append(unmet_problem(row, rule))
    return found, problems


def _settled(workload: Workload, rule: WorkloadRule) -> Workload:
    changes: dict[str, object] = {}
    if rule.id:
        changes["name"] = rule.name
    if rule.owner:
        changes |= {"owner": rule.owner, "cost_center": rule.cost_center}
    if rule.task in TASKS:
        changes |= {"task": rule.task, "task_confidence": 1.0, "task_evidence": "Set in baseload.toml."}
    latency, evidence = latency_by_rule(rule)
    if latency:
        changes |= {"latency": latency, "latency_evidence": evidence}
    return replace(workload, **changes)
