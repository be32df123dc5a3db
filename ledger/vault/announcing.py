"""A vault and its log: what was decided is posted, and what was posted is done, in this sequence alone.

    kept      sealed, remembered                              then posted
    erased    remembered as asked for, posted, acknowledged   then destroyed, remembered, posted

Each line has its place in a source log that the vault has for itself, so the size that the log acknowledged
says how much of it is posted. Where the log holds more than the memory, the vault was put back from a backup:
it reads what it had said since from the log, and destroys again whatever came back with it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final
from uuid import uuid4

from ledger.client import Poster, later_state
from ledger.failure import Failure
from ledger.remote import RemoteLog
from ledger.remote_events import events_of
from ledger.vault.vault import Say, Vault
from projections import events as ev
from signing.merkle import leaf_hashes_of, range_of, root_of

_TYPES: Final = tuple(
    ev.TYPE_OF[data] for data in (ev.EvidenceKept, ev.EvidenceErasureRequested, ev.EvidenceErased)
)


async def settle(vault: Vault, poster: Poster) -> None:
    """Post what was decided, erase what the log has acknowledged as asked for, and post that."""
    await _agree(vault, poster)
    await _tell(vault, poster)
    vault.erase_requested(poster.folder.state.size, speaker(poster.folder.state.source))
    await _tell(vault, poster)
    vault.sweep()


def speaker(source: str) -> Say:
    """Makes the lines of a source log, each with an id and a time of its own."""

    def say(data: ev.Data) -> bytes:
        time = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        line = ev.encode_event(ev.make_event(data, id=uuid4().hex, source=source, time=time))
        ev.decode_event(line)  # says which field is wrong before anything is kept
        return line

    return say


async def _tell(vault: Vault, poster: Poster) -> None:
    await poster.post(vault.memory.lines(poster.folder.state.size))


async def _agree(vault: Vault, poster: Poster) -> None:
    """Let the vault know what its log knows. Failure: they tell two stories."""
    await _adopt(poster)
    state, lines = poster.folder.state, vault.memory.lines()
    if state.size > len(lines):
        said = await _recall(poster.log, state.source)
        if said[: len(lines)] == lines:
            with vault.memory.at_once():
                for line in said[len(lines) :]:
                    vault.memory.take(line)
            vault.destroy_again(_erased(said[len(lines) :]))
            lines = said
    if root_of(range_of(0, leaf_hashes_of(lines[: state.size]))) != root_of(state.range()):
        raise Failure(
            f"the vault and {state.source} in {poster.log.key.name} tell two stories: nothing was erased",
            "another copy of this vault has posted; work with that one",
        )


async def _adopt(poster: Poster) -> None:
    """Take over a later state of the source log where the poster's memory, too, was put back."""
    state = poster.folder.state
    answer = await poster.log.source(state.source)
    if answer.status == 200 and json.loads(answer.body)["size"] > state.size:
        note, frontier = later_state(answer, state, poster.key)
        poster.folder.adopt(note, frontier)


async def _recall(log: RemoteLog, source: str) -> list[bytes]:
    """The lines of a source log as the log gives them; whoever asks compares them with the signed root."""
    found = [
        told
        for event_type in _TYPES
        async for told in events_of(log, event_type)
        if ev.decode_event(told.line).source == source
    ]
    return [told.line for told in sorted(found)]


def _erased(lines: Sequence[bytes]) -> set[str]:
    """The pieces of which some lines say that they are erased."""
    said = [ev.decode_event(line).data for line in lines]
    return {one.sha256 for data in said if isinstance(data, ev.EvidenceErased) for one in data.evidence}
