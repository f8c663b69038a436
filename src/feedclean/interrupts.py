"""Ctrl-C beside other people's threads and processes.

A terminal sends it to all processes of a command. Those that clean must not hear of it: their parent ends them. And in
the parent it must not fall into the middle of joblib, which loses track of semaphores and of its own thread by it.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from multiprocessing import resource_tracker
from types import FrameType

__all__ = ["uninterrupted"]


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Put Ctrl-C off to the end of the block; processes and threads begun in it never hear of it.

    In a thread other than the main one, which Ctrl-C does not reach, nothing is done.

    Raises:
        KeyboardInterrupt: at the end, if it came meanwhile (or whatever the handler that was set before raises).
    """
    handler = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(handler):
        yield
        return
    came: list[FrameType | None] = []
    signal.signal(signal.SIGINT, lambda _, frame: came.append(frame))
    try:
        with _masked():
            yield
    finally:
        signal.signal(signal.SIGINT, handler)
        if came:
            handler(signal.SIGINT, came[0])


@contextlib.contextmanager
def _masked() -> Iterator[None]:
    """Of the calling thread: what is masked is inherited, through `exec` too, which resets handlers."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows, where no process has a mask
        yield
        return
    resource_tracker.ensure_running()  # of Python 3.11: it lifts the mask when it starts
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT,))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
