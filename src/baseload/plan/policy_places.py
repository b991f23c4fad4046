"""What a gateway can tell a workload's requests by: match conditions found in the ledger's own signatures.

The conditions are the fewest labels that single a workload out, and they are tried on every signature before they are
written: what the plan grouped by something a request does not carry cannot be routed, and is said.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from msgspec.structs import replace

from baseload.plan.policy import Entry, Match, WorkloadRef
from baseload.plan.policy_match import Matcher, RequestFacts, agent_of, facts_of, filed_under, matches, values_of
from baseload.project import WorkloadRule
from baseload.usage.buckets import NO_KEY, NO_WORKSPACE
from baseload.values import Problem, Table, Workload
from baseload.workloads.key import UNATTRIBUTED
from baseload.workloads.signature import Signature, signature_rows
from baseload.workloads.tags import named_by

MOST_VALUES: Final = 5_000
"""Of one condition: a workload with more templates or tool sets than this is not told by them."""

_LABELS: Final = (
    (),
    ("agent",),
    ("api_key",),
    ("workspace",),
    ("api_key", "agent"),
    ("workspace", "agent"),
    ("api_key", "workspace"),
    ("api_key", "workspace", "agent"),
)
_SHAPES: Final = ((), ("template_ids",), ("system_fp",), ("tools_fp",), ("tools_fp", "system_fp"))


def places(
    signatures: Table, workload_of: Mapping[str, Workload], rules: Sequence[WorkloadRule] = ()
) -> tuple[dict[str, Match], list[Problem]]:
    """Match conditions by workload id, and a problem for each workload that no condition singles out.

    `rules` are those of `baseload.toml`: a workload of a rule is told by the rule's own patterns, so that it also
    meets keys that are new tomorrow. Unattributed spend has no requests to match.
    """
    members: defaultdict[str, list[Signature]] = defaultdict(list)
    for row in signature_rows(signatures):
        workload = workload_of.get(row.signature, UNATTRIBUTED)
        if workload.id != UNATTRIBUTED.id:
            members[workload.id].append(row)
    of_rule = {rule.name: match for rule in rules if not rule.id and (match := _of_rule(rule)) is not None}
    workloads = {workload.id: workload for workload in workload_of.values()}
    asked = {id_: _requests(rows) for id_, rows in members.items()}
    crowd = _Crowd(asked)
    found = {
        id_: of_rule.get(workloads[id_].name) or _told_by(id_, asked[id_], crowd) or Match()
        for id_, rows in members.items()
        if rows
    }
    settled = _settled(found, asked)
    problems = [_problem(workloads[id_]) for id_ in sorted(settled) if settled[id_] == Match()]
    return settled, problems


class _Kind(NamedTuple):
    """One kind of request: all that a gateway would see of it."""

    row: Signature
    facts: RequestFacts


def _requests(rows: Sequence[Signature]) -> list[_Kind]:
    """The kinds of request rows stand for: those of calls, or what a report says where no call was seen."""
    calls = [row for row in rows if row.is_call]
    kinds: dict[Signature, _Kind] = {}
    for row in map(_without_none, calls or rows):
        seen = row._replace(signature="", source="", account="", request_features="", task_cues="", agent=agent_of(row))
        kinds.setdefault(seen, _Kind(row, facts_of(row)))
    return list(kinds.values())


def _without_none(row: Signature) -> Signature:
    return row._replace(
        api_key="" if row.api_key == NO_KEY else row.api_key,
        workspace="" if row.workspace == NO_WORKSPACE else row.workspace,
    )


def _of_rule(rule: WorkloadRule) -> Match | None:
    """A rule's own conditions; None where it asks for the source of a record, which no request carries."""
    if rule.source:
        return None
    one = {"api_key": rule.api_key, "workspace": rule.workspace, "agent": rule.agent, "template_ids": rule.template}
    return Match(tag=dict(rule.tag), **{name: (value,) for name, value in one.items() if value})


class _Crowd:
    """Every kind of request, filed by its values, to ask who else meets a condition."""

    def __init__(self, asked: Mapping[str, Sequence[_Kind]]) -> None:
        self._all = [(id_, kind.facts) for id_, kinds in asked.items() for kind in kinds]
        self._by_value: defaultdict[tuple[str, str], list[tuple[str, RequestFacts]]] = defaultdict(list)
        for one in self._all:
            for key in values_of(one[1]):
                self._by_value[key].append(one)

    def has_others(self, match: Match, own_id: str) -> bool:
        """Whether a request of another workload meets the conditions."""
        keys = filed_under(match)
        crowd = self._all if keys is None else (one for key in keys for one in self._by_value.get(key, ()))
        return any(id_ != own_id and matches(match, facts) for id_, facts in crowd)


def _told_by(id_: str, kinds: Sequence[_Kind], crowd: _Crowd) -> Match | None:
    """The first conditions that meet all requests of the workload and nobody else's; else the first that meet all of
    them, which then yield to whoever is told more closely."""
    candidates = list(_candidates([kind.row for kind in kinds]))
    alone = (match for match in candidates if not crowd.has_others(match, id_))
    return next(alone, candidates[0] if candidates else None)


def _candidates(rows: Sequence[Signature]) -> Iterator[Match]:
    """Conditions that all rows meet, the plainest first: a tag, then labels, then labels with the prompt's shape.

    A shape comes with a label wherever there is one, so that it outweighs the label alone, which may be all that
    the rest of the same caller's requests can be told by.
    """
    tag = _common_tag(rows)
    for shapes in _SHAPES:
        for labels in (*_LABELS[1:], ()) if shapes else _LABELS:
            for tags in (tag, {}) if tag else ({},):
                values = {name: _values(rows, name) for name in (*labels, *shapes)}
                if (tags or values) and all(values.values()):
                    yield Match(tag=tags, **values)


def _values(rows: Sequence[Signature], name: str) -> tuple[str, ...]:
    """The values rows have in one field; none where a row lacks it or there are too many."""
    said = {agent_of(row) if name == "agent" else getattr(row, _FIELD.get(name, name)) for row in rows}
    return () if "" in said or len(said) > MOST_VALUES else tuple(sorted(said))


_FIELD: Final = {"template_ids": "template_id"}


def _common_tag(rows: Sequence[Signature]) -> dict[str, str]:
    """The tags that name the workload or its owner, where all rows agree on them."""
    said = {(named.workload or named.owner) for row in rows for named in (named_by(row.tags),)}
    return dict(said.pop()) if len(said) == 1 else {}


def _settled(found: Mapping[str, Match], asked: Mapping[str, Sequence[_Kind]]) -> dict[str, Match]:
    """The conditions tried together on every request: who loses one to another is told more closely, once; who still
    takes others' requests, or does not meet its own, loses its conditions. What is left is right."""
    settled, closer = dict(found), set[str]()
    while True:
        losing, wrong = _wrong(settled, asked)
        first_time = {id_: takers for id_, takers in losing.items() if id_ not in closer}
        if not wrong:
            return settled
        if first_time:
            closer |= set(first_time)
            settled |= {
                id_: _closer(settled[id_], [settled[taker] for taker in takers], asked[id_])
                for id_, takers in first_time.items()
            }
        else:
            settled |= dict.fromkeys(wrong, Match())


def _wrong(settled: Mapping[str, Match], asked: Mapping[str, Sequence[_Kind]]) -> tuple[dict[str, set[str]], set[str]]:
    """(workload with conditions -> who takes its requests, workloads whose conditions are wrong)."""
    matcher = Matcher(Entry(workload=WorkloadRef(id=id_), match=match) for id_, match in settled.items())
    losing, wrong = defaultdict[str, set[str]](set), set()
    for id_, kinds in asked.items():
        for kind in kinds:
            claimed = matcher.entry(kind.facts)
            if claimed is None and settled[id_] != Match():
                wrong.add(id_)
            elif claimed is not None and claimed.workload.id != id_:
                wrong.add(claimed.workload.id)
                if settled[id_] != Match():
                    losing[id_].add(claimed.workload.id)
    return dict(losing), wrong


def _closer(match: Match, takers: Sequence[Match], kinds: Sequence[_Kind]) -> Match:
    """The same conditions, and the tag and labels that those who take the requests are told by."""
    rows = [kind.row for kind in kinds]
    asked_for = [name for name in ("agent", "api_key", "workspace") if any(getattr(taker, name) for taker in takers)]
    labels = {name: values for name in asked_for if (values := _values(rows, name))}
    tag = _common_tag(rows) if any(taker.tag for taker in takers) else {}
    return replace(match, tag=tag or match.tag, **labels)


def _problem(workload: Workload) -> Problem:
    return Problem(
        source="plan",
        file="",
        row=0,
        code="policy-no-match",
        message="No condition a gateway can check tells this workload's requests from others'; it is left alone.",
        value=workload.id,
        expected="a tag, key, agent, tool set or prompt of its own",
        next_step="Let its caller send a tag (for example workload), or name it with a rule in baseload.toml.",
    )
