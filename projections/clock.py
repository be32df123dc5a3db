"""Time that is not the operator's: what witnesses and time-stamp authorities prove of when an entry existed.

An anchor is a checkpoint of size s that witnesses cosigned or an authority stamped, posted back into the log.
Everything below s existed when the quorum was reached, or the authority answered; so the earliest such time
over all anchors of size > i is the latest moment at which entry i can have come into being. See the design's
section on time, and docs/spec/time.md.
"""

import base64
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Literal

from msgspec import Struct

from projections.docket import Anchor
from projections.moments import SECOND_US
from projections.order import Trust
from signing.errors import FormatError, ProofError
from signing.note import verify_note
from signing.policy import Policy, quorum_time
from signing.timestamp import Seen, read_timestamp

Timing = Literal["in_time", "late", "time_unproved"]

TOLERANCE_US = 60_000_000


class Clock(Struct, frozen=True):
    """Sizes of the anchors that prove a time to the order, rising, each with that time (seconds).

    `times[k]` is the earliest time proved over the anchors of size `sizes[k]` and above.
    """

    sizes: tuple[int, ...]
    times: tuple[int, ...]

    def proven(self, index: int) -> int | None:
        """Unix seconds by which entry `index` existed, or None while nobody vouches for it."""
        at = bisect_right(self.sizes, index)
        return self.times[at] if at < len(self.times) else None

    def timing(self, index: int, time_us: int, deadline_s: int) -> Timing:
        """Whether what stands at `index` was done by the deadline: only an anchor proves that it was, and
        the recorded time alone that it was not."""
        if time_us > deadline_s * SECOND_US:
            return "late"
        # What is proved of an entry is proved of those before: so each is compared with one size alone.
        at = bisect_right(self.times, deadline_s)
        return "in_time" if at and index < self.sizes[at - 1] else "time_unproved"

    def counted_size(self, as_of: int) -> int:
        """How many entries count at `as_of`: the size of the last anchor proved by then, or 0."""
        return max((s for s, t in zip(self.sizes, self.times, strict=True) if t <= as_of), default=0)


class TimeFailure(Struct, frozen=True):
    """The operator's clock contradicts an anchor's: recorded `off_us` too early or too late."""

    index: int
    rule: str
    off_us: int


def read_clock(anchors: Iterable[Anchor], trust: Trust, known: dict[int, Seen | None] | None = None) -> Clock:
    """The clock that a log's anchors are to whoever believes whom an order names. It may name nobody.

    `known`: what was worked out before under this trust, by the anchor's entry; filled. MissingPackage: there
    are time-stamps to be read, and nothing here that reads them.
    """
    seen_by = proved_anchors(anchors, trust, known)
    proved = sorted((anchor.size, anchor.index, seen.by_s) for anchor, seen in seen_by)
    sizes: list[int] = []
    times: list[int] = []
    for size, _, time_s in reversed(proved):
        earliest = min(time_s, times[-1]) if times else time_s
        if sizes and sizes[-1] == size:
            times[-1] = earliest
        else:
            sizes.append(size)
            times.append(earliest)
    return Clock(tuple(reversed(sizes)), tuple(reversed(times)))


def time_failures(
    anchors: Iterable[Anchor], trust: Trust, recorded_us: Mapping[int, int]
) -> list[TimeFailure]:
    """Where recorded times contradict the anchors' by over 60 s, either way.

    Recorded times never decrease, so one entry on each side of an anchor decides for all: the anchor's own
    entry (nothing from there on may be recorded earlier) and entry size − 1 (nothing below may be later).
    `recorded_us` needs those entries' times.
    """
    failures = []
    for anchor, seen in proved_anchors(anchors, trust):
        early_us = seen.from_s * SECOND_US - recorded_us[anchor.index]
        late_us = recorded_us[anchor.size - 1] - seen.by_s * SECOND_US
        if early_us > TOLERANCE_US:
            failures.append(TimeFailure(anchor.index, "time.before_anchor", early_us))
        if late_us > TOLERANCE_US:
            failures.append(TimeFailure(anchor.size - 1, "time.after_proven", late_us))
    return failures


def what_stamps_lack(anchors: Iterable[Anchor], trust: Trust) -> Iterator[tuple[int, str]]:
    """The time-stamps that prove nothing to the order, by their entry, each with the reason."""
    for anchor in anchors:
        if anchor.response and trust.roots:
            found = _stamped(anchor, trust)
            if isinstance(found, str):
                yield anchor.index, found


def proved_anchors(
    anchors: Iterable[Anchor], trust: Trust, known: dict[int, Seen | None] | None = None
) -> Iterator[tuple[Anchor, Seen]]:
    """Each anchor that proves a time, and when the log was seen there; `known` as `read_clock` has it."""
    policy = trust.policy()
    known = {} if known is None else known
    for anchor in anchors:
        if anchor.index not in known:
            known[anchor.index] = _seen(anchor, trust, policy)
        seen = known[anchor.index]
        if seen is not None:
            yield anchor, seen


def _seen(anchor: Anchor, trust: Trust, policy: Policy) -> Seen | None:
    if anchor.response:
        found = _stamped(anchor, trust) if trust.roots else None
        return found if isinstance(found, Seen) else None
    try:
        for log in policy.logs:
            verify_note(anchor.note, log.key)
    except ProofError:
        return None
    time_s = quorum_time(policy, anchor.note)
    return None if time_s is None else Seen(time_s, time_s)


# Reading one takes milliseconds, and a verification asks for the clock several times.
@lru_cache(maxsize=1 << 14)
def _stamped(anchor: Anchor, trust: Trust) -> Seen | str:
    """When the authority saw the checkpoint, or why this proves nothing."""
    note = anchor.note
    try:
        for log in trust.policy().logs:
            verify_note(note, log.key)
        return read_timestamp(base64.b64decode(anchor.response), note.text.encode(), trust.roots)
    except (ProofError, FormatError) as error:
        return str(error)
