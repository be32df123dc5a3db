"""A round of `writ watch`: look at every log at once, then keep what was seen and let alarms stand or end."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from ledger.durable import alone, replace_durably
from ledger.follow_config import FollowConfig, FollowedLog, read_token
from ledger.follow_memory import Alarm, FollowMemory
from ledger.following import FINAL_KINDS, Found, Known, Look, look
from projections.runners.wording import moment
from signing.errors import FormatError
from signing.fork import format_fork

if TYPE_CHECKING:
    from ledger.follow_cosigning import Cosigner

AT_ONCE: Final = 16
ORDER_KINDS: Final = ("deadline", "unanswered")


class Seen(NamedTuple):
    """What a round came to for one log."""

    origin: str
    size: int | None
    trouble: str


class Round(NamedTuple):
    """What a round came to: each log, and the alarms that ended."""

    logs: tuple[Seen, ...]
    cleared: tuple[Alarm, ...]


class Follower:
    """Everything a round needs: what to follow, what is remembered, and maybe a witness's key."""

    def __init__(self, config: FollowConfig, folder: Path, data: Path, cosigner: "Cosigner | None") -> None:
        """`folder` is where token files are looked for; `data` is where everything is kept."""
        self._config = config
        self._folder = folder
        self._data = data
        self._cosigner = cosigner
        self.memory = FollowMemory(data / "watch.sqlite")

    def round(self, now_s: int) -> Round:
        """Look at every log once. What is kept is durable when this returns."""
        known = [self._known(log) for log in self._config.log]
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="watch") as pool:
            looks = list(pool.map(self._look, self._config.log, known, [now_s] * len(known)))
        seen: list[Seen] = []
        cleared: list[Alarm] = []
        for log, one in zip(self._config.log, looks, strict=True):
            cleared += self._record(log, one, now_s)
            trouble = one.trouble or self._cosign(log, one, now_s)
            seen.append(Seen(log.origin, None if one.shown is None else one.shown.size, trouble))
        return Round(tuple(seen), tuple(cleared))

    def close(self) -> None:
        """Close what is open."""
        self.memory.close()
        if self._cosigner is not None:
            self._cosigner.close()

    def _known(self, log: FollowedLog) -> Known:
        size = 0 if self._cosigner is None else self._cosigner.last_size(log.key)
        return Known(self.memory.head(log.key), size)

    def _look(self, log: FollowedLog, known: Known, now_s: int) -> Look:
        try:
            token = read_token(log, self._folder)
        except (OSError, FormatError) as error:
            return Look(trouble=f"no token: {error}")
        return look(log, token, known, now_s)

    def _record(self, log: FollowedLog, seen: Look, now_s: int) -> list[Alarm]:
        """Keep what was seen of a log. A crash before the commit leaves the next round to see it again."""
        evidence = self._keep_evidence(log, seen)
        with self.memory.transaction():
            if seen.shown is not None:
                self._keep_shown(log, seen, now_s)
            found = [*seen.found, *self._stale(log, seen, now_s), *self._order_alarms(log, seen, now_s)]
            for one in found:
                told = f"{one.what}; the proof is {evidence}" if one.kind == "fork" else one.what
                kept = evidence if one.kind == "fork" else ""
                self.memory.raise_alarm(log.origin, one.kind, one.subject, told, kept, now_s)
            return list(self._clear(log, seen, found, now_s))

    def _cosign(self, log: FollowedLog, seen: Look, now_s: int) -> str:
        """Cosign what was kept; why not, if not."""
        if self._cosigner is None or not seen.continues or seen.witness_proof is None:
            return ""
        assert seen.shown is not None
        return self._cosigner.cosign(log.key, seen.shown.note, seen.witness_proof, now_s)

    def _keep_evidence(self, log: FollowedLog, seen: Look) -> str:
        if seen.fork is None:
            return ""
        folder = self._data / "evidence"
        folder.mkdir(mode=0o700, exist_ok=True)
        content = format_fork(seen.fork)
        path = folder / f"fork-{log.origin.replace('/', '_')}-{sha256(content).hexdigest()[:16]}.txt"
        replace_durably(path, content)
        return str(path)

    def _keep_shown(self, log: FollowedLog, seen: Look, now_s: int) -> None:
        assert seen.shown is not None
        if not seen.continues:
            if not self.memory.is_known(log.key, seen.shown):
                self.memory.keep(log.key, seen.shown, now_s, proved=False)
        elif not self.memory.is_known(log.key, seen.shown):
            self.memory.keep(log.key, seen.shown, now_s, proved=True)
            self.memory.begin(log.origin, "", now_s)

    def _stale(self, log: FollowedLog, seen: Look, now_s: int) -> list[Found]:
        since_s = self.memory.begun_s(log.origin, "", now_s)
        seen.judged.add("stale")
        if now_s - since_s <= self._config.stale_s(log):
            return []
        why = f": {seen.trouble}" if seen.trouble else ""
        return [Found("stale", f"no new checkpoint since {moment(since_s)}{why}")]

    def _order_alarms(self, log: FollowedLog, seen: Look, now_s: int) -> list[Found]:
        found: list[Found] = []
        for order, one in seen.orders.items():
            since_s = self.memory.begun_s(log.origin, order, now_s)
            if not one.trouble:
                self.memory.begin(log.origin, order, now_s)
                if one.missed:
                    found.append(Found("deadline", f"{order}: {one.missed}", order))
            elif now_s - since_s > self._config.stale_s(log):
                what = f"{order}: how it stands was not answered since {moment(since_s)}: {one.trouble}"
                found.append(Found("unanswered", what, order))
        return found

    def _clear(self, log: FollowedLog, seen: Look, found: list[Found], now_s: int) -> Iterator[Alarm]:
        """End the alarms that this look could judge and did not find."""
        stands = {(one.kind, one.subject) for one in found}
        judged = {(kind, "") for kind in seen.judged}
        for order, one in seen.orders.items():
            judged |= {(kind, order) for kind in ORDER_KINDS if not one.trouble}
        for kind, subject in sorted(judged - stands):
            assert kind not in FINAL_KINDS
            yield from self.memory.clear(log.origin, kind, subject, now_s)


@contextmanager
def following(
    config: FollowConfig, folder: Path, data: Path, cosigner: "Cosigner | None" = None
) -> Iterator[Follower]:
    """A follower with its memory open. Two at once would compare with heads that the other left behind."""
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    with alone(data / "lock", f"watches with {data}"):
        follower = Follower(config, folder, data, cosigner)
        try:
            yield follower
        finally:
            follower.close()
