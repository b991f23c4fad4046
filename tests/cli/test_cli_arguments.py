"""What a wrong argument, or a folder that may not be read, is answered: what is wrong and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from baseload.cli.main import main


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.chdir(tmp_path)


def run(capfd: pytest.CaptureFixture[str], *tokens: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as ended:
        main(tokens)
    said = capfd.readouterr()
    return int(ended.value.code or 0), " ".join((said.out + said.err).replace("│", " ").split())


@pytest.mark.parametrize(
    "tokens",
    [
        ("map", "logs", "--as-of", "tomorrow"),
        ("rank", "logs", "--as-of=tomorrow"),
        ("commit", "track", "--usage", "u.csv", "--start", "tomorrow"),
        ("prices", "diff", "tomorrow", "2026-10-01"),
    ],
)
def test_what_is_no_day_is_said_with_how_a_day_is_written(
    tokens: tuple[str, ...], capfd: pytest.CaptureFixture[str]
) -> None:
    code, said = run(capfd, *tokens)
    assert code == 2
    assert '"tomorrow" is no day; expected YYYY-MM-DD, such as 2026-10-31.' in said


def test_markup_in_a_wrong_day_is_text(capfd: pytest.CaptureFixture[str]) -> None:
    assert '"[red]x" is no day' in run(capfd, "map", "logs", "--as-of", "[red]x")[1]


def test_other_wrong_arguments_are_told_as_before(capfd: pytest.CaptureFixture[str]) -> None:
    code, said = run(capfd, "rank", "logs", "--top", "few")
    assert (code, 'unable to convert "few" into int' in said) == (2, True)


def test_a_folder_that_may_not_be_entered_is_said_with_a_next_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def refused(path: Path) -> bool:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "exists", refused)  # whoever runs this test may be allowed everything
    code, said = run(capfd, "usage", "locked/logs")
    assert code == 3
    assert "locked/logs: Permission denied. Run this as somebody who may read or write it" in said
