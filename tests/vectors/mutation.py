"""What the mutation vectors are made of: fixed keys, and cases with the one thing wrong about each."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from signing import (
    COSIGNATURE,
    ED25519,
    EMPTY_RANGE,
    Checkpoint,
    SigningKey,
    format_note,
    grow,
    leaf_hashes_of,
    sign_note,
)

LOG = SigningKey("ledger.example/clearview", ED25519, bytes(range(32)))
POSTER = SigningKey("crawler.clearview.example", ED25519, bytes(range(32, 64)))
OTHER = SigningKey("stranger.example", ED25519, bytes(range(64, 96)))
WITNESS = SigningKey("witness.example/w1", COSIGNATURE, bytes(range(96, 128)))
WITNESS_2 = SigningKey("witness.example/w2", COSIGNATURE, bytes(range(128, 160)))
TIME_S = 1767225600
ENTRIES = [b'{"seq":%d}' % number for number in range(11)]
TREE = grow(EMPTY_RANGE, leaf_hashes_of(ENTRIES))
HEAD = Checkpoint(LOG.name, len(ENTRIES), TREE.root)


class Case(NamedTuple):
    """A file that must be refused: as no format of ours, or as false."""

    name: str
    fails: str
    reason: str
    raw: bytes


class Vectors(NamedTuple):
    """One good file, what it is verified with, and the files made from it by one mutation each."""

    good: bytes
    given: Mapping[str, object]
    cases: list[Case]
    suffix: str = ""
    """Of the files' names."""


def bad(name: str, reason: str, raw: bytes) -> Case:
    """A case that no parser accepts."""
    return Case(name, "format", reason, raw)


def false(name: str, reason: str, raw: bytes) -> Case:
    """A case of the right format that does not verify."""
    return Case(name, "proof", reason, raw)


def altered(good: bytes, *changes: tuple[str, str, bytes | str, bytes | str]) -> Iterator[Case]:
    """Cases of wrong format, each by one replacement in the good file."""
    for name, reason, old, new in changes:
        before = old.encode() if isinstance(old, str) else old
        after = new.encode() if isinstance(new, str) else new
        assert before in good, name
        yield Case(name, "format", reason, good.replace(before, after, 1))


def flipped(raw: bytes, at: int = 0) -> bytes:
    """The bytes with the lowest bit of one of them changed."""
    return raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]


def loosened(encoded: str) -> str:
    """The same base64 value with a left-over bit set, which lax decoders ignore."""
    body = encoded.rstrip("=")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    return body[:-1] + alphabet[alphabet.index(body[-1]) + 1] + encoded[len(body) :]


def signed(text: str, signer: SigningKey = LOG) -> bytes:
    """A note over any text, well-formed or not."""
    return format_note(sign_note(text, signer))
