"""The checker that uses none of our code, on a small log made with ours, whole and damaged."""

import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from signing import (
    ED25519,
    EMPTY_RANGE,
    ENTRIES,
    NO_PREVIOUS,
    Checkpoint,
    CompactRange,
    Edge,
    Entry,
    SigningKey,
    encode_bundle,
    format_entry,
    format_note,
    format_vkey,
    leaf_hash,
    leaf_hashes_of,
    make_submission,
    parse_entry,
    range_of,
    root_of,
    sign_checkpoint,
    tile_path,
    tiles_of,
)
from signing.entry import Kind

CHECK = Path(__file__).with_name("check.py")
LOG = SigningKey("ledger.example/clearview", ED25519, bytes(range(32)))
ADMIN = SigningKey("admin.example", ED25519, bytes(range(1, 33)))
CRAWLER = SigningKey("crawler.example", ED25519, bytes(range(2, 34)))

Body = tuple[Kind, bytes]


def bodies() -> list[Body]:
    """What two posters submitted: log.created, then 300 events in three turns."""
    created = json.dumps({"data": {"admin_vkey": format_vkey(ADMIN.verifier)}}).encode()
    events = [b'{"id":"%d"}' % number for number in range(300)]
    made: list[Body] = []
    frontiers = {ADMIN.name: EMPTY_RANGE, CRAWLER.name: EMPTY_RANGE}
    turns = [(ADMIN, [created]), (CRAWLER, events[:100]), (ADMIN, events[100:107]), (CRAWLER, events[107:])]
    for signer, lines in turns:
        before: CompactRange = frontiers[signer.name]
        submission, after = make_submission(signer, signer.name, before, LOG.name, None, lines)
        frontiers[signer.name] = after
        made += [("submission", format_note(submission.note)), *(("event", line) for line in lines)]
    return made


def chained(made: list[Body]) -> list[bytes]:
    """The ledger's entries over these bodies, as an operator who may be dishonest chains them."""
    entries: list[bytes] = []
    previous = NO_PREVIOUS
    for index, (kind, body) in enumerate(made):
        entries.append(format_entry(Entry(kind, index, 1767225600000000 + index, previous, body)))
        previous = leaf_hash(entries[-1])
    return entries


def tree_files(entries: list[bytes]) -> dict[str, bytes]:
    """The static tree, rightly signed by the log."""
    size, leaves, edge = len(entries), leaf_hashes_of(entries), Edge.empty()
    full = dict(edge.extend(leaves))
    checkpoint = sign_checkpoint(Checkpoint(LOG.name, size, root_of(range_of(0, leaves))), LOG)
    files = {"checkpoint": format_note(checkpoint)}
    for tile in tiles_of(size):
        if tile.level == ENTRIES:
            raw = encode_bundle(entries[tile.index * 256 :][: tile.width])
        else:
            raw = full[tile] if tile in full else edge.partial(tile.level, tile.index)
        files[tile_path(tile)] = raw
    return files


def check(tmp_path: Path, files: dict[str, bytes], *arguments: str) -> tuple[int, str]:
    with zipfile.ZipFile(tmp_path / "bundle.zip", "w") as archive:
        for name, raw in files.items():
            archive.writestr(name, raw)
    command = [sys.executable, "-I", str(CHECK), str(tmp_path / "bundle.zip"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_a_sound_bundle(tmp_path: Path) -> None:
    status, said = check(tmp_path, tree_files(chained(bodies())), format_vkey(LOG.verifier))
    assert status == 0, said
    for words in (
        "305 entries, signed by the log",
        "3 hash tiles",
        "source logs  2",
        "2 of admin.example verify",
    ):
        assert words in said
    status, said = check(
        tmp_path, tree_files(chained(bodies())), format_vkey(LOG.verifier), format_vkey(CRAWLER.verifier)
    )
    assert (status, "2 of crawler.example verify" in said) == (0, True)


def altered(made: list[Body]) -> list[Body]:
    return [*made[:20], ("event", b'{"id":"forged"}'), *made[21:]]


def dropped(made: list[Body]) -> list[Body]:
    return made[:20] + made[21:]


def reordered(made: list[Body]) -> list[Body]:
    return [*made[:20], made[21], made[20], *made[22:]]


def inserted(made: list[Body]) -> list[Body]:
    return [*made[:103], ("event", b'{"id":"forged"}'), *made[103:]]


def last_dropped(made: list[Body]) -> list[Body]:
    return made[:-1]


def repeated(made: list[Body]) -> list[Body]:
    """A submission of the crawler put in twice."""
    return [*made[:103], *made[2:103], *made[103:]]


@pytest.mark.parametrize(
    ("operator", "reason"),
    [
        (altered, "entry 2: its events do not give crawler.example's root"),
        (dropped, "entry 102: not the event due"),
        (reordered, "entry 2: its events do not give crawler.example's root"),
        (inserted, "entry 103: an event that no submission announces"),
        (last_dropped, "entry 304: not the event due"),
        (repeated, "entry 103: crawler.example had 100 events, not 0"),
    ],
)
def test_an_operator_who_chains_and_signs_anew_is_caught_by_the_posters_tree(
    operator: Callable[[list[Body]], list[Body]], reason: str, tmp_path: Path
) -> None:
    status, said = check(tmp_path, tree_files(chained(operator(bodies()))), format_vkey(LOG.verifier))
    assert status == 1
    assert f"WRONG: {reason}" in said


def test_an_entry_altered_in_place(tmp_path: Path) -> None:
    files = tree_files(chained(bodies()))
    files["tile/entries/000"] = files["tile/entries/000"].replace(b'{"id":"50"}', b'{"id":"05"}')
    status, said = check(tmp_path, files, format_vkey(LOG.verifier))
    assert (status, "entry 54: does not name the leaf hash before it" in said) == (1, True)


def test_the_last_entry_altered_in_place(tmp_path: Path) -> None:
    files = tree_files(chained(bodies()))
    files["tile/entries/001.p/49"] = files["tile/entries/001.p/49"].replace(b'{"id":"299"}', b'{"id":"992"}')
    status, said = check(tmp_path, files, format_vkey(LOG.verifier))
    assert (status, "the entries do not give the checkpoint's root" in said) == (1, True)


@pytest.mark.parametrize("name", ["tile/0/000", "tile/0/001.p/49", "tile/1/000.p/1"])
def test_one_flipped_byte_of_a_tile(name: str, tmp_path: Path) -> None:
    files = tree_files(chained(bodies()))
    raw = files[name]
    files[name] = raw[:17] + bytes([raw[17] ^ 1]) + raw[18:]
    status, said = check(tmp_path, files, format_vkey(LOG.verifier))
    assert (status, f"WRONG: {name}: not the hashes of the tree" in said) == (1, True)


@pytest.mark.parametrize("name", ["checkpoint", "tile/0/000", "tile/1/000.p/1", "tile/entries/001.p/49"])
def test_a_missing_file(name: str, tmp_path: Path) -> None:
    files = tree_files(chained(bodies()))
    del files[name]
    status, said = check(tmp_path, files, format_vkey(LOG.verifier))
    assert (status, f"WRONG: {name} is missing" in said) == (1, True)


def test_a_stray_tile(tmp_path: Path) -> None:
    files = tree_files(chained(bodies())) | {"tile/0/002": bytes(8192)}
    status, said = check(tmp_path, files, format_vkey(LOG.verifier))
    assert (status, "tile/0/002: no tile of this tree" in said) == (1, True)


def test_a_checkpoint_under_another_key(tmp_path: Path) -> None:
    imposter = SigningKey(LOG.name, ED25519, bytes(32))
    status, said = check(tmp_path, tree_files(chained(bodies())), format_vkey(imposter.verifier))
    assert (status, "the log's signature does not verify" in said) == (1, True)


def test_a_submission_signed_by_another_key_of_the_name(tmp_path: Path) -> None:
    imposter = SigningKey(CRAWLER.name, ED25519, bytes(32))
    arguments = (format_vkey(LOG.verifier), format_vkey(imposter.verifier))
    status, said = check(tmp_path, tree_files(chained(bodies())), *arguments)
    assert (status, "signature on its size 100 is false" in said) == (1, True)


def test_a_poster_who_is_not_there(tmp_path: Path) -> None:
    stranger = SigningKey("stranger.example", ED25519, bytes(32))
    arguments = (format_vkey(LOG.verifier), format_vkey(stranger.verifier))
    status, said = check(tmp_path, tree_files(chained(bodies())), *arguments)
    assert (status, "no submission here" in said) == (1, True)


def test_the_log_here_is_one_that_our_own_code_accepts() -> None:
    entries = [parse_entry(raw) for raw in chained(bodies())]
    assert [entry.index for entry in entries] == list(range(305))


def test_it_uses_none_of_our_code() -> None:
    source = CHECK.read_text()
    for module in ("signing", "projections", "ledger", "nacl", "msgspec"):
        assert f"import {module}" not in source
        assert f"from {module}" not in source
