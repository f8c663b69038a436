"""When a feed is asked for again: laws on paper, with a clock that is a number."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedclean.proxy.nouns import Answer, FeedState, Outcome, Validators
from feedclean.proxy.schedule import (
    DAY,
    Hints,
    Rules,
    after,
    freshness,
    pause,
    read_hints,
    resumed,
    retry_after,
    wait,
)

URL = "https://publisher.example/feed"
NEW = "https://publisher.example/new"
NOW = datetime(2026, 3, 4, 10, 30, tzinfo=UTC).timestamp()  # a Wednesday
START = FeedState(URL, URL)
HOUR = 3600.0
FAILED = [outcome for outcome in Outcome if outcome not in (Outcome.FRESH, Outcome.UNCHANGED)]


def date(moment: float) -> str:
    return format_datetime(datetime.fromtimestamp(moment, UTC), usegmt=True)


def fresh(headers: Mapping[str, str] | None = None, moved_to: str | None = None) -> Answer:
    return Answer(Outcome.FRESH, 200, b"<rss/>", headers or {}, URL, moved_to)


def unchanged(headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(Outcome.UNCHANGED, 304, None, headers or {}, URL)


def failed(outcome: Outcome, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(outcome, None, None, headers or {}, URL, reason="because")


def hours_until_next(answer: Answer, hints: Hints | None = None, state: FeedState = START, now: float = NOW) -> float:
    return (after(state, answer, now, hints or Hints()).next_fetch - now) / HOUR


FLOORS: list[tuple[dict[str, str], float]] = [
    ({}, 1),
    ({"cache-control": "max-age=60"}, 1),
    ({"cache-control": "max-age=7200"}, 2),
    ({"cache-control": 'public, MAX-AGE = "7200"'}, 2),
    ({"cache-control": "max-age=7200", "age": "1800"}, 1.5),
    ({"cache-control": "max-age=7200", "age": "7000"}, 1),
    ({"cache-control": "max-age=7200", "age": "99999"}, 1),
    ({"cache-control": "s-maxage=7200"}, 2),
    ({"cache-control": "s-maxage=86400, max-age=7200"}, 2),
    ({"cache-control": "max-age=7200, max-age=60"}, 2),
    ({"cache-control": "max-age=31536000, immutable"}, 24),
    ({"cache-control": "max-age=" + "9" * 400}, 24),
    ({"cache-control": "max-age=-1"}, 1),
    ({"cache-control": "max-age=soon", "expires": date(NOW + 7200)}, 1),
    ({"cache-control": "no-cache, max-age=7200"}, 1),
    ({"cache-control": "no-store, max-age=7200"}, 1),
    ({"cache-control": 'private="x, max-age=7200"'}, 1),
    ({"cache-control": ",,=;\x00"}, 1),
    ({"expires": date(NOW + 7200)}, 2),
    ({"expires": date(NOW + 7200), "date": date(NOW - HOUR)}, 3),  # its clock is an hour slow: a lifetime of 3 h
    ({"expires": date(NOW + 7200), "cache-control": "max-age=10800"}, 3),
    ({"expires": date(NOW - 7200)}, 1),
    ({"expires": "0"}, 1),
    ({"expires": "-1"}, 1),
    ({"expires": "Thu, 01 Jan 1970 00:00:00 GMT"}, 1),
    ({"expires": "Sun, 07 Feb 2106 06:28:15 GMT"}, 24),
    ({"expires": "Fri, 31 Dec 99999 23:59:59 GMT"}, 1),
    ({"expires": "tomorrow"}, 1),
]


@pytest.mark.parametrize(("headers", "hours"), FLOORS)
@pytest.mark.parametrize("answer", [fresh, unchanged])
def test_publishers_lifetime_is_a_floor_after_200_and_304(
    answer: Callable[[Mapping[str, str]], Answer], headers: dict[str, str], hours: float
) -> None:
    assert hours_until_next(answer(headers)) == hours


@pytest.mark.parametrize("answer", [fresh(), unchanged()])
def test_hints_in_the_feed_are_floors_after_200_and_304(answer: Answer) -> None:
    assert hours_until_next(answer, Hints(interval=7200)) == 2
    assert hours_until_next(answer, Hints(interval=60)) == 1
    assert hours_until_next(answer, Hints(interval=604_800)) == 24
    assert hours_until_next(answer, Hints(skip_hours=frozenset({11, 12}))) == 2.5  # 13:00
    assert hours_until_next(answer, Hints(skip_days=frozenset({2, 3}))) == 37.5  # Friday 0:00
    assert hours_until_next(answer, Hints(skip_hours=frozenset({0, 1}), skip_days=frozenset({2}))) == 15.5
    assert hours_until_next(answer, Hints(skip_hours=frozenset({9, 10}))) == 1


def test_skipping_every_hour_or_day_is_not_meant() -> None:
    assert hours_until_next(fresh(), Hints(skip_hours=frozenset(range(24)))) == 1
    assert hours_until_next(fresh(), Hints(skip_days=frozenset(range(7)))) == 1
    assert after(START, fresh(), 1e18, Hints(skip_days=frozenset({1}))).next_fetch >= 1e18


def test_floor_is_a_setting() -> None:
    rules = Rules(floor=600)
    assert after(START, fresh(), NOW, Hints(), rules=rules).next_fetch == NOW + 600
    assert after(START, fresh({"cache-control": "max-age=900"}), NOW, Hints(), rules=rules).next_fetch == NOW + 900


def test_validators_are_kept_byte_for_byte() -> None:
    headers = {"etag": 'W/"é\\,-gzip', "last-modified": "yesterday, about noon"}
    state = after(START, fresh(headers), NOW, Hints())
    assert state.validators == Validators('W/"é\\,-gzip', "yesterday, about noon")


def test_newest_validators_win_after_200_and_304() -> None:
    state = after(START, fresh({"etag": '"1"', "last-modified": "a"}), NOW, Hints())
    assert after(state, unchanged(), NOW, Hints()).validators == Validators('"1"', "a")
    assert after(state, unchanged({"etag": '"2"'}), NOW, Hints()).validators == Validators('"2"', "a")
    assert after(state, unchanged({"last-modified": "b"}), NOW, Hints()).validators == Validators('"1"', "b")
    assert after(state, fresh({"last-modified": "b"}), NOW, Hints()).validators == Validators(None, "b")
    assert after(state, fresh({"etag": ""}), NOW, Hints()).validators == Validators()


@pytest.mark.parametrize("outcome", FAILED)
def test_error_changes_nothing_that_a_success_has_taught(outcome: Outcome) -> None:
    good = after(START, fresh({"etag": '"1"'}), NOW, Hints())
    bad = after(good, failed(outcome, {"etag": '"error page"', "cache-control": "max-age=0"}), NOW + 9, Hints())
    assert (bad.validators, bad.last_success, bad.fetch_url) == (good.validators, NOW, URL)
    assert (bad.failures, bad.last_outcome, bad.last_reason, bad.last_fetch) == (1, outcome, "because", NOW + 9)
    assert bad.next_fetch >= NOW + 9 + 30
    assert after(bad, unchanged(), NOW + 99, Hints()) == replace(
        good, last_fetch=NOW + 99, last_success=NOW + 99, next_fetch=NOW + 99 + HOUR, last_outcome=Outcome.UNCHANGED
    )


@pytest.mark.parametrize("outcome", [outcome for outcome in FAILED if outcome is not Outcome.GONE])
def test_dead_feed_backs_off_to_a_day_and_never_stops(outcome: Outcome) -> None:
    """Thirty days of failure: few requests, gaps that grow to a day, and one success that mends it all."""
    chance = random.Random(7)  # noqa: S311 - jitter, not a secret
    state, now, gaps = START, NOW, list[float]()
    while now < NOW + 30 * DAY:
        state = after(state, failed(outcome), now, Hints(), jitter=chance.random())
        left = wait(state, now)
        assert left is not None
        gaps.append(left)
        now += left
    assert 30 <= len(gaps) <= 45
    assert min(gaps) >= 45 and max(gaps) <= DAY
    assert all(longer > shorter * 1.4 for shorter, longer in pairwise(gaps) if longer < DAY / 2)
    assert wait(after(state, fresh(), now, Hints()), now) == HOUR


@given(st.integers(1, 10_000), st.floats(0, 1), st.sampled_from(FAILED))
def test_jitter_only_ever_shortens_by_a_quarter(failures: int, jitter: float, outcome: Outcome) -> None:
    state = replace(START, failures=failures)
    low = after(state, failed(outcome), NOW, Hints(), jitter=0).next_fetch - NOW
    some = after(state, failed(outcome), NOW, Hints(), jitter=jitter).next_fetch - NOW
    assert 30 <= low <= some <= DAY and some <= low / 0.75 + 1


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("7200", 7200),
        (" 7200 ", 7200),
        ('"7200"', 7200),
        ("7200.5", 7200),
        (date(NOW + 7200), 7200),
        (date(NOW - 7200), 0),
        ("0", 0),
        ("-5", None),
        ("", None),
        ("soon", None),
        ("Thu, 99 Foo 2026", None),
        ("9" * 5000, 10.0**15 - 1),
    ],
)
def test_retry_after_is_seconds_or_a_date(written: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": written}, NOW) == seconds


def test_date_in_retry_after_is_read_by_the_publishers_own_clock() -> None:
    assert retry_after({"retry-after": date(NOW), "date": date(NOW - 900)}, NOW) == 900


@pytest.mark.parametrize(
    ("written", "hours"),
    [
        ("7200", 2),
        (date(NOW + 7200), 2),
        (str(29 * 86_400), 29 * 24),
        ("9" * 30, 720),
        ("0", 0.0125),
        ("nonsense", 0.0125),
    ],
)
def test_retry_after_is_obeyed_up_to_thirty_days(written: str, hours: float) -> None:
    answer = failed(Outcome.BUSY, {"retry-after": written})
    assert hours_until_next(answer) == hours
    assert pause(answer, NOW) <= DAY


def test_tiny_retry_after_still_backs_off_to_the_floor() -> None:
    answer = failed(Outcome.BUSY, {"retry-after": "1"})
    assert hours_until_next(answer, state=replace(START, failures=20)) == 1


def test_retry_after_counts_only_when_a_publisher_is_busy() -> None:
    assert hours_until_next(failed(Outcome.BROKEN, {"retry-after": "7200"})) == 0.0125
    assert pause(failed(Outcome.BROKEN, {"retry-after": "7200"}), NOW) == 0
    assert pause(failed(Outcome.BUSY, {"retry-after": "7200"}), NOW) == 7200
    assert pause(failed(Outcome.BUSY), NOW) == 0


def test_gone_stops_until_somebody_says_so() -> None:
    state = after(START, failed(Outcome.GONE), NOW, Hints())
    assert state.stopped and wait(state, NOW + 400 * DAY) is None
    again = resumed(state, NOW)
    assert wait(again, NOW) == 0 and not after(again, fresh(), NOW, Hints()).stopped


def test_permanent_redirect_is_believed_when_seen_three_times_in_a_row() -> None:
    state = START
    for seen in (1, 2):
        state = after(state, fresh(moved_to=NEW), NOW, Hints())
        assert (state.fetch_url, state.moved_to, state.moved_seen) == (URL, NEW, seen)
    believed = after(state, fresh(moved_to=NEW), NOW, Hints())
    assert (believed.url, believed.fetch_url, believed.moved_to, believed.moved_seen) == (URL, NEW, None, 0)
    forgotten = after(state, fresh(), NOW, Hints())
    assert (forgotten.fetch_url, forgotten.moved_to, forgotten.moved_seen) == (URL, None, 0)
    other = after(state, fresh(moved_to=URL + "2"), NOW, Hints())
    assert (other.fetch_url, other.moved_to, other.moved_seen) == (URL, URL + "2", 1)
    error = after(state, replace(failed(Outcome.BROKEN), moved_to=NEW), NOW, Hints())
    assert (error.fetch_url, error.moved_to, error.moved_seen) == (URL, NEW, 2)


def test_new_address_that_fails_is_given_up_for_the_one_subscribed_to() -> None:
    state = replace(START, fetch_url=NEW)
    for _ in range(2):
        state = after(state, failed(Outcome.UNREACHABLE), NOW, Hints())
        assert state.fetch_url == NEW
    assert after(state, failed(Outcome.UNREACHABLE), NOW, Hints()).fetch_url == URL
    gone = after(replace(START, fetch_url=NEW), failed(Outcome.GONE), NOW, Hints())
    assert gone.fetch_url == URL and not gone.stopped


def test_broken_clock_keeps_no_feed_waiting() -> None:
    assert wait(START, NOW) == 0
    planned = after(START, fresh(), NOW, Hints())
    assert wait(planned, NOW + 60) == HOUR - 60
    assert wait(planned, NOW + 365 * DAY) == 0
    for back in (HOUR, 365 * DAY):  # the clock was set back: as long as was planned, not a year longer
        assert wait(planned, NOW - back) == HOUR
    assert wait(replace(START, next_fetch=NOW + 31 * DAY), NOW) == 0
    assert wait(replace(START, next_fetch=4_294_967_295.0, last_fetch=0.0), NOW) == 0
    assert wait(replace(START, next_fetch=NOW + 30 * DAY, last_fetch=NOW), NOW) == 30 * DAY


def test_copy_that_was_dropped_is_fetched_again_before_its_time() -> None:
    planned = after(START, fresh({"cache-control": "max-age=86400"}), NOW, Hints())
    assert wait(planned, NOW + 10) == DAY - 10
    assert wait(planned, NOW + 10, kept=False) == 50 and wait(planned, NOW + 60, kept=False) == 0
    busy = after(planned, failed(Outcome.BUSY, {"retry-after": "7200"}), NOW + 60, Hints())
    assert wait(busy, NOW + 60, kept=False) == 7200  # but never against the publisher's word
    assert wait(after(START, failed(Outcome.REFUSED), NOW, Hints()), NOW, kept=False) == 450


@given(
    st.sampled_from(Outcome),
    st.dictionaries(st.sampled_from("cache-control expires age date retry-after etag".split()), st.text(max_size=40)),
    st.floats(0, 5e9),
    st.integers(0, 60),
)
def test_no_header_makes_a_loop_or_an_end(outcome: Outcome, headers: dict[str, str], now: float, failures: int) -> None:
    state = after(replace(START, failures=failures), Answer(outcome, None, b"", headers), now, Hints())
    left = wait(state, now)
    assert left is None if outcome is Outcome.GONE else left is not None and 30 <= left <= 30 * DAY
    assert freshness(headers, now) >= 0


RSS = '<?xml version="1.0"?><rss version="2.0" xmlns:sy="http://purl.org/rss/1.0/modules/syndication/"><channel>{}</channel></rss>'


@pytest.mark.parametrize(
    ("inside", "hints"),
    [
        ("", Hints()),
        ("<ttl>90</ttl>", Hints(5400)),
        ("<ttl> <![CDATA[ 90 ]]>\n</ttl>", Hints(5400)),
        ("<ttl>often</ttl>", Hints()),
        ("<ttl>-5</ttl><ttl/>", Hints()),
        ("<!-- <ttl>90</ttl> -->", Hints()),
        ("<item><title>&lt;ttl></title><ttl>90</ttl></item>", Hints()),
        ("<item><ttl>30</ttl></item><ttl>90</ttl>", Hints(5400)),
        ("<sy:updatePeriod>hourly</sy:updatePeriod>\n<sy:updateFrequency>1</sy:updateFrequency>", Hints(3600)),
        ("<sy:updatePeriod>\n\tdaily\t</sy:updatePeriod><sy:updateFrequency>4</sy:updateFrequency>", Hints(21_600)),
        ("<sy:updateFrequency>2</sy:updateFrequency>", Hints(43_200)),
        ("<sy:updatePeriod>daily</sy:updatePeriod><sy:updateFrequency>0</sy:updateFrequency>", Hints(86_400)),
        ("<sy:updatePeriod>sometimes</sy:updatePeriod>", Hints()),
        ("<sy:updatePeriod>hourly</sy:updatePeriod><ttl>120</ttl>", Hints(7200)),
        (
            "<skipHours><hour>0</hour><hour>24</hour><hour>7</hour><hour>99</hour></skipHours>",
            Hints(0, frozenset({0, 7})),
        ),
        (
            "<skipDays><day>Saturday</day><day>sunday</day><day>Someday</day></skipDays>",
            Hints(0, frozenset(), frozenset({5, 6})),
        ),
    ],
)
def test_hints_are_read_from_the_channel(inside: str, hints: Hints) -> None:
    document = RSS.format(inside)
    for encoding in ("utf-8", "latin-1", "utf-16"):
        assert read_hints(document.encode(encoding)) == hints


def test_hints_of_a_large_feed_are_read_at_both_ends() -> None:
    items = "<item><title>x</title><ttl>5</ttl></item>" * 20_000
    assert read_hints(RSS.format(items + "<ttl>90</ttl>").encode()) == Hints(5400)
    assert read_hints(RSS.format("<ttl>90</ttl>" + items).encode()) == Hints(5400)


@given(st.binary() | st.text("<>/!-[]ttlhourday 0123456789").map(str.encode))
def test_any_bytes_give_hints(body: bytes) -> None:
    hints = read_hints(body)
    assert hints.interval >= 0 and hints.skip_hours <= set(range(24)) and hints.skip_days <= set(range(7))


def test_hostile_bytes_cost_no_time() -> None:
    for body in (b"<!--" * 50_000, b"<ttl " * 50_000, b"<ttl>" + b" " * 200_000, b"<a.b-c" * 50_000, b"</" * 90_000):
        assert read_hints(body) == Hints()
