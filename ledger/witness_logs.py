"""Which logs a witness watches, and how often each may ask. Exchanged whole while requests are answered."""

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, NamedTuple

from ledger.allowance import Allowance
from ledger.failure import Failure
from signing.keys import VerifierKey
from signing.log_list import ListedLog, LogListError, read_log_list
from signing.witness import Cosignable, Refusal, Watched

DEFAULT_QPD: Final = 86_400


class _Place(NamedTuple):
    watched: Watched
    qpd: int
    own: Allowance
    others: Allowance


class Watch:
    """The logs by their origins."""

    def __init__(self, logs: Iterable[ListedLog], clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._places: dict[str, _Place] = {}
        self.replace(logs)

    def replace(self, logs: Iterable[ListedLog]) -> None:
        """Watch these from now on. A log that may ask as often as before keeps what it has left."""
        found: dict[str, list[ListedLog]] = {}
        for log in logs:
            found.setdefault(log.origin, []).append(log)
        # A request that is being answered holds on to what it found.
        self._places = {origin: self._place(origin, same) for origin, same in found.items()}

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, origin: str) -> bool:
        return origin in self._places

    def find(self, origin: str) -> Watched | None:
        """The log with this origin, if it is watched."""
        place = self._places.get(origin)
        return None if place is None else place.watched

    def take(self, origin: str, outcome: Cosignable | Refusal) -> int:
        """Take what this answer costs the log; seconds to wait where there is nothing left."""
        place = self._places.get(origin)
        # Whoever can't show the log's signature takes nothing from it.
        if place is None or (isinstance(outcome, Refusal) and outcome.status in (400, 403, 404)):
            return 0
        own = isinstance(outcome, Cosignable) and not outcome.is_refresh
        return (place.own if own else place.others).take(self._clock())

    def _place(self, origin: str, logs: list[ListedLog]) -> _Place:
        watched = Watched(origin, tuple(log.key for log in logs))
        qpd = max(log.qpd for log in logs)
        before = self._places.get(origin)
        if before is not None and before.qpd == qpd:
            return before._replace(watched=watched)
        now_s = self._clock()
        return _Place(watched, qpd, Allowance(qpd, now_s), Allowance(qpd, now_s))


def logs_of_keys(keys: Iterable[VerifierKey]) -> tuple[ListedLog, ...]:
    """Logs of which nothing but the key was given."""
    return tuple(ListedLog(key, key.name, DEFAULT_QPD, "none given") for key in keys)


def load_log_list(path: Path) -> tuple[ListedLog, ...]:
    """The logs in a file."""
    try:
        return read_log_list(path.read_text(encoding="utf-8"))
    except LogListError as error:
        raise Failure(f"{path}, {error}", error.remedy) from error
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(
            f"{path} can't be read: {error}", "name a log list in UTF-8 (docs/witness.md)"
        ) from error
