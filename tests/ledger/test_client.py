"""The poster's client where the service loses replies, is busy or refuses."""

import asyncio
from pathlib import Path

import pytest

from ledger import client
from ledger.client import batches, check_receipt
from ledger.remote import (
    RefusedByService,
    Unreachable,
)
from signing.keys import ED25519, SigningKey
from signing.note import format_note
from signing.submission import parse_submission
from tests.ledger.operator_at_will import SOURCE, OperatorAtWill, events_in, lines, poster_of, running


async def test_what_is_posted_is_in_the_log_once_and_proved(tmp_path: Path) -> None:
    operator = OperatorAtWill()
    async with running(operator) as log, poster_of(log, tmp_path) as poster:
        posted: list[int] = []
        receipts = await poster.post(lines(0, 2300), posted.append)
        assert posted == [1000, 1000, 300]
        assert [receipt.source_size for receipt in receipts] == [1000, 2000, 2300]
        assert events_in(operator) == lines(0, 2300)
        assert poster.seen == receipts[-1].checkpoint
        await poster.post(lines(2300, 1))
        # Each submission carries the checkpoint that was verified before it.
        seen = [parse_submission(raw).text.seen_size for raw in operator.received]
        assert seen == [0, *(receipt.checkpoint.size for receipt in receipts)]
        assert await poster.post([]) == []


async def test_a_poster_goes_on_where_it_was(tmp_path: Path) -> None:
    operator = OperatorAtWill()
    async with running(operator) as log:
        for first in range(0, 30, 10):
            async with poster_of(log, tmp_path) as poster:
                await poster.post(lines(first, 10))
    assert events_in(operator) == lines(0, 30)
    assert operator.sources[SOURCE][0].end == 30


async def test_receipts_can_be_checked_later_from_the_folder_alone(tmp_path: Path) -> None:
    operator = OperatorAtWill()
    async with running(operator) as log, poster_of(log, tmp_path) as poster:
        (receipt,) = await poster.post(lines(0, 3))
        folder = poster.folder.path / "receipts"
        assert (folder / "3.tlog-proof").read_bytes() == receipt.proof
        submission = parse_submission(operator.received[0])
        assert (folder / "3.note").read_bytes() == format_note(submission.note)
        assert check_receipt(receipt.proof, submission, operator.key.verifier) == receipt


@pytest.mark.parametrize("lost", [1, 3])
async def test_a_lost_reply_is_asked_for_again_with_the_same_bytes(tmp_path: Path, lost: int) -> None:
    operator = OperatorAtWill()
    operator.replies_to_lose = lost
    async with running(operator) as log, poster_of(log, tmp_path) as poster:
        (receipt,) = await poster.post(lines(0, 5))
    assert len(operator.received) == lost + 1
    assert len(set(operator.received)) == 1
    assert events_in(operator) == lines(0, 5)
    assert receipt.source_size == 5


async def test_a_busy_service_is_asked_again(tmp_path: Path) -> None:
    operator = OperatorAtWill()
    operator.statuses = [503, 502, 408]
    async with running(operator) as log, poster_of(log, tmp_path) as poster:
        await poster.post(lines(0, 5))
    assert len(set(operator.received)) == 1
    assert events_in(operator) == lines(0, 5)


async def test_when_patience_ends_the_submission_is_kept_and_sent_again_by_the_next(tmp_path: Path) -> None:
    operator = OperatorAtWill()
    async with running(operator) as log:
        async with poster_of(log, tmp_path) as poster:
            await poster.post(lines(0, 5))
            operator.replies_to_lose = 1000
            with pytest.raises(Unreachable) as caught:
                await poster.post(lines(5, 5))
            assert "repeating the command is safe" in caught.value.remedy
        operator.replies_to_lose = 0
        async with poster_of(log, tmp_path) as poster:
            assert poster.folder.pending is None
            await poster.post(lines(10, 5))
    assert len({parse_submission(raw).note.text for raw in operator.received}) == 3
    assert events_in(operator) == lines(0, 15)


async def test_a_retry_long_after_gets_a_receipt_older_than_what_was_seen(tmp_path: Path) -> None:
    operator = OperatorAtWill()
    other = SigningKey("other.example", ED25519, bytes([8] * 32))
    async with running(operator) as log:
        async with poster_of(log, tmp_path / "a") as poster:
            await poster.post(lines(0, 1))
            operator.replies_to_lose = 1000
            with pytest.raises(Unreachable):
                await poster.post(lines(1, 1))
            operator.replies_to_lose = 0
        async with client.open_poster(log, other, tmp_path / "b") as third_party:
            await third_party.post(lines(100, 3))
        async with poster_of(log, tmp_path / "a") as poster:
            assert poster.seen is not None
            assert poster.seen.size == len(operator.entries)
            assert poster.folder.state.size == 2


async def test_a_refused_submission_leaves_no_trace(tmp_path: Path) -> None:
    operator = OperatorAtWill()
    async with running(operator) as log, poster_of(log, tmp_path) as poster:
        for status in (400, 401, 403, 413, 422):
            operator.statuses = [status]
            with pytest.raises(RefusedByService, match="no reason") as caught:
                await poster.post(lines(0, 5))
            assert (caught.value.status, caught.value.event) == (status, 1)
        assert poster.folder.pending is None
        await poster.post(lines(0, 5))
    assert events_in(operator) == lines(0, 5)


async def test_calls_at_once_are_served_in_turn(tmp_path: Path) -> None:
    operator = OperatorAtWill()
    async with running(operator) as log, poster_of(log, tmp_path) as poster:
        await asyncio.gather(*(poster.post(lines(number, 1)) for number in range(20)))
    assert sorted(events_in(operator)) == sorted(lines(0, 20))
    assert len(operator.receipts) == 20


def test_batches_keep_to_lines_and_bytes() -> None:
    assert [len(batch) for batch in batches(lines(0, 2001))] == [1000, 1000, 1]
    long = [b"x" * 40_000] * 120
    assert [len(batch) for batch in batches(long)] == [52, 52, 16]
    assert [line for batch in batches(long) for line in batch] == long
    assert list(batches([])) == []
