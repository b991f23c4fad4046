"""One call of a pure function on another core, while this process goes on.

A new interpreter is started (never a fork: the engine's threads would be lost half-way) and given the arguments.
Whatever goes wrong there, the call is made in this process instead: later, and with the same result or error.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
import tempfile
from collections.abc import Callable
from typing import Any, Final, TypeVar

Result = TypeVar("Result")

_COMMAND: Final = (sys.executable, "-m", "baseload.levers.cache.beside")


def beside(call: Callable[..., Result], *given: Any) -> Callable[[], Result]:
    """Start `call(*given)` in another process; calling what is returned, once, waits for its result.

    `call` is a function of a module, and all that is given can be pickled. Raises what the function raises.
    """
    with tempfile.TemporaryFile() as question:
        pickle.dump((call, given), question, protocol=pickle.HIGHEST_PROTOCOL)
        question.seek(0)
        try:
            process = subprocess.Popen(  # noqa: S603 - our own interpreter, no word from outside
                _COMMAND, stdin=question, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
        except OSError:  # no more processes
            return lambda: call(*given)

    def result() -> Result:
        answer, _ = process.communicate()
        if process.returncode:
            return call(*given)
        found: Result = pickle.loads(answer)  # noqa: S301 - our own process wrote it
        return found

    return result


def _serve() -> None:
    call, given = pickle.load(sys.stdin.buffer)  # noqa: S301 - our own process wrote it
    pickle.dump(call(*given), sys.stdout.buffer)


if __name__ == "__main__":
    _serve()
