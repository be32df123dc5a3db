"""Posters and readers at work on services that are being killed, and a record of all that they were told.

A poster does what any careful poster does: it makes the next submission only once the last is acknowledged,
and until then it sends the same bytes again, to whichever service answers.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from hashlib import sha256
from random import Random
from typing import Any
from urllib.parse import quote

import aiohttp
from yarl import URL

from projections import events as ev
from signing.checkpoint import verify_checkpoint
from signing.keys import VerifierKey
from signing.tlog_proof import parse_proof
from tests.ledger.lab import CONTROLLER, ORIGIN, TIME, Poster, collected, registered, seeded_key

POSTERS = 4
TOKEN = "batch.example"
SECRET = "a-secret-of-256-random-bits-says-the-administrator"
PATIENCE_S = 60.0
_PAUSE_S = 0.05
_DOOR_HEADERS = {
    "Authorization": f"Bearer {SECRET}",
    "Content-Type": "application/cloudevents-batch+json",
}
_ASK_AGAIN = (b"problem:busy", b"problem:unavailable")

Unanswered = (aiohttp.ClientError, ConnectionError, TimeoutError)
Look = Callable[[], Awaitable[bool]]


class Told:
    """All that services have acknowledged or shown: what must hold for good."""

    def __init__(self) -> None:
        self.receipts: dict[bytes, bytes] = {}
        """The receipt of each submission, by the submission's whole body."""
        self.door: dict[bytes, dict[str, Any]] = {}
        """The answer to each batch of a token's events, by its body."""
        self.checkpoints: dict[int, bytes] = {}
        self.cut_off = 0
        """How often no answer came to a submission that was on its way."""
        self.replies_lost = 0
        """How often that submission was stored all the same."""

    @property
    def count(self) -> int:
        """How much was acknowledged so far."""
        return len(self.receipts) + len(self.door)

    def keep_receipt(self, body: bytes, receipt: bytes) -> None:
        """Keep a receipt and its checkpoint; the same submission always has the same receipt."""
        assert self.receipts.setdefault(body, receipt) == receipt, "a retry got another receipt"
        self.keep_checkpoint(receipt.partition(b"\n\n")[2])

    def keep_door(self, body: bytes, answer: dict[str, Any]) -> None:
        """Keep where a token's events stand; a retry names the same places and receipts."""
        places = [{**event, "repeated": False} for event in answer["events"]]
        kept = {"events": places, "receipts": answer["receipts"]}
        assert self.door.setdefault(body, kept) == kept, "a retry got other places or receipts"
        for receipt in answer["receipts"].values():
            self.keep_checkpoint(receipt.encode().partition(b"\n\n")[2])

    def keep_checkpoint(self, raw: bytes) -> None:
        """Keep a signed checkpoint; of one size there is only one."""
        size = int(raw.split(b"\n", 2)[1])
        assert self.checkpoints.setdefault(size, raw) == raw, f"two checkpoints of size {size}"


class Load:
    """Posters and readers of one log, spread over the services at some URLs."""

    def __init__(
        self, urls: Sequence[str], key: VerifierKey, chance: Random, answer_s: float = PATIENCE_S
    ) -> None:
        self.answer_s = answer_s
        """How long to wait for an answer before asking again."""
        self.told = Told()
        self.posters = posters()
        self._urls = [f"{url}/logs/{ORIGIN.rpartition('/')[2]}" for url in urls]
        self.key = key
        self._chance = chance
        self._events_posted = 0
        self._enough = asyncio.Event()

    async def run(self, session: aiohttp.ClientSession) -> None:
        """Post and read until `finish`; returns when everything that was begun is acknowledged."""
        self._enough.clear()
        async with asyncio.TaskGroup() as tasks:
            for poster in self.posters:
                tasks.create_task(self._post(session, poster))
            tasks.create_task(self._post_events(session))
            tasks.create_task(self._read(session))

    def finish(self) -> None:
        """Begin nothing more."""
        self._enough.set()

    async def wait_for_more(self, count: int = 1) -> None:
        """Return once so much more has been acknowledged."""
        enough = self.told.count + count
        async with asyncio.timeout(PATIENCE_S):
            while self.told.count < enough:
                await asyncio.sleep(0.005)

    async def post_once(self, session: aiohttp.ClientSession, poster: Poster) -> None:
        """Make the next submission of a poster, and have it acknowledged."""
        body, after = poster.make(poster.events(self._chance.randint(1, 50)))
        receipt = await self._submit(session, poster.source, after.end, body)
        self.told.keep_receipt(body, receipt)
        poster.frontier = after
        poster.seen = verify_checkpoint(parse_proof(receipt).checkpoint, self.key)
        if self._chance.random() < 0.1:
            self.told.keep_receipt(body, await self._insist(session, "submissions", body))

    async def repeat(self, session: aiohttp.ClientSession, most: int) -> None:
        """Send again some of what was acknowledged: each answer must be the first one."""
        for body in self._sample(list(self.told.receipts), most):
            self.told.keep_receipt(body, await self._insist(session, "submissions", body))
        for body in self._sample(list(self.told.door), most):
            self.told.keep_door(body, json.loads(await self._insist(session, "events", body, _DOOR_HEADERS)))

    async def _post(self, session: aiohttp.ClientSession, poster: Poster) -> None:
        while not self._enough.is_set():
            await self.post_once(session, poster)

    async def _submit(self, session: aiohttp.ClientSession, source: str, size: int, body: bytes) -> bytes:
        async def is_stored() -> bool:
            url = URL(f"{self._url()}/sources/{quote(source, safe='')}", encoded=True)
            async with session.get(url) as response:
                if response.status == 503:
                    raise ConnectionError
                return response.status == 200 and (await response.json())["size"] >= size

        return await self._insist(session, "submissions", body, None, is_stored)

    async def _post_events(self, session: aiohttp.ClientSession) -> None:
        while not self._enough.is_set():
            numbers = range(self._events_posted, self._events_posted + self._chance.randint(1, 20))
            self._events_posted = numbers.stop
            body = b"[" + b",".join(collected(TOKEN, number) for number in numbers) + b"]"
            for _ in range(2 if self._chance.random() < 0.1 else 1):
                answer = await self._insist(session, "events", body, _DOOR_HEADERS)
                self.told.keep_door(body, json.loads(answer))
            await asyncio.sleep(0.01)

    async def _read(self, session: aiohttp.ClientSession) -> None:
        """Read checkpoints and proofs; each comes, or is refused as it should be."""
        while not self._enough.is_set():
            try:
                async with session.get(f"{self._url()}/checkpoint") as response:
                    assert response.status in (200, 503), await response.text()
                    if response.status == 200:
                        self.told.keep_checkpoint(await response.read())
                index = self._chance.randrange(min(self.told.checkpoints, default=1))
                async with session.get(f"{self._url()}/entries/{index}/proof") as response:
                    assert response.status in (200, 503), await response.text()
                    if response.status == 200:
                        self.told.keep_checkpoint((await response.read()).partition(b"\n\n")[2])
            except Unanswered:
                await asyncio.sleep(_PAUSE_S)
            await asyncio.sleep(0.02)

    async def _insist(
        self,
        session: aiohttp.ClientSession,
        door: str,
        body: bytes,
        headers: dict[str, str] | None = None,
        is_stored: Look | None = None,
    ) -> bytes:
        """Send the same bytes until a service says that they are stored, and count the replies lost."""
        cut_off, trouble = False, ""
        give_up_at = asyncio.get_running_loop().time() + PATIENCE_S
        while asyncio.get_running_loop().time() < give_up_at:
            try:
                if cut_off and is_stored is not None:
                    self.told.replies_lost += await is_stored()
                    self.told.cut_off += 1
                    cut_off = False
                async with session.post(f"{self._url()}/{door}", data=body, headers=headers) as response:
                    answer = await response.read()
                if response.status == 200:
                    return answer
                trouble = answer.decode()
                assert response.status == 503, answer
                assert any(problem in answer for problem in _ASK_AGAIN), answer
                cut_off = cut_off or _ASK_AGAIN[1] in answer
            except aiohttp.ClientConnectorError as error:
                trouble = repr(error)  # nothing was sent
            except Unanswered as error:
                cut_off, trouble = True, repr(error)
            await asyncio.sleep(_PAUSE_S)
        raise AssertionError(f"not acknowledged after {PATIENCE_S:g} s: {trouble}")

    def _sample(self, bodies: list[bytes], most: int) -> list[bytes]:
        return self._chance.sample(bodies, min(most, len(bodies)))

    def _url(self) -> str:
        return self._chance.choice(self._urls)


@asynccontextmanager
async def under_load(load: Load) -> AsyncIterator[None]:
    """Post and read while the block runs; afterwards everything that was begun is acknowledged."""
    async with open_session(load.answer_s) as session, asyncio.TaskGroup() as tasks:
        # When a poster finds something wrong, the block is broken off.
        tasks.create_task(load.run(session))
        await load.wait_for_more()
        yield
        load.finish()


def open_session(answer_s: float = PATIENCE_S) -> aiohttp.ClientSession:
    """A session that waits so long for an answer."""
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None, sock_read=answer_s))


def posters() -> list[Poster]:
    """Posters with empty source logs, whose keys `registrations` registers."""
    return [Poster(seeded_key(f"poster-{number}.example")) for number in range(POSTERS)]


def registrations(source: str) -> list[bytes]:
    """The administrator's events that let everybody post."""
    data = ev.TokenRegistered(
        controller=CONTROLLER,
        name=TOKEN,
        role="controller",
        secret_sha256=sha256(SECRET.encode()).hexdigest(),
    )
    token = ev.encode_event(ev.make_event(data, id="token", source=source, time=TIME))
    return [*(registered(poster.signer, "controller", source) for poster in posters()), token]
