"""What a log says, asked of a service: the events of one type, and the proof that one is in the log."""

import json
from collections.abc import AsyncIterator
from typing import Final
from urllib.parse import urlencode

from msgspec import Struct

from ledger.remote import Dishonest, RemoteLog
from signing.canonical import canonicalise
from signing.entry import parse_entry
from signing.errors import FormatError, ProofError
from signing.merkle import leaf_hash
from signing.tlog_proof import parse_proof, verify_proof

# So many of the longest events still fit into an answer that a client reads.
_PAGE: Final = 20


class Told(Struct, frozen=True, order=True):
    """An event of a log: its entry, when that was recorded, and the canonical line."""

    index: int
    time_us: int
    line: bytes


async def events_of(log: RemoteLog, event_type: str, after: int = -1) -> AsyncIterator[Told]:
    """The events of one type that stand behind entry `after`, in the log's sequence, as the service says."""
    going: int | None = after
    while going is not None:
        query = {"type": event_type, "limit": str(_PAGE)} | ({"after": str(going)} if going >= 0 else {})
        answer = await log.get(f"events?{urlencode(query)}")
        for raw in answer.body.splitlines():
            said = json.loads(raw)
            if "event" in said:
                yield Told(said["index"], said["time_us"], canonicalise(said["event"]))
        going = answer.next_after(going)


async def require_there(log: RemoteLog, told: Told) -> None:
    """Return only if the log's own tree has this event at this entry."""
    raw = (await log.get(f"entries/{told.index}")).body
    proof = (await log.get(f"entries/{told.index}/proof")).body
    try:
        entry = parse_entry(raw)
        checked = parse_proof(proof)
        verify_proof(checked, leaf_hash(raw), log.key)
        if (entry.kind, entry.index, checked.index, entry.body) != ("event", *[told.index] * 2, told.line):
            raise ProofError("it is another entry")
    except (FormatError, ProofError) as error:
        raise Dishonest(
            f"{log.url} does not prove entry {told.index}, which it shows: {error}",
            "believe nothing that it says of this entry",
        ) from error
