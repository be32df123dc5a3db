"""The standing questions: every question that is asked of a log beside its orders, by its name."""

from collections.abc import Callable
from typing import Final

from projections import question_collection, question_request, question_use
from projections.fold import Fold
from projections.question import Answer
from projections.question_view import View

QUESTIONS: Final[dict[str, Callable[[View], Answer]]] = {
    "collection": question_collection.collected,
    "special-category": question_collection.unconditioned,
    "retention": question_collection.past_retention,
    "consent": question_collection.by_consent,
    "use-after-objection": question_use.after_objection,
    "enquiries": question_request.enquiries,
    "disclosures": question_request.disclosures,
    "use-abroad": question_use.abroad,
}


def view_of(fold: Fold, *, as_of: int, size: int) -> View:
    """A folded log as questions look at it: its entries below `size`, as of `as_of` (Unix seconds)."""
    return View(fold.held, fold.docket, fold.edges, as_of=as_of, size=size)


def ask(view: View, name: str) -> Answer:
    """The answer to one question. Pure: the same view gives the same answer, and so the same digest."""
    return QUESTIONS[name](view)
