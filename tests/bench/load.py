"""The load generator: a process of its own that sends what was made and signed before the clock starts.

    python -m tests.bench.load URL WORK      WORK: for each connection, its requests in their order

It connects, says `ready`, waits for a line, sends each connection's requests one after another, all
connections at once, and writes what it saw as one line of JSON.
"""

import asyncio
import gc
import sys
import time
from pathlib import Path

import msgspec
import uvloop

from tests.bench.wire import Connection

Work = list[list[bytes]]


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the work."""

    began_s: float
    """On the machine's monotonic clock."""
    took_s: float
    cpu_s: float
    latencies_ms: list[float]


async def send(url: str, work: Work) -> Sent:
    """Send everything; every answer must be 200."""
    connections = [await Connection.open(url) for _ in work]
    print("ready", flush=True)
    sys.stdin.readline()
    latencies_ms: list[float] = []
    began_s, cpu_s = time.monotonic(), time.process_time()
    async with asyncio.TaskGroup() as tasks:
        for connection, requests in zip(connections, work, strict=True):
            tasks.create_task(_send_in_order(connection, requests, latencies_ms))
    return Sent(
        began_s=began_s,
        took_s=time.monotonic() - began_s,
        cpu_s=time.process_time() - cpu_s,
        latencies_ms=latencies_ms,
    )


async def _send_in_order(connection: Connection, requests: list[bytes], latencies_ms: list[float]) -> None:
    for request in requests:
        began_s = time.perf_counter()
        answer = await connection.send(request)
        latencies_ms.append((time.perf_counter() - began_s) * 1_000)
        if answer.status != 200:
            raise RuntimeError(f"the service answers {answer.status}: {answer.body.decode()}")
    connection.close()


def main() -> None:
    """Send the work in a file."""
    url, path = sys.argv[1:]
    work = msgspec.msgpack.decode(Path(path).read_bytes(), type=Work)
    gc.freeze()
    gc.disable()
    sent = uvloop.run(send(url, work))
    print(msgspec.json.encode(sent).decode())


if __name__ == "__main__":
    main()
