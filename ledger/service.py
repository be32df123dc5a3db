"""The service: its logs, its administrator's key, its connections. HTTP is only one way in."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import asyncpg

from ledger import store
from ledger.admission import decode_lines, hash_lines
from ledger.append import Writer
from ledger.config import Config, Database
from ledger.failure import Failure
from ledger.health import check_log
from ledger.keyfiles import KeyFolder, LogKeys
from ledger.metrics import Metrics
from ledger.openlog import Log
from ledger.problems import Refused
from ledger.reading import Reader
from ledger.released import Record
from ledger.sealing import EMPTY_HEAD
from ledger.store import Pool
from projections.events import LogCreated, encode_event, make_event
from signing.keys import Signer, format_vkey, is_valid_name, is_within
from signing.merkle import EMPTY_RANGE
from signing.submission import make_submission

if TYPE_CHECKING:
    from ledger.anchoring import Anchors

_POOL_SIZE: Final = 8

HealthCheck = Callable[[], Awaitable[str | None]]
"""What else must be well: None, or what is wrong."""


def now_us() -> int:
    """The operator's clock."""
    return time.time_ns() // 1_000


class Service:
    """Everything that one process serves."""

    def __init__(self, config: Config, database: Database) -> None:
        self.config = config
        self.database = database
        self.metrics = Metrics()
        self.keys = KeyFolder(config.data)
        self.administrator: Signer = self.keys.administrator()
        self.logs: dict[str, Log] = {}
        self.health_checks: dict[str, HealthCheck] = {}
        self.url = ""
        self.anchors: Anchors | None = None
        """Makes anchors on demand, while the service answers."""
        self._pool: Pool | None = None
        self._unheard: set[str] = set()
        """Logs that had no entry yet when they were opened, so that no witness was asked about them."""
        self._opening = asyncio.Lock()

    @property
    def admin_key_path(self) -> str:
        """Where the administrator's key is."""
        return str(self.keys.administrator_path)

    @property
    def pool(self) -> Pool:
        """Connections for reading."""
        assert self._pool is not None, "the service has been started"
        return self._pool

    async def start(self) -> None:
        """Open the pool and every log whose keys are here."""
        self._pool = await asyncpg.create_pool(self.database.service_dsn, min_size=1, max_size=_POOL_SIZE)
        for row in await store.read_logs(self._pool):
            if self.keys.has_log(row.log):
                await self._open(row.log, self.keys.read_log(row.log))

    async def stop(self) -> None:
        """Answer everybody who waits, then let go of the database."""
        for log in self.logs.values():
            await log.stop()
        if self._pool is not None:
            await self._pool.close()

    async def find_log(self, name: str) -> Log | Refused:
        """A log by its name; one that another process has made meanwhile is opened."""
        log = self.logs.get(name) or await self._find_new(name)
        if log is not None and name in self._unheard:
            refused = await self._hear(log)
            if refused is not None:
                return refused
        # A log is there once its first entry is.
        if log is None or log.released is None:
            return Refused(problem="unknown-log", detail=f"this service has no log named {name[:80]}")
        return log

    async def create_log(self, origin: str, controller: str, *, public_reading: bool) -> Log:
        """Make a log's keys and first entry; one that was made before, whole or in part, is completed."""
        name = log_name(origin)
        if is_within(origin, self.administrator.verifier.name):
            raise Failure(f"{origin} is under the administrator's key's name", "choose another origin")
        row = store.LogRow(name, origin)
        await store.insert_log(self.pool, row, EMPTY_HEAD, now_us())
        if await store.read_log(self.pool, name) != row:
            raise Failure(f"a log named {name} is there, under another origin", "choose another last element")
        async with self._opening:
            log = self.logs.get(name) or await self._open(name, self.keys.make_log(name, origin))
            created = self._created(log.keys, controller, public_reading)
            if log.released is None:
                await self._write_first_entry(log, created)
        if log.registry.created != created:
            raise Failure(f"{origin} is there, for another controller or with other keys", "choose another")
        return log

    async def check_health(self) -> dict[str, str]:
        """What is wrong, by log or part; empty when all is well."""
        wrong = {}
        for log in list(self.logs.values()):
            problem = await check_log(log, self.pool)
            if problem is not None:
                wrong[log.name] = problem
        for part, check in self.health_checks.items():
            problem = await check()
            if problem is not None:
                wrong[part] = problem
        return wrong

    async def _open(self, name: str, keys: LogKeys) -> Log:
        origin = keys.log.verifier.name
        record = Record(self.config.data / "released", name, origin)
        writer = Writer(name, keys, self.database.service_dsn, record, self.metrics, now_us)
        log = Log(name, keys, writer, Reader(self.pool, name, origin))
        await log.start()
        try:
            await self._ask_witnesses(log)
        except BaseException:
            await log.stop()
            raise
        if log.released is None:
            self._unheard.add(name)
        # Only now can it be found: nobody is answered before the witnesses are.
        self.logs[name] = log
        return log

    async def _hear(self, log: Log) -> Refused | None:
        """Where a log has its first entry by now, let its witnesses speak before anybody is answered."""
        async with self._opening:
            refused = await log.refresh()
            if refused is not None or log.released is None or log.name not in self._unheard:
                return refused
            await self._ask_witnesses(log)
            self._unheard.discard(log.name)
            return None

    async def _ask_witnesses(self, log: Log) -> None:
        """Let the witnesses of a log that others made speak first; at the service's start they all do."""
        if self.anchors is not None and self.anchors.has_witnesses and log.released is not None:
            await self.anchors.cosign(log)

    async def _find_new(self, name: str) -> Log | None:
        if not self.keys.has_log(name) or await store.read_log(self.pool, name) is None:
            return None
        async with self._opening:
            return self.logs.get(name) or await self._open(name, self.keys.read_log(name))

    async def _write_first_entry(self, log: Log, created: LogCreated) -> None:
        source = self.administrator.verifier.name
        time = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        line = encode_event(make_event(created, id="log-created", source=source, time=time))
        submission, _ = make_submission(self.administrator, source, EMPTY_RANGE, log.origin, None, [line])
        events = decode_lines([line])
        if isinstance(events, Refused):
            raise Failure(f"{log.origin} cannot be created: {events.detail}", "correct what it names")
        outcome = await log.writer.put(hash_lines(submission, events))
        # Another process may have been faster; then this is compared with what it wrote.
        if isinstance(outcome, Refused) and outcome.problem != "size-conflict":
            raise Failure(f"{log.origin} was not created: {outcome.detail}", "see the service's log")

    def _created(self, keys: LogKeys, controller: str, public_reading: bool) -> LogCreated:
        return LogCreated(
            admin_vkey=format_vkey(self.administrator.verifier),
            controller=controller,
            gateway_vkey=format_vkey(keys.gateway.verifier),
            log_vkey=format_vkey(keys.log.verifier),
            operator_vkey=format_vkey(keys.operator.verifier),
            origin=keys.log.verifier.name,
            public_reading=public_reading,
        )


def log_name(origin: str) -> str:
    """The name of a log in URLs and in the database: its origin's last element."""
    name = origin.rsplit("/", 1)[-1]
    if not is_valid_name(origin) or name.startswith("."):
        raise Failure(f"{origin!r} is not an origin", "write it like ledger.example/clearview")
    return name
