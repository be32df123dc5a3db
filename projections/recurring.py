"""Recurrence: an obligation that is due again and again, each time to be shown anew.

The first due date is the obligation's deadline; each further one lies a recurrence later along the calendar.
What was shown once says nothing of the next period: somebody must vouch for it again.
"""

from collections.abc import Iterable
from datetime import timedelta

from msgspec import UnsetType

from projections import attesting, vouching
from projections.case import Case
from projections.conduct import days_late
from projections.finding import Gap, Irregularity
from projections.moments import EPOCH, SECOND_US, nth_after
from projections.order import Obligation, deadline_at

# These are carried out by an attestation, so their first period needs one too; `attesting` asks for it.
BY_WORD = ("appoint_representative", "attest", "independent_assessment", "publish")


def dues(case: Case, obligation: Obligation) -> list[int]:
    """The due dates (Unix seconds) that are past at the moment judged, the first and those after it."""
    first = deadline_at(case.order, obligation)
    if isinstance(obligation.recurrence, UnsetType):
        return [first] if first < case.as_of else []
    found: list[int] = []
    due = first
    while due < case.as_of:
        found.append(due)
        due = nth_after(first, obligation.recurrence, len(found))
    return found


def periods(case: Case, obligation: Obligation) -> tuple[list[Gap], list[Irregularity]]:
    """`recurrence.missed`: nobody vouched for a period that is over; `recurrence.late`: only after it was.

    A period takes one attestation of its own, posted after the period before was due: the controller's, or an
    assessor's where the obligation asks for independence. Obligations to pay count what was paid instead.
    """
    if isinstance(obligation.recurrence, UnsetType) or obligation.type == "pay":
        return [], []
    past = dues(case, obligation)
    served = _serve(past, _times(case, obligation), obligation.type not in BY_WORD)
    gaps, listed = [], []
    for due, act in list(zip(past, served, strict=True))[1:]:
        if act is None:
            gaps.append(Gap("recurrence.missed", _date(due)))
        elif act[1] > due * SECOND_US:
            index, time_us, by = act
            late = days_late(time_us, due)
            listed.append(Irregularity("recurrence.late", index, time_us, by, days_late=late))
    return gaps, listed


def _times(case: Case, obligation: Obligation) -> list[tuple[int, int, str]]:
    """The attestations that may serve a period: entry, recorded time and poster."""
    words = vouching.assessed(case, obligation.id, obligation.oath)
    if obligation.type != "independent_assessment" and not obligation.independent:
        words = words + vouching.own(case, obligation.id, obligation.oath, case.first_issued)
    if obligation.type == "attest" and not obligation.independent:
        # What was attested of all that it depends on carries it out as well, the first time.
        words = words + attesting.said(case, obligation, case.first_issued)[:1]
    return sorted({(one.index, one.time_us, case.name_of(one.by)) for one in words})


def _serve(
    past: list[int], acts: Iterable[tuple[int, int, str]], first_is_served: bool
) -> list[tuple[int, int, str] | None]:
    """Which act serves which period: in log order, each the first unserved period that has begun by then."""
    served: list[tuple[int, int, str] | None] = [None] * len(past)
    place = 1 if first_is_served else 0
    for act in acts:
        if place < len(past) and (place == 0 or act[1] > past[place - 1] * SECOND_US):
            served[place] = act
            place += 1
    return served


def _date(due_s: int) -> str:
    return (EPOCH + timedelta(seconds=due_s)).date().isoformat()
