from __future__ import annotations

import os
import sys

import pytest

from baseload.levers.cache import beside as module
from baseload.levers.cache.beside import beside


def test_the_result_is_that_of_the_call_and_it_was_made_in_another_process():
    assert beside(divmod, 17, 5)() == (3, 2)
    assert beside(os.getpid)() != os.getpid()


def test_an_error_of_the_call_is_raised_where_the_result_is_asked_for():
    wait = beside(divmod, 1, 0)
    with pytest.raises(ZeroDivisionError):
        wait()


@pytest.mark.parametrize("command", [("no-such-program-anywhere",), (sys.executable, "-c", "raise SystemExit(1)")])
def test_where_no_other_process_can_be_had_the_call_is_made_here(monkeypatch, command):
    monkeypatch.setattr(module, "_COMMAND", command)
    assert beside(os.getpid)() == os.getpid()
