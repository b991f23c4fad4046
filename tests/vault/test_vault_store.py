"""The vault: what it keeps is sealed, capped, and gone when forgotten."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baseload.errors import LedgerLocked
from baseload.ledger.lock import WriterLock
from baseload.vault.body import Body
from baseload.vault.faults import VaultError, VaultKeyError, VaultTampered
from baseload.vault.frame import START, Entry, sealed
from baseload.vault.key import VaultKey
from baseload.vault.store import Caps, Stored, Vault

KEY = VaultKey(bytes(range(32)))
SECRET = "Frau Schmidt zahlt nicht"


def entry(call: str, workload: str = "w-a", user: str = "u-1") -> Entry:
    return Entry(call_id=call, day=0, workload=workload, user_id=user)


def body(text: str = SECRET) -> Body:
    return Body(request={"messages": [{"role": "user", "content": text}]}, response={"content": text})


def vault(tmp_path: Path, **caps: int) -> Vault:
    return Vault.open(tmp_path / "vault", KEY, create=True, caps=Caps(**caps))


def files(opened: Vault) -> list[Path]:
    return sorted(opened.root.glob("*.vault"))


def on_disk(opened: Vault) -> bytes:
    return b"".join(path.read_bytes() for path in opened.root.rglob("*") if path.is_file())


def test_what_is_stored_is_read_again(tmp_path: Path) -> None:
    opened = vault(tmp_path)
    assert opened.store([(entry("a"), body("one")), (entry("b"), body("two"))], 100) == Stored(
        stored=2, known=0, expired=0, pushed_out=0
    )
    again = Vault.open(opened.root, KEY)
    assert again.read("b", 100) == body("two")
    assert again.read("c", 100) is None


def test_a_call_is_stored_once_within_and_across_runs(tmp_path: Path) -> None:
    opened = vault(tmp_path)
    assert opened.store([(entry("a"), body("one")), (entry("a"), body("two"))], 100).known == 1
    assert opened.store([(entry("a"), body("three"))], 101).known == 1
    assert opened.read("a", 101) == body("one")


def test_no_text_lies_on_disk_and_nobody_else_may_read_the_files(tmp_path: Path) -> None:
    opened = vault(tmp_path)
    opened.store([(entry("a"), body())], 100)
    data = on_disk(opened)
    assert SECRET.encode() not in data
    assert b"messages" not in data
    assert b'"workload":"w-a"' in data  # the index is ids and fingerprints
    assert {stat.S_IMODE(path.stat().st_mode) for path in files(opened)} == {0o600}
    assert stat.S_IMODE(opened.root.stat().st_mode) == 0o700


def test_another_key_is_told_at_once_and_no_key_only_lists(tmp_path: Path) -> None:
    opened = vault(tmp_path)
    opened.store([(entry("a"), body())], 100)
    with pytest.raises(VaultKeyError, match="another key"):
        Vault.open(opened.root, VaultKey(b"x" * 32))
    keyless = Vault.open(opened.root, None)
    assert [found.call_id for found in keyless.entries] == ["a"]
    with pytest.raises(VaultKeyError, match="needs its key"):
        keyless.read("a", 100)
    with pytest.raises(VaultKeyError, match="needs its key"):
        keyless.store([], 100)


@pytest.mark.parametrize("day", [129, 130, 131])
def test_a_body_of_30_days_is_gone_even_where_nobody_expired_it(tmp_path: Path, day: int) -> None:
    opened = vault(tmp_path)
    opened.store([(entry("a"), body())], 100)
    assert (opened.read("a", day) is None) == (day >= 130)


def test_storing_expires_what_is_old_and_takes_it_off_the_disk(tmp_path: Path) -> None:
    opened = vault(tmp_path, days=7)
    opened.store([(entry("a"), body())], 100)
    opened.store([(entry("b"), body())], 103)
    assert opened.store([(entry("c"), body())], 107).expired == 1
    assert sorted(found.call_id for found in opened.entries) == ["b", "c"]
    assert b'"a"' not in on_disk(opened)


def test_the_size_cap_holds_after_every_store_and_the_oldest_go_first(tmp_path: Path) -> None:
    frame = len(sealed(entry("000"), body(), KEY))
    cap = 20 * frame
    opened = vault(tmp_path, total_bytes=cap)
    pushed_out = 0
    for number in range(60):
        pushed_out += opened.store([(entry(f"{number:03d}"), body())], 100).pushed_out
        assert sum(path.stat().st_size for path in files(opened)) <= cap
    kept = sorted(found.call_id for found in opened.entries)
    assert kept == [f"{number:03d}" for number in range(60 - len(kept), 60)]
    assert pushed_out + len(kept) == 60
    assert len(kept) >= 17  # a file holds two: an eighth of the cap; at most one file too many goes


def test_a_body_beyond_the_cap_is_one_problem_and_nothing_goes_for_it(tmp_path: Path) -> None:
    opened = vault(tmp_path, total_bytes=2_000)
    found = opened.store([(entry("small"), body("x")), (entry("large"), body("x" * 3_000))], 100)
    assert [problem.code for problem in found.problems] == ["vault-record-too-large"]
    assert [kept.call_id for kept in opened.entries] == ["small"]


def test_forgotten_bytes_are_gone_from_disk_and_the_rest_stays(tmp_path: Path) -> None:
    opened = vault(tmp_path)
    opened.store([(entry("a", "w-a"), body("one")), (entry("b", "w-b"), body("two")), (entry("c"), body("six"))], 100)
    data = files(opened)[0].read_bytes()
    [place] = [frame for path, frame in opened._places.values() if frame.entry.call_id == "b"]
    box = data[place.box_offset : place.end]

    done = opened.forget(lambda found: found.workload == "w-b")
    assert (done.records, done.bytes, done.unreadable_bytes) == (1, place.end - place.offset, 0)
    left = on_disk(opened)
    assert box not in left
    assert b"w-b" not in left
    assert (opened.read("a", 100), opened.read("b", 100), opened.read("c", 100)) == (body("one"), None, body("six"))


def test_forgetting_needs_no_key_and_forgetting_all_leaves_no_file(tmp_path: Path) -> None:
    opened = vault(tmp_path)
    opened.store([(entry("a"), body()), (entry("b"), body())], 100)
    keyless = Vault.open(opened.root, None)
    assert keyless.forget(lambda _: True).records == 2
    assert files(opened) == []
    assert opened.read("a", 100) is None  # a vault that was open sees it too


@pytest.mark.parametrize("place", ["head", "box", "magic"])
def test_a_changed_byte_never_gives_a_body(tmp_path: Path, place: str) -> None:
    opened = vault(tmp_path)
    opened.store([(entry("a"), body())], 100)
    path = files(opened)[0]
    data = bytearray(path.read_bytes())
    at = {"head": data.index(b"w-a"), "box": len(data) - 5, "magic": 0}[place]
    data[at] ^= 1
    path.write_bytes(data)
    again = Vault.open(opened.root, KEY)
    if place == "magic":
        assert again.read("a", 100) is None
        assert [problem.code for problem in again.problems()] == ["vault-unreadable"]
    else:
        with pytest.raises(VaultTampered, match="seal"):
            again.read("a", 100)


def test_a_body_cannot_be_passed_off_as_another_calls(tmp_path: Path) -> None:
    opened = vault(tmp_path)
    opened.store([(entry("a"), body("one")), (entry("b"), body("two"))], 100)
    path = files(opened)[0]
    first, second = (frame for _, frame in opened._places.values())
    data = path.read_bytes()
    swapped = (
        data[: first.box_offset] + data[second.box_offset : second.end]
        + data[second.offset : second.box_offset] + data[first.box_offset : first.end]
    )  # fmt: skip
    path.write_bytes(swapped)
    with pytest.raises(VaultTampered):
        Vault.open(opened.root, KEY).read("a", 100)


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_a_write_cut_anywhere_loses_that_record_alone(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    opened = vault(tmp_path_factory.mktemp("cut"))
    opened.store([(entry("a"), body())], 100)
    whole = files(opened)[0].stat().st_size
    opened.store([(entry("b"), body())], 100)
    path = files(opened)[0]
    end = data.draw(st.integers(whole, path.stat().st_size - 1))
    os.truncate(path, end)

    again = Vault.open(opened.root, KEY)
    assert [found.call_id for found in again.entries] == ["a"]
    assert [problem.code for problem in again.problems()] == ([] if end == whole else ["vault-torn"])
    again.store([(entry("b"), body("again"))], 100)
    assert again.read("a", 100) == body()
    assert again.read("b", 100) == body("again")
    assert again.forget(lambda found: found.call_id == "x").unreadable_bytes == end - whole
    assert (again.problems(), len(again.entries)) == ([], 2)


def test_a_killed_rewrite_leaves_nothing_behind_after_the_next_write(tmp_path: Path) -> None:
    opened = vault(tmp_path)
    opened.store([(entry("a"), body())], 100)
    left = files(opened)[0].with_suffix(".tmp")
    left.write_bytes(files(opened)[0].read_bytes())
    opened.forget(lambda found: found.call_id == "a")
    assert not left.exists()
    assert b'"a"' not in on_disk(opened)


def test_a_process_killed_while_it_stores_leaves_whole_records_only(tmp_path: Path) -> None:
    program = f"""
import sys; sys.path[:0] = {sys.path!r}
from pathlib import Path
from baseload.vault.store import Vault; from baseload.vault.key import VaultKey
from baseload.vault.frame import Entry; from baseload.vault.body import Body
vault = Vault.open(Path({str(tmp_path / "vault")!r}), VaultKey(bytes(range(32))), create=True)
number = 0
while True:
    vault.store([(Entry(call_id=str(number), day=0), Body(request={{"n": number}}))], 100)
    print(number, flush=True); number += 1
"""
    running = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert running.stdout is not None
    said = [int(running.stdout.readline()) for _ in range(30)]
    running.kill()
    said += [int(line) for line in running.stdout.read().splitlines()]
    running.stdout.close()
    running.wait(timeout=10)
    opened = Vault.open(tmp_path / "vault", KEY)
    assert {str(number) for number in said} <= {found.call_id for found in opened.entries}
    assert all(opened.read(str(number), 100) == Body(request={"n": number}) for number in said)


def test_one_process_writes_at_a_time(tmp_path: Path) -> None:
    opened = vault(tmp_path)
    lock = WriterLock(opened.root)
    with pytest.raises(LedgerLocked):
        opened.store([], 100)
    lock.release()
    assert opened.store([], 100).stored == 0


def test_a_folder_that_is_no_vault_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VaultError, match="no vault"):
        Vault.open(tmp_path / "none", KEY)
    with pytest.raises(VaultKeyError, match="needs a key"):
        Vault.open(tmp_path / "none", None, create=True)
    (tmp_path / "vault.json").write_text('{"version": 2, "check": "00"}')
    with pytest.raises(VaultError, match="version 2"):
        Vault.open(tmp_path, KEY)
    (tmp_path / "vault.json").write_text("[]")
    with pytest.raises(VaultError, match="mark"):
        Vault.open(tmp_path, KEY)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=80))
def test_any_bytes_for_a_file_are_problems_never_exceptions(
    tmp_path_factory: pytest.TempPathFactory, junk: bytes
) -> None:
    opened = vault(tmp_path_factory.mktemp("junk"))
    (opened.root / "0000000001-1.vault").write_bytes(junk)
    again = Vault.open(opened.root, KEY)
    assert again.entries == ()
    assert len(again.problems()) == (1 if junk else 0)
    assert again.store([(entry("a"), body())], 1).stored == 1


def test_a_head_that_claims_a_huge_box_reads_nothing_past_the_file(tmp_path: Path) -> None:
    opened = vault(tmp_path)
    (opened.root / "0000000001-1.vault").write_bytes(START.pack(b"BLV1", 10, 2**32 - 1) + b"{}")
    assert [problem.code for problem in Vault.open(opened.root, KEY).problems()] == ["vault-torn"]
