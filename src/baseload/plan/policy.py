"""The policy: what the plan decided, entry by entry, in the shape the gateway consumes (docs/reference/policy.md).

A policy decides; it holds no state. Canary stage, share, alarms and rollbacks live in the state store, keyed by
(workload, `policy_id`), and override the file (design.md section 5).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections.abc import Iterator
from typing import Annotated, Final, Literal

import msgspec

from baseload.errors import UsageError
from baseload.levers.options import CacheMark
from baseload.workloads.rules import deadline_seconds

SCHEMA_VERSION: Final = 1
MOST_MARKS: Final = 4
"""Cache breakpoints one request may carry (anthropic-facts section 3)."""

Decision = Literal["pin", "route", "leave"]
"""`pin`: every request of the workload goes to one model and effort. `route`: a fitted router decides session by
session. `leave`: the request keeps the model and effort it asks for (facts/routing.md section 7)."""
Effort = Literal["", "low", "medium", "high", "xhigh", "max"]

Text = Annotated[str, msgspec.Meta(max_length=500)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
Day = Annotated[str, msgspec.Meta(pattern=r"^(\d{4}-\d{2}-\d{2})?$")]
Duration = Annotated[str, msgspec.Meta(pattern=r"^\d{1,6}(s|m|h|d)$")]

_AFTER: Final = {
    "tools": re.compile(r"last_tool"),
    "system": re.compile(r"system:(\d{1,6})"),
    "messages": re.compile(r"message:(\d{1,6})|tail"),
}
_SECTIONS: Final = tuple(_AFTER)


class PolicyError(UsageError):
    """`policy.yaml` does not say what it must; the message names file, key path, value and the next step."""


class WorkloadRef(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which workload an entry is for. The id decides; name and owner are for readers and may change freely."""

    id: Name
    name: Text = ""
    owner: Text = ""


class Match(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which requests are the workload's: every condition given must hold, any value of a list will do.

    Names are compared as `baseload.toml` compares them: without case, a `*` at the end meets any rest. Fingerprints
    and template ids are compared as they are. No condition at all meets no request (only a request that names the
    workload itself).
    """

    tag: dict[str, Text] = msgspec.field(default_factory=dict)
    api_key: tuple[Text, ...] = ()
    agent: tuple[Text, ...] = ()
    tools_fp: tuple[Text, ...] = ()
    system_fp: tuple[Text, ...] = ()
    template_ids: tuple[Text, ...] = ()
    workspace: tuple[Text, ...] = ()


class Router(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The fitted router of a `route` decision, held to its content."""

    path: Name
    sha256: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]


class Cache(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the workload's requests carry cache marks; the gateway stands down where the caller set its own.

    `keep_alive`: a prefix may be read again before its entry expires, where that is cheaper than a longer TTL.
    """

    marks: tuple[CacheMark, ...] = ()
    keep_alive: bool = False

    def __post_init__(self) -> None:
        if len(self.marks) > MOST_MARKS:
            raise ValueError(f"{len(self.marks)} marks; expected at most {MOST_MARKS}, the API's limit")
        places = [_place(mark) for mark in self.marks]
        if places != sorted(set(places)):
            raise ValueError("marks out of order; expected tools, system, messages, each place once, first to last")
        ttls = [mark.ttl for mark in self.marks]
        if ttls != sorted(ttls):  # "1h" sorts before "5m"
            raise ValueError("a 1h mark after a 5m mark; expected the longer TTL first")


class Batch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The workload's requests may wait: gathered for `window`, answered within `deadline`, or sent synchronously."""

    deadline: Duration
    window: Duration = "10m"

    def __post_init__(self) -> None:
        deadline, window = deadline_seconds(self.deadline), deadline_seconds(self.window)
        if deadline is None or window is None or window >= deadline:
            raise ValueError(f"window {self.window} of deadline {self.deadline}; expected 0 < window < deadline")


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What happens to one workload's requests.

    `pin_original: true` takes the whole entry back in one line: requests pass as their caller wrote them. `model` and
    `effort` are the target of a `pin` and the strong model of a `route`; `verdict_id` is the trial that allows it.
    `from_models` are the models whose requests are moved; a request for another keeps its own (none given = any).
    """

    workload: WorkloadRef
    match: Match = Match()
    decision: Decision = "leave"
    model: Text = ""
    effort: Effort = ""
    from_models: tuple[Text, ...] = ()
    router: Router | None = None
    cache: Cache | None = None
    batch: Batch | None = None
    verdict_id: Text = ""
    pin_original: bool = False

    def __post_init__(self) -> None:
        if self.decision == "leave" and (self.model or self.effort or self.router or self.from_models):
            raise ValueError("decision leave with a model, an effort, from_models or a router; expected none of them")
        if self.decision != "leave" and not self.model:
            raise ValueError(f"decision {self.decision} without a model; expected the model id it goes to")
        if (self.decision == "route") != (self.router is not None):
            raise ValueError(f"decision {self.decision}; a router (path and sha256) belongs to decision route alone")
        if self.decision != "leave" and not self.verdict_id:
            raise ValueError(
                f"workload {self.workload.id[:60]!r}: verdict_id is empty at decision {self.decision}; expected the id "
                f"of the trial that allows {self.model[:60]}"
            )


class Policy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One policy file. `policy_id` is the hash of what it decides; made with `policy`, checked by `read_policy`."""

    schema_version: Literal[1] = SCHEMA_VERSION
    policy_id: Text = ""
    created: Day = ""
    prices_checked: Day = ""
    entries: tuple[Entry, ...] = ()

    def __post_init__(self) -> None:
        for name in ("created", "prices_checked"):
            _check_day(name, getattr(self, name))
        seen: set[str] = set()
        for entry in self.entries:
            if entry.workload.id in seen:
                raise ValueError(f"workload {entry.workload.id[:60]!r} has two entries; expected one")
            seen.add(entry.workload.id)


def _check_day(name: str, text: str) -> None:
    try:
        dt.date.fromisoformat(text or "2000-01-01")
    except ValueError:
        raise ValueError(f"{name} {text[:60]!r} is no day; expected YYYY-MM-DD of the calendar") from None


def policy(entries: tuple[Entry, ...], *, created: str, prices_checked: str) -> Policy:
    """A policy of these entries with its id, ordered by workload name and id."""
    ordered = tuple(sorted(entries, key=lambda entry: (entry.workload.name, entry.workload.id)))
    made = Policy(entries=ordered, created=created, prices_checked=prices_checked)
    return msgspec.structs.replace(made, policy_id=policy_id(made))


def policy_id(made: Policy) -> str:
    """`p-` and 32 hex digits: the hash of what a policy decides.

    Order, comments and layout do not count, nor do dates, names, owners and `pin_original`: an owner opts out, or
    prices are looked up again, without every workload starting its canary anew.
    """
    content = json.dumps([made.schema_version, *sorted(map(_decided, made.entries))])
    return "p-" + hashlib.blake2b(content.encode("ascii"), digest_size=16).hexdigest()


def _decided(entry: Entry) -> str:
    plain = msgspec.structs.replace(entry, workload=WorkloadRef(id=entry.workload.id), pin_original=False)
    return json.dumps(msgspec.to_builtins(plain), sort_keys=True)


def _place(mark: CacheMark) -> tuple[int, int]:
    """Where a mark stands in the order a request is read: section, then position; the tail is last."""
    found = _AFTER[mark.section].fullmatch(mark.after)
    if found is None:
        raise ValueError(f"mark after {mark.after[:60]!r} in {mark.section}; expected {' or '.join(_expected(mark))}")
    if mark.after == "tail":
        return _SECTIONS.index(mark.section), 1_000_000
    return _SECTIONS.index(mark.section), int(mark.after.partition(":")[2] or 0)


def _expected(mark: CacheMark) -> Iterator[str]:
    yield {"tools": "last_tool", "system": "system:N", "messages": "message:N"}[mark.section]
    if mark.section == "messages":
        yield "tail"
