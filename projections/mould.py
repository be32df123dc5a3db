"""Moulds: bulk work makes lines that differ in nothing but their records, id and time.

    {"data":{…,"records":["⟨records⟩"],…},"id":"⟨id⟩",…,"time":"⟨time⟩","type":"…"}

The first such line is decoded in full. Another with the same bytes around the three places is the same event
but for those three, and is an event exactly when those are well-formed: strings hold neither quotes nor
backslashes, so what stands between the places can't be read in another way. This takes a fifth of the time.
"""

import re
from array import array
from collections.abc import Iterator
from operator import lt, methodcaller
from typing import Any, Final, get_args

from msgspec import Struct
from msgspec.structs import force_setattr

from projections import events as ev
from projections import vocabulary as v
from projections.events import Event, decode_event, decode_trusted

MAX_MOULDS: Final = 4_096

# Types whose records bear no relation to another field (DataDerived pairs them with artefacts, DataMatched
# counts its probe with them), and of which many lines differ in nothing else: a request's id is its own.
_MOULDED: Final = (
    ev.ConsentGiven,
    ev.ConsentWithdrawn,
    ev.DataAccessed,
    ev.DataCollected,
    ev.DataCopied,
    ev.DataDeleted,
    ev.DataHeld,
    ev.DataReappeared,
    ev.DataRestricted,
    ev.DataUnrestricted,
    ev.DeletionFailed,
    ev.DeletionVerified,
    ev.ResidencyAsserted,
    ev.RetentionExpired,
)
_RECORDS: Final = b'"records":["'
_ID: Final = b',"id":"'
_TIME: Final = b',"time":"'
_BETWEEN: Final = b'","'
_HEX: Final = b"0123456789abcdef"
_HANDLE_BYTES: Final = 32
_KNOWN_TIMES: Final = 65_536
_ID_PATTERN: Final = re.compile(get_args(v.EventId)[1].pattern.encode())
_TIME_PATTERN: Final = re.compile(get_args(v.Timestamp)[1].pattern.encode())

# What `copy.copy` ends in, without the way there.
_copy: Final = methodcaller("__copy__")

Key = tuple[bytes, bytes, bytes, bytes]


class Packed(Struct, frozen=True, array_like=True):
    """Many lines, as what they share and what they don't: a tenth of their bytes, and quick to make
    events of.
    """

    moulds: list[bytes]
    numbers: bytes
    records: bytes
    ids: bytes
    times: bytes
    whole: list[bytes]


class Caster:
    """Reads lines, and remembers their moulds."""

    def __init__(self) -> None:
        """Begin without moulds."""
        self._numbers: dict[Key, int] = {}
        self._events: list[Event[Any]] = []
        self._firsts: list[bytes] = []
        self._known_times: set[bytes] = set()
        self._cast = array("h")
        self._records: list[bytes] = []
        self._ids: list[bytes] = []
        self._times: list[bytes] = []
        self._whole: list[bytes] = []

    def read(self, line: bytes) -> tuple[Event[Any], bytes]:
        """Read a line, as exactly as `decode_event`: FormatError when it is no event.

        Returns an event of its kind, which may differ from it in records, id and time, and its own id.
        """
        at = line.find(_RECORDS)
        if at < 0:
            return self._read_whole(line)
        at += len(_RECORDS)
        end = line.find(b'"]', at)
        id_at = line.rfind(_ID, end) + len(_ID)
        id_end = line.find(b'"', id_at)
        time_at = line.rfind(_TIME, id_end) + len(_TIME)
        time_end = line.find(b'"', time_at)
        key = (line[:at], line[end:id_at], line[id_end:time_at], line[time_end:])
        records, id, time = line[at:end], line[id_at:id_end], line[time_at:time_end]
        number = self._numbers.get(key)
        if number is None:
            return self._read_first(line, key, records, id, time)
        if not (
            len(line) <= ev.MAX_EVENT_BYTES
            and _are_handles(records)
            and _ID_PATTERN.fullmatch(id)
            and (time in self._known_times or self._is_time(time))
        ):
            # Decoding in full says what is wrong; where it finds nothing wrong, that stands.
            return self._read_whole(line)
        self._cast.append(number)
        self._records.append(records)
        self._ids.append(id)
        self._times.append(time)
        return self._events[number], id

    def pack(self) -> Packed:
        """All lines read so far."""
        return Packed(
            self._firsts,
            self._cast.tobytes(),
            b"\n".join(self._records),
            b"\n".join(self._ids),
            b"\n".join(self._times),
            self._whole,
        )

    def _read_first(
        self, line: bytes, key: Key, records: bytes, id: bytes, time: bytes
    ) -> tuple[Event[Any], bytes]:
        """Read the first line of its kind in full; it is a mould if the three places are where they seem."""
        event, own_id = self._read_whole(line)
        if (
            len(self._firsts) < MAX_MOULDS
            and ev.EVENT_TYPES[event.type] in _MOULDED
            and event.data.records == tuple(records.decode().split('","'))
            and (own_id, event.time) == (id, time.decode())
        ):
            self._numbers[key] = len(self._firsts)
            self._events.append(event)
            self._firsts.append(line)
        return event, own_id

    def _read_whole(self, line: bytes) -> tuple[Event[Any], bytes]:
        event = decode_event(line)
        self._cast.append(-1)
        self._whole.append(line)
        return event, event.id.encode()

    def _is_time(self, time: bytes) -> bool:
        if not _TIME_PATTERN.fullmatch(time):
            return False
        try:
            v.check_time(time.decode(), "time")
        except v.FieldError:
            return False
        if len(self._known_times) < _KNOWN_TIMES:
            self._known_times.add(time)
        return True


def unpack(packed: Packed) -> Iterator[Event[Any]]:
    """The events of the lines packed, in order. Another process has checked them."""
    moulds = [decode_trusted(line) for line in packed.moulds]
    records, ids, times = (
        iter(text.decode().split("\n")) for text in (packed.records, packed.ids, packed.times)
    )
    whole = iter(packed.whole)
    for number in array("h", packed.numbers):
        if number < 0:
            yield decode_trusted(next(whole))
            continue
        # Copied and filled in without the checks that the line has passed.
        event = _copy(moulds[number])
        data = _copy(event.data)
        force_setattr(data, "records", tuple(next(records).split('","')))
        force_setattr(event, "data", data)
        force_setattr(event, "id", next(ids))
        force_setattr(event, "time", next(times))
        yield event


def _are_handles(records: bytes) -> bool:
    """Whether this is one to a thousand handles between `","`, sorted and distinct."""
    if len(records) == _HANDLE_BYTES:
        return not records.translate(None, _HEX)
    step = _HANDLE_BYTES + len(_BETWEEN)
    count, rest = divmod(len(records) + len(_BETWEEN), step)
    # Apart from hex digits there is just what parts so many handles, and each of it where it belongs.
    if (
        rest
        or count > v.MAX_HANDLES
        or records.translate(None, _HEX) != _BETWEEN * (count - 1)
        or records[_HANDLE_BYTES::step] != b'"' * (count - 1)
        or records[_HANDLE_BYTES + 2 :: step] != b'"' * (count - 1)
    ):
        return False
    handles = records.split(_BETWEEN)
    return all(map(lt, handles, handles[1:]))
