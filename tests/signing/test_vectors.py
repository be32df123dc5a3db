"""The committed vectors: our C2SP log byte for byte, and one file for each way to break a format."""

import base64
import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from projections.statement import parse_statement
from signing import (
    COSIGNATURE,
    ED25519,
    EMPTY_RANGE,
    AddCheckpoint,
    Checkpoint,
    Cosignable,
    Edge,
    FormatError,
    Note,
    ProofError,
    Refusal,
    SigningKey,
    TlogProof,
    Watched,
    add_signatures,
    blinding_commitment,
    canonicalise,
    check_submission,
    cosign,
    decide,
    decode_base64,
    decode_bundle,
    decode_frontier,
    digest_of,
    encode_base64,
    encode_bundle,
    format_add_checkpoint,
    format_note,
    format_proof,
    format_signing_key,
    format_vkey,
    grow,
    leaf_hashes_of,
    node_hash,
    open_checkpoint,
    parse_add_checkpoint,
    parse_entry,
    parse_note,
    parse_policy,
    parse_proof,
    parse_signing_key,
    parse_submission,
    parse_vkey,
    read_log_list,
    read_policy,
    sign_checkpoint,
    signatures_of,
    tile_path,
    tiles_of,
    verify_consistency,
    verify_cosignature,
    verify_note,
    verify_proof,
)
from signing.attestation import open_attestation
from signing.fork import parse_fork, verify_fork
from signing.handle import handle
from tests.signing.reference import consistency_proof, inclusion_path, tree_hash
from tests.vectors import make

VECTORS = Path(__file__).parents[1] / "vectors"
C2SP = VECTORS / "c2sp"

LOG = SigningKey("ledger.example/tenant-1", ED25519, bytes(range(32)))
WITNESS = SigningKey("witness.example/w1", COSIGNATURE, bytes(range(32, 64)))
TIME_S = 1767225600
ENTRIES = [b'{"seq":%d}' % number for number in range(300)]
LEAVES = leaf_hashes_of(ENTRIES)


def head(size: int) -> Checkpoint:
    return Checkpoint(LOG.name, size, tree_hash(LEAVES[:size]))


def cosigned() -> Note:
    note = sign_checkpoint(head(300), LOG)
    return add_signatures(note, cosign(note.text, WITNESS, TIME_S))


def request(old_size: int, size: int) -> AddCheckpoint:
    proof = consistency_proof(old_size, LEAVES[:size]) if 0 < old_size < size else []
    return AddCheckpoint(old_size, tuple(proof), sign_checkpoint(head(size), LOG))


class TestC2sp:
    def test_keys(self) -> None:
        vkey = "ledger.example/tenant-1+fc6bee99+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"
        key = "PRIVATE+KEY+ledger.example/tenant-1+fc6bee99+AQABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"
        assert (format_vkey(LOG.verifier), format_signing_key(LOG)) == (vkey, key)
        assert (parse_vkey(vkey), parse_signing_key(key)) == (LOG.verifier, LOG)
        witness = "witness.example/w1+20324abe+BCmsuuFBvMrwsi4alNNNC8c2HlJtC/4SyJeUvJMilm3X"
        assert parse_vkey(witness) == WITNESS.verifier

    def test_checkpoint_is_made_and_opened(self) -> None:
        raw = (C2SP / "log/checkpoint").read_bytes()
        assert format_note(cosigned()) == raw
        checkpoint, note = open_checkpoint(raw, LOG.verifier)
        assert checkpoint == head(300)
        (line,) = signatures_of(note, WITNESS.verifier)
        assert verify_cosignature(note.text, line, WITNESS.verifier) == TIME_S

    def test_tiles_are_made_and_read(self) -> None:
        edge = Edge.empty()
        full = dict(edge.extend(LEAVES[:200]) + edge.extend(LEAVES[200:]))
        made = {}
        for tile in tiles_of(300):
            if tile.level >= 0:
                raw = full[tile] if tile in full else edge.partial(tile.level, tile.index)
            else:
                entries = ENTRIES[tile.index * 256 :][: tile.width]
                raw = encode_bundle(entries)
                assert decode_bundle(raw, tile.width) == entries
            made[tile_path(tile)] = raw
        stored = {
            str(path.relative_to(C2SP / "log")): path.read_bytes()
            for path in (C2SP / "log/tile").rglob("*")
            if path.is_file()
        }
        assert made == stored

    def test_proof_is_made_and_verified(self) -> None:
        raw = (C2SP / "event7.tlog-proof").read_bytes()
        proof = TlogProof(7, tuple(inclusion_path(7, LEAVES)), cosigned(), b"hello")
        assert format_proof(proof) == raw
        assert parse_proof(raw) == proof
        assert grow(EMPTY_RANGE, LEAVES).prove(7) == proof.hashes
        assert verify_proof(proof, LEAVES[7], LOG.verifier) == head(300)
        assert encode_base64(LEAVES[7]) == "rD/oH6fhllK48botRvGUdq99M+VbzFLn9ssxFZsEZsY="

    def test_policy_line(self) -> None:
        line = (C2SP / "log.vkey").read_text()
        assert read_policy(line.rstrip("\n") + "\nquorum none\n").logs[0].key == LOG.verifier

    @pytest.mark.parametrize(
        ("name", "old", "size"), [("add-checkpoint0", 0, 200), ("add-checkpoint", 200, 300)]
    )
    def test_witness_requests_are_made(self, name: str, old: int, size: int) -> None:
        raw = (C2SP / f"witness/{name}.req").read_bytes()
        assert format_add_checkpoint(request(old, size)) == raw
        assert parse_add_checkpoint(raw) == request(old, size)

    def test_witness_answers_as_it_must(self) -> None:
        last: Checkpoint | None = None
        answers = []
        for name in ("add-checkpoint0", "add-checkpoint", "add-checkpoint", "refresh", "badproof", "nosig"):
            raw = (C2SP / f"witness/{name}.req").read_bytes()
            outcome = decide(last, parse_add_checkpoint(raw), Watched(LOG.name, (LOG.verifier,)))
            if isinstance(outcome, Cosignable):
                last = outcome.checkpoint
            answers.append((outcome.status, outcome.size) if isinstance(outcome, Refusal) else (200, None))
        assert answers == [(200, None), (200, None), (409, 300), (200, None), (422, None), (403, None)]

    def test_roots(self) -> None:
        assert encode_base64(head(200).root) == "yD6qJcI1jOWLpNrAwGkmCHLsIO1seuBZPlWUcKOGEk8="
        assert encode_base64(head(300).root) == "15eSMC/lwjZ4KVhvRRw/knYQ5R2oXVBQoubvHYTzzq8="
        proof = consistency_proof(200, LEAVES)
        verify_consistency(200, 300, proof, head(200).root, head(300).root)


class TestSets:
    known: dict[str, Any] = json.loads((VECTORS / "sets.json").read_text())
    key = bytes.fromhex(known["key_hex"])

    def test_handles(self) -> None:
        for native, expected in self.known["handles"].items():
            assert handle(self.key, "people", native) == expected
        assert handle(self.key, "people", 42) == self.known["handles"]["42"]
        composite = handle(self.key, "people", ["aardsda01", 2004, 1])
        assert composite == self.known["handles"]['["aardsda01",2004,1]']
        other = self.known["other_namespace"]["statistics/aardsda01"]
        assert handle(self.key, "statistics", "aardsda01") == other

    def test_blinding_commitment(self) -> None:
        assert encode_base64(blinding_commitment(self.key)) == self.known["blinding_commitment"]

    def test_digests(self) -> None:
        handles = [value.encode() for value in self.known["handles"].values()]
        thousand = [handle(self.key, "people", number).encode() for number in range(1000)]
        sets = {
            "empty": [],
            "one": handles[:1],
            "five": handles,
            "five_in_store_people": [line + b" people" for line in handles],
            "thousand": thousand,
        }
        assert {name: encode_base64(digest_of(lines).digest) for name, lines in sets.items()} == self.known[
            "digests"
        ]

    def test_row_key(self) -> None:
        assert sha256(canonicalise(["people"])).hexdigest()[:32] == self.known["row_key"]['["people"]']

    def test_a_bucket_is_sort_and_sha256sum_away(self) -> None:
        """The digest of one line, by hand: one bucket of one line, all others empty, sixteen levels up."""
        line = next(iter(self.known["handles"].values())).encode()
        nodes = [sha256(b"\x00" + sha256(b"").digest()).digest()] * 65536
        nodes[int(line[:4], 16)] = sha256(b"\x00" + sha256(line + b"\n").digest()).digest()
        while len(nodes) > 1:
            nodes = [node_hash(nodes[at], nodes[at + 1]) for at in range(0, len(nodes), 2)]
        assert encode_base64(nodes[0]) == self.known["digests"]["one"]


def verify_set(raw: bytes, given: dict[str, Any]) -> None:
    made = digest_of(raw.splitlines())
    if (made.count, encode_base64(made.digest)) != (given["count"], given["digest"]):
        raise ProofError("another set")


def verify_submission(raw: bytes, given: dict[str, Any]) -> None:
    before = decode_frontier(given["size_before"], given["frontier_before"])
    check_submission(parse_submission(raw), parse_vkey(given["vkey"]), before)


def verify_statement(raw: bytes, given: dict[str, Any]) -> None:
    note = parse_note(raw)
    parse_statement(note.text)
    for signer in ("operator", "assessor"):
        verify_note(note, parse_vkey(given[signer]))


def verify_cosigned(raw: bytes, given: dict[str, Any]) -> None:
    note = parse_note(raw)
    if verify_cosignature(note.text, note.signatures[1], parse_vkey(given["vkey"])) != given["time_s"]:
        raise ProofError("another time")


VERIFIERS: dict[str, Callable[[bytes, dict[str, Any]], object]] = {
    "vkey": lambda raw, given: parse_vkey(raw.decode()),
    "note": lambda raw, given: verify_note(parse_note(raw), parse_vkey(given["vkey"])),
    "checkpoint": lambda raw, given: open_checkpoint(raw, parse_vkey(given["vkey"])),
    "cosignature": verify_cosigned,
    "policy": lambda raw, given: parse_policy(raw.decode()),
    "log-list": lambda raw, given: read_log_list(raw.decode()),
    "tlog-proof": lambda raw, given: verify_proof(
        parse_proof(raw), decode_base64(given["leaf"]), parse_vkey(given["vkey"])
    ),
    "entry": lambda raw, given: parse_entry(raw),
    "submission": verify_submission,
    "attestation": lambda raw, given: open_attestation(
        parse_note(raw), parse_vkey(given["vkey"]), decode_base64(given["statement"])
    ),
    "set-digest": verify_set,
    "statement": verify_statement,
    "fork": lambda raw, given: verify_fork(parse_fork(raw), parse_vkey(given["vkey"])),
}
INDEXES: dict[str, dict[str, Any]] = {
    name: json.loads((VECTORS / name / "index.json").read_text()) for name in VERIFIERS
}
BAD = [(name, case["file"], case["fails"]) for name, index in INDEXES.items() for case in index["bad"]]


@pytest.mark.parametrize("name", VERIFIERS)
def test_good_file_verifies(name: str) -> None:
    VERIFIERS[name]((VECTORS / name / "good").read_bytes(), INDEXES[name]["given"])


@pytest.mark.parametrize(("name", "file", "fails"), BAD, ids=[f"{name}/{file}" for name, file, _ in BAD])
def test_bad_file_is_refused_as_its_index_says(name: str, file: str, fails: str) -> None:
    expected = FormatError if fails == "format" else ProofError
    with pytest.raises(expected):
        VERIFIERS[name]((VECTORS / name / file).read_bytes(), INDEXES[name]["given"])


def test_files_are_those_that_the_script_makes() -> None:
    made = make.files(make.FORMATS)
    committed = {
        f"{name}/{path.name}": path.read_bytes()
        for name in make.FORMATS
        for path in (VECTORS / name).iterdir()
    }
    assert committed == made
    assert set(make.FORMATS) == set(VERIFIERS)


def test_bad_files_differ_from_the_good_one() -> None:
    for name, index in INDEXES.items():
        contents = [(VECTORS / name / case["file"]).read_bytes() for case in index["bad"]]
        contents.append((VECTORS / name / "good").read_bytes())
        assert len(set(contents)) == len(contents)


def test_lax_decoding_would_accept_the_loose_vectors() -> None:
    """The left-over bits in these files are invisible to a decoder that does not encode again."""
    entry = (VECTORS / "entry/loose-previous").read_bytes().split(b"\n")[0].split(b" ")[3]
    good = (VECTORS / "entry/good").read_bytes().split(b"\n")[0].split(b" ")[3]
    assert entry != good
    assert base64.b64decode(entry) == base64.b64decode(good)
