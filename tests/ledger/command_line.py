"""The command line as people run it, and what the tests of it post."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from ledger.app import running_service
from ledger.config import Config, Database
from ledger.service import Service

ORIGIN = "ledger.example/clearview"
STORE = {
    "blinding_commitment": "JediBA23Av/wzgDqzabNMWP0UiBj7C0yJkO/BqBWL/M=",
    "controller": "clearview", "country": "US", "kind": "live", "namespace": "people",
    "object_locked": False, "operator_key": "crawler.clearview.example", "versioned": False,
}  # fmt: skip


def writ(*words: str, stdin: str = "", cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command line as people do."""
    command = [sys.executable, "-m", "ledger.cli", *words]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, cwd=cwd)


class Session:
    """A service with a log, and command lines that go to it."""

    def __init__(self, service: Service, folder: Path) -> None:
        self.service = service
        self.folder = folder
        self.log_vkey = ""
        self.vkeys: dict[str, str] = {}

    async def writ(self, *words: str, key: str = "", stdin: bytes = b"") -> tuple[int, str, str]:
        """Run a client command, with JSON answers."""
        words = (*words, "--url", self.service.url, "--json")
        if key:
            words = (*words, "--log", self.log_vkey, "--key", key)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "ledger.cli", *words,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=self.folder,
        )  # fmt: skip
        out, err = await process.communicate(stdin)
        assert process.returncode is not None
        return process.returncode, out.decode(), err.decode()

    async def ask(self, *words: str) -> Any:
        """Run a client command that reads this log; its JSON."""
        return await self.value(*words, "--log", self.log_vkey)

    async def value(self, *words: str, key: str = "", stdin: bytes = b"") -> Any:
        code, out, err = await self.writ(*words, key=key, stdin=stdin)
        assert code == 0, err
        return json.loads(out)

    async def register(self, name: str, role: str) -> str:
        """Make a key and have it registered; returns its file."""
        made = json.loads(writ("keygen", name, "--json", cwd=self.folder).stdout)
        self.vkeys[name] = made["vkey"]
        await self.value("key", "register", made["vkey"], "--role", role, key=self.service.admin_key_path)
        return str(self.folder / made["file"])

    async def events(self) -> list[dict[str, Any]]:
        log = self.service.logs["clearview"]
        assert log.released is not None
        lines: list[bytes] = []
        after: int | None = -1
        while after is not None:
            page = await log.reader.events(after, None, 10_000, log.released.checkpoint.size)
            lines += [event.line for event in page.events]
            after = page.next_after
        return [json.loads(line) for line in lines]


@asynccontextmanager
async def running_session(
    database: Database, folder: Path, *, public: bool = False
) -> AsyncIterator[Session]:
    """A service with a log that its administrator made from the command line."""
    config = Config(data=folder / "data", database=database, policy=None, host="127.0.0.1", port=0)
    async with running_service(config) as service:
        session = Session(service, folder)
        words = ["log", "create", ORIGIN, "--controller", "clearview", "--key", service.admin_key_path]
        made = await session.value(*words, *(["--public"] if public else []))
        session.log_vkey = made["vkey"]
        yield session
