"""What one client may ask for (S9)."""

from __future__ import annotations

from ipaddress import ip_network
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedclean.proxy.access import Caller
from feedclean.proxy.allowance import Allowance, client_of
from feedclean.settings import Open
from tests.proxy.client import ask, go
from tests.proxy.houses import URL, Home

SHOWN = "a-token-of-the-proxy"
OUTSIDE = "203.0.113.5"
TRUSTED = (ip_network("127.0.0.0/8"), ip_network("10.0.0.0/8"))


@given(per_minute=st.integers(1, 2000), pauses=st.lists(st.floats(0, 30), min_size=1, max_size=60))
def test_never_more_than_twice_the_allowance_within_a_minute_and_all_of_it_in_the_long_run(
    per_minute: int, pauses: list[float]
) -> None:
    allowance, now, taken = Allowance(), 1000.0, []
    for pause in pauses:
        now += pause
        for _ in range(per_minute // 7 + 1):
            left = allowance.take("a", per_minute, now)
            if left:
                assert 0 < left <= 60 / per_minute + 1e-9, "the next one is never further away"
                break
            taken.append(now)
    assert all(sum(start <= one < start + 60 for one in taken) <= 2 * per_minute for start in taken)
    assert len(taken) <= per_minute * (1 + (now - 1000) / 60) + 1


def test_a_whole_allowance_may_be_used_at_once_and_grows_back() -> None:
    allowance = Allowance()
    assert not any(allowance.take("a", 600, 0.0) for _ in range(600))
    assert allowance.take("a", 600, 0.0) == pytest.approx(0.1)
    assert allowance.take("b", 600, 0.0) == 0, "others have theirs"
    assert allowance.take("a", 600, 0.1) == 0
    assert allowance.take("a", 600, 0.1) > 0
    assert not any(allowance.take("a", 600, 100.0) for _ in range(600))
    assert allowance.take("a", 0, 100.0) == 0


@pytest.mark.parametrize(
    ("address", "forwarded", "client"),
    [
        ("203.0.113.5", None, "203.0.113.5"),
        ("203.0.113.5", "198.51.100.7", "203.0.113.5"),  # not trusted: whatever it says is invented
        ("127.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("127.0.0.1", "1.1.1.1, 198.51.100.7, 10.1.2.3", "198.51.100.7"),  # what stands before may be invented
        ("127.0.0.1", "nonsense", "127.0.0.1"),
        ("127.0.0.1", "198.51.100.7, nonsense", "127.0.0.1"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", None, "2001:db8:1:2::/64"),
        ("127.0.0.1", "2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.5", None, "203.0.113.5"),
        (None, "198.51.100.7", ""),
    ],
)
def test_who_asks_is_the_socket_unless_a_trusted_server_says(
    address: str | None, forwarded: str | None, client: str
) -> None:
    headers = {} if forwarded is None else {"x-forwarded-for": forwarded}
    assert client_of(Caller(address, headers), TRUSTED) == client


def test_whoever_asks_for_too_many_addresses_is_told_when_to_come_again() -> None:
    home = Home(open=Open.TOKEN, token=SHOWN, per_minute=30)
    for number in range(31):
        home.refresher.has(f"{URL}/{number}")
    paths = [f"/feed?url={quote(f'{URL}/{number}', safe='')}&token={SHOWN}" for number in range(31)]
    got = [go(ask(home.app, path, peer=OUTSIDE)) for path in paths]
    assert [one.status for one in got] == [200] * 30 + [429]
    assert (got[-1].problem, got[-1].headers["retry-after"]) == ("too-many-requests", "2")
    assert go(ask(home.app, paths[0], peer=OUTSIDE)).status == 200, "an answer of a moment ago costs nothing"
    assert go(ask(home.app, f"/removed?url={quote(URL)}&token={SHOWN}", peer=OUTSIDE)).status == 429
    assert go(ask(home.app, "/feeds/news", peer=OUTSIDE)).status == 200, "named feeds are for everybody"
    assert go(ask(home.app, paths[-1], peer="198.51.100.7")).status == 200
    assert go(ask(home.app, paths[-1].replace("30", "29"))).status == 200, "who sits at this machine is not counted"


def test_of_too_many_clients_the_longest_unseen_are_forgotten() -> None:
    allowance = Allowance()
    for number in range(10_001):
        assert allowance.take(str(number), 1, 0.0) == 0
    assert allowance.take("0", 1, 0.0) == 0
    assert allowance.take("10000", 1, 0.0) > 0
