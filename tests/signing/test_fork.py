"""Evidence of a fork: it convinces when a log signed two histories, and never when it signed one."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signing.checkpoint import Checkpoint, sign_checkpoint
from signing.errors import FormatError, ProofError
from signing.fork import Fork, format_fork, parse_fork, verify_fork
from signing.keys import ED25519, SigningKey
from signing.merkle import leaf_hash, prefix_root, range_of, root_of
from signing.note import Note
from signing.tiles import Tile, parse_tile_path, prefix_from_tiles, static_tree, tiles_for_prefix
from tests.signing.mutating import nearly

KEY = SigningKey("ledger.example/l", ED25519, bytes(range(32)))
ENTRIES = [b"%d" % number for number in range(700)]
OTHERS = [*ENTRIES[:200], *(b"other %d" % number for number in range(200, 700))]


def root(entries: list[bytes]) -> bytes:
    return root_of(range_of(0, [leaf_hash(entry) for entry in entries]))


def signed(entries: list[bytes], key: SigningKey = KEY) -> Note:
    return sign_checkpoint(Checkpoint(key.name, len(entries), root(entries)), key)


def path(old_size: int, entries: list[bytes]) -> tuple[bytes, ...]:
    files = {parse_tile_path(name): raw for name, raw in static_tree(entries).items()}
    tiles: dict[Tile, bytes] = {tile: files[tile] for tile in tiles_for_prefix(old_size, len(entries))}
    return tuple(prefix_from_tiles(old_size, len(entries), tiles))


def evidence(old_size: int, size: int) -> Fork:
    proof = path(old_size, OTHERS[:size]) if old_size < size else ()
    return Fork(signed(ENTRIES[:old_size]), signed(OTHERS[:size]), proof)


@given(data=st.data())
def test_a_path_says_what_root_a_tree_had(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 700))
    old_size = data.draw(st.integers(1, size))
    found = prefix_root(old_size, size, path(old_size, ENTRIES[:size]), root(ENTRIES[:size]))
    assert found == root(ENTRIES[:old_size])


@pytest.mark.parametrize(("old_size", "size"), [(201, 201), (256, 300), (512, 700), (300, 700), (201, 512)])
def test_two_histories_are_proved(old_size: int, size: int) -> None:
    raw = format_fork(evidence(old_size, size))
    older, newer = verify_fork(parse_fork(raw), KEY.verifier)
    assert (older.size, newer.size) == (old_size, size)


@pytest.mark.parametrize(("old_size", "size"), [(1, 1), (100, 150), (128, 150), (128, 128), (200, 700)])
def test_one_history_is_never_accused(old_size: int, size: int) -> None:
    proof = path(old_size, OTHERS[:size]) if old_size < size else ()
    with pytest.raises(ProofError, match="no fork"):
        verify_fork(Fork(signed(ENTRIES[:old_size]), signed(OTHERS[:size]), proof), KEY.verifier)


def test_nobody_makes_up_a_fork() -> None:
    true = Fork(signed(ENTRIES[:300]), signed(ENTRIES), path(300, ENTRIES))
    stranger = SigningKey(KEY.name, ED25519, bytes(32))
    good = evidence(300, 700)
    for made_up in (
        Fork(true.older, true.newer, path(300, OTHERS)),
        Fork(true.older, true.newer, true.path[1:]),
        Fork(true.older, true.newer, (*true.path, bytes(32))),
        Fork(true.older, true.newer, ()),
        Fork(signed(ENTRIES[:300], stranger), good.newer, good.path),
        Fork(good.older, signed(OTHERS, stranger), good.path),
        Fork(signed(ENTRIES[:201]), signed(OTHERS[:201]), (bytes(32),)),
    ):
        with pytest.raises(ProofError):
            verify_fork(made_up, KEY.verifier)


def test_the_smaller_size_comes_first() -> None:
    good = evidence(300, 700)
    with pytest.raises(ProofError, match="wrong order"):
        verify_fork(Fork(good.newer, good.older, good.path), KEY.verifier)


@given(raw=st.one_of(st.binary(), nearly(format_fork(evidence(300, 700)))))
def test_parsing_is_exact_and_total(raw: bytes) -> None:
    with suppress(FormatError):
        assert format_fork(parse_fork(raw)) == raw
