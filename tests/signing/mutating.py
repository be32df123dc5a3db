"""Bytes that are almost right: where a lax parser shows itself."""

from hypothesis import strategies as st

_INSERTED = st.sampled_from(
    [b"\n", b" ", b"0", b"=", b"+", b"-", b"\r", b"\t", b"\x00", b"\xc3\xa9", b"A", b"\n\n"]
)


@st.composite
def nearly(draw: st.DrawFn, good: bytes) -> bytes:
    """A good file with a few bytes inserted, dropped, replaced, or a piece of it moved."""
    raw = good
    for _ in range(draw(st.integers(1, 3))):
        begin = draw(st.integers(0, len(raw)))
        end = draw(st.integers(begin, min(begin + 4, len(raw))))
        piece = draw(st.one_of(st.just(b""), _INSERTED, st.binary(max_size=2), st.just(raw[begin:end])))
        at = draw(st.integers(0, len(raw)))
        raw = raw[:begin] + piece + raw[end:] if draw(st.booleans()) else raw[:at] + piece + raw[at:]
    return raw


def flips(raw: bytes) -> list[bytes]:
    """The bytes with one bit of one byte changed, for every byte."""
    return [raw[:at] + bytes([raw[at] ^ (1 << at % 8)]) + raw[at + 1 :] for at in range(len(raw))]
