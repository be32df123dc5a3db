"""Recipients: who was told to erase what was disclosed to him, and what he answered (GDPR Art. 19).

Every disclosure of a record in scope must be notified after the order and acknowledged, or justified (DOMAIN
§5). Only what is posted under the recipient's own name acknowledges. What was said of a disclosure before it
took place, or before there was an order, says nothing of its being carried out. Silence is never a breach:
outstanding, then `cannot_be_proved`.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping
from operator import attrgetter
from typing import Final, Literal

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
_Kind = Literal["notified", "acknowledged", "justified", "signed", "unreachable"]
_RECIPIENT_S: Final[frozenset[_Kind]] = frozenset({"acknowledged", "justified", "signed"})
"""What counts from the recipient alone: its acknowledgement, one with a justification, one under its key."""


class Answers:
    """What was said about the disclosures in scope, each one's answers in log order."""

    def __init__(self, case: Case, records: Mapping[int, int]) -> None:
        """`records`: how many in scope each disclosure was of, by its entry."""
        self._case = case
        self.records = records
        self.disclosures = [one for one in case.docket.sharing.disclosures if one.index in records]
        self._answers: dict[str, list[Answer]] = {}
        self._counting: dict[tuple[str, _Kind, str], list[Answer]] = {}
        for one in case.docket.sharing.answers:
            if one.index < case.size:
                self._answers.setdefault(one.disclosure, []).append(one)
                for kind, by in self._kinds(one) if case.believes(one.by, one.time_us) else ():
                    self._counting.setdefault((one.disclosure, kind, by), []).append(one)

    def notice(self, disclosure: Disclosure) -> Answer | None:
        """The first notice that counts."""
        return self._first(disclosure, "notified")

    def answer(self, disclosure: Disclosure) -> Answer | None:
        """What settles it: the recipient's acknowledgement, or a justification."""
        kinds = (self._first(disclosure, kind) for kind in ("acknowledged", "unreachable"))
        return min(filter(None, kinds), key=attrgetter("index"), default=None)

    def is_justified(self, disclosure: Disclosure) -> bool:
        """Whether somebody answers for its being kept, or for nobody's being told."""
        return any(self._first(disclosure, kind) for kind in ("justified", "unreachable"))

    def is_signed(self, disclosure: Disclosure) -> bool:
        """Whether the recipient itself answered, under a key of its own."""
        return self._first(disclosure, "signed") is not None

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

    def _first(self, disclosure: Disclosure, kind: _Kind) -> Answer | None:
        """The first of a kind that counts: after the disclosure, and after the order."""
        by = disclosure.recipient if kind in _RECIPIENT_S else ""
        found = self._counting.get((disclosure.disclosure, kind, by), [])
        begun = max(disclosure.index, self._case.first_issued)
        at = bisect_right(found, begun, key=attrgetter("index"))
        return found[at] if at < len(found) else None

    def _kinds(self, one: Answer) -> Iterator[tuple[_Kind, str]]:
        """What a believable word counts as, each with whose it is, where that matters."""
        by = self._case.name_of(one.by)
        if one.kind == "acknowledged":
            yield "acknowledged", by
            if one.justification:
                yield "justified", by
            if self._case.docket.posters[one.by].vkey is not None:
                yield "signed", by
        elif one.kind == "notified" or one.justification:
            yield one.kind, ""


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
