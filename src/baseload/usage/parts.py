"""Parts of a response that another model served (advisor, fallback): rows of their own beside the call's."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from baseload.usage.normal import UsageTokens, derived_call_id
from baseload.usage.reader import ReadContext
from baseload.values import Call


def with_parts(call: Call, found: UsageTokens, context: ReadContext) -> Iterator[Call]:
    """The call, then one row per part in `found.extra`: its own model and tokens, `requests` 0, nothing else twice."""
    yield call
    for part in found.extra:
        yield msgspec.structs.replace(
            call,
            call_id=derived_call_id(call.call_id, f"{part.kind}:{part.model}"),
            model_raw=part.model,
            model=context.resolve_model(part.model),
            requests=0,
            thinking_tokens=None,
            web_search_requests=0,
            web_fetch_requests=0,
            code_execution_requests=0,
            reported_cost_nano_usd=None,
            **msgspec.structs.asdict(part.tokens),
        )
