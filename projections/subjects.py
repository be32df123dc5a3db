"""The obligation to answer data subjects (GDPR Art. 12 and 15 to 22)."""

from typing import Final

from msgspec import Struct

from projections import vouching
from projections.case import Case
from projections.conduct import TIMINGS, Ground, conclude, days_late
from projections.finding import Finding, Gap, Irregularity
from projections.moments import SECOND_US, nth_after
from projections.order import Obligation, deadline_at
from projections.requests import Enquiry, Step, read_enquiries, read_unreceived
from projections.scope import reaches

# Art. 12(3): one month, and two further months where necessary. Whatever a controller says beyond that
# does not make an enquiry less overdue.
LONGEST: Final = "P3M"
COUNTS: Final = (
    "enquiries",
    *(f"answered_{name}" for name in TIMINGS),
    "pending",
    "overdue",
    "abandoned",
    "abandoned_after_demand",
    "extended",
)


class Course(Struct, frozen=True):
    """What an enquiry came to: how it ended, when it was due, and whether it was put off or hampered."""

    due_s: int
    ended: Step | None = None
    extended: bool = False
    demanded: bool = False
    late_extension: Step | None = None


def evaluate(case: Case, obligation: Obligation) -> Finding:
    """Whether every enquiry about somebody in scope was answered.

    An enquiry is due at the later of its own due date, extensions included, and the obligation's deadline.
    Any outcome is an answer, a refusal too: Art. 12(4) asks no more.
    Carried out: enquiries are on record, or the controller attests that there are none, and each was answered
    or abandoned by the data subject; after the deadline also while others are not due yet. Late answers are
    listed (`enquiry.late`). Outstanding: before the deadline some are pending. Breached: one is past due, and
    no answer is on record (`enquiry.overdue`); answering it ends that. Cannot be proved, after the deadline:
    no enquiry is on record (`enquiry.none_known`), one was given up after more was demanded of the data
    subject than he had to give (`enquiry.abandoned_after_demand`: nobody can tell whether that deterred him),
    or one was answered and never received (`enquiry.orphan`).
    """
    deadline = deadline_at(case.order, obligation)
    tally = case.tally()
    listed: list[Irregularity] = []
    last_act = -1
    for request, enquiry in sorted(enquiries(case, obligation).items()):
        course = follow(case, enquiry)
        due_s = max(course.due_s, deadline)
        name = _outcome(case, course, due_s)
        tally.add("enquiries", [request])
        tally.add(name, [request], "", -1 if course.ended is None else course.ended.index)
        tally.add("extended", [request] if course.extended else [])
        listed += _exceptions(case, enquiry, course, due_s)
        last_act = max(last_act, -1 if course.ended is None else course.ended.index)
    gaps = _gaps(case, obligation, tally["enquiries"], tally["abandoned_after_demand"])
    pending = tally["pending"] > 0 and case.as_of <= deadline
    return conclude(
        case,
        obligation,
        _ground(case, obligation, tally["enquiries"] > 0, last_act),
        tally.counts(COUNTS),
        gaps,
        listed,
        broken=tally["overdue"] > 0,
        undone=pending,
        last_act=last_act,
    )


def enquiries(case: Case, obligation: Obligation) -> dict[str, Enquiry]:
    """Those received below the case's size about a record in scope, or about nobody says whom."""
    known = read_enquiries(case.docket.requests, case.size)
    wanted = {handle for enquiry in known.values() for handle in enquiry.records}
    inside = _inside(case, obligation, wanted) if wanted else set()
    return {
        request: enquiry
        for request, enquiry in known.items()
        if not enquiry.records or not inside.isdisjoint(enquiry.records)
    }


def follow(case: Case, enquiry: Enquiry) -> Course:
    """Follow an enquiry's steps.

    A stolen key's word is no answer and puts nothing off. An extension counts when it was posted before the
    enquiry was due (`enquiry.extended_late` otherwise). An answer after an abandonment is an answer.
    """
    longest_s = nth_after(enquiry.time_us // SECOND_US, LONGEST, 1)
    due_s = min(enquiry.due_us // SECOND_US, longest_s)
    course = Course(due_s)
    for step in enquiry.steps:
        if step.kind == "demanded":
            course = _change(course, demanded=course.demanded or not step.optional)
        elif not case.believes(step.by, step.time_us):
            continue
        elif step.kind == "extended":
            course = _extend(course, step, longest_s)
        elif course.ended is None or (course.ended.kind, step.kind) == ("abandoned", "answered"):
            course = _change(course, ended=step)
    return course


def _extend(course: Course, step: Step, longest_s: int) -> Course:
    if course.ended is not None:
        return course
    if step.time_us > course.due_s * SECOND_US:
        return _change(course, late_extension=step)
    return _change(course, due_s=min(max(course.due_s, step.due_us // SECOND_US), longest_s), extended=True)


def _change(
    course: Course,
    *,
    due_s: int | None = None,
    ended: Step | None = None,
    extended: bool = False,
    demanded: bool = False,
    late_extension: Step | None = None,
) -> Course:
    return Course(
        course.due_s if due_s is None else due_s,
        ended or course.ended,
        extended or course.extended,
        demanded or course.demanded,
        late_extension or course.late_extension,
    )


def _outcome(case: Case, course: Course, due_s: int) -> str:
    """Each enquiry is counted under one of these, so that they add up."""
    if course.ended is None:
        return "overdue" if case.as_of > due_s else "pending"
    if course.ended.kind == "abandoned":
        return "abandoned_after_demand" if course.demanded else "abandoned"
    return f"answered_{case.clock.timing(course.ended.index, course.ended.time_us, due_s)}"


def _exceptions(case: Case, enquiry: Enquiry, course: Course, due_s: int) -> list[Irregularity]:
    """`enquiry.overdue`, `enquiry.late` and `enquiry.extended_late`, each at the entry that it speaks of."""
    listed = []
    if course.ended is None and case.as_of > due_s:
        late = days_late(int(case.as_of) * SECOND_US, due_s)
        listed.append(_irregular(case, "enquiry.overdue", enquiry, late))
    if course.ended is not None and course.ended.kind == "answered":
        late = days_late(course.ended.time_us, due_s)
        listed += [_irregular(case, "enquiry.late", course.ended, late)] if late else []
    if course.late_extension is not None:
        listed.append(_irregular(case, "enquiry.extended_late", course.late_extension))
    return listed


def _irregular(case: Case, rule: str, at: Enquiry | Step, late: int = 0) -> Irregularity:
    return Irregularity(rule, at.index, at.time_us, case.name_of(at.by), days_late=late)


def _gaps(case: Case, obligation: Obligation, known: int, deterred: int) -> list[Gap]:
    gaps = []
    if not known and not vouching.own(case, obligation.id, after=case.first_issued):
        gaps.append(Gap("enquiry.none_known"))
    if deterred:
        gaps.append(Gap("enquiry.abandoned_after_demand", "", deterred))
    strays = sorted(read_unreceived(case.docket.requests, case.size))
    return gaps + [Gap("enquiry.orphan", request) for request in strays]


def _ground(case: Case, obligation: Obligation, known: bool, last_act: int) -> Ground:
    words = vouching.own(case, obligation.id, after=case.first_issued)
    ground = vouching.ground(case, obligation, words, last_act)
    return Ground("E0", "controller") if known and ground.word == "nobody" else ground


def _inside(case: Case, obligation: Obligation, wanted: set[str]) -> set[str]:
    """Which of these records are in scope. One that nobody ever held is of unknown residency."""
    return {
        handle
        for handle in wanted
        if (standing := case.standing(handle, obligation.scope)) and reaches(standing, obligation.scope)
    }
