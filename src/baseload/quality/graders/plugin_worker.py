"""The process a customer's grader runs in: `python -m baseload.quality.graders.plugin_worker MODULE:FUNCTION`.

Reads one JSON request a line, writes one JSON reply a line. What the grader prints goes to standard error.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

import msgspec


def main() -> None:
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    module, _, name = sys.argv[1].partition(":")
    try:
        function = getattr(importlib.import_module(module), name)
        replies.write(b'{"ready":true}\n')
    except Exception as error:  # noqa: BLE001 - whatever an import raises is told to the other side
        replies.write(msgspec.json.encode({"fault": type(error).__name__}) + b"\n")
        return
    finally:
        replies.flush()
    for line in sys.stdin.buffer:
        replies.write(_encoded(_reply(function, msgspec.json.decode(line))) + b"\n")
        replies.flush()


def _reply(function: Any, request: Any) -> Any:
    try:
        found = function(request["call"], request["output"], request["reference"])
    except Exception as error:  # noqa: BLE001 - a grader's exception is a reply
        return {"fault": type(error).__name__}
    return found if isinstance(found, dict) else {"score": found}


def _encoded(reply: Any) -> bytes:
    try:
        return msgspec.json.encode(reply)
    except (TypeError, ValueError):
        return b'{"fault":"not JSON"}'


if __name__ == "__main__":
    main()
