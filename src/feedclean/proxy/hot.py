"""Answers that were given a moment ago, ready to be given again: all that a crowd of readers costs.

    request ── Wording ── asked like that before? ──> Wanted ── answered within this second? ──> Ready ──> reader
                               │ no                                  │ no
                               v                                     v
                         router, access                     store, publisher, cleaning

That somebody may have a feed depends on nothing but the wording of the request, the other end of its socket and the
settings, so it is found out once for each. Whether there is news of it is looked at once a second.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Generic, TypeVar

from starlette.types import Scope, Send

from ..types import Format
from .access import TELLING
from .negotiation import another_than, chosen, same_as, tag
from .reply import Problem, RawHeaders, Reply
from .shelf import Served

__all__ = ["Few", "Ready", "Wanted", "Wording", "wording"]

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_WHO = frozenset(name.encode() for name in (*TELLING, "cdn-loop"))
_RARE = frozenset({b"if-match", b"if-unmodified-since"})
_FORM = frozenset({b"accept-encoding", b"if-none-match", b"if-modified-since", *_RARE})
_LONGEST = 4000  # bytes of a wording; longer ones are not remembered


@dataclass(frozen=True, slots=True)
class Wanted:
    """A feed that a reader asks for, and may have."""

    url: str
    name: str | None
    to: Format | None
    own: str | None  # where it is served
    private: bool  # not for caches that others use


@dataclass(slots=True)
class Wording:
    """A request, as far as an answer depends on it."""

    key: Hashable | None  # of what is asked for, and by whom; `None` if it is too long to be remembered
    form: Mapping[bytes, bytes]  # headers that say in which form


def wording(scope: Scope) -> Wording:
    """How a request is worded."""
    who: list[tuple[bytes, bytes]] = []
    form: dict[bytes, bytes] = {}
    length = len(scope["path"]) + len(scope["query_string"])
    for header in scope["headers"]:
        name, value = header
        if name in _FORM:
            form[name] = form[name] + b", " + value if name in form else value
        elif name in _WHO:
            who.append((name, value))
            length += len(value)
    client = scope["client"]
    key = (scope["path"], scope["query_string"], client and client[0], *who) if length < _LONGEST else None
    return Wording(key, form)


class Ready:
    """A copy with its headers, in each form that was asked for.

    Args:
        served: the copy.
        headers: that all forms have.
    """

    __slots__ = ("_etags", "_forms", "_headers", "_served")

    def __init__(self, served: Served, headers: Mapping[str, str]) -> None:
        self._served = served
        self._headers = Reply(HTTPStatus.NOT_MODIFIED, headers=headers).raw()
        self._forms: dict[str, tuple[RawHeaders, bytes]] = {}  # by coding
        self._etags: dict[bytes, RawHeaders] = {}  # headers of a 304, by the tag that the client has

    @property
    def bypassed(self) -> str:
        """Why the copy was not cleaned, if it was not."""
        return self._served.bypassed

    async def send(self, scope: Scope, send: Send, form: Mapping[bytes, bytes]) -> None:
        """Answer a request that has these headers.

        Raises:
            Problem: 412; it wants no other copy than one that is no longer there.
        """
        if not _RARE.isdisjoint(form):
            self._check(form)
        tags, since = form.get(b"if-none-match"), form.get(b"if-modified-since")
        if (tags is not None or since is not None) and (headers := self._unchanged(tags, since)) is not None:
            await send({"type": "http.response.start", "status": 304, "headers": headers})
            await send({"type": "http.response.body", "body": b""})
            return
        accepted = form.get(b"accept-encoding")
        coding = chosen(accepted.decode("latin-1")) if accepted else ""
        ready = self._forms.get(coding)
        if ready is None:
            ready = self._forms[coding] = await self._formed(coding)
        await send({"type": "http.response.start", "status": 200, "headers": ready[0]})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else ready[1]})

    def _check(self, form: Mapping[bytes, bytes]) -> None:
        texts = [
            form[name].decode("latin-1") if name in form else None for name in (b"if-match", b"if-unmodified-since")
        ]
        if another_than(self._served.etag, self._served.modified, *texts):
            told = "There is another copy by now."
            raise Problem(HTTPStatus.PRECONDITION_FAILED, "another-copy", told)

    def _unchanged(self, tags: bytes | None, since: bytes | None) -> RawHeaders | None:
        """The headers of a 304, if the client has the copy already."""
        if tags is not None and (known := self._etags.get(tags)) is not None:
            return known
        texts = [value.decode("latin-1") if value is not None else None for value in (tags, since)]
        found = same_as(self._served.etag, self._served.modified, *texts)
        if found is None:
            return None
        headers = [*self._headers, (b"etag", found.encode())]
        if tags is not None and tags.decode("latin-1") == found:
            self._etags[tags] = headers
        return headers

    async def _formed(self, coding: str) -> tuple[RawHeaders, bytes]:
        coding, content = await self._served.in_coding(coding)
        headers = [
            (b"etag", tag(self._served.etag, coding).encode()),
            (b"content-type", self._served.content_type.encode("latin-1")),
            (b"content-length", str(len(content)).encode()),
        ]
        if coding:
            headers.append((b"content-encoding", coding.encode()))
        return [*self._headers, *headers], content


class Few(Generic[K, V]):
    """The last so many values; what was kept first goes first.

    Args:
        most: values.
        seconds: that each is good for; for good by default.
    """

    def __init__(self, most: int, seconds: float = float("inf")) -> None:
        self._most, self._seconds = most, seconds
        self._values: OrderedDict[K, tuple[float, V]] = OrderedDict()

    def get(self, key: K, now: float) -> V | None:
        """The value for a key, if it is still good."""
        found = self._values.get(key)
        return found[1] if found is not None and 0 <= now - found[0] < self._seconds else None

    def keep(self, key: K, value: V, now: float) -> None:
        """Remember a value, and forget those that are over: they must not keep their copies in memory."""
        self._values.pop(key, None)
        self._values[key] = (now, value)
        while len(self._values) > self._most or now - next(iter(self._values.values()))[0] >= self._seconds:
            self._values.popitem(last=False)

    def clear(self) -> None:
        """Forget all."""
        self._values.clear()
