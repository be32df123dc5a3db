"""The poster's client against an operator who lies: each lie is caught, and nothing is adopted."""

from pathlib import Path

import pytest

from ledger.client import check_receipt
from ledger.failure import Failure
from ledger.remote import (
    Dishonest,
    FalseReceipt,
    Forked,
    RemoteLog,
    RolledBack,
)
from signing.checkpoint import Checkpoint, open_checkpoint
from signing.entry import header_bytes
from signing.errors import ProofError
from signing.keys import ED25519, SigningKey
from signing.merkle import EMPTY_RANGE, encode_frontier, leaf_hash, range_of
from signing.note import format_note
from signing.submission import make_submission, parse_submission
from signing.tlog_proof import TlogProof, format_proof, parse_proof
from tests.ledger.operator_at_will import (
    KEY,
    ORIGIN,
    SOURCE,
    OperatorAtWill,
    events_in,
    flip,
    lines,
    poster_of,
    running,
)

# The same key elsewhere.


async def test_a_poster_goes_on_from_what_its_own_key_signed_elsewhere(tmp_path: Path) -> None:
    operator = OperatorAtWill()
    async with running(operator) as log:
        async with poster_of(log, tmp_path / "lost") as poster:
            await poster.post(lines(0, 10))
        async with poster_of(log, tmp_path / "new") as poster:
            await poster.post(lines(10, 10))
            assert poster.folder.state.size == 20
    assert events_in(operator) == lines(0, 20)


async def test_a_state_that_the_own_key_did_not_sign_is_not_gone_on_from(tmp_path: Path) -> None:
    operator = OperatorAtWill()
    forger = SigningKey("poster.example", ED25519, bytes([9] * 32))
    forged, after = make_submission(forger, SOURCE, EMPTY_RANGE, ORIGIN, None, lines(500, 9))
    operator.sources[SOURCE] = (after, forged)
    async with running(operator) as log, poster_of(log, tmp_path) as poster:
        with pytest.raises(Dishonest, match="not signed by"):
            await poster.post(lines(0, 1))
        assert poster.folder.state.size == 0


async def test_a_frontier_that_does_not_give_the_signed_root_is_not_gone_on_from(tmp_path: Path) -> None:
    """With a false frontier, forged events could be spliced in under the poster's next signature."""
    operator = OperatorAtWill()
    async with running(operator) as log:
        async with poster_of(log, tmp_path / "lost") as poster:
            await poster.post(lines(0, 10))
        after, submission = operator.sources[SOURCE]
        spliced = range_of(0, [bytes([n] * 32) for n in range(10)])
        operator.sources[SOURCE] = (spliced, submission)
        async with poster_of(log, tmp_path / "new") as poster:
            with pytest.raises(Dishonest, match="frontier does not give the root"):
                await poster.post(lines(10, 1))
            assert encode_frontier(after) != encode_frontier(spliced)
            assert poster.folder.state.size == 0


async def test_a_note_meant_for_another_log_or_source_is_not_gone_on_from(tmp_path: Path) -> None:
    for source, log_name in ((SOURCE, "ledger.example/other"), ("poster.example/8", ORIGIN)):
        operator = OperatorAtWill()
        elsewhere, after = make_submission(KEY, source, EMPTY_RANGE, log_name, None, lines(0, 4))
        operator.sources[SOURCE] = (after, elsewhere)
        async with running(operator) as log, poster_of(log, tmp_path / source) as poster:
            with pytest.raises(Dishonest, match="its note is of"):
                await poster.post(lines(0, 1))


async def test_a_source_log_below_the_size_remembered_is_a_rollback(tmp_path: Path) -> None:
    operator = OperatorAtWill()
    async with running(operator) as log, poster_of(log, tmp_path) as poster:
        await poster.post(lines(0, 10))
        early = operator.sources[SOURCE]
        await poster.post(lines(10, 10))
        for state in (early, None):
            operator.sources.pop(SOURCE)
            if state is not None:
                operator.sources[SOURCE] = state
            else:
                operator.sources.clear()
            with pytest.raises(RolledBack, match="gave receipts for 20"):
                await poster.post(lines(20, 1))
            operator.sources[SOURCE] = early
        assert poster.folder.state.size == 20


# A dishonest operator.


async def test_a_checkpoint_rolled_back_is_caught_before_anything_is_posted(tmp_path: Path) -> None:
    operator = OperatorAtWill()
    async with running(operator) as log:
        async with poster_of(log, tmp_path) as poster:
            await poster.post(lines(0, 10))
        operator.shown_size = 5
        with pytest.raises(RolledBack, match="shows size 5, but it once signed for size 11"):
            async with poster_of(log, tmp_path):
                pass
    assert len(operator.received) == 1


async def test_a_forked_log_is_caught(tmp_path: Path) -> None:
    operator = OperatorAtWill()
    async with running(operator) as log:
        async with poster_of(log, tmp_path) as poster:
            await poster.post(lines(0, 300))
            before = poster.folder.state.checkpoint
            operator.rewrite(150)
            with pytest.raises(Forked, match="does not continue the tree it signed at size 301"):
                await poster.post(lines(300, 1))
            # The evidence is kept: what the log once signed, and the submission without a receipt.
            assert poster.folder.state.checkpoint == before
            assert poster.folder.pending is not None
        with pytest.raises(Forked):
            async with poster_of(log, tmp_path):
                pass


async def test_a_fork_of_the_same_size_is_caught(tmp_path: Path) -> None:
    operator = OperatorAtWill()
    async with running(operator) as log:
        async with poster_of(log, tmp_path) as poster:
            await poster.post(lines(0, 10))
        operator.rewrite(10)
        with pytest.raises(Forked):
            async with poster_of(log, tmp_path):
                pass


async def test_one_tampered_tile_proves_nothing(tmp_path: Path) -> None:
    operator = OperatorAtWill()
    async with running(operator) as log, poster_of(log, tmp_path) as poster:
        await poster.post(lines(0, 300))
        operator.tile_lie = flip
        with pytest.raises(Forked):
            await poster.post(lines(300, 300))


async def test_a_receipt_of_another_tree_is_caught(tmp_path: Path) -> None:
    operator, parallel = OperatorAtWill(), OperatorAtWill()
    async with running(operator) as log, poster_of(log, tmp_path) as poster:
        await poster.post(lines(0, 10))
        # The same key keeps a second log, which has the submission too: a receipt in itself without fault.
        parallel.append("submission", b"never shown")
        operator.receipt_lie = lambda _: _receipt_from(parallel, operator.received[-1])
        with pytest.raises(Forked):
            await poster.post(lines(10, 40))
        assert poster.folder.state.size == 10


def _receipt_from(parallel: OperatorAtWill, raw: bytes) -> bytes:
    submission = parse_submission(raw)
    index = len(parallel.entries)
    parallel.append("submission", format_note(submission.note))
    for line in submission.lines:
        parallel.append("event", line)
    return parallel.receipt_of(index, len(parallel.entries))


async def test_a_receipt_for_another_submission_is_caught(tmp_path: Path) -> None:
    operator = OperatorAtWill()
    async with running(operator) as log, poster_of(log, tmp_path) as poster:
        (first,) = await poster.post(lines(0, 10))
        operator.receipt_lie = lambda _: first.proof
        with pytest.raises(FalseReceipt):
            await poster.post(lines(10, 10))
        assert poster.folder.state.size == 10


async def test_a_receipt_that_proves_the_note_but_leaves_out_the_events_is_caught(tmp_path: Path) -> None:
    operator = OperatorAtWill()
    async with running(operator) as log, poster_of(log, tmp_path) as poster:
        operator.receipt_lie = lambda _: operator.receipt_of(0, 10)
        with pytest.raises(FalseReceipt, match="leaves out the submission's events"):
            await poster.post(lines(0, 10))


@pytest.mark.parametrize("extra", [None, b"event 0 1800000000000000 x\n", b"submission 0 1 AAAA\n"])
async def test_a_receipt_without_the_entrys_header_is_caught(tmp_path: Path, extra: bytes | None) -> None:
    def lie(raw: bytes) -> bytes:
        true = parse_proof(raw)
        return format_proof(TlogProof(true.index, true.hashes, true.checkpoint, extra))

    operator = OperatorAtWill()
    operator.receipt_lie = lie
    async with running(operator) as log, poster_of(log, tmp_path) as poster:
        with pytest.raises(FalseReceipt):
            await poster.post(lines(0, 3))


def test_an_entry_that_lies_about_its_place_is_caught() -> None:
    operator = OperatorAtWill()
    submission, _ = make_submission(KEY, SOURCE, EMPTY_RANGE, ORIGIN, None, lines(0, 1))
    entry = header_bytes("submission", 5, 1, bytes(32)) + format_note(submission.note)
    operator.append("event", b"first")
    operator.entries += [entry, b""]
    operator.leaves += [leaf_hash(entry), bytes(32)]
    with pytest.raises(FalseReceipt, match="at index 1 calls itself 5"):
        check_receipt(operator.receipt_of(1, 3), submission, operator.key.verifier)


async def test_a_receipt_cut_off_or_flipped_is_caught(tmp_path: Path) -> None:
    operator = OperatorAtWill()
    async with running(operator) as log, poster_of(log, tmp_path) as poster:
        for lie in (lambda raw: raw[:-1], flip, lambda _: b""):
            operator.receipt_lie = lie
            with pytest.raises(FalseReceipt):
                await poster.post(lines(0, 3)) if poster.folder.pending is None else await poster.settle()
        operator.receipt_lie = bytes
        assert await poster.settle() is not None
    assert events_in(operator) == lines(0, 3)


async def test_a_checkpoint_under_another_key_is_not_believed(tmp_path: Path) -> None:
    operator = OperatorAtWill()
    async with running(operator) as log:
        stranger = SigningKey(ORIGIN, ED25519, bytes([5] * 32)).verifier
        wrong = RemoteLog(log._session, log.service, stranger, patience_s=1.0)
        with pytest.raises(Dishonest, match="is not signed by"):
            async with poster_of(wrong, tmp_path):
                pass


async def test_growth_is_proved_between_any_two_sizes() -> None:
    operator = OperatorAtWill()
    for number in range(700):
        operator.append("event", b"%d" % number)

    def at(size: int) -> Checkpoint:
        return open_checkpoint(operator.checkpoint(size), operator.key.verifier)[0]

    async with running(operator) as log:
        for old, new in ((0, 700), (1, 700), (255, 256), (256, 700), (511, 513), (700, 700), (300, 699)):
            await log.require_growth(at(old), at(new))
        with pytest.raises(RolledBack):
            await log.require_growth(at(700), at(699))


def test_what_is_dishonest_is_both_a_failure_and_a_false_proof() -> None:
    for kind in (RolledBack, Forked, FalseReceipt):
        assert issubclass(kind, Failure)
        assert issubclass(kind, ProofError)


async def test_a_folder_in_use_is_refused(tmp_path: Path) -> None:
    operator = OperatorAtWill()
    async with running(operator) as log, poster_of(log, tmp_path):
        with pytest.raises(Failure, match="another process"):
            async with poster_of(log, tmp_path):
                pass
