"""Stating: from a folded log and an order to the statement that everybody who folds it must reach."""

from msgspec import Struct

from projections.case import Case
from projections.clock import read_clock
from projections.docket import IssuedOrder
from projections.fold import Fold, StateDigest
from projections.statement import Log, Statement, make_statement
from projections.status import governing
from projections.verdict import Judgment, judge
from signing.checkpoint import Checkpoint
from signing.encoding import encode_base64


class Stated(Struct, frozen=True):
    """A statement, the judgment with all the findings that it sums up, and the case that was judged."""

    statement: Statement
    judgment: Judgment
    case: Case


def find_order(
    fold: Fold,
    order_id: str,
    version: int | None,
    vkey: str | None,
    *,
    as_of: int,
    size: int | None = None,
) -> IssuedOrder | None:
    """The version of an order that governs at `as_of`, of those below `size`, under the key given if any.

    Without a size, the one that governs among all that its own witnesses had seen by then. Where that leaves
    none, of all that the log holds: that an order is known at all waits for no witness.
    """
    found = [
        issued
        for issued in fold.docket.orders
        if issued.order.id == order_id
        and version in (None, issued.order.version)
        and vkey in (None, fold.docket.posters[issued.by].vkey)
    ]
    if size is None:
        return _vouched(fold, found, as_of) or governing(found, as_of)
    return governing([one for one in found if one.index < size] or found, as_of)


def _vouched(fold: Fold, versions: list[IssuedOrder], as_of: int) -> IssuedOrder | None:
    """The version that governs below the very size that its own witnesses vouch for, as a verifier has it."""
    for one in sorted(versions, key=lambda one: (one.order.version, one.index), reverse=True):
        size = counted_size(fold, one, as_of)
        if one.index < size and governing([v for v in versions if v.index < size], as_of) is one:
            return one
    return None


def counted_size(fold: Fold, issued: IssuedOrder, as_of: int) -> int:
    """How many entries count at `as_of`: those that the order's witnesses had seen by then; 0
    without a quorum."""
    return read_clock(fold.docket.anchors, issued.order.trust).counted_size(as_of)


def state(
    fold: Fold,
    checkpoint: Checkpoint,
    issued: IssuedOrder,
    *,
    as_of: int,
    rules: str,
    recorded: int | None = None,
    states: tuple[StateDigest, ...] | None = None,
) -> Stated:
    """The statement on an order over a log folded up to `checkpoint`.

    `recorded`, if given, makes it provisional: so many entries were recorded at or before `as_of`. `states`
    are the fold's digests, where they are known already.
    """
    size = counted_size(fold, issued, as_of) if recorded is None else recorded
    case = Case(fold.held, fold.docket, fold.edges, issued, as_of=as_of, size=size)
    judgment = judge(case)
    statement = make_statement(
        case,
        judgment,
        log=Log(checkpoint.origin, encode_base64(checkpoint.root), checkpoint.size),
        states=fold.digests() if states is None else states,
        rules=rules,
        provisional=recorded is not None,
    )
    return Stated(statement, judgment, case)
