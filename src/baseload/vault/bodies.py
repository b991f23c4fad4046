"""Where trials and the router get bodies: the source file first, the vault where there is none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from baseload.values import Call, OrgKey, Problem
from baseload.vault.body import Body
from baseload.vault.faults import VaultTampered
from baseload.vault.frame import Entry
from baseload.vault.source_bodies import SOURCE, read_bodies
from baseload.vault.store import Stored, Vault


def entry_of(call: Call, workload: str) -> Entry:
    """What the vault notes of a call; the day is set when it is stored."""
    return Entry(call_id=call.call_id, day=0, workload=workload, user_id=call.user_id, session_id=call.session_id)


def bodies_of(
    calls: Iterable[Call],
    org_key: OrgKey,
    *,
    base: Path,
    beside: Sequence[Path] = (),
    vault: Vault | None = None,
    as_of_day: int,
) -> Iterator[tuple[Call, Body | Problem]]:
    """Each call with its body, or with the one Problem that says why there is none. Order is by file, not as given."""
    for call, found in read_bodies(calls, org_key, base=base, beside=beside):
        yield call, found if isinstance(found, Body) or vault is None else _from_vault(vault, call, found, as_of_day)


def keep(
    vault: Vault,
    calls: Iterable[Call],
    workload_of: dict[str, str],
    org_key: OrgKey,
    *,
    base: Path,
    beside: Sequence[Path] = (),
    as_of_day: int,
) -> Stored:
    """Fill the vault from the source files of these calls; `workload_of` maps a call's id to its workload.

    A call whose body cannot be had is a Problem of the result.
    """
    problems: list[Problem] = []

    def found() -> Iterator[tuple[Entry, Body]]:
        for call, body in read_bodies(calls, org_key, base=base, beside=beside):
            if isinstance(body, Problem):
                problems.append(body)
            else:
                yield entry_of(call, workload_of.get(call.call_id, "")), body

    stored = vault.store(found(), as_of_day)
    return Stored(
        stored=stored.stored,
        known=stored.known,
        expired=stored.expired,
        pushed_out=stored.pushed_out,
        problems=(*problems, *stored.problems),
    )


def _from_vault(vault: Vault, call: Call, missing: Problem, as_of_day: int) -> Body | Problem:
    try:
        return vault.read(call.call_id, as_of_day) or missing
    except VaultTampered:
        return Problem(
            source=SOURCE,
            file="",
            row=0,
            code="vault-tampered",
            message="The vault's record of this call does not fit its seal; it is not used",
            value=call.call_id[:32],
            expected="a record as it was stored",
            next_step="Forget the call and store it again; find out who wrote to the vault's folder.",
        )
