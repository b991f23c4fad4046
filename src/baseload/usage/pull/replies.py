"""What an answer means: wait and ask again, or give up with a sentence that says what to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from baseload.errors import PullError
from baseload.usage.normal import BadRecord, decode_json
from baseload.usage.pull.actions import Reply, Wait

MOST_FAILURES: Final = 7
"""Failures in a row before giving up: one, two, four … seconds apart, about two minutes in all."""
MOST_LIMITED: Final = 60
"""The same for a rate limit that says how long to wait."""
LONGEST_WAIT: Final = 900.0
"""A server that wants more time than this is asked again by the next pull."""
MOST_SECONDS: Final = 60.0
_SPEND_CAPS: Final = ("enforced_spend_limit_reached", "contract_spend_limit_reached")
_MESSAGE_CHARS: Final = 200
_RESUME: Final = "Run the same command again: it goes on where it stopped."


def wait_of(reply: Reply, failures: int) -> Wait:
    """How long to wait before the next try after `failures` failures in a row (this one included).

    A `retry-after` is honoured to the second. Raises PullError where another try cannot help: a refused key, a bad
    request, a spend cap (anthropic-facts section 5.3: never retried), too many failures.
    """
    limited = reply.status == 429
    if not limited and reply.status not in (0, 200, 408, 409) and reply.status < 500:
        raise refusal(reply)
    if _error_code(reply) in _SPEND_CAPS:
        raise PullError(f"a spend limit of the organisation is reached ({_error_code(reply)}). {_RESUME}")
    if failures >= (MOST_LIMITED if limited and reply.retry_after is not None else MOST_FAILURES):
        raise PullError(f"gave up after {failures} tries: {describe(reply)}. {_RESUME}")
    seconds = min(2.0 ** (failures - 1), MOST_SECONDS) if reply.retry_after is None else reply.retry_after
    if seconds > LONGEST_WAIT:
        raise PullError(f"the server asks to wait {seconds:,.0f} seconds. {_RESUME}")
    return Wait(seconds=seconds, why=describe(reply))


def refusal(reply: Reply) -> PullError:
    """The error for an answer that no retry can change."""
    steps = {
        400: "the request was not understood",
        401: "the key was refused; expected an Admin key (sk-ant-admin…) of this organisation",
        403: "the key may not read usage and cost; create an Admin key as an organisation admin",
        404: "the organisation has no such report; individual accounts have none",
    }
    known = steps.get(reply.status, "the server refused")
    return PullError(f"{known}: {describe(reply)}")


def describe(reply: Reply) -> str:
    """The answer in a few words: status and the server's own message, shortened."""
    if reply.status == 0:
        return reply.error or "no answer"
    if reply.status == 200:
        return "the answer was cut off"
    message = str(_error(reply).get("message") or "")[:_MESSAGE_CHARS]
    return f"HTTP {reply.status}{f' ({message})' if message else ''}"


def _error(reply: Reply) -> Mapping[str, Any]:
    try:
        body = decode_json(reply.body)
    except BadRecord:
        return {}
    error = body.get("error") if isinstance(body, Mapping) else None
    return error if isinstance(error, Mapping) else {}


def _error_code(reply: Reply) -> str:
    details = _error(reply).get("details")
    return str(details.get("error_code") or "") if isinstance(details, Mapping) else ""
