"""Clients that take their time: they hold up nobody else, and are let go (R7)."""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.proxy.processes import Proxy, Publisher, running

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="the time limit is Linux's")]

PATIENCE = 1500  # milliseconds
ASK = b"GET /feeds/paper HTTP/1.1\r\nHost: 127.0.0.1\r\n"


def dribbles_headers(port: int) -> socket.socket:
    return _speaks(port, ASK + b"X-A: b")


def says_nothing(port: int) -> socket.socket:
    return _speaks(port, b"")


def never_ends_its_body(port: int) -> socket.socket:
    return _speaks(port, ASK + b"Content-Length: 1000\r\n\r\nx")


def takes_nothing(port: int) -> socket.socket:
    """Asks for more than all buffers hold, and reads none of it."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
    client.connect(("127.0.0.1", port))
    client.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        client.send((ASK + b"\r\n") * 100)
    return client


def _speaks(port: int, words: bytes) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", port))
    client.sendall(words)
    return client


def test_slow_clients_hold_up_nobody_and_are_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_PATIENCE", str(PATIENCE))
    publisher = Publisher()
    item = "<item><guid>1</guid><description>" + "The shares rose. " * 12_000 + "</description></item>"
    publisher.content = f'<rss version="2.0"><channel><title>Paper</title>{item}</channel></rss>'.encode
    with contextlib.closing(publisher), running(Proxy(tmp_path, {"paper": publisher.url})) as proxy:
        descriptors = Path(f"/proc/{proxy.process.pid}/fd")
        assert proxy.get("/feeds/paper")[0] == 200
        before, gone = len(list(descriptors.iterdir())), threading.Event()
        dribbling = [dribbles_headers(proxy.port) for _ in range(50)]
        others = [kind(proxy.port) for kind in (says_nothing, never_ends_its_body, takes_nothing) for _ in range(50)]
        try:
            _dribble(dribbling, gone)
            answers: list[int] = []
            until = time.monotonic() + 10 * PATIENCE / 1000
            while time.monotonic() < until and (not answers or len(list(descriptors.iterdir())) > before + 10):
                answers.append(proxy.get("/feeds/paper")[0])
                time.sleep(0.05)
            assert set(answers) == {200}
            assert len(list(descriptors.iterdir())) <= before + 10
        finally:
            gone.set()
            for client in (*dribbling, *others):
                client.close()


def _dribble(clients: list[socket.socket], gone: threading.Event) -> None:
    """Add a letter to the headers now and then."""

    def go_on() -> None:
        while not gone.wait(0.3):
            for client in clients:
                with contextlib.suppress(OSError):
                    client.send(b"c")

    threading.Thread(target=go_on, daemon=True).start()
