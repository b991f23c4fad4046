"""SQL, by running it on a fixture database: the same rows as the right query."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, Final

from baseload.errors import UsageError
from baseload.quality.bar import Tier
from baseload.quality.graders.answers import Answer, Asked, Unparsable, unfenced
from baseload.quality.graders.fields import FieldRule, same_leaf
from baseload.quality.graders.grader import Grade
from baseload.quality.graders.sandbox import MAIN, Bounds, run

MOST_ROWS: Final = 10_000
_TOKEN: Final = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/|\s+|[\w.]+|.", re.DOTALL)
_ORDERED: Final = re.compile(r"\border\s+by\b", re.IGNORECASE)
_CLOSE: Final = FieldRule(relative=1e-9, tolerance=1e-9)

# The answer may read and nothing else: no file is attached, no setting changed, one statement run.
_HARNESS: Final = f"""\
import json, sqlite3, sys
with open("fixture.sql", encoding="utf-8") as file: fixture = file.read()
with open("query.sql", encoding="utf-8") as file: query = file.read()
base = sqlite3.connect(":memory:")
base.text_factory = lambda data: data.decode("utf-8", "replace")
try:
    base.executescript(fixture)
except sqlite3.Error as error:
    print(json.dumps({{"fixture": type(error).__name__}})); sys.exit()
allowed = (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE)
base.set_authorizer(lambda kind, *_: sqlite3.SQLITE_OK if kind in allowed else sqlite3.SQLITE_DENY)
try:
    rows = base.execute(query).fetchmany({MOST_ROWS + 1})
except (sqlite3.Error, sqlite3.Warning, ValueError, MemoryError) as error:
    print(json.dumps({{"error": type(error).__name__}})); sys.exit()
print(json.dumps({{"rows": [[v.hex() if isinstance(v, bytes) else v for v in row] for row in rows]}}))
"""


class SqlGrader:
    """1 where a query gives the rows of the right one on the fixture, else 0.

    Rows are a multiset unless the right query has ORDER BY; columns count by place, not by name; numbers may differ by
    a billionth. `fixture` is the SQL that fills the database: make it large enough that wrong queries show.
    """

    id = "sql"
    version = "1"
    tier: Tier = "truth"

    def __init__(self, fixture: str, *, bounds: Bounds | None = None) -> None:
        self._fixture = fixture
        self._bounds = bounds or Bounds()
        self._known: dict[str, list[list[Any]]] = {}  # right query -> its rows: the fixture never changes

    def grade(self, call: Asked, output: Answer, reference: Any) -> Grade:
        """`reference` is the right query. Raises UsageError where it does not run on the fixture itself."""
        del call
        if not isinstance(reference, str):
            raise UsageError("an SQL grader needs the right query of every call as its reference")
        if reference not in self._known:
            rows, fault = self._rows(reference)
            if fault:
                raise UsageError(f"a right query does not run on the fixture: {fault}")
            self._known[reference] = rows
        rows, fault = self._rows(unfenced(output.text))
        if fault:
            raise Unparsable(f"the query does not run: {fault}")
        is_right = _same_rows(self._known[reference], rows, in_order=bool(_ORDERED.search(reference)))
        return Grade(score=float(is_right), reason="the same rows" if is_right else "other rows", tier=self.tier)

    def same(self, a: Answer, b: Answer) -> bool:
        """The same words: white space, comments, case outside quotes and a last semicolon do not count."""
        return _words(a.text) == _words(b.text)

    def _rows(self, query: str) -> tuple[list[list[Any]], str]:
        """The rows of a query, or what is wrong with it."""
        files = {MAIN: _HARNESS, "fixture.sql": self._fixture, "query.sql": query}
        done = run(files, self._bounds)
        if done.code is None:
            return [], "it takes too long"
        try:
            said = json.loads(done.output)
        except ValueError:
            return [], "its rows are too many to be read"
        if "fixture" in said:
            raise UsageError(f"the fixture is no SQL that runs: {said['fixture']}")
        rows = said.get("rows", [])
        fault = said.get("error", "") or ("it gives too many rows" if len(rows) > MOST_ROWS else "")
        return rows, fault


def _words(text: str) -> list[str]:
    found = (token for token in _TOKEN.findall(unfenced(text)) if not token.isspace())
    words = [token if token[0] in "'\"" else token.lower() for token in found if not token.startswith(("--", "/*"))]
    return words[:-1] if words and words[-1] == ";" else words


def _same_rows(right: list[list[Any]], rows: list[list[Any]], *, in_order: bool) -> bool:
    if len(right) != len(rows):
        return False
    if not in_order:
        right, rows = sorted(right, key=_sort_key), sorted(rows, key=_sort_key)
    return all(_same_row(ours, theirs) for ours, theirs in zip(right, rows, strict=True))


def _same_row(right: Sequence[Any], row: Sequence[Any]) -> bool:
    return len(right) == len(row) and all(_same_cell(ours, theirs) for ours, theirs in zip(right, row, strict=True))


def _same_cell(ours: Any, theirs: Any) -> bool:
    if isinstance(ours, str) or isinstance(theirs, str):
        return bool(ours == theirs)
    return same_leaf(ours, theirs, _CLOSE)


def _sort_key(row: Sequence[Any]) -> list[tuple[int, Any]]:
    """Nulls, then numbers (rounded, so that what is close lies together), then text."""
    return [
        (0, 0) if cell is None else (2, cell) if isinstance(cell, str) else (1, float(f"{cell:.9g}")) for cell in row
    ]
