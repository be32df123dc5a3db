import asyncio
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pytest
from structlog.testing import capture_logs

from ledger.admission import decode_lines, hash_lines, open_submission
from ledger.config import Database
from ledger.gateway import BATCHED, TokenPost, open_token_post
from ledger.intake import Stored
from ledger.openlog import DoorAnswer
from ledger.problems import Refused
from projections import events as ev
from signing.checkpoint import Checkpoint, verify_checkpoint
from signing.tlog_proof import parse_proof
from tests.check_ledger import check_ledger
from tests.ledger.lab import CONTROLLER, Lab, Poster, collected, registered, running_lab, seeded_key
from tests.ledger.wire import When, Wire

# Few entries are written in one statement, many in a transaction of several.
FEW, MANY = 30, 600
# Every statement of both, in order; the mixed batch below runs them all.
READING = [r"unnest\(\$2::text\[\]\) AS wanted", "JOIN token_events"]
STATEMENTS = [
    *((FEW, statement) for statement in (*READING, "UPDATE heads")),
    *(
        (MANY, statement)
        for statement in ("^BEGIN", "FOR UPDATE", *READING, "^COPY", "UPDATE heads", "^COMMIT$")
    ),
]
SECRET = "a" * 64


def arrival(body: bytes):  # type: ignore[no-untyped-def]
    submission = open_submission(body)
    assert not isinstance(submission, Refused), submission
    events = decode_lines(submission.lines)
    assert not isinstance(events, Refused), events
    return hash_lines(submission, events)


def token_post(*numbers: int) -> TokenPost:
    lines = b",".join(collected("crm.clearview.example", number) for number in numbers)
    post = open_token_post(b"[" + lines + b"]", BATCHED, SECRET)
    assert not isinstance(post, Refused), post
    return post


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(("events", "statement"), STATEMENTS)
async def test_every_write_fails_or_loses_its_reply(
    database: Database, tmp_path: Path, events: int, statement: str, when: When
) -> None:
    async with Wire(database.service_dsn).running() as wire:
        wired = Database(owner_dsn=database.owner_dsn, service_dsn=wire.dsn)
        async with running_lab(wired, tmp_path) as lab:
            poster = await lab.register("crawler.clearview.example")
            await lab.register_token("crm.clearview.example", SECRET)
            poster.seen = lab.log.released.checkpoint if lab.log.released else None
            size = poster.seen.size if poster.seen else 0
            signed, _ = poster.make(poster.events(events))
            registration, _ = lab.administrator.make(
                [registered(seeded_key("dpo.clearview.example"), "controller", lab.administrator.source)]
            )
            wire.cut(when, statement)
            outcomes = await post_together(lab, [signed, registration], token_post(1, 2))
            assert wire.cuts == 1
            # All of it is stored once, whatever happened on the way...
            stored = [outcome for outcome in outcomes if isinstance(outcome, Stored)]
            assert {outcome.index for outcome in stored} == {size, size + events + 1}
            assert isinstance(outcomes[2], DoorAnswer)
            assert outcomes[2].indexes == (size + events + 4, size + events + 5)
            assert lab.log.writer.state is not None
            assert lab.log.writer.state.head.size == size + events + 6
            # ... and sent again, it gets the very same receipts.
            again = await post_together(lab, [signed, registration], token_post(1, 2))
            assert [one.receipt for one in again[:2]] == [one.receipt for one in stored]
            assert again[2].receipts == outcomes[2].receipts
            assert again[2].indexes == outcomes[2].indexes


async def post_together(lab: Lab, bodies: list[bytes], post: TokenPost):  # type: ignore[no-untyped-def]
    """Everything in one commit: it is in line before the writer looks."""
    return await asyncio.gather(*(lab.log.submit(arrival(body)) for body in bodies), lab.log.post(post))


@pytest.mark.parametrize("when", ["before", "after"])
async def test_an_event_of_our_own_is_posted_once(database: Database, tmp_path: Path, when: When) -> None:
    """Nobody repeats it, and no id would make it known for a repetition: the log itself is asked."""
    async with Wire(database.service_dsn).running() as wire:
        wired = Database(owner_dsn=database.owner_dsn, service_dsn=wire.dsn)
        async with running_lab(wired, tmp_path) as lab:
            data = ev.CheckpointAnchored(controller=CONTROLLER, note="bm90ZQ==")
            wire.cut(when, "UPDATE heads")
            outcome = await lab.log.post_own(data, "anchor-1")
            assert isinstance(outcome, Stored)
            assert (outcome.index, outcome.size, wire.cuts) == (2, 4, 1)
            assert lab.log.writer.state is not None
            assert lab.log.writer.state.head.size == 4


@pytest.mark.parametrize(("events", "statement"), [(FEW, "UPDATE heads"), (MANY, "^COMMIT$")])
async def test_state_is_only_adopted_after_commit(
    database: Database, tmp_path: Path, events: int, statement: str
) -> None:
    async with Wire(database.service_dsn).running() as wire:
        wired = Database(owner_dsn=database.owner_dsn, service_dsn=wire.dsn)
        async with running_lab(wired, tmp_path) as lab:
            poster = await lab.register("crawler.clearview.example")
            before = lab.log.writer.state
            seen: list[object] = []

            async def watch() -> None:
                await lab.log.writer.wait_beyond(before.head.size if before else 0)
                connection = await asyncpg.connect(database.owner_dsn)
                seen.append(await connection.fetchval("SELECT max(index) FROM entries"))
                await connection.close()

            watcher = asyncio.create_task(watch())
            wire.cut("before", statement)
            await lab.post(poster, poster.events(events))
            await watcher
            assert seen == [4 + events]


async def test_a_refused_submission_never_fails_its_neighbours(database: Database, tmp_path: Path) -> None:
    async with running_lab(database, tmp_path) as lab:
        good = await lab.register("crawler.clearview.example")
        other = await lab.register("api.clearview.example")
        stranger = Poster(seeded_key("stranger.example"))
        bodies = [poster.make(poster.events(2))[0] for poster in (good, stranger, other)]
        wrong = bodies[2].replace(b"event-00000001", b"event-00000009")
        outcomes = await asyncio.gather(
            *(lab.log.submit(arrival(body)) for body in (*bodies[:2], wrong, bodies[2]))
        )
        kinds = [outcome.problem if isinstance(outcome, Refused) else "stored" for outcome in outcomes]
        assert kinds == ["stored", "unknown-key", "wrong-root", "stored"]
        assert [outcome.size for outcome in outcomes if isinstance(outcome, Stored)] == [12, 12]


async def test_a_submission_that_the_database_refuses_stands_alone(
    database: Database, tmp_path: Path
) -> None:
    owner = await asyncpg.connect(database.owner_dsn)
    await owner.execute("ALTER TABLE submissions ADD CHECK (source <> 'crawler.clearview.example/bad')")
    await owner.close()
    async with running_lab(database, tmp_path) as lab:
        poster = await lab.register("crawler.clearview.example")
        posters = [Poster(poster.signer, f"{poster.source}/{name}") for name in ("a", "bad", "c")]
        bodies = [poster.make(poster.events(2))[0] for poster in posters]
        outcomes = await asyncio.gather(*(lab.log.submit(arrival(body)) for body in bodies))
        kinds = [outcome.problem if isinstance(outcome, Refused) else "stored" for outcome in outcomes]
        assert kinds == ["stored", "failed", "stored"]


async def test_the_record_cannot_be_written(database: Database, tmp_path: Path) -> None:
    async with running_lab(database, tmp_path) as lab:
        poster = await lab.register("crawler.clearview.example")
        body, after = poster.make(poster.events(3))
        # A line of the log can't be written either; here it goes nowhere.
        with capture_logs() as logs, full_disk():
            status, answer = await lab.send(body)
        assert status == 503, answer
        assert b"urn:writ:problem:unavailable" in answer
        assert "release_failed" in [line["event"] for line in logs]
        # It is stored, and nobody has been told: the same bytes get their receipt now.
        size = await check_ledger(database.owner_dsn, lab.log.name)
        status, answer = await lab.send(body)
        assert status == 200
        assert await check_ledger(database.owner_dsn, lab.log.name) == size
        poster.frontier = after
        await lab.post(poster, poster.events(1))


@contextmanager
def full_disk() -> Iterator[None]:
    """No file of this process can be written to."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


async def test_receipts_survive_a_restart_and_a_revocation(database: Database, tmp_path: Path) -> None:
    async with running_lab(database, tmp_path) as lab:
        poster = await lab.register("crawler.clearview.example")
        body, after = poster.make(poster.events(3))
        _, receipt = await lab.send(body)
        poster.frontier = after
        await lab.post(poster, poster.events(600))
        revoked = registered(poster.signer, "controller", lab.administrator.source)
        revoked = revoked.replace(b"key.registered", b"key.revoked").replace(b'"id":"key-', b'"id":"end-')
        await lab.post(lab.administrator, [revoked])
        assert await lab.send(body) == (200, receipt)
    async with running_lab(database, tmp_path) as lab:
        assert await lab.send(body) == (200, receipt)
        # Other lines under the same note are not what was acknowledged.
        status, answer = await lab.send(body.replace(b"event-00000001", b"event-00000009"))
        assert (status, b"wrong-root" in answer) == (422, True)


async def test_a_full_queue_answers_at_once(database: Database, tmp_path: Path) -> None:
    async with running_lab(database, tmp_path) as lab:
        poster = await lab.register("crawler.clearview.example")
        posters = [Poster(poster.signer, f"{poster.source}/{number}") for number in range(2_100)]
        bodies = [poster.make(poster.events(1))[0] for poster in posters]
        outcomes = await asyncio.gather(*(lab.log.submit(arrival(body)) for body in bodies))
        kinds = [outcome.problem if isinstance(outcome, Refused) else "stored" for outcome in outcomes]
        assert kinds.count("busy") == 100
        assert kinds.count("stored") == 2_000


async def test_a_checkpoint_covers_a_whole_commit(database: Database, tmp_path: Path) -> None:
    async with running_lab(database, tmp_path) as lab:
        poster = await lab.register("crawler.clearview.example")
        posters = [Poster(poster.signer, f"{poster.source}/{number}") for number in range(3)]
        bodies = [poster.make(poster.events(2))[0] for poster in posters]
        outcomes = await asyncio.gather(*(lab.log.submit(arrival(body)) for body in bodies))
        receipts = [outcome.receipt for outcome in outcomes if isinstance(outcome, Stored)]
        notes = {parse_proof(receipt).checkpoint for receipt in receipts if receipt is not None}
        assert len(notes) == 1
        covered = verify_checkpoint(notes.pop(), lab.log.keys.log.verifier)
        assert isinstance(covered, Checkpoint)
        assert covered.size == 4 + 9
