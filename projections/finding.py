"""A finding: what was found of one obligation, with all that stands behind it."""

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

Verdict = Literal["carried_out", "outstanding", "cannot_be_proved", "breached"]
Level = Literal["E0", "E1", "E2", "E3", "E4"]
Word = Literal["nobody", "controller", "assessor", "authority"]

# From best to worst (DOMAIN §5). Before the deadline what cannot be proved yet is merely outstanding.
PRECEDENCE: tuple[Verdict, ...] = ("carried_out", "outstanding", "cannot_be_proved", "breached")


class Gap(Struct, frozen=True, omit_defaults=True):
    """Something without which the obligation is not shown to be carried out. `rule` says what.

    `until`: Unix seconds at which it ends by itself, where that is known.
    """

    rule: str
    subject: str = ""
    copies: int = 0
    until: int = 0


class Irregularity(Struct, frozen=True, omit_defaults=True):
    """An exception to list: an entry that had no effect, came late, or tells against the poster."""

    rule: str
    index: int
    time_us: int
    by: str
    store: str = ""
    copies: int = 0
    days_late: int = 0


class Probed(Struct, frozen=True):
    """Somebody looked in a store for exactly what was erased from it under the order (`checked` copies), or
    found some of it. Of the control he found so many."""

    entry: int
    time_us: int
    by: str
    assessor: bool
    checked: int
    found: int
    control: int


class StoreCoverage(Struct, frozen=True):
    """Whether somebody looked into a declared store after its last erasure, who, how, and what he found.

    `looked` is false when nobody did since; then the rest says nothing. `ledger_count` is the ledger's own
    number of copies at the place in the log (`begun`) where the inventory stands; its moment lies between
    there and `ended`. `attested` is its own entry, recorded at `time_us`. `orphans` and `missing` are the
    handles that it names, where they are the whole difference.

    `evidence` is what stands behind all that is said of the store; `probe` the probe that counts.
    """

    store: str
    looked: bool
    agrees: bool = False
    assessor: bool = False
    begun: int = 0
    by: str = ""
    count: int = 0
    ledger_count: int = 0
    ended: int = 0
    attested: int = 0
    time_us: int = 0
    method: str = ""
    orphans: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    evidence: Level = "E0"
    probe: Probed | None = None


class OutOfScope(Struct, frozen=True, order=True):
    """Copies that the order does not reach, by the basis that took them out and whose word that is."""

    basis: str
    by: str
    copies: int


class Finding(Struct, frozen=True):
    """One obligation's verdict. Counts are counts of copies; `deadline` is in Unix seconds.

    `last_act` is the last entry that did what the obligation asks for, -1 while there is none: whoever
    vouches for it must have seen that one.
    """

    obligation: str
    type: str
    verdict: Verdict
    deadline: int
    evidence: Level
    word: Word
    counts: dict[str, int]
    digests: dict[str, bytes]
    coverage: tuple[StoreCoverage, ...]
    gaps: tuple[Gap, ...]
    irregularities: tuple[Irregularity, ...]
    out_of_scope: tuple[OutOfScope, ...]
    last_act: int = -1


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict that decides: the order takes the worst of its obligations."""
    return max(verdicts, key=PRECEDENCE.index)


def lowest(levels: Iterable[Level]) -> Level:
    """A chain of evidence is as strong as its weakest link; no links, no strength."""
    return min(levels, default="E0")
