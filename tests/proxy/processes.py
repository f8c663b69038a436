"""A publisher at a real socket and the proxy as a real process, for tests of both from outside."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

COMMAND = Path(__file__).with_name("fake_server.py")
HANGS = 30.0  # seconds; longer than any deadline here


class Publisher:
    """Serves `content`, or does what `mood` says: `"ok"`, `"500"`, `"reset"`, `"cut"` or `"hang"`."""

    def __init__(self) -> None:
        self.content: Callable[[], bytes] = lambda: b""
        self.mood = "ok"
        self.delay = 0.0
        self.requests = 0
        publisher = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                publisher.requests += 1
                publisher.answer(self)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  as inherited
                """Say nothing."""

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/feed.xml"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """One request."""
        time.sleep(self.delay)
        body = self.content()
        if self.mood == "reset":
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            handler.close_connection = True
            return
        if self.mood == "hang":
            time.sleep(HANGS)
        handler.send_response(500 if self.mood == "500" else 200)
        handler.send_header("Content-Type", "application/rss+xml")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        with contextlib.suppress(OSError):
            handler.wfile.write(body[: len(body) // 2] if self.mood == "cut" else body)
        handler.close_connection = self.mood == "cut"

    def close(self) -> None:
        """Answer nothing more."""
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever asked is gone, as some of these tests want it."""


class Proxy:
    """The proxy in a folder of its own, to be started, killed and started again."""

    def __init__(self, folder: Path, feeds: dict[str, str], more: str = "", floor: float = 0.3) -> None:
        self.folder = folder
        self.floor = floor
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.settings = folder / "feedclean.toml"
        self.write(feeds, more)
        self._process: subprocess.Popen[bytes] | None = None
        self.log = folder / "log"

    def write(self, feeds: dict[str, str], more: str = "") -> None:
        """Write the settings file."""
        store = self.folder / "store.db"
        lines = [
            f'[proxy]\nport = {self.port}\nallow_networks = ["127.0.0.1"]\ndeadline = 2\nlog_level = "debug"\n{more}',
            f'[store]\nurl = "sqlite:///{store}"\n[defaults]\nrefresh_floor = {self.floor}\n',
            *(f'[feeds.{name}]\nurl = "{url}"\n' for name, url in feeds.items()),
        ]
        self.settings.write_text("\n".join(lines), "utf-8")

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The running one."""
        assert self._process is not None
        return self._process

    def start(self, *arguments: str) -> None:
        """Start it and wait until it answers."""
        command = [sys.executable, str(COMMAND), "serve", "--config", str(self.settings), *arguments]
        with self.log.open("ab") as log:
            environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
            self._process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        for _ in range(400):
            with contextlib.suppress(OSError):
                if self.get("/healthz")[0] == 200:
                    return
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.05)
        raise AssertionError(self.log.read_text())

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End it; its exit code."""
        self.process.send_signal(number)
        return self.process.wait(20)

    def get(self, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
        """One request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def post(self, path: str, fields: Mapping[str, str], **headers: str) -> tuple[int, dict[str, str], bytes]:
        """One form."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        try:
            connection.request("POST", path, urlencode(fields), {**kind, **headers})
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def lines(self) -> list[dict[str, Any]]:
        """What it has logged; every line is JSON."""
        return [json.loads(line) for line in self.log.read_text("utf-8").splitlines()]


@contextlib.contextmanager
def running(proxy: Proxy) -> Iterator[Proxy]:
    """The proxy, ended at the end."""
    proxy.start()
    try:
        yield proxy
    finally:
        if proxy.process.poll() is None:
            proxy.process.kill()
            proxy.process.wait(10)


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
