"""Standing questions about what a controller keeps: on what basis, of whom, how long, with whose consent.

Counts are of records: a record in several stores counts once, and in every row that it belongs to.
"""

from collections.abc import Iterable

from projections.holdings import EMPTY, Holding, Trait
from projections.moments import DAY_US
from projections.question import Answer, Sheet
from projections.question_view import View, origin

CONSENT = "6(1)(a)"
STANDS = ("given", "given_later")
EXPLICIT_CONSENT = "9(2)(a)"
NOT_DECLARED = "not_declared"
NOT_STATED = "not_stated"
UNKNOWN = "unknown"


def collected(view: View) -> Answer:
    """`collection.by_basis`: what is collected about whom, by lawful basis and category.

    The basis is the one declared of the activity before the collection. An opening balance states none.
    """
    sheet = Sheet(("basis", "category", "residency", "minor"), ("records", "live"))
    for holding, handles in view.groups():
        places = _residency(view, holding)
        entries: dict[tuple[str, ...], list[int]] = {}
        for trait in holding.traits:
            if trait.index < view.size:
                for category in trait.categories:
                    for place in places:
                        group: tuple[str, ...] = (_basis(view, trait), category, place, trait.minor)
                        entries.setdefault(group, []).append(trait.index)
        live = len(handles) if entries and view.is_live(holding) else 0
        for group, causes in entries.items():
            sheet.count(group, len(handles), live)
            sheet.name(group, handles, causes)
    return sheet.answer("collection", view.as_of, view.size)


def unconditioned(view: View) -> Answer:
    """`special_category.no_condition`: special-category or children's data that is there without a condition
    of Art. 9 or consent. A template is biometric whatever it was made of, and has its inputs' conditions.
    """
    sheet = Sheet(("data", "lacks", "activity"), ("records",))
    for holding, handles in view.groups():
        if not view.is_live(holding):
            continue
        entries: dict[tuple[str, ...], list[int]] = {}
        for trait in view.traits(holding):
            for data, lack in _lacks(view, holding, trait):
                entries.setdefault((data, lack, trait.activity), []).append(trait.index)
        for group, causes in entries.items():
            sheet.count(group, len(handles))
            sheet.name(group, handles, causes)
        _templates(view, sheet, holding, handles)
    return sheet.answer("special-category", view.as_of, view.size)


def past_retention(view: View) -> Answer:
    """`retention.past`: records that are there past their retention, or without any (Art. 5(1)(e)).

    Of several periods the last to end counts; `expired` is the controller's own word that a rule has run out.
    """
    sheet = Sheet(("state", "origin", "activity"), ("records", "days_past_most"))
    for holding, handles in view.groups():
        if not view.is_live(holding):
            continue
        state, since_us, causes = _retention(view, holding)
        traits = view.traits(holding)
        kind = origin(traits[-1]) if traits else "derived" if holding.derived else "not_declared"
        group = (state, kind, traits[-1].activity if traits else "")
        past = (view.as_of_us - since_us) // DAY_US if state in ("past", "expired") else 0
        sheet.count(group, len(handles), past)
        sheet.name(group, handles, causes)
    return sheet.answer("retention", view.as_of, view.size)


def by_consent(view: View) -> Answer:
    """`collection.consent`: whether what is collected is collected with consent, and only so (Art. 7)."""
    sheet = Sheet(("consent", "activity", "source"), ("records", "live"))
    for holding, handles in view.groups():
        entries: dict[tuple[str, ...], list[int]] = {}
        for trait in holding.traits:
            if trait.index < view.size and trait.source_kind:
                group: tuple[str, ...] = (
                    _consent_state(view, holding, trait),
                    trait.activity,
                    trait.source_kind,
                )
                entries.setdefault(group, []).append(trait.index)
        live = len(handles) if entries and view.is_live(holding) else 0
        for group, causes in entries.items():
            sheet.count(group, len(handles), live)
            sheet.name(group, handles, causes)
    return sheet.answer("consent", view.as_of, view.size)


def _basis(view: View, trait: Trait) -> str:
    if not trait.source_kind:
        return NOT_STATED
    declared = view.declared(trait)
    return declared.lawful_basis if declared else NOT_DECLARED


def _residency(view: View, holding: Holding) -> Iterable[str]:
    """The countries last named for the record, on whatever basis."""
    said = [fact for fact in holding.residency if fact.index < view.size and fact.codes]
    return sorted({code[:2] for code in said[-1].codes}) if said else (UNKNOWN,)


def _lacks(view: View, holding: Holding, trait: Trait) -> Iterable[tuple[str, str]]:
    """What a record lacks by one statement of it: (`special` or `child`, what is missing)."""
    consented = view.consent(holding, trait) in STANDS
    if trait.special_category and (lack := _no_condition(view, trait, consented=consented)):
        yield "special", lack
    if trait.minor == "yes" and not consented:
        yield "child", "consent"


def _no_condition(view: View, trait: Trait, *, consented: bool) -> str:
    """What stands in the way of a condition of Art. 9(2) for special categories; nothing with consent."""
    if consented:
        return ""
    if not trait.source_kind:
        return NOT_STATED
    declared = view.declared(trait)
    if declared is None:
        return NOT_DECLARED
    if declared.art9_condition in ("", "none"):
        return "condition"
    return "consent" if declared.art9_condition == EXPLICIT_CONSENT else ""


def _templates(view: View, sheet: Sheet, holding: Holding, handles: list[str]) -> None:
    """Count templates by what their inputs lack; one without inputs was made of what nobody names."""
    made = [i for i in holding.derived if i < view.size and view.edges[i].kind == "template"]
    for handle in handles if made else ():
        entries: dict[tuple[str, ...], list[int]] = {}
        for index in made:
            for lack, activity in _inputs_lack(view, view.edges[index].inputs_of(handle)):
                entries.setdefault(("template", lack, activity), []).append(index)
        for group, causes in entries.items():
            sheet.count(group, 1)
            sheet.name(group, [handle], causes)


def _inputs_lack(view: View, inputs: tuple[str, ...]) -> set[tuple[str, str]]:
    """What the inputs lack, each with its activity. An input of which nothing was said states no basis."""
    found: set[tuple[str, str]] = set() if inputs else {(NOT_STATED, "")}
    for one in inputs:
        holding = view.held.get(one, EMPTY)
        traits = [trait for trait in holding.traits if trait.index < view.size]
        found |= set() if traits else {(NOT_STATED, "")}
        for trait in traits:
            lack = _no_condition(view, trait, consented=view.consent(holding, trait) in STANDS)
            found |= {(lack, trait.activity)} if lack else set()
    return found


def _retention(view: View, holding: Holding) -> tuple[str, int, list[int]]:
    """A record's state, the time (us) from which it is past, and the entries that say so."""
    traits = view.traits(holding)
    begun = traits[-1].index if traits else -1
    expired = [use for use in view.uses(holding) if use.kind == "expired" and use.index > begun]
    if expired:
        return "expired", expired[0].time_us, [expired[0].index]
    ends = [view.retained_until(trait) for trait in traits]
    known = [end for end in ends if end is not None]
    if not traits or len(known) < len(ends):
        first = min(moves[0].index for moves in holding.copies.values())
        unlimited = [trait.index for trait, end in zip(traits, ends, strict=True) if end is None]
        return "no_period", 0, unlimited or [first]
    last = max(known)
    state = "past" if last < view.as_of_us else "within"
    return state, last, [trait.index for trait, end in zip(traits, ends, strict=True) if end == last]


def _consent_state(view: View, holding: Holding, trait: Trait) -> str:
    """How a collection stands to consent: `given`, `given_later`, `withdrawn` or `missing` where consent is
    its basis, `other_basis` where another is, `not_declared` where none was declared before it."""
    declared = view.declared(trait)
    if declared is None:
        return NOT_DECLARED
    if declared.lawful_basis != CONSENT:
        return "other_basis"
    return view.consent(holding, trait)
