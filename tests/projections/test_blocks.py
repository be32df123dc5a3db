"""Blocks: what is read back is what was put away; what is no block is refused."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.holdings import PARTS, Holding, Move, decode_row
from projections.patterns import Pattern, split
from projections.runners import blocks
from projections.runners.blocks import Block, PatternSet, Stretch, placed
from signing.errors import FormatError

STATES = st.builds(
    lambda index, other, kind: Holding({"faces": (Move(index, 10 * index, kind, 1), *other)}),
    st.integers(0, 5),
    st.sampled_from([(), (), (Move(9, 90, "copied", 2),)]),
    st.sampled_from(["held", "collected"]),
)
HANDLES = st.binary(min_size=16, max_size=16).map(bytes.hex)


def reading(raw: bytes) -> Callable[[int, int], bytes]:
    return lambda begin, size: raw[begin : begin + size]


def written(holdings: dict[str, Holding]) -> bytes:
    block = Block(PatternSet())
    for handle, holding in holdings.items():
        block.add(handle, holding)
    return b"".join(block.pieces())


def read(raw: bytes) -> dict[str, Stretch]:
    block = placed(0, len(raw), reading(raw), PatternSet())
    return {
        handle.hex(): stretch
        for number in range(PARTS)
        for handle, stretch in block.part(number, reading(raw))
        if handle[0] == number
    }


def state(stretch: Stretch) -> Holding:
    return decode_row(stretch) if isinstance(stretch, bytes) else stretch[0].holding(stretch[1])


@given(st.dictionaries(HANDLES, STATES, max_size=30))
def test_a_block_gives_back_what_was_added(holdings: dict[str, Holding]) -> None:
    found = read(written(holdings))
    assert {handle: state(stretch) for handle, stretch in found.items()} == holdings


def placed_by_pattern(patterns: PatternSet, texts: list[bytes]) -> list[bool]:
    return [patterns.meet(text) is not None for text in texts]


def test_what_comes_again_is_kept_by_pattern() -> None:
    one, other = (split(Holding({name: (Move(7, 8, "held", 1),)}))[1] for name in ("faces", "index"))
    patterns = PatternSet()
    assert placed_by_pattern(patterns, [one, other, one, one, other]) == [False, False, True, True, True]
    none = b'{"derived":[7]}'
    assert placed_by_pattern(patterns, [none, none, none]) == [False, False, False]


def test_what_never_comes_again_fills_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "MOST_PATTERNS", 3)
    texts = [split(Holding({f"s-{n}": (Move(7, 8, "held", 1),)}))[1] for n in range(9)]
    patterns = PatternSet()
    assert not any(placed_by_pattern(patterns, texts))
    assert len(patterns._met) <= 3
    assert (
        placed_by_pattern(patterns, [*texts[:1] * 2, *texts[1:2] * 2, *texts[2:3] * 2]) == [False, True] * 3
    )
    assert placed_by_pattern(patterns, [*texts[3:4] * 3, texts[0]]) == [False, False, False, True]


def test_a_block_is_of_the_length_that_its_table_says() -> None:
    raw = written({"0" * 32: Holding({"faces": (Move(7, 8, "held", 1),)})})
    for broken in (raw + b"!", raw[:-1], raw[:100]):
        with pytest.raises(FormatError):
            placed(0, len(broken), reading(broken), PatternSet())


def test_a_pattern_that_is_none_is_refused() -> None:
    raw = written({digit * 32: Holding({"faces": (Move(7, 8, "held", 1),)}) for digit in "01"})
    broken = raw.replace(b'\x00"held"', b'\x01"held"')
    with pytest.raises(FormatError, match="pattern"):
        placed(0, len(broken), reading(broken), PatternSet())


@given(st.binary(max_size=20), st.integers(0, 5_000), st.integers(0, 40))
def test_other_bytes_are_no_block(noise: bytes, at: int, most: int) -> None:
    raw = written({f"{n:02x}" + "0" * 30: Holding({"faces": (Move(n, 8, "held", 1),)}) for n in range(most)})
    broken = raw[:at] + noise + raw[at + len(noise) :]
    try:
        block = placed(0, len(broken), reading(broken), PatternSet())
    except FormatError:
        return
    assert all(isinstance(one, Pattern) for one in block.patterns)
