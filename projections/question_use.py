"""Standing questions about use: of whose data after an objection or restriction, and from which country."""

from collections.abc import Callable, Iterator

from projections.holdings import Holding, Use
from projections.question import Answer, Sheet
from projections.question_collection import UNKNOWN
from projections.question_view import View

USED = ("accessed", "matched", "disclosed")


def after_objection(view: View) -> Answer:
    """`use.after_objection`: uses of records that were restricted (Art. 18), whose subject's objection was
    upheld (Art. 21) or not decided yet (Art. 18(1)(d)). One use may break several rules.
    """
    return _used(view, "use-after-objection", ("after", "use"), _barred)


def abroad(view: View) -> Answer:
    """`use.abroad`: uses from another country than those in which the subject was said to reside."""
    return _used(view, "use-abroad", ("residency", "used_from", "use"), _abroad)


Causes = dict[tuple[str, ...], list[int]]
"""The entries for which a use counts, by the row in which it does."""


def _used(
    view: View,
    name: str,
    columns: tuple[str, ...],
    judge: Callable[[View, Holding], Iterator[tuple[Use, Causes]]],
) -> Answer:
    sheet = Sheet(columns, ("records", "uses"))
    for holding, handles in view.groups():
        uses: dict[tuple[str, ...], int] = {}
        entries: dict[tuple[str, ...], list[int]] = {}
        for use, causes in judge(view, holding):
            for group, indexes in causes.items():
                uses[group] = uses.get(group, 0) + 1
                entries.setdefault(group, []).extend([use.index, *indexes])
        for group, times in uses.items():
            sheet.count(group, len(handles), len(handles) * times)
            sheet.name(group, handles, entries[group])
    return sheet.answer(name, view.as_of, view.size)


def _barred(view: View, holding: Holding) -> Iterator[tuple[Use, Causes]]:
    """The uses that something stood in the way of, each with what did. A refusal ends its own objection only;
    a restriction holds while any store has it."""
    restricted: dict[str, int] = {}
    objections: dict[str, tuple[str, int]] = {}
    for use in view.uses(holding):
        if use.kind in USED:
            causes: Causes = {}
            if restricted:
                causes["restricted", use.kind] = list(restricted.values())
            for state, index in objections.values():
                causes.setdefault((state, use.kind), []).append(index)
            if causes:
                yield use, causes
        elif use.kind == "restricted":
            restricted.setdefault(use.store, use.index)
        elif use.kind == "unrestricted":
            restricted.pop(use.store, None)
        elif use.kind == "objected":
            objections.setdefault(use.ref, ("undecided", use.index))
        elif use.kind == "upheld":
            objections[use.ref] = ("upheld", use.index)
        elif use.kind == "refused":
            objections.pop(use.ref, None)


def _abroad(view: View, holding: Holding) -> Iterator[tuple[Use, Causes]]:
    """Every residency that was named before the use counts, on whatever basis: `ever` sticks."""
    for use in view.uses(holding):
        if use.kind not in USED:
            continue
        said = {code[:2] for fact in holding.residency if fact.index < use.index for code in fact.codes}
        # Where nobody knows the residency, nobody can say that it is the same country.
        homes = said or {UNKNOWN}
        if use.country not in said:
            yield use, {(home, use.country, use.kind): [] for home in homes}
