"""The store's laws, on SQLite and on PostgreSQL: what was kept comes back, what was promised holds."""

from __future__ import annotations

import socketserver
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import Connection

from feedclean.errors import SettingsError, StoreError
from feedclean.proxy import migrations, schema
from feedclean.proxy.database import Database
from feedclean.proxy.nouns import Body, FeedState, LabelRow, LedgerRow, Outcome, Pin, Validators
from feedclean.proxy.records import whole_pages
from feedclean.proxy.store import Store, ledger_key
from tests.proxy.stores import Clock, body, label, pin, postgres, row, state

URL = "https://x.example/feed"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/store.db" if request.param == "sqlite" else postgres()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(url: str, clock: Clock) -> Iterator[Store]:
    with closing(Store(url, clock=clock)) as store:
        yield store


# ── Feeds ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_feed_comes_back_as_it_was_saved(store: Store) -> None:
    full = FeedState(
        URL, "https://y.example/", Validators('W/"a\u00e9"', "Mon, 1 Jan"), 1.5, 2.5, 3.5, 4, Outcome.BUSY, "why", "z", 2, True
    )  # fmt: skip
    assert store.state(URL) is None
    store.save(full, None)
    assert store.state(URL) == full
    assert store.body(URL) is None
    store.save(state("https://a.example/"), body("https://a.example/"))
    assert store.feeds() == [state("https://a.example/"), full]


def test_a_state_without_a_new_body_leaves_the_body(store: Store) -> None:
    store.save(state(URL, '"1"'), body(URL))
    store.save(state(URL, '"2"', failures=1), None)
    assert store.body(URL) == body(URL)
    assert store.state(URL) == state(URL, '"2"', failures=1)


def test_what_a_database_cannot_hold_comes_back_too(store: Store) -> None:
    """NUL and halves of surrogate pairs stand in JSON feeds; URLs can be longer than any index."""
    odd = "https://x.example/" + "\0\x10\x100000\ud800é𝄞" + "y" * 20_000
    store.save(state(odd, "\0"), body(odd, bytes(range(256))))
    assert store.state(odd) == state(odd, "\0")
    assert store.body(odd) == body(odd, bytes(range(256)))
    noted = replace(row(odd, odd, odd), text=odd, clues=(odd,))
    store.note([noted])
    assert store.ledger(odd, 9) == [noted]


def test_a_body_that_is_not_what_its_digest_says_is_never_served(store: Store) -> None:
    """It counts as none, the validators that belong to it are forgotten, and the next copy takes its place."""
    store.save(state(URL, '"1"'), replace(body(URL), digest="0" * 64))
    assert store.body(URL) is None
    assert store.state(URL) == state(URL)
    store.save(state(URL, '"2"'), body(URL))
    assert store.body(URL) == body(URL)


def test_a_lease_is_one_owners_until_it_ends_or_is_given_back(store: Store, clock: Clock) -> None:
    assert store.lease(URL, "a", clock.now + 10)
    assert not store.lease(URL, "b", clock.now + 10)
    assert store.lease(URL, "a", clock.now + 20)
    clock.now += 15
    assert not store.lease(URL, "b", clock.now + 10)
    store.release(URL, "b")
    assert not store.lease(URL, "b", clock.now + 10)
    store.release(URL, "a")
    assert store.lease(URL, "b", clock.now + 10)
    clock.now += 10
    assert store.lease(URL, "a", clock.now + 1)


def test_a_lease_of_a_process_that_is_gone_is_over(tmp_path: Path, clock: Clock) -> None:
    first, second = (Store(str(tmp_path / "store.db"), clock=clock) for _ in range(2))
    assert first.lease(URL, "a", clock.now + 30) and not second.lease(URL, "b", clock.now + 30)
    first.close()
    third = Store(str(tmp_path / "store.db"), clock=clock)
    assert not third.lease(URL, "c", clock.now + 30), "somebody else is there who may have it"
    second.close()
    third.close()
    fourth = Store(str(tmp_path / "store.db"), clock=clock)
    assert fourth.lease(URL, "d", clock.now + 30) and not fourth.lease(URL, "e", clock.now + 30)
    fourth.close()


def test_a_host_that_wants_a_pause_has_it_until_its_end_whoever_asks(url: str, clock: Clock) -> None:
    first, second = (Store(url, clock=clock) for _ in range(2))
    first.pause("news.example", clock.now + 600)
    assert second.paused("news.example") == clock.now + 600 and second.paused("other.example") == 0
    assert second.lease("news.example", "b", clock.now + 10), "a feed by that name is another thing"
    first.close()
    second.close()
    third = Store(url, clock=clock)
    third.lease(URL, "c", clock.now + 10)  # drops what dead processes held, where nobody else is there
    assert third.paused("news.example") == clock.now + 600
    clock.now += 700
    third.evict(1 << 30, 1e9)
    assert third.paused("news.example") == 0
    third.close()


def test_verdicts_that_nobody_asks_for_go_and_those_in_use_stay(store: Store, clock: Clock) -> None:
    day = 86_400.0
    store.pin([pin(f"{name} {n}") for name in ("used", "unused") for n in range(1500)])
    store.label(label("kept"))
    store.note([row(URL)])
    for _ in range(10):
        clock.now += 10 * day
        assert len(store.pins([f"used {n}" for n in range(1500)])) == 1500
        assert store.drop_pins(120 * day) == 0
    assert store.drop_pins(60 * day) == 1500
    assert store.pins(["used 0", "unused 0"]) == {"used 0": pin("used 0")}
    assert store.labels(["kept"]) and store.ledger(URL, 1)
    clock.now += 1000 * day
    assert store.drop_pins(60 * day) == 1500 and store.labels(["kept"]) and store.ledger(URL, 1)


def test_of_many_who_ask_at_once_one_gets_the_lease(url: str, clock: Clock) -> None:
    stores = [Store(url, clock=clock) for _ in range(4)]
    with ThreadPoolExecutor(8) as threads:
        for feed in range(5):
            asked = [
                threads.submit(stores[n % 4].lease, f"{URL}{feed}", f"owner {n}", clock.now + 60) for n in range(16)
            ]
            assert sum(one.result() for one in asked) == 1
    for one in stores:
        one.close()


def test_who_comes_first_does_not_drop_the_lease_of_who_asks_first(url: str, clock: Clock) -> None:
    first, second = (Store(url, clock=clock) for _ in range(2))
    assert second.lease(URL, "b", clock.now + 60)
    assert not first.lease(URL, "a", clock.now + 60)
    for one in (first, second):
        one.close()


def test_a_lease_is_not_dropped_with_those_of_the_dead(url: str, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    write = Database.write

    def slowly(database: Database, work: Callable[[Connection], Any], **how: bool) -> Any:
        done = write(database, work, **how)
        time.sleep(0.02)  # so that another thread's turn comes before this one goes on
        return done

    monkeypatch.setattr(Database, "write", slowly)
    store = Store(url, clock=clock)
    with ThreadPoolExecutor(4) as threads:
        asked = [threads.submit(store.lease, URL, f"owner {n}", clock.now + 60) for n in range(4)]
        assert sum(one.result() for one in asked) == 1
    store.close()


def test_eviction_drops_the_oldest_bodies_and_nothing_else(store: Store, clock: Clock) -> None:
    urls = [f"{URL}/{number}" for number in range(120)]
    for number, url in enumerate(urls):
        store.save(state(url, f'"{number}"'), body(url, b"x" * 5000, clock.now - 1000 + number))
    store.label(label("b"))
    store.note([row(URL)])
    store.pin([pin("p")])
    assert store.taken == 120 * whole_pages(5000)
    assert store.evict(10**9, 900) == 100 and store.taken == 0
    assert [store.body(url) is not None for url in urls] == [False] * 100 + [True] * 20
    assert store.evict(whole_pages(5000) * 3, 10**9) == 17
    assert [store.body(url) is not None for url in urls] == [False] * 117 + [True] * 3
    # A validator without its body would make the publisher say "not modified" of what we no longer have.
    assert [one.validators.etag for one in store.feeds() if one.validators.etag] == ['"117"', '"118"', '"119"']
    assert store.evict(0, 10**9) == 3
    assert (len(store.labels(["b"])), len(store.ledger(URL, 9)), len(store.pins(["p"]))) == (1, 1, 1)
    assert len(store.feeds()) == 120


# ── Verdicts, removals, labels ───────────────────────────────────────────────────────────────────────────────────────


def test_pins_come_back_bit_for_bit_and_later_ones_win(store: Store) -> None:
    pins = [Pin(f"{number:032x}", "m", (1 / (number + 1), 1 - 1 / (number + 1))) for number in range(1300)]
    store.pin([])
    store.pin(pins)
    assert store.pins([one.block for one in pins] + ["none"]) == {one.block: one for one in pins}
    store.pin([pins[3], replace(pins[3], model="n")])
    assert store.pins([pins[3].block]) == {pins[3].block: replace(pins[3], model="n")}
    assert store.pins([]) == {}


def test_a_removal_is_noted_once_however_often_it_is_met(store: Store) -> None:
    first = row(URL, seen=5.0)
    store.note([first, replace(first, first_seen=6.0), row(URL, "2")])
    store.note([replace(first, label="teaser"), row(URL, block="c", seen=7.0)])
    assert store.ledger(URL, 10) == [row(URL, block="c", seen=7.0), first, row(URL, "2")]
    assert store.ledger("https://other.example/", 10) == []


def test_pages_of_the_ledger_lose_nothing(store: Store) -> None:
    """Rows of one moment may stand on two pages: the key of the last row says where to go on."""
    rows = [row(URL, str(number), seen=float(number // 7)) for number in range(50)]
    store.note(rows)
    found: list[LedgerRow] = []
    while page := store.ledger(URL, 4, ledger_key(found[-1]) if found else None):
        found.extend(page)
    assert found == rows[::-1]
    assert store.ledger(URL, 100, 3.0) == rows[20::-1]
    assert store.ledger(URL, 0) == []
    assert store.ledger(URL, 5, "no such key") == []


def test_the_last_label_for_a_block_counts(store: Store) -> None:
    marks = {store.label_mark()}
    store.label(label("b"))
    marks.add(store.label_mark())
    store.label(label("c"))
    marks.add(store.label_mark())
    store.label(replace(label("b", "editorial"), given=2.0))
    marks.add(store.label_mark())
    assert len(marks) == 4
    assert store.all_labels() == [label("c"), replace(label("b", "editorial"), given=2.0)]
    store.label(label("b", "editorial"))
    assert store.labels(["b", "x"]) == {"b": label("b", "editorial")}
    assert store.labels([f"{number}" for number in range(2000)] + ["c"]) == {"c": label("c")}
    store.unlabel("b")
    store.unlabel("x")
    assert store.all_labels() == [label("c")]


def test_a_removal_is_found_by_its_key(store: Store) -> None:
    store.note([row(URL), row(URL, "2")])
    assert store.removal(ledger_key(row(URL, "2"))) == row(URL, "2")
    assert store.removal("none") is None


# ── Opening ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_everything_is_there_after_opening_again(url: str, clock: Clock) -> None:
    with closing(Store(url, clock=clock)) as store:
        store.save(state(URL, '"1"'), body(URL))
        store.label(label("b"))
        store.note([row(URL)])
        store.pin([pin("p")])
    with closing(Store(url, clock=clock)) as store:
        store.check()
        assert store.state(URL) == state(URL, '"1"')
        assert store.body(URL) == body(URL)
        assert (store.labels(["b"]), store.ledger(URL, 1), store.pins(["p"])) == (
            {"b": label("b")}, [row(URL)], {"p": pin("p")},
        )  # fmt: skip


def test_a_store_of_a_newer_feedclean_is_refused_in_one_line(url: str, clock: Clock) -> None:
    with closing(Store(url, clock=clock)) as store:
        store._database.write(lambda connection: connection.execute(schema.version.update().values(version=99)))
    with pytest.raises(StoreError, match=r"schema version is 99, this feedclean knows 2; update feedclean") as caught:
        Store(url, clock=clock)
    assert "\n" not in str(caught.value)


def test_labels_of_the_first_version_are_carried_over(url: str, clock: Clock) -> None:
    """It did not know what a label stood in."""
    with closing(Store(url, clock=clock)) as store:
        store.label(label("b"))

        def back(connection: Any) -> None:
            for name in ("item", "title", "language"):
                connection.exec_driver_sql(f"ALTER TABLE labels DROP COLUMN {name}")
            connection.execute(schema.version.update().values(version=1))

        store._database.write(back)
    with closing(Store(url, clock=clock)) as store:
        assert store.all_labels() == [label("b")]
        store.label(replace(label("c"), item="1", title="Acme earns more", language="en"))
        assert store.labels(["c"])["c"].title == "Acme earns more"


def test_an_older_store_is_brought_forward_in_one_transaction(
    url: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A step that breaks off leaves the old version whole; one that does not raises the version."""
    with closing(Store(url, clock=clock)) as store:
        store.label(label("b"))

    def step(connection: Any) -> None:
        connection.exec_driver_sql("ALTER TABLE labels ADD COLUMN reason TEXT")
        if broken:
            raise OSError("power")

    monkeypatch.setattr(migrations, "STEPS", (*migrations.STEPS, step))
    broken = True
    with closing(Store(url, clock=clock)) as store, pytest.raises(StoreError):
        store.check()
    broken = False
    with closing(Store(url, clock=clock)) as store:
        assert store.labels(["b"]) == {"b": label("b")}
        found = store._database.read(
            lambda connection: connection.exec_driver_sql("SELECT version, reason FROM version, labels").one()
        )
        assert tuple(found) == (3, None)


@pytest.mark.parametrize(
    "url", ["mysql://x/y", "sqlite://", "sqlite:///:memory:", "nonsense://", "postgresql+asyncpg://x/y", "://"]
)
def test_a_url_that_names_no_store_is_a_settings_error(url: str, clock: Clock) -> None:
    with pytest.raises(SettingsError):
        Store(url, clock=clock)


def test_a_server_that_is_away_is_told_at_once_and_found_again(clock: Clock) -> None:
    """No network at the start is no reason not to start; while it is away nobody waits for it again and again."""
    with closing(Store("postgresql://tests@127.0.0.1:9/none", clock=clock)) as store:
        begun = time.monotonic()
        for _ in range(50):
            with pytest.raises(StoreError, match="cannot be reached"):
                store.state(URL)
        assert time.monotonic() - begun < 3


@pytest.mark.slow
@pytest.mark.parametrize("answer", [None, b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"R" + b"\xff" * 64])
def test_a_server_that_is_none_costs_bounded_time(answer: bytes | None, clock: Clock) -> None:
    """Something else listens there: it says nothing, hangs up at once, or talks another language."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _talk(answer)) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        begun = time.monotonic()
        with closing(Store(f"postgresql://x:y@127.0.0.1:{server.server_address[1]}/z", clock=clock)) as store:
            for _ in range(3):
                with pytest.raises(StoreError, match="cannot be reached"):
                    store.check()
        server.shutdown()
    assert time.monotonic() - begun < 10


def _talk(answer: bytes | None) -> type[socketserver.BaseRequestHandler]:
    class Talk(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            if answer is None:
                time.sleep(5)
            else:
                self.request.sendall(answer)

    return Talk


def test_a_password_is_in_no_message(clock: Clock) -> None:
    with closing(Store("postgresql://tests:hunter2@127.0.0.1:9/none", clock=clock)) as store:
        with pytest.raises(StoreError) as caught:
            store.check()
        assert "hunter2" not in str(caught.value)
        assert "tests:***@127.0.0.1" in str(caught.value)


def test_a_lost_connection_is_made_again(clock: Clock) -> None:
    """The server drops everybody, as when it is started anew: the next call does not notice."""
    url = postgres()
    with closing(Store(url, clock=clock)) as store:
        store.label(label("b"))
        with psycopg.connect(url, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'feedclean'")
        assert store.labels(["b"]) == {"b": label("b")}


def test_a_database_of_something_else_is_refused_on_a_server(clock: Clock) -> None:
    url = postgres()
    with psycopg.connect(url, autocommit=True) as other:
        other.execute("CREATE SCHEMA feedclean")
        other.execute("CREATE TABLE feedclean.bees (name text)")
    with closing(Store(url, clock=clock)) as store, pytest.raises(StoreError, match="in use for something else"):
        store.check()


# ── Together ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_threads_do_not_get_in_each_others_way(store: Store) -> None:
    def work(number: int) -> None:
        for turn in range(15):
            url = f"{URL}/{number}/{turn}"
            store.save(state(url, f'"{turn}"'), body(url))
            store.note([row(url)])
            assert store.body(url) == body(url)

    with ThreadPoolExecutor(12) as threads:
        for one in [threads.submit(work, number) for number in range(12)]:
            one.result()
    assert len(store.feeds()) == 12 * 15


def test_a_locked_file_is_an_error_soon_while_reads_go_on(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "store.db"
    with closing(Store(str(path), clock=clock, patience=0.3)) as store:
        store.save(state(URL), body(URL))
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            begun = time.monotonic()
            with pytest.raises(StoreError, match="locked"):
                store.label(label("b"))
            assert time.monotonic() - begun < 2
            assert store.body(URL) == body(URL)
            assert store.state(URL) == state(URL)
            other.execute("ROLLBACK")
        store.label(label("b"))


def test_a_short_lock_is_waited_for(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "store.db"
    with closing(Store(str(path), clock=clock, patience=10)) as store:
        other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        other.execute("BEGIN IMMEDIATE")
        timer = threading.Timer(0.3, lambda: other.execute("ROLLBACK"))
        timer.start()
        store.label(label("b"))
        timer.join()
        other.close()
        assert store.labels(["b"])


# ── Against a model ──────────────────────────────────────────────────────────────────────────────────────────────────

texts = st.text(st.characters(exclude_categories=[]), max_size=8)
urls = st.sampled_from([URL, "https://y.example/", "z", "\0\ud800"])
blocks = st.sampled_from(["a", "b", "c", "\x10"])
moments = st.floats(0, 2e9)
maybe = st.none() | texts
states = st.builds(
    FeedState, urls, texts, st.builds(Validators, maybe, maybe), moments, st.none() | moments, st.none() | moments,
    st.integers(0, 1000), st.none() | st.sampled_from(Outcome), texts, maybe, st.integers(0, 9), st.booleans(),
)  # fmt: skip
rows = st.builds(
    LedgerRow, urls, st.sampled_from(["1", "2"]), texts, texts, texts, st.floats(0, 1), st.lists(texts).map(tuple), texts,
    texts, blocks, texts, st.sampled_from([1.0, 2.0, 3.0]),
)  # fmt: skip


class Remembering(RuleBasedStateMachine):
    """Any calls in any order, with the store opened anew now and then: it agrees with dictionaries."""

    def new_url(self) -> str:
        self.folder = tempfile.TemporaryDirectory()
        return f"sqlite:///{self.folder.name}/store.db"

    @initialize()
    def begin(self) -> None:
        self.clock = Clock()
        self.url = self.new_url()
        self.store = Store(self.url, clock=self.clock)
        self.states: dict[str, FeedState] = {}
        self.bodies: dict[str, Body] = {}
        self.leases: dict[str, tuple[str, float]] = {}
        self.pins: dict[str, Pin] = {}
        self.ledger: dict[tuple[str, str, str], LedgerRow] = {}
        self.labels: dict[str, LabelRow] = {}

    def teardown(self) -> None:
        self.store.close()
        if hasattr(self, "folder"):
            self.folder.cleanup()

    @rule(state=states, content=st.none() | st.binary(max_size=9000), age=st.integers(0, 100), bad=st.booleans())
    def save(self, state: FeedState, content: bytes | None, age: int, bad: bool) -> None:
        new = None if content is None else body(state.url, content, self.clock.now - age)
        if new is not None and bad:
            new = replace(new, digest="0" * 64)
        self.store.save(state, new)
        self.states[state.url] = state
        if new is not None:
            self.bodies[state.url] = new

    @rule(url=urls)
    def look(self, url: str) -> None:
        kept = self.bodies.get(url)
        if kept is not None and kept.digest == "0" * 64:
            kept = None
            self._drop(url)
        assert self.store.body(url) == kept
        assert self.store.state(url) == self.states.get(url)

    @rule(max_bytes=st.integers(0, 30_000), max_age=st.integers(0, 100))
    def evict(self, max_bytes: int, max_age: int) -> None:
        taken = 0
        ages = [one.fetched for one in self.bodies.values()]
        if len(set(ages)) < len(ages):
            return  # which of two that are equally old goes first is not promised
        for one in sorted(self.bodies.values(), key=lambda one: -one.fetched):
            taken += whole_pages(len(one.content))
            if taken > max_bytes or one.fetched < self.clock.now - max_age:
                self._drop(one.url)
        self.store.evict(max_bytes, max_age)

    def _drop(self, url: str) -> None:
        del self.bodies[url]
        self.states[url] = replace(self.states[url], validators=Validators())

    @rule(url=urls, owner=texts.filter(bool), seconds=st.integers(-1, 20))
    def lease(self, url: str, owner: str, seconds: int) -> None:
        holder, until = self.leases.get(url, (owner, 0.0))
        free = holder == owner or until <= self.clock.now
        assert self.store.lease(url, owner, self.clock.now + seconds) == free
        if free:
            self.leases[url] = owner, self.clock.now + seconds

    @rule(url=urls, owner=texts)
    def release(self, url: str, owner: str) -> None:
        self.store.release(url, owner)
        if self.leases.get(url, ("", 0.0))[0] == owner:
            self.leases.pop(url, None)

    @rule(pins=st.lists(st.builds(Pin, blocks, texts, st.lists(st.floats(0, 1), max_size=5).map(tuple))))
    def pin(self, pins: list[Pin]) -> None:
        self.store.pin(pins)
        self.pins |= {one.block: one for one in pins}

    @rule(new=st.lists(rows, max_size=5))
    def note(self, new: list[LedgerRow]) -> None:
        self.store.note(new)
        for one in new:
            self.ledger.setdefault((one.feed, one.item, one.block), one)

    @rule(row=st.builds(LabelRow, blocks, texts, texts, texts, texts, moments, texts, texts, texts))
    def label(self, row: LabelRow) -> None:
        self.store.label(row)
        self.labels[row.block] = row

    @rule(seconds=st.integers(0, 15))
    def wait(self, seconds: int) -> None:
        self.clock.now += seconds

    @rule()
    def open_anew(self) -> None:
        self.store.close()
        self.store = Store(self.url, clock=self.clock)
        if "postgresql" not in self.url:  # a file that nobody else has open
            self.leases.clear()

    @rule(feed=urls, limit=st.integers(0, 10), before=st.none() | st.sampled_from([1.0, 2.0, 3.5]))
    def read_ledger(self, feed: str, limit: int, before: float | None) -> None:
        ordered = sorted(
            (-one.first_seen, -number, one)
            for number, one in enumerate(self.ledger.values())
            if one.feed == feed and (before is None or one.first_seen < before)
        )
        assert self.store.ledger(feed, limit, before) == [one for _, _, one in ordered][:limit]

    @invariant()
    def agrees(self) -> None:
        if hasattr(self, "store"):
            assert self.store.pins(["a", "b", "c", "\x10"]) == self.pins
            assert self.store.labels(["a", "b", "c", "\x10"]) == self.labels


class RememberingInPostgres(Remembering):
    def new_url(self) -> str:
        return postgres()


def many(examples: int, steps: int) -> settings:
    return settings(
        max_examples=examples, stateful_step_count=steps, deadline=None, derandomize=True, database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip


def run(machine: type[RuleBasedStateMachine], examples: int, steps: int) -> None:
    from hypothesis.stateful import run_state_machine_as_test

    run_state_machine_as_test(machine, settings=many(examples, steps))


def test_any_calls_in_any_order_agree_with_dictionaries() -> None:
    run(Remembering, 15, 25)


@pytest.mark.slow
@pytest.mark.parametrize("machine", [Remembering, RememberingInPostgres])
def test_ten_thousand_calls_agree_with_dictionaries(machine: type[RuleBasedStateMachine]) -> None:
    if machine is RememberingInPostgres:
        postgres()
    run(machine, 200, 50)
