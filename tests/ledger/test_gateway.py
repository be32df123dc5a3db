import asyncio
import json
from pathlib import Path

from ledger.config import Database
from ledger.intake import Stored
from ledger.problems import Refused
from projections import events as ev
from signing.entry import parse_entry
from signing.merkle import leaf_hash
from signing.note import parse_note, verify_note
from signing.submission import parse_submission_text
from signing.tlog_proof import parse_proof, verify_proof
from tests.ledger.lab import CONTROLLER, TIME, Lab, collected, running_lab

NAME = "crm.clearview.example"
SECRET = "7" * 64


def batch(*lines: bytes) -> bytes:
    return b"[" + b",".join(lines) + b"]"


async def test_plain_events_become_a_submission_of_the_gateway(database: Database, tmp_path: Path) -> None:
    async with running_lab(database, tmp_path) as lab:
        await lab.register_token(NAME, SECRET)
        # As a program would send it: other order, white space, nothing canonical.
        event = json.dumps(dict(reversed(json.loads(collected(NAME, 1)).items())), indent=2).encode()
        status, answer = await lab.post_events(event, SECRET, "application/cloudevents+json")
        assert status == 200, answer
        placed = answer["events"][0]
        assert placed == {"id": "event-00000001", "index": 5, "submission": 4, "repeated": False}
        assert await read(lab, 5) == collected(NAME, 1)
        proof = parse_proof(answer["receipts"]["4"].encode())
        entry = await lab.log.reader.entry(4)
        assert entry is not None
        assert verify_proof(proof, leaf_hash(entry), lab.log.keys.log.verifier).size == 6
        note = parse_note(parse_entry(entry).body)
        verify_note(note, lab.log.keys.gateway.verifier)
        text = parse_submission_text(note.text)
        assert (text.origin, text.size, text.seen_size) == (f"{lab.log.origin}/gateway", 1, 4)


async def test_a_retry_gets_the_places_and_receipts_it_had(database: Database, tmp_path: Path) -> None:
    async with running_lab(database, tmp_path) as lab:
        await lab.register_token(NAME, SECRET)
        _, first = await lab.post_events(batch(collected(NAME, 1), collected(NAME, 2)), SECRET)
        _, second = await lab.post_events(batch(collected(NAME, 3)), SECRET)
        again = batch(*(collected(NAME, number) for number in (3, 1, 4, 4)))
        status, answer = await lab.post_events(again, SECRET)
        assert status == 200
        repeated = [(event["index"], event["submission"], event["repeated"]) for event in answer["events"]]
        assert repeated == [(8, 7, True), (5, 4, True), (10, 9, False), (10, 9, True)]
        assert answer["receipts"]["4"] == first["receipts"]["4"]
        assert answer["receipts"]["7"] == second["receipts"]["7"]
        size = lab.log.released.checkpoint.size if lab.log.released else 0
        # Nothing but repeats writes nothing.
        assert (await lab.post_events(batch(collected(NAME, 1)), SECRET))[0] == 200
        assert lab.log.released is not None
        assert lab.log.released.checkpoint.size == size


async def test_posts_of_one_commit_share_a_submission_and_not_their_fate(
    database: Database, tmp_path: Path
) -> None:
    async with running_lab(database, tmp_path) as lab:
        await lab.register_token(NAME, SECRET)
        await lab.register_token("other.example", "8" * 64, role="reader")
        bad = collected(NAME, 2).replace(b'"clearview"', b'"pimeyes"')
        outcomes = await asyncio.gather(
            lab.post_events(batch(collected(NAME, 1)), SECRET),
            lab.post_events(batch(collected(NAME, 5), bad), SECRET),
            lab.post_events(batch(collected("other.example", 1)), "8" * 64),
            lab.post_events(batch(collected(NAME, 3)), SECRET),
        )
        assert [status for status, _ in outcomes] == [200, 422, 403, 200]
        # The refused post's good half was not kept either, nor is its id taken.
        status, answer = await lab.post_events(batch(collected(NAME, 5)), SECRET)
        assert (status, answer["events"][0]["repeated"]) == (200, False)


async def test_a_revoked_token_is_refused(database: Database, tmp_path: Path) -> None:
    async with running_lab(database, tmp_path) as lab:
        await lab.register_token(NAME, SECRET)
        await lab.post_events(batch(collected(NAME, 1)), SECRET)
        token = lab.log.registry.token(NAME)
        assert token is not None
        data = ev.TokenRevoked(
            controller=CONTROLLER, name=NAME, role="controller", secret_sha256=token.secret_sha256
        )
        line = ev.encode_event(ev.make_event(data, id="end", source="administrator", time=TIME))
        await lab.post(lab.administrator, [line])
        status, problem = await lab.post_events(batch(collected(NAME, 2)), SECRET)
        assert (status, problem["type"]) == (403, "urn:writ:problem:revoked")


async def test_the_operator_posts_through_the_same_writer(database: Database, tmp_path: Path) -> None:
    async with running_lab(database, tmp_path) as lab:
        data = ev.CheckpointAnchored(controller=CONTROLLER, note="bm90ZQ==")
        outcome = await lab.log.post_own(data, "anchor-1")
        assert isinstance(outcome, Stored)
        assert outcome.placed is not None
        assert outcome.placed.indexes == (3,)
        assert outcome.receipt is not None
        # The operator's role is no wider than others'.
        refused = await lab.log.post_own(ev.StoreRetired(controller=CONTROLLER, store="images"), "x")
        assert isinstance(refused, Refused)
        assert refused.problem == "not-allowed"


async def read(lab: Lab, index: int) -> bytes:
    """The body of an entry, over HTTP."""
    async with lab.session.get(f"{lab.url}/entries/{index}") as response:
        return parse_entry(await response.read()).body
