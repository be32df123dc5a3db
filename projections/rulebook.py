"""The rulebook: each rule that a verdict names, in one sentence.

A name is `subject.fault`: of a gap (what is missing), of an exception (an entry that had no effect, came late
or tells against whoever posted it), or of what decides which entry counts. The rule itself stands in the
docstring that bears its name.
"""

from typing import Final

RULES: Final[dict[str, str]] = {
    "acknowledgement.foreign": (
        "Only the recipient, under its own name, acknowledges what was disclosed to it; anybody else's "
        "acknowledgement has no effect."
    ),
    "appeal.own_word": (
        "A controller's word that it appealed suspends the order only where witnesses prove that it came "
        "within the appeal period which the order names."
    ),
    "assessment.missing": (
        "No assessor whom the order names has attested an assessment, under the obligation, of a log that "
        "holds the order."
    ),
    "assessor.unnamed": (
        "An auditor whom the order does not name looked into the store: it counts as the controller's own "
        "look."
    ),
    "attestation.before_act": "What was attested was done only after it was attested.",
    "attestation.beyond_log": "The attestation speaks of more entries than there were when it was posted.",
    "attestation.late": "The attestation was recorded after the deadline.",
    "attestation.missing": "Nobody who must has attested that the obligation is carried out.",
    "attestation.rejected": (
        "An assessor or the authority rejected what was attested, and no assessor has attested since."
    ),
    "attestation.stranger": (
        "Said under the name of an authority or an auditor, but not under a key that the order knows: no "
        "effect."
    ),
    "backup.compromised": "The backup's expiry was posted under a key that was no longer to be believed.",
    "backup.foreign": "Only the store's own operator says that its backup has expired.",
    "backup.restored": (
        "A backup was restored without the erasures since: until a whole look into the store agrees, nobody "
        "knows what came back."
    ),
    "backup.survived": (
        "The backup was said to have expired, and was restored afterwards: it was there, and holds what it "
        "held."
    ),
    "backup.unexpired": "The copies are erased, and backups still hold them until they expire.",
    "collection.prohibited": (
        "Records in scope were collected while the order forbade it: a breach for good."
    ),
    "collector.gap": "A collector does not account for the whole time since the order took effect.",
    "collector.none_named": (
        "No collector is named, so nobody accounts for the time since the order took effect."
    ),
    "conflict.hold": (
        "Somebody holds records that this order wants erased; whether it must give way is not settled here."
    ),
    "conflict.order": (
        "Another order wants the opposite for the same records; which goes first is not settled here."
    ),
    "copy.missing": (
        "A look names copies that the ledger has live in the store, and that were not there: the record is "
        "incomplete."
    ),
    "copy.orphan": (
        "A look names copies that were in the store and that the ledger did not have live there. What the "
        "order reaches of them is there and should not be."
    ),
    "dependency.not_carried_out": "An obligation on which this one depends is not carried out.",
    "dependency.order": (
        "Records were erased while somebody's request for access to them was still unanswered."
    ),
    "disclosure.none_declared": (
        "Nobody ever said to whom the records were disclosed, or that they were not."
    ),
    "enquiry.abandoned_after_demand": (
        "An enquiry was given up after more was demanded of the person than was needed: nobody can tell "
        "whether that deterred them."
    ),
    "enquiry.extended_late": "The extension was posted after the enquiry was due, and puts nothing off.",
    "enquiry.late": "The enquiry was answered after it was due.",
    "enquiry.none_known": "No enquiry is on record, and nobody attests that there was none.",
    "enquiry.orphan": (
        "An enquiry was dealt with before it was received on record: the record is incomplete."
    ),
    "enquiry.overdue": "The enquiry is past due, and no answer is on record.",
    "erasure.backdated": (
        "An erasure was recorded after the deadline and claims an earlier time, which rescues nothing."
    ),
    "erasure.below_method": "Copies were erased by a weaker method than the order demands.",
    "erasure.compromised": (
        "The erasure was posted under a key that was no longer to be believed: no effect."
    ),
    "erasure.contradicted": (
        "Records were used after their erasure, when no copy was left on record: until a whole look into the "
        "store agrees, nobody knows what was."
    ),
    "erasure.foreign": "Only the key named as the store's operator erases from it: no effect.",
    "erasure.late": "The erasure was recorded after the deadline.",
    "erasure.orphan": (
        "What was erased had never been held or collected on record: the record is incomplete."
    ),
    "erasure.recoverable": (
        "What was erased can be brought back (soft, or a versioned or locked store): it is not erased."
    ),
    "evidence.below_required": "The evidence is weaker than the order demands.",
    "evidence.not_independent": "The order demands an assessor's own look, and there is none that agrees.",
    "exemption.foreign": (
        "Only the authority that signed the order exempts from it, under a key to be believed: no effect."
    ),
    "hold.foreign": (
        "Only the authority that signed the order holds back what it demands, under a key to be believed: "
        "no effect."
    ),
    "hold.own": "The controller's own hold, or its processor's, holds nothing back: no effect.",
    "inventory.disagrees": "Whoever looked into the store found other copies than the ledger has there.",
    "inventory.misplaced": (
        "The inventory names a checkpoint that this log never had, and counts for nothing."
    ),
    "inventory.missing": (
        "Nobody has looked into the whole store since the order and the last erasure or restore there."
    ),
    "inventory.unexplained": (
        "The inventory names copies as orphans or missing which are not the whole difference to the ledger: "
        "it is not known of any of them."
    ),
    "inventory.unplaced": (
        "The inventory's beginning was not announced, and it names no size of the log: it counts for nothing."
    ),
    "notice.backdated": "The recipient was told after the deadline, and the notice claims an earlier time.",
    "notice.late": "The recipient was told after the deadline.",
    "oath.missing": "The controller has not sworn, as strongly as demanded, to a log that holds the acts.",
    "obligation.not_evaluated": "These rules do not read this type of obligation, so nothing is shown.",
    "offer.not_withdrawn": "The service still stood on offer in the territory after the deadline.",
    "offer.prohibited": (
        "A service was offered in the territory while the order forbade it: a breach for good."
    ),
    "payment.late": "The payment was recorded after the deadline.",
    "payment.missing": "Less than the penalty is on record as paid.",
    "probe.control_missed": (
        "The probe did not find all that should be there either: that it found nothing of the rest says "
        "nothing."
    ),
    "probe.found": "A probe for what was erased found some of it in the store.",
    "probe.other_set": (
        "The probe looked for another set than the ledger, at that entry, has as erased from the store under "
        "the order: that it found nothing says nothing."
    ),
    "recipient.not_notified": "A recipient of the records has not been told of the order.",
    "recipient.silent": "A recipient was told, and has neither acknowledged nor been justified.",
    "recurrence.late": "A period was vouched for only after it was due.",
    "recurrence.missed": "Nobody vouched for a period that is over.",
    "relief.own_key": (
        "Only the key that signed the order exempts or holds; anybody else's hold or exemption relieves of "
        "nothing."
    ),
    "relief.until": "A hold relieves until it ends or is released; then what it kept is due again.",
    "relief.whole_class": "A category is exempt only for records that are nothing else besides.",
    "residency.no_method": (
        "Nothing is in scope, the scope is one of residency, and nobody ever said where anyone resides: that "
        "is no success."
    ),
    "residency.unknown": (
        "Nobody has said on an accepted basis where the people reside, and the order wants to know."
    ),
    "restriction.backdated": "The restriction was recorded after the deadline and claims an earlier time.",
    "restriction.foreign": (
        "Only the store's own operator restricts in it, under a key to be believed: no effect."
    ),
    "restriction.late": "The restriction was recorded after the deadline.",
    "restriction.lifted": "A restriction was lifted while the order demanded it: a breach for good.",
    "retention.late": "The copy was erased after its term and after the deadline.",
    "retention.no_longer": (
        "A later declaration may shorten a term and lengthens none for what is there already."
    ),
    "retention.no_term": "Copies have no term at all, so nobody can say until when they may be kept.",
    "sample.control_missed": (
        "The sample did not find all that should be there either, or does not say: that it found nothing of "
        "the rest says nothing."
    ),
    "sample.failed": "A sample of what was erased failed.",
    "sample.unanswered": "A sample was asked for, and whoever asked has not told what he found.",
    "service.none_named": "The controller has not said of any service where it offers it.",
    "status.effective": (
        "An event of an order's life takes effect at its `effective_at`; those of one second in the log's "
        "order."
    ),
    "status.no_turn": "The order's status does not allow this event: no effect.",
    "status.own_key": (
        "An event of an order's life counts only under the key that signed the order: no effect."
    ),
    "store.none_declared": "The controller has declared no store in scope, so nobody can look into any.",
    "store.not_declared": "The order names a store that the controller never declared.",
    "store.undeclared": "Copies are said to be in a store that nobody declared.",
    "time.after_proven": "An entry is recorded later than an anchor proves that it existed.",
    "time.before_anchor": "An entry is recorded earlier than the time of the anchor that it quotes.",
    "use.prohibited": "Records in scope were used while the order forbade it: a breach for good.",
    "use.restricted": (
        "A record was used after its restriction, or unrestricted after the deadline: a breach for good."
    ),
    "verification.contradicted": (
        "Somebody looked for records in a store and did not find them, where the ledger has them live."
    ),
}


def explain(rule: str) -> str:
    """A rule in one sentence."""
    return RULES.get(rule, "These rules do not know a rule of this name: a later version does.")


def format_rulebook() -> str:
    """The rulebook as a page: docs/spec/rules.md."""
    rows = "".join(f"| `{name}` | {sentence} |\n" for name, sentence in RULES.items())
    return _HEAD + rows


_HEAD: Final = """\
# Rules

Every gap and every exception of a verdict bears the name of a rule; `writ rules NAME` prints its sentence.
The rule stands in the code where it is applied (`grep -rn NAME projections/`). A statement names the hash of
all of them (`rules`, see [statement](statement.md)). `writ rules --page` prints this page.

| rule | what it says |
|---|---|
"""
