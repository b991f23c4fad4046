"""What a saved plan promised, workload by workload: the few fields of `baseload.plan/1` that a close needs."""

from __future__ import annotations

import datetime as dt
import hashlib
from decimal import InvalidOperation
from typing import Any

import msgspec

from baseload.errors import UsageError
from baseload.values import Window, day_of_date, nano_from_usd

FAMILY = "baseload.plan/"
SHORTENING = frozenset({"route", "effort"})
"""Levers that change how long answers are."""


class Promise(msgspec.Struct, frozen=True, kw_only=True):
    """One workload of the plan, in list nano-dollars: as billed, and what of it is likely saved."""

    workload: str
    name: str
    billed_nano: int
    saved_nano: int
    shortens: bool  # the plan changes model or effort: then the length of answers is its doing too


class Promises(msgspec.Struct, frozen=True, kw_only=True):
    """A plan as far as its realisation can be measured."""

    plan_id: str
    window: Window
    promises: tuple[Promise, ...]
    sha256: str


def promises_of(data: bytes, name: str) -> Promises:
    """The promises of a saved plan. Raises UsageError naming the field that is missing or of no use."""
    try:
        document = msgspec.json.decode(data)
        if not str(document["schema"]).startswith(FAMILY):
            raise ValueError(f"schema is {str(document['schema'])[:40]!r}; expected {FAMILY}…")
        return _promises(document, hashlib.sha256(data).hexdigest())
    except (msgspec.DecodeError, KeyError, TypeError, ValueError, InvalidOperation) as error:
        what = f"no field {error}" if isinstance(error, KeyError) else str(error)
        raise UsageError(
            f"{name}: not a saved plan ({what}). Save one with `baseload plan --json > plan.json`."
        ) from error


def _promises(document: dict[str, Any], sha256: str) -> Promises:
    window = document["basis"]["window"]
    return Promises(
        plan_id=sha256[:16],
        window=Window(start_day=_day(window["start"]), end_day_exclusive=_day(window["end_exclusive"])),
        promises=tuple(_promise(part) for part in document["workloads"]),
        sha256=sha256,
    )


def _promise(part: dict[str, Any]) -> Promise:
    """The plan's dollars are of a year or of its window: only their ratio is used."""
    return Promise(
        workload=str(part["id"]),
        name=str(part["name"]),
        billed_nano=nano_from_usd(part["as_billed_usd"]),
        saved_nano=nano_from_usd(part["saving"]["likely_usd"]),
        shortens=bool(SHORTENING & set(part["choice"]["levers"])),
    )


def _day(text: str) -> int:
    return day_of_date(dt.date.fromisoformat(text))
