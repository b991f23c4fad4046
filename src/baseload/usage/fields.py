"""Reading one field of a foreign record without trusting it: the value, or a `BadRecord` that becomes one Problem.

Readers write `try: … except BadRecord as bad: yield bad.problem(source, file, row)`; nothing here ever guesses.
Values shown in problems are structural (numbers, type names, field names): prompt text never gets here.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from baseload.usage.names import masked
from baseload.values import Problem, parse_timestamp

MAX_CALL_TOKENS: Final = 100_000_000
"""More than this in one token class of one call is a fault: contexts end at 1M and server loops at a few of them."""
MAX_BUCKET_TOKENS: Final = 10**15
"""The same for a bucket of an aggregate source; sums of many such rows still fit 64 bits."""
MAX_VALUE_CHARS: Final = 60
NEXT_STEP: Final = "Look at that record in its file; every other record was read."
"""What to do about a fault that names nothing better."""

UNDECODABLE: Final = (msgspec.DecodeError, UnicodeError, RecursionError)
"""What a typed decoder raises on text that is no such record."""

_TIME_CHARS: Final = 30
_TIME_LIKE: Final = re.compile(r"[0-9TtZzWw:+\-./, ]*(?:UTC|GMT)?")

_decode = msgspec.json.Decoder().decode


class BadRecord(Exception):
    """A record that cannot be used: what is wrong, with the value and what was expected. Caught by every reader."""

    def __init__(self, code: str, message: str, *, value: object = "", expected: str = "", next_step: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.value = short_value(value)
        self.expected = expected
        self.next_step = next_step

    def problem(self, source: str, file: str, row: int) -> Problem:
        """This fault as the one Problem its record costs."""
        return Problem(
            source=source,
            file=file,
            row=row,
            code=self.code,
            message=self.message,
            value=self.value,
            expected=self.expected,
            next_step=self.next_step or NEXT_STEP,
        )


def short_value(value: object) -> str:
    """At most 60 characters of a structural value; containers and long text are named, never shown.

    >>> short_value(-3), short_value({"a": 1}), short_value(None)
    ('-3', 'object', 'null')
    """
    if value is None:
        return "null"
    if isinstance(value, Mapping):
        return "object"
    if isinstance(value, list | tuple):
        return "array"
    if isinstance(value, int) and abs(value) > 10**MAX_VALUE_CHARS:
        return "an integer of more than 60 digits"
    text = masked(str(value))
    return text if len(text) <= MAX_VALUE_CHARS else text[: MAX_VALUE_CHARS - 1] + "…"


def decode_json(data: bytes | str) -> Any:
    """The JSON value of one record. Raises BadRecord on torn, malformed or too deeply nested text.

    What msgspec refuses but JavaScript writes (lone surrogates, NaN) is read by the standard library, so that the
    field that matters can be judged on its own; half characters become the replacement sign, because nothing after
    this could write them.
    """
    try:
        return _decode(data)
    except RecursionError:
        raise BadRecord("too-deep", "The JSON is nested too deeply to be read", expected="ordinary nesting") from None
    except (msgspec.DecodeError, UnicodeError):
        return _decode_leniently(data)


def _decode_leniently(data: bytes | str) -> Any:
    text = data.decode("utf-8", "replace") if isinstance(data, bytes) else data
    try:
        return _whole_characters(json.loads(text))
    except RecursionError:
        raise BadRecord("too-deep", "The JSON is nested too deeply to be read", expected="ordinary nesting") from None
    except ValueError as error:  # also "Exceeds the limit for integer string conversion"
        where = f" (character {error.pos + 1} of {len(text)})" if isinstance(error, json.JSONDecodeError) else ""
        raise BadRecord(
            "bad-json",
            f"Not valid JSON{where}: the record is torn or not JSON",
            expected="one whole JSON value",
            next_step="A line cut by a crash can be ignored; otherwise export the file again.",
        ) from None


def _whole_characters(value: Any) -> Any:
    """The value with lone surrogates replaced, in texts and names."""
    if isinstance(value, str):
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, list):
        return [_whole_characters(item) for item in value]
    if isinstance(value, dict):
        return {_whole_characters(key): _whole_characters(item) for key, item in value.items()}
    return value


def object_of(value: object, field: str) -> Mapping[str, Any]:
    """`value` as a JSON object; BadRecord when it is anything else."""
    if isinstance(value, Mapping):
        return value
    raise BadRecord("not-an-object", f"{field} is not an object", value=kind_of(value), expected="a JSON object")


def optional_object(record: Mapping[str, Any], field: str) -> Mapping[str, Any]:
    """`record[field]` as an object; absent or null is an empty one."""
    value = record.get(field)
    return {} if value is None else object_of(value, field)


def text_of(record: Mapping[str, Any], field: str, default: str = "") -> str:
    """`record[field]` as text; absent, null or another type gives `default` (labels never cost a record)."""
    value = record.get(field)
    return value if isinstance(value, str) else default


def int_field(
    record: Mapping[str, Any],
    field: str,
    *,
    default: int | None = 0,
    most: int = MAX_CALL_TOKENS,
    text: bool = False,
) -> int | None:
    """A whole count >= 0. Absent or null is `default`; `text=True` also takes digits in a string (CSV, OTLP int64).

    Raises BadRecord: `not-a-number` (NaN, infinity, text, bool, container), `fractional-tokens`, `negative-tokens`,
    `huge-tokens` (above `most`). A float that is whole (`12.0`, written by table tools) is its integer.
    """
    value = record.get(field)
    if value is None or (text and value == ""):
        return default
    if type(value) is int and 0 <= value <= most:
        return value
    return checked_int(value, field, most=most, text=text)


def tokens_field(record: Mapping[str, Any], field: str, *, most: int = MAX_CALL_TOKENS, text: bool = False) -> int:
    """`int_field` where absent means none: always an int."""
    return int_field(record, field, default=0, most=most, text=text) or 0


def checked_int(value: object, field: str, *, most: int = MAX_CALL_TOKENS, text: bool = False) -> int:
    """The rules of `int_field` for one present value."""
    number = _number_of(value, field, text=text)
    if isinstance(number, float):
        if not math.isfinite(number):
            raise _not_a_number(field, value)
        if not number.is_integer():
            raise BadRecord("fractional-tokens", f"{field} is not whole", value=value, expected="an integer >= 0")
        number = int(number)
    if number < 0:
        raise BadRecord("negative-tokens", f"{field} is negative", value=value, expected="an integer >= 0")
    if number > most:
        raise BadRecord("huge-tokens", f"{field} is impossibly large", value=value, expected=f"at most {most:,}")
    return number


def _number_of(value: object, field: str, *, text: bool) -> int | float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if text and isinstance(value, str) and len(value) <= 32 and "_" not in value:
        try:
            return int(value) if value.strip().lstrip("+-").isdigit() else float(value)
        except ValueError:
            raise _not_a_number(field, _like_a_time(value)) from None
    raise _not_a_number(field, value if isinstance(value, bool) else kind_of(value))


def _not_a_number(field: str, value: object) -> BadRecord:
    return BadRecord("not-a-number", f"{field} is not a number", value=value, expected="an integer >= 0")


def kind_of(value: object) -> str:
    """The JSON name of a value's type: what a problem may always show."""
    names = {type(None): "null", bool: "bool", int: "number", float: "number", str: "text", list: "array"}
    return names.get(type(value), "object")


def time_field(value: object, field: str) -> tuple[int, bool]:
    """UTC microseconds of an ISO 8601 text, and whether it was naive (then UTC by source rule; flag `naive_time`).

    Raises BadRecord `no-time` when absent and `bad-time` when it cannot be read.
    """
    if not isinstance(value, str) or not value.strip():
        if value in (None, ""):
            raise BadRecord("no-time", f"{field} is missing", expected="an ISO 8601 time")
        raise BadRecord("bad-time", f"{field} is not a time", value=kind_of(value), expected="an ISO 8601 time")
    try:
        return parse_timestamp(value)
    except (ValueError, OverflowError):
        raise BadRecord(
            "bad-time", f"{field} is not a time", value=_like_a_time(value), expected="an ISO 8601 time"
        ) from None


def _like_a_time(text: str) -> str:
    """At most 30 characters of what was meant as a time or number; any other text only by its length."""
    return text[:_TIME_CHARS] if _TIME_LIKE.fullmatch(text) else f"text of {len(text)} characters"


def epoch_field(value: object, field: str, *, per_second: int) -> int:
    """UTC microseconds of a count since 1970 in units of 1/`per_second` s (1, 1_000, 1_000_000, 1_000_000_000)."""
    ticks = checked_int(value, field, most=10**19, text=True)
    return ticks * 1_000_000 // per_second
