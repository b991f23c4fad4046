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
# with exit code 0 passes no test. The word is in no frame that runs: an audit hook holds it, which the interpreter
# gives to nobody, and uses it only when the loop below itself calls. Answer and tests still share a process, so an
# answer written against this very loop could cheat, as could one whose values equal everything.
_HARNESS: Final = """\
import json, os, sys
SEARCHES = {"gc.get_objects", "gc.get_referrers", "gc.get_referents", "sys._current_frames", "sys._current_exceptions"}
def keep(loop):
    word = os.read(0, 64).split()[0]
    os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
    out = os.dup(1)
    os.dup2(os.open("/dev/null", os.O_WRONLY), 1)
    write, frame, searches = os.write, sys._getframe, frozenset(SEARCHES)
    def hook(event, given):
        if event in searches:
            raise PermissionError(event)
        if event == "test passed" and frame(1).f_code is loop and len(given) == 1:
            write(out, b"%s %d\\n" % (word, given[0]))
    sys.addaudithook(hook)
def compiled(test):
    try:
        return compile(test, "test.py", "exec")
    except (SyntaxError, ValueError):
        return None
def run(solution, tests, exec, tell):
    for number, test in tests:
        names = {"__name__": "solution"}
        try:
            exec(solution, names)
            exec(test, names)
        except BaseException:
            continue
        tell("test passed", number)
with open("tests.json", encoding="utf-8") as file: tests = json.load(file)
with open("solution.py", encoding="utf-8") as file: solution = compile(file.read(), "solution.py", "exec")
keep(run.__code__)
run(solution, tuple(enumerate(map(compiled, tests))), exec, sys.audit)
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
