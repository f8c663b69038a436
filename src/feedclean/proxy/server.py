"""The process: listens, serves, reads its settings again when told to or when they change, and ends without hurry.

Granian runs inside our own event loop, so that signals, reloading and the end are ours. It gives a client ten seconds
for its headers, and on SIGTERM takes no new connections while answers under way are finished.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.net import SocketSpec  # type: ignore[attr-defined]
from granian.server.embed import Server

from .. import model_home
from ..cleaning import Judge
from ..errors import FeedcleanError, SettingsError
from ..settings import Settings
from .app import create_app
from .logs import Log, set_up
from .opening import OpenHouse, open_house
from .samples import Samples

__all__ = ["free_address", "make_server", "run"]

_HEADERS = 8_000  # milliseconds in which a request's headers must have come
_STUCK = 30_000  # milliseconds after which a client that takes nothing is let go (Linux)
_BUFFER = 64 << 10  # bytes that they may have
_GRACE = 8.0  # seconds for answers under way when the process is told to end
_LOOK = 1.0  # seconds between two looks at the settings file
_CONNECTIONS = 4096


Load = Callable[[str | None], Judge]


def run(read: Callable[[], Settings], load: Load, samples: Samples | None = None) -> None:
    """Serve until SIGTERM or SIGINT.

    Args:
        read: reads the settings; called again when they change.
        load: loads a model by the name that the settings give, or the one in use; called again when it changes.
        samples: feeds of this machine to serve beside the others.

    Raises:
        SettingsError: they cannot be used, or the address to listen on is taken.
        ModelError: a model cannot be loaded.
    """
    settings = read()
    settings = samples.over(settings) if samples else settings
    model = load(settings.model.use)
    shadow = load(settings.model.shadow) if settings.model.shadow else None
    address, port = free_address(settings.proxy.host, settings.proxy.port)
    settings = replace(settings, proxy=replace(settings.proxy, port=port))
    log = set_up(settings.proxy.log_level.value)
    asyncio.run(_Process(read, load, samples, log).serve(settings, model, shadow, address))


class _Process:
    def __init__(self, read: Callable[[], Settings], load: Load, samples: Samples | None, log: Log) -> None:
        self._read, self._load, self._samples, self._log = read, load, samples, log

    async def serve(self, settings: Settings, model: Judge, shadow: Judge | None, address: str) -> None:
        """Everything from opening the store to closing it."""
        around = {"fetcher": self._samples.around} if self._samples else {}
        house = open_house(settings, model, self._log, **around)
        house.take_shadow(shadow)
        server = make_server(create_app(house), address, settings.proxy.port)
        gc.collect()
        gc.freeze()  # what is here now stays until the end; to go through it again stops all answers for tens of ms
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, ended.set)
        again = asyncio.Event()
        with contextlib.suppress(AttributeError):  # where there is no SIGHUP
            loop.add_signal_handler(signal.SIGHUP, again.set)
        serving = asyncio.create_task(server.serve())
        watching = asyncio.create_task(self._watch(house, again))
        self._log.info("listening", at=house.addresses.base or f"port {settings.proxy.port}", model=model.name)
        if house.addresses.base is None:
            self._log.warning("proxy.public_url is not set, so feeds cannot say where they are served")
        if not (settings.proxy.user_agent_contact or settings.proxy.public_url):
            self._log.info("proxy.user_agent_contact is not set, so publishers cannot tell whom to write to")
        stopping = asyncio.create_task(ended.wait())
        try:
            await asyncio.wait([serving, stopping], return_when=asyncio.FIRST_COMPLETED)
            self._log.info("ending", at_most=_GRACE)
            server.stop()  # type: ignore[no-untyped-call]
            await asyncio.wait([serving], timeout=_GRACE)
        finally:
            watching.cancel()
            stopping.cancel()
            serving.cancel()
            await house.close()
            await asyncio.gather(watching, stopping, serving, return_exceptions=True)
        self._log.info("ended")

    async def _watch(self, house: OpenHouse, again: asyncio.Event) -> None:
        """Read settings and models again on SIGHUP and when they change; what cannot be read changes nothing."""
        seen, models = _looks(house.settings.path), _models(house.settings)
        now = seen
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(again.wait(), _LOOK)
            asked = again.is_set()
            again.clear()
            before, now = now, _looks(house.settings.path)
            written = now == before  # half of a file, or an empty one, may be good TOML with fewer feeds
            if asked or (written and now != seen):
                seen = now
                await self._take_settings(house)
            found = await asyncio.to_thread(_models, house.settings)
            if asked or found != models:
                models = found
                await self._take_models(house)

    async def _take_settings(self, house: OpenHouse) -> None:
        try:
            new = await asyncio.to_thread(self._read)
            house.apply(self._kept(house.settings, self._samples.over(new) if self._samples else new))
        except FeedcleanError as fault:
            self._log.error("settings not taken over", reason=str(fault))
        else:
            self._log.info("settings taken over", feeds=len(house.settings.feeds))

    async def _take_models(self, house: OpenHouse) -> None:
        """Judge by another model if there is one; one that cannot be loaded leaves the old one where it is."""
        wanted = house.settings.model
        try:
            model = await asyncio.to_thread(self._load, wanted.use)
            if model.name != house.cleaner.model:
                house.take(model)
                self._log.info("model taken over", model=model.name)
        except FeedcleanError as fault:
            self._log.error("model not taken over", reason=str(fault), model=house.cleaner.model)
        try:
            shadow = await asyncio.to_thread(self._load, wanted.shadow) if wanted.shadow else None
            if (shadow and shadow.name) != (house.shadow and house.shadow.judge.name):
                house.take_shadow(shadow)
                self._log.info("shadow taken over", model=shadow.name if shadow else None)
        except FeedcleanError as fault:
            self._log.error("shadow not taken over", reason=str(fault))

    def _kept(self, old: Settings, new: Settings) -> Settings:
        """New settings, with what only a restart can change as it was."""
        kept = replace(new.proxy, host=old.proxy.host, port=old.proxy.port)
        changed = [
            name
            for name, one, other in (
                ("proxy.host", new.proxy.host, old.proxy.host),
                ("proxy.port", new.proxy.port or old.proxy.port, old.proxy.port),
                ("store.url", new.store.url, old.store.url),
            )
            if one != other
        ]
        if changed:
            self._log.warning("changed, but only a restart will heed it", settings=", ".join(changed))
        return replace(new, proxy=kept, store=replace(new.store, url=old.store.url))


class _Server(Server):
    """Granian, with a time limit for clients that take nothing of their answer; it has none of its own."""

    def _init_shared_socket(self) -> None:
        held = SocketSpec(self.bind_addr, self.bind_port, self.backlog).build()
        descriptor = held.get_fd()
        self._shd, self._sfd = held, descriptor  # type: ignore[assignment]
        with socket.socket(fileno=os.dup(descriptor)) as listening, contextlib.suppress(OSError):
            # Connections inherit it. It ends those whose other end is gone, and those whose window stays shut.
            if hasattr(socket, "TCP_USER_TIMEOUT"):
                listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _STUCK)


def make_server(app: object, address: str, port: int) -> Server:
    """A server of an application, to be run in the event loop."""
    quiet = {"handlers": {}, "formatters": {}, "loggers": {"_granian": {"handlers": [], "propagate": True}}}
    return _Server(
        app,
        address=address,
        port=port,
        interface=Interfaces.ASGINL,
        http=HTTPModes.http1,
        websockets=False,
        backlog=1024,
        backpressure=_CONNECTIONS,
        http1_settings=HTTP1Settings(header_read_timeout=_HEADERS, max_buffer_size=_BUFFER),
        log_level=LogLevels.error,
        log_dictconfig=quiet,
    )


def free_address(host: str, port: int) -> tuple[str, int]:
    """The address and port to listen on, which are there and free.

    Raises:
        SettingsError: they are not.
    """
    where, host = f"{host}:{port}", host.strip("[]")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, address = min(found, key=lambda one: one[0] != socket.AF_INET)
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            return str(address[0]), int(probe.getsockname()[1])
    except OSError as fault:
        told = (fault.strerror or str(fault)).lower()
        raise SettingsError(f"cannot listen there: {told}", where=where, hint="choose another --port") from fault


def _models(settings: Settings) -> tuple[object, ...]:
    """What tells whether the models that the settings name were changed."""
    use, shadow = settings.model.use, settings.model.shadow
    return use, model_home.stamp(use), shadow, model_home.stamp(shadow) if shadow else None


def _looks(path: Path | None) -> tuple[int, int, int] | None:
    """What tells whether a file was changed."""
    if path is None:
        return None
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
