"""A witness: it cosigns a log's checkpoint when that extends the last one it cosigned (C2SP tlog-witness).

    POST /add-checkpoint               the cosignature, or the status that tlog-witness lays down
    GET  /<origin hash>/checkpoint     the last checkpoint cosigned, with the log's signature and ours

Its whole worth is a memory that never goes back: what it cosigned is durable before anybody sees the
cosignature, in the same transaction that held the request against it. Its clock never goes back either.
"""

import asyncio
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from time import time
from typing import Final, NamedTuple

from aiohttp import web

from ledger.durable import sync_folder
from ledger.failure import Failure
from signing.checkpoint import Checkpoint, parse_checkpoint
from signing.cosignature import cosign
from signing.errors import FormatError
from signing.keys import COSIGNATURE, Signer, VerifierKey
from signing.note import add_signatures, format_note, format_signature_line, signatures_of
from signing.witness import Cosignable, Refusal, decide, parse_add_checkpoint

MAX_REQUEST_BYTES: Final = 64 * 1024
TEXT: Final = "text/plain"
SIZE: Final = "text/x.tlog.size"

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS checkpoints (
    origin_hash TEXT PRIMARY KEY, origin TEXT NOT NULL, size INTEGER NOT NULL,
    root BLOB NOT NULL, note BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS clock (one INTEGER PRIMARY KEY CHECK (one = 1), time_s INTEGER NOT NULL);
"""
_LAST: Final = "SELECT origin, size, root FROM checkpoints WHERE origin_hash = ?"
_LAST_NOTE: Final = "SELECT note FROM checkpoints WHERE origin_hash = ?"
_REMEMBER: Final = (
    "INSERT OR REPLACE INTO checkpoints (origin_hash, origin, size, root, note) VALUES (?, ?, ?, ?, ?)"
)
_TIME: Final = "SELECT time_s FROM clock"
_SET_TIME: Final = "INSERT OR REPLACE INTO clock (one, time_s) VALUES (1, ?)"


class Reply(NamedTuple):
    """What is answered."""

    status: int
    body: bytes
    content_type: str = TEXT


class Memory:
    """What a witness has cosigned, on disk. Any number of processes may share the file."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # One thread at a time uses it; which one changes.
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30)
        try:
            self._db.execute("PRAGMA journal_mode = WAL")
            # In WAL mode only FULL waits for the disk at each commit.
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.executescript(_SCHEMA)
            sync_folder(path.parent)
        except sqlite3.DatabaseError as error:
            raise Failure(
                f"{path} is not a witness's memory: {error}",
                "restore nothing older in its place: a witness that forgets must go on under a new key",
            ) from error

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def add_checkpoint(
        self, raw: bytes, logs: Mapping[str, VerifierKey], signer: Signer, now_s: int
    ) -> Reply:
        """Answer a request; a cosignature is returned only after what it covers is durable."""
        try:
            request = parse_add_checkpoint(raw)
            origin = parse_checkpoint(request.note.text).origin
        except FormatError as error:
            return Reply(400, f"{error}\n".encode())
        with self._transaction():
            outcome = decide(self._last(origin), request, logs.get(origin))
            if isinstance(outcome, Refusal):
                return _refusal(outcome)
            # A crash before the commit leaves the older checkpoint and no cosignature; after it, a checkpoint
            # whose cosignature nobody has, which the log gets by asking again with its new size.
            return Reply(200, self._cosign(outcome, logs[origin], signer, now_s))

    def checkpoint(self, origin_hash: str) -> Reply:
        """The last checkpoint cosigned for the log whose origin has this hash."""
        row = self._db.execute(_LAST_NOTE, (origin_hash,)).fetchone()
        return Reply(404, b"no checkpoint was cosigned\n") if row is None else Reply(200, row[0])

    def _last(self, origin: str) -> Checkpoint | None:
        row = self._db.execute(_LAST, (_origin_hash(origin),)).fetchone()
        return None if row is None else Checkpoint(*row)

    def _cosign(self, outcome: Cosignable, log_key: VerifierKey, signer: Signer, now_s: int) -> bytes:
        checkpoint, note = outcome.checkpoint, outcome.note
        row = self._db.execute(_TIME).fetchone()
        time_s = now_s if row is None else max(now_s, row[0])
        signature = cosign(note.text, signer, time_s)
        # Signatures that nobody here verified are left out of what is shown later.
        shown = add_signatures(type(note)(note.text, signatures_of(note, log_key)), signature)
        origin = checkpoint.origin
        self._db.execute(
            _REMEMBER, (_origin_hash(origin), origin, checkpoint.size, checkpoint.root, format_note(shown))
        )
        self._db.execute(_SET_TIME, (time_s,))
        return format_signature_line(signature).encode()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        # IMMEDIATE takes the write lock before the first read, so the check and the store are one step.
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            self._db.rollback()
            raise


def make_app(memory: Memory, logs: Iterable[VerifierKey], signer: Signer) -> web.Application:
    """The witness as a web application, for the logs with these keys."""
    if signer.verifier.algorithm != COSIGNATURE:
        raise Failure(
            f"the key of {signer.verifier.name} is not a witness's key",
            "make one with `writ keygen NAME --witness`",
        )
    by_origin = {key.name: key for key in logs}
    # One thread: requests are answered in turn anyway, each after its commit.
    disk = ThreadPoolExecutor(1, thread_name_prefix="witness")

    async def add_checkpoint(request: web.Request) -> web.Response:
        body = await request.read()
        loop = asyncio.get_running_loop()
        return _respond(
            await loop.run_in_executor(disk, memory.add_checkpoint, body, by_origin, signer, int(time()))
        )

    async def checkpoint(request: web.Request) -> web.Response:
        loop = asyncio.get_running_loop()
        return _respond(await loop.run_in_executor(disk, memory.checkpoint, request.match_info["hash"]))

    async def close(_: web.Application) -> None:
        disk.shutdown()
        memory.close()

    app = web.Application(client_max_size=MAX_REQUEST_BYTES)
    app.add_routes([web.post("/add-checkpoint", add_checkpoint), web.get("/{hash}/checkpoint", checkpoint)])
    app.on_cleanup.append(close)
    return app


def _refusal(refusal: Refusal) -> Reply:
    if refusal.status == 409:
        return Reply(409, f"{refusal.size}\n".encode(), SIZE)
    return Reply(refusal.status, f"{refusal.reason}\n".encode())


def _respond(reply: Reply) -> web.Response:
    return web.Response(status=reply.status, body=reply.body, content_type=reply.content_type)


def _origin_hash(origin: str) -> str:
    return sha256(origin.encode()).hexdigest()
