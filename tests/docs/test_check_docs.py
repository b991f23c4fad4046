"""tools/check_docs.py: each guard of the documentation sees what it is there for."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A documentation of two pages, both in the navigation."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.md").write_text("# Home\n\n[more](more.md#what-it-costs-daily)\n")
    (tmp_path / "docs" / "more.md").write_text("# More\n\n## What it `costs` (daily)\n")
    (tmp_path / "zensical.toml").write_text('[project]\nnav = [{ A = "index.md" }, { B = [{ C = "more.md" }] }]\n')
    return tmp_path


def test_a_link_to_a_heading_is_followed(check_docs: ModuleType, site: Path) -> None:
    assert list(check_docs.broken_links(site / "docs" / "index.md")) == []


@pytest.mark.parametrize("link", ["gone.md", "more.md#gone", "#gone"])
def test_a_link_that_leads_nowhere_is_a_fault(check_docs: ModuleType, site: Path, link: str) -> None:
    (site / "docs" / "index.md").write_text(f"# Home\n\n[more]({link}) and [out](https://example.com/x)\n")
    assert len(list(check_docs.broken_links(site / "docs" / "index.md"))) == 1


def test_a_page_outside_the_navigation_is_a_fault(check_docs: ModuleType, site: Path) -> None:
    (site / "docs" / "lost.md").write_text("# Lost\n")
    (site / "docs" / "more.md").unlink()
    assert list(check_docs.unlisted_pages(site / "docs", site / "zensical.toml")) == [
        "docs/lost.md: not in the nav of zensical.toml",
        "zensical.toml: more.md is in the nav and not in docs/",
    ]


def test_every_page_of_this_project_is_in_its_navigation(check_docs: ModuleType) -> None:
    assert list(check_docs.unlisted_pages()) == []


def test_every_link_of_this_project_leads_somewhere(check_docs: ModuleType, root: Path) -> None:
    pages = [root / "README.md", *sorted((root / "docs").rglob("*.md"))]
    assert [fault for page in pages for fault in check_docs.broken_links(page)] == []


def example(page: Path, block: str) -> Path:
    page.write_text(f"<!-- run -->\n```\n{block}\n```\n")
    return page


@pytest.mark.parametrize(
    ("block", "faults"),
    [
        ("$ printf 'one\\ntwo\\nthree\\n'\none\n…\nthree", 0),
        ("$ printf 'one\\ntwo\\n'\none\nthree", 1),
        ("$ exit 1", 0),  # some records had problems
        ("$ exit 2", 1),
        ("$ echo a > file\n$ cat file\na", 0),  # steps share a folder
    ],
)
def test_an_example_must_print_what_the_page_shows(
    check_docs: ModuleType, tmp_path: Path, block: str, faults: int
) -> None:
    page = example(tmp_path / "page.md", block)
    assert len(list(check_docs.failed_examples(page, tmp_path))) == faults
