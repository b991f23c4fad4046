"""The same arguments give the same bytes; other windows work too."""

from __future__ import annotations

import datetime as dt
import hashlib
from pathlib import Path

import pytest

from baseload.demo import DemoManifest, write_company
from baseload.prices.book import PriceBook
from baseload.values import day_of_date


def digest(folder: Path) -> str:
    whole = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        whole.update(f"{file.relative_to(folder)}\0".encode() + file.read_bytes())
    return whole.hexdigest()


def write(folder: Path, book: PriceBook, *, seed: int = 7, as_of: str = "2026-11-20", days: int = 40) -> DemoManifest:
    as_of_day = day_of_date(dt.date.fromisoformat(as_of))
    return write_company(folder, seed=seed, as_of_day=as_of_day, days=days, book=book, scale=0.01)


def test_the_same_seed_writes_the_same_bytes_and_another_seed_others(tmp_path: Path, book: PriceBook) -> None:
    first, second, other = (
        digest(Path(write(tmp_path / name, book, seed=seed).folder)) for name, seed in (("a", 7), ("b", 7), ("c", 8))
    )
    assert first == second
    assert first != other


def test_the_manifest_says_what_was_written(tmp_path: Path, book: PriceBook) -> None:
    manifest = write(tmp_path, book)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert manifest.files == len(files)
    assert manifest.bytes == sum(path.stat().st_size for path in files)
    assert [Path(path).name for path in manifest.usage_paths] == ["billing", "logs"]
    assert all(Path(path).is_dir() for path in manifest.usage_paths)
    assert (manifest.window.days, manifest.window.end_day_exclusive) == (40, manifest.as_of_day)


@pytest.mark.parametrize(("as_of", "days"), [("2026-08-01", 40), ("2026-11-20", 9)])
def test_an_earlier_or_shorter_window_is_written_too(tmp_path: Path, book: PriceBook, as_of: str, days: int) -> None:
    manifest = write(tmp_path, book, as_of=as_of, days=days)
    assert manifest.list_nano > manifest.billed_nano > 0
    has_invoices = "[[invoice]]" in (tmp_path / "baseload.toml").read_text()
    assert has_invoices is (days > 31)


def test_progress_is_told_by_service(tmp_path: Path, book: PriceBook) -> None:
    told: list[str] = []
    write_company(
        tmp_path,
        as_of_day=day_of_date(dt.date(2026, 11, 20)),
        days=2,
        book=book,
        scale=0.01,
        progress=lambda done, total, label: told.append(label) if done <= total else None,
    )
    assert "support-triage" in told
    assert "writing support-triage" in told
