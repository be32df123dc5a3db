"""Where a bench works: a folder for its logs and databases, and the services that it starts there."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from rich.console import Console

from tests.bench.machine import postgres_settings
from tests.bench.service import Service, start_service


class Place:
    """A folder, and what was learnt of the Postgres in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.postgres: dict[str, str] = {}
        """The settings of the services' own Postgres."""
        self._began_s = time.monotonic()
        self._console = Console(stderr=True)

    @property
    def took_s(self) -> float:
        """How long the bench has been at it."""
        return time.monotonic() - self._began_s

    def say(self, what: str) -> None:
        """Tell whoever waits what happens now."""
        self._console.print(f"[dim]{self.took_s:6.1f} s[/]  {what}")

    @asynccontextmanager
    async def service(self, name: str) -> AsyncIterator[Service]:
        """A service on the data folder of this name, until the block ends. A new folder gets its log."""
        data = self.folder / name
        is_new = not data.exists()
        service = await start_service(data)
        try:
            if is_new:
                await service.found()
                await service.settle()
            self.postgres = self.postgres or await postgres_settings(service.dsn())
            yield service
        finally:
            await service.stop()
