"""The service under measurement: a real process with its own Postgres, one log and one key that may post."""

import asyncio
import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import BinaryIO

import msgspec

from ledger.cluster import OWNER_ROLE, Cluster
from ledger.config import SERVICE_ROLE
from ledger.creation import Creation, sign_creation
from ledger.keyfiles import read_key
from ledger.service import log_name
from ledger.unprivileged import Account
from signing.checkpoint import Checkpoint, parse_checkpoint
from signing.keys import SigningKey
from signing.merkle import decode_frontier
from signing.note import parse_note
from signing.submission import format_submission
from tests.bench.events import CONTROLLER, CRAWLER, ORIGIN
from tests.bench.load import Sent, Work
from tests.bench.machine import Meter
from tests.bench.wire import Connection, get, post
from tests.ledger.lab import Poster, registered, seeded_key

LOG = log_name(ORIGIN)
SUBMISSIONS = f"/logs/{LOG}/submissions"
_POLL_S = 0.1
_FOLDED = b'writ_folded_size{log="%b"} ' % LOG.encode()


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One run of the load generator against the service."""

    took_s: float
    latencies_ms: list[float]
    cores: dict[str, float]
    """Cores used on average, by part."""


class Service:
    """A running service."""

    def __init__(self, process: asyncio.subprocess.Process, url: str, data: Path) -> None:
        self.url = url
        self.data = data
        self._process = process

    @property
    def crawler(self) -> SigningKey:
        """The key that posts."""
        return seeded_key(CRAWLER)

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    def dsn(self, role: str = SERVICE_ROLE) -> str:
        """The database, by one of its logins."""
        folder = self.data / "postgres"
        run = (folder / "cluster" / "postmaster.pid").read_text().splitlines()[4]
        account = Account(uid=os.geteuid(), gid=os.getegid(), prefix=())
        secret = (folder / "secret").read_bytes()
        return Cluster(folder=folder, run=Path(run), account=account, secret=secret).dsn(role)

    @property
    def owner_dsn(self) -> str:
        """The database, by its owner."""
        return self.dsn(OWNER_ROLE)

    async def ask(self, request: bytes) -> bytes:
        """The body that answers a request."""
        connection = await Connection.open(self.url)
        answer = await connection.send(request)
        connection.close()
        if answer.status != 200:
            raise RuntimeError(f"the service answers {answer.status}: {answer.body.decode()}")
        return answer.body

    async def checkpoint(self) -> Checkpoint:
        """The log's newest checkpoint."""
        return parse_checkpoint(parse_note(await self.ask(get(f"/logs/{LOG}/checkpoint"))).text)

    async def found(self) -> None:
        """Make the log, and register the key that posts."""
        administrator = Poster(read_key(self.data / "keys" / "administrator.key"))
        wish = Creation(ORIGIN, CONTROLLER, public_reading=True)
        await self.ask(post("/logs", sign_creation(wish, administrator.signer)))
        state = msgspec.json.decode(await self.ask(get(f"/logs/{LOG}/sources/{administrator.source}")))
        administrator.frontier = decode_frontier(state["size"], state["frontier"])
        line = registered(self.crawler, "controller", administrator.source)
        submission, _ = administrator.sign([line])
        await self.ask(post(SUBMISSIONS, format_submission(submission)))

    async def settle(self) -> int:
        """Return the log's size once all of it is folded, so that nothing goes on in the background."""
        while True:
            size = (await self.checkpoint()).size
            exposition = await self.ask(get("/metrics"))
            _, _, folded = exposition.partition(_FOLDED)
            if folded and float(folded.split(b"\n", 1)[0]) >= size:
                return size
            await asyncio.sleep(_POLL_S)

    async def drive(self, work: Work) -> Run:
        """Have a load generator send the work; returns once all of it is acknowledged."""
        with tempfile.NamedTemporaryFile() as file:
            file.write(msgspec.msgpack.encode(work))
            file.flush()
            generator = await _start("tests.bench.load", self.url, file.name, stdin=True)
            assert generator.stdout is not None
            await generator.stdout.readline()
            meter = Meter(self.pid)
            raw, _ = await generator.communicate(b"go\n")
            if generator.returncode:
                raise RuntimeError("the load generator failed: see above")
        sent = msgspec.json.decode(raw, type=Sent)
        return Run(took_s=sent.took_s, latencies_ms=sent.latencies_ms, cores=meter.read(sent.cpu_s))

    async def stop(self) -> None:
        """Let the service end by itself, Postgres and all."""
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)
        await self._process.wait()


async def start_service(data: Path) -> Service:
    """Start `writ serve` on a data folder."""
    arguments = ("serve", "--data", str(data), "--port", "0", "--json")
    errors = data.with_suffix(".log")
    with errors.open("ab") as file:
        process = await _start("ledger.cli", *arguments, stderr=file)
    assert process.stdout is not None
    announced = await process.stdout.readline()
    if not announced:
        raise RuntimeError(f"the service did not start: {errors.read_text()[-2_000:]}")
    return Service(process, msgspec.json.decode(announced)["url"], data)


async def run_module(module: str, *arguments: str) -> bytes:
    """Run a module of the bench in a process of its own; returns what it writes."""
    process = await _start(module, *arguments)
    raw, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"{module} failed: see above")
    return raw


async def _start(
    module: str, *arguments: str, stdin: bool = False, stderr: BinaryIO | None = None
) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", module, *arguments),
        stdin=asyncio.subprocess.PIPE if stdin else asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=stderr,
        limit=1 << 26,
    )
