"""Reading a whole store: the digest is that of the set, whatever is cut off, repeated or read before."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.failure import Failure
from ledger.inventory import crew as crews
from ledger.inventory.crew import Crew
from ledger.inventory.findings import KeptHandles
from ledger.inventory.folder import Subject, open_folder
from ledger.inventory.taking import Taken, require_unchanged, take
from ledger.stores.source import Part
from signing.handle import handle
from signing.setdigest import BUCKETS, EMPTY_BUCKET, BucketDigest, digest_of, hash_buckets
from tests.ledger.inventory.shelf_of_parts import Parts

KEY = bytes(range(32))
SUBJECT = Subject("store", "people", "commitment")


def taken(
    source: Parts, folder: Path, subject: Subject = SUBJECT, *, workers: int = 0, anew: bool = False
) -> Taken:
    with open_folder(folder, subject, anew=anew) as work, Crew(KEY, "people", workers=workers) as crew:
        return take(source, crew, work, "look", lambda _: None)


def handles(*ids: str) -> set[str]:
    return {handle(KEY, "people", one) for one in ids}


def of(found: set[str]) -> object:
    return digest_of(one.encode() for one in found)


@pytest.mark.parametrize("workers", [0, 2])
def test_the_digest_is_that_of_the_distinct_handles(
    tmp_path: Path, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crews, "BATCH_KEYS", 500)
    ids = [f"person-{number}" for number in range(9_000)]
    found = taken(Parts(one=("", ids), two=("", ids[:40]), none=("", [])), tmp_path / "w", workers=workers)

    whole = handles(*ids)
    assert (found.seen, found.repeated, len(found.parts)) == (of(whole), 40, 3)
    with KeptHandles(tmp_path / "w", "look") as kept:
        assert len(kept) == 9_000
        assert kept.hashes() == list(BucketDigest(one.encode() for one in whole).hashes())
        ordered = sorted(whole)
        for bucket in range(0, BUCKETS, 61):
            assert kept.bucket(bucket) == [one for one in ordered if int(one[:4], 16) == bucket]
        assert all(one in kept for one in ordered[::100])
        assert handle(KEY, "people", "stranger") not in kept


def test_parts_that_are_worked_on_at_once_are_kept_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crews, "BATCH_KEYS", 100)
    source = Parts(**{f"p{n}": ("1", [f"{n}-{m}" for m in range(n * 90)]) for n in range(12)})
    taken(source, tmp_path / "w", workers=2)
    del source.held["p7"], source.held["p3"]
    source.read.clear()

    again = taken(source, tmp_path / "w")

    assert (source.read, again.parts_known) == ([], 10)
    assert again.seen == of(handles(*(one for _, ids in source.held.values() for one in ids)))


def test_an_empty_store_has_the_digest_of_the_empty_set(tmp_path: Path) -> None:
    assert taken(Parts(), tmp_path / "w").seen == of(set())
    with KeptHandles(tmp_path / "w", "look") as kept:
        assert (len(kept), kept.bucket(0), "0" * 32 in kept) == (0, [], False)


@given(st.lists(st.binary(min_size=16, max_size=16), max_size=60))
def test_a_range_is_hashed_as_sort_and_sha256sum_do(rows: list[bytes]) -> None:
    """In the first range alone, as a spill gives them."""
    own = [b"\x07" + row[1:] for row in rows]
    digested = crews.Desk(KEY, "people", frozenset()).digest(b"".join(own))

    count, hashes = hash_buckets(row.hex().encode() for row in set(own))
    assert digested.rows == b"".join(sorted(set(own)))
    assert digested.repeated == len(own) - count
    assert {0x0700 + at: one for at, one in enumerate(digested.hashes) if one != EMPTY_BUCKET} == hashes


def test_a_part_in_the_same_state_is_not_read_again(tmp_path: Path) -> None:
    source = Parts(a=("1", ["x", "y"]), b=("1", ["z"]), c=("", ["w"]))
    assert taken(source, tmp_path / "w").parts_known == 0
    source.held |= {"b": ("2", ["z", "zz"]), "d": ("1", [])}
    source.read.clear()

    again = taken(source, tmp_path / "w")

    assert (source.read, again.parts_known) == (["b", "c", "d"], 1)
    assert again.seen == of(handles("x", "y", "z", "zz", "w"))
    del source.held["a"]
    assert taken(source, tmp_path / "w").seen == of(handles("z", "zz", "w"))
    source.held["a"] = ("1", ["x", "y"])
    source.read.clear()
    assert taken(source, tmp_path / "w").seen == of(handles("x", "y", "z", "zz", "w"))
    assert "a" in source.read, "what was gone was forgotten"


def test_what_was_interrupted_goes_on_with_the_parts_that_were_read(tmp_path: Path) -> None:
    source = Parts(a=("1", ["x", "y"]), b=("1", ["z"]), c=("1", ["w"]))
    source.stop = "b"
    with pytest.raises(KeyboardInterrupt):
        taken(source, tmp_path / "w")
    source.stop = ""
    source.read.clear()

    again = taken(source, tmp_path / "w")

    assert (source.read, again.parts_known) == (["b", "c"], 1)
    assert again.seen == of(handles("x", "y", "z", "w"))


@pytest.mark.parametrize(
    "other",
    [
        Subject("else", "people", "commitment"),
        Subject("store", "b", "commitment"),
        Subject("store", "people", "other key"),
    ],
)
def test_what_was_read_of_another_store_or_by_another_key_is_not_used(tmp_path: Path, other: Subject) -> None:
    source = Parts(a=("1", ["x"]))
    taken(source, tmp_path / "w")
    assert taken(source, tmp_path / "w", other).parts_known == 0
    assert taken(source, tmp_path / "w", other).parts_known == 1
    assert taken(source, tmp_path / "w", other, anew=True).parts_known == 0


def test_a_journal_cut_off_at_any_byte_tells_of_less_and_never_of_anything_else(tmp_path: Path) -> None:
    source = Parts(**{f"p{n}": ("1", [f"{n}-{m}" for m in range(n * 3)]) for n in range(4)})
    taken(source, tmp_path / "w")
    path = tmp_path / "w" / "journal"
    journal, spill = path.read_bytes(), (tmp_path / "w" / "spill-0").read_bytes()
    first = journal.index(b"\n") + 1
    for size in range(first, len(journal) + 1):
        path.write_bytes(journal[:size])
        (tmp_path / "w" / "spill-0").write_bytes(spill)
        with open_folder(tmp_path / "w", SUBJECT) as folder:
            known = [folder.known(part) for part in source.parts()]
            rows = b"".join(folder.ranges())
            assert all(folder.known(Part(part.name, "2")) is None for part in source.parts())
        lines = journal[first:size].count(b"\n")
        told = sum(1024 + 16 * count for count in (0, 3, 6, 9)[:lines] if count)
        assert (tmp_path / "w" / "spill-0").stat().st_size == told, "what nobody tells of is cut off"
        assert known == [0, 3, 6, 9][:lines] + [None] * (4 - lines)
        ids = [one for _, own in list(source.held.values())[:lines] for one in own]
        assert {rows[at : at + 16].hex() for at in range(0, len(rows), 16)} == handles(*ids)


@pytest.mark.parametrize("size", [0, 1, 1_100, 2_000])
def test_a_spill_that_was_cut_off_is_read_again(tmp_path: Path, size: int) -> None:
    source = Parts(a=("1", ["x", "y"]), b=("1", ["z"] * 40))
    whole = taken(source, tmp_path / "w").seen
    (spill,) = (tmp_path / "w").glob("spill-*")
    spill.write_bytes(spill.read_bytes()[:size])
    assert taken(source, tmp_path / "w").seen == whole


def test_a_damaged_journal_is_refused(tmp_path: Path) -> None:
    source = Parts(a=("1", ["x"]))
    taken(source, tmp_path / "w")
    (tmp_path / "w" / "journal").write_bytes(b"{}\n")
    with pytest.raises(Failure, match="is damaged") as refused:
        taken(source, tmp_path / "w")
    assert "--anew" in refused.value.remedy
    assert taken(source, tmp_path / "w", anew=True).seen == of(handles("x"))


def test_a_spill_of_what_is_gone_is_written_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.inventory.folder._SPARE_BYTES", 0)
    source = Parts(a=("1", ["x"]), b=("1", ["y"]), c=("1", ["z"]))
    taken(source, tmp_path / "w")
    source.held = {"b": source.held["b"]}
    source.read.clear()

    assert taken(source, tmp_path / "w").seen == of(handles("y"))
    (spill,) = (tmp_path / "w").glob("spill-*")
    assert (spill.name, source.read) == ("spill-1", [])
    assert taken(source, tmp_path / "w").seen == of(handles("y"))
    assert spill.exists(), "what has nothing to spare stays where it is"


def test_a_folder_is_for_one_process_and_for_nobody_elses_eyes(tmp_path: Path) -> None:
    with open_folder(tmp_path / "w", SUBJECT), pytest.raises(Failure, match="another process works in"):
        taken(Parts(), tmp_path / "w")
    (tmp_path / "w").chmod(0o755)
    with pytest.raises(Failure, match="others may look into") as refused:
        taken(Parts(), tmp_path / "w")
    assert "chmod 700" in refused.value.remedy


def test_a_disk_that_is_full_is_named(tmp_path: Path) -> None:
    """The kernel refuses what goes beyond a limit, as it refuses what finds no room."""
    script = (
        "import resource, signal; from pathlib import Path; from ledger.inventory.crew import Run\n"
        "from ledger.inventory.spill import Spill; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, 2_000))\n"
        f"spill = Spill(Path({str(tmp_path / 'spill-0')!r}))\n"
        "spill.append(Run([0] * 255 + [99], bytes(16 * 99)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[-1].endswith(f"File too large: '{tmp_path / 'spill-0'}'")


def test_two_parts_of_one_name_are_refused(tmp_path: Path) -> None:
    class Twice(Parts):
        def parts(self):  # type: ignore[no-untyped-def]
            return [*super().parts(), *super().parts()]

    with pytest.raises(Failure, match="one name"):
        taken(Twice(a=("1", ["x"])), tmp_path / "w")


def test_who_vouched_that_nothing_is_written_is_held_to_it() -> None:
    source = Parts(a=("1", []), b=("", []))
    before = source.parts()
    require_unchanged(source, before)
    for name, state in (("a", "2"), ("c", "1")):
        source.held = {"a": ("1", []), "b": ("", []), name: (state, [])}
        with pytest.raises(Failure, match="was written to while it was read"):
            require_unchanged(source, before)
    source.held = {"b": ("", [])}
    with pytest.raises(Failure, match="a is not what it was"):
        require_unchanged(source, before)
