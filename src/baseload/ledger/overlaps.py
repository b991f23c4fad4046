"""Sources that see the same calls under different identities: said, because the ledger cannot tell the copies apart."""

from __future__ import annotations

from baseload.values import Problem, Table

_SAME_CALLS = (("claude_code", "claude_code_otel"), ("claude_code", "litellm"), ("claude_code_otel", "litellm"))
"""A transcript names a call by its message id, telemetry and a gateway by their own request ids."""


def overlap_problems(spend: Table) -> list[Problem]:
    """One problem per pair of such sources with calls of one model on the same day."""
    seen: dict[str, set[tuple[int, str]]] = {}
    columns = (spend[name].tolist() for name in ("source", "grain", "day", "model"))
    for source, grain, day, model in zip(*columns, strict=True):
        if grain == "call":
            seen.setdefault(source, set()).add((day, model))
    return [
        Problem(
            source=one,
            file=f"{one} and {other}",
            row=0,
            code="possible-double-count",
            message="Both sources have calls of the same model on the same days; the same people's calls count twice",
            value=f"{len(shared)} model-days",
            expected="one source per person's calls",
            next_step="If they are the same people, map only one of the two.",
        )
        for one, other in _SAME_CALLS
        if (shared := seen.get(one, set()) & seen.get(other, set()))
    ]
