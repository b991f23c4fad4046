"""Code, by running its tests in the sandbox."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from typing import Any, Final, Literal

from baseload.errors import UsageError
from baseload.quality.bar import Tier
from baseload.quality.graders.answers import Answer, Asked, unfenced
from baseload.quality.graders.grader import Grade
from baseload.quality.graders.normal import same_value
from baseload.quality.graders.parsed import parsed
from baseload.quality.graders.sandbox import MAIN, Bounds, run

# Results go out by a copy of standard output and carry a word the answer was not given: printing "passed" or leaving
# with exit code 0 passes no test. Code that searches its own interpreter's memory for the word could still cheat.
_HARNESS: Final = """\
import json, os, sys
word = sys.stdin.readline().strip()
os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
out = os.fdopen(os.dup(1), "w")
os.dup2(os.open("/dev/null", os.O_WRONLY), 1)
with open("tests.json", encoding="utf-8") as file: tests = json.load(file)
with open("solution.py", encoding="utf-8") as file: solution = compile(file.read(), "solution.py", "exec")
for number, test in enumerate(tests):
    names = {"__name__": "solution"}
    try:
        exec(solution, names)
        exec(compile(test, "test.py", "exec"), names)
    except BaseException:
        continue
    out.write(f"{word} {number}\\n")
    out.flush()
"""


class CodeGrader:
    """Python that must pass its tests: each test is code that runs after the answer's and raises where it fails.

    `score` "all" is 1 only where every test passes, "share" the share that does. Two answers that fail the same tests
    differ by 0: tests that nobody passes cannot tell anybody apart.
    """

    id = "code"
    version = "1"
    tier: Tier = "truth"

    def __init__(self, *, bounds: Bounds | None = None, score: Literal["all", "share"] = "all") -> None:
        self._bounds = bounds or Bounds()
        self._score = score

    def grade(self, call: Asked, output: Answer, reference: Any) -> Grade:
        """`reference` is the test, or a list of them. Raises UsageError where there is none."""
        del call
        tests = [reference] if isinstance(reference, str) else reference
        if not isinstance(tests, Sequence) or not tests or not all(isinstance(test, str) for test in tests):
            raise UsageError("a code grader needs at least one test of every call as its reference")
        word = secrets.token_hex(16)
        files = {MAIN: _HARNESS, "solution.py": unfenced(output.text), "tests.json": json.dumps(list(tests))}
        done = run(files, self._bounds, given=word.encode() + b"\n")
        said = {line.partition(" ")[2] for line in done.output.decode("utf-8", "replace").splitlines() if word in line}
        passed = len(said & {str(number) for number in range(len(tests))})
        ended = "stopped for time" if done.code is None else f"ended with {done.code}" if done.code else "ran"
        score = passed / len(tests) if self._score == "share" else float(passed == len(tests))
        reason = f"{passed} of {len(tests)} tests passed, {ended}; walls: {', '.join(done.walls)}"
        return Grade(score=score, reason=reason, tier=self.tier)

    def same(self, a: Answer, b: Answer) -> bool:
        """The same program but for white space and comments."""
        return same_value(parsed(a.text, "python"), parsed(b.text, "python"))
