"""A client for the application in this process: no sockets, and every fact of a connection as the test wants it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import unquote, urlencode

from starlette.types import ASGIApp

T = TypeVar("T")


@dataclass(frozen=True)
class Got:
    """An answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    raw: list[tuple[bytes, bytes]]

    @property
    def problem(self) -> str:
        """The kind of a refusal."""
        assert self.headers["content-type"] == "application/problem+json"
        value = json.loads(self.body)
        assert value["status"] == self.status
        return str(value["type"]).removeprefix("urn:feedclean:problem:")


async def ask(app: ASGIApp, target: str, *, method: str = "GET", peer: str | None = "127.0.0.1", **headers: str) -> Got:
    """What the application answers; `if_none_match` is the header `If-None-Match`."""
    return await _exchange(app, target, method, peer, b"", headers)


async def post(
    app: ASGIApp, target: str, fields: Mapping[str, str] | bytes, *, peer: str | None = "127.0.0.1", **headers: str
) -> Got:
    """What the application answers to a form."""
    content = fields if isinstance(fields, bytes) else urlencode(fields).encode()
    given = {"content_type": "application/x-www-form-urlencoded", **headers}
    return await _exchange(app, target, "POST", peer, content, given)


async def _exchange(
    app: ASGIApp, target: str, method: str, peer: str | None, body: bytes, headers: Mapping[str, str]
) -> Got:
    path, _, query = target.partition("?")
    given = {"host": "127.0.0.1:8420", **{name.replace("_", "-"): value for name, value in headers.items()}}
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in given.items()],
        "client": (peer, 50_000) if peer else None,
        "server": ("127.0.0.1", 8420),
        "state": {},
    }
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    start = sent[0]
    content = b"".join(message.get("body", b"") for message in sent[1:])
    found = {name.decode(): value.decode("latin-1") for name, value in start["headers"]}
    assert len(found) == len(start["headers"]), "a header twice"
    return Got(start["status"], found, content, list(start["headers"]))


def go(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end."""
    return asyncio.run(coroutine)
