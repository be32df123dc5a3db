"""Every event of the catalogue, posted as its example shows it: stored, folded, exported, verified again."""

import asyncio
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ledger import cli
from ledger.cli_export import download
from ledger.config import Database
from ledger.gateway import STRUCTURED
from ledger.remote import RemoteLog
from projections import events as ev
from projections import specimens as sp
from projections.examples import EXAMPLES
from projections.fact import named
from signing.entry import parse_entry
from signing.keys import format_vkey
from tests.ledger.lab import Lab, Poster, running_lab

# The service posts these itself: the first as it creates a log, the other once a witness has cosigned.
CREATED = "writ.log.created.v1"
# What is said of this very log's own checkpoints, no example can say.
ANCHORED = {"writ.checkpoint.anchored.v1", "writ.checkpoint.timestamped.v1"}
# Whoever is revoked posts no more.
LAST = ("writ.key.revoked.v1", "writ.token.revoked.v1")
SECRET = "secret"


def as_posted(lab: Lab, name: str, source: str) -> bytes:
    """The example's line in this log, whose key an order names in its trust."""
    event: ev.Event[Any] = msgspec.structs.replace(EXAMPLES[name], source=source)
    data = event.data
    if isinstance(data, ev.OrderIssued | ev.OrderVaried):
        log_vkey = format_vkey(lab.log.keys.log.verifier)
        trust = msgspec.structs.replace(data.order.trust, log_vkey=log_vkey, witnesses=())
        order = msgspec.structs.replace(data.order, trust=trust)
        event = msgspec.structs.replace(event, data=msgspec.structs.replace(data, order=order))
    return ev.encode_event(event)


async def post_examples(lab: Lab) -> None:
    """Each by whom it names, in the order of the catalogue, revocations last."""
    posters = {sp.ADMIN: lab.administrator, sp.CONTROLLER: Poster(sp.signing_key(sp.CONTROLLER))}
    posters[sp.AUTHORITY] = await lab.register(sp.AUTHORITY, "authority")
    posters[sp.AUDITOR] = await lab.register(sp.AUDITOR, "auditor")
    for name in (*(name for name in EXAMPLES if name not in LAST), *LAST):
        source = EXAMPLES[name].source
        if name in {CREATED, *ANCHORED}:
            continue
        if source == sp.RECIPIENT:
            status, answer = await lab.post_events(as_posted(lab, name, source), SECRET, STRUCTURED)
            assert status == 200, (name, answer)
        else:
            poster = posters[source]
            await lab.post(poster, [as_posted(lab, name, poster.source)])


async def posted_types(lab: Lab) -> set[str]:
    """The types of all events that the log holds."""
    types, index = set(), 0
    while (raw := await lab.log.reader.entry(index)) is not None:
        entry = parse_entry(raw)
        if entry.kind == "event":
            types.add(json.loads(entry.body)["type"])
        index += 1
    return types


async def test_every_example_is_posted_folded_and_verified_again(
    database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bundle.zip"
    async with running_lab(database, tmp_path / "data") as lab:
        await post_examples(lab)
        remote = RemoteLog(lab.session, lab.service.url, lab.log.keys.log.verifier)
        await download(remote, sp.ORDER.id, path, compact=False)
        assert await posted_types(lab) == ev.EVENT_TYPES.keys() - ANCHORED
        await assert_found_by_handle(lab)
    capsys.readouterr()
    # Everything is sound; without a quorum of witnesses no time is proved.
    assert cli.main(["verify", str(path), "--authority", sp.vkey(sp.AUTHORITY)]) == 4
    assert cli.main(["replay", str(path), "--json"]) == 0


async def told_of(lab: Lab, handle: str) -> list[dict[str, Any]]:
    """What the service tells of one handle; its last line says how far that goes."""
    async with lab.session.get(f"{lab.url}/events?record={handle}") as response:
        assert response.status == 200
        return [json.loads(line) for line in (await response.read()).splitlines()]


async def assert_found_by_handle(lab: Lab) -> None:
    """Whoever asks for a handle is shown every event that names it, as a record or otherwise."""
    handle = sp.TEMPLATES[0]
    released = lab.log.released
    assert released is not None
    async with asyncio.timeout(30):
        while (shown := await told_of(lab, handle))[-1]["folded_size"] < released.checkpoint.size:
            await asyncio.sleep(0.02)
    expected = {name for name, event in EXAMPLES.items() if handle in named(event)}
    assert {"writ.data.matched.v1", "writ.suppression.hit.v1"} <= expected
    assert {row["event"]["type"] for row in shown if "event" in row} == expected
