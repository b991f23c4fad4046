"""What is said of a setting that cannot be: its key, its value where that is no text, and what was expected."""

from __future__ import annotations

import re
from typing import Any, Final

_MOST_VALUE: Final = 40
_EXPECTED: Final = {
    "usd": 'dollars in quotes, such as "250.00"',
    "usd_per_day": 'dollars in quotes, such as "5.00"',
    "name": "1 to 64 letters, digits, dots, dashes or underscores",
    "service_name": "1 to 64 letters, digits, dots, dashes or underscores",
}
_ENV: Final = "the name of an environment variable: letters, digits and underscores"
_BOUND: Final = re.compile(r"Expected `(?:int|float)` (<=|>=) ([0-9.]+)")
_WORDS: Final = {"<=": "at most", ">=": "at least"}


def words_of(error: str, settings: Any) -> str:
    """A validation's error in the words of the file; an error that says enough by itself is only given its key.

    >>> words_of("Expected `str`, got `int` - at `$.budget[0].usd`", {"budget": [{"usd": 250}]})
    'budget[0].usd is 250; expected dollars in quotes, such as "250.00"'
    >>> words_of("Expected `int` <= 65535 - at `$.listen.port`", {"listen": {"port": 99999}})
    'listen.port is 99999; expected at most 65535'
    """
    said, _, path = error.partition(" - at `$")
    key = path.rstrip("`").lstrip(".")
    if not key or not said.startswith("Expected"):
        return f"{said} in [{key}]" if key else said
    last = key.rpartition(".")[2]
    expected = _EXPECTED.get(last) or (_ENV if last.endswith("_env") else "")
    bound = _BOUND.fullmatch(said)
    if bound:
        expected = f"{_WORDS[bound[1]]} {bound[2]}"
    if not expected:
        expected = said.removeprefix("Expected ").replace("`", "")
    return f"{key} is {_shown(_value(settings, key))}; expected {expected}"


def _value(settings: Any, key: str) -> Any:
    """What stands there; None where nothing does."""
    for step in re.findall(r"[^.\[\]]+", key):
        try:
            settings = settings[int(step)] if isinstance(settings, list) else settings[step]
        except (KeyError, IndexError, TypeError, ValueError):
            return None
    return settings


def _shown(value: Any) -> str:
    """Numbers and short words; a table or a list by its kind."""
    if value is None:
        return "missing"
    if isinstance(value, dict | list):
        return "a table" if isinstance(value, dict) else "a list"
    return repr(value)[:_MOST_VALUE]
