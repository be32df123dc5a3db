"""Whether enough witnesses have cosigned a log lately, and what the service does while they have not.

It goes on by default, and counts that; told to stop (`--without-quorum stop`), it takes in nothing more from
two rounds after the last quorum on. What was stored before is read and proved as ever, and the witnesses are
asked again and again, so that a log goes on by itself.
"""

import time
from collections.abc import Callable
from typing import Final, Literal

import msgspec

from ledger.config import WithoutQuorum
from ledger.cosigning import Cosigned
from ledger.metrics import Metrics
from signing.policy import NO_QUORUM, Policy, quorum_time

INTERVAL_S: Final = 3600.0
"""From one round to the next."""
RETRY_S: Final = 30.0
"""After a round without a quorum."""
HOLD_AFTER_S: Final = 2 * INTERVAL_S
"""One round may be missed, but not two."""


class Heard(msgspec.Struct, frozen=True):
    """What one witness answered in the last round."""

    name: str
    answer: Literal["cosigned", "trouble", "contradiction"]
    why: str | None = None


class Witnessing(msgspec.Struct, frozen=True, kw_only=True):
    """How a log stands with its witnesses: what `GET /logs/<log>/witnesses` answers."""

    without_quorum: WithoutQuorum
    size: int | None = None
    """Of the checkpoint last shown to them."""
    asked_seconds_ago: float | None = None
    quorum_seconds_ago: float | None = None
    """None where no quorum was reached since this process started."""
    witnesses: tuple[Heard, ...] = ()
    held: str | None = None
    """Why nothing is taken in."""


class Quorum:
    """What the witnesses of one log said, and when enough of them last cosigned. Its clock is steady."""

    def __init__(
        self,
        log: str,
        policy: Policy,
        rule: WithoutQuorum,
        metrics: Metrics,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._log, self._policy, self._rule = log, policy, rule
        self._metrics, self._clock = metrics, clock
        self._heard: tuple[Heard, ...] = ()
        self._size: int | None = None
        self._asked_s: float | None = None
        self._reached_s: float | None = None
        self._turn_s = self._clock()
        self.rounds = 0
        """How often they were asked."""
        self.is_missed = False
        """Whether too few cosigned in the last round."""
        metrics.quorum_age_s.labels(log).set_function(self._age_s)
        metrics.held.labels(log).set_function(lambda: float(self.hold() is not None))

    def note(self, cosigned: Cosigned) -> bool:
        """Take down a round, and say whether it had the quorum that is asked for."""
        self._asked_s = self._turn_s = self._clock()
        self._size = cosigned.checkpoint.size
        self.rounds += 1
        self._heard = tuple(self._answers(cosigned))
        reached = quorum_time(self._policy, cosigned.note) is not None
        self.is_missed = not reached and self._policy.quorum != NO_QUORUM
        if reached:
            self._reached_s = self._asked_s
        if self.is_missed:
            self._metrics.rounds_without_quorum.labels(self._log).inc()
        self._count()
        return not self.is_missed

    def take_turn(self) -> Literal["round", "retry"] | None:
        """Whether the witnesses are to be asked now: by the hour, or because too few were there."""
        since_s = self._clock() - self._turn_s
        if since_s < RETRY_S or (since_s < INTERVAL_S and not self.is_missed):
            return None
        self._turn_s = self._clock()
        return "round" if since_s >= INTERVAL_S else "retry"

    def hold(self) -> str | None:
        """Why nothing may be taken in now; None where all is well, or the rule is to go on."""
        if self._rule == "go-on" or self._age_s() < HOLD_AFTER_S:
            return None
        away = [f"{one.name}: {one.why}" for one in self._heard if one.answer != "cosigned"]
        when = "yet" if self._reached_s is None else f"for {self._age_s():.0f} s"
        return f"no quorum of witnesses has cosigned {when} ({'; '.join(away) or 'none was asked'})"

    def show(self) -> Witnessing:
        """How the log stands."""
        return Witnessing(
            without_quorum=self._rule,
            size=self._size,
            asked_seconds_ago=self._ago(self._asked_s),
            quorum_seconds_ago=self._ago(self._reached_s),
            witnesses=self._heard,
            held=self.hold(),
        )

    def _answers(self, cosigned: Cosigned) -> list[Heard]:
        troubles = {one.witness: one.why for one in cosigned.troubles}
        against = {one.witness: one.why for one in cosigned.contradictions}
        heard = []
        for name in (witness.name for witness in self._policy.witnesses):
            if name in against:
                heard.append(Heard(name, "contradiction", against[name]))
            elif name in troubles:
                heard.append(Heard(name, "trouble", troubles[name]))
            else:
                heard.append(Heard(name, "cosigned"))
        return heard

    def _count(self) -> None:
        counters = {
            "cosigned": self._metrics.cosignatures_collected,
            "trouble": self._metrics.witness_troubles,
            "contradiction": self._metrics.contradictions,
        }
        for one in self._heard:
            counters[one.answer].labels(self._log, one.name).inc()
        cosigned = sum(one.answer == "cosigned" for one in self._heard)
        self._metrics.cosignatures.labels(self._log).set(cosigned)

    def _age_s(self) -> float:
        return float("inf") if self._reached_s is None else self._clock() - self._reached_s

    def _ago(self, moment_s: float | None) -> float | None:
        return None if moment_s is None else round(self._clock() - moment_s, 1)
