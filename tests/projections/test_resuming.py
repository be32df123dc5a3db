"""A replay that was interrupted goes on from where it had kept what it proved, and comes to the same."""

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from projections import docket_rows, holdings
from projections import events as ev
from projections.runners.offline import Replayed, replay
from projections.runners.resuming import Resuming
from signing.encoding import encode_base64
from signing.errors import FormatError, ProofError
from signing.note import Note, format_note, parse_note
from tests.projections.deeds import (
    CRAWLER,
    WITNESS,
    begun,
    collected,
    deleted,
    gateway,
    handle,
    register_token,
    revoke_token,
    store,
)
from tests.projections.dishonesty import DISHONESTIES, Dishonesty
from tests.projections.logbuilder import LogBuilder, MemorySource
from tests.projections.resumed import CHUNK, Interrupted, Watched, always, filled, interrupted, run


def amounts(replayed: Replayed) -> object:
    """All that a replay comes to, but for where it began."""
    fold = replayed.fold
    return (
        replayed.audited,
        replayed.audit.registry,
        replayed.audit.found,
        replayed.repeats,
        sorted(holdings.rows(fold.held)),
        sorted(docket_rows.rows(fold.docket, fold.edges)),
        fold.digests(),
        [replayed.audit.history.root_at(size) for size in (1, 300, CHUNK, replayed.audited.checkpoint.size)],
    )


@pytest.fixture(scope="module")
def log() -> LogBuilder:
    """Of everything something on either side of each place where a run can have been interrupted."""
    log = begun()
    log.register("auditor.example", "auditor")
    register_token(log)
    gateway(log)
    for number in range(1, 4):
        # This one begins in one chunk and ends in the next.
        filled(log, number * CHUNK - 100)
        log.post(CRAWLER, *(collected(10 * number + at) for at in range(500)), deleted(number))
        log.post(CRAWLER, store(f"store-{number}"))
        log.post(CRAWLER, derived(number))
        seen = log.checkpoint(number * CHUNK - 4_000)
        lines = [ev.encode_event(log.event(collected(number), CRAWLER))]
        log.post_lines(CRAWLER, lines, seen=seen)
        quoted(log, number, honest=number != 2)
        # The same source and id in each round.
        log.post_events(CRAWLER, ev.make_event(deleted(7), id="again", source=CRAWLER, time=TIME))
        log.anchor(WITNESS)
        log.register(f"worker-{number}.example", "processor")
    revoke_token(log)
    log.post(f"worker-{1}.example", collected(5))
    return log


TIME = "2026-01-01T00:00:00Z"


def derived(number: int) -> ev.DataDerived:
    return msgspec.convert(
        {
            "artefacts": [handle(50_000 + number)],
            "controller": "clearview",
            "kind": "template",
            "lineage": "each",
            "records": [handle(number)],
            "store": "people",
        },
        ev.DataDerived,
    )


def quoted(log: LogBuilder, number: int, *, honest: bool) -> None:
    """An auditor names an early checkpoint: this log's, or another's."""
    size = 200 + number
    root = log.checkpoint(size).root if honest else bytes(32)
    said = {
        "begun_root": encode_base64(root),
        "begun_size": size,
        "controller": "clearview",
        "count": 0,
        "digest": encode_base64(bytes(32)),
        "inventory": f"i-{number}",
        "method": "reconcile",
        "store": "people",
    }
    log.post("auditor.example", msgspec.convert(said, ev.InventoryAttested))


@pytest.fixture(scope="module")
def files(log: LogBuilder) -> dict[str, bytes]:
    return log.tree(WITNESS)


@pytest.fixture(scope="module")
def whole(files: dict[str, bytes]) -> object:
    done = replay(MemorySource(files), workers=0)
    assert len(done.repeats) == 2
    assert len(done.fold.docket.looks.misplaced) == 1
    assert len(done.fold.edges) == 3
    return amounts(done)


@pytest.mark.parametrize("chunks", [1, 2, 3])
@pytest.mark.parametrize("most_held", [0, 1_000, 100_000])
def test_interrupted_and_gone_on_with(
    files: dict[str, bytes], whole: object, tmp_path: Path, chunks: int, most_held: int
) -> None:
    interrupted(files, tmp_path / "kept", chunks * CHUNK, most_held=most_held)
    source = Watched(files)
    done = run(source, tmp_path / "kept", most_held=most_held)
    assert done.begun == chunks * CHUNK
    # But for the four entries that are compared word for word: two pairs of repeats.
    assert len([first for first in source.asked if first < done.begun]) <= 4
    assert amounts(done) == whole


def test_interrupted_at_every_place_in_turn(files: dict[str, bytes], whole: object, tmp_path: Path) -> None:
    for chunks in (1, 2, 3):
        interrupted(files, tmp_path / "kept", chunks * CHUNK)
    done = run(Watched(files), tmp_path / "kept")
    assert (done.begun, amounts(done)) == (3 * CHUNK, whole)
    again = run(Watched(files), tmp_path / "kept")
    assert (again.begun, amounts(again)) == (again.audited.checkpoint.size, whole)


def test_without_derivations_it_stays_on_the_shelf(tmp_path: Path) -> None:
    log = filled(begun(), 2 * CHUNK + 50)
    interrupted(log.tree(), tmp_path / "kept", CHUNK)
    resuming = Resuming(tmp_path / "kept", always)
    done = replay(MemorySource(log.tree()), workers=0, most_held=100, resuming=resuming)
    assert done.fold.put_away is not None
    assert amounts(done) == amounts(replay(MemorySource(log.tree()), workers=0))
    resuming.close()


def test_with_derivations_all_records_are_at_hand(files: dict[str, bytes], tmp_path: Path) -> None:
    interrupted(files, tmp_path / "kept", CHUNK)
    resuming = Resuming(tmp_path / "kept", always)
    done = replay(MemorySource(files), workers=0, most_held=100, resuming=resuming)
    resuming.close()
    assert done.fold.put_away is None
    assert len(done.fold.holdings) > CHUNK


def test_what_is_looked_for_may_stand_on_either_side(
    log: LogBuilder, files: dict[str, bytes], tmp_path: Path
) -> None:
    openings = [at for at, row in enumerate(log.rows) if row.kind == "submission"]
    before, after = openings[5], openings[-1]
    watched = frozenset(parse_note(log.rows[at].body).text for at in (before, after))
    interrupted(files, tmp_path / "kept", 2 * CHUNK, watched=watched)
    done = run(Watched(files), tmp_path / "kept", watched=watched)
    assert sorted(done.audit.found.values()) == [before, after]


def test_progress_begins_where_the_last_run_was(files: dict[str, bytes], tmp_path: Path) -> None:
    interrupted(files, tmp_path / "kept", 2 * CHUNK)
    told: list[int] = []
    resuming = Resuming(tmp_path / "kept")
    replay(
        MemorySource(files),
        workers=0,
        most_held=100,
        resuming=resuming,
        progress=lambda done, _: told.append(done),
    )
    resuming.close()
    assert told[:2] == [2 * CHUNK, 3 * CHUNK]


def failure(source: Watched | MemorySource, folder: Path | None = None) -> str | None:
    """What is wrong with a log, if anything is found in as much as its source gives."""
    try:
        if folder is None:
            replay(source, workers=0)
        else:
            run(source, folder)
    except (ProofError, FormatError) as error:
        return str(error)
    except Interrupted:
        pass
    return None


@pytest.mark.parametrize("dishonesty", [one for one, _ in DISHONESTIES], ids=lambda one: one.__name__)
def test_what_is_wrong_behind_the_place_is_found(dishonesty: Dishonesty, tmp_path: Path) -> None:
    log = filled(begun(), CHUNK)
    dishonesty(log)
    files = log.tree()
    expected = failure(MemorySource(files))
    assert expected is not None
    if failure(Watched(files, until=CHUNK), tmp_path / "kept") is not None:
        # It was done to the first twelve entries.
        assert failure(Watched(files), tmp_path / "kept") == expected
        return
    source = Watched(files)
    assert failure(source, tmp_path / "kept") == expected
    assert [first for first in source.asked if first < CHUNK] == []


def test_one_event_more_than_a_submission_that_ended_there(tmp_path: Path) -> None:
    log = filled(begun(), CHUNK)
    log.rows.append(log.rows[-1])
    interrupted(log.tree(), tmp_path / "kept", CHUNK)
    said = failure(Watched(log.tree()), tmp_path / "kept")
    assert said == failure(MemorySource(log.tree()))
    assert said is not None
    assert "one event more" in said


def test_a_false_signature_before_the_place_is_never_kept(tmp_path: Path) -> None:
    log = filled(begun(), 2 * CHUNK, at_once=5)
    at = next(at for at in range(CHUNK - 50, CHUNK) if log.rows[at].kind == "submission")
    note = parse_note(log.rows[at].body)
    false = msgspec.structs.replace(note.signatures[0], signature=bytes(64))
    log.rows[at] = replace(log.rows[at], body=format_note(Note(note.text, (false,))))
    for _ in range(2):
        source = Watched(log.tree(), until=CHUNK)
        with pytest.raises(ProofError, match=f"entry {at}: {CRAWLER} did not sign"):
            run(source, tmp_path / "kept")
        assert 0 in source.asked, "nothing was kept to go on from"
