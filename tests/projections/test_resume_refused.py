"""What a folder of --resume is not good for is refused, and left as it is; what is in it is never mixed."""

import random
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from projections.audit import Audit
from projections.fold import Fold
from projections.repeats import Repeats
from projections.runners.journal import MAGIC, NAME, CannotResume, Journal
from projections.runners.offline import replay
from projections.runners.resuming import (
    CLAIM,
    HOLDINGS,
    SAVE,
    Claim,
    Resuming,
    decode_save,
    encode_save,
    pause_s,
)
from projections.runners.rules import code_hash
from signing.checkpoint import Checkpoint, format_checkpoint
from signing.errors import FormatError, ProofError
from signing.tiles import static_tree
from tests.projections.deeds import CRAWLER, begun, collected
from tests.projections.logbuilder import LogBuilder, MemorySource
from tests.projections.resumed import CHUNK, Watched, filled, interrupted, run

CI = settings(max_examples=300, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def log() -> LogBuilder:
    """Two chunks and some."""
    log = begun()
    filled(log, 2 * CHUNK + 20)
    return log


@pytest.fixture(scope="module")
def files(log: LogBuilder) -> dict[str, bytes]:
    return log.tree()


@pytest.fixture(scope="module")
def head(log: LogBuilder) -> Checkpoint:
    return log.checkpoint()


@pytest.fixture
def kept(files: dict[str, bytes], tmp_path: Path) -> Path:
    """A folder in which a run has kept the first chunk."""
    interrupted(files, tmp_path / "kept", CHUNK)
    return tmp_path / "kept"


def refusal(folder: Path, source: object, **how: object) -> str:
    """Why a run does not go on, after which all is as it was."""
    before = (folder / NAME).read_bytes()
    with pytest.raises(CannotResume) as refused:
        run(source, folder, **how)  # type: ignore[arg-type]
    assert (folder / NAME).read_bytes() == before
    assert refused.value.remedy
    return str(refused.value)


def test_another_checkpoint(log: LogBuilder, kept: Path) -> None:
    grown = deepcopy(log)
    grown.post(CRAWLER, collected(1))
    said = refusal(kept, MemorySource(grown.tree()))
    assert f"begun for the checkpoint of ledger.example/clearview at {log.size} entries" in said
    assert f"this is the checkpoint of ledger.example/clearview at {log.size + 2} entries" in said
    assert run(Watched(log.tree()), kept).begun == CHUNK


def test_another_log(kept: Path) -> None:
    other = LogBuilder(origin="ledger.example/other")
    assert "this is the checkpoint of ledger.example/other" in refusal(kept, MemorySource(other.tree()))


def test_other_submissions_to_look_for(files: dict[str, bytes], kept: Path) -> None:
    said = refusal(kept, MemorySource(files), watched=frozenset({"a note's text"}))
    assert "begun with other submissions in --with" in said


def test_another_version(log: LogBuilder, files: dict[str, bytes], tmp_path: Path) -> None:
    claim = Claim("0" * 64, format_checkpoint(log.checkpoint()), ())
    write(tmp_path / "kept", [(CLAIM, msgspec.json.encode(claim))])
    assert "another version of Writ" in refusal(tmp_path / "kept", MemorySource(files))


def test_the_code_is_all_that_verifies() -> None:
    """A folder is bound to the runners and formats too, which the hash of the rules leaves out."""
    assert len(code_hash()) == 64


# --- The source changes between two runs.


def altered(log: LogBuilder, index: int, files: dict[str, bytes]) -> dict[str, bytes]:
    """The log's own checkpoint, over other entries: chained anew and with fitting tiles."""
    other = deepcopy(log)
    body = other.rows[index].body
    other.rows[index] = replace(other.rows[index], body=body.replace(b'"minor":"unknown"', b'"minor":"no"'))
    assert other.rows[index].body != body
    return {**static_tree(other.entries()), "checkpoint": files["checkpoint"]}


def test_entries_below_the_place_are_those_that_were_verified(
    log: LogBuilder, files: dict[str, bytes], kept: Path
) -> None:
    # Everything behind the place is as it was: what is judged is the log that was verified, and no other.
    swapped = altered(log, 8, files)
    rest = {path: raw for path, raw in files.items() if path not in early(files)}
    done = run(MemorySource({**swapped, **rest}), kept)
    assert done.begun == CHUNK
    assert done.fold.digests() == replay(MemorySource(files), workers=0).fold.digests()
    with pytest.raises(ProofError, match="not the hashes that the entries give"):
        done.entry(8)


def early(files: dict[str, bytes]) -> set[str]:
    """The tiles of the first chunk."""
    return {f"tile/{level}/{number:03}" for level in ("0", "entries") for number in range(CHUNK // 256)}


def test_entries_above_the_place_must_give_the_root(
    log: LogBuilder, files: dict[str, bytes], kept: Path
) -> None:
    with pytest.raises(ProofError, match="do not give the root that its poster signed"):
        run(MemorySource(altered(log, CHUNK + 100, files)), kept)
    # Nothing of that was kept.
    assert run(Watched(files), kept).begun == CHUNK


def test_an_altered_log_is_not_joined_to_what_was_verified(
    log: LogBuilder, files: dict[str, bytes], kept: Path
) -> None:
    """Other entries below the place, and those above chained to them."""
    with pytest.raises(ProofError, match=f"entry {CHUNK}"):
        run(MemorySource(altered(log, 8, files)), kept)


def test_a_repeat_is_confirmed_with_what_was_verified(tmp_path: Path) -> None:
    log = filled(begun(), CHUNK)
    first = log.rows[7].body
    log.post_lines(CRAWLER, [first])
    files = log.tree()
    interrupted(files, tmp_path / "kept", CHUNK)
    hidden = {**files, "tile/entries/000": files["tile/entries/001"]}
    with pytest.raises(ProofError):
        run(MemorySource(hidden), tmp_path / "kept")
    assert run(MemorySource(files), tmp_path / "kept").repeats == [(7, CHUNK + 1)]


# --- What is in the folder is no save.


def write(folder: Path, records: list[tuple[int, bytes]]) -> Path:
    (folder / NAME).unlink(missing_ok=True)
    journal = Journal(folder)
    for kind, content in records:
        journal.write(kind, [content])
    journal.close()
    return folder


@pytest.fixture(scope="module")
def records(files: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> list[tuple[int, bytes]]:
    """Those of a folder with two saves."""
    folder = tmp_path_factory.mktemp("whole")
    interrupted(files, folder, 2 * CHUNK)
    journal = Journal(folder)
    found = [(one.kind, journal.read(one.begin, one.size)) for one in journal.records()]
    journal.close()
    assert [kind for kind, _ in found] == [CLAIM, HOLDINGS, SAVE, HOLDINGS, SAVE]
    return found


def opened(head: Checkpoint, folder: Path) -> int | None:
    """How many entries a run begins after; None where the folder is refused."""
    audit, resuming = Audit(head, MemorySource({}).read), Resuming(folder)  # type: ignore[arg-type]
    try:
        resuming.begin(head, frozenset())
        return resuming.restore(audit, Fold.empty(), Repeats())
    except CannotResume:
        return None
    finally:
        resuming.close()


def test_torn_anywhere_it_goes_on_from_the_save_before(
    head: Checkpoint, records: list[tuple[int, bytes]], tmp_path: Path
) -> None:
    folder = write(make(tmp_path / "kept"), records)
    raw = (folder / NAME).read_bytes()
    ends = [len(MAGIC)]
    for _, content in records:
        ends.append(ends[-1] + 9 + len(content) + 32)
    places = {*ends, *(end - 1 for end in ends[1:]), *random.Random(1).sample(range(len(raw)), 60)}
    for length in sorted(places, reverse=True):
        (folder / NAME).write_bytes(raw[:length])
        expected = sum(CHUNK for end in (ends[3], ends[5]) if end <= length)
        assert opened(head, folder) == expected


def test_a_byte_altered_anywhere_it_goes_on_from_the_save_before(
    head: Checkpoint, records: list[tuple[int, bytes]], tmp_path: Path
) -> None:
    folder = write(make(tmp_path / "kept"), records)
    raw = (folder / NAME).read_bytes()
    for at in random.Random(2).sample(range(len(MAGIC), len(raw)), 60):
        altered = bytearray(raw)
        altered[at] ^= 1
        (folder / NAME).write_bytes(altered)
        found = opened(head, folder)
        assert found in (0, CHUNK)


def make(folder: Path) -> Path:
    folder.mkdir(mode=0o700)
    return folder


@given(st.binary(max_size=300))
@CI
def test_any_bytes_are_no_save(raw: bytes) -> None:
    with pytest.raises(FormatError):
        decode_save(raw)


# Most of a record are hashes: its beginning says what it is.
EDITS = st.lists(
    st.tuples(st.integers(0, 40) | st.integers(0, 40_000), st.integers(0, 2), st.binary(max_size=3)),
    min_size=1,
    max_size=3,
)


def test_a_save_has_one_way_to_be_written(head: Checkpoint, records: list[tuple[int, bytes]]) -> None:
    raw = records[2][1]
    size = b"\xcd" + CHUNK.to_bytes(2, "big")
    assert raw[1:4] == size
    longer = raw[:1] + b"\xce" + CHUNK.to_bytes(4, "big") + raw[4:]
    assert encode_save(decode_save(raw)) == raw
    with pytest.raises(FormatError, match="in another way"):
        decode_save(longer)


@given(st.integers(0, 4), EDITS)
@CI
def test_records_altered_by_who_can_make_a_journal(
    head: Checkpoint,
    records: list[tuple[int, bytes]],
    tmp_path_factory: pytest.TempPathFactory,
    which: int,
    edits: list[tuple[int, int, bytes]],
) -> None:
    """Every digest fits. What is read is what our own encoder would write, or nothing."""
    kind, whole = records[which]
    content = bytearray(whole)
    for at, gone, new in edits:
        content[at : at + gone] = new
    changed = [*records[:which], (kind, bytes(content)), *records[which + 1 :]]
    found = opened(head, write(make(tmp_path_factory.mktemp("made") / "kept"), changed))
    assert found in (None, 2 * CHUNK)
    if kind == SAVE and found is not None:
        assert encode_save(decode_save(bytes(content))) == bytes(content)


@given(st.lists(st.tuples(st.integers(0, 4), st.binary(max_size=50)), max_size=4))
@CI
def test_records_of_anything(
    head: Checkpoint, tmp_path_factory: pytest.TempPathFactory, contents: list[tuple[int, bytes]]
) -> None:
    claim = Claim(code_hash(), format_checkpoint(head), ())
    folder = make(tmp_path_factory.mktemp("made") / "kept")
    write(folder, [(CLAIM, msgspec.json.encode(claim)), *contents])
    # Blocks that no save follows count for nothing.
    only_blocks = all(kind == HOLDINGS for kind, _ in contents)
    assert opened(head, folder) == (0 if only_blocks else None)


@pytest.mark.parametrize(
    "changes",
    [
        {"size": 0},
        {"size": CHUNK - 256},
        {"size": 2 * CHUNK + 21},
        {"size": 3 * CHUNK},
        {"tile_roots": bytes(32)},
        {"tail": bytes(32)},
        {"id_hashes": b""},
        {"docket": [("posters", 7, b"{}")]},
        {"docket": [("nothing", 0, b"{}")]},
        {"docket": [("posters", 0, b"{}")]},
        {"edges": [(4, b"[]")]},
        {"stores": b"[]"},
    ],
    ids=str,
)
def test_a_save_that_does_not_follow(
    changes: dict[str, object], head: Checkpoint, records: list[tuple[int, bytes]], tmp_path: Path
) -> None:
    save = msgspec.structs.replace(decode_save(records[2][1]), **changes)
    assert opened(head, write(make(tmp_path / "kept"), [*records[:2], (SAVE, encode_save(save))])) is None


def test_saves_that_were_left_out_or_repeated(
    head: Checkpoint, records: list[tuple[int, bytes]], tmp_path: Path
) -> None:
    for number, order in enumerate(([0, 4], [0, 2, 2], [0, 4, 2], [0, 2, 0])):
        folder = make(tmp_path / f"kept-{number}")
        assert opened(head, write(folder, [records[at] for at in order])) is None


def test_how_often_a_save_is_made() -> None:
    assert pause_s(0.0, 0.0) == 0.1
    assert pause_s(100.0, 0.01) == 5.0
    assert pause_s(10.0, 0.1) == 2.0
    assert pause_s(10_000.0, 0.01) == 30.0
    assert pause_s(10.0, 60.0) == 30.0
