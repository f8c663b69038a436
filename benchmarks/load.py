"""Asks one address again and again, as a process of its own, so that measuring takes no time from what is measured.

Without `--rate`, every connection asks as soon as it has its answer: how many requests a second there can be. With it,
requests begin at fixed moments whatever the server does, and each is timed from the moment at which it should have
begun, so that a server that stalls cannot hide behind a client that waits for it.
"""

from __future__ import annotations

import argparse
import json
import math
import selectors
import socket
import sys
import time
from collections import deque
from collections.abc import Sequence

_PATIENCE = 10.0  # seconds without any answer, after which it is given up


class _Connection:
    """A connection that is kept open, with at most one request under way."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.head = b""
        self.left = -1  # bytes of the body that are to come; -1 before its length is known
        self.due = 0.0  # when the request that is under way should have begun

    def read(self, room: memoryview) -> bool:
        """Take what has come; whether the answer is complete."""
        try:
            count = self.socket.recv_into(room)
        except BlockingIOError:
            return False
        if not count:
            sys.exit("the server closed a connection")
        if self.left < 0:
            self.head += bytes(room[:count])
            end = self.head.find(b"\r\n\r\n")
            if end < 0:
                return False
            if not self.head.startswith(b"HTTP/1.1 200"):
                sys.exit(f"not what was asked for: {self.head[:60]!r}")
            low = self.head[:end].lower()
            length = int(low.partition(b"content-length:")[2].split(b"\r\n", 1)[0])
            self.left, count = length, len(self.head) - end - 4
        self.left -= count
        if self.left > 0:
            return False
        self.left, self.head = -1, b""
        return True


def measure(port: int, path: str, *, connections: int, seconds: float, rate: float, headers: str = "") -> list[float]:
    """Seconds that each answer took.

    Args:
        port: of the server, on this machine.
        path: that is asked for.
        connections: that are open at once.
        seconds: to go on for.
        rate: requests a second; 0 for as many as there can be.
        headers: lines to send along, each with its end.
    """
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{headers}\r\n".encode()
    room = memoryview(bytearray(1 << 20))
    everyone = [_Connection(port) for _ in range(connections)]
    idle = deque(everyone)
    taken: list[float] = []
    with selectors.DefaultSelector() as selector:
        for one in everyone:
            selector.register(one.socket, selectors.EVENT_READ, one)
        began = last = time.perf_counter()
        end, started = began + seconds, 0
        while True:
            now = time.perf_counter()
            while idle and now < end:
                due = began + started / rate if rate else now
                if due > now:
                    break
                one = idle.popleft()
                one.due = due
                one.socket.sendall(request)
                started += 1
            if now >= end and len(idle) == connections:
                return taken
            if now - last > _PATIENCE:
                sys.exit("the server does not answer")
            pause = max(0.0, min(began + started / rate, end) - now) if rate and idle and now < end else 0.1
            for key, _ in selector.select(pause):
                if key.data.read(room):
                    last = time.perf_counter()
                    taken.append(last - key.data.due)
                    idle.append(key.data)


def quantile(ordered: Sequence[float], share: float) -> float:
    """The value that a share of them does not exceed."""
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)]


def main() -> None:
    """Measure and print one line of JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("port", type=int)
    parser.add_argument("path")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--rate", type=float, default=0.0, help="requests a second; as many as there can be by default")
    parser.add_argument("--header", action="append", default=[], help="to send along")
    given = parser.parse_args()
    headers = "".join(f"{line}\r\n" for line in given.header)
    taken = sorted(
        measure(
            given.port,
            given.path,
            connections=given.connections,
            seconds=given.seconds,
            rate=given.rate,
            headers=headers,
        )
    )
    ms = {f"p{share:g}": quantile(taken, share / 100) * 1e3 for share in (50, 95, 99)}
    print(json.dumps({"requests": len(taken), "per_second": len(taken) / given.seconds, "ms": ms}))


if __name__ == "__main__":
    main()
