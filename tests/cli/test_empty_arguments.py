"""Arguments that are empty, folders that are none: an unset variable changes no figure in silence."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from baseload.cli.main import main

HEADER = "usage_date_utc,model_version,usage_input_tokens_no_cache,usage_output_tokens\n"


def refused(capsys: pytest.CaptureFixture[str], *given: str, code: int = 2) -> str:
    with pytest.raises(SystemExit) as ended:
        main(given)
    assert ended.value.code == code
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("map", ""), "an empty argument after map. Is a variable unset?"),
        (("map", "x", "-o", ""), "an empty argument after -o. Is a variable unset?"),
        (("map", "x", "--output="), "an empty argument: --output=. Is a variable unset?"),
        (("gateway", "keys", "new", "x", "--model", ""), "an empty argument after --model. Is a variable unset?"),
    ],
)
def test_an_empty_argument_is_refused(capsys: pytest.CaptureFixture[str], given: tuple[str, ...], said: str) -> None:
    assert said in refused(capsys, *given)


def test_a_project_that_is_no_folder_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    usage = tmp_path / "usage.csv"
    usage.write_text(HEADER + "2026-10-01,claude-opus-4-8,5,3\n")
    assert "no such folder" in refused(capsys, "map", str(usage), "--project", str(tmp_path / "typo"))
    assert "no such folder" in refused(capsys, "map", str(usage), "--project", str(usage))


@pytest.mark.parametrize("scale", ["0", "-1", "nan", "inf", "1e9"])
def test_the_size_of_the_demo_is_bounded(capsys: pytest.CaptureFixture[str], scale: str) -> None:
    assert "expected a number above 0, at most 20" in refused(capsys, "demo", "--scale", scale)


def test_a_port_of_the_stand_in_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert "expected 0 to 65535" in refused(capsys, "demo", "upstream", "--port", "99999")


def test_a_map_of_nothing_usable_names_the_row_the_value_and_what_was_expected(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    usage = tmp_path / "usage.csv"
    usage.write_text(HEADER + "2026-10-01,claude-opus-4-8,-5,3\n")
    said = " ".join(refused(capsys, "map", str(usage), code=3).split())
    assert "usage.csv:2: usage_input_tokens_no_cache is negative [-5]" in said
    assert "expected an integer >= 0" in said


def test_a_module_run_by_its_name_is_the_program() -> None:
    done = subprocess.run([sys.executable, "-m", "baseload", "--version"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_interrupted_while_it_is_loaded_it_ends_with_130_and_no_traceback() -> None:
    program = (
        "import sys\n"
        "class Interrupt:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'cyclopts':\n"
        "            raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupt())\n"
        "from baseload.__main__ import main\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, "")
