"""A dishonest operator, or company, is caught, and what he did is named with its entry.

What he does is in `dishonesty.py`; here too are those who change nothing but bytes.
"""

import hashlib
from collections.abc import Callable
from dataclasses import replace

import msgspec
import pytest

from projections import events as ev
from projections.audit import Audit
from projections.repeats import Repeats
from projections.runners.crew import read_chunk
from projections.runners.offline import Replayed, replay
from projections.runners.source import DirectorySource
from projections.runners.tiles import TileReader
from signing.checkpoint import Checkpoint, sign_checkpoint
from signing.entry import format_entry, parse_entry
from signing.errors import FormatError, ProofError
from signing.merkle import leaf_hashes_of, range_of, root_of
from signing.note import format_note
from signing.tiles import static_tree
from tests.projections.deeds import (
    CRAWLER,
    TOKEN,
    WITNESS,
    begun,
    collected,
    deleted,
    gateway,
    register_token,
    store,
)
from tests.projections.dishonesty import DISHONESTIES, Dishonesty
from tests.projections.logbuilder import (
    ADMIN,
    LogBuilder,
    MemorySource,
    key_of,
    vkey_of,
    write_tree,
)


@pytest.fixture
def log() -> LogBuilder:
    """Twelve entries."""
    return begun()


def audit(log: LogBuilder) -> Replayed:
    return replay(MemorySource(log.tree()))


def test_an_honest_log_is_proved(log: LogBuilder) -> None:
    log.post(CRAWLER, deleted(1, 2), source=f"{CRAWLER}/worker")
    replayed = audit(log)
    assert replayed.audited.checkpoint == log.checkpoint()
    assert replayed.audited.submissions == 6
    assert replayed.audited.events == 8
    assert replayed.audited.sources[CRAWLER] == 4
    assert len(replayed.fold.holdings) == 3
    assert replayed.repeats == []


def test_every_event_reaches_the_fold_as_its_poster_said_it(log: LogBuilder) -> None:
    log.post(CRAWLER, deleted(3), collected(4, 5), deleted(4, 5), collected(6))
    register_token(log)
    gateway(log)
    reader = TileReader(MemorySource(log.tree()), log.size)
    audited = Audit(log.checkpoint(), reader.read)
    chunk = read_chunk(reader, 0, with_events=True)
    audited.take(chunk)
    facts = list(audited.facts(chunk))
    assert [fact.index for fact in facts] == [1, 3, 5, 7, 8, 9, 11, 13, 14, 15, 16, 18, 20]
    for fact in facts:
        assert ev.encode_event(fact.event) == log.rows[fact.index].body
        assert fact.time_us == log.rows[fact.index].time_us
    assert [fact.poster.name for fact in facts[:4]] == [ADMIN, ADMIN, CRAWLER, CRAWLER]
    assert facts[2].poster.vkey == vkey_of(CRAWLER)
    assert facts[-1].poster.name == TOKEN


# --- Bytes changed, nothing else.

Files = dict[str, bytes]


def flip(path: str, at: int) -> Callable[[Files], None]:
    def change(files: Files) -> None:
        raw = bytearray(files[path])
        raw[at] ^= 1
        files[path] = bytes(raw)

    return change


def remove(path: str) -> Callable[[Files], None]:
    def change(files: Files) -> None:
        del files[path]

    return change


ENTRIES = "tile/entries/000.p/12"


def test_any_flipped_byte_is_found(log: LogBuilder) -> None:
    files = log.tree()
    for path, raw in files.items():
        if path == "checkpoint":
            continue
        for at in range(0, len(raw), 37):
            broken = dict(files)
            flip(path, at)(broken)
            with pytest.raises((ProofError, FormatError)):
                replay(MemorySource(broken), fold=False)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (flip("tile/0/000.p/12", 7 * 32), "entry 7: its hash is not the one in the log's level-0 tile"),
        (flip("tile/0/000.p/12", 12 * 32 - 1), "entry 11: its hash is not the one in the log's level-0 tile"),
        (flip(ENTRIES, -1), "entry 11: its hash is not the one in the log's level-0 tile"),
        (flip(ENTRIES, -3), "entry 11: its hash is not the one in the log's level-0 tile"),
        (remove(ENTRIES), "tile/entries/000 is missing"),
        (remove("tile/0/000.p/12"), "tile/0/000 is missing"),
        (lambda files: files.update({ENTRIES: files[ENTRIES][:-1]}), "entries 0 to 11"),
        (lambda files: files.update({ENTRIES: files[ENTRIES] + b"\0\0"}), "entries 0 to 11"),
        (lambda files: files.update({"tile/0/000.p/12": files["tile/0/000.p/12"][:-32]}), "another length"),
    ],
)
def test_changed_bytes_are_named(log: LogBuilder, change: Callable[[Files], None], said: str) -> None:
    files = log.tree()
    change(files)
    with pytest.raises(ProofError) as failure:
        replay(MemorySource(files))
    assert said in str(failure.value)


@pytest.mark.parametrize(("dishonesty", "said"), DISHONESTIES, ids=[one.__name__ for one, _ in DISHONESTIES])
def test_a_thorough_operator_is_caught(log: LogBuilder, dishonesty: Dishonesty, said: str) -> None:
    dishonesty(log)
    with pytest.raises(ProofError) as failure:
        audit(log)
    assert said in str(failure.value)


def test_a_token_s_event_is_its_holder_s(log: LogBuilder) -> None:
    register_token(log)
    gateway(log)
    replayed = audit(log)
    assert TOKEN in [poster.name for poster in replayed.fold.docket.posters]


def test_a_log_that_ends_early_is_named(log: LogBuilder) -> None:
    reader = TileReader(MemorySource(log.tree()), log.size)
    audited = Audit(Checkpoint(log.origin, 13, bytes(32)), reader.read)
    audited.take(read_chunk(reader, 0, with_events=False))
    with pytest.raises(ProofError, match="the log ends after 12 entries; its checkpoint counts 13"):
        audited.finish()


def test_a_checkpoint_of_another_size_or_root_is_named(log: LogBuilder) -> None:
    files = static_tree(log.entries())
    files["checkpoint"] = log.checkpoint_note(10)
    with pytest.raises(ProofError, match="tile/entries/000 is missing"):
        replay(MemorySource(files))
    log.rows[11] = replace(log.rows[11], time_us=log.now_us + 1)
    files["checkpoint"] = log.checkpoint_note(None)
    with pytest.raises(ProofError, match="the 12 entries do not give the root of the checkpoint"):
        replay(MemorySource(files))


def test_a_grown_log_is_read_at_the_size_of_its_checkpoint(log: LogBuilder) -> None:
    checkpoint = log.checkpoint_note(None)
    for number in range(300):
        log.post(CRAWLER, collected(number))
    files = log.tree()
    files["checkpoint"] = checkpoint
    assert replay(MemorySource(files)).audited.checkpoint.size == 12


def test_repeated_ids_are_listed(log: LogBuilder) -> None:
    event = log.event(collected(4), CRAWLER)
    log.post_events(CRAWLER, event)
    log.post_events(CRAWLER, replace_data(event, collected(5)), event)
    assert audit(log).repeats == [(13, 15), (13, 16)]


def replace_data(event: ev.Event[ev.DataCollected], data: ev.DataCollected) -> ev.Event[ev.DataCollected]:
    return msgspec.structs.replace(event, data=data)


def test_repeats_are_told_from_hashes_that_share_a_bit() -> None:
    names = [hashlib.sha256(b"%d" % (at % 4_997)).digest()[:8] for at in range(5_000)]
    repeats = Repeats()
    repeats.add(b"".join(names[:3_000]))
    repeats.add(b"".join(names[3_000:]) + bytes(16))
    assert repeats.candidates() == [(0, 4_997), (1, 4_998), (2, 4_999)]
    assert Repeats().candidates() == []


# --- On many processes, across many chunks.


@pytest.fixture(scope="module")
def large() -> LogBuilder:
    log = LogBuilder()
    log.register(CRAWLER, "controller")
    log.post(CRAWLER, store())
    for batch in range(9):
        seen = log.checkpoint()
        numbers = range(1000 * batch, 1000 * batch + 1000)
        lines = [ev.encode_event(log.event(collected(at), CRAWLER, at=at)) for at in numbers]
        log.post_lines(CRAWLER, lines, seen=seen)
    log.anchor(WITNESS)
    return log


def test_processes_reach_what_one_reaches(
    large: LogBuilder, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = write_tree(large.tree(), tmp_path_factory.mktemp("large"))
    source = DirectorySource(folder)
    alone, together = replay(source, workers=0), replay(source, workers=2)
    assert alone.audited == together.audited
    assert alone.fold.digests() == together.fold.digests()
    assert len(alone.fold.holdings) == 9000


@pytest.mark.parametrize("path", ["tile/0/003", "tile/1/000.p/35"])
def test_one_tampered_tile_of_many_is_caught(large: LogBuilder, path: str) -> None:
    files = large.tree()
    flip(path, 5)(files)
    with pytest.raises(ProofError, match="altered"):
        replay(MemorySource(files), fold=False)


def test_the_chain_holds_between_chunks(large: LogBuilder) -> None:
    """The last entry of a chunk is another than the next one remembers; all else fits, the checkpoint too."""
    entries = large.entries()
    last = parse_entry(entries[4095])
    entries[4095] = format_entry(msgspec.structs.replace(last, time_us=last.time_us + 1))
    files = static_tree(entries)
    checkpoint = Checkpoint(large.origin, len(entries), root_of(range_of(0, leaf_hashes_of(entries))))
    files["checkpoint"] = format_note(sign_checkpoint(checkpoint, key_of(large.origin)))
    with pytest.raises(ProofError, match="entry 4096: it names another entry before it"):
        replay(MemorySource(files), fold=False)


def test_a_submission_may_not_go_on_in_the_next_chunk(large: LogBuilder) -> None:
    assert large.rows[4010].kind == "submission"
    rows = [*large.rows[:5011], large.rows[5010], *large.rows[5011:]]
    with pytest.raises(ProofError, match=r"entry 5011: one event more than the 1000 that .* at entry 4010"):
        replay(MemorySource(replace(large, rows=rows).tree()), fold=False)


def test_the_clock_goes_on_between_chunks(large: LogBuilder) -> None:
    rows = [*large.rows[:4096], *(replace(row, time_us=large.rows[0].time_us) for row in large.rows[4096:])]
    with pytest.raises(ProofError, match=r"entry 4096: recorded .* before entry 4095"):
        replay(MemorySource(replace(large, rows=rows).tree()), fold=False)
