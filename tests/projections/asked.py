"""What a controller declares, collects, is asked and answers: the events behind standing questions."""

from typing import Any

import msgspec

from projections import events as ev
from projections.question import Answer
from projections.standing import ask, view_of
from tests.projections.logbuilder import CONTROLLER, rfc3339
from tests.projections.story import START_S, Story, handle

DAY_US = 86_400_000_000


class Inquiry(Story):
    """A story of which standing questions are asked."""

    def say(self, kind: type[ev.Data], *numbers: int, **fields: Any) -> int:
        """Post an event of this kind, about records if any are numbered; returns its index."""
        if numbers:
            fields["records"] = tuple(handle(n) for n in sorted(numbers))
        return self.post(msgspec.convert({"controller": CONTROLLER} | fields, kind))

    def wait(self, days: float) -> None:
        """Let time pass before the next entry."""
        self.log.now_us += int(days * DAY_US)

    def declare_activity(self, name: str, basis: str = "6(1)(f)", **fields: Any) -> int:
        """Declare an activity."""
        return self.say(
            ev.ProcessingDeclared, activity=name, lawful_basis=basis, purposes=("search",), **fields
        )

    def gather(self, *numbers: int, activity: str = "search", **fields: Any) -> int:
        """A collection, from the public web unless it says otherwise."""
        facts: dict[str, Any] = {
            "categories": ("user.name",),
            "minor": "no",
            "source_kind": "public_web",
            "special_category": False,
            "store": "faces",
        }
        return self.say(ev.DataCollected, *numbers, activity=activity, **(facts | fields))

    def enquire(self, request: str, days: float = 30, right: str = "15") -> int:
        """An enquiry, to be answered in so many days."""
        return self.say(ev.EnquiryReceived, request=request, right=right, due_at=self.time_in(days))

    def demand(self, request: str, *items: str) -> int:
        """More identity is demanded."""
        return self.say(
            ev.EnquiryIdentityDemanded,
            request=request,
            items=items,
            ground="reasonable_doubt",
            optional=False,
        )

    def time_in(self, days: float) -> str:
        """A time so many days from now, as events write it."""
        return rfc3339(self.log.now_us + int(days * DAY_US))

    def ask(self, name: str, days: float = 1_000, *, size: int | None = None) -> Answer:
        """The answer to a question, so many days after the log began."""
        as_of = START_S + int(days * 86_400)
        return ask(view_of(self.fold(), as_of=as_of, size=self.log.size if size is None else size), name)


def table(answer: Answer) -> dict[tuple[str, ...], tuple[int, ...]]:
    """An answer's rows."""
    return {row.group: row.counts for row in answer.rows}


def named(answer: Answer, *group: str) -> dict[str, tuple[int, ...]]:
    """Whom a row counts, and for which entries."""
    return {one.id: one.entries for one in answer.members() if one.group == group}


def access(story: Inquiry, *numbers: int, country: str = "US") -> int:
    """A customer looks at records."""
    return story.say(
        ev.DataAccessed, *numbers, actor="customer-17", actor_country=country, purpose="face_search"
    )


def disclose(story: Inquiry, *numbers: int, name: str = "d-1") -> int:
    """Records go to somebody else."""
    return story.say(
        ev.DataDisclosed, *numbers, country="US", disclosure=name, public=False, recipient="police.example"
    )
