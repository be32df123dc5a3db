"""Time that is not the operator's: what the witnesses' cosignatures prove about when an entry existed.

An anchor is a checkpoint of size s that witnesses cosigned, posted back into the log. Everything below s
existed when the quorum was reached; so the earliest quorum time over all anchors of size > i is the latest
moment at which entry i can have come into being. See the design's section on time.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from typing import Literal

from msgspec import Struct

from projections.docket import Anchor
from projections.moments import SECOND_US
from signing.errors import ProofError
from signing.note import verify_note
from signing.policy import Policy, quorum_time

Timing = Literal["in_time", "late", "time_unproved"]

TOLERANCE_US = 60_000_000


class Clock(Struct, frozen=True):
    """Sizes of the anchors that reached the order's quorum, rising, each with the time (seconds) it proves.

    `times[k]` is the earliest quorum time over the anchors of size `sizes[k]` and above.
    """

    sizes: tuple[int, ...]
    times: tuple[int, ...]

    def proven(self, index: int) -> int | None:
        """Unix seconds by which entry `index` existed, or None while no quorum vouches for it."""
        at = bisect_right(self.sizes, index)
        return self.times[at] if at < len(self.times) else None

    def timing(self, index: int, time_us: int, deadline_s: int) -> Timing:
        """Whether what stands at `index` was done by the deadline: only the witnesses prove that it was, and
        the recorded time alone that it was not."""
        if time_us > deadline_s * SECOND_US:
            return "late"
        proven = self.proven(index)
        return "in_time" if proven is not None and proven <= deadline_s else "time_unproved"

    def counted_size(self, as_of: int) -> int:
        """How many entries count at `as_of`: the size of the last anchor proved by then, or 0."""
        return max((s for s, t in zip(self.sizes, self.times, strict=True) if t <= as_of), default=0)


class TimeFailure(Struct, frozen=True):
    """The operator's clock contradicts the witnesses': recorded `off_us` too early or too late."""

    index: int
    rule: str
    off_us: int


def read_clock(
    anchors: Iterable[Anchor], policy: Policy | None, known: dict[int, int | None] | None = None
) -> Clock:
    """The clock that an order's witness policy makes of a log's anchors. No policy: nothing is proved.

    `known`: the quorum times under this policy that were worked out before, by the anchor's entry; filled.
    """
    if policy is None:
        return Clock((), ())
    proved = sorted(quorums(anchors, policy, {} if known is None else known))
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


def quorums(
    anchors: Iterable[Anchor], policy: Policy, known: dict[int, int | None]
) -> Iterable[tuple[int, int, int]]:
    """(size, index of the anchor's entry, quorum time in seconds) of each anchor that reached the quorum."""
    for anchor in anchors:
        if anchor.index not in known:
            known[anchor.index] = _quorum_time(anchor, policy)
        time_s = known[anchor.index]
        if time_s is not None:
            yield anchor.size, anchor.index, time_s


def time_failures(
    anchors: Iterable[Anchor], policy: Policy | None, recorded_us: Mapping[int, int]
) -> list[TimeFailure]:
    """Where recorded times contradict the quorum's by over 60 s, either way.

    Recorded times never decrease, so one entry on each side of an anchor decides for all: the anchor's own
    entry (nothing from there on may be recorded earlier) and entry size − 1 (nothing below may be later).
    `recorded_us` needs those entries' times.
    """
    failures = []
    for size, index, time_s in quorums(anchors, policy, {}) if policy else ():
        proved_us = time_s * SECOND_US
        if recorded_us[index] < proved_us - TOLERANCE_US:
            failures.append(TimeFailure(index, "time.before_anchor", proved_us - recorded_us[index]))
        if recorded_us[size - 1] > proved_us + TOLERANCE_US:
            failures.append(TimeFailure(size - 1, "time.after_proven", recorded_us[size - 1] - proved_us))
    return failures


def _quorum_time(anchor: Anchor, policy: Policy) -> int | None:
    try:
        for log in policy.logs:
            verify_note(anchor.note, log.key)
    except ProofError:
        return None
    return quorum_time(policy, anchor.note)
