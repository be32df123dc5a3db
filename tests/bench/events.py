"""Events, submissions and keys for the bench: as real as any, made fast."""

from collections.abc import Iterator

from projections.events import decode_event
from signing.checkpoint import Checkpoint
from signing.keys import SigningKey
from signing.merkle import EMPTY_RANGE, CompactRange
from signing.submission import Submission, make_submission

ORIGIN = "ledger.example/clearview"
CONTROLLER = "clearview"
CRAWLER = "crawler.clearview.example"
TIME = "2022-05-18T09:00:00Z"

_LINE = (
    b'{"data":{"activity":"face_search","categories":["user.biometric","user.content.self_image"],'
    b'"controller":"clearview","minor":"unknown","records":["%b"],"residency":["GB"],'
    b'"residency_basis":"metadata","source_kind":"public_web","special_category":true,"store":"images"},'
    b'"id":"e-%09d","source":"%b","specversion":"1.0","time":"2022-05-18T09:00:00Z",'
    b'"type":"writ.data.collected.v1"}'
)
# Odd, so that different numbers have different handles, and those of neighbours lie far apart, as hashes do.
_SPREAD = 0x9E3779B97F4A7C15F39CC0605CEDC835
_MASK = (1 << 128) - 1


def lines(source: str, first: int, count: int, records: int, salt: int) -> list[bytes]:
    """Lines of collections of new records; about 430 bytes, and 35 for each further record.

    Sources with different salts name different records.
    """
    origin = source.encode()
    made = [
        _LINE % (_handles((salt << 48) + (first + at) * records, records), first + at, origin)
        for at in range(count)
    ]
    decode_event(made[0])
    return made


def _handles(first: int, count: int) -> bytes:
    if count == 1:
        return b"%032x" % (first * _SPREAD & _MASK)
    return b'","'.join(
        sorted(b"%032x" % (number * _SPREAD & _MASK) for number in range(first, first + count))
    )


class SourceLog:
    """A source log whose submissions are signed ahead of being sent."""

    def __init__(self, signer: SigningKey, number: int, seen: Checkpoint | None = None) -> None:
        self.origin = f"{signer.name}/{number}"
        self.frontier: CompactRange = EMPTY_RANGE
        self._signer = signer
        self._number = number
        self._seen = seen

    def submit(self, count: int, records: int = 1) -> Submission:
        """The next submission, of `count` events about `records` records each."""
        posted = lines(self.origin, self.frontier.end, count, records, self._number)
        submission, self.frontier = make_submission(
            self._signer, self.origin, self.frontier, ORIGIN, self._seen, posted
        )
        return submission

    def submissions(self, number: int, count: int, records: int = 1) -> Iterator[Submission]:
        """The next so many submissions."""
        return (self.submit(count, records) for _ in range(number))
