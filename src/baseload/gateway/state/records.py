"""The rows of the shared state as records."""

from __future__ import annotations

from typing import Literal

import msgspec

Topic = Literal["keys", "routes", "rollbacks", "budgets"]
"""What a change counter counts the changes of."""


class KeyScope(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a virtual key may do. () = everything; `budget` "" = none of its own.

    `workload` is what its calls are taken for, where they say nothing else. `account`: it reaches what belongs to the
    whole account, such as batches and files, which every team's data may be in.
    """

    workloads: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    budget: str = ""
    workload: str = ""
    account: bool = False


class KeyRow(msgspec.Struct, frozen=True, kw_only=True):
    """A virtual key as the store keeps it: only a hash of the key itself."""

    key_id: str
    hash: str
    name: str
    scope: KeyScope = KeyScope()
    created_us: int
    expires_us: int | None = None
    revoked_us: int | None = None

    def __repr__(self) -> str:
        return f"KeyRow({self.key_id}, {self.name[:40]!r})"


class RouteRow(msgspec.Struct, frozen=True, kw_only=True):
    """Where a route stands; `state` is what `quality.watch.route` wrote, `events` the number it compares and swaps."""

    workload: str
    policy_id: str
    events: int
    state: str
    changed_us: int


class Rollback(msgspec.Struct, frozen=True, kw_only=True):
    """This candidate does not serve this workload, whatever a policy says. Lifted by a person, never by a plan."""

    workload: str
    candidate: str
    policy_id: str
    reason: str
    says: str
    at_us: int
    lifted_us: int | None = None


class BudgetRow(msgspec.Struct, frozen=True, kw_only=True):
    """One budget of one month. `spent` is settled; `leased` is with replicas; `held` belongs to calls whose cost is
    not known. What may still be leased is the cap less all three."""

    budget: str
    period: str
    cap_nano: int
    spent_nano: int
    leased_nano: int
    held_nano: int

    @property
    def free_nano(self) -> int:
        return max(0, self.cap_nano - self.spent_nano - self.leased_nano - self.held_nano)


class Release(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody's word on calls whose cost nobody knows: of what was `held`, `spent` is booked and the rest is free."""

    budget: str
    period: str
    at_us: int
    held_nano: int
    spent_nano: int
    who: str
    why: str


class LeaseRow(msgspec.Struct, frozen=True, kw_only=True):
    """What one replica has of one budget. `granted` is all it ever got less what it gave back, `spent` (a part of it)
    what it has reported. `open`: it may spend; `expired`: it was not heard of; `closed`: settled for good."""

    replica_id: str
    budget: str
    period: str
    granted_nano: int
    spent_nano: int
    held_nano: int
    state: Literal["open", "expired", "closed"]
    renewed_us: int

    @property
    def rest_nano(self) -> int:
        """Granted and not reported as spent."""
        return self.granted_nano - self.spent_nano
