"""The statement: a verdict as the text of a signed note, the same bytes for everyone who replays the log.

Format: docs/spec/statement.md. A pure function of the entries below `size`, the order, `as_of` and the rules.
"""

from collections import Counter
from typing import Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType

from projections.case import Case
from projections.finding import Finding, Level, OutOfScope, Probed, StoreCoverage, Verdict, Word
from projections.fold import StateDigest
from projections.moments import SECOND_US
from projections.order import order_hash
from projections.status import Status
from projections.verdict import Judgment
from signing.canonical import parse_canonical
from signing.encoding import encode_base64
from signing.errors import FormatError

HEADER = "writ/statement/v1\n"


class Log(Struct, frozen=True, forbid_unknown_fields=True):
    """The log that was judged: all entries below `size`, whose tree has this root (base64)."""

    origin: str
    root: str
    size: int


class OrderReference(Struct, frozen=True, forbid_unknown_fields=True):
    """Which order, and by SHA-256 of its canonical JSON (base64) exactly which words."""

    hash: str
    id: str
    version: int


class Projection(Struct, frozen=True, forbid_unknown_fields=True):
    """The state that the judgment was read from: the digest (base64) of its rows after all `size` entries."""

    digest: str
    name: str
    rows: int
    version: int


class StoreProbe(Struct, frozen=True, forbid_unknown_fields=True):
    """Who looked in a store for what was erased from it, in which entry, recorded when (Unix seconds, begun),
    for how many, and how many of these and of the control he found. `level` as of a look."""

    at: int
    by: str
    checked: int
    control: int
    entry: int
    found: int
    level: Level


class StoreLook(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A declared store, and the evidence behind all that is said of it; if anybody looked into it since its
    last erasure, who, where in the log and when (Unix seconds, begun), how, and whether his count and digest
    agree with the ledger's. `level`: E3 for an assessor of the order, else E2."""

    agrees: bool | UnsetType = UNSET
    at: int | UnsetType = UNSET
    attested: int | UnsetType = UNSET
    begun: int | UnsetType = UNSET
    by: str | UnsetType = UNSET
    count: int | UnsetType = UNSET
    evidence: Level
    ledger_count: int | UnsetType = UNSET
    level: Level | UnsetType = UNSET
    looked: bool
    method: str | UnsetType = UNSET
    missing: int | UnsetType = UNSET
    orphans: int | UnsetType = UNSET
    probe: StoreProbe | UnsetType = UNSET
    store: str


class Reason(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A rule that stands in the way, what it speaks of, and how many copies it concerns.

    `until`: Unix seconds at which it ends by itself; left out where that is not known.
    """

    copies: int
    rule: str
    subject: str
    until: int = 0


class ObligationStatement(Struct, frozen=True, forbid_unknown_fields=True):
    """One obligation. `counts` count copies; `exceptions` count listed entries by rule; `digests` base64."""

    counts: dict[str, int]
    deadline: int
    digests: dict[str, str]
    evidence: Level
    exceptions: dict[str, int]
    gaps: tuple[Reason, ...]
    id: str
    out_of_scope: tuple[OutOfScope, ...]
    stores: tuple[StoreLook, ...]
    type: str
    verdict: Verdict
    word: Word


class Statement(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The whole statement. `verdict` stands only while the order is in force, else `would_be`."""

    as_of: int
    counted: int
    evidence: Level
    log: Log
    obligations: tuple[ObligationStatement, ...]
    order: OrderReference
    projections: tuple[Projection, ...]
    provisional: Literal[True] | UnsetType = UNSET
    rules: str
    status: Status
    verdict: Verdict | UnsetType = UNSET
    word: Word
    would_be: Verdict | UnsetType = UNSET


_encoder = msgspec.json.Encoder(order="sorted")
_decoder = msgspec.json.Decoder(Statement)


def make_statement(
    case: Case,
    judgment: Judgment,
    *,
    log: Log,
    states: tuple[StateDigest, ...],
    rules: str,
    provisional: bool,
) -> Statement:
    """Put a judgment into words that can be signed. `rules` is the hash (hex) of the rules that judged."""
    in_force = judgment.status == "in_force"
    return Statement(
        as_of=case.as_of,
        counted=case.size,
        evidence=judgment.evidence,
        log=log,
        obligations=tuple(_obligation(one) for one in judgment.findings),
        order=OrderReference(encode_base64(order_hash(case.order)), case.order.id, case.order.version),
        projections=tuple(Projection(encode_base64(s.digest), s.name, s.rows, s.version) for s in states),
        provisional=True if provisional else UNSET,
        rules=rules,
        status=judgment.status,
        verdict=judgment.verdict if in_force else UNSET,
        word=judgment.word,
        would_be=UNSET if in_force else judgment.verdict,
    )


def format_statement(statement: Statement) -> str:
    """The note text: header line, then one line of canonical JSON."""
    return HEADER + _encoder.encode(statement).decode() + "\n"


def parse_statement(text: str) -> Statement:
    """Read a note text, accepting only what `format_statement` writes."""
    if not text.startswith(HEADER):
        raise FormatError(f"not a statement: its first line is not {HEADER.strip()!r}")
    line = text[len(HEADER) :].removesuffix("\n").encode()
    try:
        statement = _decoder.decode(line)
        parse_canonical(line)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"statement: {error}") from error
    if format_statement(statement) != text:
        raise FormatError("statement is not in canonical form")
    _check_fields(statement)
    return statement


def _check_fields(statement: Statement) -> None:
    stated, other = statement.verdict, statement.would_be
    if statement.status != "in_force":
        stated, other = other, stated
    if stated is UNSET or other is not UNSET:
        raise FormatError("statement: `verdict` stands in force alone, else `would_be`")
    if not 0 <= statement.counted <= statement.log.size:
        raise FormatError("statement: it counts other entries than the log has")


def _obligation(finding: Finding) -> ObligationStatement:
    rules = Counter(one.rule for one in finding.irregularities)
    return ObligationStatement(
        counts=finding.counts,
        deadline=finding.deadline,
        digests={name: encode_base64(digest) for name, digest in finding.digests.items()},
        evidence=finding.evidence,
        exceptions=dict(rules),
        gaps=tuple(Reason(gap.copies, gap.rule, gap.subject, gap.until) for gap in finding.gaps),
        id=finding.obligation,
        out_of_scope=finding.out_of_scope,
        stores=tuple(_look(one) for one in finding.coverage),
        type=finding.type,
        verdict=finding.verdict,
        word=finding.word,
    )


def _look(one: StoreCoverage) -> StoreLook:
    probe = UNSET if one.probe is None else _probe(one.probe)
    if not one.looked:
        return StoreLook(evidence=one.evidence, looked=False, probe=probe, store=one.store)
    return StoreLook(
        agrees=one.agrees,
        at=one.time_us // SECOND_US,
        attested=one.attested,
        begun=one.begun,
        by=one.by,
        count=one.count,
        evidence=one.evidence,
        ledger_count=one.ledger_count,
        level=_worth(one.assessor),
        looked=True,
        method=one.method,
        missing=len(one.missing) or UNSET,
        orphans=len(one.orphans) or UNSET,
        probe=probe,
        store=one.store,
    )


def _probe(one: Probed) -> StoreProbe:
    return StoreProbe(
        one.time_us // SECOND_US, one.by, one.checked, one.control, one.entry, one.found, _worth(one.assessor)
    )


def _worth(assessor: bool) -> Level:
    return "E3" if assessor else "E2"
