"""Tiles: their names, their making, and proofs from them against RFC 6962."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signing import (
    EMPTY_RANGE,
    ENTRIES,
    Edge,
    FormatError,
    ProofError,
    Tile,
    consistency_from_tiles,
    decode_bundle,
    encode_bundle,
    frontier_from_tiles,
    grow,
    inclusion_from_tiles,
    leaf_hash,
    parse_tile_path,
    range_of,
    root_from_tiles,
    root_of,
    tile_at,
    tile_path,
    tile_root,
    tiles_for_consistency,
    tiles_for_inclusion,
    tiles_for_root,
    tiles_of,
    verify_consistency,
    verify_inclusion,
)
from signing.tiles import static_tree
from tests.signing.reference import consistency_proof, inclusion_path, tree_hash

LEAVES = [leaf_hash(b"%d" % number) for number in range(300)]
MANY = [leaf_hash(b"%d" % number) for number in range(70_000)]


def stored(leaves: list[bytes], step: int = 97) -> dict[Tile, bytes]:
    """All hash tiles of a tree that grew in steps."""
    edge = Edge.empty()
    tiles: dict[Tile, bytes] = {}
    for begin in range(0, len(leaves), step):
        tiles |= dict(edge.extend(leaves[begin : begin + step]))
    partial = [tile for tile in tiles_of(len(leaves)) if tile.level != ENTRIES and tile.width < 256]
    return tiles | {tile: edge.partial(tile.level, tile.index) for tile in partial}


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0), "tile/0/000"),
        (Tile(0, 1_234_067), "tile/0/x001/x234/067"),
        (Tile(1, 17, 44), "tile/1/017.p/44"),
        (Tile(63, 999), "tile/63/999"),
        (Tile(ENTRIES, 1000, 1), "tile/entries/x001/000.p/1"),
    ],
)
def test_paths(tile: Tile, path: str) -> None:
    assert tile_path(tile) == path
    assert parse_tile_path(path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/0", "tile/0/0000", "tile/0/x000/000", "tile/00/000", "tile/64/000", "tile/-1/000",
        "tile/0/1000", "tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/044",
        "/tile/0/000", "tile/0/000/", "tile/0/٠٠٠",
        "tile/data/000", "tile/0/x001", "tile/0/../000", "tile/0/000\n",
    ],
)  # fmt: skip
def test_other_spellings_are_refused(path: str) -> None:
    with pytest.raises(FormatError):
        parse_tile_path(path)


@given(st.integers(-1, 63), st.integers(0, 2**55 - 1), st.integers(1, 256))
def test_every_path_survives(level: int, index: int, width: int) -> None:
    tile = Tile(level, index, width)
    assert parse_tile_path(tile_path(tile)) == tile


def test_the_standards_example_of_70_000() -> None:
    tiles = [tile for tile in tiles_of(70_000) if tile.level != ENTRIES]
    assert len(tiles) == 273 + 1 + 1 + 1 + 1
    partial = [tile for tile in tiles if tile.width < 256]
    assert partial == [Tile(0, 273, 112), Tile(1, 1, 17), Tile(2, 0, 1)]


def test_a_full_tile_has_its_root_above() -> None:
    tiles = [tile for tile in tiles_of(256) if tile.level != ENTRIES]
    assert tiles == [Tile(0, 0), Tile(1, 0, 1)]
    assert list(tiles_of(0)) == []


def test_tiles_hold_subtree_roots() -> None:
    tiles = stored(MANY, step=999)
    assert sorted(tile_path(tile) for tile in tiles) == sorted(
        tile_path(tile) for tile in tiles_of(70_000) if tile.level != ENTRIES
    )
    assert tiles[Tile(0, 5)] == b"".join(MANY[5 * 256 : 6 * 256])
    assert tile_root(tiles[Tile(0, 5)]) == tiles[Tile(1, 0)][5 * 32 : 6 * 32]
    assert tiles[Tile(2, 0, 1)] == root_of(range_of(0, MANY[:65_536]))


@pytest.mark.parametrize("size", [1, 2, 3, 7, 255, 256, 257, 300])
def test_proofs_from_tiles_are_those_of_the_rfc(size: int) -> None:
    leaves, tiles = LEAVES[:size], stored(LEAVES[:size])
    assert root_from_tiles(size, {tile: tiles[tile] for tile in tiles_for_root(size)}) == tree_hash(leaves)
    assert frontier_from_tiles(size, tiles) == range_of(0, leaves)
    for index in range(0, size, 1 + size // 40):
        needed = {tile: tiles[tile] for tile in tiles_for_inclusion(index, size)}
        assert inclusion_from_tiles(index, size, needed) == inclusion_path(index, leaves)
    for old in range(1, size + 1, 1 + size // 40):
        needed = {tile: tiles[tile] for tile in tiles_for_consistency(old, size)}
        assert consistency_from_tiles(old, size, needed) == consistency_proof(old, leaves)


def test_proofs_across_three_levels_need_few_tiles() -> None:
    tiles, size = stored(MANY, step=4096), 70_000
    root = root_from_tiles(size, tiles)
    for index in (0, 255, 65_535, 65_536, 69_999):
        needed = tiles_for_inclusion(index, size)
        assert len(needed) <= 6
        proof = inclusion_from_tiles(index, size, {tile: tiles[tile] for tile in needed})
        verify_inclusion(MANY[index], index, size, proof, root)
    old = root_of(range_of(0, MANY[:66_000]))
    verify_consistency(66_000, size, consistency_from_tiles(66_000, size, tiles), old, root)


def test_one_tampered_hash_in_a_level_0_tile_is_caught() -> None:
    tiles, root = stored(LEAVES), tree_hash(LEAVES)
    raw = tiles[Tile(0, 0)]
    tiles[Tile(0, 0)] = raw[:1000] + bytes([raw[1000] ^ 1]) + raw[1001:]
    for index in (0, 30, 32, 255):
        proof = inclusion_from_tiles(index, 300, tiles)
        with pytest.raises(ProofError):
            verify_inclusion(LEAVES[index], index, 300, proof, root)


def test_missing_and_short_tiles_are_named() -> None:
    tiles = stored(LEAVES)
    del tiles[Tile(0, 0)]
    with pytest.raises(ProofError, match="tile/0/000"):
        inclusion_from_tiles(3, 300, tiles)
    with pytest.raises(ProofError, match=r"tile/0/001\.p/44"):
        inclusion_from_tiles(299, 300, {**tiles, Tile(0, 1, 44): bytes(32)})


@pytest.mark.parametrize("index", [-1, 300])
def test_a_leaf_outside_of_the_tree_has_no_proof(index: int) -> None:
    with pytest.raises(ProofError):
        tiles_for_inclusion(index, 300)


@pytest.mark.parametrize(("old", "new"), [(0, 5), (6, 5), (-1, 5)])
def test_sizes_without_consistency(old: int, new: int) -> None:
    with pytest.raises(ProofError):
        tiles_for_consistency(old, new)


@given(st.lists(st.integers(0, 600), max_size=8))
def test_an_edge_follows_growth_without_hashing_again(steps: list[int]) -> None:
    edge, frontier, size = Edge.empty(), EMPTY_RANGE, 0
    tiles: dict[Tile, bytes] = {}
    for step in steps:
        growth = grow(frontier, MANY[size : size + step])
        frontier, size = growth.frontier, size + step
        tiles |= dict(edge.follow(growth))
        assert edge.frontier() == frontier
    for (level, index), raw in ((((tile.level, tile.index), raw)) for tile, raw in tiles.items()):
        assert level > 0 or raw == b"".join(MANY[index * 256 : (index + 1) * 256])
    assert len([tile for tile in tiles if tile.level == 0]) == size // 256


def test_an_edge_resumes_from_its_open_tiles_only() -> None:
    edge = Edge.empty()
    edge.extend(MANY[:700])
    resumed = Edge(
        700, [MANY[512:700], [tile_root(b"".join(MANY[:256])), tile_root(b"".join(MANY[256:512]))]]
    )
    assert resumed.frontier() == edge.frontier() == range_of(0, MANY[:700])
    assert resumed.extend(MANY[700:800]) == edge.extend(MANY[700:800])
    for open_tiles in ([], [MANY[512:700]], [MANY[512:701], MANY[:2]], [MANY[512:700], MANY[:1]]):
        with pytest.raises(FormatError):
            Edge(700, open_tiles)


def test_a_copy_of_an_edge_grows_alone() -> None:
    edge = Edge.empty()
    edge.extend(LEAVES[:250])
    other = edge.copy()
    other.extend(LEAVES[250:])
    assert (edge.frontier(), other.frontier()) == (range_of(0, LEAVES[:250]), range_of(0, LEAVES))


def test_an_open_tile_is_read_where_it_is() -> None:
    edge = Edge.empty()
    edge.extend(LEAVES)
    assert edge.partial(0, 1) == b"".join(LEAVES[256:])
    assert edge.partial(1, 0) == tree_hash(LEAVES[:256])
    for level, index in ((0, 0), (0, 2), (2, 0)):
        with pytest.raises(FormatError):
            edge.partial(level, index)


def test_tile_at_a_size() -> None:
    assert tile_at(0, 1, 300) == Tile(0, 1, 44)
    assert tile_at(ENTRIES, 0, 300) == Tile(ENTRIES, 0, 256)
    for level, index in ((0, 2), (1, 1), (2, 0), (0, -1)):
        with pytest.raises(FormatError):
            tile_at(level, index, 300)


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_bundles_survive(entries: list[bytes]) -> None:
    assert decode_bundle(encode_bundle(entries), len(entries)) == entries


@given(st.binary(max_size=60), st.integers(0, 6))
def test_reading_bundles_is_exact_and_total(raw: bytes, count: int) -> None:
    with suppress(FormatError):
        assert encode_bundle(decode_bundle(raw, count)) == raw


def test_bundles_cut_off_or_too_long_are_refused() -> None:
    raw = encode_bundle([b"one", b"two"])
    for bad, count in ((raw[:-1], 2), (raw + b"\0", 2), (raw, 1), (raw, 3), (raw[:6], 2)):
        with pytest.raises(FormatError):
            decode_bundle(bad, count)
    with pytest.raises(FormatError):
        encode_bundle([bytes(65_536)])


def test_a_static_tree_is_byte_for_byte_the_vectors() -> None:
    log = Path(__file__).parents[1] / "vectors" / "c2sp" / "log"
    files = static_tree([b'{"seq":%d}' % number for number in range(300)])
    kept = {str(path.relative_to(log)): path.read_bytes() for path in log.rglob("*") if path.is_file()}
    assert files == {path: raw for path, raw in kept.items() if path != "checkpoint"}
