"""Whole members and signature lines of a bundle left out, exchanged, said twice, added: caught, or told."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from signing.attestation import Attestation, format_attestation
from signing.note import Note, format_note, parse_note, sign_note
from signing.tlog_proof import format_proof, parse_proof
from tests.projections import eventful
from tests.projections.eventful import SECOND, WITNESSES
from tests.projections.evidence import ASSESSOR, Evidence
from tests.projections.flipping import PAGES, Bundle, Files, Report, stored, told
from tests.projections.logbuilder import OPERATOR, ORIGIN, key_of

KINDS = ("full", "compact", "record")
LEFT = {ASSESSOR: ["backups", "lineage"], SECOND: []}
"""What each assessor says that he did not check."""


@pytest.fixture
def bundles() -> dict[str, Bundle]:
    return eventful.bundles()


def report_on(bundle: Bundle, files: Files, folder: Path) -> Report:
    return told(stored(files, folder / "bundle.zip"), bundle.request)


def left_unchecked(report: Report) -> dict[str, list[str] | None]:
    return {one.name: one.unchecked for one in report["assessors"]}


@pytest.mark.parametrize("kind", KINDS)
def test_a_member_left_out(bundles: dict[str, Bundle], tmp_path: Path, kind: str) -> None:
    bundle = bundles[kind]
    for path in bundle.files:
        report = report_on(bundle, {k: raw for k, raw in bundle.files.items() if k != path}, tmp_path)
        if path in PAGES:
            assert report["sound"]
            assert path not in " ".join(report["not_proven"])
        elif path == "attestation/1":
            assert left_unchecked(report) == LEFT | {SECOND: None}
        else:
            assert not report["sound"], path


@pytest.mark.parametrize("kind", KINDS)
def test_a_member_exchanged_for_the_next(bundles: dict[str, Bundle], tmp_path: Path, kind: str) -> None:
    bundle = bundles[kind]
    for one, other in pairwise(bundle.files):
        swapped = {one: bundle.files[other], other: bundle.files[one]}
        report = report_on(bundle, bundle.files | swapped, tmp_path)
        if {one, other} <= PAGES:
            assert report["sound"]
        elif {one, other} == {"attestation/0", "attestation/1"}:
            assert left_unchecked(report) == LEFT
        else:
            assert not report["sound"], (one, other)


@pytest.mark.parametrize("kind", KINDS)
def test_a_member_emptied_or_with_a_byte_more(bundles: dict[str, Bundle], tmp_path: Path, kind: str) -> None:
    bundle = bundles[kind]
    for path in set(bundle.files) - PAGES:
        for raw in (b"", bundle.files[path][:-1], bundle.files[path] + b"\n"):
            assert not report_on(bundle, bundle.files | {path: raw}, tmp_path)["sound"], path


# --- What belongs to another log, moment or order.


def another(evidence: Evidence) -> Evidence:
    """The same operator's other history: one collection was of somebody else."""
    log = deepcopy(evidence.log)
    index = next(at for at, row in enumerate(log.rows) if b"writ.data.collected" in row.body)
    log.rows[index] = replace(log.rows[index], body=log.rows[index].body.replace(b'"scrape"', b'"search"'))
    return replace(evidence, log=log)


def tiles_of_another(name: str) -> Callable[[Evidence], Files]:
    return lambda evidence: {name: another(evidence).log.tree()[name]}


def fork(evidence: Evidence) -> Files:
    """Signed by the log's own key, and cosigned too."""
    return {"checkpoint": another(evidence).log.checkpoint_note(None, *WITNESSES)}


def older_checkpoint(evidence: Evidence) -> Files:
    return {"checkpoint": evidence.log.checkpoint_note(evidence.log.size - 2, *WITNESSES)}


def other_order(evidence: Evidence) -> Files:
    """A statement of the same log on an order by somebody else, whom nobody here believes."""
    stranger = replace(evidence, order_id="other-ico.example/en-1", signer="other-ico.example")
    return {"statement": stranger.files(ASSESSOR, SECOND)["statement"]}


def other_moment(evidence: Evidence) -> Files:
    text = parse_note(evidence.files(as_of=evidence.as_of - 60)["statement"]).text
    signers = (key_of(one) for one in (OPERATOR, ASSESSOR, SECOND))
    return {"statement": format_note(sign_note(text, *signers))}


def attestation_of_another(_: Evidence) -> Files:
    text = format_attestation(Attestation(ORIGIN, bytes(32), ()))
    return {"attestation/1": format_note(sign_note(text, key_of(SECOND)))}


FOREIGN: list[tuple[Callable[[Evidence], Files], str]] = [
    (tiles_of_another("tile/0/000"), "its hash is not the one in the log's level-0 tile"),
    (tiles_of_another("tile/entries/000"), "entry 256: it names another entry before it"),
    (tiles_of_another("tile/1/000.p/8"), "tile/1/000.p/8: not the hashes that the entries give"),
    (fork, "do not give the root of the checkpoint"),
    (older_checkpoint, "is missing"),
    (other_order, "the statement is about the order other-ico.example/en-1"),
    (other_moment, "the statement is not what the log gives"),
    (attestation_of_another, "attestation/1: an attestation of another statement"),
]


@pytest.mark.parametrize(("change", "why"), FOREIGN)
def test_what_belongs_elsewhere(
    bundles: dict[str, Bundle], tmp_path: Path, change: Callable[[Evidence], Files], why: str
) -> None:
    bundle = bundles["full"]
    changed = change(eventful.stamped())
    assert all(bundle.files[path] != raw for path, raw in changed.items())
    report = report_on(bundle, bundle.files | changed, tmp_path)
    assert why in (report["failure"] or "passed")


# --- Members that the kind does not have.


def padded(files: Files) -> Files:
    """A full tile where the tree has a partial one: of what stands behind its hashes nobody knows."""
    path = next(one for one in files if one.startswith("tile/0/") and ".p/" in one)
    raw = files.pop(path)
    return files | {path.partition(".p/")[0]: raw + bytes(8192 - len(raw))}


def stray_tile(files: Files) -> Files:
    return files | {"tile/0/900": bytes(8192)}


def gap(files: Files) -> Files:
    return files | {"attestation/9": files["attestation/0"]}


def proof_in_full(files: Files) -> Files:
    return files | {"proof/1/event": files["tile/0/000"]}


def record_beside(files: Files) -> Files:
    return files | {"record": files["statement"]}


def statement_beside(files: Files) -> Files:
    return files | {"statement": files["record"]}


def other_spelling(files: Files) -> Files:
    """The same proofs a second time, under a number that another reader may take for another entry."""
    path = next(one for one in files if one.startswith("proof/"))
    index = path.split("/")[1]
    again = {
        one.replace(index, f"0{index}", 1): raw
        for one, raw in files.items()
        if one.startswith(f"proof/{index}/")
    }
    return files | again


EXTRA: list[tuple[str, Callable[[Files], Files], str]] = [
    ("full", padded, "no part of a full bundle"),
    ("full", stray_tile, "tile/0/900: no part of a full bundle"),
    ("full", gap, "attestation/9: no part of a full bundle"),
    ("full", proof_in_full, "proof/1/event: no part of a full bundle"),
    ("full", record_beside, "no part of a record's bundle"),
    ("compact", gap, "attestation/9: no part of a compact bundle"),
    ("compact", other_spelling, "no part of a compact bundle"),
    ("record", other_spelling, "no part of a record's bundle"),
    ("record", statement_beside, "statement: no part of a record's bundle"),
]


@pytest.mark.parametrize(("kind", "change", "why"), EXTRA)
def test_a_member_too_many(
    bundles: dict[str, Bundle], tmp_path: Path, kind: str, change: Callable[[Files], Files], why: str
) -> None:
    report = report_on(bundles[kind], change(dict(bundles[kind].files)), tmp_path)
    assert why in (report["failure"] or "passed")


# --- Signature lines.


def lines(files: Files, path: str, change: Callable[[Note], Note]) -> Files:
    return files | {path: format_note(change(parse_note(files[path])))}


def without(*names: str) -> Callable[[Note], Note]:
    return lambda note: Note(note.text, tuple(one for one in note.signatures if one.name not in names))


def twice(note: Note) -> Note:
    return Note(note.text, tuple(one for one in note.signatures for _ in range(2)))


def carried_over(note: Note) -> Note:
    """One witness's line is from an earlier checkpoint."""
    earlier = parse_note(eventful.stamped().log.checkpoint_note(100, *WITNESSES))
    old = next(one for one in earlier.signatures if one.name == WITNESSES[2])
    return Note(note.text, tuple(old if one.name == old.name else one for one in note.signatures))


def turned(note: Note) -> Note:
    return Note(note.text, note.signatures[::-1])


def with_extra(proof: bytes) -> bytes:
    """With extra data, which anybody may put in."""
    return format_proof(msgspec.structs.replace(parse_proof(proof), extra=b"hello"))


@pytest.mark.parametrize("kind", ["full", "compact"])
@pytest.mark.parametrize("change", [twice, turned])
def test_lines_said_twice_or_in_another_sequence_claim_the_same(
    bundles: dict[str, Bundle], tmp_path: Path, kind: str, change: Callable[[Note], Note]
) -> None:
    bundle = bundles[kind]

    def claimed(files: Files) -> Report:
        report = report_on(bundle, files, tmp_path)
        return report | {"attested": sorted(set(report["attested"]))}

    for path in ("checkpoint", "statement"):
        assert claimed(lines(bundle.files, path, change)) == claimed(bundle.files)
    assert not report_on(bundle, lines(bundle.files, "attestation/0", twice), tmp_path)["sound"]


def test_a_proof_s_extra_data_says_nothing(bundles: dict[str, Bundle], tmp_path: Path) -> None:
    bundle = bundles["record"]
    proofs = {path: with_extra(raw) for path, raw in bundle.files.items() if path.endswith(".tlog-proof")}
    good = report_on(bundle, bundle.files, tmp_path)
    assert report_on(bundle, bundle.files | proofs, tmp_path) == good


@pytest.mark.parametrize("kind", KINDS)
def test_witnesses_lines(bundles: dict[str, Bundle], tmp_path: Path, kind: str) -> None:
    """Two of three are enough, and are named; with one there is no quorum, and that is said."""
    bundle = bundles[kind]
    first, second, third = WITNESSES
    for change in (without(third), carried_over):
        report = report_on(bundle, lines(bundle.files, "checkpoint", change), tmp_path)
        assert report["exit_code"] == 0
        assert any(f"({first}, {second}): they saw" in one for one in report["attested"])
        assert third not in " ".join(report["attested"])
    assert any(third in one and "is false" in one for one in report["exceptions"])
    report = report_on(bundle, lines(bundle.files, "checkpoint", without(second, third)), tmp_path)
    assert any("checkpoint lacks the cosignatures" in one for one in report["exceptions"])
    # The log's own anchors are witnessed too, for who has the log.
    assert report["exit_code"] == (0 if kind == "full" else 4)
    assert first not in " ".join(report["attested"])


def test_assessors_lines(bundles: dict[str, Bundle], tmp_path: Path) -> None:
    changed = lines(bundles["compact"].files, "statement", without(SECOND))
    assert "1 of the 2 assessors" in report_on(bundles["compact"], changed, tmp_path)["failure"]
    report = report_on(bundles["full"], lines(bundles["full"].files, "statement", without(SECOND)), tmp_path)
    assert left_unchecked(report) == {ASSESSOR: LEFT[ASSESSOR]}
    alone = lines(bundles["full"].files, "statement", without(OPERATOR, ASSESSOR))
    report = report_on(bundles["full"], alone, tmp_path)
    assert left_unchecked(report) == {SECOND: LEFT[SECOND]}
    assert OPERATOR not in " ".join(report["attested"])
