"""`baseload completion`: the script it installs is read by the shell and knows the commands."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from baseload.cli.main import main


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own: installing may add a line to the shell's start-up file."""
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def installed(shell: str, home: Path) -> Path:
    script = home / f"baseload.{shell}"
    with pytest.raises(SystemExit) as stopped:
        main(["completion", "--shell", shell, "--output", str(script)])
    assert stopped.value.code == 0
    return script


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_command_is_in_the_script(shell: str, home: Path) -> None:
    script = installed(shell, home).read_text()
    for name in ("demo", "map", "usage", "rank", "init", "next", "import", "pull", "ledger", "prices", "--as-of"):
        assert name.lstrip("-") in script


@pytest.mark.parametrize(
    ("words", "expected"),
    [(("baseload", "ra"), "rank"), (("baseload", "prices", "im"), "impact"), (("baseload", "rank", "--t"), "--top")],
)
def test_bash_completes(words: tuple[str, ...], expected: str, home: Path) -> None:
    script = installed("bash", home)
    typed = " ".join(f"'{word}'" for word in words)
    asked = (
        f"source {script}; COMP_WORDS=({typed}); COMP_CWORD={len(words) - 1}; "
        '$(complete -p baseload | sed "s/.*-F \\([^ ]*\\).*/\\1/") baseload; echo "${COMPREPLY[@]}"'
    )
    done = subprocess.run(["bash", "-c", asked], capture_output=True, text=True, check=True, timeout=20)
    assert done.stdout.split() == [expected]


def test_without_an_option_the_script_is_printed_and_nothing_is_changed(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / ".bashrc").write_text("# mine\n")
    with pytest.raises(SystemExit) as stopped:
        main(["completion", "--shell", "bash"])
    assert stopped.value.code == 0
    assert "complete -F" in capsys.readouterr().out
    assert {path.name: path.read_text() for path in home.iterdir()} == {".bashrc": "# mine\n"}


def test_install_writes_the_script_and_loads_it_at_start(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["completion", "--shell", "bash", "--install"])
    assert stopped.value.code == 0
    assert str(home) in capsys.readouterr().out
    assert "baseload" in (home / ".bashrc").read_text()


def test_a_file_asked_for_is_written_without_touching_the_start_up_file(home: Path) -> None:
    installed("bash", home)
    assert [path.name for path in home.iterdir()] == ["baseload.bash"]
