"""A decision made true in the bytes of a request: small edits by splice, larger ones by `quality.rewrite`.

Where the target refuses what no change can help, the original goes out, byte for byte, with the refusal noted.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

from baseload.gateway.decide.decide import Decision
from baseload.gateway.decide.facts import Facts
from baseload.gateway.decide.fit import Capabilities, fitted
from baseload.gateway.decide.marks import NOTHING, Online, Page, Placed, placed, set_at
from baseload.gateway.decide.shape import messages_in
from baseload.gateway.decide.splice import locate, member_cuts, spliced
from baseload.levers.options import CacheMark
from baseload.quality.legality import Fault
from baseload.quality.rewrite_thinking import Change

_members = msgspec.json.Decoder(dict[str, Raw]).decode


class Applied(msgspec.Struct, frozen=True, kw_only=True):
    """What goes upstream. `served_as` is the model its body names, "" where the body names none that can be read.

    `changes` are what was done, in order, and `marks` the cache marks set; both empty where the body is the caller's
    own. `refusals`: why the decision's model does not take this request, which then goes out unchanged.
    `ticket` is what an online planner is told with once the answer is there.
    """

    body: bytes
    served_as: str
    changes: tuple[Change, ...] = ()
    marks: tuple[CacheMark, ...] = ()
    refusals: tuple[Fault, ...] = ()
    ticket: object = None

    def __repr__(self) -> str:
        return f"Applied({len(self.body)} bytes, served_as={self.served_as!r}, changes={len(self.changes)})"

    @property
    def is_original(self) -> bool:
        return not self.changes and not self.marks


def apply(
    body: bytes, facts: Facts, decision: Decision, capabilities: Capabilities, online: Online | None = None
) -> Applied:
    """The body that carries out a decision; `facts` are those of this very body, `online` plans its marks if asked."""
    located = facts.located
    if located is None or not decision.changes or not facts.readable or decision.pinned:
        return Applied(body=body, served_as=facts.model)
    fit = fitted(facts, decision, capabilities)
    if fit.refusals:
        return Applied(body=body, served_as=facts.model, refusals=fit.refusals)
    cuts = member_cuts(located, fit.values)
    if fit.moves_prompt:
        body, cuts = spliced(body, cuts), []
        page = _rewritten(body, facts)
    else:
        page = Page(body, facts.members, located, facts.tools, facts.system, facts.messages)
    found, ticket = _marked(page, facts, decision, capabilities, online)
    return Applied(
        body=spliced(body, [*cuts, *found.cuts]),
        served_as=decision.model or facts.model,
        changes=fit.changes,
        marks=found.marks,
        ticket=ticket,
    )


def _marked(
    page: Page | None, facts: Facts, decision: Decision, capabilities: Capabilities, online: Online | None
) -> tuple[Placed, object]:
    """The policy's marks, or the planner's; none where the caller set its own."""
    if page is None or facts.has_marks:
        return NOTHING, None
    served = decision.model or decision.asked
    least = capabilities.minimum_tokens(served)
    if online is not None and decision.online:
        spots, ticket = online.marks(page, facts, served, least)
        return set_at(spots, least), ticket
    return (placed(page, decision.marks, least) if decision.marks else NOTHING), None


def _rewritten(body: bytes, facts: Facts) -> Page | None:
    """A body whose prompt was written anew, looked at again."""
    members = _members(body)
    located = locate(body, members)
    if located is None:
        return None
    return Page(body, members, located, facts.tools, facts.system, messages_in(members["messages"]))
