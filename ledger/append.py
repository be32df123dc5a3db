"""The append path: one writer a log and process, one transaction at a time, everything that waits in each.

    what waits → admit → number, chain, grow → insert, if the head is still the same              session.py
      or, where it is not, or much waits:
               → BEGIN → lock the head → catch up → admit → number, chain, grow → COPY → COMMIT    session.py
    and then   → record outside the database → sign → answer                                     releasing.py

Any number of processes may append to one log: the head's row puts their transactions in one order. While
Postgres works on one batch, the event loop parses and hashes the next, and the disk takes the record of the
last.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Final

import asyncpg
import structlog

from ledger.failure import Failure
from ledger.intake import Answer, Intake, Refresh, Waiting, Work
from ledger.keyfiles import LogKeys
from ledger.metrics import Metrics
from ledger.problems import Refused
from ledger.released import Record
from ledger.releasing import Commit, Releaser
from ledger.sealing import LogState
from ledger.session import Doubt, Session

MAX_WAITING: Final = 2_000
MAX_COMMIT_ENTRIES: Final = 10_000
MAX_COMMIT_BYTES: Final = 16 << 20
# What waits is answered with 503 after so long without a database.
PATIENCE_S: Final = 20.0
TRANSACTION_TIMEOUT_S: Final = 30.0

# The database is away, going, or full: the work itself is not at fault.
AWAY: Final = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    # What the driver says of a connection that was told of its end while nobody used it.
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.InvalidTransactionStateError,
)

_UNAVAILABLE: Final = Refused(
    problem="unavailable",
    detail="the database is not there, and what became of this is not known: send the same bytes again",
)
_STOPPED: Final = Refused(problem="failed", detail="the log's writer has stopped: see the service's log")

_log = structlog.get_logger(__name__)


class Writer:
    """Appends to one log. Work goes in by `put`; `run` is the task that does it."""

    def __init__(
        self,
        log: str,
        keys: LogKeys,
        dsn: str,
        record: Record,
        metrics: Metrics,
        now_us: Callable[[], int],
        patience_s: float = PATIENCE_S,
    ) -> None:
        self.log = log
        self.state: LogState | None = None
        """The log as far as this process knows it to be durable."""
        self.frozen: str | None = None
        self.record = record
        self.releaser = Releaser(log, keys.log, record, metrics, self.freeze)
        self._open_session = partial(Session.open, dsn, log, keys, record, now_us)
        self._session: Session | None = None
        self._metrics = metrics
        self._patience_s = patience_s
        self._grown = asyncio.Event()
        self._intake = Intake(
            max_waiting=MAX_WAITING, max_entries=MAX_COMMIT_ENTRIES, max_bytes=MAX_COMMIT_BYTES
        )
        metrics.waiting.labels(log).set_function(self._intake.__len__)

    async def put(self, work: Work) -> Answer:
        """Have something written; returns once it is durable and its checkpoint released, or refused."""
        return await self._intake.put(work)

    async def refresh(self) -> Answer:
        """Read on to the head that other processes wrote, and release its checkpoint."""
        return await self.put(Refresh())

    async def wait_beyond(self, size: int) -> int:
        """Return the log's size as this process knows it, as soon as it is beyond `size`."""
        while self.state is None or self.state.head.size <= size:
            await self._grown.wait()
        return self.state.head.size

    def freeze(self, reason: str) -> None:
        """Append and sign nothing more in this process: the log's history is in doubt."""
        if self.frozen is None:
            self.frozen = reason
            self._metrics.frozen.labels(self.log).set(1)
            _log.critical("log_frozen", log=self.log, reason=reason)

    async def run(self) -> None:
        """Write what waits, until `close` and everything is answered."""
        try:
            await self._run()
        finally:
            # Whatever ended this: nobody is left waiting.
            self._intake.close()
            _refuse(self._intake.take_rest(), _STOPPED)

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.releaser.run(), name=f"releaser of {self.log}")
            while batch := await self._intake.take():
                try:
                    await self._write(batch)
                except BaseException:
                    _refuse(batch, _STOPPED)
                    raise
            await self.releaser.close()
        if self._session is not None:
            await self._session.close()

    def close(self) -> None:
        """Take in nothing more; `run` returns once everything is answered."""
        self._intake.close()

    async def _write(self, batch: list[Waiting]) -> None:
        """Write a batch, whatever becomes of the database meanwhile, or answer why it is not written."""
        loop = asyncio.get_running_loop()
        give_up_at, pause_s = loop.time() + self._patience_s, 0.05
        doubt = Doubt()
        while self.frozen is None:
            try:
                commit = await self._transact(batch, doubt)
                # Between commit and release somebody may find that the log's history is in doubt.
                if self.frozen is None:
                    await self.releaser.put(commit)
                    return
            except Failure as error:
                self._forget()
                self.freeze(f"{error}: {error.remedy}")
            except AWAY as error:
                if isinstance(error, asyncpg.DataError):
                    await self._write_apart(batch, error)
                    return
                self._forget()
                self._metrics.retries.labels(self.log).inc()
                _log.warning("database_away", log=self.log, error=repr(error))
                if loop.time() + pause_s > give_up_at:
                    _refuse(batch, _UNAVAILABLE)
                    return
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, 1.0)
            except asyncpg.PostgresError as error:
                await self._write_apart(batch, error)
                return
        _refuse(batch, Refused(problem="frozen", detail=self.frozen))

    async def _transact(self, batch: list[Waiting], doubt: Doubt) -> Commit:
        started = asyncio.get_running_loop().time()
        async with asyncio.timeout(TRANSACTION_TIMEOUT_S):
            if self._session is None:
                self._session = await self._open_session()
            commit = await self._session.transact(batch, doubt)
        self._become(self._session.state)
        if commit.sealed is not None:
            self._metrics.entries.labels(self.log).inc(len(commit.sealed.entries))
            self._metrics.commit_entries.labels(self.log).observe(len(commit.sealed.entries))
            self._metrics.commits.labels(self.log).observe(asyncio.get_running_loop().time() - started)
        return commit

    async def _write_apart(self, batch: list[Waiting], error: Exception) -> None:
        """The database refuses a commit: find whose fault it is, so that the others don't suffer."""
        self._forget()
        _log.error("commit_refused", log=self.log, waiting=len(batch), error=repr(error))
        if len(batch) == 1:
            _refuse(batch, Refused(problem="failed", detail="the database refuses this submission"))
        else:
            for waiting in batch:
                await self._write([waiting])

    def _become(self, state: LogState | None) -> None:
        """Show a durable state, and wake who waits for the log to grow."""
        assert state is not None, "a transaction leaves a state"
        if self.state is None or state.head.size > self.state.head.size:
            self._metrics.size.labels(self.log).set(state.head.size)
            self.state = state
            grown, self._grown = self._grown, asyncio.Event()
            grown.set()

    def _forget(self) -> None:
        """Throw the session away: connection, memory and state."""
        if self._session is not None:
            self._session.abort()
            self._session = None


def _refuse(batch: list[Waiting], refused: Refused) -> None:
    for waiting in batch:
        waiting.resolve(refused)
