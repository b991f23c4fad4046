"""A fitted router as the gateway asks it. Needs numpy: imported only where a policy has a `route` decision."""

from __future__ import annotations

import hashlib
from typing import Final

from baseload.errors import UsageError
from baseload.gateway.decide.facts import Facts
from baseload.gateway.decide.router import Chosen
from baseload.gateway.decide.shape import first_text
from baseload.quality.router.decide import Router
from baseload.quality.router.document import decoded

_CATEGORY: Final = "category"


class FittedRouter:
    """One router file, held to its content."""

    def __init__(self, data: bytes, sha256: str, name: str) -> None:
        """`sha256` as the policy has it. Raises UsageError where the file is another, or no router."""
        found = hashlib.sha256(data).hexdigest()
        if found != sha256:
            raise UsageError(f"{name}: sha256 {found}; expected {sha256}, as the policy says. Is it an older fit?")
        self._router = Router(decoded(data, name))

    def __repr__(self) -> str:
        return f"FittedRouter(strong={self._router.file.strong!r})"

    def choose(self, facts: Facts) -> Chosen:
        """The model of a session, by its first prompt and what was known with it; the category is a tag."""
        shape, who = facts.shape, facts.who
        choice = self._router.decide(
            first_text(facts.messages),
            who.tags.get(_CATEGORY, ""),
            {
                "turn": float(shape.turns),
                "messages": float(shape.messages),
                "tools": float(facts.tools.size),
                "tool_results": float(shape.results),
                "attachments": float(shape.media),
                "max_tokens": float(facts.max_tokens or 0),
            },
            {
                "agent": who.agents[0] if who.agents else "",
                "system_fp": who.system_fp,
                "tools_fp": who.tools_fp,
            },
        )
        return Chosen(choice.model, choice.strange)
