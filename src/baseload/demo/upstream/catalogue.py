"""/v1/models from the price book: what is callable, with the capabilities the table knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from baseload.demo.upstream.api_errors import invalid, not_found
from baseload.prices.book import Model
from baseload.prices.capabilities import LEVELS, legal_efforts, takes

_STRATEGIES = ("clear_thinking_20251015", "clear_tool_uses_20250919", "compact_20260112")


def model_object(model: Model, today: str) -> dict[str, Any]:
    """One model; `today` (ISO) decides its stage."""
    retired = bool(model.retires) and model.retires <= today
    deprecated = bool(model.deprecated) and model.deprecated <= today
    return {
        "type": "model",
        "id": model.id,
        "display_name": model.display_name,
        "created_at": f"{model.released}T00:00:00Z",
        "lifecycle": "retired" if retired else "deprecated" if deprecated else "active",
        "deprecated_at": f"{model.deprecated}T00:00:00Z" if deprecated else None,
        "retires_at": f"{model.retires}T00:00:00Z" if model.retires else None,
        "line": model.line if model.line != "claude" else None,
        "max_input_tokens": model.context_tokens or None,
        "max_tokens": model.max_output_tokens or None,
        "capabilities": _capabilities(model),
    }


def _capabilities(model: Model) -> dict[str, Any]:
    efforts = legal_efforts(model)
    compacts = takes(model, "compaction")
    types = {
        "adaptive": "thinking_adaptive",
        "between_tools": "thinking_between_tools",
        "disabled": "thinking_disabled",
        "enabled": "thinking_budget",
    }
    return {
        "batch": _is(True),
        "citations": _is(True),
        "code_execution": _is(takes(model, "programmatic_tools")),
        "context_management": {
            "supported": True,
            **{name: _is(compacts or not name.startswith("compact")) for name in _STRATEGIES},
        },
        "effort": {"supported": bool(efforts), **{level: _is(level in efforts) for level in LEVELS}},
        "image_input": _is(True),
        "pdf_input": _is(True),
        "server_tools": {"supported": True, "code_execution": _is(True), "web_search": _is(True)},
        "structured_outputs": _is(takes(model, "structured_outputs")),
        "thinking": {
            "supported": True,
            "types": {name: _is(takes(model, feature)) for name, feature in types.items()},
        },
    }


def _is(supported: bool) -> dict[str, bool]:
    return {"supported": supported}


def page(rows: Sequence[Mapping[str, Any]], query: Mapping[str, str], *, most: int) -> dict[str, Any]:
    """One page of a list that runs from the newest down: `after_id` goes on below it, `before_id` above. Raises
    ApiError."""
    limit_text = query.get("limit", "20")
    limit = int(limit_text) if limit_text.isdigit() else 0
    if not 1 <= limit <= most:
        raise invalid(f"limit: expected 1 to {most}")
    ids = [row["id"] for row in rows]
    if query.get("before_id"):
        end = _place(ids, query["before_id"])
        first = max(end - limit, 0)
        kept, more = rows[first:end], first > 0
    else:
        start = _place(ids, query["after_id"]) + 1 if query.get("after_id") else 0
        kept, more = rows[start : start + limit], start + limit < len(rows)
    return {
        "data": list(kept),
        "has_more": more,
        "first_id": kept[0]["id"] if kept else None,
        "last_id": kept[-1]["id"] if kept else None,
    }


def _place(ids: Sequence[str], wanted: str) -> int:
    if wanted not in ids:
        raise not_found(f"no object {wanted[:60]} to page from")
    return ids.index(wanted)
