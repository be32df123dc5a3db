"""Anchoring: the log's checkpoint, cosigned by witnesses or time-stamped, goes into the log itself.

An anchor is a clock that is not the operator's: every entry below it was there when the witnesses signed. It
is made every hour, and on demand before a statement, and time-stamp authorities are asked along with them.
The witnesses are also asked once before a log takes in anything: a database restored from an older backup may
have forgotten what was signed, and they have not.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import aiohttp
import msgspec
import structlog
from aiohttp import web

from ledger.cosigning import Contradiction, Cosigned, ReadTiles, Witnesses
from ledger.failure import Failure
from ledger.objections import Contradicted, make_objection
from ledger.openlog import Log
from ledger.problems import Refused
from ledger.quorums import Quorum, Witnessing
from ledger.releasing import Released
from ledger.service import Service
from ledger.timestamping import Timestamps
from ledger.web import named_log, problem, readable_log
from projections.events import CheckpointAnchored
from signing.checkpoint import Checkpoint
from signing.encoding import encode_base64
from signing.errors import FormatError
from signing.note import format_note
from signing.policy import NO_QUORUM, Policy, quorum_time, read_policy
from signing.tiles import Tile

TICK_S: Final = 5.0
"""How often it is looked whether witnesses are to be asked."""
# What one event of ours adds to a log: its submission and itself.
ENTRIES: Final = 2
# How often a head that another process moved on meanwhile is looked at again.
MAX_TRIES: Final = 3

_NO_WITNESSES: Final = read_policy("quorum none\n")
_log = structlog.get_logger(__name__)


class Anchor(msgspec.Struct, frozen=True):
    """A checkpoint that stands in the log, cosigned or time-stamped."""

    size: int
    note: str
    index: int
    """The entry of `checkpoint.anchored`; without witnesses, of the first `checkpoint.timestamped`."""
    after: int
    """The size of the log with all that vouches for this checkpoint."""
    quorum_time_s: int | None
    """When the operator's own policy was satisfied; an order's policy may ask for other witnesses."""
    timestamps: int = 0
    """How many time-stamp authorities answered."""


class Anchors:
    """Makes the anchors of all logs of a service."""

    def __init__(self, service: Service, policy: Policy | None, session: aiohttp.ClientSession) -> None:
        self._service = service
        self._policy = policy
        self._witnesses = Witnesses(session, policy or _NO_WITNESSES)
        self._timestamps = Timestamps(service, service.config.timestamp_urls, session)
        self._last: dict[str, Anchor] = {}
        self._turns: dict[str, asyncio.Lock] = {}
        self._quorums: dict[str, Quorum] = {}
        self.routes: Final = [
            web.post("/logs/{log}/anchor", self._post_anchor),
            web.get("/logs/{log}/witnesses", self._get_witnesses),
        ]

    @property
    def has_witnesses(self) -> bool:
        """Whether the operator's policy names any."""
        return self._policy is not None

    @property
    def has_clocks(self) -> bool:
        """Whether anybody vouches for times; without, nothing can be anchored."""
        return self.has_witnesses or bool(self._timestamps.urls)

    async def ask_first(self) -> None:
        """Let the witnesses speak before anything is appended: one that knows more freezes the log."""
        if self._policy is None:
            lacks = "nobody sees a fork" if self.has_clocks else "no deadline can be proved"
            _log.warning("no_witnesses", remedy=f"give --policy: without witnesses {lacks}")
            return
        for log in list(self._service.logs.values()):
            if log.released is not None:
                await self.cosign(log)

    async def run(self) -> None:
        """Anchor every log once an hour, for as long as the service runs, and more often ask for a quorum."""
        while self.has_clocks:
            await asyncio.sleep(TICK_S)
            # A witness that does not answer is waited for once, not once for each log.
            await asyncio.gather(*map(self._look_after, list(self._service.logs.values())))

    async def _look_after(self, log: Log) -> None:
        if log.released is None or log.writer.frozen is not None:
            return
        outcome = await self._take_turn(log)
        if isinstance(outcome, Refused):
            _log.error("anchor_failed", log=log.name, why=outcome.detail)

    async def _take_turn(self, log: Log) -> Anchor | Cosigned | Refused | None:
        quorum = self._quorum(log)
        match quorum.take_turn(), quorum.rounds:
            case "round", asked:
                outcome = await self.anchor(log)
                # The last anchor may cover everything still. Then too it is asked whether they are there.
                return await self.cosign(log) if quorum.rounds == asked else outcome
            case "retry", _:
                return await self._retry(log)
        return None

    async def _retry(self, log: Log) -> Anchor | Refused | None:
        """Ask those again of whom too few were there; an anchor is made only of a quorum."""
        async with self._turns.setdefault(log.name, asyncio.Lock()):
            cosigned = await self.cosign(log)
            if isinstance(cosigned, Refused):
                return cosigned
            last = self._last.get(log.name)
            is_known = (
                last is not None and last.after == cosigned.checkpoint.size and last.quorum_time_s is not None
            )
            if is_known or self._quorum(log).is_missed:
                return None
            return await self._stamp(log, cosigned, await self._post(log, cosigned))

    async def anchor(self, log: Log) -> Anchor | Refused:
        """Put a checkpoint that others vouch for into its log; one that covers all is used again."""
        async with self._turns.setdefault(log.name, asyncio.Lock()):
            last, newest = self._last.get(log.name), await _newest(log)
            if isinstance(newest, Refused):
                return newest
            if last is not None and last.after == newest.checkpoint.size:
                return last
            cosigned = await self.cosign(log)
            if isinstance(cosigned, Refused):
                return cosigned
            anchor = await self._post(log, cosigned) if len(cosigned.note.signatures) > 1 else None
            return await self._stamp(log, cosigned, anchor)

    async def _stamp(self, log: Log, cosigned: Cosigned, anchor: Anchor | Refused | None) -> Anchor | Refused:
        """Have the checkpoint time-stamped as well, whether or not witnesses were heard."""
        size, note = cosigned.checkpoint.size, format_note(cosigned.note)
        stamps = await self._timestamps.stamp(log, cosigned.note, size)
        if anchor is None and (self.has_witnesses or not stamps):
            return _unheard(cosigned)
        if isinstance(anchor, Refused):
            return anchor
        if stamps:
            assert stamps[0].placed is not None, "an event of our own is placed"
            anchor = anchor or Anchor(size, note.decode(), stamps[0].placed.indexes[0], 0, None)
            anchor = msgspec.structs.replace(anchor, after=stamps[-1].size, timestamps=len(stamps))
        assert anchor is not None, "somebody was heard"
        # Covered is all that stands below, and what we posted of it; what came in between asks for another.
        if anchor.after - size == ENTRIES * (self.has_witnesses + len(stamps)):
            self._last[log.name] = anchor
        self._service.metrics.anchored_size.labels(log.name).set(size)
        how = {"quorum_time": anchor.quorum_time_s, "timestamps": anchor.timestamps}
        _log.info("anchored", log=log.name, size=size, entry=anchor.index, **how)
        return anchor

    async def _post(self, log: Log, cosigned: Cosigned) -> Anchor | Refused:
        note = format_note(cosigned.note)
        data = CheckpointAnchored(controller=log.registry.controller, note=encode_base64(note))
        size = cosigned.checkpoint.size
        outcome = await log.post_own(data, f"anchor-{size}")
        if isinstance(outcome, Refused):
            return outcome
        assert outcome.placed is not None, "an event of our own is placed"
        assert self._policy is not None, "somebody cosigned"
        time_s = quorum_time(self._policy, cosigned.note)
        return Anchor(size, note.decode(), outcome.placed.indexes[0], outcome.size, time_s)

    async def cosign(self, log: Log) -> Cosigned | Refused:
        """Have the newest checkpoint cosigned; a witness that contradicts it freezes the log."""
        for _ in range(MAX_TRIES):
            released = await _newest(log)
            if isinstance(released, Refused):
                return released
            cosigned = await self._witnesses.cosign(released.checkpoint, released.note, _tiles_of(log))
            self._note(log, cosigned)
            if not cosigned.contradictions:
                return cosigned
            size = released.checkpoint.size
            if all(contradiction.size > size for contradiction in cosigned.contradictions):
                # Another process of ours may have gone on, and have had more cosigned, in between.
                newest = await _newest(log)
                if isinstance(newest, Refused):
                    return newest
                size = newest.checkpoint.size
            shown = released.checkpoint
            if grave := [one for one in cosigned.contradictions if one.size > size or one.size <= shown.size]:
                return _freeze(log, grave, shown, size)
        return Refused(problem="busy", detail="the log grows faster than its witnesses answer")

    def _quorum(self, log: Log) -> Quorum:
        found = self._quorums.get(log.name)
        if found is None:
            config, metrics = self._service.config, self._service.metrics
            found = Quorum(log.name, self._policy or _NO_WITNESSES, config.without_quorum, metrics)
            self._quorums[log.name], log.hold = found, found.hold
        return found

    def _note(self, log: Log, cosigned: Cosigned) -> None:
        for trouble in cosigned.troubles:
            _log.warning("witness_not_heard", log=log.name, witness=trouble.witness, why=trouble.why)
        quorum = self._quorum(log)
        if not quorum.note(cosigned):
            size, rule = cosigned.checkpoint.size, self._service.config.without_quorum
            _log.warning("no_quorum", log=log.name, size=size, rule=rule, held=quorum.hold())

    async def _post_anchor(self, request: web.Request) -> web.Response:
        """`POST /logs/<log>/anchor`: anchor now, or show the anchor that covers everything already."""
        log = await readable_log(request)
        outcome = log if isinstance(log, Refused) else await self.anchor(log)
        if isinstance(outcome, Refused):
            return problem(outcome, request)
        return web.Response(body=msgspec.json.encode(outcome), content_type="application/json")

    async def _get_witnesses(self, request: web.Request) -> web.Response:
        """`GET /logs/<log>/witnesses`: how the log stands with its witnesses."""
        log = await named_log(request)
        if isinstance(log, Refused):
            return problem(log, request)
        rule = self._service.config.without_quorum
        shown = Witnessing(without_quorum=rule) if self._policy is None else self._quorum(log).show()
        return web.Response(body=msgspec.json.encode(shown), content_type="application/json")


@asynccontextmanager
async def open_anchors(service: Service) -> AsyncIterator[Anchors]:
    """Ask the witnesses first, then anchor hourly until the block ends."""
    policy = None if service.config.policy is None else load_policy(service.config.policy)
    if policy is not None and policy.quorum == NO_QUORUM and service.config.without_quorum == "stop":
        raise Failure(f"{service.config.policy} asks for no quorum: none can be waited for", "name one there")
    async with aiohttp.ClientSession() as session:
        anchors = service.anchors = Anchors(service, policy, session)
        await anchors.ask_first()
        task = asyncio.create_task(anchors.run(), name="hourly anchors")
        try:
            yield anchors
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


def load_policy(path: Path) -> Policy:
    """The policy in a file as people write it."""
    try:
        return read_policy(path.read_text(encoding="utf-8"))
    except (FormatError, UnicodeDecodeError) as error:
        raise Failure(f"{path}: {error}", "correct the policy file (C2SP tlog-policy)") from error


async def _newest(log: Log) -> Released | Refused:
    """The checkpoint of the stored head, whichever process wrote it."""
    outcome = await log.writer.refresh()
    if isinstance(outcome, Refused):
        return outcome
    return log.released or Refused(problem="not-found", detail=f"{log.name} has no entries yet")


def _tiles_of(log: Log) -> ReadTiles:
    async def read_tiles(tiles: Sequence[Tile], size: int) -> Mapping[Tile, bytes]:
        state = log.writer.state
        assert state is not None, "a released checkpoint has a state at or beyond it"
        assert state.head.size >= size
        return await log.reader.hash_tiles(tiles, state)

    return read_tiles


def _unheard(cosigned: Cosigned) -> Refused:
    told = "; ".join(f"{one.witness}: {one.why}" for one in cosigned.troubles)
    detail = f"no witness cosigned: {told}" if told else "no time-stamp authority answered"
    return Refused(problem="unavailable", detail=detail)


def _freeze(log: Log, contradictions: Sequence[Contradiction], shown: Checkpoint, size: int) -> Refused:
    """Freeze a log, also beyond this process: at the next start its witnesses may be away."""
    objections = [make_objection(one.witness, one.size, one.why, shown) for one in contradictions]
    error = Contradicted(objections[0], size)
    reason = f"{error}: {error.remedy}"
    log.writer.freeze(reason)
    try:
        log.writer.record.objections.add(*objections)
    except OSError as trouble:
        _log.critical("freeze_not_durable", log=log.name, error=str(trouble), remedy="make room, start again")
    return Refused(problem="frozen", detail=reason)
