"""A process that writes to a store and says what was acknowledged, for tests that end it in the middle.

python -m tests.proxy.store_writer        reads a line "PATH NUMBER" at a time, starts a writer for it (fork), says
its process id, and goes on when it has ended
"""

from __future__ import annotations

import os
import sys
import time

from feedclean.errors import StoreError
from feedclean.proxy.store import Store
from tests.proxy.stores import body, label, pin, row, state


def write(url: str, number: int, turns: int = 1_000_000) -> None:
    """Write facts by turns; each is told as soon as all of it is acknowledged."""
    store = Store(url, clock=time.time, patience=10)
    for turn in range(turns):
        name = f"{number}-{turn}"
        try:
            store.save(state(f"https://{name}.example/", name), body(f"https://{name}.example/", name.encode() * 900))
            store.note([row(name, block=f"{number}")])
            store.label(label(name))
            store.pin([pin(name)])
            store.save(state("https://shared.example/", name), body("https://shared.example/", name.encode() * 2000))
            if turn % 20 == 19:
                store.evict(1 << 20, 1e12)
        except StoreError as error:
            sys.stdout.write(f"error {error}\n")
        sys.stdout.write(f"done {name}\n")
        sys.stdout.flush()
    store.close()


def main() -> None:
    """Start a writer for every line of the input."""
    for line in sys.stdin:
        path, number = line.split()
        child = os.fork()
        if child == 0:
            write(path, int(number))
            os._exit(0)
        sys.stdout.write(f"started {child}\n")
        sys.stdout.flush()
        os.waitpid(child, 0)
        sys.stdout.write("ended\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
