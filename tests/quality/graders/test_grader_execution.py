"""Code, SQL and customers' own graders: run, bounded, walled in."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from baseload.errors import UsageError
from baseload.quality.graders import sandbox
from baseload.quality.graders.answers import Answer, Asked
from baseload.quality.graders.code import CodeGrader
from baseload.quality.graders.grader import Grade, difference, graded
from baseload.quality.graders.plugin import PluginGrader
from baseload.quality.graders.sandbox import MAIN, WALLS, Bounds, Finished, run, walls
from baseload.quality.graders.sql import SqlGrader

ASKED = Asked(call_id="c", request={"x": 1})
BOUNDS = Bounds(seconds=5, accept_weaker=True)
TEST = "assert add(2, 2) == 4"


def grade(grader: Any, text: str, reference: Any) -> Grade:
    return graded(grader, ASKED, Answer(text=text), reference)


def needs(wall: str) -> None:
    if wall not in walls():
        pytest.skip(f"this machine has no wall of kind {wall}")


def say(code: str, **bounds: Any) -> Finished:
    return run({MAIN: code}, Bounds(**({"seconds": 5, "accept_weaker": True} | bounds)))


# the sandbox


def test_no_secret_of_the_environment_is_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-secret")
    said = say("import os; print(sorted(os.environ))").output.decode()
    assert "ANTHROPIC" not in said
    assert "PATH" in said


def test_it_writes_in_its_own_folder_only(tmp_path: Path) -> None:
    needs("files")
    (tmp_path / "mine").write_text("private")
    tried = f"""
open("here", "w").write("ok"); print(open("here").read())
for path, how in (({str(tmp_path / "new")!r}, "w"), ({str(tmp_path / "mine")!r}, "r"), ("/etc/passwd", "r")):
    try: open(path, how); print("opened")
    except PermissionError: print("refused")
"""
    assert say(tried).output.decode().split() == ["ok", "refused", "refused", "refused"]
    assert not (tmp_path / "new").exists()


def test_it_has_no_network() -> None:
    needs("network")
    tried = """
import socket
for kind, address in ((socket.SOCK_STREAM, ("127.0.0.1", 9)), (socket.SOCK_DGRAM, ("192.0.2.1", 53))):
    try:
        with socket.socket(socket.AF_INET, kind) as s: s.settimeout(1); s.connect(address); print("out")
    except OSError as error: print(type(error).__name__)
"""
    assert "out" not in say(tried).output.decode().split()


@pytest.mark.parametrize("code", ["while True: pass", "import time; time.sleep(60)", "import signal; signal.pause()"])
def test_it_ends_when_its_time_is_up(code: str) -> None:
    began = time.monotonic()
    assert say(code, seconds=0.5).code is None
    assert time.monotonic() - began < 3


def test_memory_files_and_processes_are_bounded() -> None:
    assert say("x = bytearray(1 << 30)", memory_bytes=256 << 20).code != 0
    assert say("open('x', 'wb').write(b'x' * (1 << 20))", file_bytes=1 << 16).code != 0
    assert len(say("while True: print('x' * 1000)", file_bytes=1 << 20, output_bytes=100).output) == 100


FORKS = """
import os, time
started = 0
for _ in range(200):
    try:
        if os.fork() == 0: time.sleep(60); os._exit(0)
        started += 1
    except OSError: pass
print(started)
"""


def test_no_more_processes_start_than_the_bound() -> None:
    needs("processes")
    assert 0 < int(say(FORKS, seconds=30, processes=32).output) < 32


def test_under_root_the_code_is_another_user_with_every_wall() -> None:
    if os.geteuid() != 0:
        pytest.skip("this is not root")
    needs("network")  # where root may make no namespaces, nothing more is claimed
    assert "processes" in walls()
    assert run({MAIN: "import os; print(*os.getresuid(), *os.getgroups())"}, BOUNDS).output.split().count(b"0") == 0


def test_many_small_files_have_a_bound_together() -> None:
    if not sandbox._way().disk:
        pytest.skip("this machine gives no file system of the run's own")
    tried = """
written = 0
try:
    for name in range(40):
        with open(f"f{name}", "wb", buffering=0) as file: written += file.write(bytes(1 << 16))
except OSError: pass
print(written)
"""
    assert int(say(tried, disk_bytes=1 << 20, file_bytes=1 << 17).output) in range(1 << 19, (1 << 20) + 1)


def test_a_machine_without_walls_is_refused_unless_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "walls", lambda: ("limits",))
    monkeypatch.setattr(sandbox, "_way", sandbox._Way)
    with pytest.raises(UsageError, match="network, processes, files"):
        run({MAIN: "print(1)"}, Bounds())
    done = run({MAIN: "print(1)"}, BOUNDS)
    assert (done.output, done.walls) == (b"1\n", ("limits",))


def test_a_sandbox_that_cannot_be_set_up_is_an_error_and_no_score(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "_readable", lambda: [["no path"]])  # the child fails before the code begins
    with pytest.raises(UsageError, match="set up"):
        say("print(1)")
    assert set(walls()) <= set(WALLS)


# code


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("def add(a, b): return a + b", 1),
        ("```python\ndef add(a, b):\n    return a + b\n```", 1),
        ("def add(a, b): return a - b", 0),
        ("def add(a, b", 0),
        ("import sys; sys.exit(0)", 0),
        ("import os; os._exit(0)", 0),
        ("print('0'); print('passed'); raise SystemExit", 0),
        ("def add(a, b):\n    while True: pass", 0),
    ],
)
def test_code_scores_by_its_tests_and_by_nothing_it_says(text: str, score: int) -> None:
    found = grade(CodeGrader(bounds=Bounds(seconds=1, accept_weaker=True)), text, TEST)
    assert (found.score, found.fault) == (score, "")
    assert "limits" in found.reason


def test_the_word_cannot_be_read_again_from_standard_input() -> None:
    text = """import os
try: os.lseek(0, 0, 0); word = os.read(0, 64).split()[0]
except (OSError, IndexError): word = b""
for fd in range(1, 20):
    try: os.write(fd, b"\\n" + word + b" 0\\n")
    except OSError: pass
"""
    assert grade(CodeGrader(bounds=BOUNDS), text.replace("\\\\", "\\"), TEST).score == 0


@pytest.mark.parametrize(
    "search",
    [
        "frames = [sys._getframe(1)]",
        "frames = list(sys._current_frames().values())",
        "frames = []; found = [one for one in gc.get_objects() if callable(one)]",
    ],
)
def test_the_word_is_in_no_frame_and_no_object_that_an_answer_can_list(search: str) -> None:
    text = f"""
import gc, os, sys
found = []
try:
    {search}
except Exception: frames = []
while frames and len(frames) < 50 and frames[-1].f_back: frames.append(frames[-1].f_back)
for frame in frames: found += [*frame.f_globals.values(), *frame.f_locals.values()]
for one in list(found):
    for cell in getattr(one, "__closure__", None) or ():
        try: found.append(cell.cell_contents)
        except ValueError: pass
    found.append(getattr(one, "__code__", None))
words = [one.encode() if isinstance(one, str) else one for one in found if isinstance(one, (str, bytes))]
for word in words:
    for fd in range(1, 20):
        try: os.write(fd, b"\\n" + word + b" 0\\n")
        except OSError: pass
for one in found:
    try: one("test passed", 0)
    except BaseException: pass
"""
    assert grade(CodeGrader(bounds=BOUNDS), text, TEST).score == 0


def test_shares_of_tests_and_tests_that_both_fail() -> None:
    tests = [TEST, "assert add('a', 'b') == 'ab'", "assert add(1, None) == 1"]
    text = "def add(a, b): return a + b"
    assert grade(CodeGrader(bounds=BOUNDS, score="share"), text, tests).score == pytest.approx(2 / 3)
    assert grade(CodeGrader(bounds=BOUNDS), text, tests).score == 0
    pair = difference(CodeGrader(bounds=BOUNDS), ASKED, Answer(text="add = 1"), Answer(text="add = 2"), TEST)
    assert (pair.d, pair.how) == (0, "graded")
    assert CodeGrader().same(Answer(text="a=1 # x"), Answer(text="a = 1"))
    with pytest.raises(UsageError, match="test"):
        grade(CodeGrader(bounds=BOUNDS), text, None)


# SQL


FIXTURE = "CREATE TABLE t(a INTEGER, b TEXT, c REAL); INSERT INTO t VALUES (1,'x',0.1),(2,'y',0.2),(2,NULL,0.3);"
RIGHT = "SELECT a, b FROM t WHERE a = 2"


@pytest.fixture(scope="module")
def sql() -> SqlGrader:
    return SqlGrader(FIXTURE, bounds=BOUNDS)


@pytest.mark.parametrize(
    ("query", "reference", "score"),
    [
        ("select a as n, b from t where not a <> 2", RIGHT, 1),
        ("SELECT a, b FROM t WHERE a = 2 ORDER BY b DESC;", RIGHT, 1),
        ("SELECT b, a FROM t WHERE a = 2", RIGHT, 0),
        ("SELECT a, b FROM t", RIGHT, 0),
        ("SELECT a FROM t ORDER BY a DESC", "SELECT a FROM t ORDER BY a", 0),
        ("SELECT c*3 FROM t WHERE a=1", "SELECT 0.3", 1),
        ("SELECT nope FROM t", RIGHT, 0),
        ("DELETE FROM t", RIGHT, 0),
        ("ATTACH DATABASE 'x.db' AS x", RIGHT, 0),
        ("PRAGMA writable_schema=1", RIGHT, 0),
        ("SELECT 1; SELECT 2", "SELECT 1", 0),
        ("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n) SELECT i FROM n", RIGHT, 0),
        ("", RIGHT, 0),
    ],
)
def test_sql_scores_by_its_rows(sql: SqlGrader, query: str, reference: str, score: int) -> None:
    found = grade(sql, query, reference)
    assert (found.score, found.fault) == (score, "")


@pytest.mark.parametrize(
    "query", ["DELETE FROM t", "ATTACH DATABASE ':memory:' AS x", "PRAGMA user_version=1", "CREATE TABLE u(a)"]
)
def test_sql_may_only_read(sql: SqlGrader, query: str) -> None:
    assert grade(sql, query, RIGHT).reason == "the query does not run: DatabaseError"


def test_sql_set_up_wrongly_is_an_error(sql: SqlGrader) -> None:
    with pytest.raises(UsageError, match="right query"):
        grade(sql, RIGHT, "SELECT nope FROM t")
    with pytest.raises(UsageError, match="fixture"):
        grade(SqlGrader("CREATE nonsense", bounds=BOUNDS), RIGHT, RIGHT)


def test_the_same_words_are_the_same_query(sql: SqlGrader) -> None:
    assert sql.same(Answer(text="select A from t -- why\n;"), Answer(text="SELECT  a FROM T"))
    assert not sql.same(Answer(text="select 'A'"), Answer(text="select 'a'"))


# plug-ins


PLUGIN = """
import os, time
def grade(call, output, reference):
    print("noise on standard output")
    text = output["text"]
    if text == "raise": raise KeyError("secret")
    if text == "sleep": time.sleep(30)
    if text == "exit": os._exit(3)
    if text == "odd": return object()
    if text == "none": return None
    if text == "high": return 1.5
    if text == "true": return True
    if text == "full": return {"score": 0.5, "reason": "half", "usd": "0.25"}
    return float(reference == text and call["call_id"] == "c")
"""


@pytest.fixture
def plugin(tmp_path: Path) -> Iterator[PluginGrader]:
    (tmp_path / "my_graders.py").write_text(PLUGIN)
    with PluginGrader("my_graders:grade", folder=tmp_path, seconds=1.0) as found:
        yield found


def test_a_customers_grader_scores(plugin: PluginGrader) -> None:
    assert [grade(plugin, text, "yes").score for text in ("yes", "no")] == [1, 0]
    full = grade(plugin, "full", None)
    assert (full.score, full.reason, str(full.usd)) == (0.5, "half", "0.25")
    assert plugin.id == "plugin my_graders:grade"


@pytest.mark.parametrize("text", ["raise", "sleep", "exit", "odd", "none", "high", "true"])
def test_its_faults_score_zero_with_a_reason_and_the_next_call_is_graded(plugin: PluginGrader, text: str) -> None:
    found = grade(plugin, text, "yes")
    assert found.score == 0
    assert found.fault
    assert "secret" not in repr(found)
    assert grade(plugin, "yes", "yes").score == 1


@pytest.mark.parametrize("path", ["my_graders:nothing", "no_such_module:grade", "my_graders", "my_graders:grade()", ""])
def test_a_grader_that_is_not_there_is_refused(tmp_path: Path, path: str) -> None:
    (tmp_path / "my_graders.py").write_text(PLUGIN)
    with pytest.raises(UsageError):
        PluginGrader(path, folder=tmp_path)
