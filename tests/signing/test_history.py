"""Every root that a log ever had can be recomputed, and a tampered tile is found."""

import pytest

from signing.errors import ProofError
from signing.history import History
from signing.merkle import leaf_hash, range_of, root_of
from signing.tiles import WIDTH, Tile, tile_root

LEAVES = [leaf_hash(b"%d" % number) for number in range(3 * WIDTH + 44)]


def read_tile(tile: Tile) -> bytes:
    assert tile.level in (0, 1)
    if tile.level == 0:
        return b"".join(LEAVES[tile.index * WIDTH :][: tile.width])
    return b"".join(tile_root(read_tile(Tile(0, index))) for index in range(tile.width))


def history(read_tile=read_tile, steps: tuple[int, ...] = (1, 2)) -> History:  # type: ignore[no-untyped-def]
    past = History(read_tile)
    done = 0
    for step in steps:
        roots = [
            range_of(0, LEAVES[at * WIDTH : (at + 1) * WIDTH]).nodes[0] for at in range(done, done + step)
        ]
        done += step
        past.extend(roots, LEAVES[done * WIDTH :] if done == 3 else [])
    return past


@pytest.mark.parametrize("steps", [(3,), (1, 1, 1), (2, 1)])
def test_every_past_root(steps: tuple[int, ...]) -> None:
    past = history(steps=steps)
    assert past.size == len(LEAVES)
    for size in (0, 1, 2, 3, 255, 256, 257, 511, 512, 513, 700, 767, 768, 769, 811, 812):
        assert past.root_at(size) == root_of(range_of(0, LEAVES[:size])), size


def test_upper_tiles_are_compared() -> None:
    history().compare_upper_tiles()

    def tampered(tile: Tile) -> bytes:
        raw = read_tile(tile)
        return raw if tile.level == 0 else raw[:-1] + bytes([raw[-1] ^ 1])

    with pytest.raises(ProofError, match=r"tile/1/000\.p/3: not the hashes"):
        history(tampered).compare_upper_tiles()


def test_a_tampered_level_0_tile_proves_nothing() -> None:
    def tampered(tile: Tile) -> bytes:
        return bytes([read_tile(tile)[0] ^ 1]) + read_tile(tile)[1:]

    with pytest.raises(ProofError, match="tile/0/001: not the hashes"):
        history(tampered).root_at(300)
