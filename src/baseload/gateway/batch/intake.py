"""From a request at the door to an item of the queue."""

from __future__ import annotations

import msgspec

from baseload.gateway.batch import rules
from baseload.gateway.batch.api import BatchApi
from baseload.gateway.batch.books import Books
from baseload.gateway.batch.records import Call, Group, Item, kept_of, new_item_id
from baseload.gateway.batch.rules import Mode, Times
from baseload.gateway.batch.seal import Sealer
from baseload.gateway.core import Core
from baseload.gateway.decide.apply import Applied
from baseload.gateway.decide.facts import Facts
from baseload.gateway.decide.heads import secret_of
from baseload.gateway.exchange import Inbound
from baseload.gateway.state.keys import is_virtual
from baseload.plan.policy import Batch
from baseload.workloads.rules import deadline_seconds


class Intake:
    """What may be taken in, and as what. `upstream` is the name of the one that batches go to."""

    def __init__(self, core: Core, sealer: Sealer, api: BatchApi, books: Books, upstream: str) -> None:
        self._core = core
        self._settings = core.config.batch
        self._sealer = sealer
        self._api = api
        self._books = books
        self._upstream = upstream

    def times(self, mode: Mode, batch: Batch, inbound: Inbound, facts: Facts) -> Times:
        patience = rules.patience_s(
            mode,
            float(deadline_seconds(batch.deadline) or 0),
            facts.client_timeout_s,
            rules.declared_s(inbound),
            self._settings.wait_s,
        )
        return rules.times(batch, self._core.clock_us(), patience, facts.max_tokens or 0)

    def declines(self, mode: str, inbound: Inbound, applied: Applied) -> str:
        """Why a call cannot wait; "" where it can."""
        if mode == "off":
            return "caller"
        if not self._core.asks_for_keys or not self._owner(inbound):
            return "own-credential"
        try:
            request = msgspec.json.decode(applied.body, type=dict)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            return "unreadable"
        return rules.refusal(request, len(applied.body))

    def item(self, call: Call, mode: Mode, times: Times, now_us: int, trip: str) -> Item:
        """The call as it enters the queue: sealed, and with nothing of its caller's credential."""
        kept = kept_of(call, trip)
        owner = self._owner(call.inbound)
        group = self._group(call)
        item_id = new_item_id()
        budgets = self._books.names(call)
        return Item(
            item_id=item_id,
            group=group,
            mode=mode,
            replica_id=self._core.log.replica_id,
            key_id=owner,
            idem=self._idem(call.inbound) if mode == "ticket" else "",
            same=self._core.memo.org_key.fingerprint("batch-same", f"{owner}\n{group}\n".encode() + kept.body),
            workload=call.decision.workload,
            created_us=now_us,
            times=times,
            size=len(kept.body),
            kept=self._sealer.close(kept, item_id + "/kept"),
            budgets=budgets,
            held_nano=self._books.most_nano(call) if budgets else 0,
        )

    def _group(self, call: Call) -> str:
        return Group(
            upstream=self._upstream,
            credential=self._api.credential(),
            version=call.facts.api_version,
            betas=",".join(sorted(call.facts.betas)),
        ).text

    def _owner(self, inbound: Inbound) -> str:
        """The id of the virtual key it came with: what a ticket belongs to."""
        secret = secret_of(inbound.headers)
        found = self._core.keys.find(secret, inbound.us) if is_virtual(secret) else None
        return found.key_id if found is not None else ""

    def _idem(self, inbound: Inbound) -> str:
        said = inbound.header(b"idempotency-key")
        return self._core.memo.org_key.fingerprint("batch-idem", said) if said else ""
