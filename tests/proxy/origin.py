"""Publishers for tests: a plain function on a virtual clock, and the same kind of function behind a real socket.

publisher = Publisher(clock, lambda request: Answer(…))          # no network, no time
async with Origin(lambda request: reply(200, b"<rss/>")) as origin: …   # 127.0.0.1, any bytes at any pace
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from feedclean.proxy.nouns import Answer, Validators

FEED = b'<?xml version="1.0"?><rss version="2.0"><channel><title>News</title></channel></rss>'


@dataclass(slots=True)
class Request:
    """What a publisher was asked."""

    url: str  # the path, for a real origin
    headers: dict[str, str] = field(default_factory=dict)  # lower-case names
    at: float = 0.0  # virtual time

    @property
    def conditional(self) -> bool:
        return "if-none-match" in self.headers or "if-modified-since" in self.headers


class Clock:
    """Time that passes when somebody sleeps or turns it."""

    def __init__(self, start: float = 1_772_620_200.0) -> None:
        self.wall = start
        self.mono = 1000.0
        self.real_nap: float | None = None  # real seconds that a sleep takes instead of virtual ones

    def now(self) -> float:
        return self.wall

    def monotonic(self) -> float:
        return self.mono

    def turn(self, seconds: float) -> None:
        """Let time pass."""
        self.wall += seconds
        self.mono += seconds

    async def sleep(self, seconds: float) -> None:
        if self.real_nap is None:
            self.turn(seconds)
        await asyncio.sleep(self.real_nap or 0)


class Publisher:
    """Stands in for `Upstream`: asks a function."""

    def __init__(self, clock: Clock, script: Callable[[Request], Answer], *, delay: float = 0.0) -> None:
        self.clock = clock
        self.script = script
        self.delay = delay  # real seconds
        self.requests: list[Request] = []
        self.open = 0
        self.most_open = 0

    async def fetch(self, url: str, validators: Validators, headers: Mapping[str, str] | None = None) -> Answer:
        conditions = {"if-none-match": validators.etag, "if-modified-since": validators.last_modified}
        sent = {name: value for name, value in conditions.items() if value is not None} | dict(headers or {})
        request = Request(url, sent, self.clock.now())
        self.requests.append(request)
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            await asyncio.sleep(self.delay)
            return self.script(request)
        finally:
            self.open -= 1


Reply = bytes | Iterable[bytes | float]  # bytes to send, seconds to wait


def reply(status: int = 200, body: bytes = FEED, *, length: int | None = None, **headers: str) -> bytes:
    """An HTTP answer, `Content-Length` given unless it is in `headers`; `content_type` is `Content-Type`."""
    lines = [f"HTTP/1.1 {status} Reason"]
    lines += [f"{name.replace('_', '-').title()}: {value}" for name, value in headers.items()]
    if "transfer_encoding" not in headers:
        lines.append(f"Content-Length: {len(body) if length is None else length}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


class Origin:
    """A publisher at a real socket of this machine."""

    def __init__(self, script: Callable[[Request], Reply], host: str = "127.0.0.1") -> None:
        self.script = script
        self.host = host
        self.requests: list[Request] = []
        self.accepts = 0
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, self.host, 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0.01)  # the transports say goodbye

    @property
    def port(self) -> int:
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    def url(self, path: str = "/feed", host: str | None = None) -> str:
        return f"http://{host or self.host}:{self.port}{path}"

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepts += 1
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("utf-8", "surrogateescape").split("\r\n")
            headers = {line.split(":", 1)[0].lower(): line.split(":", 1)[1].strip() for line in head[1:] if line}
            request = Request(head[0].split()[1], headers)
            self.requests.append(request)
            answer = self.script(request)
            for part in [answer] if isinstance(answer, bytes) else answer:
                if isinstance(part, float):
                    await asyncio.sleep(part)
                else:
                    writer.write(part)
                    await writer.drain()
            writer.close()
            await writer.wait_closed()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.transport.abort()


@contextlib.asynccontextmanager
async def origins(*scripts: Callable[[Request], Reply]) -> AsyncIterator[list[Origin]]:
    """Several origins, each at a port of its own."""
    async with contextlib.AsyncExitStack() as stack:
        yield [await stack.enter_async_context(Origin(script)) for script in scripts]
