"""Status: whether an order is in force, at any moment, and which of its versions governs (DOMAIN §4, §5).

    issued → served → in_force ⇄ stayed | appealed → set_aside (⇄) | revoked | discharged

An order is in force from its `effective` on unless a later event of its life says otherwise. Only an order in
force has a verdict; what happened while it was not in force breached no prohibition.

Rules:
- `status.own_key`: an event of an order's life counts under the key that signed the order, below the case's
  size, and not from the moment on when that key was stolen. Any other has no effect.
- `status.effective`: it takes effect at its `effective_at`; those of one second in log order.
- `appeal.own_word`: the controller may announce its own appeal. It suspends the order only if the witnesses
  prove that it was lodged within the appeal period that the order names, and from its recorded time at the
  earliest. A later one, or one under an order that names no such period, takes the authority's word.
- `status.no_turn`: an event that the status does not allow (a stay of what was revoked, a lift where nothing
  was stayed) has no effect and is listed.
"""

from bisect import bisect_right
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, Literal

from msgspec import Struct, UnsetType

from projections.docket import IssuedOrder
from projections.finding import Irregularity
from projections.moments import SECOND_US, first_second, last_second
from projections.proceedings import Turn

if TYPE_CHECKING:
    from projections.case import Case

Status = Literal["issued", "served", "in_force", "appealed", "stayed", "set_aside", "revoked", "discharged"]
Hold = Literal["", "appealed", "stayed", "set_aside", "revoked", "discharged"]


# What each event makes of an order, by what has become of it so far; "" is nothing: it is in force once it is
# effective. What is not here has no effect. Revoked and discharged are for good; set aside, until reinstated.
TURNS: Final[dict[str, dict[Hold, Hold]]] = {
    "appealed": {"": "appealed", "stayed": "appealed"},
    "stayed": {"": "stayed", "appealed": "stayed"},
    "stay_lifted": {"stayed": "", "appealed": ""},
    "set_aside": {"": "set_aside", "appealed": "set_aside", "stayed": "set_aside"},
    "reinstated": {"set_aside": "", "stayed": "", "appealed": ""},
    "revoked": {"": "revoked", "appealed": "revoked", "stayed": "revoked", "set_aside": "revoked"},
    "discharged": {"": "discharged", "appealed": "discharged", "stayed": "discharged",
                   "set_aside": "discharged"},
}  # fmt: skip


class Step(Struct, frozen=True):
    """What has become of the order from `from_s` on (Unix seconds); `index` is the entry that says so."""

    from_s: int
    hold: Hold
    index: int


class Life(Struct, frozen=True):
    """An order's statuses over all time, as the entries of one case tell them.

    `idle` are the events of it that had no effect, each with the rule that says why.
    """

    effective_s: int
    served_s: int | None
    steps: tuple[Step, ...]
    idle: tuple[tuple[str, Turn], ...]

    def status(self, time_s: int) -> Status:
        """The order's status in this second."""
        at = bisect_right(self.steps, time_s, key=lambda step: step.from_s)
        hold = self.steps[at - 1].hold if at else ""
        if hold:
            return hold
        if self.effective_s <= time_s:
            return "in_force"
        return "served" if self.served_s is not None and self.served_s <= time_s else "issued"

    def in_force(self, time_s: int) -> bool:
        """Whether the order is in force in this second."""
        return self.status(time_s) == "in_force"

    def history(self) -> list[tuple[int, Status, int | None]]:
        """Each second (Unix) at which the status becomes another, what it becomes, and the entry to blame:
        None where only time has passed."""
        entries: dict[int, int | None] = {self.effective_s: None}
        if self.served_s is not None:
            entries[self.served_s] = None
        entries |= {step.from_s: step.index for step in self.steps}
        found: list[tuple[int, Status, int | None]] = []
        for time_s in sorted(entries):
            status = self.status(time_s)
            if status != (found[-1][1] if found else "issued"):
                found.append((time_s, status, entries[time_s]))
        return found


def life_of(case: "Case") -> Life:
    """The life of the case's order, from the entries below its size."""
    idle: list[tuple[str, Turn]] = []
    heard: list[tuple[int, Turn]] = []
    for turn in case.docket.proceedings.turns:
        if turn.order != case.order.id or turn.index >= case.size:
            continue
        rule, from_s = _heard(case, turn)
        if rule:
            idle.append((rule, turn))
        else:
            heard.append((from_s, turn))
    # `status.effective`
    heard.sort(key=lambda one: (one[0], one[1].index))
    steps = []
    hold: Hold = ""
    for from_s, turn in heard:
        becomes = TURNS[turn.kind].get(hold) if turn.kind != "served" else hold
        if becomes is None:
            idle.append(("status.no_turn", turn))
        elif becomes != hold:
            hold = becomes
            steps.append(Step(from_s, hold, turn.index))
    return Life(
        case.order.effective_s,
        _served(case, [from_s for from_s, turn in heard if turn.kind == "served"]),
        tuple(steps),
        tuple(sorted(idle, key=lambda one: one[1].index)),
    )


def status_at(case: "Case") -> Status:
    """The order's status at the case's moment."""
    return case.life.status(case.as_of)


def in_force_at(case: "Case", time_s: int) -> bool:
    """Whether the order was in force in this second, by what is known at the case's size."""
    return case.life.in_force(time_s)


def governing(versions: Iterable[IssuedOrder], as_of: int) -> IssuedOrder | None:
    """Which of an order's versions governs at a moment: the highest that has taken effect by then.

    Where none has, the one that will first. Of equal versions the later entry: it corrects the earlier.
    """
    found = sorted(versions, key=lambda one: (one.order.version, one.index), reverse=True)
    return next(
        (one for one in found if one.governs_s <= as_of),
        min(found, key=lambda one: one.governs_s, default=None),
    )


def exceptions(case: "Case") -> tuple[Irregularity, ...]:
    """The events of the order's life that had no effect, for everybody to see."""
    return tuple(
        Irregularity(rule, turn.index, turn.time_us, case.name_of(turn.by)) for rule, turn in case.life.idle
    )


def _heard(case: "Case", turn: Turn) -> tuple[str, int]:
    """The rule under which an event has no effect, or "" and the Unix seconds from which it has one."""
    if not case.believes(turn.by, turn.time_us):
        return "status.own_key", 0
    said_s = first_second(turn.effective_at)
    if turn.by in case.authority:
        return "", said_s
    # Of an order's life a controller posts nothing but its appeal (`roles`).
    if case.docket.posters[turn.by].role != "controller":
        return "status.own_key", 0
    ends, proven = case.order.appeal_expires, case.clock.proven(turn.index)
    recorded_s = -(-turn.time_us // SECOND_US)
    if isinstance(ends, UnsetType) or proven is None or max(proven, recorded_s) > last_second(ends):
        return "appeal.own_word", 0
    return "", max(said_s, recorded_s)


def _served(case: "Case", said: list[int]) -> int | None:
    """When the order was first served, by its own account or by an event."""
    own = case.order.served
    return min(said if isinstance(own, UnsetType) else [*said, first_second(own)], default=None)
