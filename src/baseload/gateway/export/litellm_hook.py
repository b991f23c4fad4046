"""What the generated LiteLLM plug-in runs on every request: `decide` and `apply`, the code the gateway itself runs.

Needs msgspec and PyYAML beside LiteLLM and nothing else of Baseload's dependencies. Whatever goes wrong here leaves
the request as its caller wrote it.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from baseload.errors import UsageError
from baseload.gateway.decide.apply import Applied, apply
from baseload.gateway.decide.decide import Decision, decide, remember
from baseload.gateway.decide.facts import Facts, facts_of
from baseload.gateway.decide.fit import Capabilities, fitted
from baseload.gateway.decide.memo import Memo
from baseload.gateway.decide.rules import Rules, Ways
from baseload.gateway.decide.state import Sessions, State
from baseload.gateway.exchange import Inbound
from baseload.gateway.export.litellm_data import Read, is_marked, joined, labels, marked, may_set, read
from baseload.plan.policy import Policy
from baseload.plan.policy_read import read_policy
from baseload.prices.book import PriceBook
from baseload.prices.load import load_book
from baseload.quality.legality import Fault
from baseload.usage.reader import ReadContext
from baseload.values import OrgKey

log = logging.getLogger("baseload.litellm")
WAYS: Final = Ways(start="at_once", holdback=0.0)
"""No stage and no holdback: both are state, which a plug-in has no store for."""
NOTE: Final = "baseload_decision"
"""Where a request's metadata says what was decided, for the answer's headers."""
_CHECK: Final = "export-check"
_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


def needs_key(policy: Policy) -> bool:
    """Whether its entries are met by fingerprints, which only the organisation's key makes alike."""
    return any(one.match.tools_fp or one.match.system_fp or one.match.template_ids for one in policy.entries)


def key_check(org_key: OrgKey) -> str:
    """What shows that two machines have the same key, and nothing else of it."""
    return org_key.fingerprint(_CHECK, _CHECK)


def load_hook(
    path: Path, *, names: Mapping[str, str], org_key: Callable[[], OrgKey] | None = None, check: str = ""
) -> Hook:
    """The hook of one policy file. `names`: LiteLLM's model names -> ids of the price book, for those that differ.

    `check` is the `key_check` the export was made with. Raises PolicyError, UsageError.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}; expected the policy beside the plug-in") from error
    policy = read_policy(data, path.name)
    key = OrgKey(secrets.token_bytes(32)) if org_key is None else org_key()
    if check and key_check(key) != check:
        raise UsageError(
            "the organisation's key here is not the one that the policy's fingerprints were made with; "
            "set BASELOAD_ORG_KEY as it was set for `baseload export`"
        )
    return Hook(policy, load_book(), key, names=names)


class Hook:
    """One policy at work inside LiteLLM. Safe to share between threads."""

    def __init__(
        self,
        policy: Policy,
        book: PriceBook,
        org_key: OrgKey,
        *,
        names: Mapping[str, str],
        clock_us: Callable[[], int] = lambda: time.time_ns() // 1000,
    ) -> None:
        self._rules = Rules(policy, book, org_key, ways=WAYS)
        self._state = State({}, Sessions())
        self._memo = Memo(org_key)
        self._capabilities = Capabilities(book.models)
        self._context = ReadContext(org_key=org_key, resolve_model=book.resolve, want_features=False)
        self._names = dict(names)
        self._served_as = {model: name for name, model in names.items()}
        self._clock_us = clock_us
        self._lock = threading.Lock()
        self._faults: Counter[str] = Counter()

    def __repr__(self) -> str:
        return f"Hook({self._rules.policy_id!r})"

    def changed(self, data: dict[str, Any], call_type: str) -> dict[str, Any]:
        """LiteLLM's request, edited in place; as it was where nothing is decided, or anything fails."""
        try:
            found = read(data, call_type)
            if found is not None:
                self._change(data, found)
        except Exception as error:  # noqa: BLE001 - the caller's request matters more than whatever went wrong here
            self._failed(type(error).__name__)
        return data

    def headers(self, data: Mapping[str, Any]) -> dict[str, str]:
        """What the answer's headers say of the decision."""
        found = data.get("litellm_metadata"), data.get("metadata")
        note = next((one[NOTE] for one in found if isinstance(one, Mapping) and NOTE in one), None)
        return dict(note) if isinstance(note, Mapping) else {}

    def _failed(self, kind: str) -> None:
        """Said for the 1st, 10th, 100th … of a kind: a fault on every request must not fill a disk."""
        self._faults[kind] += 1
        count = self._faults[kind]
        if str(count).strip("0") == "1":
            log.warning("request left as it is: %s (%d so far)", kind, count)

    def _change(self, data: dict[str, Any], found: Read) -> None:
        body = _encode(found.request)
        with self._lock:
            facts = self._facts(data, found, body)
            decision = decide(facts, self._rules, self._state)
            edits, applied = self._edits(data, found, body, facts, decision)
            served = decision.model if applied.changes else ""
            remember(facts, decision, served, self._state, marked=bool(applied.marks) or facts.has_marks)
        for name, value in edits.items():
            if value is None:
                data.pop(name, None)
            else:
                data[name] = value
        self._tell(data, decision, applied)

    def _facts(self, data: Mapping[str, Any], found: Read, body: bytes) -> Facts:
        key, beside = labels(data, self._context)
        inbound = Inbound(b"POST", b"/v1/messages", found.headers, body, us=self._clock_us())
        facts = facts_of(inbound, self._memo, key)
        return msgspec.structs.replace(
            facts,
            who=joined(facts.who, beside),
            model=self._names.get(facts.model, facts.model),
            has_marks=facts.has_marks or (found.form == "chat" and is_marked(data)),
        )

    def _edits(
        self, data: Mapping[str, Any], found: Read, body: bytes, facts: Facts, decision: Decision
    ) -> tuple[dict[str, Any], Applied]:
        """Members to set, or to drop where None, and what that does."""
        if found.form == "chat":
            refusal = self._refusal(found, facts, decision)
            if refusal:
                return {}, Applied(body=body, served_as=facts.model, refusals=(refusal,))
        applied = apply(body, facts, decision, self._capabilities)
        if applied.is_original:
            return {}, applied
        if found.form == "messages":
            edits = _differences(found.request, _decode(applied.body))
        else:
            fit = fitted(facts, decision, self._capabilities)
            edits = {name: None if raw is None else _decode(raw) for name, raw in fit.values.items()}
            edits |= marked(data, applied.marks)
        if "model" in edits:
            edits["model"] = self._served_as.get(edits["model"], edits["model"])
        return edits, applied

    def _refusal(self, found: Read, facts: Facts, decision: Decision) -> Fault | None:
        """Why a chat-completions request cannot be moved."""
        if not (decision.model or decision.effort) or not facts.readable:
            return None
        if found.strange:
            return Fault(feature=found.strange[:60], reason="LiteLLM translates it for each model in its own way")
        if not may_set(fitted(facts, decision, self._capabilities).values):
            return Fault(feature="messages", reason="the change has no words in the chat-completions form")
        return None

    def _tell(self, data: dict[str, Any], decision: Decision, applied: Applied) -> None:
        """The decision in the request's metadata and, where it says anything, in LiteLLM's log."""
        note: dict[str, str] = {"x-baseload-reason": "refused" if applied.refusals else decision.reason}
        if applied.changes:
            note["x-baseload-model"] = self._served_as.get(applied.served_as, applied.served_as)
        metadata = data.get("litellm_metadata", data.get("metadata"))
        if isinstance(metadata, dict):
            metadata[NOTE] = note
        if applied.changes or applied.marks or applied.refusals:
            log.info(
                "workload %s: %s; changes: %s; marks: %d; refused: %s",
                decision.workload,
                decision.reason,
                ", ".join(f"{one.feature} ({one.action})" for one in applied.changes) or "none",
                len(applied.marks),
                ", ".join(f"{one.feature} ({one.reason})" for one in applied.refusals) or "no",
            )


def _differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: value for name, value in after.items() if name not in before or before[name] != value}
    return found | {name: None for name in before if name not in after}
