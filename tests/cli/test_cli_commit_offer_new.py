"""`baseload commit offer new` on a terminal: what ends in the middle is a sentence, not a traceback."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from baseload.cli.main import main


class Terminal(io.StringIO):
    """Answers typed at a terminal; at their end, Ctrl-D."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("typed", ["", "12\n", "12\nlist\n\n"])
def test_the_end_of_input_writes_nothing_and_says_so(
    typed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", Terminal(typed))
    with pytest.raises(SystemExit) as ended:
        main(("commit", "offer", "new"))
    assert ended.value.code == 2
    assert "The answers ended at question" in capsys.readouterr().err
    assert list(tmp_path.glob("*.yaml")) == []
