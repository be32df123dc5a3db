"""The oracle's rulings on what binds an obligation from outside, and on a whole order with it."""

from collections import Counter
from collections.abc import Iterator

from msgspec import UNSET

from projections import events as ev
from projections.fact import Fact
from projections.order import Obligation
from tests.projections.laws import rulings
from tests.projections.laws.oracle import BREACHED, DONE, OUTSTANDING, SECOND_US, UNPROVED, Oracle
from tests.projections.laws.oracle_conduct import CONDUCT
from tests.projections.laws.oracle_enquiries import enquiries
from tests.projections.laws.oracle_life import in_force, spans_in_force
from tests.projections.laws.oracle_probes import is_exact
from tests.projections.laws.oracle_ruling import Ruling, due_us, dues, overdue, past, settle
from tests.projections.laws.oracle_words import accepted, attestations, rejected

BY_WORD = ("appoint_representative", "attest", "independent_assessment", "publish")
ERASURES = ("erase", "erase_derived")
DAY_US = 86_400 * SECOND_US
PROHIBITIONS = ("cease_collecting", "cease_offering", "cease_using")
RANKS = (DONE, OUTSTANDING, UNPROVED, BREACHED)


def rule(oracle: Oracle) -> dict[str, Ruling]:
    """What is to be said of every obligation of the order."""
    ruled: dict[str, Ruling] = {}
    for obligation in oracle.order.obligations:
        ruled[obligation.id] = bind(oracle, obligation, alone(oracle, obligation), ruled)
    return ruled


def alone(oracle: Oracle, obligation: Obligation) -> Ruling:
    """What is to be said of one, whatever binds it."""
    if obligation.type in CONDUCT:
        return CONDUCT[obligation.type](oracle, obligation)
    answer = rulings.RULINGS[obligation.type](oracle, obligation)
    ruling = Ruling(answer.verdict, Counter(answer.counts), list(answer.missing))
    due = due_us(oracle, obligation)
    if obligation.type == "cease_collecting":
        ruling.broken = [(time, time) for time in _collections(oracle, obligation) if time > due]
        return settle(oracle, obligation, "E0", ruling)
    if obligation.type == "erase":
        erased = [fact for _, fact in erasures(oracle, obligation)]
        ruling.act = max((fact.index for fact in erased), default=-1)
        ruling.late = [(due, fact.time_us) for fact in erased if fact.time_us > due]
    return ruling


def erasures(oracle: Oracle, obligation: Obligation) -> list[tuple[str, Fact]]:
    """What ended the copies in scope, each with its store."""
    return [
        (store, copy.erasure)
        for (handle, store), copy in rulings.in_stores(oracle, obligation).items()
        if copy.erasure is not None and rulings.reached(oracle, handle, obligation)
    ]


def _collections(oracle: Oracle, obligation: Obligation) -> Iterator[int]:
    scope = obligation.scope
    for fact in oracle.told(ev.DataCollected):
        data = fact.event.data
        near = not scope.stores or data.store in scope.stores
        known = [one for one in data.records if oracle.reach(one, scope) != "unknown"]
        counted = data.records if scope.unknown_residency == "in_scope" else known
        if near and in_force(oracle, fact.time_us):
            yield from (fact.time_us for one in counted if oracle.reaches(one, scope))


def bind(oracle: Oracle, obligation: Obligation, ruling: Ruling, before: dict[str, Ruling]) -> Ruling:
    """Add to a ruling what binds the obligation. `before` has those on all that stand before it."""
    missing = [
        *_dependencies(obligation, before),
        *_words(oracle, obligation, ruling, before),
    ]
    if rejected(oracle, obligation.id):
        missing.append("attestation.rejected")
    for end, word in [] if obligation.type == "pay" else _periods(oracle, obligation, ruling.act):
        if word is None:
            missing.append("recurrence.missed")
        else:
            overdue(ruling, "recurrence.late", end, word)
    if obligation.type in ERASURES:
        missing += _probed(oracle, obligation)
        missing += _sampled(oracle)
    ruling.listed += _without_effect(oracle, obligation)
    if missing:
        worse = UNPROVED if past(oracle, obligation) else OUTSTANDING
        ruling.verdict = max(ruling.verdict, worse, key=RANKS.index)
    if _out_of_order(oracle, obligation):
        ruling.verdict = BREACHED
        ruling.listed.append("dependency.order")
    ruling.missing += missing
    _accrue(oracle, obligation, ruling)
    return ruling


def _dependencies(obligation: Obligation, before: dict[str, Ruling]) -> Iterator[str]:
    if any(before[name].verdict != DONE for name in obligation.depends_on):
        yield "dependency.not_carried_out"


def _words(
    oracle: Oracle, obligation: Obligation, ruling: Ruling, before: dict[str, Ruling]
) -> Iterator[str]:
    """Somebody must have sworn to what was done, or attested to it, after it was done."""
    if obligation.type in ("attest", "independent_assessment"):
        acts = [_act(oracle, name, before) for name in obligation.depends_on]
        if ruling.act >= 0 and not _vouched_after(oracle, obligation, max(acts, default=-1)):
            yield "attestation.before_act"
    elif obligation.oath != "none" and obligation.type not in BY_WORD:
        sworn = attestations(oracle, obligation.id, obligation.oath, ruling.act, own=True)
        yield from () if sworn else ("oath.missing",)


def _act(oracle: Oracle, name: str, before: dict[str, Ruling]) -> int:
    """What is carried out by attestation is no act that another could come too early for."""
    type_of = {one.id: one.type for one in oracle.order.obligations}
    return -1 if type_of[name] in BY_WORD else before[name].act


def _vouched_after(oracle: Oracle, obligation: Obligation, act: int) -> bool:
    own = obligation.type == "attest"
    ways = [[obligation.id], list(obligation.depends_on)] if own else [[obligation.id]]
    vouched = (lambda *asked: attestations(*asked, own=True)) if own else accepted
    return any(all(vouched(oracle, name, obligation.oath, act) for name in names) for names in ways)


def _periods(oracle: Oracle, obligation: Obligation, act: int) -> Iterator[tuple[int, Fact | None]]:
    """Each period that is over takes a word of its own, said after the period before was due.

    The first takes one where the obligation is carried out by attestation: what is missing there is missing
    anyway.
    """
    words = accepted(oracle, obligation.id, obligation.oath, -1)
    if obligation.type != "independent_assessment" and not obligation.independent:
        words += attestations(oracle, obligation.id, obligation.oath, -1, own=True)
    if obligation.type == "attest" and not obligation.independent and act >= 0:
        # Attested of all that it depends on: that carried it out the first time.
        words += [fact for fact in oracle.facts if fact.index == act and fact not in words]
    words.sort(key=lambda fact: fact.index)
    begin = float("-inf")
    for number, end in enumerate(dues(oracle, obligation)):
        if number or obligation.type in BY_WORD:
            mine = [fact for fact in words if fact.time_us > begin * SECOND_US]
            words = mine[1:]
            if number:
                yield end * SECOND_US, mine[0] if mine else None
        begin = end


def _without_effect(oracle: Oracle, obligation: Obligation) -> Iterator[str]:
    """What was said of it by strangers, or of more than there was; and probes that say nothing."""
    for fact in oracle.told(ev.ComplianceAttested, ev.ComplianceRejected):
        data = fact.event.data
        if (data.order, data.obligation) != (oracle.order.id, obligation.id):
            continue
        known = oracle.is_assessor(fact.poster) or fact.poster.vkey == oracle.authority.vkey
        if fact.poster.role in ("authority", "auditor") and not known:
            yield "attestation.stranger"
        elif isinstance(data, ev.ComplianceAttested) and data.log_size > fact.index:
            yield "attestation.beyond_log"
    for fact in oracle.told(ev.ProbeAttested) if obligation.type in ERASURES else ():
        data = fact.event.data
        if data.order != oracle.order.id or not _stands(oracle, fact, data.found):
            continue
        if not data.found and not _saw_all(data):
            yield "probe.control_missed"
        if not is_exact(oracle, fact):
            yield "probe.other_set"
    if obligation.type in ERASURES:
        yield from _samples_without_effect(oracle)


# --- Probes and samples


def _probed(oracle: Oracle, obligation: Obligation) -> Iterator[str]:
    """Somebody found what was said to be gone, and nothing has settled that since."""
    probes = [fact for fact in oracle.told(ev.ProbeAttested) if fact.event.data.order == oracle.order.id]
    for found in probes:
        data = found.event.data
        in_scope = not obligation.scope.stores or data.store in obligation.scope.stores
        told = data.found and in_scope and _stands(oracle, found, 1) and data.store in oracle.stores
        if told and not _settled(oracle, obligation, found, probes):
            yield "probe.found"


def _stands(oracle: Oracle, fact: Fact, found: int) -> bool:
    """No word on his key takes back what an assessor found."""
    return (oracle.is_assessor(fact.poster) and found > 0) or oracle.believed(fact)


def _settled(oracle: Oracle, obligation: Obligation, found: Fact, probes: list[Fact]) -> bool:
    """What an assessor found, only an assessor settles."""
    assessed = oracle.is_assessor(found.poster)
    store = found.event.data.store
    for fact in probes:
        later = fact.event.data
        clean = later.store == store and not later.found and _saw_all(later) and oracle.believed(fact)
        if (
            clean
            and is_exact(oracle, fact)
            and fact.index > found.index
            and (oracle.is_assessor(fact.poster) or not assessed)
        ):
            return True
    last = max([oracle.ordered, *(fact.index for s, fact in erasures(oracle, obligation) if s == store)])
    governing, later_look = oracle.agrees(store, last), oracle.agrees(store, max(last, found.index))
    if governing is None or later_look is None or not later_look[0]:
        return False
    # Of an assessor's look and the controller's, the assessor's governs, however old.
    return later_look[1] or not (assessed or governing[1])


def _sampled(oracle: Oracle) -> Iterator[str]:
    """The last word on a sample, an assessor's before others', is that something failed."""
    for asked in _asked_for(oracle):
        words = [fact for fact in _told_of(oracle, asked) if _says_something(fact)]
        last = [fact for fact in words if oracle.is_assessor(fact.poster)] or words
        if last and last[-1].event.data.failures:
            yield "sample.failed"


def _samples_without_effect(oracle: Oracle) -> Iterator[str]:
    """Nothing was found of anything; or one asked, and kept to himself what he found."""
    for asked in _asked_for(oracle):
        words = list(_told_of(oracle, asked))
        yield from ("sample.control_missed" for fact in words if not _says_something(fact))
        if oracle.believed(asked) and asked.poster.name not in [fact.poster.name for fact in words]:
            yield "sample.unanswered"


def _asked_for(oracle: Oracle) -> Iterator[Fact]:
    """The samples of this order; a name that was used before is that of the sample before."""
    names = set()
    for fact in oracle.told(ev.SampleRequested):
        if fact.event.data.sample not in names and fact.event.data.order == oracle.order.id:
            yield fact
        names.add(fact.event.data.sample)


def _told_of(oracle: Oracle, asked: Fact) -> Iterator[Fact]:
    for fact in oracle.told(ev.SampleAttested):
        data = fact.event.data
        is_later = data.sample == asked.event.data.sample and fact.index > asked.index
        if is_later and _stands(oracle, fact, data.failures):
            yield fact


def _says_something(fact: Fact) -> bool:
    data = fact.event.data
    return data.failures > 0 or _saw_all(data)


def _saw_all(data: ev.ProbeAttested | ev.SampleAttested) -> bool:
    """All that should be there was found, and there was something."""
    return data.control_checked not in (0, UNSET) and data.control_found == data.control_checked


# --- What comes first


def _out_of_order(oracle: Oracle, obligation: Obligation) -> bool:
    """Whether a record in scope was erased in force, while somebody's request for access was pending."""
    if obligation.type not in ERASURES:
        return False
    for other in oracle.order.obligations:
        if other.id not in obligation.depends_on or other.type != "answer_subjects":
            continue
        for enquiry in enquiries(oracle, other):
            data = enquiry.received.event.data
            if data.right != "15" or data.records is UNSET:
                continue
            end = len(oracle.facts) if enquiry.end is None else enquiry.end.index
            for fact in oracle.told(ev.DataDeleted):
                pending = enquiry.received.index < fact.index < end
                if pending and _erases_any(oracle, obligation, fact, data.records):
                    return True
    return False


def _erases_any(oracle: Oracle, obligation: Obligation, fact: Fact, asked: tuple[str, ...]) -> bool:
    """Whether this erasure ended the life of a copy of one of these, in force."""
    before, after = oracle.copies(fact.index), oracle.copies(fact.index + 1)
    store = fact.event.data.store
    if obligation.scope.stores and store not in obligation.scope.stores:
        return False
    gone = {one for one in asked if (one, store) in before and before[one, store].live}
    gone = {one for one in gone if not after[one, store].live and oracle.reaches(one, obligation.scope)}
    return bool(gone) and in_force(oracle, fact.time_us)


# --- Daily penalties


def _accrue(oracle: Oracle, obligation: Obligation, ruling: Ruling) -> None:
    penalty = obligation.penalty
    if penalty is UNSET or penalty.per != "day" or obligation.type == "pay":
        return
    due = due_us(oracle, obligation)
    if ruling.verdict == DONE:
        # Whole days are counted back from what came late, and none before the deadline.
        late = [(max(due, end - -(-(end - start) // DAY_US) * DAY_US), end) for start, end in ruling.late]
        days = max((-(-_open_us(oracle, *ends) // DAY_US) for ends in late), default=0)
    elif obligation.type in PROHIBITIONS and not ruling.missing:
        days = len({day for span in ruling.broken for day in _days(due, *span)})
    else:
        days = -(-_open_us(oracle, due, oracle.as_of * SECOND_US) // DAY_US)
    called = sum(
        fact.event.data.amount_minor
        for fact in oracle.told(ev.PenaltyAccrued)
        if (fact.event.data.order, fact.event.data.currency) == (oracle.order.id, penalty.currency)
        and fact.poster.vkey == oracle.authority.vkey
        and oracle.believed(fact)
    )
    ruling.counts.update(penalty_days=days, penalty_minor=days * penalty.amount_minor, called_minor=called)


def _open_us(oracle: Oracle, start_us: int, end_us: int) -> int:
    """For how long the order was in force between two moments."""
    return sum(end - start for start, end in spans_in_force(oracle, start_us, end_us))


def _days(due: int, start_us: int, end_us: int) -> range:
    """The days after the deadline, numbered, that a span of time touches."""
    return range(
        (start_us - due) // DAY_US, max(-(-(end_us - due) // DAY_US), (start_us - due) // DAY_US + 1)
    )
