"""Proceedings: the life of orders: served, stayed, set aside, discharged; exemptions, holds, penalties.

A part of the docket. Kept as posted: whose word counts, only an order can say (see `status`
and `relief`).
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec
from msgspec import Struct, UnsetType

from projections import events as ev
from projections.fact import Fact
from projections.series import Series


class Turn(Struct, frozen=True):
    """An event that may change whether an order is in force. `effective_at` is its poster's claim."""

    index: int
    time_us: int
    by: int
    order: str
    kind: str
    effective_at: str


class Exemption(Struct, frozen=True):
    """Leave to keep records, or all of a category, in spite of one obligation."""

    index: int
    time_us: int
    by: int
    order: str
    obligation: str
    ground: str
    records: tuple[str, ...] = ()
    category_class: str = ""


class Hold(Struct, frozen=True):
    """A legal hold: records are to be kept until a moment, or until it is released."""

    index: int
    time_us: int
    by: int
    hold: str
    basis: str
    records: tuple[str, ...]
    until: str


class Release(Struct, frozen=True):
    """The end of a hold, for its poster."""

    index: int
    time_us: int
    by: int
    hold: str


class PenaltyTurn(Struct, frozen=True):
    """Money imposed, accrued or paid under an order. `from_day` and `to_day` bound what accrued."""

    index: int
    time_us: int
    by: int
    order: str
    kind: str
    amount_minor: int
    currency: str
    from_day: str = ""
    to_day: str = ""


class Proceedings(Struct, frozen=True):
    """State after some number of entries. Series are in log order."""

    turns: Series[Turn] = Series()
    exemptions: Series[Exemption] = Series()
    holds: Series[Hold] = Series()
    releases: Series[Release] = Series()
    penalties: Series[PenaltyTurn] = Series()


KINDS: Final[dict[type[ev.Data], str]] = {
    ev.OrderServed: "served",
    ev.OrderAppealed: "appealed",
    ev.OrderStayed: "stayed",
    ev.OrderStayLifted: "stay_lifted",
    ev.OrderSetAside: "set_aside",
    ev.OrderReinstated: "reinstated",
    ev.OrderRevoked: "revoked",
    ev.OrderDischarged: "discharged",
}
PENALTIES: Final[dict[type[ev.Data], str]] = {
    ev.PenaltyImposed: "imposed",
    ev.PenaltyAccrued: "accrued",
    ev.PenaltyPaid: "paid",
}


def _turned(state: Proceedings, fact: Fact, by: int) -> Proceedings:
    data = fact.event.data
    turn = Turn(fact.index, fact.time_us, by, data.order, KINDS[type(data)], data.effective_at)
    return msgspec.structs.replace(state, turns=state.turns.grown(turn))


def _exempted(state: Proceedings, fact: Fact, by: int) -> Proceedings:
    data: ev.ExemptionGranted = fact.event.data
    granted = Exemption(
        fact.index,
        fact.time_us,
        by,
        data.order,
        data.obligation,
        data.ground,
        () if isinstance(data.records, UnsetType) else data.records,
        "" if isinstance(data.category_class, UnsetType) else data.category_class,
    )
    return msgspec.structs.replace(state, exemptions=state.exemptions.grown(granted))


def _held(state: Proceedings, fact: Fact, by: int) -> Proceedings:
    data: ev.HoldPlaced = fact.event.data
    hold = Hold(fact.index, fact.time_us, by, data.hold, data.basis, data.records, data.until)
    return msgspec.structs.replace(state, holds=state.holds.grown(hold))


def _released(state: Proceedings, fact: Fact, by: int) -> Proceedings:
    release = Release(fact.index, fact.time_us, by, fact.event.data.hold)
    return msgspec.structs.replace(state, releases=state.releases.grown(release))


def _penalised(state: Proceedings, fact: Fact, by: int) -> Proceedings:
    data: ev.PenaltyImposed | ev.PenaltyAccrued | ev.PenaltyPaid = fact.event.data
    kind = PENALTIES[type(data)]
    penalty = PenaltyTurn(
        fact.index, fact.time_us, by, data.order, kind, data.amount_minor, data.currency, *_days(data)
    )
    return msgspec.structs.replace(state, penalties=state.penalties.grown(penalty))


def _days(data: ev.Data) -> tuple[str, ...]:
    if not isinstance(data, ev.PenaltyAccrued) or isinstance(data.from_, UnsetType):
        return ()
    assert not isinstance(data.to, UnsetType), "both are there or neither is"
    return data.from_, data.to


STEPS: Final[dict[type[Any], Callable[[Proceedings, Fact, int], Proceedings]]] = {
    **dict.fromkeys(KINDS, _turned),
    ev.ExemptionGranted: _exempted,
    ev.HoldPlaced: _held,
    ev.HoldReleased: _released,
    **dict.fromkeys(PENALTIES, _penalised),
}
