"""Who owns the spend: owner rules, a CSV of keys and teams, and the dollars nobody has claimed."""

from __future__ import annotations

import csv
import io
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from baseload.project import OwnerRule, Project
from baseload.values import Problem, Table
from baseload.workloads.rules import matches
from baseload.workloads.signature import Signature, signature_rows

_COLUMNS = {
    "api_key": ("key", "api_key", "apikey", "api_key_id", "api_key_name", "key_name", "key_id"),
    "workspace": ("workspace", "workspace_id", "workspace_name"),
    "agent": ("agent", "agent_name"),
    "owner": ("owner", "team", "owner_name", "team_name"),
    "cost_center": ("cost_center", "cost_centre", "costcenter", "costcentre", "cc"),
}
_MATCHES = ("api_key", "workspace", "agent")
_SECRET = re.compile(r"sk-\S{12,}|AKIA[0-9A-Z]{16}")
_FORMULA_HEADS = ("=", "+", "@", "\t")
_MAX_BYTES = 16_000_000


class OwnerSpend(msgspec.Struct, frozen=True, kw_only=True):
    """List nano-dollars of one owner; the owner "" is spend that nobody has claimed."""

    owner: str
    cost_center: str
    list_nano: int


def owner_of(row: Signature, rules: Sequence[OwnerRule]) -> tuple[str, str]:
    """(owner, cost centre) by the first rule whose conditions all hold; ("", "") when none does."""
    return next(((rule.owner, rule.cost_center) for rule in rules if matches(rule, row)), ("", ""))


def main_owner(rows: Sequence[Signature], spend_nano: Mapping[str, int], rules: Sequence[OwnerRule]) -> tuple[str, str]:
    """The owner of most of some signatures' spend; ("", "") where most is nobody's. Ties go by name."""
    total: defaultdict[tuple[str, str], int] = defaultdict(int)
    for row in rows:
        total[owner_of(row, rules)] += spend_nano.get(row.signature, 0)
    return max(total, key=lambda owner: (total[owner], owner), default=("", ""))


def owner_spend(signatures: Table, spend_nano: Mapping[str, int], rules: Sequence[OwnerRule]) -> list[OwnerSpend]:
    """Spend of each owner, exact by signature and dearest first; signatures the table lacks are nobody's."""
    total: defaultdict[tuple[str, str], int] = defaultdict(int)
    owners = {row.signature: owner_of(row, rules) for row in signature_rows(signatures)}
    for signature, nano in spend_nano.items():
        total[owners.get(signature, ("", ""))] += nano
    ranked = sorted(total.items(), key=lambda item: (-item[1], item[0]))
    return [OwnerSpend(owner=owner, cost_center=center, list_nano=nano) for (owner, center), nano in ranked]


def read_owner_csv(data: bytes, file: str) -> tuple[list[OwnerRule], list[Problem]]:
    """Owner rules of a CSV with a header: `key,owner[,cost_center]`; also workspace and agent columns.

    Columns are found by name in any order, separated by comma, semicolon or tab; UTF-8 with or without BOM. A row that
    cannot be used is one problem: no owner, nothing to match, a secret instead of a key's name, a spreadsheet formula,
    a key that another row gives to someone else (the first row wins).
    """
    try:
        text = data[:_MAX_BYTES].decode("utf-8-sig")
    except UnicodeDecodeError:
        return [], [_problem(file, 0, "owner-csv-encoding", "The owners file is not UTF-8.", "Save it as CSV UTF-8.")]
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    try:
        header = _header(next(lines, []))
        if not header.keys() & set(_MATCHES) or "owner" not in header:
            step = "Name the columns key,owner,cost_center in the first row."
            return [], [_problem(file, 1, "owner-csv-header", "The owners file lacks a key or an owner column.", step)]
        found = list(_rules(file, lines, header))
    except csv.Error:
        return [], [
            _problem(file, lines.line_num, "owner-csv-quotes", "A quoted field never ends.", "Close its quote.")
        ]
    rules = [record for record in found if isinstance(record, OwnerRule)]
    return rules, [record for record in found if isinstance(record, Problem)]


def with_owner_csv(project: Project, data: bytes, file: str) -> tuple[Project, list[Problem]]:
    """The project with the owners of its CSV behind its own [[owner]] rules, which therefore win."""
    rules, problems = read_owner_csv(data, file)
    return msgspec.structs.replace(project, owner=(*project.owner, *rules)), problems


def _delimiter(text: str) -> str:
    head = text.partition("\n")[0]
    return max(",;\t", key=head.count)


def _header(cells: Sequence[str]) -> dict[str, int]:
    names = ["_".join(cell.strip().casefold().replace("-", " ").split()) for cell in cells]
    found = {}
    for field, spellings in _COLUMNS.items():
        place = next((names.index(spelling) for spelling in spellings if spelling in names), None)
        if place is not None:
            found[field] = place
    return found


def _rules(file: str, lines: Iterator[Sequence[str]], header: Mapping[str, int]) -> Iterator[OwnerRule | Problem]:
    taken: dict[tuple[str, ...], OwnerRule] = {}
    for row, cells in enumerate(lines, start=2):
        if not any(cell.strip() for cell in cells):
            continue
        values = {field: cells[place].strip() if place < len(cells) else "" for field, place in header.items()}
        bad = _unusable(file, row, values)
        if bad is not None:
            yield bad
            continue
        key = tuple(values.get(field, "").casefold() for field in _MATCHES)
        rule = OwnerRule(
            owner=values["owner"],
            cost_center=values.get("cost_center", ""),
            api_key=values.get("api_key", ""),
            workspace=values.get("workspace", ""),
            agent=values.get("agent", ""),
        )
        if key not in taken:
            taken[key] = rule
            yield rule
        elif (rule.owner, rule.cost_center) != (taken[key].owner, taken[key].cost_center):
            yield _problem(
                file, row, "owner-csv-twice", "A key has two owners; the first one is kept.", "Drop one row."
            )


def _unusable(file: str, row: int, values: Mapping[str, str]) -> Problem | None:
    if any(_SECRET.search(value) for value in values.values()):
        step = "Use the key's name or id, and rotate the key: a secret must not lie in a file."
        return _problem(file, row, "owner-csv-secret", "A row holds an API key itself; it is not shown.", step)
    if any(value.startswith(_FORMULA_HEADS) for value in values.values()):
        return _problem(
            file, row, "owner-csv-formula", "A cell begins like a spreadsheet formula.", "Write plain text."
        )
    if not values["owner"]:
        return _problem(file, row, "owner-csv-no-owner", "A row names no owner.", "Give the owner or drop the row.")
    if not any(values.get(field) for field in _MATCHES):
        return _problem(file, row, "owner-csv-no-key", "A row names no key.", "Give the key or drop the row.")
    return None


def _problem(file: str, row: int, code: str, message: str, step: str) -> Problem:
    return Problem(
        source="owners",
        file=file,
        row=row,
        code=code,
        message=message,
        expected="key,owner[,cost_center]",
        next_step=step,
    )
