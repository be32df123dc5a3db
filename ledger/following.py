"""Following: one look at one log, from outside. It asks the network and decides; nothing is stored here.

A look says what is wrong, of which kinds it could judge, and what is to be kept.
"""

from typing import Final
from urllib.error import HTTPError
from urllib.parse import quote

import msgspec
from msgspec import UNSET, Struct, UnsetType

from ledger.follow_config import FollowedLog
from ledger.growth import Signed, find_fork, open_signed
from projections.runners.source import Missing, Source, UrlSource
from projections.runners.tiles import TileReader
from projections.runners.timed import fetch
from projections.runners.wording import moment
from signing.errors import FormatError, ProofError
from signing.fork import Fork
from signing.tiles import consistency_from_tiles, tiles_for_consistency

TOTAL_S: Final = 60.0
TIMEOUT_S: Final = 20.0
MAX_STATUS_BYTES: Final = 64 << 20
FINAL_KINDS: Final = frozenset({"fork"})
"""What no later look undoes."""


class Found(Struct, frozen=True):
    """One thing that is wrong. `subject` tells it from others of its kind."""

    kind: str
    what: str
    subject: str = ""


class Known(Struct, frozen=True):
    """What is known of a log before a look."""

    head: Signed | None
    cosigned_size: int
    """Of the last checkpoint that our witness key cosigned; 0 for none."""


class Look(Struct, kw_only=True):
    """What a look came to."""

    shown: Signed | None = None
    continues: bool = False
    """Whether it was proved that `shown` continues the head, and is not smaller."""
    fork: Fork | None = None
    witness_proof: tuple[bytes, ...] | None = None
    """From the size cosigned last to `shown`."""
    trouble: str = ""
    """Why the log could not be looked at."""
    found: list[Found] = msgspec.field(default_factory=list)
    judged: set[str] = msgspec.field(default_factory=set)
    """The kinds that this look could judge."""
    orders: dict[str, "OrderLook"] = msgspec.field(default_factory=dict)


class OrderLook(Struct, frozen=True):
    """What the service says of an order: what of it is overdue, or why it said nothing."""

    missed: str = ""
    trouble: str = ""


class _Obligation(Struct):
    deadline: int
    id: str
    verdict: str


class _Statement(Struct):
    obligations: tuple[_Obligation, ...]
    verdict: str | UnsetType = UNSET


class _Status(Struct):
    headline: str
    statement: _Statement


def look(log: FollowedLog, token: str | None, known: Known, now_s: int) -> Look:
    """Look at a log's checkpoint and at its orders."""
    source = UrlSource(log.url, token, total_s=TOTAL_S)
    seen = look_at_checkpoint(source, log, known)
    for order in log.orders:
        seen.orders[order] = look_at_order(log, token, order, now_s)
    return seen


def look_at_checkpoint(source: Source, log: FollowedLog, known: Known) -> Look:
    """Fetch the checkpoint and compare it with the greatest one before."""
    seen = Look()
    try:
        raw = source.read("checkpoint")
    except (OSError, Missing) as error:
        seen.trouble = str(error)
        return seen
    except FormatError as error:
        return _unsigned(seen, str(error))
    try:
        seen.shown = open_signed(raw, log.key)
    except (FormatError, ProofError) as error:
        return _unsigned(seen, str(error))
    seen.judged.add("unsigned")
    try:
        _compare(source, seen, known, seen.shown)
    except OSError as error:
        seen.trouble = str(error)
    return seen


def look_at_order(log: FollowedLog, token: str | None, order: str, now_s: int) -> OrderLook:
    """Ask how an order stands: on the operator's word, for nothing is proved here."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    url = f"{log.url.rstrip('/')}/orders/{quote(order, safe='')}"
    try:
        raw = fetch(url, headers, MAX_STATUS_BYTES, timeout_s=TIMEOUT_S, total_s=TOTAL_S)
        status = msgspec.json.decode(raw, type=_Status)
    except HTTPError as error:
        with error:
            return OrderLook(trouble=f"the service answers {error.code} {error.reason}")
    except (OSError, ValueError, RecursionError) as error:
        return OrderLook(trouble=str(error))
    return OrderLook(missed=missed_deadlines(status, now_s))


def missed_deadlines(status: _Status, now_s: int) -> str:
    """What is overdue, in words; empty when nothing is, or when the order is not in force."""
    if status.statement.verdict is UNSET:
        return ""
    overdue = [
        f"{one.id} is {one.verdict} after its deadline, {moment(one.deadline)}"
        for one in status.statement.obligations
        if one.verdict != "carried_out" and 0 < one.deadline < now_s
    ]
    return "; ".join(overdue)


def _unsigned(seen: Look, why: str) -> Look:
    seen.judged.add("unsigned")
    seen.found.append(Found("unsigned", f"what it shows is no checkpoint that the log signed: {why}"))
    return seen


def _compare(source: Source, seen: Look, known: Known, shown: Signed) -> None:
    head = known.head
    if head is None:
        seen.continues = True
    else:
        older, newer = (shown, head) if shown.size < head.size else (head, shown)
        try:
            seen.fork = find_fork(TileReader(source, newer.size), older, newer)
        except ProofError as error:
            if newer is shown:
                seen.judged.add("unproved")
                what = f"nothing shows that size {shown.size} continues size {head.size}: {error}"
                seen.found.append(Found("unproved", what))
                return
        if seen.fork is not None:
            what = f"it signed size {older.size} and size {newer.size}, which can't both be true"
            seen.found.append(Found("fork", what))
            return
        seen.judged |= {"unproved", "rollback"}
        if newer is not shown:
            what = f"it shows size {shown.size}, but it signed size {head.size} before"
            seen.found.append(Found("rollback", what))
            return
        seen.continues = True
    seen.judged |= {"unproved", "rollback"}
    seen.witness_proof = _proof(source, known.cosigned_size, shown.size)


def _proof(source: Source, old_size: int, size: int) -> tuple[bytes, ...] | None:
    if old_size in (0, size):
        return ()
    if old_size > size:
        return None
    reader = TileReader(source, size)
    try:
        tiles = {tile: reader.read(tile) for tile in tiles_for_consistency(old_size, size)}
    except (ProofError, FormatError):
        return None
    return tuple(consistency_from_tiles(old_size, size, tiles))
