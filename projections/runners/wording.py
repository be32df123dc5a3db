"""Wording: a statement and its findings in plain words, the same on the command line and on the page."""

from collections.abc import Collection
from datetime import UTC, datetime

from projections.docket import Docket
from projections.finding import Finding, Irregularity, StoreCoverage
from projections.statement import ObligationStatement, Reason, Statement, StoreLook, StoreProbe
from projections.timeline import Change
from projections.verdict import Judgment
from projections.verdict import headline as judgment_headline

VERDICTS = {
    "carried_out": "carried out",
    "outstanding": "outstanding",
    "breached": "breached",
    "cannot_be_proved": "cannot be proved",
}
WORDS = {
    "nobody": "nobody's word",
    "controller": "the controller's own word",
    "assessor": "the word of an assessor whom the order names",
    "authority": "the authority's word",
}
LEVELS = {
    "E0": "bare assertion",
    "E1": "a system's receipt",
    "E2": "the holder's own look at the store after the erasure",
    "E3": "an assessor's reconciliation",
    "E4": "an assessor and attested custody",
}
METHODS = {
    "quiescent": "counted while nothing was written",
    "reconcile": "counted beside a store in use, compared with the log",
    "snapshot": "counted in a snapshot",
}
UNCHECKED = {
    "backups": "backups",
    "blinding": "whether handles are made with the stores' own keys",
    "collectors": "what collectors did",
    "identity": "who the data subjects are",
    "lineage": "what was derived from what",
    "recipients": "recipients",
    "residency": "where the data subjects reside",
    "stores": "any store",
    "undeclared": "whether there are stores that nobody declared",
}
COUNTS = {
    "in_scope": "copies in scope",
    "live": "of them live",
    "derived_live": "of the live ones derived data",
    "erased_in_time": "erased in time",
    "erased_late": "erased late",
    "erased_time_unproved": "erased, not proved to be in time",
    "unknown_residency": "of unknown residency",
    "exempt": "of them exempt by the authority",
    "held": "of them held by the authority",
    "in_backups": "of the erased ones still in backups",
    "below_method": "erased by less than the required method",
    "verified_absent": "of the erased ones looked for by name, and not found",
    "reopened": "erased, then back again",
    "orphaned": "erased without ever having been declared",
    "orphans": "found in a store, where the ledger has them not live",
    "reappeared": "of these, such as the ledger has as erased",
    "missing": "not found in a store, where the ledger has them live",
    "collected": "copies collected while prohibited",
    "collectors": "collectors accounted for",
    "recipients_silent": "disclosures whose recipient keeps silent",
    "disclosures": "disclosures of records in scope",
    "notified_in_time": "of them notified in time",
    "notified_late": "of them notified late",
    "notified_time_unproved": "of them notified, not proved to be in time",
    "restricted_in_time": "restricted in time",
    "restricted_late": "restricted late",
    "restricted_time_unproved": "restricted, not proved to be in time",
    "unrestricted": "live and not restricted",
    "used": "records used all the same",
    "lifted": "copies set free again",
    "usable": "copies that could be used still",
    "past_retention": "copies kept past their term",
    "no_term": "copies without any term",
    "erased_past_term": "copies erased past their term",
    "out_of_scope": "copies out of scope",
    "services": "services named",
    "offered": "of their offers in the territory standing",
    "withdrawn": "withdrawn",
    "enquiries": "enquiries",
    "answered_in_time": "answered in time",
    "answered_late": "answered late",
    "answered_time_unproved": "answered, not proved to be in time",
    "pending": "not due yet",
    "overdue": "overdue",
    "abandoned": "given up",
    "abandoned_after_demand": "given up after more was demanded",
    "extended": "put off",
    "in_time": "attested in time",
    "late": "attested late",
    "time_unproved": "attested, not proved to be in time",
    "payments": "payments",
    "due_minor": "due, in the currency's smallest unit",
    "paid_minor": "paid",
    "penalty_days": "days of penalty",
    "penalty_minor": "of penalty accrued, in the currency's smallest unit",
    "called_minor": "of it called in by the authority",
}
GAPS = {
    "store.none_declared": "no store was declared",
    "store.undeclared": "the store {subject} holds copies and was never declared",
    "store.not_declared": "the order names the store {subject}, which was never declared",
    "backup.unexpired": "backups of the store {subject} have not expired since",
    "erasure.contradicted": "what was erased from the store {subject} was used, and nobody has looked since",
    "backup.restored": "the store {subject} was restored without the erasures, and nobody has looked since",
    "recipient.not_notified": "{subject} was not told of the erasure",
    "recipient.silent": "{subject}, to whom records were disclosed, keeps silent",
    "disclosure.none_declared": "no disclosure of records in scope was declared",
    "retention.no_term": "nobody said until when records are kept",
    "erasure.below_method": "copies were erased by less than the method required ({subject})",
    "erasure.orphan": "copies were erased that had never been declared: the ledger is incomplete",
    "residency.unknown": "where their subjects reside is not known",
    "residency.no_method": "nothing is in scope, and nobody said where anyone resides",
    "evidence.below_required": "the evidence is below the required level {subject}",
    "evidence.not_independent": "the evidence is not independent: no assessor of the order has looked",
    "inventory.missing": "nobody has looked into the store {subject} since its last erasure",
    "inventory.disagrees": "what was found in the store {subject} differs from the ledger",
    "copy.orphan": "in the store {subject} there is what the order reaches and the ledger does not have live",
    "obligation.not_evaluated": "these rules do not judge obligations of type {subject}",
    "dependency.not_carried_out": "the obligation {subject}, which comes first, is not carried out",
    "oath.missing": "the statement under oath ({subject}) is missing",
    "recurrence.missed": "nobody vouched for the period that ended on {subject}",
    "attestation.missing": "nobody attested to it who should",
    "attestation.before_act": "what is attested was done only after the attestation",
    "attestation.rejected": "{subject} does not accept that it was carried out, and no assessor has since",
    "assessment.missing": "no assessor whom the order names has attested to it",
    "service.none_named": "nobody said of any service where it is offered",
    "enquiry.none_known": "no enquiry is on record, and nobody attests that there was none",
    "enquiry.abandoned_after_demand": "enquiries were given up after more was demanded: whether that "
    "deterred anybody can't be told",
    "enquiry.orphan": "the request {subject} was answered and never received: the ledger is incomplete",
    "payment.missing": "less was paid than is due ({subject})",
    "probe.found": "what was erased was found in the store {subject}",
    "sample.failed": "in the sample {subject} something was found that was erased",
    "collector.none_named": "no collector has been accounted for",
    "collector.gap": "the collector {subject} leaves part of the time unaccounted for",
}
RULES = {
    "erasure.foreign": "an erasure by a key that is not the store's own: no effect",
    "erasure.recoverable": "an erasure that can be undone: no effect",
    "erasure.orphan": "erased what had never been declared",
    "erasure.compromised": "posted under a key that was compromised by then: no effect",
    "erasure.late": "erased after the deadline",
    "erasure.backdated": "recorded after the deadline, and said to have been done before it",
    "erasure.contradicted": "used after its erasure, when no copy was left on record",
    "verification.contradicted": "looked for and not found, where the ledger has it live",
    "exemption.foreign": "an exemption by somebody else than the order's authority: no effect",
    "hold.foreign": "a hold by another authority than the order's: no effect",
    "hold.own": "a hold of the controller's own: no effect",
    "copy.orphan": "found in the store, where the ledger did not have them live",
    "copy.missing": "not found in the store, where the ledger had them live",
    "inventory.unexplained": "an inventory that names copies which are not the whole difference: not known "
    "of any of them",
    "inventory.misplaced": "an inventory that names a checkpoint which this log never had, as if its maker "
    "had been shown another: no effect",
    "inventory.unplaced": "an inventory whose beginning was not announced, and which names no size of the "
    "log: no effect",
    "assessor.unnamed": "a look by an auditor whom the order does not name: as the controller's own",
    "acknowledgement.foreign": "in a recipient's place, by another than he: no effect",
    "backup.compromised": "an expiry posted under a key that was compromised by then: no effect",
    "backup.foreign": "an expiry of a backup by a key that is not the store's own: no effect",
    "backup.survived": "an expiry of a backup that was restored afterwards: no effect",
    "notice.late": "notified after the deadline",
    "notice.backdated": "recorded after the deadline, and said to have been done before it",
    "restriction.foreign": "a restriction by a key that is not the store's own: no effect",
    "restriction.late": "restricted after the deadline",
    "restriction.backdated": "recorded after the deadline, and said to have been done before it",
    "restriction.lifted": "set free again while the order restricted it",
    "retention.late": "erased after its term and the deadline",
    "use.prohibited": "used while the order prohibited it",
    "use.restricted": "used while the order restricted it",
    "collection.prohibited": "collected while the order prohibited it",
    "offer.prohibited": "offered while the order prohibited it",
    "offer.not_withdrawn": "still offered after the deadline",
    "enquiry.overdue": "not answered when it was due",
    "enquiry.late": "answered after it was due",
    "enquiry.extended_late": "put off after it was due: no effect",
    "dependency.order": "erased while a request for access was pending that had to be answered first",
    "attestation.late": "attested after the deadline",
    "attestation.stranger": "attested or rejected under a key that the order does not know: the "
    "controller's own word at most",
    "attestation.beyond_log": "attests to entries that were not there yet: no effect",
    "recurrence.late": "vouched for after its period was over",
    "payment.late": "paid after the deadline",
    "probe.control_missed": "a probe that did not find all that should be there: that it found nothing of "
    "the rest says nothing",
    "probe.other_set": "a probe of another set than the ledger has as erased: that nothing was found says "
    "nothing",
    "sample.control_missed": "a sample that did not find all that should be there: that it found nothing of "
    "the rest says nothing",
    "sample.unanswered": "a sample that was asked for, and of which nothing was told (yet)",
    "time.before_anchor": "recorded before witnesses had seen what stands before it: the clock was set back",
    "time.after_proven": "recorded after witnesses had seen it already: the clock ran ahead",
}
PASSED = {"effective": "the order took effect", "time": "time passed"}
MAX_CORRECTIONS = 100
_LAST_SECOND = 253_402_300_799  # of the year 9999
ALWAYS_UNPROVEN = (
    "that no store and no copy exists which nobody declared: the ledger shows what was said, when "
    "and by whom, "
    "and that it was not changed since",
    "that what was said is true, beyond what those named above looked into themselves",
)


def headline(statement: Statement) -> str:
    """One sentence that can't be quoted without its ground."""
    findings = tuple(_finding(one) for one in statement.obligations)
    shown = statement.verdict or statement.would_be
    assert isinstance(shown, str)
    judgment = Judgment(statement.status, shown, statement.evidence, statement.word, findings)
    return judgment_headline(judgment)


def obligation_line(one: ObligationStatement) -> str:
    """An obligation's verdict, deadline and evidence."""
    so_far = " so far" if one.type.startswith("cease_") and one.verdict == "carried_out" else ""
    return (
        f"{one.id} ({one.type}): {VERDICTS[one.verdict]}{so_far}, due {moment(one.deadline)}; "
        f"evidence {one.evidence}, {LEVELS[one.evidence]}, on {WORDS[one.word]}"
    )


def count_lines(one: ObligationStatement) -> list[str]:
    """The counts that are not zero; `in scope` always."""
    return [
        f"{count:,} {COUNTS.get(name, name.replace('_', ' '))}"
        for name, count in one.counts.items()
        if count or name == "in_scope"
    ]


def gap_line(gap: Reason) -> str:
    """What stands in the way of `carried out`."""
    said = GAPS.get(gap.rule, gap.rule).format(subject=gap.subject)
    said += f", until {moment(gap.until)}" if gap.until else ""
    return f"{said}: {copies(gap.copies)}" if gap.copies else said


def store_line(one: StoreLook) -> str:
    """Who looked into a store, when, how, and what he found; and the evidence that is there of it."""
    return f"{one.store}: {'; '.join(store_words(one))}; evidence {one.evidence}"


def store_words(one: StoreLook) -> list[str]:
    """What is to be said of a store: who looked, and who probed."""
    said = [_look_words(one) if one.looked else "nobody has looked into it since its last erasure"]
    return [*said, _probe_words(one.probe)] if isinstance(one.probe, StoreProbe) else said


def _look_words(one: StoreLook) -> str:
    assert isinstance(one.at, int), "somebody looked"
    method = METHODS.get(str(one.method), str(one.method))
    said = f"{one.by} ({whose(one.level)}) {method} at entry {one.begun:,}, attested {moment(one.at)}, "
    said += f"and found {one.count:,} copies, "
    if one.agrees:
        return said + "as the ledger says"
    named = [f"{n:,} {what}" for what, n in (("orphans", one.orphans), ("missing", one.missing)) if n]
    return f"{said}where the ledger says {one.ledger_count:,}" + (f": {', '.join(named)}" if named else "")


def _probe_words(one: StoreProbe) -> str:
    found = f"{one.found:,} of them" if one.found else "none of them"
    return (
        f"{one.by} ({whose(one.level)}) looked for the {one.checked:,} erased copies at entry {one.entry:,}, "
        f"{moment(one.at)}, and found {found}, and {one.control:,} of its control"
    )


def whose(level: object) -> str:
    """Whose look it is that is worth so much."""
    return "an assessor of the order" if level == "E3" else "no assessor of the order"


def exception_line(one: Irregularity) -> str:
    """An entry that had no effect, came late, or tells against its poster."""
    where = f" in {one.store}" if one.store else ""
    late = f", {one.days_late} days late" if one.days_late else ""
    many = f", {copies(one.copies)}" if one.copies else ""
    said = RULES.get(one.rule, one.rule)
    return f"entry {one.index}, {moment(one.time_us // 1_000_000)}, by {one.by}{where}: {said}{many}{late}"


def correction_lines(docket: Docket) -> list[str]:
    """Who took back what: no fold undoes an event for it, so a reader must know. The first hundred."""
    lines = [
        f"entry {one.index}: {docket.posters[one.by].name} says that entry {one.corrects} is wrong "
        f"({one.reason}); it counts all the same"
        for one in docket.corrections[:MAX_CORRECTIONS]
    ]
    more = len(docket.corrections) - len(lines)
    return [*lines, f"{more:,} more corrections"] if more else lines


def change_cause(change: Change) -> str:
    """What made a verdict another: an entry, or what passed."""
    if change.entry < 0:
        return f"deadline of {change.by}" if change.type == "deadline" else PASSED[change.type or "time"]
    name = change.type.removeprefix("writ.").rpartition(".")[0]
    return f"{name} of {change.by}"


def unproven_lines(statement: Statement) -> list[str]:
    """What this statement does not prove, the particular before the general."""
    lines = []
    blind = sorted({look.store for one in statement.obligations for look in one.stores if not look.looked})
    if blind:
        lines.append(f"what is in {', '.join(blind)}: nobody has looked since the last erasure there")
    own = sorted(
        {
            look.store
            for one in statement.obligations
            for look in one.stores
            if look.looked and look.level != "E3"
        }
    )
    if own:
        lines.append(f"what is in {', '.join(own)}, but by the controller's own word")
    if statement.provisional:
        lines.append("when the latest entries were made: they are counted on the operator's clock alone")
    return [*lines, *ALWAYS_UNPROVEN]


def unchecked_line(assessor: str, unchecked: Collection[str] | None) -> str:
    """What an assessor says that he did not check, or that there is no word of his on it."""
    if unchecked is None:
        return f"what the assessor {assessor} did not check: there is no word of his on it here"
    if not unchecked:
        return f"more than the assessor {assessor} checked, who names nothing that he left out"
    return f"what the assessor {assessor} did not check: {unchecked_names(unchecked)}"


def unchecked_names(unchecked: Collection[str]) -> str:
    """The words of an attestation, in plain ones."""
    said = (UNCHECKED.get(one) or f"the store {one.partition(':')[2]}" for one in sorted(unchecked))
    return ", ".join(said)


def copies(count: int) -> str:
    """A count of copies."""
    return "1 copy" if count == 1 else f"{count:,} copies"


def moment(seconds: int) -> str:
    """Unix seconds as people write UTC, or as they are where the calendar ends."""
    if not 0 <= seconds <= _LAST_SECOND:
        return f"second {seconds:,} of the Unix epoch"
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _finding(one: ObligationStatement) -> Finding:
    coverage = tuple(StoreCoverage(s.store, s.looked, assessor=s.level == "E3") for s in one.stores)
    return Finding(
        one.id, one.type, one.verdict, one.deadline, one.evidence, one.word, {}, {}, coverage, (), (), ()
    )
