"""What a policy file gets wrong that only a price book can tell: models and efforts that are not there."""

from __future__ import annotations

from collections.abc import Iterator

from baseload.plan.policy import Entry, Policy, PolicyError
from baseload.plan.policy_read import read_policy
from baseload.prices.book import PriceBook
from baseload.prices.capabilities import legal_efforts
from baseload.values import Problem


def check_policy(data: bytes, name: str, book: PriceBook) -> tuple[Policy | None, list[Problem]]:
    """The policy a file holds and what is wrong with it: None and the first fault where it cannot be read at all."""
    try:
        found = read_policy(data, name)
    except PolicyError as error:
        return None, [_problem(name, str(error).removeprefix(f"{name}: "))]
    faults = ((place, entry, fault) for place, entry in enumerate(found.entries) for fault in _faults(entry, book))
    return found, [
        _problem(name, f"entries[{place}]: workload {entry.workload.id[:60]!r}: {fault}", row=place + 1)
        for place, entry, fault in faults
    ]


def _faults(entry: Entry, book: PriceBook) -> Iterator[str]:
    """Field, value and rule of what no request could be sent to."""
    for field, names in (("model", (entry.model,)), ("from_models", entry.from_models)):
        for name in filter(None, names):
            if name not in book.models:
                yield f"{field} {name[:60]!r} is not in the price book; expected a model id that it lists"
    model = book.models.get(entry.model)
    if model is None or not entry.effort:
        return
    legal = legal_efforts(model, ())
    if entry.effort not in legal:
        known = f"one of {', '.join(legal)}" if legal else "none"
        yield f"effort {entry.effort!r} is not one {model.id} takes; expected {known}"


def _problem(name: str, message: str, row: int = 0) -> Problem:
    return Problem(
        source="policy",
        file=name,
        row=row,
        code="policy-fault",
        message=message,
        next_step="Mend it as docs/reference/policy.md says, or write the policy anew with `baseload plan`.",
    )
