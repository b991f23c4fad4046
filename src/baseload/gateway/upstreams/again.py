"""Whether a failure is worth another attempt, and after what pause. Pure; nothing of an answer's text is kept."""

from __future__ import annotations

import email.utils
from collections.abc import Callable
from typing import Final, Literal

import msgspec

from baseload.gateway.config import Retry
from baseload.gateway.exchange import Failure, Header

Verdict = Literal["here", "elsewhere", "no"]
"""Another attempt at the same upstream or any other, only at another one, or none."""

BASE_S: Final = 0.5
NOT_SAID: Final = -1.0
NEVER: Final = float("inf")
_SPENT: Final = frozenset(("enforced_spend_limit_reached", "contract_spend_limit_reached"))
_SAFE: Final = frozenset((b"GET", b"HEAD"))


class _Details(msgspec.Struct):
    error_code: str = ""


class _Error(msgspec.Struct):
    details: _Details | None = None


class _Body(msgspec.Struct):
    error: _Error | None = None


_body = msgspec.json.Decoder(_Body).decode


def verdict(failure: Failure, retry: Retry, *, repeatable: bool, free: bool) -> Verdict:
    """What another attempt can do about a failure.

    `repeatable`: asked twice, it costs money at most; what creates something is sent again only where it was never
    sent. `free`: not even money. A call whose connection broke after it was sent may have been carried out, and would
    be paid twice: whether to ask again is its caller's choice, as it is at the API itself. A time-out is not repeated:
    the upstream may be working at it, and its caller has waited long enough; nor are bytes that are no answer: they
    would come again. A spent limit is not asked again (anthropic-facts 5.3), nor what the upstream says is no use.
    """
    if failure.kind == "connect":
        return "here"
    if failure.kind in ("timeout", "malformed") or not repeatable:
        return "no"
    if failure.kind == "reset":
        return "here" if free else "no"
    if failure.status not in retry.statuses:
        return "no"
    if failure.status == 429 and is_spent(failure):
        return "elsewhere"
    return "elsewhere" if _header(failure.headers, b"x-should-retry") == b"false" else "here"


def is_repeatable(method: bytes, path: bytes) -> bool:
    """Whether a request that may have been carried out can be sent again: it changes nothing but the bill."""
    return is_free(method, path) or path == b"/v1/messages"


def is_free(method: bytes, path: bytes) -> bool:
    """Whether a request can be carried out twice and nothing is paid or changed."""
    return method in _SAFE or path == b"/v1/messages/count_tokens"


def is_spent(failure: Failure) -> bool:
    """Whether a spend limit is reached: it stays so until somebody raises it or the month ends."""
    try:
        error = _body(failure.body).error
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return error is not None and error.details is not None and error.details.error_code in _SPENT


def retry_after_s(headers: tuple[Header, ...]) -> float:
    """Seconds the upstream asks to wait; NOT_SAID where it does not say.

    A date counts from the answer's own Date: two clocks are never compared. Without one, and where it cannot be read,
    it is NEVER: an unreadable wish to be left alone is not taken for none.
    """
    exact = _number(_header(headers, b"retry-after-ms"))
    if exact is not None:
        return exact / 1000
    said = _header(headers, b"retry-after")
    if not said:
        return NOT_SAID
    seconds = _number(said)
    if seconds is not None:
        return seconds
    until, now = _date(said), _date(_header(headers, b"date"))
    return NEVER if until is None or now is None else max(until - now, 0.0)


def pause_s(asked_for_s: float, last_s: float, most_s: float, chance: Callable[[], float]) -> float:
    """How long to wait before asking the same upstream again; NEVER where it asks for more than `most_s`.

    Decorrelated jitter where it says nothing (each pause drawn between the base and three times the last one); where
    it does, that and a little more, so that all who were told the same do not come back at once.
    """
    if asked_for_s > most_s:
        return NEVER
    if asked_for_s >= 0:
        return asked_for_s + chance() * BASE_S
    return min(BASE_S + chance() * (3 * last_s - BASE_S), most_s)


def _header(headers: tuple[Header, ...], name: bytes) -> bytes:
    return next((value.strip() for given, value in headers if given.lower() == name), b"")


def _number(text: bytes) -> float | None:
    """Plain digits, with a fraction or without; None for anything else."""
    if not text[:1].isdigit() or not text.replace(b".", b"", 1).isdigit() or len(text) > 15:
        return None
    return float(text)


def _date(text: bytes) -> float | None:
    try:
        return email.utils.parsedate_to_datetime(text.decode("ascii")).timestamp()
    except (ValueError, UnicodeDecodeError, OverflowError):
        return None
