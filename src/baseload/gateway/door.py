"""Every request enters here: who calls, what it may spend, what is decided, where it goes."""

from __future__ import annotations

import re
from collections.abc import Awaitable
from typing import Final, Protocol

import msgspec

from baseload.gateway.core import Core
from baseload.gateway.decide.apply import Applied, apply
from baseload.gateway.decide.decide import Decision, decide, remember
from baseload.gateway.decide.facts import Facts, facts_of, kind_of
from baseload.gateway.decide.heads import is_ours, secret_of
from baseload.gateway.exchange import Answer, Forward, Header, Inbound, Way
from baseload.gateway.passing import Passing
from baseload.gateway.state.budgets import Hold, Refused
from baseload.gateway.state.keys import is_virtual, may_use
from baseload.gateway.state.records import KeyRow
from baseload.gateway.trip import FULL, Metering
from baseload.gateway.upstreams.port import Asked
from baseload.gateway.wire.answer import error_answer
from baseload.gateway.wire.pipe import faulty
from baseload.plan.policy_match import RequestFacts

MESSAGES: Final = b"/v1/messages"
_DECIDED: Final = frozenset((MESSAGES, MESSAGES + b"/count_tokens"))
_OBSERVED: Final = Decision(reason="no-entry")
_NOBODY: Final = KeyRow(key_id="", hash="", name="", created_us=0)
_MODELS: Final = re.compile(rb"/v1/models(?:/[0-9A-Za-z._:@-]{1,200})?")
_READS: Final = frozenset((b"GET", b"HEAD", b"OPTIONS", b"DELETE"))
_CREATES: Final = re.compile(rb"/v1/files|/v1/messages/batches/[0-9A-Za-z_-]{1,200}/cancel")


def is_free(method: bytes, path: bytes) -> bool:
    """Whether a request that is no call costs nothing by itself. Batches do, and what is not known may.

    A path is compared as it is spelt: what an upstream may take for `/v1/messages` after decoding it is not known.
    """
    return method in _READS or (method == b"POST" and _CREATES.fullmatch(path) is not None)


class Diversion(Protocol):
    """Batches (`batch.desk`): may answer a request in its own time."""

    def owns(self, target: bytes) -> bool:
        """Whether this path is the desk's own: tickets."""

    def serve(self, inbound: Inbound, key_id: str) -> Answer | Awaitable[Answer]:
        """The answer to a request of its own paths."""

    def take(self, inbound: Inbound, facts: Facts, decision: Decision, applied: Applied) -> Awaitable[Way] | None:
        """What happens to it later, reserved for by the desk itself; None where the request is not for it."""


class GatewayDoor:
    """The door of one process. What it raises is served as the original request by the wire."""

    def __init__(self, core: Core, diversion: Diversion | None = None) -> None:
        self.core = core
        self.diversion = diversion

    def reads_body(self, method: bytes, target: bytes, headers: tuple[Header, ...]) -> bool:  # noqa: ARG002
        """Messages are read whole; batches, files and everything else stream through."""
        return method == b"POST" and target.partition(b"?")[0] in _DECIDED

    def enter(self, inbound: Inbound) -> Way | Awaitable[Way]:
        core = self.core
        key = self._key(inbound)
        if isinstance(key, Answer):
            return key
        if core.log.refuses:
            return error_answer(503, FULL, retry_after_s=5)
        if self.diversion is not None and self.diversion.owns(inbound.target):
            return self.diversion.serve(inbound, key.key_id)
        facts, decision, applied = self._decided(inbound, key)
        if key.key_id:
            if facts.kind == "messages" and not self._allowed(key, facts, decision):
                return error_answer(403, "This key may not call this model for this workload.")
            if facts.kind == "other" and (refused := self._elsewhere(key, inbound)) is not None:
                return refused
        elif facts.kind == "other" and not is_free(inbound.method, inbound.path):
            if core.budget_names("", facts.who.api_key):
                return error_answer(403, "A budget holds every call here, and what this path costs is not metered.")
            core.unmetered += 1
        if facts.kind == "messages":
            names = core.budget_names(decision.workload, facts.who.api_key)
            if names:
                return self._within_budget(inbound, key, facts, decision, applied, names)
        return self._on(inbound, key, facts, decision, applied, None)

    def untouched(self, inbound: Inbound) -> Forward:
        """The request as its caller wrote it, with its own credential or ours; metered like every other."""
        key = self._key(inbound)
        if isinstance(key, Answer):
            raise LookupError("its credential is none that goes upstream")
        ours = bool(key.key_id)
        is_call = inbound.method == b"POST" and inbound.path == MESSAGES
        facts = Facts(kind="messages" if is_call else "other", now_us=inbound.us)
        way = self._sent(inbound, ours, facts, _OBSERVED, Applied(body=inbound.body, served_as=""), None)
        if isinstance(way, Forward):
            return way
        raise LookupError("no upstream can be asked")

    # inside

    def _key(self, inbound: Inbound) -> KeyRow | Answer:
        """The virtual key it came with; `_NOBODY` where none are asked for; else why it goes no further."""
        secret = secret_of(inbound.headers)
        ours = is_virtual(secret)
        if not ours and not self.core.asks_for_keys:
            return _NOBODY
        found = self.core.keys.find(secret, inbound.us) if ours else None
        return found or error_answer(401, "This gateway takes virtual keys only, and this is none that it knows.")

    def _decided(self, inbound: Inbound, key: KeyRow) -> tuple[Facts, Decision, Applied]:
        """What becomes of a request. After a fault of ours: as its caller wrote it, and no key or budget is let off."""
        core, facts = self.core, None
        name = key.name or key.key_id
        try:
            facts = facts_of(inbound, core.memo, name)
            if not core.observes:
                decision = decide(facts, core.rules, core.state)
                if key.scope.workload and not decision.workload and facts.kind == "messages":
                    who = msgspec.structs.replace(facts.who, workload=key.scope.workload)
                    facts = msgspec.structs.replace(facts, who=who)
                    decision = _as_of(key, facts, decide(facts, core.rules, core.state))
                applied = apply(inbound.body, facts, decision, core.capabilities, core.online)
                if applied.refusals:
                    decision = msgspec.structs.replace(decision, reason="refused")
                return facts, decision, applied
        except Exception as error:  # noqa: BLE001 - its text may quote the prompt
            faulty("decided", error)
        facts = facts or Facts(kind=kind_of(inbound), who=RequestFacts(api_key=name), now_us=inbound.us)
        return facts, _as_of(key, facts, _OBSERVED), Applied(body=inbound.body, served_as=facts.model)

    def _elsewhere(self, key: KeyRow, inbound: Inbound) -> Answer | None:
        """Why a key goes nowhere on a path that is no call; None where it may.

        Upstream there is one account: whose batch or file it is, nobody can tell there.
        """
        if inbound.method in (b"GET", b"HEAD") and _MODELS.fullmatch(inbound.path):
            return None
        if not key.scope.account:
            return error_answer(403, "This path reaches what belongs to the whole account: not with this key.")
        if self._is_held(key) and not is_free(inbound.method, inbound.path):
            return error_answer(403, "This key is held to models, workloads or a budget: not on this path.")
        return None

    def _is_held(self, key: KeyRow) -> bool:
        """Whether anything bounds what this key may ask for or spend."""
        scope = key.scope
        return bool(scope.models or scope.workloads or self.core.budget_names("", key.name or key.key_id))

    def _allowed(self, key: KeyRow, facts: Facts, decision: Decision) -> bool:
        """Whether it may ask for this. What the policy makes of it is the gateway's own doing."""
        if key.scope.models and facts.located is None:
            return False  # its model may be another to the upstream: a name given twice, a body nobody can read
        asked = self.core.book.resolve(facts.model) or facts.model
        return may_use(key.scope, decision.workload or key.scope.workload, asked)

    def _within_budget(
        self,
        inbound: Inbound,
        key: KeyRow,
        facts: Facts,
        decision: Decision,
        applied: Applied,
        names: tuple[str, ...],
    ) -> Way | Awaitable[Way]:
        most = self.core.most_nano(facts, applied.served_as, len(inbound.body), other=facts.model)
        hold = self.core.budgets.reserve(names, most, inbound.us)
        if hold is not None:
            return self._on(inbound, key, facts, decision, applied, hold)
        return self._after_asking(inbound, key, facts, decision, applied, names, most)

    async def _after_asking(
        self,
        inbound: Inbound,
        key: KeyRow,
        facts: Facts,
        decision: Decision,
        applied: Applied,
        names: tuple[str, ...],
        most: int,
    ) -> Way:
        found = await self.core.budgets.ask(names, most, inbound.us)
        if isinstance(found, Refused):
            if found.why == "cap":
                return error_answer(429, "The budget of this month is used up.", retry_after_s=60)
            return error_answer(503, "The budget cannot be looked up now.", retry_after_s=2)
        way = self._on(inbound, key, facts, decision, applied, found)
        return way if isinstance(way, Forward | Answer) else await way

    def _on(
        self, inbound: Inbound, key: KeyRow, facts: Facts, decision: Decision, applied: Applied, hold: Hold | None
    ) -> Way | Awaitable[Way]:
        if decision.batch is not None and self.diversion is not None:
            later = self.diversion.take(inbound, facts, decision, applied)
            if later is not None:
                if hold is not None:
                    self.core.budgets.settle(hold, 0)  # the desk reserves for itself
                return later
        remember(facts, decision, self.core.book.resolve(applied.served_as), self.core.state,
                 marked=bool(applied.marks) or facts.has_marks)  # fmt: skip
        return self._sent(inbound, bool(key.key_id), facts, decision, applied, hold)

    def _sent(
        self, inbound: Inbound, ours: bool, facts: Facts, decision: Decision, applied: Applied, hold: Hold | None
    ) -> Way:
        core = self.core
        headers = inbound.headers
        if facts.ours is None:
            headers = tuple([header for header in headers if not is_ours(header[0])])
        elif facts.ours:
            names = facts.ours
            headers = tuple([header for header in headers if header[0] not in names])
        asked = Asked(inbound.method, inbound.target, headers, applied.body, applied.served_as, facts.stream, ours)
        trip: Metering | Passing
        if facts.kind == "messages":
            trip = Metering(core, facts, decision, applied, asked, hold, core.next_trip(), inbound.body)
        else:
            trip = Passing(core, asked)
        sent = core.upstreams.first(asked, trip)
        if isinstance(sent, Answer):
            if hold is not None:
                core.budgets.settle(hold, 0)
            return sent
        trip.sent = sent
        sent.forward.edited = not applied.is_original
        return sent.forward


def _as_of(key: KeyRow, facts: Facts, decision: Decision) -> Decision:
    """A call that no entry claims counts as the one workload its key was made for, where it was made for one."""
    if not key.scope.workload or decision.workload or facts.kind != "messages":
        return decision
    return msgspec.structs.replace(decision, workload=key.scope.workload)
