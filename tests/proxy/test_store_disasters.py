"""What befalls a store: its process is killed, its file is damaged, its disk is full, four processes write at once."""

from __future__ import annotations

import contextlib
import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from feedclean.errors import StoreError
from feedclean.proxy.store import Store
from tests.proxy.stores import Clock, body, label, pin, row, state

ROOT = Path(__file__).parents[2]
URL = "https://x.example/feed"
FILES = ("store.db", "store.db-wal", "store.db-shm")


def sound(path: Path) -> bool:
    with closing(sqlite3.connect(path)) as connection:
        return bool(connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)])


# ── Killed ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("rounds", "each"), [pytest.param(20, 0.25), pytest.param(200, 0.5, marks=pytest.mark.slow)], ids=["few", "many"]
)
def test_what_was_acknowledged_survives_kill_9(tmp_path: Path, rounds: int, each: float) -> None:
    """Validators, ledger, labels and pins of every acknowledged turn are there, and the file is sound."""
    path, chance = tmp_path / "store.db", random.Random(7)  # noqa: S311 - no secret
    command = [sys.executable, "-m", "tests.proxy.store_writer"]
    acknowledged: list[str] = []
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as nursery:
        assert nursery.stdin
        assert nursery.stdout
        for number in range(rounds):
            nursery.stdin.write(f"{path} {number}\n")
            nursery.stdin.flush()
            child = int(nursery.stdout.readline().split()[1])
            first = nursery.stdout.readline()
            time.sleep(chance.random() * each)
            os.kill(child, signal.SIGKILL)
            told = [first, *iter(nursery.stdout.readline, "ended\n")]
            assert all(line.startswith("done ") for line in told if line.endswith("\n")), told
            acknowledged += [line.split()[1] for line in told if line.endswith("\n")]
            if number % 10 == 9:
                check(path, acknowledged)
                acknowledged = acknowledged[-50:]
        nursery.stdin.close()
    check(path, acknowledged)
    assert acknowledged
    assert not list(tmp_path.glob("*.broken*"))


def check(path: Path, acknowledged: list[str]) -> None:
    with closing(Store(str(path), clock=time.time)) as store:
        for name in acknowledged:
            kept = store.state(f"https://{name}.example/")
            assert kept is not None, name
            content = store.body(f"https://{name}.example/")
            assert kept.validators.etag == (name if content else None)  # forgotten with its body, when that is dropped
            assert store.ledger(name, 1) == [row(name, block=name.partition("-")[0])]
        assert len(store.labels(acknowledged)) == len(store.pins(acknowledged)) == len(set(acknowledged))
        shared = store.state("https://shared.example/")
        content = store.body("https://shared.example/")
        assert shared is not None
        if content is not None:  # state and body are of one transaction
            assert content.content == (shared.validators.etag or "").encode() * 2000
    assert sound(path)


# ── Four at once ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_four_processes_write_and_none_is_told_that_it_is_locked(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    code = "import sys; from tests.proxy.store_writer import write; write(sys.argv[1], int(sys.argv[2]), 40)"
    command = [sys.executable, "-c", code, str(path)]
    running = [
        subprocess.Popen([*command, str(number)], stdout=subprocess.PIPE, text=True, cwd=ROOT) for number in range(4)
    ]
    told = [one.communicate(timeout=120)[0] for one in running]
    assert [one.returncode for one in running] == [0] * 4
    assert not [line for lines in told for line in lines.splitlines() if not line.startswith("done ")]
    check(path, [line.split()[1] for lines in told for line in lines.splitlines()])


# ── Damaged ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a store that is open: much of it in its log only."""
    folder = tmp_path_factory.mktemp("filled")
    with closing(Store(str(folder / "store.db"), clock=Clock())) as store:
        for number in range(60):
            url = f"{URL}/{number}"
            store.save(state(url, f'"{number}"'), body(url, f"{number} ".encode() * 3000))
            store.note([row(url, block=str(n)) for n in range(3)])
            store.label(label(f"label {number}"))
            store.pin([pin(f"pin {n}") for n in range(number * 10, number * 10 + 10)])
            if number == 40:
                store.evict(10**9, 1e12)  # the log so far goes into the file
        copies = tmp_path_factory.mktemp("copies")
        for name in FILES:
            shutil.copy(folder / name, copies / name)
    return copies


def damage(folder: Path, chance: random.Random) -> str:
    path = folder / chance.choice(FILES)
    data = bytearray(path.read_bytes())
    way = chance.choice(["bit", "bytes", "page", "cut", "first page", "nothing left"])
    place = chance.randrange(len(data))
    if way == "bit":
        data[place] ^= 1 << chance.randrange(8)
    elif way == "bytes":
        data[place : place + 16] = chance.randbytes(len(data[place : place + 16]))
    elif way == "page":
        place -= place % 4096
        data[place : place + 4096] = bytes(len(data[place : place + 4096]))
    elif way == "cut":
        del data[place:]
    elif way == "first page":
        data[: chance.choice([16, 100, 4096])] = b"?" * 16
    else:
        del data[:]
    path.write_bytes(data)
    return f"{path.name}: {way} at {place}"


@pytest.mark.parametrize("count", [40, pytest.param(1000, marks=pytest.mark.slow)])
def test_whatever_is_done_to_its_files_a_store_opens_and_serves_nothing_bad(
    filled: Path, tmp_path: Path, count: int
) -> None:
    chance, kept = random.Random(count), 0  # noqa: S311 - no secret
    for number in range(count):
        folder = tmp_path / str(number)
        shutil.copytree(filled, folder)
        what = damage(folder, chance)
        notices: list[str] = []
        with closing(Store(str(folder / "store.db"), clock=Clock(), tell=notices.append)) as store:
            store.check()
            for feed in range(60):
                content = store.body(f"{URL}/{feed}")
                assert content is None or content == body(f"{URL}/{feed}", f"{feed} ".encode() * 3000), what
                store.state(f"{URL}/{feed}")
                store.ledger(f"{URL}/{feed}", 10)
            store.feeds()
            store.pins([f"pin {n}" for n in range(600)])
            labels = store.labels([f"label {n}" for n in range(60)])
            kept += len(labels)
            store.save(state(URL, '"new"'), body(URL))
            store.label(label("new"))
            store.note([row(URL)])
            store.evict(1 << 20, 1e12)
            assert store.labels(["new"]) == {"new": label("new")}, what
            assert store.state(URL) == state(URL, '"new"') or store.body(URL) is None, what
            assert all("moved aside" in notice for notice in notices)
        shutil.rmtree(folder)
    assert kept > 0.8 * count * 60  # most of what people said is saved, whatever was hit


@pytest.mark.parametrize("content", [b"", b"not a database", b"SQLite format 3\0" + b"x" * 5000, b"\0" * 8192])
def test_a_file_that_is_no_database_is_moved_aside(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "store.db"
    path.write_bytes(content)
    with closing(Store(str(path), clock=Clock(), tell=lambda _: None)) as store:
        store.label(label("b"))
        assert store.labels(["b"])
    assert [one.read_bytes() for one in tmp_path.glob("*.broken-*Z")] == ([content] if content else [])


def test_a_database_of_something_else_is_moved_aside_whole(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("CREATE TABLE bees (name)")
        other.execute("INSERT INTO bees VALUES ('Maja')")
    notices: list[str] = []
    with closing(Store(str(path), clock=Clock(), tell=notices.append)) as store:
        store.check()
    (aside,) = tmp_path.glob("*.broken-*Z")
    with closing(sqlite3.connect(aside)) as other:
        assert other.execute("SELECT name FROM bees").fetchall() == [("Maja",)]
    assert len(notices) == 1
    assert "it holds tables of something else" in notices[0]


def test_labels_survive_the_loss_of_the_first_page(filled: Path, tmp_path: Path) -> None:
    """It says where all tables are; that is the same in every file of one schema version."""
    with closing(sqlite3.connect(filled / "store.db")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    data = (filled / "store.db").read_bytes()
    (tmp_path / "store.db").write_bytes(b"?" * 4096 + data[4096:])
    with closing(Store(str(tmp_path / "store.db"), clock=Clock(), tell=lambda _: None)) as store:
        assert len(store.labels([f"label {n}" for n in range(60)])) == 60
        assert len(store.ledger(f"{URL}/5", 10)) == 3
        assert store.body(f"{URL}/5") == body(f"{URL}/5", b"5 " * 3000)


def test_only_the_last_broken_files_are_kept(tmp_path: Path) -> None:
    clock = Clock()
    for number in range(6):
        (tmp_path / "store.db").write_bytes(b"broken %d" % number)
        clock.now += number % 2  # two in one second have names of their own
        with closing(Store(str(tmp_path / "store.db"), clock=clock, tell=lambda _: None)) as store:
            store.check()
    found = sorted(one.read_bytes() for one in tmp_path.glob("*.broken-*"))
    assert len(found) == 3
    assert found[-1] == b"broken 5"


def test_a_file_that_is_moved_away_under_a_running_store(tmp_path: Path) -> None:
    """What is written afterwards is in the file that others will open, not in the one that is gone."""
    path = tmp_path / "store.db"
    with closing(Store(str(path), clock=Clock())) as store:
        store.label(label("old"))
        for name in FILES:
            (tmp_path / name).rename(tmp_path / f"moved-{name}")
        store.label(label("new"))
        assert set(store.labels(["old", "new"])) == {"new"}
    assert sound(path)


def test_two_stores_of_one_broken_file_go_on_with_one_new_file(tmp_path: Path) -> None:
    """The one that finds it broken moves it aside; the other, which still has the old one open, notices."""
    path = tmp_path / "store.db"
    with closing(Store(str(path), clock=Clock(), tell=lambda _: None)) as first:
        first.label(label("old"))
        (tmp_path / "store.db-wal").write_bytes(b"")
        path.write_bytes(b"?" * 20_000)
        with closing(Store(str(path), clock=Clock(), tell=lambda _: None)) as second:
            second.label(label("by the second"))
            first.label(label("by the first"))
            names = ["by the first", "by the second"]
            assert set(first.labels(names)) == set(second.labels(names)) == set(names)
    assert sound(path)
    assert len(list(tmp_path.glob("*.broken-*Z"))) == 1


# ── Full ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(
        ["/bin/mount", "-t", "tmpfs", "-o", "size=48m", "none", str(folder)], check=False, capture_output=True
    )
    if done.returncode != 0:
        pytest.skip(f"needs to mount a small disk: {done.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["/bin/umount", "-l", str(folder)], check=True)


def fill(folder: Path) -> Path:
    junk = folder / "junk"
    with contextlib.suppress(OSError), junk.open("ab", buffering=0) as file:
        while file.write(b"x" * 65536):
            pass
    return junk


def fill_store(store: Store, count: int) -> None:
    for number in range(count):
        store.save(state(f"{URL}/{number}", "x"), body(f"{URL}/{number}", bytes([number]) * 100_000, float(number)))


def test_on_a_full_disk_a_store_makes_room_goes_on_reading_and_recovers(small_disk: Path) -> None:
    """What is precious is kept at the cost of old bodies; whatever fails, fails at once and reads do not."""
    with closing(Store(str(small_disk / "store.db"), clock=Clock())) as store:
        fill_store(store, 200)
        junk = fill(small_disk)
        outcomes = []
        for number in range(60):
            begun = time.monotonic()
            store.label(label(f"label {number}"))
            store.note([row(URL, str(number))])
            try:
                url = f"{URL}/more {number}"
                store.save(state(url), body(url, b"y" * 300_000, 1000.0 + number))
                outcomes.append(True)
            except StoreError as error:
                assert "no room" in str(error)  # noqa: PT017 - not every call fails
                outcomes.append(False)
            assert time.monotonic() - begun < 3
            assert len(store.labels([f"label {n}" for n in range(60)])) == number + 1
            assert len(store.ledger(URL, 100)) == number + 1
            assert store.feeds()
            fill(small_disk)
        assert sum(outcomes) > 30
        junk.unlink()
        fill_store(store, 100)
        assert store.evict(2_000_000, 1e12) > 0
        assert (small_disk / "store.db").stat().st_size < 3_000_000
        assert (small_disk / "store.db-reserve").stat().st_size > 1 << 20
    assert sound(small_disk / "store.db")


def test_bodies_can_be_dropped_on_a_full_disk(small_disk: Path) -> None:
    """SQLite cannot delete where there is no room: the reserve is what it deletes with."""
    with closing(Store(str(small_disk / "store.db"), clock=Clock())) as store:
        fill_store(store, 200)
        fill(small_disk)
        store.evict(0, 1e12)
        assert [store.body(f"{URL}/{number}") for number in range(200)] == [None] * 200
    assert sound(small_disk / "store.db")


def test_a_store_can_be_opened_on_a_full_disk_once_there_is_room(small_disk: Path) -> None:
    junk = fill(small_disk)
    with closing(Store(str(small_disk / "store.db"), clock=Clock())) as store:
        with pytest.raises(StoreError):
            store.check()
        junk.unlink()
        store.check()
        store.label(label("b"))


def test_a_check_tells_of_a_full_disk_and_gives_up_nothing_for_it(small_disk: Path) -> None:
    with closing(Store(str(small_disk / "store.db"), clock=Clock())) as store:
        fill_store(store, 50)
        store.check()
        junk = fill(small_disk)
        with pytest.raises(StoreError):
            store.check()
        assert all(store.body(f"{URL}/{number}") for number in range(50))
        junk.unlink()
        store.check()
    assert not list(small_disk.glob("*probe*"))


@pytest.mark.parametrize("mode", ["NORMAL", "EXCLUSIVE"])
def test_nobody_waits_twice_for_a_store_that_somebody_else_has_locked(tmp_path: Path, mode: str) -> None:
    """A request makes a dozen calls; only the first has patience. A check is done within a second."""
    path = tmp_path / "store.db"
    with closing(Store(str(path), clock=Clock())) as store:
        store.save(state(URL), body(URL))
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            if mode == "EXCLUSIVE":
                store.close()
            other.execute(f"PRAGMA locking_mode = {mode}")
            other.execute("BEGIN EXCLUSIVE")
            begun = time.monotonic()
            with pytest.raises(StoreError):
                store.check()
            checked = time.monotonic()
            for _ in range(6):
                with contextlib.suppress(StoreError):
                    store.state(URL)
                with pytest.raises(StoreError):
                    store.label(label("b"))
                with pytest.raises(StoreError):
                    store.lease(URL, "me", 1e12)
            assert time.monotonic() - begun < 6
            assert mode == "EXCLUSIVE" or checked - begun < 1.2
            other.execute("ROLLBACK")
        time.sleep(1.1)
        store.label(label("b"))
        store.check()
        assert store.labels(["b"])
        assert store.body(URL)


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_FSIZE"), reason="no limit of a file's size here")
def test_a_file_that_may_not_grow_is_an_error_and_no_damage(tmp_path: Path) -> None:
    """A quota is met in the middle of a write."""
    code = (
        "import resource, sys, time\n"
        "from feedclean.errors import StoreError\n"
        "from feedclean.proxy.store import Store\n"
        "from tests.proxy.stores import body, label, state\n"
        "store = Store(sys.argv[1], clock=time.time)\n"
        "store.label(label('first'))\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))\n"
        "failed = 0\n"
        "for number in range(30):\n"
        "    try:\n"
        "        store.save(state(f'u{number}'), body(f'u{number}', b'x' * 50_000))\n"
        "    except StoreError:\n"
        "        failed += 1\n"
        "    assert store.labels(['first'])\n"
        "print('failed', failed)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "store.db")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[1]) > 0
    assert sound(tmp_path / "store.db")
    with closing(Store(str(tmp_path / "store.db"), clock=time.time)) as store:
        store.save(state(URL), body(URL, b"x" * 500_000))
        assert store.labels(["first"])


def test_a_folder_that_may_not_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with closing(Store(str(tmp_path / "file" / "store.db"), clock=Clock())) as store:
        with pytest.raises(StoreError):
            store.check()
        with pytest.raises(StoreError):
            store.label(label("b"))
