"""The rule by which a planted inefficiency counts as found is said where the count stands."""

from __future__ import annotations

from importlib.resources import files

from baseload.demo.planted import TOLERANCE
from baseload.report.text import RULE_OF_PLANTED


def test_terminal_and_page_state_the_tolerance_that_is_used() -> None:
    said = f"give or take {100 * TOLERANCE:.0f} %"
    assert said in RULE_OF_PLANTED
    assert said in files("baseload.report").joinpath("templates", "planted.html.j2").read_text(encoding="utf-8")
