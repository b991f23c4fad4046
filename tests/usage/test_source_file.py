"""Files as readers see them: whatever is wrong with one costs one problem, and what is before it is read."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from usage_reading import codes

from baseload.usage.expand import LIMITS, PIECE_BYTES, Limits
from baseload.usage.reader import Line
from baseload.usage.source_file import BadFile, LocalFile
from baseload.values import Problem


def written(folder: Path, data: bytes, name: str = "a.jsonl") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def lines_of(path: Path, **options: object) -> tuple[list[bytes], list[Problem], LocalFile]:
    file = LocalFile(path, **options)  # type: ignore[arg-type]  # one helper for all options
    found = list(file.lines())
    file.close()
    return [x.data for x in found if isinstance(x, Line)], [x for x in found if isinstance(x, Problem)], file


def test_lines_know_their_row_and_the_offset_of_their_first_byte(tmp_path: Path) -> None:
    file = LocalFile(written(tmp_path, b"ab\n\ncd\r\nef"))
    assert list(file.lines()) == [Line(1, 0, b"ab"), Line(2, 3, b""), Line(3, 4, b"cd"), Line(4, 8, b"ef")]
    file.close()


def test_a_last_line_without_an_end_is_read_now_and_again_next_time(tmp_path: Path) -> None:
    path = written(tmp_path, b"ab\ncd")
    lines, _, file = lines_of(path)
    assert (lines, file.end_offset, file.rows) == ([b"ab", b"cd"], 3, 1)
    path.write_bytes(b"ab\ncdef\ngh\n")
    lines, _, file = lines_of(path, start=file.end_offset, rows=file.rows)
    assert (lines, file.end_offset, file.rows) == ([b"cdef", b"gh"], 11, 3)


@given(st.lists(st.binary(max_size=40).filter(lambda line: b"\n" not in line and b"\r" not in line), max_size=20))
def test_reading_on_from_any_line_gives_the_rest_of_the_file(
    tmp_path_factory: pytest.TempPathFactory, texts: list[bytes]
) -> None:
    texts = [b"x" + text.decode("ascii", "ignore").replace("\0", "").encode() for text in texts]
    path = written(tmp_path_factory.mktemp("f"), b"".join(text + b"\n" for text in texts))
    for skipped in range(len(texts)):
        start = sum(len(text) + 1 for text in texts[:skipped])
        lines, _, file = lines_of(path, start=start, rows=skipped)
        assert lines == texts[skipped:]
        assert file.rows == len(texts)


def test_blocks_hold_every_byte_once_however_large_the_file(tmp_path: Path) -> None:
    data = b"".join(b"%06d" % number + b"x" * 5_000 + b"\n" for number in range(3 * PIECE_BYTES // 5_000))
    file = LocalFile(written(tmp_path, data + b"tail"))
    blocks = list(file.blocks())
    assert b"".join(block.data for block in blocks) == data + b"tail"
    assert [data[: block.offset].count(b"\n") + 1 for block in blocks] == [block.row for block in blocks]
    assert file.row_at(len(data)) == data.count(b"\n") + 1
    file.close()


def test_gzip_is_opened_whatever_the_name_with_all_its_members(tmp_path: Path) -> None:
    path = written(tmp_path, gzip.compress(b"a\n") + gzip.compress(b"b\n"), "log.json")
    lines, problems, file = lines_of(path)
    assert (lines, problems, file.plain) == ([b"a", b"b"], [], False)


@pytest.mark.parametrize("size", [1, PIECE_BYTES, PIECE_BYTES * 3 + 7])
def test_a_whole_gzip_file_of_any_size_is_no_problem(tmp_path: Path, size: int) -> None:
    lines, problems, _ = lines_of(written(tmp_path, gzip.compress(b"x" * size, 1), "a.gz"))
    assert (sum(map(len, lines)), problems) == (size, [])


def test_a_cut_gzip_file_gives_its_start_and_one_problem(tmp_path: Path) -> None:
    whole = gzip.compress(b"".join(b"%d %d\n" % (number, number * 7919 % 1_000_003) for number in range(20_000)))
    lines, problems, _ = lines_of(written(tmp_path, whole[: len(whole) // 2], "a.gz"))
    assert lines[0] == b"0 0"
    assert 1_000 < len(lines) < 20_000
    assert [(p.code, p.row) for p in problems] == [("truncated-gzip", 0)]
    assert problems[0].expected
    assert problems[0].next_step


def test_damaged_gzip_data_is_one_problem(tmp_path: Path) -> None:
    whole = bytearray(gzip.compress(b"".join(b"%d\n" % (number * 7919) for number in range(5_000))))
    whole[len(whole) // 2] ^= 0xFF
    _, problems, _ = lines_of(written(tmp_path, bytes(whole), "a.gz"))
    assert codes(problems) == ["bad-gzip"]


def test_a_zip_bomb_is_stopped_with_one_problem(tmp_path: Path) -> None:
    # 40 MB of zeros become about 40 KB: a thousand to one
    path = written(tmp_path, gzip.compress(b"0" * 40_000_000), "a.gz")
    limits = Limits(expanded_free=1_000_000, expanded_ratio=100, line_bytes=100_000_000)
    _, problems, _ = lines_of(path, limits=limits)
    assert codes(problems) == ["zip-bomb"]
    assert LIMITS.expanded_ratio < 1_000


def test_a_line_over_the_limit_is_one_problem_and_the_next_lines_are_read(tmp_path: Path) -> None:
    path = written(tmp_path, b"first\n" + b"x" * 300 + b"\nlast\n")
    lines, problems, _ = lines_of(path, limits=Limits(line_bytes=200))
    assert lines == [b"first", b"last"]
    assert [(p.code, p.row) for p in problems] == [("line-too-long", 2)]


def test_a_line_of_many_megabytes_is_never_held_in_memory(tmp_path: Path) -> None:
    path = written(tmp_path, b"first\n" + b"x" * (5 * PIECE_BYTES) + b"\nlast\n" + b"y" * (3 * PIECE_BYTES))
    lines, problems, file = lines_of(path, limits=Limits(line_bytes=PIECE_BYTES))
    assert lines == [b"first", b"last"]
    assert [(p.code, p.row) for p in problems] == [("line-too-long", 2), ("line-too-long", 4)]
    assert file.rows == 3


def test_a_line_may_hold_what_the_api_takes_and_its_answer() -> None:
    assert LIMITS.line_bytes == 48 * 1024 * 1024


def test_a_line_of_10_mb_is_read_whole(tmp_path: Path) -> None:
    line = b"x" * 10_485_761
    lines, problems, file = lines_of(written(tmp_path, b"first\n" + line + b"\nlast\n"))
    assert (lines == [b"first", line, b"last"], problems, file.rows) == (True, [], 3)
    assert file.end_offset == 6 + 10_485_762 + 5


def test_a_line_beyond_the_limit_says_that_its_dollars_are_missing(tmp_path: Path) -> None:
    _, [problem], _ = lines_of(written(tmp_path, b"x" * 201 + b"\n"), limits=Limits(line_bytes=200))
    assert "the dollars of its call are missing" in problem.message


def test_a_byte_order_mark_is_no_part_of_the_first_line(tmp_path: Path) -> None:
    lines, problems, file = lines_of(written(tmp_path, b"\xef\xbb\xbf{}\n"))
    assert (lines, problems, file.plain) == ([b"{}"], [], False)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_read_and_said_once(tmp_path: Path, encoding: str) -> None:
    lines, problems, _ = lines_of(written(tmp_path, '{"a":"é"}\n{"b":2}\n'.encode(encoding)))
    assert lines == ['{"a":"é"}'.encode(), b'{"b":2}']
    assert codes(problems) == ["wrong-encoding"]


def test_bytes_that_are_no_utf_8_are_replaced_and_said_once(tmp_path: Path) -> None:
    lines, problems, _ = lines_of(written(tmp_path, b"plain\ncaf\xe9\n\xe9t\xe9\n"))
    assert lines == [b"plain", "caf\ufffd".encode(), "\ufffdt\ufffd".encode()]
    assert [(p.code, p.row) for p in problems] == [("wrong-encoding", 2)]


def test_a_whole_file_past_its_limit_is_refused_before_it_is_in_memory(tmp_path: Path) -> None:
    file = LocalFile(written(tmp_path, b"x" * 1_000), limits=Limits(whole_bytes=999))
    with pytest.raises(BadFile) as caught:
        file.data()
    file.close()
    assert caught.value.fault.code == "file-too-large"


def test_a_whole_file_that_is_cut_is_refused(tmp_path: Path) -> None:
    file = LocalFile(written(tmp_path, gzip.compress(b"{}")[:-4], "a.json.gz"))
    with pytest.raises(BadFile) as caught:
        file.data()
    file.close()
    assert caught.value.fault.code == "truncated-gzip"


def test_the_digest_stays_when_the_file_grows_and_tells_files_apart(tmp_path: Path) -> None:
    path = written(tmp_path, b"one\ntwo\n")
    before = digest(path)
    path.write_bytes(b"one\ntwo\nthree\n")
    assert digest(path) == before
    assert digest(written(tmp_path, b"other\n", "b.jsonl")) != before


def digest(path: Path) -> str:
    file = LocalFile(path)
    value = file.digest
    file.close()
    return value


def test_siblings_are_those_of_the_same_folder_and_below_never_above(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    (folder / "data").mkdir(parents=True)
    (tmp_path / "secret.json").write_bytes(b"secret")
    (folder / "data" / "body.json.gz").write_bytes(gzip.compress(b"body"))
    (folder / "link.json").symlink_to(tmp_path / "secret.json")
    file = LocalFile(written(folder, b"{}\n"))
    assert file.sibling("data/body.json.gz") == b"body"
    assert file.sibling("link.json") is None
    assert file.sibling("../secret.json") is None
    assert file.sibling(str(tmp_path / "secret.json")) is None
    assert file.sibling("none.json") is None
    assert file.sibling("\0") is None
    assert file.siblings(".jsonl") == ["a.jsonl"]


def test_a_loop_of_links_beside_a_file_is_no_sibling(tmp_path: Path) -> None:
    (tmp_path / "x").symlink_to(tmp_path / "y")
    (tmp_path / "y").symlink_to(tmp_path / "x")
    assert LocalFile(written(tmp_path, b"")).sibling("x") is None
