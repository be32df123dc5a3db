"""One log on a service, seen by somebody who holds its vkey and trusts nothing else.

What comes back is checked before it is used: a checkpoint by its signature, growth by a consistency proof
made from the log's own tiles. A tile counts only as far as such a proof confirms it.
"""

from __future__ import annotations

import asyncio
import io
import random
from collections.abc import AsyncIterator, Mapping
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import quote

import aiohttp
import msgspec
from yarl import URL

from ledger.failure import Failure
from ledger.problems import LASTING, type_of
from signing.checkpoint import Checkpoint, open_checkpoint
from signing.errors import FormatError, ProofError
from signing.keys import VerifierKey
from signing.merkle import verify_consistency
from signing.note import Note
from signing.tiles import (
    Tile,
    consistency_from_tiles,
    root_from_tiles,
    tile_path,
    tiles_for_consistency,
    tiles_for_root,
)

MAX_ANSWER_BYTES = 1 << 20
HASH_BYTES = 32
FULL_WIDTH = 256
# A submission's text and signature come first.
FIRST_EVENT_LINE = 10
SIZE_CONFLICT = type_of("size-conflict")
# A service that is starting, draining or busy: the outcome is unknown or "not now", and asking again is safe.
RETRIED_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
NOT_RETRIED = frozenset(map(type_of, LASTING))


class Unreachable(Failure):
    """The service did not answer in time; what became of the request is unknown, and asking again is safe."""


class RefusedByService(Failure):
    """The service answered that it won't. `event` is the position of the one at fault among those posted."""

    def __init__(self, status: int, what: str, remedy: str = "", event: int | None = None) -> None:
        super().__init__(what, remedy)
        self.status = status
        self.event = event


class Dishonest(Failure, ProofError):
    """The log said two things that can't both be true. Keep the state folder: it holds the evidence."""


class RolledBack(Dishonest):
    """The log shows less than it once signed for."""


class Forked(Dishonest):
    """The log's tree is not a continuation of the tree it showed before."""


class FalseReceipt(Dishonest):
    """A receipt does not prove what it was given for."""


class Problem(msgspec.Struct, frozen=True):
    """An RFC 9457 problem, as far as the client reads it."""

    type: str = ""
    title: str = ""
    detail: str = ""
    line: int | None = None
    field: str | None = None
    note: str | None = None
    frontier: str | None = None
    remedy: str = ""


class Answer(NamedTuple):
    """A whole answer of the service."""

    status: int
    body: bytes
    following: str = ""
    """Where the next page is, as the service says."""
    headers: Mapping[str, str] = MappingProxyType({})

    def next_after(self, after: int) -> int | None:
        """After which entry the next page goes on; None where there is none. Whatever the service says, it is
        asked for the same thing, in the same place, and never twice."""
        if not self.following:
            return None
        said = URL(self.following).query.get("after", "")
        if not (said.isascii() and said.isdecimal()) or int(said) <= after:
            raise Failure(f"the page after entry {after} is said to go on after {said[:20] or 'nowhere'}")
        return int(said)


class RemoteLog:
    """A log on a service. Requests are repeated for up to `patience_s` while the service is away or busy."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        key: VerifierKey,
        *,
        token: str | None = None,
        patience_s: float = 60.0,
    ) -> None:
        self.key = key
        self.service = url.rstrip("/")
        self.url = f"{self.service}/logs/{key.name.rsplit('/', 1)[-1]}"
        self._session = session
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._patience_s = patience_s

    async def checkpoint(self) -> tuple[Checkpoint, Note, str]:
        """The log's current checkpoint, its signature verified: parsed, as a note, and as it came."""
        answer = await self.get("checkpoint")
        try:
            checkpoint, note = open_checkpoint(answer.body, self.key)
        except ProofError as error:
            raise Dishonest(
                f"the checkpoint at {self.url} is not signed by {self.key.name}: {error}",
                "check that --url and --log belong together",
            ) from error
        return checkpoint, note, answer.body.decode()

    async def require_growth(self, old: Checkpoint, new: Checkpoint) -> None:
        """Return only if the tree of `new` continues that of `old`, proved from tiles."""
        if old.origin != new.origin:
            raise Forked(f"a checkpoint of {new.origin} was given for one of {old.origin}")
        if new.size < old.size:
            raise RolledBack(
                f"{new.origin} shows size {new.size}, but it once signed for size {old.size}",
                "stop posting and show both checkpoints to the log's witnesses and to the authority",
            )
        if old.size == 0:
            return
        try:
            proof = [] if old.size == new.size else await self._consistency_proof(old.size, new.size)
            verify_consistency(old.size, new.size, proof, old.root, new.root)
        except (ProofError, FormatError) as error:
            raise Forked(
                f"{new.origin} at size {new.size} does not continue the tree it signed at size {old.size}: "
                f"{error}",
                "stop posting and show both checkpoints to the log's witnesses and to the authority",
            ) from error

    async def root_at(self, size: int, seen: Checkpoint) -> bytes:
        """The root that the tree of a checkpoint had at an earlier size, above 0; proved from tiles."""
        tiles = tiles_for_root(size)
        contents = await asyncio.gather(*(self._tile(tile) for tile in tiles))
        try:
            root = root_from_tiles(size, dict(zip(tiles, contents, strict=True)))
        except FormatError as error:
            raise Dishonest(f"{self.url}: its tiles are none of size {size}: {error}") from error
        await self.require_growth(Checkpoint(seen.origin, size, root), seen)
        return root

    async def get(self, path: str, most_bytes: int = MAX_ANSWER_BYTES) -> Answer:
        """GET a path below the log; any status but 200 is an error."""
        answer = await self.ask("GET", f"{self.url}/{path}", most_bytes=most_bytes)
        if answer.status != 200:
            raise refusal(answer, f"GET {self.url}/{path}")
        return answer

    async def source(self, origin: str) -> Answer:
        """What the service holds of a source log: 200 with its last note and frontier, or 404."""
        return await self.ask("GET", f"{self.url}/sources/{quote(origin, safe='')}")

    async def submit(self, submission: bytes) -> Answer:
        """Post a submission; sent again as it is until the service has answered."""
        return await self.ask("POST", f"{self.url}/submissions", submission)

    async def stream(
        self, url: str, timeout: aiohttp.ClientTimeout, chunk_bytes: int
    ) -> AsyncIterator[bytes]:
        """GET something of any size, once; any status but 200 is an error."""
        target = URL(url, encoded=True)
        try:
            async with self._session.get(
                target, headers=self._headers, timeout=timeout, allow_redirects=False
            ) as response:
                if response.status != 200:
                    answer = Answer(response.status, (await response.content.read(MAX_ANSWER_BYTES)))
                    raise refusal(answer, f"GET {url}")
                async for piece in response.content.iter_chunked(chunk_bytes):
                    yield piece
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unreachable(f"GET {url} broke off: {error or type(error).__name__}") from error

    async def ask(
        self, method: str, url: str, body: bytes | None = None, most_bytes: int = MAX_ANSWER_BYTES
    ) -> Answer:
        """Send a request that may safely be repeated, until it is answered or patience ends."""
        return await ask(
            self._session,
            method,
            url,
            body,
            headers=self._headers,
            patience_s=self._patience_s,
            most_bytes=most_bytes,
        )

    async def _consistency_proof(self, old_size: int, new_size: int) -> list[bytes]:
        tiles = tiles_for_consistency(old_size, new_size)
        contents = await asyncio.gather(*(self._tile(tile) for tile in tiles))
        by_tile: Mapping[Tile, bytes] = dict(zip(tiles, contents, strict=True))
        return consistency_from_tiles(old_size, new_size, by_tile)

    async def _tile(self, tile: Tile) -> bytes:
        """A hash tile's bytes; where a partial tile is gone, the beginning of the full one (tlog-tiles)."""
        answer = await self.ask("GET", f"{self.url}/{tile_path(tile)}")
        if answer.status == 404 and tile.width < FULL_WIDTH:
            full = msgspec.structs.replace(tile, width=FULL_WIDTH)
            answer = await self.ask("GET", f"{self.url}/{tile_path(full)}")
        if answer.status != 200:
            raise refusal(answer, f"GET {self.url}/{tile_path(tile)}")
        return answer.body[: tile.width * HASH_BYTES]


async def ask(
    session: aiohttp.ClientSession,
    method: str,
    url: str,
    body: bytes | None = None,
    *,
    headers: Mapping[str, str] | None = None,
    patience_s: float,
    most_bytes: int = MAX_ANSWER_BYTES,
) -> Answer:
    """Send a request that may safely be repeated, until it is answered or patience ends."""
    deadline = asyncio.get_running_loop().time() + patience_s
    pause_s = 0.05
    while True:
        trouble, wait_s = "", 0.0
        try:
            answer, wait_s = await ask_once(session, method, url, body, headers, most_bytes)
            if answer.status not in RETRIED_STATUSES:
                return answer
            problem = read_problem(answer)
            if method == "GET" and problem.type in NOT_RETRIED:
                return answer
            trouble = f"{answer.status} {problem.detail or problem.title}".rstrip()
        except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
            trouble = str(error) or type(error).__name__
        # Jitter keeps posters that were cut off together from coming back together.
        pause_s = min(2.0, pause_s * 2)
        wait_s = max(wait_s, pause_s * random.uniform(0.5, 1.0))  # noqa: S311
        if asyncio.get_running_loop().time() + wait_s > deadline:
            raise Unreachable(
                f"{method} {url} is not answered: {trouble}",
                "see that the service is running and the --url right; repeating the command is safe",
            )
        await asyncio.sleep(wait_s)


async def ask_once(
    session: aiohttp.ClientSession,
    method: str,
    url: str,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    most_bytes: int = MAX_ANSWER_BYTES,
) -> tuple[Answer, float]:
    """Send a request; returns the answer, and how many seconds to wait before another if it says so."""
    # The URL is encoded already; decoding %2F would change a source's name.
    target = URL(url, encoded=True)
    # A stream goes out piece by piece: large bytes at once would hold up everybody else in this process.
    data = None if body is None else io.BytesIO(body)
    async with session.request(method, target, data=data, headers=headers, allow_redirects=False) as response:
        content = b""
        async for chunk in response.content.iter_any():
            content += chunk
            if len(content) > most_bytes:
                raise RefusedByService(response.status, f"{url} answers with over {most_bytes} bytes")
        wait = response.headers.get("Retry-After", "")
        following = str(response.links["next"]["url"]) if "next" in response.links else ""
        answer = Answer(response.status, content, following, response.headers)
        return answer, float(wait) if wait.isdecimal() else 0.0


def read_problem(answer: Answer) -> Problem:
    """The problem in an answer; an answer of another kind gives an empty one."""
    try:
        return msgspec.json.decode(answer.body, type=Problem)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return Problem()


def refusal(answer: Answer, request: str) -> RefusedByService:
    """An answer that is no success, as an error that names the place."""
    problem = read_problem(answer)
    what = problem.detail or problem.title or answer.body[:200].decode("utf-8", "replace").strip()
    event, place = None, ""
    if problem.line is not None:
        event = problem.line - FIRST_EVENT_LINE if problem.line >= FIRST_EVENT_LINE else None
        place = f"line {problem.line}: " if event is None else ""
    field = f" (field {problem.field})" if problem.field else ""
    said = f"{request} is refused ({answer.status}): {place}{what}{field}"
    remedy = problem.remedy or REMEDIES.get(answer.status, "")
    return RefusedByService(answer.status, said, remedy, event)


REMEDIES = {
    401: "check the key or the token, and that it is registered in this log (writ key register)",
    403: "ask the log's administrator which role this key or token has",
    404: "check --log and --url, the service's and not a log's; `writ serve` prints its logs at its start",
    413: "send less at once",
}
