"""`--help`: every command says what it does, how it is used, and costs no heavy import."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from cyclopts import App

from baseload.cli.help import epilogue, examples
from baseload.cli.main import app, main

COMMANDS = (
    "demo", "demo upstream", "map", "usage", "rank", "init", "next", "import", "pull", "pull anthropic", "ledger",
    "ledger show", "forget", "ledger compact", "ledger migrate", "prices", "prices show", "prices check",
    "prices diff", "prices impact", "prices add", "brief", "cache", "plan", "plan changes", "plan check", "close",
    "commit", "commit case", "commit compare", "commit current", "commit focus", "commit focus export",
    "commit focus import", "commit log", "commit log add", "commit log show", "commit offer", "commit offer new",
    "commit pool", "commit simulate", "commit size", "commit track", "route", "route eval", "route fit", "trial",
    "trial decide", "trial verify", "trial plan", "trial run", "trial show", "trial approve", "completion", "gateway",
    "gateway run", "gateway check", "gateway keys", "gateway keys new", "gateway keys list", "gateway keys revoke",
    "gateway budgets", "gateway budgets release", "gateway routes", "gateway rollback", "gateway hold",
    "gateway resume", "gateway lift", "gateway ship", "export",
    "export litellm", "export envoy", "status",
)  # fmt: skip
GROUPS = (
    "demo", "pull", "ledger", "prices", "plan", "commit", "commit focus", "commit log", "commit offer", "route",
    "trial", "gateway", "gateway budgets", "gateway keys", "export",
)  # fmt: skip
WITHOUT_JSON = (
    "pull", "ledger", "prices", "commit", "commit focus", "commit log", "demo upstream", "route", "trial",
    "gateway keys", "export", "completion",
)  # fmt: skip
"""Groups, and what prints no document."""
HEAVY = ("aiohttp", "duckdb", "genai_prices", "jinja2", "numpy", "psycopg", "pyspark", "yaml")


def help_of(command: str, capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as stopped:
        main([*command.split(), "--help"])
    assert stopped.value.code == 0
    return capsys.readouterr().out


def run_alone(program: str) -> str:
    """What a fresh interpreter prints: nothing is loaded, and no command was asked for help before."""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    return done.stdout


def group_of(name: str) -> App:
    found = app
    for part in name.split():
        found = found[part]
    return found


def test_no_command_is_missing_here() -> None:
    names = {name for name in app if not name.startswith("-")}
    below = {f"{group} {name}" for group in GROUPS for name in group_of(group) if name[0] != "-"}
    assert names | below == {*COMMANDS, "ledger status"}  # another name of `ledger show`


@pytest.mark.parametrize("command", COMMANDS)
def test_help_ends_with_examples_of_that_command(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    foot = help_of(command, capsys).partition("Examples:")[2]
    assert f"baseload {command}" in foot


@pytest.mark.parametrize("command", [name for name in COMMANDS if name not in WITHOUT_JSON])
def test_help_offers_json(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "--json" in help_of(command, capsys)


def test_help_of_a_command_is_its_whole_docstring(capsys: pytest.CaptureFixture[str]) -> None:
    text = help_of("map", capsys)
    assert "Read usage, rank workloads by total cost" in text
    assert "its source is named from its content" in " ".join(text.split())


def test_the_list_of_commands_gives_each_one_line() -> None:
    text = run_alone("from baseload.cli.main import main; main(['--help'])")
    assert "The quick look: totals by day, model, key or session." in text
    assert "Exit codes: 0 done" in text


def test_help_loads_nothing_heavy() -> None:
    program = f"""
import contextlib, io, json, sys
from baseload.cli.main import main
loaded = {{}}
for command in {("", *COMMANDS)!r}:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
        main([*command.split(), "--help"])
    loaded[command] = sorted(set({HEAVY!r}) & set(sys.modules))
print(json.dumps(loaded))
"""
    loaded = json.loads(run_alone(program))
    assert {command: names for command, names in loaded.items() if names} == {}


def test_a_docstring_without_examples_has_no_foot() -> None:
    assert examples("Does a thing.\n\nAnd more.") == []
    assert epilogue([]) == ""
