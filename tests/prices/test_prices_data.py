"""The data files: compiled as written, every row with its dates and its source, and a light start."""

from __future__ import annotations

import os
import runpy
import shutil
import subprocess
import sys
import time
from importlib.resources import files
from pathlib import Path

import pytest
import yaml

from baseload.errors import PriceBookError
from baseload.plan import policy_read
from baseload.prices import price_files
from baseload.prices.book import PriceBook, PriceKey, Unpriced
from baseload.prices.checks import GEOS, PLATFORMS, SPEEDS, TIERS
from baseload.prices.load import load_book
from baseload.prices.price_files import read_book
from baseload.prices.reasons import NEXT_STEPS, NOTES

DATA = Path(str(files("baseload.prices").joinpath("data")))
DATED_SECTIONS = ("prices", "offers", "modifiers", "fees")


def yaml_files() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(DATA.glob("*.yaml"))}


def test_the_compiled_book_is_what_the_yaml_says(root: Path) -> None:
    compile_prices = runpy.run_path(str(root / "tools" / "compile_prices.py"))
    assert (DATA / "book.json").read_bytes() == compile_prices["compiled"](DATA), "run tools/compile_prices.py"


def test_every_row_has_its_period_its_source_and_the_day_it_was_checked() -> None:
    for name, text in yaml_files().items():
        for section, rows in yaml.safe_load(text).items():
            if section in DATED_SECTIONS:
                for row in rows:
                    assert {"valid_from", "valid_to", "source", "checked"} <= set(row), f"{name}: {row}"


def test_every_file_teaches_its_model_before_its_first_row() -> None:
    for name, text in yaml_files().items():
        head = text.decode().split("\n\n")[0].splitlines()
        assert len(head) >= 5, name
        assert all(line.startswith("#") for line in head), name


def test_every_priced_model_is_sold_and_every_unpriced_one_says_why(book: PriceBook) -> None:
    priced = {row.model for row in book.record.prices}
    for model in book.models.values():
        assert (model.id in priced) == (not model.unpriced), model.id


def test_every_note_of_the_data_has_a_sentence(book: PriceBook) -> None:
    record = book.record
    used = {row.note for rows in (record.prices, record.offers, record.modifiers) for row in rows if row.note}
    assert used | {"after-retirement", "overlay", "code-execution"} == set(NOTES)


def test_every_reason_for_no_price_has_a_next_step(book: PriceBook) -> None:
    found = {
        span.answer.code
        for model in (*book.models, "claude-unknown")
        for platform in PLATFORMS
        for geo in GEOS
        for tier in TIERS
        for speed in SPEEDS
        for band in ("0-100k", "200k+", "nonsense")
        for span in book.spans(PriceKey(model, platform, geo, tier, speed, band))
        if isinstance(span.answer, Unpriced)
    }
    found |= {"class-not-sold", "negative-tokens", "implausible-amount"}  # of a call, not of a key
    assert found == set(NEXT_STEPS)


def test_rates_are_held_to_nine_decimals_so_that_tables_are_exact(book: PriceBook) -> None:
    for row in book.record.prices:
        for factor in {modifier.factor for modifier in book.record.modifiers}:
            for amount in (row.input, row.output, row.read, row.write_5m, row.write_1h):
                if amount is not None:
                    scaled = amount * factor / 2 * 10**9
                    assert scaled == scaled.to_integral_value(), (row.model, amount, factor)


def test_loading_needs_neither_yaml_nor_numpy() -> None:
    code = (
        "import sys; from baseload.prices.load import load_book; book = load_book();"
        "book.resolve('claude-opus-5-5'); assert book.candidates(20779);"
        "assert not {'yaml', 'numpy', 'duckdb'} & set(sys.modules), sorted({'yaml', 'numpy'} & set(sys.modules))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_loading_is_fast() -> None:
    """The bound is 15 ms on a quiet machine; CPU time, best of five, so that a busy one does not fail the suite."""
    best = min(_load_seconds() for _ in range(5))
    assert best < 0.03


def _load_seconds() -> float:
    start = time.process_time()
    load_book()
    return time.process_time() - start


def test_nothing_but_price_files_and_the_policy_reader_reads_yaml(root: Path) -> None:
    source = root / "src" / "baseload"
    users = {path for path in source.rglob("*.py") if "import yaml" in path.read_text(encoding="utf-8")}
    assert users == {Path(str(module.__file__)) for module in (price_files, policy_read)}


@pytest.mark.parametrize("command", [["--help"], ["map", "messages.jsonl", "-o", "report"]])
def test_no_command_reads_yaml_at_its_start(command: list[str], root: Path, tmp_path: Path) -> None:
    shutil.copy(root / "examples" / "messages.jsonl", tmp_path)
    code = (
        "import sys\n"
        "from baseload.cli.main import main\n"
        "try:\n"
        f"    main({command!r})\n"
        "except SystemExit as stopped:\n"
        "    assert stopped.code in (0, 1, None), stopped.code\n"
        "assert 'baseload.cli.main' in sys.modules and 'yaml' not in sys.modules"
    )
    home = {
        "HOME": str(tmp_path),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
    }
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path, env={**os.environ, **home})
    assert (tmp_path / "report" / "index.html").is_file() == (command[0] == "map")


def test_platforms_named_by_the_checks_are_the_ones_sold(book: PriceBook) -> None:
    assert {name for row in book.record.offers for name in row.platforms} == set(PLATFORMS)


def test_the_reference_page_lists_every_code_note_and_feature(book: PriceBook, root: Path) -> None:
    page = (root / "docs" / "reference" / "prices.md").read_text(encoding="utf-8")
    for word in (*NEXT_STEPS, *NOTES):
        assert f"| `{word}` |" in page, word
    for feature in book.features.values():
        assert f"| `{feature.name}` | {feature.meaning} | {feature.rewrite or '–'} |" in page, feature.name


# --- the checks, each seen failing -----------------------------------------------------------------------------------


def broken(replace: str, by: str, name: str = "prices.yaml") -> str:
    texts = yaml_files()
    text = texts[name].decode()
    assert replace in text
    texts[name] = text.replace(replace, by, 1).encode()
    with pytest.raises(PriceBookError) as error:
        read_book(texts)
    return str(error.value)


OPUS = "model: claude-opus-5-5, valid_from: 2026-09-22, valid_to: open, input: 4"

MISTAKES = [
    (OPUS, OPUS.replace("input: 4", "input: four"), "prices[7].input: 'four'"),
    (OPUS, OPUS.replace("input: 4", "input: -4"), "prices[7].input: -4; expected USD between 0"),
    (OPUS, OPUS.replace("input: 4", "input: nan"), "prices[7].input: NaN; expected USD between 0"),
    (OPUS, OPUS.replace("input: 4", "input: 4.0000000001"), "at most nine decimals"),
    (OPUS, OPUS.replace("2026-09-22", "2026-13-22"), "prices[7].valid_from: '2026-13-22'; expected a day"),
    (OPUS, OPUS.replace("2026-09-22", "2026-09-21"), "expected 2026-09-22 (its release) or later"),
    (OPUS, OPUS.replace("open", "2026-09-22"), "prices[7].valid_to: 2026-09-22; expected a day after 2026-09-22"),
    (OPUS, OPUS.replace("opus-5-5", "opus-9"), "prices[7].model: 'claude-opus-9'; expected a model id"),
    (OPUS, OPUS.replace("input: 4", "speed: quick, input: 4"), "prices[7].speed: 'quick'; expected standard | fast"),
    (OPUS, OPUS.replace("input: 4", "over: 150000, input: 4"), "prices[7].over: 150000; expected 0, 100000 or 200000"),
    (OPUS, OPUS.replace("input: 4", "inputs: 4"), "unknown field `inputs`"),
    (OPUS, OPUS.replace("input: 4", "input: 4, input: 5"), "the key 'input' is given twice"),
    ("valid_to: 2026-10-07, input: 2", "valid_to: open, input: 2", "expected its valid_to to be that day or earlier"),
]


@pytest.mark.parametrize(("replace", "by", "said"), MISTAKES)
def test_a_mistake_in_a_price_is_named_by_path_value_and_expectation(replace: str, by: str, said: str) -> None:
    assert said in broken(replace, by)


def test_mistakes_in_other_files_are_named_too() -> None:
    assert "modifiers[0].factor: 0" in broken("factor: 1,", "factor: 0,", "modifiers.yaml")
    assert "modifiers[0].value: 'normal'" in broken("value: standard", "value: normal", "modifiers.yaml")
    assert "offers[0].platforms: 'anthropics'" in broken("[anthropic]", "[anthropics]", "platforms.yaml")
    assert "fees[0].usd: -0.01" in broken("usd: 0.01", "usd: -0.01", "fees.yaml")
    assert "aliases[0].model: 'claude-x'" in broken("claude-fable-5-2,", "claude-x,", "aliases.yaml")
    assert "models[0].tokenizer: 'newer'" in broken("tokenizer: new", "tokenizer: newer", "models.yaml")
    assert "models[0].source: 'S9'" in broken("source: S1", "source: S9", "models.yaml")
    assert "capabilities.yaml" in broken("cells: {A:", "cells: {Z:", "capabilities.yaml")
    assert "not readable as YAML" in broken("models:", "models: [", "models.yaml")
