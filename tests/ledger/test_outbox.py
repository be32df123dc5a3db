"""The client's outbox: what was put goes out in order, once, whatever is away meanwhile."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.failure import Failure
from ledger.outbox.sending import Sender, open_sender, open_source, sending
from ledger.outbox.store import FILE, Outbox, OutboxFull
from ledger.remote import Dishonest, RefusedByService, RemoteLog, Unreachable
from signing.errors import FormatError
from signing.keys import ED25519, SigningKey, format_vkey
from tests.ledger.lab import collected
from tests.ledger.operator_at_will import KEY, SOURCE, OperatorAtWill, events_in, flip, running

LOG = format_vkey(OperatorAtWill().key.verifier)


def made(folder: Path, most_waiting: int | None = None) -> Outbox:
    outbox = Outbox.create(folder, LOG, SOURCE)
    if most_waiting is not None:
        outbox.limit(most_waiting)
    return outbox


def events(first: int, count: int) -> list[bytes]:
    return [collected(SOURCE, number) for number in range(first, first + count)]


@asynccontextmanager
async def sender_of(log: RemoteLog, folder: Path) -> AsyncIterator[Sender]:
    with made(folder) as outbox:
        async with open_sender(outbox, log, KEY) as sender:
            yield sender


async def test_what_was_put_goes_out_in_order_and_once(tmp_path: Path) -> None:
    operator = OperatorAtWill()
    async with running(operator) as log, sender_of(log, tmp_path) as sender:
        with made(tmp_path) as other:
            assert other.put(events(0, 1500)) == 1500
        assert await sender.send_all() == 1500
        # Again, and some new ones: it knows the first by their ids, also now that they are in the log.
        assert sender.outbox.put(events(1000, 1000)) == 500
        status = sender.outbox.status()
        assert (status.in_log, status.waiting) == (1500, 500)
        assert await sender.send_all() == 500
        assert await sender.send_all() == 0
        assert sender.outbox.next_lines(0, 10) == []
    assert events_in(operator) == events(0, 2000)
    # Each event went once, in as few submissions as hold them.
    assert len(operator.received) == 3


def test_the_outbox_is_whole_or_not_at_all(tmp_path: Path) -> None:
    with made(tmp_path) as outbox:
        foreign = collected("another.example", 3)
        for wrong, error in ((foreign, Failure), (b"{}", FormatError)):
            with pytest.raises(error):
                outbox.put([*events(0, 2), wrong])
        assert outbox.status().waiting == 0
        outbox.put(events(0, 1))
        with pytest.raises(Failure, match="with other content"):
            outbox.put([collected(SOURCE, 0, records=2)])
    with Outbox.open(tmp_path) as again:
        assert again.next_lines(0, 10) == events(0, 1)


def test_an_outbox_is_of_one_source_log(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="no outbox"):
        Outbox.open(tmp_path)
    made(tmp_path).close()
    with pytest.raises(Failure, match=f"the outbox of {SOURCE}"):
        Outbox.create(tmp_path, LOG, "poster.example/8")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / FILE).write_bytes(b"not SQLite, and long enough to be read as its header")
    with pytest.raises(Failure, match="is not an outbox"):
        made(tmp_path / "other")


def test_who_puts_more_than_may_wait_is_told_and_nothing_of_it_is_put(tmp_path: Path) -> None:
    with made(tmp_path, most_waiting=3) as outbox:
        outbox.put(events(0, 2))
        with pytest.raises(OutboxFull, match="and 3 may") as caught:
            outbox.put(events(2, 2))
        assert "status" in caught.value.remedy
        assert outbox.put(events(0, 3)) == 1
        assert outbox.status().is_full
        # What is known already takes no room.
        assert outbox.put(events(0, 3)) == 0
        assert outbox.next_lines(0, 10) == events(0, 3)


async def test_a_key_that_does_not_sign_for_the_source_log_is_told_at_once(tmp_path: Path) -> None:
    other = SigningKey("somebody.example", ED25519, bytes([8] * 32))
    async with running(OperatorAtWill()) as log:
        with made(tmp_path) as outbox, pytest.raises(Failure, match="does not sign for"):
            async with open_sender(outbox, log, other):
                pass


async def test_room_comes_back_with_the_log(tmp_path: Path) -> None:
    operator = OperatorAtWill()
    made(tmp_path, most_waiting=3).close()
    async with running(operator) as log, sender_of(log, tmp_path) as sender:
        for first in range(0, 9, 3):
            sender.outbox.put(events(first, 3))
            await sender.send_all()
    assert events_in(operator) == events(0, 9)


async def test_an_outage_is_waited_out_and_told(tmp_path: Path) -> None:
    operator = OperatorAtWill()
    operator.statuses = [503] * 10_000
    async with running(operator) as log:
        with made(tmp_path) as outbox:
            outbox.put(events(0, 5))
        with made(tmp_path) as outbox, made(tmp_path) as mine:
            async with sending(outbox, log, KEY):
                await until(lambda: len(mine.status().troubles) == 1)
                (trouble,) = mine.status().troubles
                assert (trouble.kind, mine.status().waiting) == ("sending", 5)
                assert "503" in trouble.what
                mine.put(events(5, 5))
                operator.statuses = []
                await until(lambda: mine.status().in_log == 10)
            assert mine.status().troubles == ()
    assert events_in(operator) == events(0, 10)


async def until(true: Callable[[], bool]) -> None:
    """Return once something is so."""
    async with asyncio.timeout(30):
        while not true():
            await asyncio.sleep(0.01)


async def test_a_log_that_is_caught_at_a_lie_ends_the_sending_and_is_told(tmp_path: Path) -> None:
    operator = OperatorAtWill()
    operator.receipt_lie = flip
    async with running(operator) as log:
        with made(tmp_path) as outbox:
            outbox.put(events(0, 5))
        with made(tmp_path) as outbox:
            async with open_sender(outbox, log, KEY) as sender:
                with pytest.raises(Dishonest):
                    await sender.send_on()
            status = outbox.status()
            assert (status.waiting, [trouble.kind for trouble in status.troubles]) == (5, ["sending"])
        operator.receipt_lie = bytes
        async with sender_of(log, tmp_path) as sender:
            await sender.send_all()
            assert sender.outbox.status().troubles == ()
    assert events_in(operator) == events(0, 5)


async def test_a_lost_reply_is_settled_before_anything_else_is_sent(tmp_path: Path) -> None:
    operator = OperatorAtWill()
    async with running(operator) as log, sender_of(log, tmp_path) as sender:
        sender.outbox.put(events(0, 5))
        operator.replies_to_lose = 1_000
        with pytest.raises(Unreachable):
            await sender.send_all()
        operator.replies_to_lose = 0
        # The same bytes go again, and not a second submission of events that may be in the log.
        sender.outbox.put(events(5, 5))
        assert await sender.send_all() == 10
        assert len(set(operator.received)) == 2
        assert len(list((sender._poster.folder.path / "receipts").glob("*.note"))) == 2
    assert events_in(operator) == events(0, 10)


async def test_an_event_that_is_refused_stops_those_behind_it_alone(tmp_path: Path) -> None:
    operator = OperatorAtWill()
    async with running(operator) as log, sender_of(log, tmp_path) as sender:
        sender.outbox.put(events(0, 4))
        operator.refused_lines = {*events(2, 1)}
        with pytest.raises(RefusedByService, match="event event-00000002: ") as caught:
            await sender.send_all()
        assert "set-aside event-00000002" in caught.value.remedy
        assert events_in(operator) == events(0, 2)
        # What is refused today may be taken tomorrow: a role is given, a key registered.
        operator.refused_lines = set()
        await sender.send_all()
    assert events_in(operator) == events(0, 4)


async def test_what_the_log_refuses_can_be_left_out_for_good(tmp_path: Path) -> None:
    operator = OperatorAtWill()
    async with running(operator) as log, sender_of(log, tmp_path) as sender:
        outbox = sender.outbox
        outbox.put(events(0, 2))
        await sender.send_all()
        outbox.put(events(2, 5))
        for wrong in ("event-00000001", "event-00000003", "event-99999999"):
            with pytest.raises(Failure, match="is not the first"):
                outbox.set_aside(wrong, 2)
        outbox.set_aside("event-00000002", 2)
        assert outbox.put(events(0, 7)) == 0
        assert outbox.status().aside == ("event-00000002",)
        assert await sender.send_all() == 4
    assert events_in(operator) == [*events(0, 2), *events(3, 4)]


async def test_a_copy_that_sent_the_same_events_is_recognised(tmp_path: Path) -> None:
    operator = OperatorAtWill()
    first, second = tmp_path / "first", tmp_path / "second"
    async with running(operator) as log:
        async with sender_of(log, first) as sender:
            sender.outbox.put(events(0, 5))
            await sender.send_all()
            sender.outbox.put(events(5, 2000))
        shutil.copytree(first, second)
        for folder in (first, second):
            async with sender_of(log, folder) as sender:
                assert await sender.send_all() == 2000
                assert sender.outbox.status().waiting == 0
        assert events_in(operator) == events(0, 2005)


async def test_a_copy_that_went_its_own_way_is_refused(tmp_path: Path) -> None:
    operator = OperatorAtWill()
    first, second = tmp_path / "first", tmp_path / "second"
    async with running(operator) as log:
        made(first).close()
        shutil.copytree(first, second)
        for folder, begin in ((first, 0), (second, 100)):
            async with sender_of(log, folder) as sender:
                sender.outbox.put(events(begin, 5))
                if begin == 0:
                    await sender.send_all()
                else:
                    with pytest.raises(Failure, match="not this outbox's") as caught:
                        await sender.send_all()
                    assert "--source" in caught.value.remedy
                    assert sender.outbox.status().waiting == 5
    assert events_in(operator) == events(0, 5)


@pytest.mark.parametrize("more", [0, 20])
async def test_an_outbox_that_was_restored_alone_is_refused(tmp_path: Path, more: int) -> None:
    """Its file is of yesterday and the source log's state of today: new events would seem to be in."""
    operator = OperatorAtWill()
    async with running(operator) as log:
        async with sender_of(log, tmp_path) as sender:
            sender.outbox.put(events(0, 5))
            await sender.send_all()
        before = (tmp_path / FILE).read_bytes()
        async with sender_of(log, tmp_path) as sender:
            sender.outbox.put(events(5, 10))
            await sender.send_all()
        (tmp_path / FILE).write_bytes(before)
        async with sender_of(log, tmp_path) as sender:
            sender.outbox.put(events(100, more))
            with pytest.raises(Failure, match="not those that this outbox put"):
                await sender.send_all()
            assert sender.outbox.status().waiting == more


async def test_a_source_log_that_others_wrote_is_refused(tmp_path: Path) -> None:
    operator = OperatorAtWill()
    async with running(operator) as log:
        async with sender_of(log, tmp_path / "first") as sender:
            sender.outbox.put(events(0, 5))
            await sender.send_all()
        async with sender_of(log, tmp_path / "second") as sender:
            sender.outbox.put(events(50, 1))
            with pytest.raises(Failure, match="not this outbox's"):
                await sender.send_all()
        # Nor does it help to bring the other's state along.
        shutil.rmtree(tmp_path / "second" / "source")
        shutil.copytree(tmp_path / "first" / "source", tmp_path / "second" / "source")
        async with sender_of(log, tmp_path / "second") as sender:
            with pytest.raises(Failure, match="not those that this outbox put"):
                await sender.send_all()
    assert events_in(operator) == events(0, 5)


async def test_a_source_state_that_was_lost_is_told(tmp_path: Path) -> None:
    operator = OperatorAtWill()
    async with running(operator) as log:
        async with sender_of(log, tmp_path) as sender:
            sender.outbox.put(events(0, 5))
            await sender.send_all()
        shutil.rmtree(tmp_path / "source")
        async with sender_of(log, tmp_path) as sender:
            sender.outbox.put(events(5, 5))
            with pytest.raises(Failure, match="not those that this outbox put"):
                await sender.send_all()


ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.integers(0, 30)),
        st.just(("send", 0)),
        st.tuples(st.just("lose replies"), st.integers(1, 3)),
        st.tuples(st.just("be away"), st.integers(1, 3)),
    ),
    max_size=25,
)


@given(ACTS)
@settings(max_examples=60)
def test_whatever_happens_the_log_has_what_was_put_in_its_sequence(acts: list[tuple[str, int]]) -> None:
    with TemporaryDirectory() as folder:
        asyncio.run(live_through(acts, Path(folder)))


async def live_through(acts: list[tuple[str, int]], folder: Path) -> None:
    """Do one thing after another, and hold what the log has against what was put, at every moment."""
    operator = OperatorAtWill()
    put: list[bytes] = []
    async with running(operator) as log:
        log = RemoteLog(log._session, log.service, log.key, patience_s=0.0)
        for act, number in (*acts, ("be well", 0), ("send", 0)):
            with made(folder) as outbox:
                if act == "put":
                    # Events that come again, then new ones.
                    some = events(max(0, len(put) - 3), number)
                    outbox.put(some)
                    put += some[min(3, len(put)) :]
                elif act == "lose replies":
                    operator.replies_to_lose = number
                elif act in ("be away", "be well"):
                    operator.statuses = [503] * number
                    operator.replies_to_lose = 0
                elif act == "send":
                    with suppress(Unreachable):
                        async with open_sender(outbox, log, KEY) as sender:
                            await sender.send_all()
            assert events_in(operator) == put[: len(events_in(operator))]
        with made(folder) as outbox:
            assert outbox.status().waiting == 0
    assert events_in(operator) == put


async def test_one_process_sends_and_any_number_put(tmp_path: Path) -> None:
    operator = OperatorAtWill()
    async with running(operator) as log, sender_of(log, tmp_path) as sender:
        with pytest.raises(Failure, match="another process is posting"), made(tmp_path) as other:
            open_source(other)

        def put(part: int) -> None:
            with made(tmp_path) as mine:
                for number in range(50):
                    mine.put(events(part * 100 + number, 1))

        await asyncio.gather(*(asyncio.to_thread(put, part) for part in range(4)))
        assert await sender.send_all() == 200
        sent = events_in(operator)
        assert sorted(sent) == sorted(line for part in range(4) for line in events(part * 100, 50))
        for part in range(4):
            mine = events(part * 100, 50)
            assert [line for line in sent if line in set(mine)] == mine
