"""Logs: one line of JSON for each event, on standard error, in which nothing can break the line or give away a secret.

Everything is escaped to ASCII, so neither line feeds nor escape sequences of terminals get out. Addresses lose user
names and queries wherever they stand, since a query may hold somebody's key.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Callable, MutableMapping
from typing import Any, TextIO
from urllib.parse import urlsplit

import structlog

__all__ = ["Log", "Seldom", "redacted", "set_up", "told_url"]

Log = structlog.typing.FilteringBoundLogger
Event = MutableMapping[str, Any]

_ADDRESS = re.compile(
    r"(?i)\b([a-z][a-z0-9+.-]{1,20}://)([^\s/?#\"'<>]*@)?([^\s?#\"'<>]*)(\?[^\s#\"'<>]*)?(#[^\s\"'<>]*)?"
)
_SECRET = re.compile(
    r"(?i)\b(token|sig|key|secret|password|authorization)([=:]\s*)(?:(?:bearer|basic)\s+)?[^\s&\"',;]+"
)
_LONGEST = 1000  # characters of a value
_MINUTE = 60.0  # seconds
_CAUSES = 1000  # remembered
_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


class Seldom:
    """Says the same thing once a minute at most, and how often it has kept it to itself since.

    What goes wrong with each request (a full disk, too many requests) must not write a line for each.

    Args:
        log: to say it to.
        monotonic: seconds since some moment.
    """

    def __init__(self, log: Log, monotonic: Callable[[], float]) -> None:
        self._log, self._monotonic = log, monotonic
        self._said: dict[str, tuple[float, int]] = {}  # by cause: when last, and how often not since

    def warning(self, cause: str, event: str, **facts: Any) -> None:
        """Say it, unless that was done for the same cause within a minute."""
        now = self._monotonic()
        last, unsaid = self._said.get(cause, (now - _MINUTE, 0))
        if 0 <= now - last < _MINUTE:
            self._said[cause] = (last, unsaid + 1)
            return
        if len(self._said) >= _CAUSES:
            self._said.clear()
        self._said[cause] = (now, 0)
        self._log.warning(event, **facts, **({"unsaid": unsaid} if unsaid else {}))


def set_up(level: str, stream: TextIO | None = None) -> Log:
    """Send everything that is logged in this process, also by others, through one renderer; and a log to write to."""
    stream = stream or sys.stderr
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _with_fault,
        _redact,
    ]
    structlog.configure(
        processors=[*shared, _render],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )
    formatter = structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=[_without_internals, _render])
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(_LEVELS[level], logging.INFO))
    log: Log = structlog.get_logger().bind()  # bound once: else it is made anew for each event, heard or not
    return log


def told_url(url: str) -> str:
    """An address as it may be logged: without user name, query and fragment."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "(no address)"
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}{'?…' if parts.query else ''}"[:300]


def redacted(text: str) -> str:
    """Text without what a log must not hold.

    >>> redacted("cannot reach https://me:pw@example.org/feed?key=1#x and token=abc")
    'cannot reach https://example.org/feed?… and token=***'
    """
    shown = _ADDRESS.sub(lambda match: f"{match[1]}{match[3]}{'?…' if match[4] else ''}", text)
    return _SECRET.sub(r"\1\2***", shown)[:_LONGEST]


def _with_fault(_logger: Any, _name: str, event: Event) -> Event:
    """An exception as what it is and where it was raised, instead of a traceback of many lines."""
    fault = event.pop("exc_info", None)
    if fault is True:
        fault = sys.exc_info()[1]
    if isinstance(fault, tuple):
        fault = fault[1]
    if isinstance(fault, BaseException):
        event["fault"] = f"{type(fault).__name__}: {fault}"
        trace = fault.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        if trace is not None:
            event["at"] = f"{trace.tb_frame.f_code.co_qualname}:{trace.tb_lineno}"
    return event


def _redact(_logger: Any, _name: str, event: Event) -> Event:
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = redacted(value)
        elif value is not None and not isinstance(value, int | float):
            event[key] = redacted(str(value)) if not key.startswith("_") else value
    return event


def _without_internals(_logger: Any, _name: str, event: Event) -> Event:
    event.pop("_record", None)
    event.pop("_from_structlog", None)
    return event


def _render(_logger: Any, _name: str, event: Event) -> str:
    return json.dumps(event, default=str)
