"""Recipients: who was told to erase what was disclosed to him, and what he answered (GDPR Art. 19).

Every disclosure of a record in scope must be notified after the order and acknowledged, or justified (DOMAIN
§5). Only what is posted under the recipient's own name acknowledges. What was said of a disclosure before it
took place, or before there was an order, says nothing of its being carried out. Silence is never a breach:
outstanding, then `cannot_be_proved`.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from msgspec import Struct

from projections.case import Case
from projections.clock import Timing
from projections.finding import Gap, Irregularity
from projections.moments import DAY_US, SECOND_US
from projections.sharing import Answer, Disclosure
from projections.tally import Tally


class Told(Struct, frozen=True):
    """What the recipients of an obligation's disclosures leave open, and what had no effect.

    `signed`: every answer stands under the recipient's own key, and there is one at least.
    """

    gaps: tuple[Gap, ...] = ()
    irregularities: tuple[Irregularity, ...] = ()
    signed: bool = False


NOBODY = Told()


class Answers:
    """What was said about the disclosures in scope, each one's answers in log order."""

    def __init__(self, case: Case, records: Mapping[int, int]) -> None:
        """`records`: how many in scope each disclosure was of, by its entry."""
        self._case = case
        self.records = records
        self.disclosures = [one for one in case.docket.sharing.disclosures if one.index in records]
        self._answers: dict[str, list[Answer]] = {}
        for one in case.docket.sharing.answers:
            if one.index < case.size:
                self._answers.setdefault(one.disclosure, []).append(one)

    def notice(self, disclosure: Disclosure) -> Answer | None:
        """The first notice that counts."""
        return next((one for one in self._after(disclosure) if one.kind == "notified"), None)

    def answer(self, disclosure: Disclosure) -> Answer | None:
        """What settles it: the recipient's acknowledgement, or a justification."""
        return next((one for one in self._after(disclosure) if self._settles(one, disclosure)), None)

    def is_justified(self, disclosure: Disclosure) -> bool:
        """Whether somebody answers for its being kept, or for nobody's being told."""
        return any(one.justification and self._settles(one, disclosure) for one in self._after(disclosure))

    def is_signed(self, disclosure: Disclosure) -> bool:
        """Whether the recipient itself answered, under a key of its own."""
        return any(
            one.kind == "acknowledged"
            and self._settles(one, disclosure)
            and self._case.docket.posters[one.by].vkey is not None
            for one in self._after(disclosure)
        )

    def foreign(self) -> list[Irregularity]:
        """`acknowledgement.foreign`: in a recipient's place, under another name."""
        recipients: dict[str, set[str]] = {}
        for one in self.disclosures:
            recipients.setdefault(one.disclosure, set()).add(one.recipient)
        return [
            Irregularity("acknowledgement.foreign", one.index, one.time_us, self._case.name_of(one.by))
            for name, names in sorted(recipients.items())
            for one in self._answers.get(name, ())
            if one.kind == "acknowledged" and self._case.name_of(one.by) not in names
        ]

    def _after(self, disclosure: Disclosure) -> Iterable[Answer]:
        case, begun = self._case, max(disclosure.index, self._case.first_issued)
        for one in self._answers.get(disclosure.disclosure, ()):
            if one.index > begun and case.believes(one.by, one.time_us):
                yield one

    def _settles(self, one: Answer, disclosure: Disclosure) -> bool:
        if one.kind == "acknowledged":
            return self._case.name_of(one.by) == disclosure.recipient
        return one.kind == "unreachable" and one.justification != ""


def ask(case: Case, records: Mapping[int, int], tally: Tally) -> Told:
    """Who has not been told (`recipient.not_notified`), and who keeps silent (`recipient.silent`).

    Counted as `recipients_silent` are disclosures, in the gaps the records that they were of.
    """
    said = Answers(case, records)
    untold: Counter[str] = Counter()
    silent: Counter[str] = Counter()
    for one in said.disclosures:
        if said.notice(one) is None and not said.is_justified(one):
            untold[one.recipient] += records[one.index]
        if said.answer(one) is None:
            silent[one.recipient] += records[one.index]
            tally.add("recipients_silent", [one.disclosure], "", one.index)
    gaps = [Gap("recipient.not_notified", name, n) for name, n in sorted(untold.items())]
    gaps += [Gap("recipient.silent", name, n) for name, n in sorted(silent.items())]
    signed = bool(said.disclosures) and all(map(said.is_signed, said.disclosures))
    return Told(tuple(gaps), tuple(said.foreign()), signed)


def time_notices(
    case: Case, records: Mapping[int, int], deadline: int, tally: Tally
) -> tuple[list[Irregularity], int]:
    """Count when the notices were given (`notified_…`). `notice.late`, and `notice.backdated` where it is
    said to have been in time. Besides, the entry of the last one, -1 without any."""
    said = Answers(case, records)
    late: dict[int, Irregularity] = {}
    last_act = -1
    for one in said.disclosures:
        notice = said.notice(one)
        if notice is None:
            continue
        last_act = max(last_act, notice.index)
        timing: Timing = case.clock.timing(notice.index, notice.time_us, deadline)
        tally.add(f"notified_{timing}", [one.disclosure], "", one.index)
        if timing == "late":
            deadline_us = deadline * SECOND_US
            rule = "notice.backdated" if notice.claimed_us <= deadline_us else "notice.late"
            days_late = -(-(notice.time_us - deadline_us) // DAY_US)
            before = late[notice.index].copies if notice.index in late else 0
            late[notice.index] = Irregularity(
                rule,
                notice.index,
                notice.time_us,
                case.name_of(notice.by),
                copies=before + records[one.index],
                days_late=days_late,
            )
    return [late[index] for index in sorted(late)], last_act
