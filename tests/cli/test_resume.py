"""`feedclean resume`: on the store of the proxy, whether one runs or not."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from feedclean.proxy.nouns import Outcome
from feedclean.proxy.store import Store
from tests.cli.conftest import Run
from tests.proxy.stores import state

GONE, WELL = "https://gone.example/feed", "https://well.example/feed"


@pytest.fixture
def store(run: Run, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    for name in ("FEEDCLEAN_CONFIG", "FEEDCLEAN_STORE_URL"):
        monkeypatch.delenv(name, raising=False)
    Path("feedclean.toml").write_text(f'[store]\nurl = "sqlite:///store.db"\n[feeds.old]\nurl = "{GONE}"\n')
    with closing(Store("sqlite:///store.db", clock=time.time)) as made:
        gone = state(GONE, stopped=True, failures=1, last_reason="HTTP 410", next_fetch=2e9)
        made.save(replace(gone, last_outcome=Outcome.GONE), None)
        made.save(state(WELL), None)
        yield made


@pytest.mark.parametrize("named", ["old", GONE, "HTTPS://gone.example:443/feed"])
def test_a_feed_that_is_gone_is_asked_for_again_by_name_or_address(run: Run, store: Store, named: str) -> None:
    listed = run("resume", "--config", "feedclean.toml")
    assert (listed.exit_code, listed.stdout) == (0, f"{GONE}\n")
    done = run("resume", named, "--config", "feedclean.toml")
    assert done.exit_code == 0 and "it was gone: HTTP 410" in done.stderr
    known = store.state(GONE)
    assert known is not None and not known.stopped and known.next_fetch <= time.time()
    assert run("resume", "--config", "feedclean.toml").stdout == ""


def test_a_feed_that_is_well_is_left_as_it_is(run: Run, store: Store) -> None:
    before = store.state(WELL)
    done = run("resume", WELL, "--config", "feedclean.toml")
    assert done.exit_code == 0 and "nothing is wrong with it" in done.stderr
    assert store.state(WELL) == before


@pytest.mark.parametrize(
    ("named", "code", "told"),
    [
        ("none", 2, "none: the settings name no such feed"),
        ("ftp://gone.example/feed", 2, "ftp://gone.example/feed: "),
        ("https://other.example/feed", 1, "https://other.example/feed: the store knows no such feed"),
    ],
)
def test_what_is_no_feed_of_the_proxy_is_told_in_one_line(
    run: Run, store: Store, named: str, code: int, told: str
) -> None:
    result = run("resume", named, "--config", "feedclean.toml")
    assert (
        result.exit_code == code and result.stderr.startswith(f"feedclean: {told}") and result.stderr.count("\n") == 1
    )
    known = store.state(GONE)
    assert known is not None and known.stopped
