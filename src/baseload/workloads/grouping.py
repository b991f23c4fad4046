"""Signatures -> workloads: the whole cascade, and why each group is one (docs/concepts-workloads.md)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from baseload.project import OwnerRule, WorkloadRule
from baseload.values import Problem, Table, Workload
from baseload.workloads.cascade import base_key
from baseload.workloads.facts import Facts, starts
from baseload.workloads.joining import joined_bills
from baseload.workloads.key import UNATTRIBUTED, Key
from baseload.workloads.latency import arrivals_by_signature, judge
from baseload.workloads.naming import distinct, is_opaque, readable
from baseload.workloads.owners import main_owner
from baseload.workloads.rules import TASKS, is_usable, latency_by_rule, rule_problems, unmet_problem
from baseload.workloads.shape import Shape, hours_by_signature, shapes_by_signature, total_shape
from baseload.workloads.signature import Signature, signature_rows
from baseload.workloads.splitting import split
from baseload.workloads.task import Verdict, classify


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
    key_names: Mapping[str, str] | None = None,
) -> tuple[dict[str, Workload], list[Problem]]:
    """Signature -> its workload, for every signature of the table, and what is wrong with the user's rules.

    `shapes` and `hours` are rows of the ledger's queries of those names, `arrivals` and `pauses` of
    `latency.arrivals_sql` and `pauses_sql`, `prefixes` template id -> leading blocks of one prompt
    (`neighbours.template_prefixes_sql`), `key_names` api key or workspace id -> its name in the Console; what comes
    after the `*` only adds evidence and names. Aggregate rows without any label are UNATTRIBUTED. Ids do not depend on
    spend or on other rows; whether a small part stands apart from its owner does (`splitting.MIN_SHARE_PERCENT`).
    """
    rows = list(signature_rows(signatures))
    facts = Facts(
        spend_nano=spend_nano,
        shapes=shapes_by_signature(shapes),
        hours=hours_by_signature(hours),
        arrivals=arrivals_by_signature(arrivals, pauses),
        first_us=starts(shapes, "first_start_us"),
        last_us=starts(shapes, "last_start_us"),
        prefixes=prefixes or {},
    )
    keys = _keys(rows, rules, facts, key_names or {})
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
    rows: Sequence[Signature], rules: Sequence[WorkloadRule], facts: Facts, key_names: Mapping[str, str]
) -> dict[str, Key]:
    bases, members = _base_groups(rows, rules, facts, key_names)
    pinned = {rule.id for rule in rules if rule.id}
    found: dict[str, Key] = {}
    for id_, base in bases.items():
        found.update(split(base, facts.members(members[id_]), pinned))
    return found


def _base_groups(
    rows: Sequence[Signature], rules: Sequence[WorkloadRule], facts: Facts, key_names: Mapping[str, str]
) -> tuple[dict[str, Key], dict[str, list[Signature]]]:
    """Keys of the first half of the cascade by id, and the rows of each; rows without any label are in none."""
    bases: dict[str, Key] = {}
    members: defaultdict[str, list[Signature]] = defaultdict(list)
    for row in rows:
        key = base_key(row, rules)
        if key is not None:
            bases.setdefault(key.id, _with_known_name(key, key_names))
            members[key.id].append(row)
    for owner_id, base_id in joined_bills(bases, members, facts.spend_nano).items():
        members[base_id] += members.pop(owner_id)
        del bases[owner_id]
    return bases, members


def _with_known_name(key: Key, key_names: Mapping[str, str]) -> Key:
    """The key under the name its owner gave it in the Console; its id stays that of the label itself."""
    kind, value = key.parts[-1]
    if kind not in ("api_key", "workspace") or value not in key_names:
        return key
    name = readable(key_names[value], kind)
    return key._replace(name=name, why=key.why.replace(key.name, name))


def _describe(key: Key, rows: Sequence[Signature], facts: Facts, owners: Sequence[OwnerRule]) -> Workload:
    """The workload of a key, with everything but its final name and the user's settings."""
    signatures = [row.signature for row in rows]
    shape = total_shape(facts.shapes, signatures)
    features = tuple(sorted({name for row in rows for name in row.request_features.split(",") if name}))
    verdict = _task(key, rows, shape, facts, features)
    latency, latency_evidence = judge(
        shape,
        facts.hours_of(signatures),
        facts.arrivals_of(signatures),
        span_days=facts.span_days(signatures),
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


def _task(key: Key, rows: Sequence[Signature], shape: Shape, facts: Facts, features: tuple[str, ...]) -> Verdict:
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
    unknown = kind in ("api_key", "workspace") and is_opaque(value) and key.name == readable(value, kind)
    return f"{task}-{workload.name}" if task and unknown else workload.name


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
