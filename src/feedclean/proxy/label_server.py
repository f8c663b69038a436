"""The process of `feedclean label` while it is answered in a browser."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import signal
from collections.abc import Callable

from .labelling import Labelling, create_labelling
from .logs import set_up
from .server import free_address, make_server

__all__ = ["serve_labelling"]

_HOST = "127.0.0.1"
_GRACE = 3.0  # seconds for an answer under way


def serve_labelling(session: Labelling, port: int, tell: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM.

    Args:
        session: asks and is answered.
        port: to listen on; 0 takes any.
        tell: is told the address.

    Raises:
        SettingsError: the port is taken.
    """
    address, port = free_address(_HOST, port)
    token = secrets.token_urlsafe(18)
    log = set_up("warning")

    async def serve() -> None:
        server = make_server(create_labelling(session, token, log), address, port)
        ended = asyncio.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(name, ended.set)
        serving = asyncio.create_task(server.serve())
        stopping = asyncio.create_task(ended.wait())
        try:
            await _listens(port)
            tell(f"http://{_HOST}:{port}/?token={token}")
            await asyncio.wait([serving, stopping], return_when=asyncio.FIRST_COMPLETED)
            server.stop()  # type: ignore[no-untyped-call]
            await asyncio.wait([serving], timeout=_GRACE)
        finally:
            for task in (serving, stopping):
                task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.gather(serving, stopping, return_exceptions=True)

    asyncio.run(serve())


async def _listens(port: int) -> None:
    """Wait until the server does: whoever is told the address may open it at once."""
    for _ in range(200):
        try:
            _, writer = await asyncio.open_connection(_HOST, port)
        except OSError:
            await asyncio.sleep(0.02)
        else:
            writer.close()
            return
