"""Dating: where in a log a look stands that was taken earlier than it is told, as an inventory report was.

What a report says was so when it was made. To give it the place of today would cover whatever came into the
store since: a copy restored the day after is not in it.
"""

from typing import Final

from ledger.failure import Failure
from ledger.remote import RemoteLog
from signing.checkpoint import Checkpoint
from signing.entry import parse_entry
from signing.errors import FormatError

MICROSECONDS: Final = 1_000_000
CLOCKS_DIFFER_S: Final = 60
"""As far as a recorded time may be off (DESIGN, Time): by so much a look is placed earlier."""


async def place_at(log: RemoteLog, seen: Checkpoint, moment_s: int) -> tuple[int, bytes]:
    """The log's size at a moment of the past, and its root there, proved against a checkpoint of now."""
    first, last = 0, seen.size
    while first < last:
        middle = (first + last) // 2
        if await _recorded_us(log, middle) <= (moment_s - CLOCKS_DIFFER_S) * MICROSECONDS:
            first = middle + 1
        else:
            last = middle
    if first == 0:
        raise Failure(
            f"{log.key.name} had no entry yet when the report was made",
            "take a report that was made since the log began",
        )
    return first, await log.root_at(first, seen)


async def _recorded_us(log: RemoteLog, index: int) -> int:
    answer = await log.get(f"entries/{index}")
    try:
        entry = parse_entry(answer.body)
    except FormatError as error:
        raise Failure(f"{log.url}/entries/{index} is no entry: {error}") from error
    if entry.index != index:
        raise Failure(f"{log.url}/entries/{index} is entry {entry.index}")
    return entry.time_us
