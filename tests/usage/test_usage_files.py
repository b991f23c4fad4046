"""What PATHs mean: each file once, in natural order, faults said."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from usage_reading import codes

from baseload.usage.files import Found, claude_code_folders, find_files, natural_key
from baseload.values import Problem


def names_in(*paths: Path) -> list[str]:
    return [item.path.name for item in find_files(paths) if isinstance(item, Found)]


def problems_in(*paths: Path) -> list[Problem]:
    return [item for item in find_files(paths) if isinstance(item, Problem)]


def touched(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"{}\n")
    return path


def test_files_come_in_natural_order(tmp_path: Path) -> None:
    for name in ("log-10.jsonl", "log-2.jsonl", "a.json", "log-1.jsonl"):
        touched(tmp_path / name)
    assert names_in(tmp_path) == ["a.json", "log-1.jsonl", "log-2.jsonl", "log-10.jsonl"]
    assert sorted(["x10", "x9", "9x", "x"], key=natural_key) == ["9x", "x", "x9", "x10"]


def test_folders_are_searched_for_data_and_a_named_file_may_be_anything(tmp_path: Path) -> None:
    touched(tmp_path / "deep" / "er" / "log.jsonl.gz")
    touched(tmp_path / "README.md")
    touched(tmp_path / ".git" / "x.json")
    odd = touched(tmp_path / "odd.dat")
    assert names_in(tmp_path) == ["log.jsonl.gz"]
    assert names_in(odd) == ["odd.dat"]


def test_a_file_reached_twice_is_read_once_and_said(tmp_path: Path) -> None:
    log = touched(tmp_path / "a" / "log.jsonl")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    os.link(log, tmp_path / "hard.jsonl")
    assert len(names_in(tmp_path)) == 1
    assert names_in(tmp_path, log) == ["log.jsonl"]
    assert codes(problems_in(tmp_path, log)) == ["same-file"]
    assert codes(problems_in(tmp_path, tmp_path)) == ["same-folder"]


def test_a_link_back_up_is_one_problem_and_ends(tmp_path: Path) -> None:
    touched(tmp_path / "log.jsonl")
    (tmp_path / "loop").symlink_to(tmp_path)
    assert names_in(tmp_path) == ["log.jsonl"]
    assert codes(problems_in(tmp_path)) == ["symlink-loop"]


def test_links_to_nowhere_and_to_themselves_are_one_problem_each(tmp_path: Path) -> None:
    touched(tmp_path / "log.jsonl")
    (tmp_path / "dangling.jsonl").symlink_to(tmp_path / "gone")
    (tmp_path / "self.jsonl").symlink_to(tmp_path / "self.jsonl")
    assert names_in(tmp_path) == ["log.jsonl"]
    assert codes(problems_in(tmp_path)) == ["unreadable-file", "unreadable-file"]


def test_an_empty_folder_is_one_problem(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    [problem] = problems_in(tmp_path / "empty")
    assert (problem.code, problem.row) == ("empty-folder", 0)
    assert ".jsonl" in problem.expected


def test_what_is_neither_file_nor_folder_is_one_problem(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jsonl")
    assert codes(problems_in(tmp_path / "pipe.jsonl")) == ["not-a-file"]
    assert names_in(tmp_path) == []


def test_a_folder_that_cannot_be_opened_is_one_problem_and_the_rest_is_read(tmp_path: Path) -> None:
    touched(tmp_path / "a" / "log.jsonl")
    touched(tmp_path / "b" / "log.jsonl")
    touched(tmp_path / "c" / "log.jsonl")
    found = find_files([tmp_path])
    first = next(found)
    shutil.rmtree(tmp_path / "b")  # gone since the walk began; works for root too, whom no permission stops
    rest = list(found)
    assert [item.path.parent.name for item in [first, *rest] if isinstance(item, Found)] == ["a", "c"]
    assert codes([item for item in rest if isinstance(item, Problem)]) == ["unreadable-file"]


def test_a_configuration_folder_stands_for_its_transcripts(tmp_path: Path) -> None:
    home = tmp_path / ".claude"
    touched(home / "projects" / "p" / "s.jsonl")
    touched(home / "settings.json")
    touched(home / "todos" / "t.json")
    assert names_in(home) == ["s.jsonl"]


def test_claude_code_is_found_where_it_keeps_its_transcripts(tmp_path: Path) -> None:
    for place in (".claude/projects", ".config/claude/projects", "other/projects", "third"):
        (tmp_path / place).mkdir(parents=True)
    (tmp_path / "third" / "projects").mkdir()
    home = tmp_path.resolve()
    assert claude_code_folders(home) == [home / ".config/claude/projects", home / ".claude/projects"]
    several = f"{home / 'other'}, {home / 'third' / 'projects'},{home / 'none'}"
    assert claude_code_folders(home, several) == [home / "other/projects", home / "third/projects"]


def test_what_baseload_wrote_itself_is_no_usage(tmp_path: Path) -> None:
    report = tmp_path / "report"
    report.mkdir()
    (report / "map.json").write_text('{\n  "schema": "baseload.map/1",\n  "title": "x"}')
    for name in ("workloads.csv", "days.csv", "mine.jsonl"):
        (report / name).write_text("x")
    (tmp_path / "planted.json").write_text('{"schema":"baseload.planted/1"}')
    (tmp_path / "days.csv").write_text("x")  # no map beside it: the user's
    (tmp_path / "usage.json").write_text('{"schema": "other"}')
    found = [item.path.relative_to(tmp_path).as_posix() for item in find_files([tmp_path]) if isinstance(item, Found)]
    assert found == ["days.csv", "report/mine.jsonl", "usage.json"]
