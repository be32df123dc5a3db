"""Trust: what the order lets a reader believe — which log, which witnesses and assessors, and for how long.

The order is found under the authority's key, which the reader brings. Nothing else in a bundle says whom to
trust.
"""

from collections.abc import Sequence

from projections.docket import Docket, IssuedOrder
from projections.order import Order, order_hash
from projections.runners import wording
from projections.runners.outcome import Outcome
from projections.runners.source import Source
from projections.statement import Statement
from projections.status import governing
from signing.checkpoint import Checkpoint, verify_checkpoint
from signing.encoding import encode_base64
from signing.errors import ProofError
from signing.keys import parse_vkey
from signing.note import Note, signatures_of
from signing.policy import Policy, cosigned_at, quorum_time

CLOCK_TOLERANCE_S = 300
"""How far a statement, or the witnesses, may be ahead of the reader's clock."""


def find_issued(docket: Docket, statement: Statement, authority: str | None) -> IssuedOrder:
    """The order that the statement is about, under the authority's key; ProofError says what there
    is instead."""
    orders: Sequence[IssuedOrder] = docket.orders
    if authority is not None:
        orders = tuple(one for one in orders if docket.posters[one.by].vkey == authority)
        if not orders:
            raise ProofError(_nobodys(docket, authority))
    same = [one for one in orders if one.order.id == statement.order.id]
    if not same:
        signed = ", ".join(sorted({one.order.id for one in orders})) or "none"
        raise ProofError(
            f"the statement is about the order {statement.order.id}; orders by this key: {signed}"
        )
    # What did not count yet did not govern; of an order that no witness had seen, the log is all there is.
    counted = [one for one in same if one.index < statement.counted]
    issued = governing(counted or same, statement.as_of)
    assert issued is not None
    check_reference(issued.order, statement)
    return issued


def check_reference(order: Order, statement: Statement) -> None:
    """The statement is about this order, word for word."""
    said = statement.order
    if said.id != order.id or said.version != order.version:
        raise ProofError(
            f"the statement is about {said.id} version {said.version}; the order in force is {order.id} "
            f"version {order.version}"
        )
    if said.hash != encode_base64(order_hash(order)):
        raise ProofError(
            f"the statement is about other words than those of the order {order.id}: its hash differs"
        )


def foreign_orders(docket: Docket, authority: str | None) -> list[str]:
    """Orders under other keys, which have no effect."""
    if authority is None:
        return []
    return [
        f"entry {one.index}: an order {one.order.id} by another key, {docket.posters[one.by].vkey}: no effect"
        for one in docket.orders
        if docket.posters[one.by].vkey != authority
    ]


def other_orders(docket: Docket, issued: IssuedOrder) -> list[str]:
    """Further orders under the same key, in their last versions, and the versions yet to govern this one."""
    mine = [one for one in docket.orders if one.by == issued.by]
    last = {one.order.id: one for one in sorted(mine, key=lambda one: one.order.version)}
    lines = [
        f"entry {one.index}: {one.order.id} version {one.order.version} is another order by this key: "
        "nothing here is about it"
        for one in last.values()
        if one.order.id != issued.order.id
    ]
    return lines + [
        f"entry {one.index}: version {one.order.version} of {one.order.id} takes effect at "
        f"{wording.moment(one.governs_s)}: it is not judged here"
        for one in mine
        if one.order.id == issued.order.id and one.order.version > issued.order.version
    ]


def unchecked(source: Source) -> list[str]:
    """What stands in a bundle for people, and is compared with nothing."""
    pages = [name for name in ("report.html", "README.txt") if source.has(name)]
    says = "says" if len(pages) == 1 else "say"
    return [f"what {' and '.join(pages)} in the bundle {says}: read this instead"] if pages else []


def check_log(outcome: Outcome, order: Order, note: Note) -> Checkpoint:
    """The checkpoint is signed by the log that the order names."""
    key = parse_vkey(order.trust.log_vkey)
    checkpoint = verify_checkpoint(note, key)
    outcome.keys.append(f"log {order.trust.log_vkey}, named in the order")
    outcome.checked.append(f"the checkpoint of {checkpoint.size:,} entries is signed by that log")
    return checkpoint


def witnessed_at(outcome: Outcome, order: Order, note: Note) -> int | None:
    """When the order's witnesses had cosigned this checkpoint: Unix seconds, or None without a quorum."""
    policy = order.trust.policy()
    time_s = quorum_time(policy, note)
    named = cosigners(outcome, policy, note)
    if time_s is not None:
        outcome.attested.append(
            f"witnesses named in the order ({', '.join(named)}): they saw these entries and no others, "
            f"at {wording.moment(time_s)} at the latest"
        )
    elif policy.quorum == "none":
        whose = "what time-stamps do not prove is" if order.trust.roots else "when anything happened is"
        outcome.exceptions.append(f"the order asks for no witnesses: {whose} the operator's word")
    else:
        outcome.exceptions.append(
            "the checkpoint lacks the cosignatures of the witnesses that the order names"
        )
    return time_s


def cosigners(outcome: Outcome, policy: Policy, note: Note) -> list[str]:
    """The policy's witnesses who cosigned a checkpoint, by name. A false line in the name of one counts for
    nothing, and is listed."""
    claimed = [witness.key for witness in policy.witnesses if signatures_of(note, witness.key)]
    cosigned = [key.name for key in claimed if cosigned_at(note, key) is not None]
    outcome.exceptions += [
        f"the cosignature of the witness {key.name} on the checkpoint is false: it counts for nothing"
        for key in claimed
        if key.name not in cosigned
    ]
    return cosigned


def check_age(outcome: Outcome, order: Order, statement: Statement, now: int, seen_s: int | None) -> None:
    """The statement is not too old, nor is what it looked at. `seen_s`: when witnesses last saw the log."""
    most_s = order.trust.max_statement_age_s
    outcome.age_s = now - statement.as_of
    if outcome.age_s < -CLOCK_TOLERANCE_S:
        raise ProofError(f"the statement is as of {wording.moment(statement.as_of)}, which is yet to come")
    if outcome.age_s > most_s:
        raise ProofError(
            f"the statement is as of {wording.moment(statement.as_of)}, {_span(outcome.age_s)} ago; "
            "the order accepts "
            f"{_span(most_s)}: what happened since is not in it, ask for a new one"
        )
    if seen_s is not None and seen_s - now > CLOCK_TOLERANCE_S:
        raise ProofError(f"the witnesses' clocks say {wording.moment(seen_s)}, which is yet to come")
    if seen_s is not None and now - seen_s > most_s:
        raise ProofError(
            f"the witnesses last saw this log at {wording.moment(seen_s)}, {_span(now - seen_s)} ago; "
            "the order accepts "
            f"{_span(most_s)}: later entries may have been left out, ask for a new bundle"
        )
    outcome.checked.append(
        f"the statement is as of {wording.moment(statement.as_of)}, {_span(outcome.age_s)} old (at "
        f"most {_span(most_s)})"
    )


def _nobodys(docket: Docket, authority: str) -> str:
    others = [f"{one.order.id} (entry {one.index}) by {docket.posters[one.by].vkey}" for one in docket.orders]
    rest = f"; {len(others)} signed by other keys: {', '.join(others)}" if others else ""
    return f"no order in this log is signed by {authority}{rest}"


def _span(seconds: int) -> str:
    seconds = max(seconds, 0)
    for unit, name in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= unit:
            count = seconds // unit
            return f"{count} {name}{'' if count == 1 else 's'}"
    return f"{seconds} seconds"
