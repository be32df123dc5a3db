"""A real browser for tests: headless Chromium, told what to do over its DevTools protocol.

async with Browser.launch(profile) as browser:
    await browser.open(page.as_uri())
    await browser.choose("#file", bundle)
    assert await browser.value("1 + 1") == 2
"""

import asyncio
import base64
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp
import pytest

BINARY = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
IN_BROWSER = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(BINARY is None, reason="no Chromium is installed"),
]
"""The marks of a module whose tests share one browser."""
START_S = 60.0
_WIDTH, _HEIGHT = 900, 1270


class Browser:
    """One page of a browser."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """Talk over the page's socket."""
        self._socket = socket
        self._numbers = count(1)
        self.requested: list[str] = []
        """The addresses that the page asked for."""

    @staticmethod
    @asynccontextmanager
    async def launch(profile: Path) -> AsyncIterator["Browser"]:
        """Start a browser with a folder of its own, and end it."""
        assert BINARY is not None
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]
        place = [f"--user-data-dir={profile}", f"--window-size={_WIDTH},{_HEIGHT}"]
        command = [BINARY, *options, *place, "--remote-debugging-port=0", "about:blank"]
        quiet = asyncio.subprocess.DEVNULL
        process = await asyncio.create_subprocess_exec(*command, stdout=quiet, stderr=quiet)
        try:
            port = await _port(profile / "DevToolsActivePort", process)
            async with aiohttp.ClientSession() as session:
                async with session.get(f"http://127.0.0.1:{port}/json/list") as answer:
                    pages = [one for one in await answer.json() if one["type"] == "page"]
                address = pages[0]["webSocketDebuggerUrl"]
                async with session.ws_connect(address, max_msg_size=0) as socket:
                    browser = Browser(socket)
                    for domain in ("Page", "Runtime", "DOM", "Network"):
                        await browser.call(f"{domain}.enable")
                    yield browser
        finally:
            process.terminate()
            await asyncio.wait_for(process.wait(), 30)

    async def call(self, method: str, **given: object) -> dict[str, Any]:
        """Call a method of the protocol and return its result."""
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": given})
        while True:
            message = await self._socket.receive_json()
            if message.get("method") == "Network.requestWillBeSent":
                self.requested.append(message["params"]["request"]["url"])
            if message.get("id") == number:
                assert "error" not in message, message
                result: dict[str, Any] = message["result"]
                return result

    async def open(self, address: str) -> None:
        """Load a page and wait until it is there."""
        await self.call("Page.navigate", url=address)
        await self.until("document.readyState === 'complete' && location.href !== 'about:blank'")

    async def value(self, expression: str) -> Any:
        """The value of an expression in the page; a promise is waited for."""
        how = {"awaitPromise": True, "returnByValue": True}
        result = await self.call("Runtime.evaluate", expression=expression, **how)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    async def until(self, condition: str, timeout_s: float = 120.0) -> None:
        """Wait until a condition holds in the page."""
        async with asyncio.timeout(timeout_s):
            while not await self.value(condition):
                await asyncio.sleep(0.05)

    async def choose(self, selector: str, path: Path) -> None:
        """Choose a file, as by the file picker."""
        document = await self.call("DOM.getDocument")
        found = await self.call("DOM.querySelector", nodeId=document["root"]["nodeId"], selector=selector)
        await self.call("DOM.setFileInputFiles", files=[str(path)], nodeId=found["nodeId"])

    async def screenshot(self, path: Path) -> None:
        """Keep a picture of the whole page."""
        picture = await self.call("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(picture["data"]))


async def _port(file: Path, process: asyncio.subprocess.Process) -> int:
    async with asyncio.timeout(START_S):
        while not file.exists() or not file.read_text().strip():
            assert process.returncode is None, "the browser ended before it began"
            await asyncio.sleep(0.05)
    return int(file.read_text().split("\n")[0])
