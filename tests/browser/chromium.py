"""A headless Chromium, driven by its debugging protocol: it is looked at from outside, so pages need no scripts."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-extensions --remote-debugging-port=0"
).split()


class Tab:
    """One tab."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._number = 0
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._loaded = asyncio.Event()
        self.events: list[dict[str, Any]] = []
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for message in self._socket:
            value = json.loads(message.data)
            if "id" in value:
                self._waiting.pop(value["id"]).set_result(value)
                continue
            self.events.append(value)
            if value["method"] == "Page.loadEventFired":
                self._loaded.set()
            if value["method"] == "Page.javascriptDialogOpening":
                self._number += 1
                self._waiting[self._number] = asyncio.get_running_loop().create_future()
                told = {"id": self._number, "method": "Page.handleJavaScriptDialog", "params": {"accept": True}}
                await self._socket.send_json(told)

    async def do(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command of the protocol."""
        self._number += 1
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[self._number] = answer
        await self._socket.send_json({"id": self._number, "method": method, "params": parameters})
        value = await asyncio.wait_for(answer, 20)
        assert "error" not in value, (method, value["error"])
        return dict(value["result"])

    async def go(self, url: str) -> None:
        """Open an address and wait until it is there."""
        self._loaded.clear()
        await self.do("Page.navigate", url=url)
        await self.settle()

    async def settle(self) -> None:
        """Wait for a page that is being loaded, and for what its scripts would do."""
        await asyncio.wait_for(self._loaded.wait(), 20)
        await asyncio.sleep(0.5)

    async def find(self, selector: str) -> int | None:
        """An element."""
        root = (await self.do("DOM.getDocument"))["root"]["nodeId"]
        found = (await self.do("DOM.querySelector", nodeId=root, selector=selector))["nodeId"]
        return int(found) or None

    async def html(self, selector: str = "html") -> str:
        """The source of an element as it is now."""
        node = await self.find(selector)
        assert node is not None, selector
        return str((await self.do("DOM.getOuterHTML", nodeId=node))["outerHTML"])

    async def write(self, selector: str, text: str) -> None:
        """Type into a field."""
        await self.do("DOM.focus", nodeId=await self.find(selector))
        await self.do("Input.insertText", text=text)

    async def click(self, selector: str, *, loads: bool = True) -> None:
        """Click in the middle of an element, and wait for the page that this loads."""
        node = await self.find(selector)
        await self.do("DOM.scrollIntoViewIfNeeded", nodeId=node)
        box = (await self.do("DOM.getBoxModel", nodeId=node))["model"]["content"]
        self._loaded.clear()
        place = {"x": (box[0] + box[4]) / 2, "y": (box[1] + box[5]) / 2, "button": "left", "clickCount": 1}
        for kind in ("mousePressed", "mouseReleased"):
            await self.do("Input.dispatchMouseEvent", type=kind, **place)
        await (self.settle() if loads else asyncio.sleep(0.3))

    async def press_enter(self) -> None:
        """Send a form, and wait for the page that this loads."""
        self._loaded.clear()
        for kind in ("keyDown", "keyUp"):
            await self.do("Input.dispatchKeyEvent", type=kind, key="Enter", text="\r", windowsVirtualKeyCode=13)
        await self.settle()

    async def press(self, key: str) -> None:
        """Press a key, and wait for the page that this loads."""
        self._loaded.clear()
        for kind in ("keyDown", "keyUp"):
            await self.do("Input.dispatchKeyEvent", type=kind, key=key, text=key)
        await self.settle()

    @property
    def dialogs(self) -> list[dict[str, Any]]:
        """What scripts have asked."""
        return [event for event in self.events if event["method"] == "Page.javascriptDialogOpening"]

    async def close(self) -> None:
        """Listen no more."""
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)


@asynccontextmanager
async def tab(folder: Path) -> AsyncIterator[Tab]:
    """A tab in a browser of its own."""
    assert PROGRAM is not None
    profile = folder / "profile"
    command = [PROGRAM, *_FLAGS, f"--user-data-dir={profile}", "about:blank"]
    process = subprocess.Popen(  # noqa: ASYNC220 - it returns at once
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        port = await _port(profile / "DevToolsActivePort")
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{port}/json/list") as answer:
                pages = [page for page in await answer.json(content_type=None) if page["type"] == "page"]
            async with session.ws_connect(pages[0]["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                found = Tab(socket)
                for domain in ("Page", "DOM", "Network", "Log"):
                    await found.do(f"{domain}.enable")
                yield found
                await found.close()
    finally:
        process.terminate()
        process.wait(10)


async def _port(path: Path) -> int:
    for _ in range(600):
        lines = await asyncio.to_thread(lambda: path.read_text().splitlines() if path.exists() else [])
        if lines:
            return int(lines[0])
        await asyncio.sleep(0.05)
    raise TimeoutError("Chromium does not start")
