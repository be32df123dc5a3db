"""A running service with one log and posters that tests drive by hand, bytes and all."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import aiohttp

from ledger.app import running_service
from ledger.config import Config, Database
from ledger.gateway import BATCHED
from ledger.keyfiles import read_key
from ledger.openlog import Log
from ledger.service import Service
from ledger.web import Limits
from projections import events as ev
from signing.checkpoint import Checkpoint, verify_checkpoint
from signing.keys import ED25519, Signer, SigningKey, format_vkey
from signing.merkle import EMPTY_RANGE, CompactRange, decode_frontier
from signing.submission import Submission, format_submission, make_submission
from signing.tlog_proof import parse_proof
from tests.check_ledger import check_ledger

ORIGIN = "ledger.example/clearview"
CONTROLLER = "clearview"
TIME = "2022-05-18T09:00:00Z"


def seeded_key(name: str) -> SigningKey:
    """A key that is the same in every run."""
    return SigningKey(name, ED25519, sha256(name.encode()).digest())


def handle(number: int) -> str:
    """A handle like any other."""
    return sha256(str(number).encode()).hexdigest()[:32]


def collected(source: str, number: int, records: int = 1) -> bytes:
    """The line of an event of about 430 bytes, and 35 more for each further record."""
    handles = sorted(handle(number * 1_000 + at) for at in range(records))
    data = ev.DataCollected(
        activity="face_search",
        categories=("user.biometric", "user.content.self_image"),
        controller=CONTROLLER,
        minor="unknown",
        records=tuple(handles),
        residency=("GB",),
        residency_basis="metadata",
        source_kind="public_web",
        special_category=True,
        store="images",
    )
    return ev.encode_event(ev.make_event(data, id=f"event-{number:08d}", source=source, time=TIME))


def registered(key: Signer, role: str, source: str) -> bytes:
    """The line that registers a key."""
    vkey = format_vkey(key.verifier)
    data = ev.KeyRegistered(controller=CONTROLLER, name=key.verifier.name, role=role, vkey=vkey)  # type: ignore[arg-type]
    return ev.encode_event(
        ev.make_event(data, id=f"key-{key.verifier.key_id.hex()}", source=source, time=TIME)
    )


def token_registered(name: str, secret: str, role: str, source: str) -> bytes:
    """The line that registers a token."""
    hashed = sha256(secret.encode()).hexdigest()
    data = ev.TokenRegistered(controller=CONTROLLER, name=name, role=role, secret_sha256=hashed)  # type: ignore[arg-type]
    return ev.encode_event(ev.make_event(data, id=f"token-{name}", source=source, time=TIME))


class Poster:
    """A source log in memory."""

    def __init__(self, signer: Signer, source: str | None = None, log: str = ORIGIN) -> None:
        self.signer = signer
        self.source = source or signer.verifier.name
        self.log = log
        self.frontier: CompactRange = EMPTY_RANGE
        self.seen: Checkpoint | None = None

    def make(self, lines: Sequence[bytes]) -> tuple[bytes, CompactRange]:
        """A submission of these lines, and the frontier once it is accepted."""
        submission, after = self.sign(lines)
        return format_submission(submission), after

    def sign(self, lines: Sequence[bytes]) -> tuple[Submission, CompactRange]:
        """The submission as a value."""
        return make_submission(self.signer, self.source, self.frontier, self.log, self.seen, lines)

    def events(self, count: int, records: int = 1) -> list[bytes]:
        """The next event lines of this source log."""
        return [collected(self.source, self.frontier.end + at, records) for at in range(count)]


class Lab:
    """The service, its log, and how to talk to it."""

    def __init__(self, service: Service, log: Log, session: aiohttp.ClientSession) -> None:
        self.service = service
        self.log = log
        self.session = session
        self.administrator = Poster(read_key(Path(service.admin_key_path)))

    @property
    def url(self) -> str:
        """Where the log is."""
        return f"{self.service.url}/logs/{self.log.name}"

    async def send(self, body: bytes) -> tuple[int, bytes]:
        """Post a submission; the status and the body that answer it."""
        async with self.session.post(f"{self.url}/submissions", data=BytesIO(body)) as response:
            return response.status, await response.read()

    async def post(self, poster: Poster, lines: Sequence[bytes]) -> bytes:
        """Post lines that must be accepted; returns the receipt."""
        body, after = poster.make(lines)
        status, answer = await self.send(body)
        assert status == 200, answer
        poster.frontier = after
        poster.seen = verify_checkpoint(parse_proof(answer).checkpoint, self.log.keys.log.verifier)
        return answer

    async def adopt(self, poster: Poster) -> None:
        """Go on from where the service says the source log stands."""
        state = await self.log.source(poster.source)
        if state is not None:
            poster.frontier = decode_frontier(state.size, state.frontier)

    async def register(self, name: str, role: str = "controller") -> Poster:
        """A poster with a key that the administrator registers."""
        key = seeded_key(name)
        await self.adopt(self.administrator)
        await self.post(self.administrator, [registered(key, role, self.administrator.source)])
        return Poster(key)

    async def register_token(self, name: str, secret: str, role: str = "controller") -> None:
        """Have the administrator register a bearer token."""
        await self.adopt(self.administrator)
        await self.post(self.administrator, [token_registered(name, secret, role, self.administrator.source)])

    async def post_events(
        self, body: bytes, secret: str | None, media_type: str = BATCHED
    ) -> tuple[int, dict[str, Any]]:
        """Post at the token door; the status and the JSON that answer it."""
        headers = {"Content-Type": media_type}
        if secret is not None:
            headers["Authorization"] = f"Bearer {secret}"
        async with self.session.post(f"{self.url}/events", data=body, headers=headers) as response:
            return response.status, json.loads(await response.read())


@asynccontextmanager
async def running_lab(
    database: Database, data: Path, *, limits: Limits | None = None, public_reading: bool = True
) -> AsyncIterator[Lab]:
    """A service on a free port, with one log, whose ledger is checked from end to end when the block ends."""
    config = Config(data=data, database=database, policy=None, host="127.0.0.1", port=0)
    async with running_service(config, limits=limits) as service, aiohttp.ClientSession() as session:
        log = await service.create_log(ORIGIN, CONTROLLER, public_reading=public_reading)
        yield Lab(service, log, session)
    await check_ledger(database.owner_dsn, log.name)
