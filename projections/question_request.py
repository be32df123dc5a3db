"""Standing questions about requests and recipients: how people were answered, who was told of erasures."""

from collections.abc import Iterator
from statistics import median_low

from msgspec import Struct

from projections import sharing
from projections.holdings import Holding
from projections.moments import SECOND_US
from projections.question import Answer, Sheet
from projections.question_view import View
from projections.requests import Enquiry, Step, read_enquiries

NOTHING = "nothing"


def enquiries(view: View) -> Answer:
    """`enquiry.answered`: how long enquiries take, what people had to give first, and how many gave up.

    Time runs from the entry that says an enquiry was received to the entry that says it was answered, by the
    operator's clock: what posters claim shortens nothing. `overdue` is past its day, the extended one if it
    was extended in time, and neither answered nor abandoned.
    """
    measures = ("enquiries", "answered", "answered_late", "abandoned", "overdue", "median_s", "longest_s")
    sheet = Sheet(("right", "demanded"), measures)
    grouped: dict[tuple[str, ...], list[_Course]] = {}
    for request, enquiry in read_enquiries(view.docket.requests, view.size).items():
        course = _course(request, enquiry)
        grouped.setdefault((enquiry.right, _demand(course)), []).append(course)
    for group, courses in grouped.items():
        took = sorted(one.took_us // SECOND_US for one in courses if one.took_us is not None)
        sheet.count(
            group,
            len(courses),
            len(took),
            sum(one.took_us is not None and one.ended_us > one.due_us for one in courses),
            sum(one.end == "abandoned" for one in courses),
            sum(one.end == "" and one.due_us < view.as_of_us for one in courses),
            median_low(took) if took else 0,
            took[-1] if took else 0,
        )
        for one in courses:
            sheet.name(group, [one.request], one.entries)
    return sheet.answer("enquiries", view.as_of, view.size)


def disclosures(view: View) -> Answer:
    """`disclosure.not_notified`: disclosures of records that were since erased, restricted or successfully
    objected to, by whether the recipient was told (Art. 17(2), 19). A notice from before says nothing of what
    came after.
    """
    sheet = Sheet(("told", "recipient", "country"), ("disclosures", "records"))
    affected, answers = _affected(view), _answers(view)
    for one in view.docket.sharing.disclosures:
        if one.index >= view.size:
            continue
        records, since, causes = affected.get(one.index, (0, -1, ()))
        said = answers.get(one.disclosure, [])
        told, entries = _told(said, max(since, one.index)) if records else ("nothing_to_tell", ())
        group = (told, one.recipient, one.country)
        sheet.count(group, 1, records)
        sheet.name(group, [one.disclosure], [one.index, *causes, *entries])
    return sheet.answer("disclosures", view.as_of, view.size)


class _Course(Struct, frozen=True):
    """How an enquiry went."""

    request: str
    demanded: frozenset[str]
    due_us: int
    end: str
    began_us: int
    ended_us: int
    entries: tuple[int, ...]

    @property
    def took_us(self) -> int | None:
        """The time to its answer, if it was answered."""
        return self.ended_us - self.began_us if self.end == "answered" else None


def _course(request: str, enquiry: Enquiry) -> _Course:
    """The first end is the end; an answer after somebody gave up answers nobody. What is demanded afterwards,
    and an extension after the day it extends, change nothing."""
    demanded: set[str] = set()
    due_us, entries = enquiry.due_us, [enquiry.index]
    end: Step | None = None
    for step in enquiry.steps:
        if end is not None:
            break
        entries.append(step.index)
        if step.kind == "demanded":
            demanded |= set(step.items)
        elif step.kind == "extended":
            due_us = step.due_us if step.time_us <= due_us else due_us
        else:
            end = step
    kind, ended_us = ("", 0) if end is None else (end.kind, end.time_us)
    return _Course(request, frozenset(demanded), due_us, kind, enquiry.time_us, ended_us, tuple(entries))


def _demand(course: _Course) -> str:
    """What was demanded, photos before all else: the founding case's disincentive."""
    return "+".join(sorted(course.demanded, key=lambda item: (item != "photo", item))) or NOTHING


def _affected(view: View) -> dict[int, tuple[int, int, tuple[int, ...]]]:
    """By the entry of a disclosure: how many of its records were affected since, the last entry that did so,
    and all of them."""
    counts: dict[int, int] = {}
    causes: dict[int, set[int]] = {}
    for holding, handles in view.groups():
        for index, since in _changes(view, holding):
            counts[index] = counts.get(index, 0) + len(handles)
            causes.setdefault(index, set()).update(since)
    return {
        index: (count, max(causes[index]), tuple(sorted(causes[index]))) for index, count in counts.items()
    }


def _changes(view: View, holding: Holding) -> Iterator[tuple[int, list[int]]]:
    """Each disclosure of a record that something happened to since of which the recipient is to be told."""
    uses = list(view.uses(holding))
    shared = [use.index for use in uses if use.kind == "disclosed"]
    if not shared:
        return
    happened = [use.index for use in uses if use.kind in ("restricted", "upheld")]
    happened += [copy.erasure.index for copy in view.copies(holding) if copy.erasure is not None]
    for index in shared:
        since = [one for one in happened if one > index]
        if since:
            yield index, since


def _answers(view: View) -> dict[str, list[sharing.Answer]]:
    """What was said of each disclosure, in log order."""
    said: dict[str, list[sharing.Answer]] = {}
    for one in view.docket.sharing.answers:
        if one.index < view.size:
            said.setdefault(one.disclosure, []).append(one)
    return said


def _told(said: list[sharing.Answer], since: int) -> tuple[str, tuple[int, ...]]:
    """The best that was said of a disclosure after entry `since`, and where."""
    for kind in ("acknowledged", "notified", "unreachable"):
        found = tuple(one.index for one in said if one.kind == kind and one.index > since)
        if found:
            return kind, found
    return ("told_before" if said else "not_told"), tuple(one.index for one in said)
