"""A policy made ready for many requests: its entries indexed, its models resolved, how it is applied."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from baseload.gateway.decide.router import Chooser
from baseload.gateway.decide.state import RouteView
from baseload.plan.policy import Entry, Policy
from baseload.plan.policy_match import Matcher, RequestFacts
from baseload.prices.book import PriceBook
from baseload.values import OrgKey

Start = Literal["shadow", "at_once"]
Cache = Literal["off", "policy", "online"]
_MOST_CLAIMS: Final = 4096
_NO_ROUTERS: Final[Mapping[str, Chooser]] = {}


class Ways(msgspec.Struct, frozen=True, kw_only=True):
    """How a policy is applied, as the gateway's configuration says.

    `start`: what an entry does before its route was ever served. `shadow` (default): the incumbent serves, the
    candidate climbs the ladder of `quality.watch` by its own evidence. `at_once`: the candidate serves all sessions but
    the holdback; a route that was rolled back stays so. `holdback` counts where no route says otherwise.
    `switch_mid_session`: a session that runs may change its model where the whole cold prefix costs no more, in this
    very call, than the warm one (`switch.pays`); else it ends on the model it began with.
    """

    start: Start = "shadow"
    holdback: float = 0.02
    cache: Cache = "policy"
    switch_mid_session: bool = False


class Rules:
    """One policy, ready. Immutable but for what it remembers of claims."""

    __slots__ = ("_applied", "_claims", "_from", "_matcher", "_shadow", "book", "key", "policy_id", "routers", "ways")

    def __init__(
        self,
        policy: Policy,
        book: PriceBook,
        key: OrgKey,
        *,
        ways: Ways | None = None,
        routers: Mapping[str, Chooser] = _NO_ROUTERS,
    ) -> None:
        """`routers` by workload id; an entry of decision route without one is served by its incumbent."""
        self.policy_id = policy.policy_id
        self.book = book
        self.key = key
        self.ways = ways or Ways()
        self.routers = routers
        self._matcher = Matcher(policy.entries)
        self._claims: dict[tuple[object, ...], Entry | None] = {}
        self._from = {
            entry.workload.id: frozenset(filter(None, map(book.resolve, entry.from_models))) for entry in policy.entries
        }
        self._shadow = RouteView(lot=policy.policy_id, holdback=self.ways.holdback)
        self._applied = msgspec.structs.replace(self._shadow, share=1.0, stage="applied")

    def __repr__(self) -> str:
        return f"Rules({self.policy_id!r})"

    def entry(self, who: RequestFacts) -> Entry | None:
        """The entry that claims a request; the same for every request that says the same of itself."""
        said = (
            who.workload, who.api_key, who.agents, who.tools_fp, who.system_fp, who.template_id, who.workspace,
            tuple(who.tags.items()) if who.tags else (),
        )  # fmt: skip
        try:
            return self._claims[said]
        except KeyError:
            if len(self._claims) >= _MOST_CLAIMS:
                self._claims.clear()
            found = self._claims[said] = self._matcher.entry(who)
            return found

    def moves(self, entry: Entry, model: str) -> bool:
        """Whether the trial spoke of requests for this model."""
        allowed = self._from[entry.workload.id]
        return not entry.from_models or model in allowed

    def view(self, entry: Entry, routes: Mapping[tuple[str, str], RouteView]) -> RouteView:
        """Where the entry's route stands.

        An entry without a model of its own has nothing to ramp: its marks and batches reach all sessions but the
        holdback. One with a verdict and no route yet rests in shadow, unless it is applied at once.
        """
        if entry.decision == "leave":
            return self._applied
        found = routes.get((entry.workload.id, self.policy_id))
        if self.ways.start == "shadow":
            return found or self._shadow
        if found is None:
            return self._applied
        if found.rolled_back or found.share == 1:
            return found
        return msgspec.structs.replace(found, share=1.0, reached=(), stage="applied")
