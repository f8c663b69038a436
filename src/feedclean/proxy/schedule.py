"""When a feed may be asked for again: pure, so that a month of a publisher's moods is a test of a millisecond.

    FeedState + Answer + now + Hints  ── after ──>  FeedState
                                                       │
                                  now ── wait ─────────┴──>  seconds until it may be asked for

After a success the longest of what the publisher asks for holds, and at least `Rules.floor`; after a failure the
pause doubles up to a day and never ends, except after 410. Nothing an error says changes what a success has taught.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from feedclean.proxy.hints import Hints, read_hints
from feedclean.proxy.nouns import Answer, FeedState, Outcome, Validators

__all__ = ["DAY", "Hints", "Rules", "after", "freshness", "pause", "read_hints", "resumed", "retry_after", "wait"]

DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Rules:
    """How patient the proxy is with one feed; all in seconds but `moves`."""

    floor: float = 3600.0  # between a success and the next request, whatever the publisher allows
    longest: float = DAY  # that a publisher's wish for fewer requests is followed: news must not wait longer
    retry: float = 60.0  # after the first failure of a server or the network; doubled with each further one
    retry_refused: float = 600.0  # after the first 4xx, refusal by the guard, or body that is too large
    longest_retry: float = DAY
    longest_wait: float = 30 * DAY  # that `Retry-After` may ask for; what is planned further ahead is a broken clock
    moves: int = 3  # sightings of a permanent redirect before it is believed, failures before it is no longer


_SUCCESS = (Outcome.FRESH, Outcome.UNCHANGED)
_OURS_TO_FIX = (Outcome.REFUSED, Outcome.FORBIDDEN, Outcome.TOO_MUCH, Outcome.GONE)  # another try seldom helps
_DIRECTIVE = re.compile(r"""([\w-]+)(?:\s*=\s*(?:"([^"]*)"|([^\s,;]*)))?""", re.ASCII)


def after(
    state: FeedState, answer: Answer, now: float, hints: Hints, *, rules: Rules | None = None, jitter: float = 0.0
) -> FeedState:
    """What is to be remembered once `answer` has come.

    Args:
        state: what was remembered before.
        answer: of the publisher.
        now: seconds since the epoch.
        hints: of the body just got, or else of the last good one.
        rules: of this feed.
        jitter: a random number from 0 to 1 that spreads retries, so that feeds that failed together do not return
            together.
    """
    rules = rules or Rules()
    known = replace(state, last_fetch=now, last_outcome=answer.outcome, last_reason=answer.reason)
    if answer.outcome in _SUCCESS:
        wish = max(freshness(answer.headers, now), hints.interval)
        planned = now + max(rules.floor, min(wish, rules.longest))
        known = replace(_moved(known, answer, rules), validators=_validators(state, answer), last_success=now)
        return replace(known, failures=0, stopped=False, next_fetch=_outside_skips(planned, hints))
    known = replace(known, failures=state.failures + 1)
    planned = now + _retry(known.failures, answer, now, rules, jitter)
    known = replace(known, next_fetch=_outside_skips(planned, hints))
    if known.fetch_url != known.url and (known.failures >= rules.moves or answer.outcome is Outcome.GONE):
        return replace(known, fetch_url=known.url, moved_to=None, moved_seen=0)  # back to what was subscribed to
    return replace(known, stopped=answer.outcome is Outcome.GONE)


def wait(state: FeedState, now: float, rules: Rules | None = None, *, kept: bool = True) -> float | None:
    """Seconds until a feed may be asked for (0: now); `None` if not before somebody says so (`resumed`).

    A clock that was set back cannot keep a feed waiting longer than was planned when it was last fetched.

    Args:
        state: what is remembered about the feed.
        now: seconds since the epoch.
        rules: of this feed.
        kept: whether there is a copy to show meanwhile; if one was had and dropped, the plan that came with it does
            not hold.
    """
    rules = rules or Rules()
    if state.stopped:
        return None
    since = 0.0 if state.last_fetch is None else max(0.0, now - state.last_fetch)
    planned = state.next_fetch - (now if state.last_fetch is None else state.last_fetch + since)
    if not kept and state.last_success is not None and state.failures == 0:
        planned = min(planned, rules.retry - since)
    return max(0.0, planned) if planned <= rules.longest_wait else 0.0


def resumed(state: FeedState, now: float) -> FeedState:
    """A feed that somebody wants to be asked for again, whatever was planned."""
    return replace(state, stopped=False, failures=0, next_fetch=now)


def pause(answer: Answer, now: float) -> float:
    """Seconds for which a publisher wants no request at all, for any of its feeds; a day at most."""
    asked = retry_after(answer.headers, now) if answer.outcome is Outcome.BUSY else None
    return min(asked or 0.0, DAY)


def freshness(headers: Mapping[str, str], now: float) -> float:
    """Seconds for which an answer says it is good, counted from now; 0 if it says nothing usable."""
    control = {
        m[1].lower(): m[2] or m[3] or "" for m in reversed(list(_DIRECTIVE.finditer(headers.get("cache-control", ""))))
    }
    if "no-cache" in control or "no-store" in control:
        return 0.0
    # `s-maxage` is for caches that the publisher can purge; where both are given, a reader is meant by the other.
    written = control.get("max-age", control.get("s-maxage"))
    lifetime = _seconds(written) if written is not None else None
    if lifetime is None and "expires" in headers and written is None:
        expires, sent = _date(headers["expires"]), _date(headers.get("date", ""))
        lifetime = expires - (now if sent is None else sent) if expires is not None else None
    return max(0.0, (lifetime or 0.0) - (_seconds(headers.get("age", "")) or 0.0))


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds that `Retry-After` asks for, written as seconds or as a date; `None` if it is missing or unreadable."""
    written = headers.get("retry-after", "").strip()
    seconds = _seconds(written)
    if seconds is not None or (date := _date(written)) is None:
        return seconds
    sent = _date(headers.get("date", ""))
    return max(0.0, date - (now if sent is None else sent))


def _retry(failures: int, answer: Answer, now: float, rules: Rules, jitter: float) -> float:
    """Seconds to wait after so many failures in a row."""
    first = rules.retry_refused if answer.outcome in _OURS_TO_FIX else rules.retry
    pause = min(rules.longest_retry, first * 2.0 ** min(failures - 1, 30)) * (0.75 + 0.25 * jitter)
    asked = retry_after(answer.headers, now) if answer.outcome is Outcome.BUSY else None
    if asked is None:
        return pause
    # A publisher that says "in a second" each time is not asked each second.
    return min(rules.longest_wait, max(asked + jitter * min(60.0, 0.05 * asked), min(pause, rules.floor)))


def _validators(state: FeedState, answer: Answer) -> Validators:
    """The newest validators: those of a new body, or the old ones with what a 304 changed."""
    etag, modified = answer.headers.get("etag") or None, answer.headers.get("last-modified") or None
    if answer.outcome is Outcome.FRESH:
        return Validators(etag, modified)
    return Validators(etag or state.validators.etag, modified or state.validators.last_modified)


def _moved(state: FeedState, answer: Answer, rules: Rules) -> FeedState:
    """Count the sightings of a permanent redirect, and follow it once it has proved to be one."""
    if answer.moved_to is None or answer.moved_to == state.fetch_url:
        return replace(state, moved_to=None, moved_seen=0)
    seen = state.moved_seen + 1 if answer.moved_to == state.moved_to else 1
    if seen >= rules.moves:
        return replace(state, fetch_url=answer.moved_to, moved_to=None, moved_seen=0)
    return replace(state, moved_to=answer.moved_to, moved_seen=seen)


def _outside_skips(moment: float, hints: Hints) -> float:
    """The first moment from `moment` on that lies in no hour and on no day that is to be skipped."""
    if not (hints.skip_hours or hints.skip_days):
        return moment
    try:
        time = datetime.fromtimestamp(moment, UTC)
        for _ in range(24 * 8):
            if time.hour not in hints.skip_hours and time.weekday() not in hints.skip_days:
                return max(moment, time.timestamp())
            time = time.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    except (OverflowError, OSError, ValueError):  # a clock beyond all calendars
        pass
    return moment  # every hour or every day is to be skipped: that cannot be meant


def _seconds(written: str) -> float | None:
    """A number of seconds in a header."""
    match = re.fullmatch(r'\s*"?\s*([0-9]+)(?:\.[0-9]*)?\s*"?\s*', written, re.ASCII)
    return None if match is None else float(match[1][:15])


def _date(written: str) -> float | None:
    """A date in a header, in seconds since the epoch."""
    try:
        date = parsedate_to_datetime(written)
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
