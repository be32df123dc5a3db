"""A witness in a process of its own."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from ledger.keyfiles import write_key
from signing.keys import COSIGNATURE, SigningKey, format_signing_key

WITNESS = SigningKey("witness.example/w1", COSIGNATURE, bytes(range(32, 64)))


@asynccontextmanager
async def started(
    folder: Path, *logs: str, port: int = 0
) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """`writ witness` with its memory in a folder, told which logs; the process, and where it answers."""
    key = folder / "witness.key"
    if not key.exists():
        write_key(key, format_signing_key(WITNESS))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "ledger.cli", "witness", "--json", *logs,
        "--key", str(key), "--data", str(folder / "data"), "--port", str(port),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        yield process, json.loads(await process.stdout.readline())["url"]
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
