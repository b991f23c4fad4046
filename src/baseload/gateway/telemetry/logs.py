"""Log lines: one JSON object an event on standard error. Text is cut, and whatever looks like a key is taken out."""

from __future__ import annotations

import datetime as dt
import logging
import re
import sys
from typing import Final, Literal, TextIO

import msgspec

MOST_CHARS: Final = 1_000
MOST_REFUSED: Final = 50
"""Lines of refusals in a second: who is refused does not fill the disk with it."""
_SECRET: Final = re.compile(
    r"sk-ant-[\w-]+|blk_[\w-]+|AKIA[0-9A-Z]{12,}|(?:postgres(?:ql)?)://\S+"
    r"|(?:authorization|x-api-key)\s*[:=]\s*(?:bearer\s+)?\S+|bearer\s+\S+",
    re.IGNORECASE,
)
_MORE: Final = ("status", "request_id", "left_out")
LEVELS: Final = {"error": logging.ERROR, "warning": logging.WARNING, "info": logging.INFO}


class JsonLines(logging.Formatter):
    """`{"at": …, "level": …, "part": …, "says": …, "fault": …}`, of a refusal `status` and `request_id` too. Of an
    exception only its type is told: its text and its traceback may quote what was sent."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, str | int] = {
            "at": dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "part": record.name,
            "says": without_secrets(record.getMessage()),
        }
        if record.exc_info and record.exc_info[0] is not None:
            line["fault"] = record.exc_info[0].__name__
        elif isinstance(named := getattr(record, "error", None), str):
            line["fault"] = named  # a type's name, given by who caught it
        for name in _MORE:
            if (value := getattr(record, name, None)) is not None:
                line[name] = value
        return msgspec.json.encode(line).decode()


class Refusals(logging.Filter):
    """Lets so many lines with a `request_id` through in a second; the next one says how many were `left_out`."""

    def __init__(self, most: int = MOST_REFUSED) -> None:
        super().__init__()
        self._most = most
        self._second = 0
        self._told = 0
        self._left_out = 0

    def filter(self, record: logging.LogRecord) -> bool:
        if not hasattr(record, "request_id"):
            return True
        second = int(record.created)
        if second != self._second:
            self._second, self._told = second, 0
        self._told += 1
        if self._told > self._most:
            self._left_out += 1
            return False
        if self._left_out:
            record.left_out, self._left_out = self._left_out, 0
        return True


def without_secrets(text: str) -> str:
    """The text on one line, cut, without what looks like a key or an address with a password.

    >>> without_secrets("used sk-ant-api03-abc for it")
    'used … for it'
    """
    return _SECRET.sub("…", " ".join(text.split()))[:MOST_CHARS]


def log_to(
    stream: TextIO | None = None, level: Literal["error", "warning", "info"] = "info", name: str = "baseload.gateway"
) -> logging.Handler:
    """Send the gateway's events there, and nowhere else; returns the handler, to be taken off again."""
    handler = logging.StreamHandler(stream if stream is not None else sys.stderr)
    handler.setFormatter(JsonLines())
    handler.addFilter(Refusals())
    logger = logging.getLogger(name)
    for old in list(logger.handlers):
        if isinstance(old.formatter, JsonLines):
            logger.removeHandler(old)
    logger.addHandler(handler)
    logger.setLevel(LEVELS[level])
    logger.propagate = False
    return handler
