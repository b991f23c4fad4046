"""Requests as Python for the official SDK: the call, the diff between two calls, and the same call through a batch."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from typing import Any

from baseload.plan.sheet_request import Request

_HEAD = "from anthropic import Anthropic\n\nclient = Anthropic()\n\n"
_NOT_IN_BATCHES = ("speed", "stream")
_WIDTH = 100


def call_code(request: Request) -> str:
    """`client.messages.create(...)` as a module that compiles."""
    return f"{_HEAD}response = client.messages.create(\n{_arguments(request, '    ')})\n"


def call_diff(before: Request, after: Request) -> str:
    """A unified diff of the two calls; "" where nothing changes."""
    lines = difflib.unified_diff(
        call_code(before).splitlines(), call_code(after).splitlines(), "before.py", "after.py", lineterm="", n=2
    )
    return "\n".join(lines)


def batch_code(request: Request, deadline: str) -> str:
    """The same request through `client.messages.batches`: sent, looked after, and what missed sent again.

    Only rows that succeeded are billed; an expired batch ends after 24 hours (anthropic-facts section 4).
    """
    params = {name: value for name, value in request.items() if name not in _NOT_IN_BATCHES}
    return (
        f"{_HEAD}batch = client.messages.batches.create(\n"
        "    requests=[\n"
        "        {\n"
        '            "custom_id": "item-0001",  # yours: 1 to 64 of letters, digits, _ and -\n'
        f'            "params": {_literal(params, "            ")},\n'
        "        },\n"
        "    ],\n"
        ")\n"
        "\n"
        f"# later, and at the latest when the deadline of {deadline} comes near:\n"
        "batch = client.messages.batches.retrieve(batch.id)\n"
        'if batch.processing_status == "ended":\n'
        "    for item in client.messages.batches.results(batch.id):\n"
        '        if item.result.type == "succeeded":\n'
        "            print(item.custom_id, item.result.message.usage)\n"
        "        else:  # errored, canceled or expired: send it synchronously\n"
        "            print(item.custom_id, item.result.type)\n"
    )


def request_json(request: Request) -> str:
    """The request as JSON people can read."""
    return json.dumps(request, indent=2, ensure_ascii=False)


def _arguments(request: Mapping[str, Any], indent: str) -> str:
    return "".join(f"{indent}{name}={_literal(value, indent)},\n" for name, value in request.items())


def _literal(value: Any, indent: str) -> str:
    """A Python literal in the SDK's own style: on one line where it fits, else an item a line."""
    flat = _flat(value)
    if len(indent) + len(flat) <= _WIDTH - 30 or not isinstance(value, dict | list):
        return flat
    inner = indent + "    "
    if isinstance(value, dict):
        items = "".join(f"{inner}{_flat(name)}: {_literal(one, inner)},\n" for name, one in value.items())
        return f"{{\n{items}{indent}}}"
    items = "".join(f"{inner}{_literal(one, inner)},\n" for one in value)
    return f"[\n{items}{indent}]"


def _flat(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_flat(name)}: {_flat(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flat, value)) + "]"
    return json.dumps(value, ensure_ascii=True) if isinstance(value, str) else repr(value)
