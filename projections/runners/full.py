"""A full bundle: every entry is there, so everything is replayed and nobody is believed."""

from typing import Final

from msgspec import Struct

from projections.docket import IssuedOrder
from projections.runners import members, recency, trust, wording
from projections.runners.assessed import tell_assessors
from projections.runners.held import Held, check_held, watched
from projections.runners.offline import Replayed, replay
from projections.runners.outcome import Outcome
from projections.runners.progress import Progress
from projections.runners.resuming import Resuming, told
from projections.runners.rules import rules_hash
from projections.runners.shelf import MOST_HELD
from projections.runners.source import Source, ZipSource
from projections.runners.usage import require_unused
from projections.statement import Statement, parse_statement
from projections.stating import Stated, state
from signing.errors import ProofError
from signing.keys import parse_vkey
from signing.note import Note, parse_note, signatures_of, verify_note
from signing.policy import Policy

OTHER_RULES: Final = (
    ". It was made under other rules than this program's, by another version of Writ: ask for a new one, or "
    "for the version that made it"
)


class Request(Struct, frozen=True, kw_only=True):
    """What the reader brings: the authority's key, the time, what he holds from before; of a record's bundle
    the log's key, and whom to believe as witnesses."""

    authority: str | None
    now: int
    log_vkey: str | None = None
    policy: Policy | None = None
    held: tuple[Held, ...] = ()
    workers: int | None = None
    most_held: int | None = MOST_HELD
    progress: Progress | None = None
    resuming: Resuming | None = None


def require_order_s_word(request: Request) -> None:
    """The order names the log's key and its witnesses: nobody else's are asked."""
    for option, brought in (("--log", request.log_vkey), ("--policy", request.policy)):
        why = "an order's bundle is checked against the log and the witnesses that it names"
        require_unused(option, brought, why, f"leave out {option}, and give --authority")


def require_one_go(request: Request, what: str) -> None:
    """What takes seconds is not kept."""
    require_unused("--resume", request.resuming, f"{what} is checked in one go", "leave out --resume")


def verify_full(source: ZipSource, request: Request, outcome: Outcome) -> None:
    """Verify a bundle with all entries, and fill in the outcome. ProofError says what is wrong."""
    note = parse_note(source.read("statement"))
    statement = parse_statement(note.text)
    require_order_s_word(request)
    replayed = replay(
        source,
        workers=request.workers,
        progress=request.progress,
        watched=watched(request.held),
        most_held=request.most_held,
        resuming=request.resuming,
    )
    members.check_full(source.paths, replayed.audited.checkpoint.size)
    outcome.checked.append(_replayed(replayed))
    if replayed.begun:
        outcome.checked.append(f"of these, {told(replayed.begun)}")
    outcome.exceptions += [
        f"entry {again}: the same source and id as entry {first}" for first, again in replayed.repeats
    ]
    outcome.exceptions += trust.foreign_orders(replayed.fold.docket, request.authority)
    issued = trust.find_issued(replayed.fold.docket, statement, request.authority)
    outcome.exceptions += trust.other_orders(replayed.fold.docket, issued)
    outcome.exceptions += wording.correction_lines(replayed.fold.docket)
    _name_order(outcome, request, replayed, issued)
    trust.check_log(outcome, issued.order, replayed.note)
    seen_s = recency.seen_at(outcome, issued, statement, replayed)
    recency.check_clock(issued, replayed)
    outcome.checked += check_held(request.held, replayed, parse_vkey(issued.order.trust.log_vkey))
    stated = restate(statement, issued, replayed)
    outcome.checked.append("replaying the log gives this statement, byte for byte")
    _check_signatures(outcome, issued, replayed, note, source)
    trust.check_age(outcome, issued.order, statement, request.now, seen_s)
    recency.check_uncounted(outcome, issued, statement, replayed, request.now)
    outcome.exceptions += [wording.exception_line(one) for one in stated.judgment.listed]
    outcome.statement = statement
    outcome.not_proven += trust.unchecked(source) + wording.unproven_lines(statement)


def _replayed(replayed: Replayed) -> str:
    audited = replayed.audited
    return (
        f"{audited.checkpoint.size:,} entries: every hash and chain link, the tree and its tiles, the "
        "roots of "
        f"{len(audited.sources)} source logs, {audited.submissions:,} signatures, and whether each "
        "key was valid and its "
        f"role allowed each of {audited.events:,} events"
    )


def _name_order(outcome: Outcome, request: Request, replayed: Replayed, issued: IssuedOrder) -> None:
    signer = replayed.fold.docket.posters[issued.by].vkey
    outcome.order = issued.order.id
    outcome.authority = request.authority
    if request.authority is not None:
        outcome.keys.append(f"authority {request.authority}, given by you")
        outcome.checked.append(f"the order at entry {issued.index} is signed by that authority")
    else:
        outcome.exceptions.append(
            f"no --authority was given: whether {signer}, which signed the order, is the authority's key, "
            "is the operator's word"
        )


def restate(statement: Statement, issued: IssuedOrder, replayed: Replayed) -> Stated:
    """What a log gives at the size and moment of a statement; ProofError names where they differ."""
    recorded = replayed.recorded_by(statement.as_of) if statement.provisional else None
    stated = state(
        replayed.fold,
        replayed.audited.checkpoint,
        issued,
        as_of=statement.as_of,
        rules=rules_hash(),
        recorded=recorded,
        states=replayed.fold.digests(),
    )
    if stated.statement != statement:
        found = "; ".join(differences(statement, stated.statement))
        hint = "" if statement.rules == stated.statement.rules else OTHER_RULES
        raise ProofError(f"the statement is not what the log gives: {found}{hint}")
    return stated


def differences(stated: object, found: object, path: str = "") -> list[str]:
    """The fields in which a statement differs from what replay found, at most ten."""
    if isinstance(stated, Struct) and type(stated) is type(found):
        names = stated.__struct_fields__
        pairs = [
            (f"{path}.{name}" if path else name, getattr(stated, name), getattr(found, name))
            for name in names
        ]
    elif isinstance(stated, dict) and isinstance(found, dict):
        names = tuple(sorted({*stated, *found}))
        pairs = [
            (f"{path}.{name}", stated.get(name, "nothing"), found.get(name, "nothing")) for name in names
        ]
    elif isinstance(stated, tuple) and isinstance(found, tuple) and len(stated) == len(found):
        pairs = [
            (f"{path}[{at}]", one, other) for at, (one, other) in enumerate(zip(stated, found, strict=True))
        ]
    elif stated != found:
        return [f"{path} says {_short(stated)}, the log gives {_short(found)}"]
    else:
        return []
    lines = [line for where, one, other in pairs for line in differences(one, other, where)]
    return lines[:10]


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _check_signatures(
    outcome: Outcome, issued: IssuedOrder, replayed: Replayed, note: Note, source: Source
) -> None:
    """Signatures on the statement: none is needed here, and none may be false."""
    operators = [key for key in replayed.audit.registry.keys.values() if key.role == "operator"]
    for operator in operators:
        if signatures_of(note, operator.verifier):
            verify_note(note, operator.verifier)
            outcome.attested.append(f"the operator's key {operator.name}, which signed the statement")
    tell_assessors(outcome, issued.order, note, source)
