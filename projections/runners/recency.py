"""Recency: when witnesses last saw the log, and what in it came too late to count.

A statement counts what an anchor covers. An operator who goes on without anchoring could have every later
entry disregarded, however fresh the statement and the checkpoint; so the anchor's own age counts as well.
"""

import msgspec

from projections.clock import TOLERANCE_US, Clock, TimeFailure, read_clock, time_failures, what_stamps_lack
from projections.docket import IssuedOrder
from projections.events import CheckpointAnchored, CheckpointTimestamped, decode_event
from projections.runners import trust, wording
from projections.runners.offline import Replayed
from projections.runners.outcome import Outcome
from projections.statement import Statement
from signing.errors import ProofError
from signing.policy import quorum_time


def seen_at(outcome: Outcome, issued: IssuedOrder, statement: Statement, replayed: Replayed) -> int | None:
    """When others last saw the log; whether witnesses did decides if more than the operator's word stands
    behind it. What a provisional statement counts, only the whole log's checkpoint covers."""
    at_s = trust.witnessed_at(outcome, issued.order, replayed.note)
    clock, cosigned = _clock(issued, replayed), _clock(issued, replayed, stamped=False)
    anchored_s = max(clock.times, default=None)
    outcome.witnessed = at_s is not None or (bool(cosigned.times) and not statement.provisional)
    if at_s is None and cosigned.times:
        outcome.attested.append(_seen_by("witnesses", cosigned))
    if clock != cosigned:
        outcome.attested.append(_seen_by("time-stamp authorities, or witnesses,", clock))
        if not outcome.witnessed:
            outcome.exceptions.append("time-stamps alone: nobody saw that the log shows all the same history")
    lacking = what_stamps_lack(replayed.fold.docket.anchors, issued.order.trust)
    outcome.exceptions += [f"entry {index}: a time-stamp proves nothing: {why}" for index, why in lacking]
    return max((one for one in (at_s, anchored_s) if one is not None), default=None)


def _seen_by(whom: str, clock: Clock) -> str:
    at = wording.moment(max(clock.times))
    return f"{whom} named in the order, for the first {clock.sizes[-1]:,} entries, at {at} at the latest"


def check_clock(issued: IssuedOrder, replayed: Replayed) -> None:
    """ProofError where recorded times contradict the witnesses', at any anchor or at the log's head."""
    anchors = replayed.fold.docket.anchors
    recorded_us = {anchor.index: anchor.time_us for anchor in anchors}
    for anchor in anchors:
        recorded_us[anchor.size - 1] = replayed.entry(anchor.size - 1).time_us
    failures = time_failures(anchors, issued.order.trust, recorded_us)
    for one in [*failures, *_ahead_of_the_head(issued, replayed)]:
        raise ProofError(f"entry {one.index}: {wording.RULES[one.rule]} (by {one.off_us // 1_000_000} s)")


def check_uncounted(
    outcome: Outcome, issued: IssuedOrder, statement: Statement, replayed: Replayed, now: int
) -> None:
    """List that entries do not count; ProofError when the anchor that leaves them out is too old."""
    index = None if statement.provisional else _first_uncounted(replayed, statement.counted)
    if index is None:
        return
    said = f"entry {index} does not count in this statement, nor does any later one"
    clock = _clock(issued, replayed)
    anchored_s = clock.proven(statement.counted - 1) if statement.counted else None
    if anchored_s is not None and now - anchored_s > issued.order.trust.max_statement_age_s:
        raise ProofError(
            f"{said}: it counts what witnesses had seen by {wording.moment(anchored_s)}, longer ago than the "
            "order accepts; ask for a bundle that anchors the log first"
        )
    outcome.exceptions.append(f"{said}: no anchor shows that witnesses had seen it by then")


def _first_uncounted(replayed: Replayed, counted: int) -> int | None:
    """The first event above the counted size, other than anchors, which stand above what they cover."""
    for index in range(counted, replayed.audited.checkpoint.size):
        entry = replayed.entry(index)
        if entry.kind != "event":
            continue
        if not isinstance(decode_event(entry.body).data, CheckpointAnchored | CheckpointTimestamped):
            return index
    return None


def _ahead_of_the_head(issued: IssuedOrder, replayed: Replayed) -> list[TimeFailure]:
    """The last entry can't have been recorded after witnesses had cosigned the checkpoint that covers it."""
    at_s = quorum_time(issued.order.trust.policy(), replayed.note)
    last = replayed.audited.checkpoint.size - 1
    ahead_us = 0 if at_s is None else replayed.entry(last).time_us - at_s * 1_000_000
    return [TimeFailure(last, "time.after_proven", ahead_us)] if ahead_us > TOLERANCE_US else []


def _clock(issued: IssuedOrder, replayed: Replayed, *, stamped: bool = True) -> Clock:
    named = issued.order.trust
    if not stamped:
        named = msgspec.structs.replace(named, timestamp_roots=msgspec.UNSET)
    return read_clock(replayed.fold.docket.anchors, named)
