"""Members: who is behind a count of a finding, a page at a time."""

from projections.case import Case
from projections.order import Obligation
from projections.tally import Member, Page
from projections.verdict import EVALUATORS


def list_members(case: Case, obligation: Obligation, name: str, after: Member | None, limit: int) -> Page:
    """The first `limit` members of a count beyond `after`, in their own sequence.

    They are told by the evaluation that counts them, made once more: a page costs as much as a judgment.
    """
    page = Page(name, after, limit)
    evaluate = EVALUATORS.get(obligation.type)
    if evaluate is not None:
        evaluate(case.listened(page), obligation)
    return page
